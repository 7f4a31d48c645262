"""What a run, or any program's answers, got wrong: spotting by cause, recognition by class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from markupsafe import Markup

from mebench.api.given_answers import Array, GivenAnswers, Table, choose_sides, find_answers, refuse_missing_file
from mebench.api.result import notebook_html
from mebench.api.run_results import Run, runs_folder
from mebench.api.score_files import Names, Words, with_commas
from mebench.errors import ConfigError, RunError, check_known
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.score_table import ScoreTable
from mebench.output.number_format import format_mean_count

with lazy_imports():
    from mebench.exchange import answers as file_answers, choices as file_choices, join as joining, text_table
    from mebench.inspection import dataset_summary
    from mebench.metrics import class_results, mistakes as spotting_mistakes, own_metrics, summary as score_summary
    from mebench.records import method_result
    from mebench.reports import recognition, scores as score_report
    from mebench.runs import scoring

if TYPE_CHECKING:
    import pandas as pd

    from mebench.exchange.join import Rules
    from mebench.metrics.mistakes import By
    from mebench.metrics.tables import Tables
    from mebench.output.table import Table as ShownTable
    from mebench.reports.recognition import RecognitionResults
    from mebench.runs.folder import RunFolder
else:
    pd = load_lazily("pandas")

_ROWS_AT_ONCE = 10_000
"""Mistakes that are made for JSON at once."""


@dataclass(frozen=True)
class JudgedAnswers:
    """Answers with their truth, and what a report says about their source.

    Attributes:
        name: the run or file.
        tables: tables that scoring reads.
        kinds: kinds that were spotted.
        about: source of the answers, as data for JSON.
        named: results of naming clips; None where none was named.
    """

    name: str
    tables: Tables
    kinds: list[str]
    about: Mapping[str, Any]
    named: RecognitionResults | None = None


@dataclass(frozen=True)
class SpottingMistakes:
    """The mistakes of spotting, their numbers and their causes.

    Attributes:
        tables: tables of the answers.
        mistakes: rows of `sort_mistakes`.
        counts: numbers by kind, subject or emotion.
        draws: number of random draws.
        causes: causes from `explain_mistakes`.
        distracted: numbers on blinks and other distractors; None where none is annotated.
    """

    tables: Tables
    mistakes: pd.DataFrame
    counts: pd.DataFrame
    draws: int
    causes: Mapping[str, Any]
    distracted: pd.DataFrame | None = None

    @classmethod
    def of_answers(cls, tables: Tables, kinds: list[str], by: By) -> SpottingMistakes:
        """The mistakes of spotting, counted by kind, subject or emotion."""
        draws = spotting_mistakes.number_of_draws(tables)
        mistakes = spotting_mistakes.sort_mistakes(tables, kinds)
        counts = spotting_mistakes.count_mistakes(mistakes, by, draws)
        distracted = None
        if tables.distractors is not None:
            distracted = spotting_mistakes.count_distracted(mistakes, tables.distractors, by, draws)
        if by == "kind":
            counts = counts.reindex(kinds, fill_value=0).rename_axis("kind")
        causes = spotting_mistakes.explain_mistakes(tables, mistakes, kinds)
        return cls(tables, mistakes, counts, draws, causes, distracted)

    def plain(self) -> dict[str, Any]:
        """Numbers as data for JSON, and rows, which are made when they are written."""
        found = {"draws": self.draws, "counts": score_report.plain_counts(self.counts)}
        if self.distracted is not None:
            found["on_distractors"] = self.distracted.to_dict("index")
        found["mistakes"] = self._make_rows()
        return found

    def _make_rows(self) -> Iterator[dict[str, Any]]:
        """The mistakes one after the other: a million at once would take gigabytes."""
        table = self.mistakes.drop(columns="row")
        for start in range(0, len(table), _ROWS_AT_ONCE):
            part = table.iloc[start : start + _ROWS_AT_ONCE].astype(object)
            for row in zip(*(part[name].tolist() for name in part)):
                yield dict(zip(table.columns, row))


@dataclass(frozen=True)
class FoundMistakes:
    """What the answers of one run or program got wrong.

    Attributes:
        answered: the answers.
        spotted: mistakes of spotting; None for answers that spot nothing.
        own: values of metrics of one's own, by part and name.
        by: the rows: `kind`, `subject` or `emotion`.
    """

    answered: JudgedAnswers
    spotted: SpottingMistakes | None
    own: dict[str, dict[str, float | None]]
    by: By

    @classmethod
    def of_answers(cls, answered: JudgedAnswers, by: By) -> FoundMistakes:
        """What answers got wrong, counted by kind, subject or emotion."""
        spotted = None
        if answered.tables.predictions is not None:
            spotted = SpottingMistakes.of_answers(answered.tables, answered.kinds, by)
        return cls(answered, spotted, _score_own_metrics(answered), by)

    def plain(self) -> dict[str, Any]:
        """The mistakes as data for JSON, those of spotting made when they are written."""
        answered = self.answered
        report: dict[str, Any] = {**answered.about, "by": self.by}
        if self.spotted is not None:
            causes = {"why": self.spotted.causes}
            report = {**causes, **answered.about, "convention": "strict", "by": self.by, **self.spotted.plain()}
        if answered.named is not None:
            report["recognition"] = answered.named.plain(recognition.GROUPS[self.by])
        return report | ({"own_metrics": self.own} if self.own else {})

    @property
    def title(self) -> str:
        """One line with the numbers of mistakes."""
        parts = []
        if self.spotted is not None:
            for mistake, one, many in (
                ("false_positive", "false positive", "false positives"),
                ("miss", "miss", "misses"),
            ):
                number = (self.spotted.mistakes["mistake"] == mistake).sum() / self.spotted.draws
                parts.append(f"{format_mean_count(number, 2)} {one if number == 1 else many}")
        if self.answered.named is not None:
            named = self.answered.named
            parts.append(f"{len(named.wrong)} of {len(named.answers)} annotated clips have the wrong class")
        return f"{self.answered.name}: {', '.join(parts)}"

    @property
    def shown(self) -> list[ShownTable]:
        """The tables of a short view."""
        tables = []
        if self.spotted is not None and len(self.spotted.counts):
            counts = self.spotted.counts
            tables += [score_report.mistakes_table(counts, mistake) for mistake in spotting_mistakes.CAUSES]
        if self.answered.named is not None:
            tables += self.answered.named.make_tables(recognition.GROUPS[self.by])
        return tables

    @property
    def rows(self) -> pd.DataFrame:
        """A row for each mistake, see `Mistakes.mistakes`."""
        tables = self.answered.tables
        spotted = spotting_mistakes.sort_mistakes(tables, []) if self.spotted is None else self.spotted.mistakes
        answers = None if self.answered.named is None else self.answered.named.answers
        return recognition.join_mistakes(spotted.drop(columns="row"), answers)


def _score_own_metrics(answered: JudgedAnswers) -> dict[str, dict[str, float | None]]:
    """The values of metrics of one's own, by part and name; empty without any."""
    if not own_metrics.ADDED:
        return {}
    classes = sorted({*answered.tables.truths["emotion"].dropna()} - {""})
    found = score_summary.summarize(answered.tables, kinds=answered.kinds, classes=classes, seed=0, draws=0)
    own: dict[str, dict[str, float | None]] = {}
    for line in ScoreTable.read(found):
        if line.metric in own_metrics.ADDED:
            own.setdefault(line.part or line.task, {})[line.metric] = line.score.value
    return own


