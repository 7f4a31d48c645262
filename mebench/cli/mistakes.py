"""`mebench mistakes`: what a run or file got wrong, in spotting by cause, in recognition by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from mebench.cli.file_words import OF_FILES, Fps, LooseIds, Truth, is_single_table, refuse_files, refuse_options
from mebench.cli.option_checks import at_home, check_folder
from mebench.cli.option_types import Column, Encoding, Json, Plugins, Runs, Where, add_plugins, print_remarks
from mebench.errors import RunError, check_known, refused_by_system
from mebench.files import write_text
from mebench.lazy_imports import lazy_imports
from mebench.metrics.catalogue import find_metric
from mebench.metrics.score_table import ScoreTable
from mebench.output.json_output import write_json
from mebench.output.number_format import format_number
from mebench.output.terminal import print_lines, print_report

with lazy_imports():
    from mebench.api import given_answers
    from mebench.exchange import answers as file_answers, choices as file_choices, join as joining, text_table
    from mebench.inspection import dataset_summary
    from mebench.metrics import mistakes as spotting_mistakes, own_metrics, summary
    from mebench.records import method_result
    from mebench.reports import recognition, scores as score_report
    from mebench.runs import scoring

if TYPE_CHECKING:
    from mebench.metrics.tables import Tables
    from mebench.reports.recognition import Group
    from mebench.runs.folder import RunFolder

app = typer.Typer()

_ROWS_AT_ONCE = 10_000
"""Mistakes that are made for JSON at once."""


@app.command("mistakes", epilog="Example: mebench mistakes mean-synthetic --by subject")
def mistakes_command(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help=("A run, by its id, the beginning of its id, or its folder; or a file.")),
    ],
    runs: Runs = "",
    by: Annotated[str, typer.Option("--by", metavar="kind|subject|emotion", help="The rows.")] = "kind",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List each of them.")] = False,
    json: Json = None,
    truth: Truth = None,
    loose_ids: LooseIds = False,
    fps: Fps = None,
    encoding: Encoding = None,
    column: Column = None,
    where: Where = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", callback=at_home, metavar="FOLDER", help="Also write each mistake, classes and subjects as CSV."
        ),
    ] = None,
    clips: Annotated[
        bool, typer.Option("--clips", help="The file with onset and offset names the emotions of given clips.")
    ] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B,C", help="The emotions to score in a file; all by default.")
    ] = None,
    plugins: Plugins = None,
) -> None:
    """Show what a run got wrong in spotting and recognition.

    It counts false positives and misses by cause. Of annotated clips it shows F1 of each class, the confusions, and the wrong
    clips of each class or --by subject; -v lists each with its probabilities. With --truth, or of one table with the
    truth (subject, y_true, y_pred), it does the same for a file of any program: intervals, or the emotion of each given clip.
    All seeds of a run, by the beginning of their ids, are shown one after the other.
    """
    add_plugins(plugins)
    check_known("--by", by, get_args(spotting_mistakes.By))
    if csv is not None:
        check_folder("--csv", csv)
    is_table = truth is None and is_single_table(run)
    if truth is None and not is_table:
        refuse_options(
            {
                "--clips": clips,
                "--classes": classes,
                "--loose-ids": loose_ids,
                "--fps": fps,
                "--encoding": encoding,
                "--column": column,
                "--where": where,
            },
            OF_FILES,
        )
        refuse_files(run)
        result = method_result.open_result(runs, run)
        each_answered = [_answers_of_run(folder) for folder in result.folders]
    else:
        choices = file_choices.Choices.of(column or (), where or ())
        rules = joining.Rules(fps, loose_ids=loose_ids, choices=choices)
        reading = _Reading(rules, encoding, clips, classes)
        each_answered = [_answers_of_file(run, truth, reading, verbose)]
    each_found = [_find_mistakes(answered, cast("spotting_mistakes.By", by)) for answered in each_answered]
    if write_json(None if json is None else _plain_reports(each_found), json):
        for found in each_found:
            found.print_tables(verbose)
    if csv is not None:
        for found in each_found:
            folder = Path(csv).expanduser()
            _write_csv(folder if len(each_found) == 1 else folder / found.answered.name, found.answered, found.spotted)


@dataclass(frozen=True)
class _Found:
    """What answers got wrong.

    Attributes:
        answered: the answers.
        spotted: mistakes of spotting; None for answers that spot nothing.
        own: values of metrics of one's own, by part and name.
        by: the rows, as `--by` names them.
    """

    answered: _Answered
    spotted: _SpottingMistakes | None
    own: dict[str, dict[str, float | None]]
    by: spotting_mistakes.By

    def plain(self) -> dict[str, Any]:
        """The mistakes as data for JSON, those of spotting made when they are written."""
        report = _plain_report(self.answered, self.spotted, self.by)
        return report | ({"own_metrics": self.own} if self.own else {})

    def print_tables(self, verbose: bool) -> None:
        """Print the mistakes of spotting, those of recognition and the values of one's own metrics."""
        if self.spotted is not None:
            self.spotted.print_tables(self.answered.name, self.by, verbose)
        if self.answered.named is not None:
            _print_named(self.answered, recognition.GROUPS[self.by], verbose)
        print_lines(*_lines_of_own_metrics(self.own))


