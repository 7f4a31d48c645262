"""Compare two runs, or two files with one truth, for readers: scores, tests, conclusions and cautions."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from mebench.errors import RunError
from mebench.exchange.answers import Answers
from mebench.exchange.text_table import File
from mebench.metrics import RunComparison, Tables, catalogue
from mebench.metrics.chance import recognition_chance
from mebench.metrics.compared_tables import LEVEL, ComparedScore, compare_tables
from mebench.metrics.conventions import Convention
from mebench.metrics.metric import Metric
from mebench.metrics.mistakes import number_of_draws
from mebench.metrics.paired import holm
from mebench.metrics.score_table import ScoreTable
from mebench.output.number_format import format_number
from mebench.output.table import Column, ShownScore, Table
from mebench.output.terminal import print_lines, print_report
from mebench.records.record import TRUTH_COLUMNS, VIDEO_COLUMNS, Record, read_record
from mebench.reports.result_sentence import StatedScore, result_sentence
from mebench.reports.scores import enumerate_names, how_intervals, say_reason
from mebench.runs import RunFolder
from mebench.runs.folder import TUNED, list_with_newest
from mebench.runs.scoring import read_tables
from mebench.score_type import UNDEFINED, Score

if TYPE_CHECKING:
    import pandas as pd

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
        record: record of the run.
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
    others: Sequence[Side] = ()

    @classmethod
    def of_runs(cls, folders: Sequence[RunFolder], word: str) -> Self:
        """A finished run, or several that differ only in the seed.

        Raises:
            RunError: they differ in other settings.
        """
        records = sorted(map(read_record, folders), key=attrgetter("seed", "id"))
        seeds = {record.seed for record in records}
        if len(seeds) < len(records) or len({record.identity for record in records}) > 1:
            raise RunError(
                f"{len(records)} runs begin with {word!r}: {list_with_newest(folders)}. Give more of the id; only runs that "
                "differ just in the seed are combined"
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
        folder = RunFolder(record.folder)
        about = record.about
        return cls(
            record.id, read_tables(folder), about["tasks"], about["kinds"], about["classes"], record, folder.of_study
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
        trained = f", pretrained on {self.record.pretrained}" if self.record.pretrained else ""
        return f"{self.record.config['method']}{settings}{trained}, {seeds}: {self.name}{more}"

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
            **({"loaded": self.record.loaded, "pretrained": self.record.pretrained} if self.record.pretrained else {}),
            **of_seeds,
        }


def compare_sides(first: Side, second: Side, convention: str, metrics: Sequence[str]) -> RunComparison:
    """Compare two sides on the tasks of both.

    Raises:
        RunError: they have different truths, classes or protocols, or nothing in common.
        ConfigError: there is no such convention or metric.
    """
    for side in (second, *first.others, *second.others):
        difference = _difference_of_truths(first, side)
        if difference is not None:
            raise RunError(
                f"the runs {first.name} and {side.name} have different truths ({difference}): compare runs on the same dataset, "
                "with the same dataset settings and emotion scheme"
            )
    _check_protocols(first, second)
    tasks, kinds = find_shared_tasks(first, second)
    if not tasks or ("recognize" not in tasks and not kinds):
        raise RunError(
            f"the runs share no task: {first.name} does {_tasks_in_words(first)}; {second.name}, {_tasks_in_words(second)}"
        )
    own = [_shared_tables(side.tables, tasks) for side in (first, *first.others)]
    other = [_shared_tables(side.tables, tasks) for side in (second, *second.others)]
    return compare_tables(own, other, kinds=kinds, classes=first.classes, convention=convention, metrics=metrics)


def _check_protocols(first: Side, second: Side) -> None:
    """Refuse two runs of different protocols or folds.

    Raises:
        RunError: the protocols or the tested subjects of the folds differ.
    """
    if not first.record or not second.record:
        return
    one = first.record.about
    other = second.record.about
    if one["protocol"] != other["protocol"]:
        raise RunError(
            f"{first.name} was run under {one['protocol']}, {second.name} under {other['protocol']}: their "
            "training data differ, so compare runs under one protocol"
        )
    if [fold["test"] for fold in one["folds"]] != [fold["test"] for fold in other["folds"]]:
        raise RunError(
            f"{first.name} and {second.name} were run under {one['protocol']} with different folds: compare runs with equal folds"
        )


def _tasks_in_words(side: Side) -> str:
    """The tasks of a side, and the kinds that it spots."""
    kinds = side.kinds if "spot" in side.tasks else ()
    return ", ".join([*(NOUNS[task] for task in side.tasks), *kinds])


def _shared_tables(tables: Tables, tasks: Collection[str]) -> Tables:
    """Tables without the answers that only one side gives."""
    predictions = tables.predictions if "spot" in tasks else None
    if predictions is not None and "recognize" not in tasks:
        predictions = predictions.assign(emotion=None)
    return replace(tables, predictions=predictions, clips=tables.clips if "recognize" in tasks else None)


def find_shared_tasks(first: Side, second: Side) -> tuple[list[str], list[str]]:
    """The tasks of both sides, and the kinds that both spot."""
    tasks = [name for name in first.tasks if name in second.tasks]
    if "spot" not in tasks:
        return tasks, []
    return tasks, [kind for kind in first.kinds if kind in second.kinds]


def _difference_of_truths(first: Side, second: Side) -> str | None:
    """The first difference of two truths, in words; None if they are equal."""
    own, other = (sorted(set(side.tables.videos["dataset"])) for side in (first, second))
    if own != other:
        return f"the first is of {', '.join(own)}; the second, of {', '.join(other)}"
    videos = _difference_of_rows("video", first.tables.videos, second.tables.videos, VIDEO_COLUMNS)
    if videos is not None:
        return videos
    truths = _difference_of_rows("expression", first.tables.truths, second.tables.truths, TRUTH_COLUMNS)
    if truths is not None:
        return truths
    both_recognize = "recognize" in first.tasks and "recognize" in second.tasks
    if both_recognize and sorted(first.classes) != sorted(second.classes):
        return f"the first scores the classes {', '.join(first.classes)}; the second, {', '.join(second.classes)}"
    return None


def _difference_of_rows(what: str, first: pd.DataFrame, second: pd.DataFrame, columns: Sequence[str]) -> str | None:
    """The first row that only one of two tables has, in words; None if they have the same rows."""
    if first[[*columns]].equals(second[[*columns]]):  # as nearly always: words of a million cells take seconds
        return None
    own, other = _text_rows(first, columns), _text_rows(second, columns)
    for which, rows, others in (("first", own, other), ("second", other, own)):
        alone = sorted(set(rows) - set(others))
        if alone:
            cells = ", ".join(f"{column} {value}" for column, value in zip(columns, alone[0]) if value)
            return f"only the {which} has the {what} with {cells}; {len(alone)} differ"
    if sorted(own) != sorted(other):
        return f"a {what} occurs twice in one of them"
    return None


def _text_rows(table: pd.DataFrame, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of some columns as text, empty where missing."""
    cells = table[list(columns)].astype(object)
    return [tuple(str(cell) for cell in row) for row in cells.where(cells.notna(), "").values]


