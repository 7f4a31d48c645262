"""`mebench score`: predictions of any program against a truth, under any convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from mebench.cli.file_words import Subjects, refuse_subjects
from mebench.cli.option_types import Column, Encoding, Json, Plugins, Rule, Verbose, Where, add_plugins, print_remarks
from mebench.cli.registry_help import READ, WRITTEN, RegistryHelpCommand
from mebench.errors import ConfigError, check_known, refuse_if
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import print_report

with lazy_imports():
    from mebench.api import given_answers, score_files
    from mebench.exchange import choices as file_choices, write as writing
    from mebench.metrics import summary as score_summary
    from mebench.reports import scores as score_report

if TYPE_CHECKING:
    from mebench.api.given_answers import GivenAnswers, What
    from mebench.api.score_files import Scores

app = typer.Typer()

FILES = {
    "intervals": "--predictions",
    "frame scores": "--frame-scores",
    "clips": "--clips",
}
"""The option that names each."""


@app.command(
    "score",
    cls=RegistryHelpCommand,
    epilog="Example: mebench score mine.csv --truth truth.csv --sensitivity",
)
def score_command(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]",
            help="One table with both sides (subject, y_true, y_pred); or predictions beside --truth.",
        ),
    ] = None,
    truth: Annotated[
        str | None,
        typer.Option(
            "--truth",
            metavar="FILE",
            help="True intervals (a row with empty onset and offset is a video without any), or the true class of each clip.",
        ),
    ] = None,
    subjects: Subjects = None,
    predictions: Annotated[
        str | None,
        typer.Option("--predictions", metavar="FILE", help="Spotted intervals: subject, video, onset, offset …"),
    ] = None,
    frame_scores: Annotated[
        str | None,
        typer.Option(
            "--frame-scores",
            metavar="FILE",
            help=("Or frame scores, which become intervals: subject, video, frame, score."),
        ),
    ] = None,
    clips: Annotated[
        str | None,
        typer.Option("--clips", metavar="FILE", help="Or the emotions of given clips: subject, video, emotion."),
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar=READ, help="Format of the predictions.")] = "auto",
    convention: Annotated[str, typer.Option("--convention", metavar="NAME", help="Rules of the scorer.")] = "strict",
    rule: Rule = None,
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="Show the scores under every convention.")] = False,
    classes: Annotated[
        str | None, typer.Option("--classes", metavar="A,B,C", help="Emotions to score; all in the truth by default.")
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option("--kinds", metavar="micro,macro", help="Kinds to score; those of the files by default."),
    ] = None,
    fps: Annotated[
        float | None, typer.Option("--fps", help="Frames per second, for scores in ms and per minute.")
    ] = None,
    strict_videos: Annotated[
        bool, typer.Option("--strict-videos", help="Refuse videos that the truth does not name.")
    ] = False,
    loose_ids: Annotated[
        bool, typer.Option("--loose-ids", help="Treat s1, 01 and 1 as one subject, EP2_1F and EP02_01f as one video.")
    ] = False,
    encoding: Encoding = None,
    column: Column = None,
    where: Where = None,
    each: Annotated[
        str | None,
        typer.Option(
            "--each",
            metavar="NAME",
            help="Score each run of a file by itself, by the column that tells them apart, such as seed.",
        ),
    ] = None,
    k_prime: Annotated[
        str | None,
        typer.Option(
            "--k-prime", metavar="N", help=("Half the mean length of expressions in frames; or micro=N,macro=N.")
        ),
    ] = None,
    p: Annotated[
        float | None, typer.Option("--p", help=("Threshold between mean (0) and maximum (1) of the scores; 0.55."))
    ] = None,
    smoothing: Annotated[
        str | None, typer.Option("--smoothing", metavar="average|gaussian_3|…", help="Of frame scores.")
    ] = None,
    postprocess: Annotated[
        str | None,
        typer.Option("--postprocess", metavar="paper|released_code", help=("The rule for intervals; the paper's.")),
    ] = None,
    anchor: Annotated[
        str | None,
        typer.Option(
            "--anchor", metavar="paper|middle", help=("Intervals around peaks, or around the middles of their windows.")
        ),
    ] = None,
    short_videos: Annotated[
        bool, typer.Option("--short-videos", help="One expression a video: its highest peak, no threshold.")
    ] = False,
    write: Annotated[
        str | None,
        typer.Option("--write-predictions", metavar="FILE", help=("Write the scored predictions to this file.")),
    ] = None,
    write_form: Annotated[
        str,
        typer.Option("--write-format", metavar=WRITTEN, help="In this format."),
    ] = "csv",
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
    bootstrap: Annotated[
        int, typer.Option("--bootstrap", metavar="N", help="Number of draws; 0 for no intervals.")
    ] = 1000,
    verbose: Verbose = False,
    json: Json = None,
    plugins: Plugins = None,
) -> None:
    """Score predictions of any program against a truth.

    One table with a column of the truth and one of the predictions needs no second file: subject, y_true, y_pred, or label and pred.
    With --truth, the columns of FILE say what it holds.

    Files are tables of text, with any separator, encoding and order of columns; workbooks (`book.xlsx`, or `book.xlsx:sheet` for one
    of several tables); logs of MEGC 2020; `.eaf` files of ELAN and folders of them (`clip.eaf:anna` selects one of several coders).
    The truth may be the released sheet of a dataset. Frames may count from 0 or 1, but alike in both files. A clip without an answer
    counts as wrong.
    """
    add_plugins(plugins)
    choices = file_choices.Choices.of(column or (), where or ())
    files: dict[What, str | None] = {"intervals": predictions, "frame scores": frame_scores, "clips": clips}
    refuse_subjects(subjects, truth is None)
    answers = _given_answers(file, files, truth, subjects, encoding, choices, classes)
    what = answers.what
    _refuse_misplaced(
        what,
        {
            "kinds": kinds,
            "fps": fps,
            "strict_videos": strict_videos or None,
            "k_prime": k_prime,
            "p": p,
            "smoothing": smoothing,
            "postprocess": postprocess,
            "anchor": anchor,
            "short_videos": short_videos or None,
            "write_predictions": write,
        },
    )
    if write is not None:
        check_known("format", write_form, writing.FORMATS)
    reading = score_files.Reading(what, form, fps, strict_videos, loose_ids, encoding, column or (), where or ())
    frame_rules = score_files.FrameRules(k_prime, p, smoothing, postprocess, anchor, short_videos)
    scoring = score_files.Scoring(convention, rule or (), classes, kinds, sensitivity, seed, bootstrap)
    if each is not None:
        refuse_if((write is not None, "--write-predictions writes one run: choose it with --where instead of --each"))
        _print_each(
            score_files.score_each(answers.predictions, answers.truth, each, reading, frame_rules, scoring, Progress()),
            each,
            json,
        )
        return
    scores = score_files.score_predictions(
        answers.predictions, answers.truth, reading, frame_rules, scoring, Progress(), answers.hint
    )
    if write is not None:
        scores.write_predictions(write, write_form)
    print_remarks(scores, verbose)
    if write_json(scores.summary, json):
        score_report.print_scores(scores.summary, scores.tables, verbose)


def _print_each(scores: Mapping[str, Scores], column: str, json: str | None) -> None:
    """Print a line for each run of a file. What was noticed about the first is printed, too."""
    print_remarks(next(iter(scores.values())))
    report = {"each": column, "scores": {value: one.summary for value, one in scores.items()}}
    if write_json(report, json):
        compared = {value: score_summary.values_by_part(one.summary) for value, one in scores.items()}
        print_report("", score_report.table_of_several(compared, column, f"each {column} by itself"))


def _given_answers(
    file: str | None,
    files: Mapping[What, str | None],
    truth: str | None,
    subjects: str | None,
    encoding: str | None,
    choices: file_choices.Choices,
    classes: str | None,
) -> GivenAnswers:
    """The predictions and the truth that the words name.

    Args:
        file: one table with both, or predictions whose columns say what they are.
        files: files of predictions by their kind.
        truth: file of the truth.
        subjects: column of the people of one table.
        encoding: encoding of the files.
        choices: decisions of the user about columns and rows.
        classes: names of the classes, in the order of their numbers.

    Raises:
        ConfigError: a file is missing, or there are several.
    """
    named = [(what, name) for what, name in files.items() if name is not None]
    if len(named) + (file is not None) != 1:
        raise ConfigError(
            "mebench score needs one file: FILE with the truth and the predictions in one table (subject, y_true, y_pred), or --truth "
            "FILE and either --predictions FILE (intervals), --frame-scores FILE (one score a frame) or --clips FILE (the emotion of each "
            "given clip)"
        )
    if truth is None:
        (table,) = [file] if file is not None else [name for _, name in named]
        return given_answers.answers_of_one_table(table, subjects, encoding, choices, classes=classes)
    if file is not None:
        return given_answers.find_answers((), truth, file, None, None, encoding, choices)
    ((what, name),) = named
    true, predicted = (given_answers.file_of(word, word, encoding) for word in (truth, name))
    return given_answers.GivenAnswers(true, predicted, what)


def _refuse_misplaced(what: What, options: Mapping[str, object]) -> None:
    """Refuse an option that is about other predictions."""
    stray = score_files.misplaced_option(what, options)
    if stray:
        places = score_files.OPTION_FITS[stray]
        fits = " or ".join(FILES[place] for place in places)
        raise ConfigError(
            f"--{stray.replace('_', '-')} applies to {places[0]}: use it with {fits}, not with {FILES[what]}"
        )