def _find_mistakes(answered: _Answered, by: spotting_mistakes.By) -> _Found:
    """What answers got wrong, counted by kind, subject or emotion."""
    spotted = None
    if answered.tables.predictions is not None:
        spotted = _sort_spotted(answered.tables, answered.kinds, by)
    return _Found(answered, spotted, _score_own_metrics(answered), by)


def _plain_reports(each_found: Sequence[_Found]) -> dict[str, Any]:
    """The mistakes as data for JSON, of several seeds below `runs`."""
    if len(each_found) == 1:
        return each_found[0].plain()
    reports = [found.plain() for found in each_found]
    for report in reports:
        if "mistakes" in report:
            report["mistakes"] = [*report["mistakes"]]  # only the outermost rows are written as they are made
    return {"runs": reports}


def _score_own_metrics(answered: _Answered) -> dict[str, dict[str, float | None]]:
    """The values of metrics of one's own, by part and name; empty without any."""
    if not own_metrics.ADDED:
        return {}
    classes = sorted({*answered.tables.truths["emotion"].dropna()} - {""})
    found = summary.summarize(answered.tables, kinds=answered.kinds, classes=classes, seed=0, draws=0)
    own: dict[str, dict[str, float | None]] = {}
    for line in ScoreTable.read(found):
        if line.metric in own_metrics.ADDED:
            own.setdefault(line.part or line.task, {})[line.metric] = line.score.value
    return own