def print_comparison(
    comparison: RunComparison, first: Side, second: Side, sentences: Sequence[str], notes: Sequence[str]
) -> None:
    """Print tables, conclusions and remarks on standard output; nothing is cut or wrapped unless it is a terminal."""
    print_lines("")
    tables = _table_of_scores(comparison), table_of_tests(comparison)
    stated = state_sides([first, second], comparison)
    print_report(f"A  {first.title}")
    print_report(f"B  {second.title}", *tables, *sentences, *stated, "", *notes)


def state_sides(sides: Sequence[Side], *comparisons: RunComparison) -> list[str]:
    """Each compared run as a whole result by the first compared score; no sentence on files.

    Args:
        sides: the first side and the others.
        comparisons: comparison of the first with each other side.
    """
    path, compared = next(iter(comparisons[0].scores.items()))
    scores = [compared.first, *(one.scores[path].second for one in comparisons)]
    rule = comparisons[0].convention
    return [
        f"{letter}: {_state_side(side, path, score, rule)}"
        for letter, side, score in zip(letters_of(sides), sides, scores)
        if side.record is not None
    ]


def _state_side(side: Side, path: str, score: Score, convention: str) -> str:
    """A compared run with its changed settings, all its seeds, and the level of chance.

    Summaries scored under other rules do not know the single seeds.
    """
    records = [one.record for one in (side, *side.others) if one.record is not None]
    chance = _chance_beside(side, path, convention)
    is_by_chance = number_of_draws(side.tables) > 1  # only its first draw is compared, which no summary holds
    if not is_by_chance and all(record.convention == convention for record in records):
        tables = [ScoreTable.read(record.summary) for record in records]
        values = [table.by_path().get(path, UNDEFINED).value for table in tables]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            score = replace(score, lowest=min(known), highest=max(known))
    label, digits = score_path_in_words(path), catalogue.find_metric(path).digits
    stated = StatedScore(label, score, chance, digits)
    interval = "mean" if side.others else "run"
    first = records[0]
    return result_sentence(first.method, first.settings, side.seeds, stated, interval, unpublished=first.unpublished)


