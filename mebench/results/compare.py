"""Two runs side by side as a person reads them: scores, tests, what follows, and what to keep in mind."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from mebench.console import console, empty_table
from mebench.metrics.catalogue import find
from mebench.metrics.comparison import ComparedScore, Comparison
from mebench.metrics.conventions import Convention
from mebench.results.record import Record
from mebench.results.render.scores import INTERVAL, figure, interval

LEVEL = 0.05


@dataclass(frozen=True)
class Side:
    """One of the two runs; `draws` is the number of random draws of its predictions."""

    record: Record
    draws: int = 1

    @property
    def title(self) -> str:
        """Method, settings and seed."""
        settings = f" ({self.record.settings})" if self.record.settings else ""
        return f"{self.record.config['method']}{settings}, seed {self.record.seed}"


def print_comparison(
    comparison: Comparison, first: Side, second: Side, said: Sequence[str], notes: Sequence[str]
) -> None:
    """Print tables, conclusions and remarks on standard output; nothing is cut or wrapped where that is no terminal."""
    out = console()
    out.print()
    for letter, side in (("A", first), ("B", second)):
        out.print(f"{letter}  {side.title}: {side.record.id}", markup=False, style="bold", soft_wrap=True)
    out.print(_scores(comparison))
    out.print(_tests(comparison))
    for line in [*said, "", *notes]:
        out.print(line, markup=False, soft_wrap=True)


def plain(
    comparison: Comparison, first: Side, second: Side, said: Sequence[str], notes: Sequence[str]
) -> dict[str, Any]:
    """The same for JSON."""
    sides = {
        name: {
            "run_id": side.record.id,
            "method": side.record.config["method"],
            "settings": side.record.settings,
            "seed": side.record.seed,
        }
        for name, side in (("first", first), ("second", second))
    }
    return {**sides, **comparison.plain(), "conclusions": list(said), "remarks": list(notes)}


def in_words(path: str) -> str:
    """A score's path in words.

    >>> in_words("spotting.micro.f1"), in_words("spotting.micro.f1_at_iou.0.55"), in_words("recognition.members.samm.uf1")
    ('spotting, micro: F1', 'spotting, micro: F1 at IoU 0.55', 'recognition, samm: UF1')
    """
    section = re.split(r"\.(?!\d)", path)[:-1]
    words = [part.replace("_", " ") for part in section if part not in {"members", "details"}]
    return f"{', '.join(words)}: {find(path).label}"


def conclusions(comparison: Comparison) -> list[str]:
    """One sentence for each score: who is better, or what could have been seen."""
    return [f"{in_words(path)}: {_conclusion(path, row, comparison)}." for path, row in comparison.scores.items()]


def _conclusion(path: str, row: ComparedScore, comparison: Comparison) -> str:
    digits = find(path).digits
    difference = row.difference["value"]
    if difference is None or row.p is None or row.p_holm is None:
        return "undefined for at least one of the runs, so nothing is compared"
    if row.same:
        return "nothing that this score sees differs between the runs"
    several = len([r for r in comparison.scores.values() if r.p is not None])
    p = f"p {_compared(row.p)}" + (f", {_p(row.p_holm)} among {several} scores" if several > 1 else "")
    if row.p_holm < LEVEL:
        values = f"{figure(row.first['value'], digits)} against {figure(row.second['value'], digits)}"
        return f"{_ranking(path, difference)} ({values}; {p})"
    shown = f"no difference is shown (A - B = {figure(difference, digits)}; {p})"
    if row.detectable is None:
        return shown
    return (
        f"{shown}; with these {row.subjects} subjects, one test alone finds a true difference of "
        f"{figure(row.detectable, digits)} in 4 of 5 cases, smaller ones less often"
    )


def _ranking(path: str, difference: float) -> str:
    higher, lower = ("A", "B") if difference > 0 else ("B", "A")
    direction = find(path).direction
    if direction == "zero":  # the test is about the difference: which of two is nearer to 0 it leaves open
        return f"that of {higher} is higher"
    better, worse = (lower, higher) if direction == "lower" else (higher, lower)
    return f"{better} is better than {worse}"


def remarks(
    comparison: Comparison, first: Side, second: Side, rule: Convention, tasks: Sequence[str], kinds: Sequence[str]
) -> list[str]:
    """What a reader must know to trust the numbers."""
    scores = comparison.scores.values()
    number = sum(row.p is not None for row in scores)
    rest = f"; of what is no share bootstrap, {comparison.draws} draws" if comparison.interval == "bootstrap" else ""
    exchanges = f"all {comparison.permutations}" if comparison.exact else f"{comparison.permutations} random"
    among = f", {number / comparison.permutations:.4f} among {number} scores" if number > 1 else ""
    a, b = (side.record.data or "the defaults" for side in (first, second))
    said: list[tuple[object, str]] = [
        (True, f"convention {rule.describe()}"),
        (
            True,
            f"intervals: 95 % jackknife over {comparison.subjects} subjects{rest}; those of A - B paired, of shares recovered from "
            "both intervals, which is cautious: the p value decides",
        ),
        (True, f"p: two-sided permutation test over subjects, {exchanges} exchanges of the two runs' predictions"),
        (
            comparison.exact and number / comparison.permutations >= LEVEL,
            f"with {comparison.subjects} subjects no p can be below {1 / comparison.permutations:.4f}{among}: these are too few to show "
            "any difference, however large",
        ),
        (
            any(0 < row.wilcoxon_n < row.subjects for row in scores),
            "p (Wilcoxon) and the rank-biserial effect size see only the subjects for whom the score is defined by itself",
        ),
        (
            any(not row.wilcoxon_n for row in scores),
            "p (Wilcoxon) is not given for means over classes (UF1, UAR, STRS): few subjects show every class, so it would hardly "
            "ever find a difference that the permutation test finds",
        ),
        (
            number > 1,
            f"{number} scores are tested at once: p (Holm) keeps the chance of any false alarm among them at 5 %; the conclusions use it",
        ),
        (
            first.record.data != second.record.data,
            f"the settings of the dataset differ (A: {a}; B: {b}): the runs saw different pictures, so not the methods alone differ",
        ),
        (True, _seeds(first.record, second.record)),
        *((True, line) for line in _left_out(first, second, tasks, kinds)),
        *((True, line) for line in _without_interval(comparison)),
        *(
            (
                True,
                f"McNemar's exact test over annotated clips: {found.first_only} are right in A alone, {found.second_only} in B alone, "
                f"p {_compared(found.p)}; it takes the clips of one face as independent, which the permutation test does not",
            )
            for found in [comparison.mcnemar]
            if found
        ),
        *((side.record.about["remark"], side.record.about["remark"]) for side in (first, second)),
    ]
    return list(dict.fromkeys(line for holds, line in said if holds))


def _seeds(first: Record, second: Record) -> str:
    if first.key == second.key:
        return "the runs have the same settings, data and seed: differences come from the machine alone"
    if first.identity == second.identity and first.seed == second.seed:
        return "the runs have the same settings and seed: the code of method or dataset differs"
    if first.identity == second.identity:
        return f"the runs differ in nothing but the seed ({first.seed} and {second.seed}): what differs is the chance in training"
    return (
        f"each run is one training (seeds {first.seed} and {second.seed}): the tests speak about other subjects, not about "
        "other seeds; compare several seeds of each"
    )


def _left_out(first: Side, second: Side, tasks: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    for letter, side in (("A", first), ("B", second)):
        about = side.record.about
        alone = [name for name in about["tasks"] if name not in tasks]
        if "spot" in tasks:
            alone += [name for name in about["kinds"] if name not in kinds]
        if alone:
            yield f"only {letter} does {', '.join(alone)}: left out"
        if side.draws > 1:
            yield f"{letter} predicts by chance in {side.draws} draws: the first one is compared"


def _without_interval(comparison: Comparison) -> Iterator[str]:
    """Why scores have no interval, a line for each reason."""
    found: dict[str, list[str]] = {}
    for path, row in comparison.scores.items():
        for letter, score in (("A", row.first), ("B", row.second), ("A - B", row.difference)):
            if "reason" in score:
                found.setdefault(score["reason"], []).append(f"{in_words(path)} of {letter}")
    for reason, scores in found.items():
        yield f"no interval of {'; '.join(scores)}: {reason}"


def _p(value: float | None) -> str:
    return "" if value is None else "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _compared(p: float) -> str:
    return f"= {_p(p)}" if p >= 0.0001 else "< 0.0001"


def _scores(comparison: Comparison) -> Table:
    columns = ("score", "A", INTERVAL, "B", INTERVAL, "A - B", INTERVAL)
    table = empty_table(f"scores ({comparison.subjects} subjects)", columns, ("score",))
    for path, row in comparison.scores.items():
        digits = find(path).digits
        cells = [
            text
            for score in (row.first, row.second, row.difference)
            for text in (figure(score["value"], digits), interval(score, digits))
        ]
        table.add_row(in_words(path), *cells)
    return table


def _tests(comparison: Comparison) -> Table:
    columns = ("score", "p", "p (Holm)", "p (Wilcoxon)", "subjects", "rank-biserial", "detectable, 80 % power")
    table = empty_table("tests of A - B", columns, ("score",))
    for path, row in comparison.scores.items():
        table.add_row(
            in_words(path),
            _p(row.p) or "-",
            _p(row.p_holm) or "-",
            _p(row.wilcoxon_p) or "-",
            str(row.wilcoxon_n),
            figure(row.rank_biserial, 2),
            figure(row.detectable, find(path).digits),
        )
    return table