def _lines_of_own_metrics(own: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """A line for each part and metric."""
    lines = []
    for part, scores in own.items():
        for name, value in scores.items():
            metric = find_metric(name)
            lines.append(f"{part}: {metric.label} {format_number(value, metric.digits)}")
    return lines


def _plain_report(answered: _Answered, spotted: _SpottingMistakes | None, by: str) -> dict[str, Any]:
    """The mistakes as data for JSON."""
    report: dict[str, Any] = {**answered.about, "by": by}
    if spotted is not None:
        report = {"why": spotted.causes, **answered.about, "convention": "strict", "by": by, **spotted.plain()}
    if answered.named is not None:
        report["recognition"] = answered.named.plain(recognition.GROUPS[by])
    return report


@dataclass(frozen=True)
class _Reading:
    """How a file is read.

    Attributes:
        rules: rules by which it goes together with its truth.
        encoding: encoding of both files; None finds it out.
        clips: whether a file with onset and offset names the emotions of given clips.
        classes: emotions to score, separated by commas; all of the truth by default.
    """

    rules: joining.Rules
    encoding: str | None
    clips: bool
    classes: str | None


@dataclass(frozen=True)
class _Answered:
    """Answers with their truth, and what a report says about their source."""

    name: str
    tables: Tables
    kinds: list[str]
    about: Mapping[str, Any]
    named: recognition.RecognitionResults | None = None


def _answers_of_run(folder: RunFolder) -> _Answered:
    """The intervals and named clips of a run."""
    tables = scoring.read_tables(folder)
    named = recognition.RecognitionResults.of_run(folder)
    if tables.predictions is None and named is None:
        raise RunError(
            f"run {folder.id!r} neither spots nor names clips of a scored class, so it has no mistakes: name another run"
        )
    return _Answered(folder.id, tables, folder.read_json("folds.json")["kinds"], {"run_id": folder.id}, named)


def _answers_of_file(file: str, truth: str | None, reading: _Reading, verbose: bool) -> _Answered:
    """The intervals, or the named clips, of a file of any program."""
    remarks = text_table.Remarks()
    if truth is None:
        table = given_answers.answers_of_one_table(file, None, reading.encoding, reading.rules.choices)
        true, predicted = table.truth, table.predictions
    else:
        words = (truth, file)
        true, predicted = (text_table.open_encoded(Path(word).expanduser(), reading.encoding) for word in words)
    (answers,) = file_answers.read_against_truth(
        true,
        [predicted],
        reading.rules,
        remarks,
        clips=reading.clips,
        classes=reading.classes,
        adapters=dataset_summary.adapters_of(true),
    )
    named = recognition.RecognitionResults.of_tables(answers.tables, answers.classes)
    print_remarks(remarks, verbose)
    return _Answered(file, answers.tables, answers.kinds, {"file": file, **remarks.plain()}, named)


@dataclass(frozen=True)
class _SpottingMistakes:
    """The mistakes of spotting, their numbers and their causes.

    Attributes:
        tables: tables of the answers.
        mistakes: rows of `sort_mistakes`.
        counts: numbers by `--by`.
        draws: number of random draws.
        causes: causes from `explain_mistakes`.
        distracted: numbers on blinks and other distractors; None where none is annotated.
    """

    tables: Tables
    mistakes: Any
    counts: Any
    draws: int
    causes: Mapping[str, Any]
    distracted: Any = None

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

    def print_tables(self, name: str, by: str, verbose: bool) -> None:
        """Print the numbers by cause, each mistake if wanted, and the gains without a cause."""
        note = ""
        if self.distracted is not None:
            note = score_report.distracted_line(self.counts, self.distracted, self.tables)
        mean = f", means over {self.draws} draws" if self.draws > 1 else ""
        title = f"mistakes of {name}, by {by}{mean}"
        score_report.print_mistakes(self.counts, title, self.mistakes if verbose else None, note)
        score_report.print_causes(self.causes)


def _sort_spotted(tables: Tables, kinds: list[str], by: spotting_mistakes.By) -> _SpottingMistakes:
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
    return _SpottingMistakes(tables, mistakes, counts, draws, causes, distracted)


def _print_named(answered: _Answered, group: Group, verbose: bool) -> None:
    """Print classes, confusions and wrong clips; each of these if wanted."""
    assert answered.named is not None
    wrong = answered.named.wrong
    n_clips = len(answered.named.answers)
    print_lines("")
    print_report(f"{answered.name}: {len(wrong)} of {n_clips} annotated clips have the wrong class")
    print_report("", *answered.named.make_tables(group))
    if not len(wrong):
        return
    if verbose:
        print_report("", recognition.wrong_clips_table(wrong))
    else:
        print_lines("each of them with its probabilities: the same with -v; as CSV: with --csv FOLDER")


def _write_csv(folder: Path, answered: _Answered, spotted: _SpottingMistakes | None) -> None:
    """Write classes, confusion, subjects and each mistake as CSV files."""
    texts = {} if answered.named is None else answered.named.to_csv_texts()
    if spotted is not None:
        mistakes = spotted.mistakes.drop(columns="row")
        texts["spotting_mistakes.csv"] = recognition.csv_of_frame(mistakes, index=False)
    with refused_by_system(f"the tables cannot be written to {folder}", "name another --csv FOLDER"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(folder / name, text)
    print_lines(f"{folder}: {', '.join(texts)}", error=True)