def _chance_beside(side: Side, path: str, convention: str) -> Score:
    """The level of chance of a score: as the run holds it, for clips that of always the most frequent class."""
    _, *parts, metric = path.split(".")
    if path.startswith("recognition") and not parts:
        level = recognition_chance(side.tables, side.classes, convention).get(metric)
        return UNDEFINED if level is None else Score.from_plain(level)
    if side.record is None or side.record.convention != convention:
        return UNDEFINED
    return ScoreTable.read(side.record.summary).chance_at(path)


def _table_of_scores(comparison: RunComparison) -> Table:
    """A row for A, for B and for their difference under each score."""
    hardest = any(row.hardest for row in comparison.scores.values())
    rows: list[str | list[Any]] = []
    for path, row in comparison.scores.items():
        shown = partial(ShownScore, digits=catalogue.find_metric(path).digits)
        of_hardest = [*map(Score.from_plain, row.hardest.get("scores", ())), UNDEFINED, UNDEFINED, UNDEFINED]
        rows.append(score_path_in_words(path))
        for name, score, on_hardest in zip(("A", "B", "A - B"), (row.first, row.second, row.difference), of_hardest):
            cells = [name, shown(score)]
            rows.append([*cells, shown(on_hardest)] if hardest else cells)
    columns = [Column("score", main=True), Column("value", right=True, score=True)]
    if hardest:
        columns.append(Column("hardest fifth", right=True, score=True))
    return Table(columns, rows, f"scores ({comparison.subjects} subjects)")


def comparison_as_json(
    comparison: RunComparison, first: Side, second: Side, sentences: Sequence[str], notes: Sequence[str]
) -> dict[str, Any]:
    """A comparison with its conclusions and remarks, as data for JSON."""
    return {
        "first": first.plain(),
        "second": second.plain(),
        **comparison.plain(),
        "conclusions": list(sentences),
        "remarks": list(notes),
    }


LETTERS = tuple(chr(ord("A") + number) for number in range(26))


def letters_of(sides: Sequence[Side]) -> list[str]:
    """The names of compared sides: A, B, C …; after Z the numbers from 27."""
    numbers = [str(number + 1) for number in range(len(LETTERS), len(sides))]
    return [*LETTERS[: len(sides)], *numbers]