def judge_run(folder: RunFolder) -> JudgedAnswers:
    """The intervals and named clips of a run.

    Raises:
        RunError: it has neither.
    """
    tables = scoring.read_tables(folder)
    named = recognition.RecognitionResults.of_run(folder)
    if tables.predictions is None and named is None:
        raise RunError(
            f"run {folder.id!r} neither spots nor names clips of a scored class, so it has no mistakes: name another run"
        )
    return JudgedAnswers(folder.id, tables, folder.read_json("folds.json")["kinds"], {"run_id": folder.id}, named)


def judge_answers(
    given: GivenAnswers,
    name: str,
    rules: Rules,
    remarks: text_table.Remarks,
    clips: bool = False,
    classes: str | None = None,
) -> JudgedAnswers:
    """The intervals, or the named clips, of any program.

    Args:
        given: the answers and their truth.
        name: name of the answers.
        rules: rules by which they go together.
        remarks: list that gets what was noticed.
        clips: whether a file with onset and offset names the emotions of given clips.
        classes: emotions to score, separated by commas; all of the truth by default.
    """
    (answers,) = file_answers.read_against_truth(
        given.truth,
        [given.predictions],
        rules,
        remarks,
        clips=clips,
        classes=classes,
        adapters=dataset_summary.adapters_of(given.truth),
    )
    named = recognition.RecognitionResults.of_tables(answers.tables, answers.classes)
    return JudgedAnswers(name, answers.tables, answers.kinds, {"file": name, **remarks.plain()}, named)


