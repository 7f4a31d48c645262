"""Compare two runs, or two files with one truth, for readers: scores, tests, conclusions and cautions."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import Any, Self

from mebench.errors import RunError, refuse_if
from mebench.exchange import Answers, File
from mebench.grouping import grouped
from mebench.metrics import (
    LEVEL,
    ComparedScore,
    Comparison,
    Convention,
    Tables,
    catalogue,
    compare,
    holm,
    number_of_draws,
)
from mebench.number_format import number
from mebench.records.record import TRUTH_COLUMNS, VIDEO_COLUMNS, Record, read
from mebench.reports.scores import UNDEFINED, how_intervals, say_reason
from mebench.runs import TUNED, RunFolder, tables_of
from mebench.table import Column, Table
from mebench.terminal import print_lines, print_report

NOUNS = {"spot": "spotting", "recognize": "recognition"}
"""The tasks in words."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a run, or a prediction file with its truth.

    Attributes:
        name: id of the run, or the file.
        tables: predictions and truth.
        tasks: `spot`, `recognize`.
        kinds: the spotted kinds.
        classes: the scored classes.
        record: of the run.
        of_study: whether the run is an outer run of a study.
        others: further runs with the same settings and other seeds, by seed.
    """

    name: str
    tables: Tables
    tasks: Sequence[str]
    kinds: Sequence[str]
    classes: Sequence[str]
    record: Record | None = None
    of_study: bool = False
    others: "Sequence[Side]" = ()

    @classmethod
    def of_runs(cls, folders: Sequence[RunFolder], word: str) -> Self:
        """A finished run, or several that differ only in the seed.

        Raises:
            RunError: they differ in other settings.
        """
        records = sorted(map(read, folders), key=attrgetter("seed", "id"))
        seeds = {record.seed for record in records}
        if len(seeds) < len(records) or len({record.identity for record in records}) > 1:
            names = ", ".join(record.id for record in records)
            raise RunError(
                f"{len(records)} runs begin with {word!r}: {names}. Give more of the id; only runs that differ just "
                "in the seed are combined"
            )
        first, *others = map(cls.of_record, records)
        return replace(first, others=tuple(others))

    @property
    def seeds(self) -> list[int]:
        """The seeds of its runs."""
        return [side.record.seed for side in (self, *self.others) if side.record]

    @classmethod
    def of_record(cls, record: Record) -> Self:
        """A finished run, or the record of one."""
        folder, about = RunFolder(record.folder), record.about
        return cls(
            record.id, tables_of(folder), about["tasks"], about["kinds"], about["classes"], record, folder.of_study
        )

    @classmethod
    def of_file(cls, path: File, answers: Answers) -> Self:
        """A side from a file."""
        return cls(str(path), answers.tables, answers.tasks, answers.kinds, answers.classes)

    @property
    def title(self) -> str:
        """Method, settings and seed of a run before its id; for a file its name."""
        if self.record is None:
            return self.name
        settings = f" ({self.record.settings})" if self.record.settings else ""
        seeds = f"seed {self.record.seed}" if not self.others else f"seeds {', '.join(map(str, self.seeds))}"
        more = f" and {len(self.others)} more" if self.others else ""
        return f"{self.record.config['method']}{settings}, {seeds}: {self.name}{more}"

    def plain(self) -> dict[str, Any]:
        """A side of the comparison as data for JSON."""
        if self.record is None:
            return {"file": self.name}
        of_seeds = {"seeds": self.seeds, "run_ids": [side.name for side in (self, *self.others)]} if self.others else {}
        return {
            "run_id": self.name,
            "method": self.record.config["method"],
            "settings": self.record.settings,
            "seed": self.record.seed,
            **of_seeds,
        }


def compare_sides(first: Side, second: Side, convention: str, metrics: Sequence[str]) -> Comparison:
    """Compare two sides on the tasks of both.

    Raises:
        RunError: they have different truths, classes or protocols, or nothing in common.
        ConfigError: there is no such convention or metric.
    """
    for side in (second, *first.others, *second.others):
        if (difference := _difference_of_truths(first, side)) is not None:
            raise RunError(
                f"the runs {first.name} and {side.name} have different truths ({difference}): compare runs on the same dataset, "
                "with the same dataset settings and emotion scheme"
            )
    if first.record and second.record:
        one, other = first.record.about, second.record.about
        refuse_if(
            (
                one["protocol"] != other["protocol"],
                f"{first.name} was run under {one['protocol']}, {second.name} under {other['protocol']}: their "
                "training data differ, so compare runs under one protocol",
            ),
            (
                [fold["test"] for fold in one["folds"]] != [fold["test"] for fold in other["folds"]],
                f"{first.name} and {second.name} were run under {one['protocol']} with different folds: compare runs with equal folds",
            ),
            error=RunError,
        )
    tasks, kinds = shared(first, second)
    if not tasks or ("recognize" not in tasks and not kinds):
        does = [
            ", ".join([*map(NOUNS.__getitem__, side.tasks), *(side.kinds if "spot" in side.tasks else ())])
            for side in (first, second)
        ]
        raise RunError(f"the runs share no task: {first.name} does {does[0]}; {second.name}, {does[1]}")

    def compared(own: Tables) -> Tables:  # a part that only one side has cannot be compared
        predictions = own.predictions if "spot" in tasks else None
        if predictions is not None and "recognize" not in tasks:
            predictions = predictions.assign(emotion=None)
        return replace(own, predictions=predictions, clips=own.clips if "recognize" in tasks else None)

    both = ([compared(seed.tables) for seed in (side, *side.others)] for side in (first, second))
    return compare(*both, kinds=kinds, classes=first.classes, convention=convention, metrics=metrics)


def shared(first: Side, second: Side) -> tuple[list[str], list[str]]:
    """The tasks of both sides, and the kinds that both spot."""
    tasks = [name for name in first.tasks if name in second.tasks]
    return tasks, [kind for kind in first.kinds if kind in second.kinds] if "spot" in tasks else []


def _difference_of_truths(first: Side, second: Side) -> str | None:
    """The first difference of two truths, in words; None if they are equal."""
    datasets = [sorted(set(side.tables.videos["dataset"])) for side in (first, second)]
    if datasets[0] != datasets[1]:
        return f"the first is of {', '.join(datasets[0])}; the second, of {', '.join(datasets[1])}"
    for what, name, columns in (("video", "videos", VIDEO_COLUMNS), ("expression", "truths", TRUTH_COLUMNS)):
        tables = [getattr(side.tables, name)[list(columns)].astype(object) for side in (first, second)]
        rows = [[tuple(map(str, row)) for row in table.where(table.notna(), "").values] for table in tables]
        for which, ours, others in (("first", rows[0], rows[1]), ("second", rows[1], rows[0])):
            if alone := sorted(set(ours) - set(others)):
                cells = ", ".join(f"{column} {value}" for column, value in zip(columns, alone[0]) if value)
                return f"only the {which} has the {what} with {cells}; {len(alone)} differ"
        if sorted(rows[0]) != sorted(rows[1]):
            return f"a {what} occurs twice in one of them"
    if {"recognize"} <= {*first.tasks} & {*second.tasks} and sorted(first.classes) != sorted(second.classes):
        classes = [", ".join(side.classes) for side in (first, second)]
        return f"the first scores the classes {classes[0]}; the second, {classes[1]}"
    return None


def print_comparison(
    comparison: Comparison, first: Side, second: Side, sentences: Sequence[str], notes: Sequence[str]
) -> None:
    """Print tables, conclusions and remarks on standard output; nothing is cut or wrapped unless it is a terminal."""
    hardest = any(row.hardest for row in comparison.scores.values())
    columns = [Column("score", main=True), *(Column(name, right=True, score=True) for name in ("A", "B", "A - B"))]
    columns += [Column(f"{name}, hardest fifth", right=True, score=True) for name in "AB" if hardest]
    scores = Table(
        columns,
        [
            (
                in_words(path),
                *(
                    {**score, "digits": catalogue.find(path).digits}
                    for score in (
                        row.first,
                        row.second,
                        row.difference,
                        *row.hardest.get("scores", [UNDEFINED] * 2 * hardest),
                    )
                ),
            )
            for path, row in comparison.scores.items()
        ],
        f"scores ({comparison.subjects} subjects)",
    )
    print_lines("")
    print_report(f"A  {first.title}")
    print_report(f"B  {second.title}", scores, table_of_tests(comparison), *sentences, "", *notes)


def plain(
    comparison: Comparison, first: Side, second: Side, sentences: Sequence[str], notes: Sequence[str]
) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "first": first.plain(),
        "second": second.plain(),
        **comparison.plain(),
        "conclusions": list(sentences),
        "remarks": list(notes),
    }


def table_of_several(sides: Sequence[Side], comparisons: Sequence[Comparison]) -> Table:
    """Several runs compared with the first: scores, and p values of the differences, adjusted for all of them.

    Args:
        sides: the runs, two or more.
        comparisons: the comparison of the first with each other.
    """
    paths = [path for path in comparisons[0].scores if all(path in c.scores for c in comparisons)]
    adjusted = holm([c.scores[path].p for c in comparisons for path in paths])
    columns, rows = [Column("run", main=True)], [[side.title] for side in sides]
    for n, path in enumerate(paths):
        columns += [Column(in_words(path), right=True, score=True), Column("p (Holm)", right=True)]
        digits = {"digits": catalogue.find(path).digits}
        rows[0] += [{**comparisons[0].scores[path].first, **digits}, ""]  # type: ignore[list-item]
        for row, c, p in zip(rows[1:], comparisons, adjusted[n :: len(paths)]):
            row += [{**c.scores[path].second, **digits}, _p(p) or "-"]  # type: ignore[list-item]
    return Table(
        columns,
        rows,
        f"scores ({comparisons[0].subjects} subjects); p: difference from the first, adjusted for {len(adjusted)} tests",
    )


def in_words(path: str) -> str:
    """A score's path in words.

    >>> in_words("spotting.micro.f1"), in_words("spotting.micro.f1_at_iou.0.55"), in_words("recognition.members.samm.uf1")
    ('spotting, micro: F1', 'spotting, micro: F1 at IoU 0.55', 'recognition, samm: UF1')
    """
    words = [part.replace("_", " ") for part in re.split(r"\.(?!\d)", path)[:-1] if part not in {"members", "details"}]
    return f"{', '.join(words)}: {catalogue.find(path).label}"


def conclusions(comparison: Comparison) -> list[str]:
    """One sentence for each score: the better side, or the detectable difference."""
    return [f"{in_words(path)}: {_conclusion(path, row, comparison)}." for path, row in comparison.scores.items()]


def _conclusion(path: str, row: ComparedScore, comparison: Comparison) -> str:
    metric, difference = catalogue.find(path), row.difference["value"]
    if difference is None or row.p is None or row.p_holm is None:
        return "undefined for A or B, so nothing is compared"
    if row.same:
        return "it is the same for A and B, however the subjects are exchanged"
    several = len([r for r in comparison.scores.values() if r.p is not None])
    p = f"p {_compared(row.p)}" + (f", {_p(row.p_holm)} among {several} scores" if several > 1 else "")
    if row.p_holm < LEVEL:
        higher, lower = ("A", "B") if difference > 0 else ("B", "A")
        better, worse = (lower, higher) if metric.direction == "lower" else (higher, lower)
        # If 0 is best, the test concerns the difference and does not decide which value is nearer to 0.
        ranking = f"that of {higher} is higher" if metric.direction == "zero" else f"{better} is better than {worse}"
        values = [number(score["value"], metric.digits) for score in (row.first, row.second)]
        return f"{ranking} ({values[0]} against {values[1]}; {p})"
    sentence = f"no difference is shown (A - B = {number(difference, metric.digits)}; {p})"
    if row.detectable is None:
        return sentence
    if _beyond_all(path, row):
        return f"{sentence}; with these {row.subjects} subjects, one test alone finds no true difference in 4 of 5 cases, however large"
    return (
        f"{sentence}; with these {row.subjects} subjects, one test alone finds a true difference of "
        f"{number(row.detectable, metric.digits)} in 4 of 5 cases, smaller ones less often"
    )


def _beyond_all(path: str, row: ComparedScore) -> bool:
    """Whether the detectable difference exceeds any possible difference of two shares."""
    return row.detectable is not None and row.detectable > 1 and catalogue.find(path).scale == "share"


def remarks(comparison: Comparison, first: Side, second: Side, rule: Convention) -> list[str]:
    """Remarks for judging the numbers."""
    scores = comparison.scores.values()
    tested = sum(row.p is not None for row in scores)
    exchanges = f"all {comparison.permutations}" if comparison.exact else f"{comparison.permutations} random"
    among = f", {tested / comparison.permutations:.4f} among {tested} scores" if tested > 1 else ""
    tasks, kinds = shared(first, second)
    reasons = grouped(
        [
            (score["reason"], f"{in_words(path)} of {letter}")
            for path, row in comparison.scores.items()
            for letter, score in (("A", row.first), ("B", row.second), ("A - B", row.difference))
            if "reason" in score
        ],
        key=itemgetter(0),
    )
    of_sides: list[str] = []
    for letter, side in (("A", first), ("B", second)):
        alone = [NOUNS[name] for name in side.tasks if name not in tasks]
        alone += [name for name in side.kinds if name not in kinds and "spot" in tasks]
        draws = number_of_draws(side.tables)
        of_sides += [
            f"only {letter} does {', '.join(alone)}: left out" if alone else "",
            f"{letter} predicts by chance in {draws} draws: the first one is compared" if draws > 1 else "",
        ]
    clips = comparison.mcnemar
    sentences = [
        f"convention {rule.describe()}",
        (
            f"{how_intervals(comparison.subjects, comparison.interval, comparison.draws)}; the intervals of A - B "
            "are paired, for shares recovered from both intervals, which is cautious: the p value decides"
        ),
        f"p: two-sided permutation test over subjects, {exchanges} exchanges of the predictions of A and B",
        (
            f"with {comparison.subjects} subjects no p can be below {1 / comparison.permutations:.4f}{among}: "
            "they are too few to show any difference, however large"
            if comparison.exact and tested / comparison.permutations >= LEVEL
            else ""
        ),
        (
            "p (Wilcoxon) and the rank-biserial effect size use only the subjects with a defined score of their own"
            if any(0 < row.wilcoxon_n < row.subjects for row in scores)
            else ""
        ),
        (
            "p (Wilcoxon) is not given for means over classes (UF1, UAR, STRS): few subjects show every class, "
            "so it would rarely find a difference that the permutation test finds"
            if not all(row.wilcoxon_n for row in scores)
            else ""
        ),
        (
            f"{tested} scores are tested at once: p (Holm) keeps the chance of any false alarm among them at 5 %; the conclusions use it"
            if tested > 1
            else ""
        ),
        *_of_runs(first, second),
        *of_sides,
        *(
            f"no interval for {'; '.join(score for _, score in missing)}: {say_reason(reason)}"
            for reason, missing in reasons.items()
        ),
        (
            f"McNemar's exact test over annotated clips: {clips.first_only} are right only in A, "
            f"{clips.second_only} only in B, p {_compared(clips.p)}; unlike the permutation test, it treats the "
            "clips of one face as independent"
            if clips
            else ""
        ),
        *(side.record.about["remark"] for side in (first, second) if side.record),
    ]
    return list(dict.fromkeys(filter(None, sentences)))


def _of_runs(first: Side, second: Side) -> Iterator[str]:
    """Other differences between two runs: data, settings, or randomness of training."""
    one, other = first.record, second.record
    if one is None or other is None:
        return
    if one.data != other.data:
        a, b = (record.data or "the defaults" for record in (one, other))
        yield (
            f"the settings of the dataset differ (A: {a}; B: {b}): the runs used different images, so not only "
            "the methods differ"
        )
    studies = [letter for letter, side in (("A", first), ("B", second)) if side.of_study]
    yield from (
        f"{letter} is an outer run of a study: its tuned values are in its {TUNED}, and its settings are those of the study"
        for letter in studies
    )
    if studies:
        return
    if first.others or second.others:
        for letter, side in (("A", first), ("B", second)):
            yield (
                f"{letter}: each score is the mean over seeds {', '.join(map(str, side.seeds))}"
                if side.others
                else (f"{letter} is one training (seed {side.seeds[0]}): the effect of its seed is not averaged")
            )
        yield (
            "a subject is drawn and exchanged under all seeds at once: the tests concern other subjects, at these seeds"
        )
        return
    if one.key == other.key:
        yield "the runs have the same settings, data and seed: differences come from the machine alone"
    elif one.identity == other.identity and one.seed == other.seed:
        yield "the runs have the same settings and seed: the code of method or dataset differs"
    elif one.identity == other.identity:
        yield (
            f"the runs differ only in the seed ({one.seed} and {other.seed}), so the difference is chance in training"
        )
    else:
        yield (
            f"each run is one training (seeds {one.seed} and {other.seed}): the tests concern other subjects, "
            "not other seeds; compare several seeds of each"
        )


def _p(value: float | None) -> str:
    return "" if value is None else "<0.0001" if value < 0.0001 else f"{value:.4f}"


def _compared(p: float) -> str:
    return f"= {_p(p)}" if p >= 0.0001 else "< 0.0001"


def table_of_tests(comparison: Comparison) -> Table:
    """The tests of each score: p values, effect size, and the smallest difference that they find in 4 of 5 cases."""
    heads = ("p", "p (Holm)", "p (Wilcoxon)", "subjects", "rank-biserial", "detectable, 80 % power")
    return Table(
        [Column("score", main=True), *(Column(head, right=True) for head in heads)],
        [
            (
                in_words(path),
                *(_p(p) or "-" for p in (row.p, row.p_holm, row.wilcoxon_p)),
                row.wilcoxon_n,
                number(row.rank_biserial, 2),
                "> 1" if _beyond_all(path, row) else number(row.detectable, catalogue.find(path).digits),
            )
            for path, row in comparison.scores.items()
        ],
        "tests of A - B",
    )