@dataclass(frozen=True)
class SeveralComparisons:
    """Several runs or files, each compared with the first.

    Attributes:
        sides: the first side and the others, two or more.
        comparisons: comparison of the first with each other side.
    """

    sides: Sequence[Side]
    comparisons: Sequence[RunComparison]

    @property
    def paths(self) -> list[str]:
        """The scores that all comparisons have."""
        return [path for path in self.comparisons[0].scores if all(path in c.scores for c in self.comparisons)]

    @property
    def n_tests(self) -> int:
        """Number of tests of which all p values are adjusted together."""
        return sum(p is not None for p in self._all_p_values())

    def _all_p_values(self) -> list[float | None]:
        """The p values of all comparisons, for each one those of all scores."""
        return [one.scores[path].p for one, path in product(self.comparisons, self.paths)]

    def adjusted_p_values(self) -> dict[str, list[float | None]]:
        """The p values of each score's differences from A, adjusted for all tests."""
        ps = holm(self._all_p_values())
        return {path: list(ps[number :: len(self.paths)]) for number, path in enumerate(self.paths)}

    def make_tables(self) -> list[Table]:
        """A table for each score: every side with its interval, its difference from A, p, and the detectable difference."""
        heads = ("A - it", "p (Holm)", "detectable")
        columns = [Column("run", main=True), Column("value", right=True, score=True)]
        columns += [Column(head, right=True) for head in heads]
        found = []
        for path, ps in self.adjusted_p_values().items():
            digits = catalogue.find_metric(path).digits
            rows: list[list[Any]] = [
                ["A", ShownScore(self.comparisons[0].scores[path].first, digits=digits), "", "", ""]
            ]
            for letter, comparison, p in zip(letters_of(self.sides)[1:], self.comparisons, ps):
                row = comparison.scores[path]
                difference = format_number(row.difference.value, digits, sign="+")
                detectable = "> 1" if _beyond_all(path, row) else format_number(row.detectable, digits)
                rows.append(
                    [letter, ShownScore(row.second, digits=digits), difference, _p_in_words(p) or "-", detectable]
                )
            subjects = f"({self.comparisons[0].subjects} subjects)"
            found.append(Table(columns, rows, f"{score_path_in_words(path)} {subjects}"))
        return found

    def draw_conclusions(self) -> list[str]:
        """One sentence for each score: the sides that differ from A, and those that do not."""
        return [
            f"{score_path_in_words(path)}: {self._conclusion(path, ps)}."
            for path, ps in self.adjusted_p_values().items()
        ]

    def _conclusion(self, path: str, ps: Sequence[float | None]) -> str:
        """The sides that differ from A, with p, and the others."""
        metric = catalogue.find_metric(path)
        groups = dict[str, list[str]]()
        for letter, comparison, p in zip(letters_of(self.sides)[1:], self.comparisons, ps):
            difference = comparison.scores[path].difference.value
            if p is None or difference is None:
                groups.setdefault("nothing is compared with {}, where it is undefined", []).append(letter)
            elif p >= LEVEL:
                groups.setdefault("no difference from A is shown for {}", []).append(letter)
            else:
                groups.setdefault(_verdict(metric, difference), []).append(f"{letter} (p {_p_with_sign(p)})")
        return "; ".join(words.format(enumerate_names(letters)) for words, letters in groups.items())

    def list_remarks(self, rule: Convention) -> list[str]:
        """Remarks for judging the numbers, each once, with the letters of the table."""
        lines = []
        for letter, side, comparison in zip(letters_of(self.sides)[1:], self.sides[1:], self.comparisons):
            first = self.sides[0]
            lines += remarks_on_comparison(comparison, first, side, rule, ("A", letter), self.n_tests)
        return list(dict.fromkeys(lines))


def _verdict(metric: Metric, difference: float) -> str:
    """The meaning of a difference for A, with a field for the others."""
    if metric.direction == "zero":
        return "that of A is higher than that of {}" if difference > 0 else "that of A is lower than that of {}"
    is_better = (difference < 0) == (metric.direction == "lower")
    return "A is better than {}" if is_better else "A is worse than {}"