class Mistakes:
    """What a run, or any program's answers, got wrong.

    Of several seeds the frames have an index `run` before their own.

    Attributes:
        warnings: likely faults of tables, and changes of what a number means; empty for runs.
        repaired: cells that were read differently from how they are written.
        account: account of each table, see `Scores.account`; empty for runs.
    """

    def __init__(self, each: Sequence[FoundMistakes], remarks: text_table.Remarks | None = None) -> None:
        self._each = each
        self.warnings = [] if remarks is None else list(remarks.warnings)
        self.repaired = [] if remarks is None else list(remarks.repaired)
        self.account: list[dict[str, Any]] = [] if remarks is None else remarks.account

    @property
    def title(self) -> str:
        """What was judged, and the numbers of mistakes."""
        return "; ".join(found.title for found in self._each)

    @property
    def summary(self) -> dict[str, Any]:
        """All of it as plain data, as `mebench mistakes --json` writes it."""
        return plain_reports(self._each)

    @property
    def mistakes(self) -> pd.DataFrame:
        """A row for each mistake in spotting or recognition, with the columns of `Scores.mistakes`."""
        return self._joined(lambda found: found.rows)

    @property
    def counts(self) -> pd.DataFrame:
        """The numbers of mistakes of spotting.

        Rows are kinds, subjects or emotions, columns mistakes and their causes. Empty where nothing was spotted.
        """
        return self._joined(lambda found: pd.DataFrame() if found.spotted is None else found.spotted.counts)

    @property
    def wrong(self) -> pd.DataFrame:
        """The numbers of clips and of wrong ones, by class or subject.

        Beside them stand the accuracy and the most frequent wrong answer. Empty where no clip was named.
        """
        return self._joined(
            lambda found: (
                pd.DataFrame()
                if found.answered.named is None
                else recognition.count_wrong(found.answered.named.answers, recognition.GROUPS[found.by])
            )
        )

    @property
    def per_class(self) -> pd.DataFrame:
        """A row for each class of annotated clips, see `Scores.per_class`; empty where no clip was named."""
        return self._joined(
            lambda found: class_results.class_frame(
                [] if found.answered.named is None else list(found.answered.named.classes)
            )
        )

    @property
    def confusion(self) -> pd.DataFrame:
        """The numbers of clips by true class (rows) and named class (columns); empty where no clip was named."""
        return self._joined(
            lambda found: pd.DataFrame() if found.answered.named is None else found.answered.named.confusion
        )

    def _joined(self, frame_of: Callable[[FoundMistakes], pd.DataFrame]) -> pd.DataFrame:
        """The frame of one run, or the frames of several below one another."""
        frames = {found.answered.name: frame_of(found) for found in self._each}
        if len(frames) == 1:
            return next(iter(frames.values()))
        return pd.concat(frames, names=["run"])

    def __str__(self) -> str:
        lines = []
        for found in self._each:
            lines.append(found.title)
            for table in found.shown:
                lines += ["", table.title, table.to_plain_text()]
        return "\n".join([*lines, *self.warnings])

    def __repr__(self) -> str:
        return f"<Mistakes of {self.title}>"

    def _repr_html_(self) -> str:
        parts = []
        for found in self._each:
            parts.append(str(Markup("<strong>{}</strong>").format(found.title)))
            parts += [notebook_html(table.title, table) for table in found.shown]
        return "".join(parts) + "".join(map(Markup("<div>{}</div>").format, self.warnings))


