"""`mebench mistakes`: what a run or file got wrong, in spotting by cause, in recognition by class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from mebench.cli.file_words import (
    OF_FILES,
    Fps,
    LooseIds,
    Subjects,
    Truth,
    is_single_table,
    refuse_files,
    refuse_options,
    refuse_subjects,
)
from mebench.cli.option_checks import at_home, check_folder
from mebench.cli.option_types import Column, Encoding, Json, Plugins, Runs, Where, add_plugins, print_remarks
from mebench.errors import check_known, refused_by_system
from mebench.files import write_text
from mebench.lazy_imports import lazy_imports
from mebench.metrics.catalogue import find_metric
from mebench.output.json_output import write_json
from mebench.output.number_format import format_number
from mebench.output.terminal import print_lines, print_report

with lazy_imports():
    from mebench.api import given_answers, mistake_results
    from mebench.exchange import choices as file_choices, join as joining, text_table
    from mebench.metrics import mistakes as spotting_mistakes
    from mebench.records import method_result
    from mebench.reports import recognition, scores as score_report

if TYPE_CHECKING:
    from mebench.api.mistake_results import FoundMistakes, JudgedAnswers, SpottingMistakes
    from mebench.reports.recognition import Group

app = typer.Typer()


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
    subjects: Subjects = None,
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
    refuse_subjects(subjects, is_table)
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
        each_answered = [mistake_results.judge_run(folder) for folder in result.folders]
    else:
        remarks = text_table.Remarks()
        choices = file_choices.Choices.of(column or (), where or ())
        if truth is None:
            given = given_answers.answers_of_one_table(run, subjects, encoding, choices, classes=classes)
        else:
            true, predicted = (given_answers.file_of(word, word, encoding) for word in (truth, run))
            given = given_answers.GivenAnswers(true, predicted, "intervals")
        if given.hint:
            remarks.warn(given.hint)
        rules = joining.Rules(fps, loose_ids=loose_ids, choices=choices)
        each_answered = [mistake_results.judge_answers(given, run, rules, remarks, clips, classes)]
        print_remarks(remarks, verbose)
    found_in = mistake_results.FoundMistakes.of_answers
    each_found = [found_in(answered, cast("spotting_mistakes.By", by)) for answered in each_answered]
    if write_json(None if json is None else mistake_results.plain_reports(each_found, as_written=True), json):
        for found in each_found:
            _print_found(found, verbose)
    if csv is not None:
        for found in each_found:
            folder = Path(csv).expanduser()
            _write_csv(folder if len(each_found) == 1 else folder / found.answered.name, found.answered, found.spotted)


def _print_found(found: FoundMistakes, verbose: bool) -> None:
    """Print the mistakes of spotting, those of recognition and the values of one's own metrics."""
    if found.spotted is not None:
        _print_spotted(found.spotted, found.answered.name, found.by, verbose)
    if found.answered.named is not None:
        _print_named(found.answered, recognition.GROUPS[found.by], verbose)
    print_lines(*_lines_of_own_metrics(found.own))


def _lines_of_own_metrics(own: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    """A line for each part and metric."""
    lines = []
    for part, scores in own.items():
        for name, value in scores.items():
            metric = find_metric(name)
            lines.append(f"{part}: {metric.label} {format_number(value, metric.digits)}")
    return lines


def _print_spotted(spotted: SpottingMistakes, name: str, by: str, verbose: bool) -> None:
    """Print the numbers by cause, each mistake if wanted, and the gains without a cause."""
    note = ""
    if spotted.distracted is not None:
        note = score_report.distracted_line(spotted.counts, spotted.distracted, spotted.tables)
    mean = f", means over {spotted.draws} draws" if spotted.draws > 1 else ""
    title = f"mistakes of {name}, by {by}{mean}"
    score_report.print_mistakes(spotted.counts, title, spotted.mistakes if verbose else None, note)
    score_report.print_causes(spotted.causes)


def _print_named(answered: JudgedAnswers, group: Group, verbose: bool) -> None:
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


def _write_csv(folder: Path, answered: JudgedAnswers, spotted: SpottingMistakes | None) -> None:
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