def score_path_in_words(path: str) -> str:
    """A score's path in words.

    >>> score_path_in_words("spotting.micro.f1_at_iou.0.55")
    'spotting, micro: F1 at IoU 0.55'
    >>> score_path_in_words("recognition.members.samm.uf1")
    'recognition, samm: UF1'
    """
    words = [part.replace("_", " ") for part in re.split(r"\.(?!\d)", path)[:-1] if part not in {"members", "details"}]
    return f"{', '.join(words)}: {catalogue.find_metric(path).label}"


def draw_conclusions(comparison: RunComparison) -> list[str]:
    """One sentence for each score: the better side, or the detectable difference."""
    return [
        f"{score_path_in_words(path)}: {_conclusion(path, row, comparison)}." for path, row in comparison.scores.items()
    ]


def _conclusion(path: str, row: ComparedScore, comparison: RunComparison) -> str:
    """The better side with values and p, or the difference that would be detectable."""
    metric = catalogue.find_metric(path)
    difference = row.difference.value
    if difference is None or row.p is None or row.p_holm is None:
        return "undefined for A or B, so nothing is compared"
    if row.same:
        return "it is the same for A and B, however the subjects are exchanged"
    n_tested = sum(other.p is not None for other in comparison.scores.values())
    p = f"p {_p_with_sign(row.p)}"
    if n_tested > 1:
        p += f"; corrected for {n_tested} tests {_p_in_words(row.p_holm)}"
    if row.p_holm < LEVEL:
        first, second = (format_number(score.value, metric.digits) for score in (row.first, row.second))
        return f"{_ranking(metric, difference)} ({first} against {second}; {p})"
    sentence = f"no difference is shown (A - B = {format_number(difference, metric.digits)}; {p})"
    if row.detectable is None:
        return sentence
    if _beyond_all(path, row):
        return f"{sentence}; with these {row.subjects} subjects, one test alone finds no true difference in 4 of 5 cases, however large"
    return (
        f"{sentence}; with these {row.subjects} subjects, one test alone finds a true difference of "
        f"{format_number(row.detectable, metric.digits)} in 4 of 5 cases, smaller ones less often: "
        "this is no sign that A and B are equal"
    )


def _ranking(metric: Metric, difference: float) -> str:
    """Which side is better, or only higher if 0 is best: the test does not decide which value is nearer to 0."""
    higher, lower = ("A", "B") if difference > 0 else ("B", "A")
    if metric.direction == "zero":
        return f"that of {higher} is higher"
    if metric.direction == "lower":
        return f"{lower} is better than {higher}"
    return f"{higher} is better than {lower}"


def _beyond_all(path: str, row: ComparedScore) -> bool:
    """Whether the detectable difference exceeds any possible difference of two shares."""
    return row.detectable is not None and row.detectable > 1 and catalogue.find_metric(path).scale == "share"


PAIR = ("A", "B")
"""The names of two compared sides."""


def remarks_on_comparison(
    comparison: RunComparison,
    first: Side,
    second: Side,
    rule: Convention,
    letters: tuple[str, str] = PAIR,
    n_tests: int | None = None,
) -> list[str]:
    """Remarks for judging the numbers.

    Args:
        comparison: comparison of both sides.
        first: first side.
        second: second side.
        rule: rules of scoring; only those of intervals are described, where intervals are scored.
        letters: names of both.
        n_tests: number of tests whose p values are adjusted together; that of the comparison by default.
    """
    clips = comparison.mcnemar
    a, b = letters
    difference = f"{a} - {b}" if n_tests is None else "each difference"
    scores_intervals = any(not path.startswith("recognition") for path in comparison.scores)
    rules = rule.describe() if scores_intervals else rule.name
    with_interval = [path for path, row in comparison.scores.items() if row.first.ends or row.second.ends]
    intervals = how_intervals(comparison.subjects, comparison.interval, comparison.draws, with_interval)
    sentences = [
        f"convention {rules}",
        (
            f"{intervals}; the intervals of {difference} "
            "are paired, for shares recovered from both intervals, which is cautious: the p value decides"
        ),
        *_on_tests(comparison, letters, n_tests),
        *_on_runs(first, second, letters),
        *_on_parts_left_out(first, second, letters),
        *_on_missing_intervals(comparison, letters),
    ]
    if clips:
        sentences.append(
            f"McNemar's exact test over annotated clips: {clips.first_only} are right only in {a}, "
            f"{clips.second_only} only in {b}, p {_p_with_sign(clips.p)}; unlike the permutation test, it treats the "
            "clips of one face as independent"
        )
    sentences += [side.record.about["remark"] for side in (first, second) if side.record]
    return list(dict.fromkeys(filter(None, sentences)))