def plain_reports(each_found: Sequence[FoundMistakes], as_written: bool = False) -> dict[str, Any]:
    """The mistakes as data for JSON, of several seeds below `runs`.

    Args:
        each_found: mistakes of each run.
        as_written: whether the rows of a single run are made one after the other when they are written.
    """
    reports = [found.plain() for found in each_found]
    if as_written and len(reports) == 1:
        return reports[0]
    for report in reports:
        if "mistakes" in report:
            report["mistakes"] = [*report["mistakes"]]
    return reports[0] if len(reports) == 1 else {"runs": reports}


def mistakes(
    *given: Run | Table | Array,
    y_true: Array = None,
    y_pred: Array = None,
    subjects: Array = None,
    classes: Names = None,
    predictions: Table | None = None,
    truth: Table | None = None,
    by: By = "kind",
    runs: str = "",
    clips: bool = False,
    loose_ids: bool = False,
    fps: float | None = None,
    encoding: str | None = None,
    columns: Words = (),
    where: Words = (),
) -> Mistakes:
    """Find what a run, or any program's answers, got wrong.

        mebench.mistakes(y_true, y_pred, subjects=subjects, classes=["negative", "positive", "surprise"])
        mebench.mistakes("results.csv", by="subject")  # one table with subject, y_true and y_pred
        mebench.mistakes("mean-synthetic")  # a run; all its seeds by the beginning of their ids

    False positives and misses of spotting are counted by cause, wrong clips by class or subject.

    Args:
        given: as for `score`; or a run, its id, the beginning of its id or its folder.
        y_true: see `score`.
        y_pred: see `score`.
        subjects: see `score`.
        classes: see `score`.
        predictions: see `score`.
        truth: see `score`.
        by: the rows of counts: `kind` (of clips: their class), `subject` or `emotion`.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        clips: whether tables with onset and offset name the emotions of given clips.
        loose_ids: see `score`.
        fps: frames per second of tables, see `score`.
        encoding: encoding of tables, see `score`.
        columns: columns of tables by what they hold, see `score`.
        where: the rows of tables that count, see `score`.

    Raises:
        RunError: there is no such run, or it has no answers.
        ConfigError: an option is wrong.
        DataError: a table cannot be understood.
    """
    check_known("by", by, get_args(spotting_mistakes.By))
    true, answered = choose_sides(y_true, y_pred, truth, predictions)
    if len(given) == 1 and true is None and answered is None and _names_run(given[0]):
        return Mistakes([FoundMistakes.of_answers(judge_run(folder), by) for folder in _folders_of(given[0], runs)])
    choices = file_choices.Choices.of(columns, where)
    found = find_answers(given, true, answered, subjects, classes, encoding, choices)
    if found.what == "frame scores":
        raise ConfigError("frame scores become intervals first: mebench.score(…, k_prime=…).mistakes has what is wrong")
    remarks = text_table.Remarks()
    if found.hint:
        remarks.warn(found.hint)
    rules = joining.Rules(fps, loose_ids=loose_ids, choices=choices)
    named = with_commas(found.classes or classes)
    judged = judge_answers(found, str(found.predictions), rules, remarks, clips or found.what == "clips", named)
    return Mistakes([FoundMistakes.of_answers(judged, by)], remarks)


def _names_run(given: object) -> bool:
    """Whether something is a run or the name of one, not a file."""
    return isinstance(given, Run) or (isinstance(given, str | Path) and not Path(given).expanduser().is_file())


def _folders_of(given: object, runs: str) -> Sequence[RunFolder]:
    """The folder of a run, or those of all its seeds."""
    if isinstance(given, Run):
        return [given.folder]
    refuse_missing_file(given)
    return method_result.open_result(runs_folder(runs), str(given)).folders