def _on_tests(comparison: RunComparison, letters: tuple[str, str], n_tests: int | None) -> Iterator[str]:
    """Remarks on the permutation test, Wilcoxon's test, and the number of tests."""
    sides = " and ".join(letters) if n_tests is None else "both runs"
    scores = comparison.scores.values()
    n_tested = sum(row.p is not None for row in scores) if n_tests is None else n_tests
    exchanges = f"all {comparison.permutations}" if comparison.exact else f"{comparison.permutations} random"
    yield f"p: two-sided permutation test over subjects, {exchanges} exchanges of the predictions of {sides}"
    if comparison.exact and n_tested / comparison.permutations >= LEVEL:
        corrected = f"; corrected for {n_tested} tests {n_tested / comparison.permutations:.4f}" if n_tested > 1 else ""
        yield (
            f"with {comparison.subjects} subjects no p can be below {1 / comparison.permutations:.4f}{corrected}: "
            "they are too few to show any difference, however large"
        )
    if n_tests is None:
        yield from _on_wilcoxon(comparison)
    if n_tested > 1:
        yield (
            f"{n_tested} tests are made at once: p (Holm) keeps the chance of any false alarm among them at 5 %; the conclusions use it"
        )


def _on_wilcoxon(comparison: RunComparison) -> Iterator[str]:
    """Remarks on Wilcoxon's test and the effect size."""
    scores = comparison.scores.values()
    if any(row.wilcoxon_n for row in scores):
        yield "p (Wilcoxon) and the effect, a rank-biserial correlation, use only the n subjects with a score of their own"
    if not all(row.wilcoxon_n for row in scores):
        yield (
            "p (Wilcoxon) is not given for means over classes (UF1, UAR, STRS): few subjects show every class, "
            "so it would rarely find a difference that the permutation test finds"
        )


def _on_parts_left_out(first: Side, second: Side, letters: tuple[str, str]) -> Iterator[str]:
    """Remarks on tasks, kinds and draws of one side that are not compared."""
    tasks, kinds = find_shared_tasks(first, second)
    for letter, side in zip(letters, (first, second)):
        alone = [NOUNS[name] for name in side.tasks if name not in tasks]
        if "spot" in tasks:
            alone += [kind for kind in side.kinds if kind not in kinds]
        if alone:
            yield f"only {letter} does {', '.join(alone)}: left out"
        n_draws = number_of_draws(side.tables)
        if n_draws > 1:
            yield f"{letter} predicts by chance in {n_draws} draws: the first one is compared"


def _on_missing_intervals(comparison: RunComparison, letters: tuple[str, str]) -> Iterator[str]:
    """The scores without an interval, by the reason."""
    names = (*letters, " - ".join(letters))
    scores_by_reason: dict[str, list[str]] = {}
    for path, row in comparison.scores.items():
        for name, score in zip(names, (row.first, row.second, row.difference)):
            if score.reason:
                scores_by_reason.setdefault(score.reason, []).append(f"{score_path_in_words(path)} of {name}")
    for reason, scores in scores_by_reason.items():
        yield f"no interval for {'; '.join(scores)}: {say_reason(reason)}"


def _on_runs(first: Side, second: Side, letters: tuple[str, str]) -> Iterator[str]:
    """Other differences between two runs: data, settings, or randomness of training."""
    one, other = first.record, second.record
    if one is None or other is None:
        return
    if one.data != other.data:
        yield _on_other_data(one, other, letters)
    yield from _on_other_code(one, other, letters)
    named = list(zip(letters, (first, second)))
    studies = [letter for letter, side in named if side.of_study]
    if studies:
        for letter in studies:
            yield f"{letter} is an outer run of a study: its tuned values are in its {TUNED}, and its settings are those of the study"
    elif first.others or second.others:
        for letter, side in named:
            yield _seeds_in_words(letter, side)
        yield (
            "a subject is drawn and exchanged under all seeds at once: the tests concern other subjects, at these seeds"
        )
    else:
        yield _on_two_trainings(one, other)


def _on_other_data(one: Record, other: Record, letters: tuple[str, str]) -> str:
    """The remark on two runs whose dataset has other settings."""
    a, b = (f"{letter}: {record.data or 'the defaults'}" for letter, record in zip(letters, (one, other)))
    return (
        f"the settings of the dataset differ ({a}; {b}): the runs used different images, so not only the methods differ"
    )


def _on_other_code(one: Record, other: Record, letters: tuple[str, str]) -> Iterator[str]:
    """Remarks on two runs of the same plugins whose code differs."""
    a, b = letters
    for kind in ("method", "dataset"):
        of_one, of_other = (record.versions.get(f"{kind}_plugin", "")[:8] for record in (one, other))
        if one.plugins[kind] == other.plugins[kind] and of_one != of_other:
            yield f"the code of the {kind} differs ({a}: {of_one}; {b}: {of_other})"


def _on_two_trainings(one: Record, other: Record) -> str:
    """What two single trainings differ in."""
    if one.key == other.key:
        return "the runs have the same settings, data and seed: differences come from the machine alone"
    if one.identity == other.identity and one.seed == other.seed:
        return "the runs have the same settings and seed: the code of method or dataset differs"
    if one.identity == other.identity:
        return (
            f"the runs differ only in the seed ({one.seed} and {other.seed}), so the difference is chance in training"
        )
    return (
        f"each run is one training (seeds {one.seed} and {other.seed}): the tests concern other subjects, "
        "not other seeds; compare several seeds of each"
    )


def _seeds_in_words(letter: str, side: Side) -> str:
    """The seeds over which the scores of a side are averaged."""
    if side.others:
        return f"{letter}: each score is the mean over seeds {', '.join(map(str, side.seeds))}"
    return f"{letter} is one training (seed {side.seeds[0]}): the effect of its seed is not averaged"


LEAST_P = 0.0001
"""Least p value that is printed as it is."""


def _p_in_words(value: float | None) -> str:
    """A p value with four decimals; empty for None."""
    if value is None:
        return ""
    return "<0.0001" if value < LEAST_P else f"{value:.4f}"


def _p_with_sign(p: float) -> str:
    """A p value after its sign of equality or inequality."""
    return f"= {_p_in_words(p)}" if p >= LEAST_P else "< 0.0001"


def table_of_tests(comparison: RunComparison) -> Table:
    """The tests of each score: p values, effect size, and the smallest difference that they find in 4 of 5 cases.

    Columns of Wilcoxon's test are left out where it is not made.
    """
    of_wilcoxon = any(row.wilcoxon_n for row in comparison.scores.values())
    heads = ["p", "p (Holm)", *(("p (Wilcoxon)", "n", "effect") if of_wilcoxon else ()), "detectable, 80 % power"]
    rows = []
    for path, row in comparison.scores.items():
        cells: list[Any] = [score_path_in_words(path), _p_in_words(row.p) or "-", _p_in_words(row.p_holm) or "-"]
        if of_wilcoxon:
            cells += [_p_in_words(row.wilcoxon_p) or "-", str(row.wilcoxon_n), format_number(row.rank_biserial, 2)]
        detectable = format_number(row.detectable, catalogue.find_metric(path).digits)
        rows.append([*cells, "> 1" if _beyond_all(path, row) else detectable])
    columns = [Column("score", main=True), *(Column(head, right=True) for head in heads)]
    return Table(columns, rows, "tests of A - B")
