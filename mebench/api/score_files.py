"""Scores of any program's predictions, and two runs or programs compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from mebench.api.given_answers import (
    Array,
    GivenAnswers,
    Table,
    What,
    answers_of_arrays,
    answers_of_one_table,
    choose_sides,
    file_of,
    find_answers,
    holds_both_sides,
    is_table,
    refuse_missing_file,
    same_truth,
)
from mebench.api.result import Result, notebook_html
from mebench.api.run_results import Run, runs_folder
from mebench.errors import ConfigError, DataError, RunError, check_known, refuse_if
from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.output.progress import Progress, Silent

with lazy_imports():
    from mebench.annotations import sheets
    from mebench.core import options as core_options
    from mebench.exchange import (
        answers as file_answers,
        choices as file_choices,
        eaf,
        frame_scores as frame_score_files,
        join as joining,
        text_table,
        write as writing,
    )
    from mebench.inspection import dataset_summary
    from mebench.metrics import chance, conventions, summary as score_summary
    from mebench.records import method_result
    from mebench.reports import compare_runs, plots, recognition, score_plots, score_trust, timeline
    from mebench.runs import folder as run_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from mebench.exchange.answers import Answers
    from mebench.exchange.text_table import File
    from mebench.metrics.compared_tables import RunComparison
    from mebench.metrics.tables import Tables
else:
    pd = load_lazily("pandas")

Given: TypeAlias = "str | Path | pd.DataFrame"
"""A file, or a table with the columns of one."""
Names: TypeAlias = "str | Sequence[str] | None"
Words: TypeAlias = "Mapping[str, object] | Sequence[str]"
"""Pairs of names, `{"emotion": "predict"}` or `["emotion=predict"]`."""
Sides: TypeAlias = "tuple[compare_runs.Side, compare_runs.Side]"
"""Two runs or programs that are compared."""
OPTION_FITS: Mapping[str, Sequence[What]] = {
    **dict.fromkeys(("k_prime", "p", "smoothing", "postprocess", "anchor", "short_videos"), ("frame scores",)),
    **dict.fromkeys(("kinds", "fps", "strict_videos", "write_predictions"), ("intervals", "frame scores")),
}
"""Options that are not about all of the three."""


@dataclass(frozen=True)
class Reading:
    """How predictions and truth are read, and which rows go together; see `score`.

    Attributes:
        what: kind of the predictions.
        form: format of the predictions.
        fps: frames per second, as the user says.
        strict_videos: whether videos that the truth does not name are refused.
        loose_ids: whether names that differ only in case, leading zeros or a prefix are one.
        encoding: encoding of files that are not UTF-8.
        columns: columns that the user names, by what they hold.
        where: the cell of a column that the rows have which count.
    """

    what: What = "intervals"
    form: str = "auto"
    fps: float | None = None
    strict_videos: bool = False
    loose_ids: bool = False
    encoding: str | None = None
    columns: Words = ()
    where: Words = ()

    @property
    def choices(self) -> file_choices.Choices:
        """What the user decides of the columns of the files.

        Raises:
            ConfigError: it cannot be understood.
        """
        return file_choices.Choices.of(self.columns, self.where)

    @property
    def join_rules(self) -> joining.Rules:
        """The rules by which rows of the files are matched."""
        return joining.Rules(self.fps, self.strict_videos, self.loose_ids, self.choices)


@dataclass(frozen=True)
class FrameRules:
    """How frame scores become intervals; None leaves the default of spotting. See `score`.

    Attributes:
        k_prime: half the length of an expression, in frames.
        p: threshold, from a video's mean (0) to its maximum (1).
        smoothing: way of smoothing.
        postprocess: source of the intervals, `paper` or `released_code`.
        anchor: middle of an interval, `paper` or `middle`.
        short_videos: whether each video holds one expression, its highest peak.
    """

    k_prime: int | Mapping[str, int] | str | None = None
    p: float | None = None
    smoothing: str | None = None
    postprocess: str | None = None
    anchor: str | None = None
    short_videos: bool = False

    def spotting_params(self) -> core_options.SpottingParams:
        """The parameters of spotting.

        Raises:
            ConfigError: a name is unknown, or `p` lies outside 0 to 1.
        """
        for option, value, known in (
            ("postprocess", self.postprocess, core_options.RULES),
            ("smoothing", self.smoothing, core_options.SMOOTHINGS),
            ("anchor", self.anchor, core_options.ANCHORS),
        ):
            if value is not None:
                check_known(option, str(value), known)
        if self.p is not None and not 0 <= self.p <= 1:
            raise ConfigError(f"--p must be between 0 (the mean) and 1 (the maximum), not {self.p}")
        given = {"rule": self.postprocess, "p": self.p, "smoothing": self.smoothing, "anchor": self.anchor}
        chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return core_options.SpottingParams(**{"rule": "paper", **chosen})

    def half_lengths(self) -> dict[str, int]:
        """The half length k' of each kind, in frames.

        Raises:
            ConfigError: it is missing, or not a whole number of at least 1.
        """
        return frame_score_files.half_lengths(self.k_prime)


@dataclass(frozen=True)
class Scoring:
    """What is scored, under which rules; see `score`.

    Attributes:
        convention: name of the rules.
        rules: single rules that are changed.
        classes: emotions to score.
        kinds: kinds to score.
        sensitivity: whether the scores under every convention are added.
        seed: seed of the bootstrap.
        bootstrap: number of draws; 0 for no intervals.
    """

    convention: str = "strict"
    rules: Mapping[str, Any] | Sequence[str] = ()
    classes: Names = None
    kinds: Names = None
    sensitivity: bool = False
    seed: int = 0
    bootstrap: int = 1000


class Scores(Result):
    """Scores of a program's answers.

    Attributes:
        summary: all scores as plain data, as `mebench score --json` writes them, with `warnings` (what looks wrong, or changes
            what a score means), `repaired` (what was read otherwise than it is written) and `account` (what the files hold,
            and how much of it is taken).
    """

    def __init__(
        self,
        summary: dict[str, Any],
        answers: Answers,
        remarks: text_table.Remarks,
        title: str,
    ) -> None:
        self.summary = summary
        self.answers = answers
        self._remarks = remarks
        self._title = title

    @property
    def title(self) -> str:
        """Title of the scores."""
        return self._title

    @property
    def tables(self) -> Tables:
        """The tables that scoring reads: videos, truths, predictions, clips."""
        return self.answers.tables

    @property
    def frame_scores(self) -> pd.DataFrame:
        """A row for each frame and kind: `video`, `frame`, `kind`, `score`; empty unless frame scores were given."""
        scores = self.tables.frame_scores
        return pd.DataFrame(columns=["video", "frame", "kind", "score"]) if scores is None else scores

    @property
    def clips(self) -> pd.DataFrame:
        """A row for each given clip: `video`, `subject`, `dataset`, `truth`, `predicted`, `probability`; empty of
        intervals.
        """
        columns = ["video", "subject", "dataset", "truth", "predicted", "probability"]
        clips = self.tables.clips
        if clips is None:
            return pd.DataFrame(columns=columns)
        people = self.tables.videos[["video", "subject", "dataset"]]
        found = clips[[name for name in clips if name not in ("subject", "dataset")]].merge(
            people, on="video", how="left"
        )
        return found[[*columns, *(name for name in found if name not in columns)]]

    @property
    def warnings(self) -> list[str]:
        """Warnings about the files, and about anything that changes the meaning of a score."""
        return self._remarks.warnings

    @property
    def repaired(self) -> list[str]:
        """Cells that were read otherwise than they are written."""
        return self._remarks.repaired

    @property
    def columns(self) -> pd.DataFrame:
        """What became of each column of each file: `source`, `column`, `read_as` (empty if it is not read) and `why`."""
        return pd.DataFrame(self.column_uses, columns=["source", "column", "read_as", "why"])

    @property
    def column_uses(self) -> list[dict[str, str]]:
        """The same as plain data."""
        return self._remarks.column_uses

    @property
    def account(self) -> list[dict[str, Any]]:
        """What each file holds, in `held` rows, names, sheets: how many are `taken`, and those `left_out` with their reasons."""
        return self._remarks.account

    def write_predictions(self, path: str | Path, form: str = "csv") -> None:
        """Write the intervals that were scored.

        Args:
            path: the file, or the folder of a format with a file for each video.
            form: name of a format, as `mebench predictions export --help` lists them.

        Raises:
            ConfigError: there is no such format.
            DataError: the format cannot hold them.
        """
        writing.write_predictions(Path(path).expanduser(), form, self.tables, self._remarks, self.answers.kinds)

    def _side(self) -> timeline.JudgedRun:
        kinds = self.answers.kinds if self.tables.predictions is not None else ()
        return timeline.JudgedRun(
            "", self.tables, kinds, self.frame_scores, self.summary.get("convention", "strict"), self._classes
        )

    @property
    def _classes(self) -> list[str]:
        return list(self.answers.classes)

    def _answers(self) -> pd.DataFrame | None:
        return recognition.answers_of_tables(self.tables)


def score(
    *given: Table | Array,
    y_true: Array = None,
    y_pred: Array = None,
    subjects: Array = None,
    classes: Names = None,
    predictions: Given | None = None,
    truth: Given | None = None,
    what: What | None = None,
    convention: str = "strict",
    rules: Mapping[str, Any] | Sequence[str] = (),
    kinds: Names = None,
    fps: float | None = None,
    strict_videos: bool = False,
    loose_ids: bool = False,
    encoding: str | None = None,
    k_prime: int | Mapping[str, int] | str | None = None,
    p: float | None = None,
    smoothing: str | None = None,
    postprocess: str | None = None,
    anchor: str | None = None,
    short_videos: bool = False,
    sensitivity: bool = False,
    form: str = "auto",
    seed: int = 0,
    bootstrap: int = 1000,
    columns: Words = (),
    where: Words = (),
    progress: Progress | None = None,
) -> Scores:
    """Score the predictions of any program: arrays, lists, data frames or files.

        mebench.score(y_true, y_pred, subjects=subjects, classes=["negative", "positive", "surprise"])
        mebench.score([[(10, 24)], []], [[(11, 25, 0.9)], [(60, 75, 0.4)]])  # intervals of two videos
        mebench.score("results.csv")  # one table with subject, y_true and y_pred
        mebench.score(truth="truth.csv", predictions="mine.csv")

    Arrays stand as in scikit-learn, the truth first. Files are tables of text, with any separator, encoding and order of columns,
    sheets of workbooks (`book.xlsx:sheet`), logs of MEGC 2020, `.eaf` files of ELAN or folders of them (of several coders
    `clip.eaf:anna`); a data frame needs the same columns. Frames are taken as they are written, from 0 or from 1, as long as both sides
    do the same; intervals include both ends. A clip without an answer is counted as wrong.

    Args:
        given: `y_true` and `y_pred`; or one table with both; or the predictions and the truth as tables.
        y_true: true class of each clip, (n_clips,); or the true intervals: (onset, offset) of one video, a list for each video, or a dict
            by video.
        y_pred: named classes (n_clips,), or probabilities (n_clips, n_classes); or spotted intervals in the form of the truth, each
            with a third number if it has a confidence.
        subjects: person of each clip or video; of one table the column that holds it.
        classes: classes to score, in the order of their numbers; all by default.
        predictions: spotted intervals (`subject`, `video`, `onset`, `offset` …), or frame scores (`subject`, `video`, `frame`, `score`),
            or the emotions of given clips (`subject`, `video`, `emotion` …).
        truth: true intervals, a row with empty onset and offset for a video without any; or the true class of each clip. It may be
            the sheet that a dataset was released with.
        what: kind of the predictions, `intervals`, `frame scores` or `clips`; found by their columns if it is left out.
        convention: rules of the scorer, see `mebench.datasets` and the page of conventions.
        rules: single rules of the convention that are changed, such as `{"ends": "half_open"}`.
        kinds: `micro`, `macro` or both; those of the tables by default.
        fps: frames per second, for scores in milliseconds and per minute; times in `.eaf` files become frames by it.
        strict_videos: refuse videos that the truth does not name.
        loose_ids: take `s1`, `01` and `1` for one subject, `EP2_1F` and `EP02_01f` for one video.
        encoding: encoding of files that are not UTF-8, such as `gb18030`, if it cannot be told for sure.
        k_prime: half the length of an expression, in frames, for frame scores; a number, or one for each kind.
        p: threshold of frame scores, from a video's mean (0) to its maximum (1); 0.55 by default.
        smoothing: smoothing of frame scores: `average`, `gaussian_3` …
        postprocess: rule for intervals from frame scores, `paper` or `released_code`.
        anchor: place of intervals from frame scores: around peaks (`paper`), or around the middles of their windows (`middle`).
        short_videos: take one expression a video from frame scores: its highest peak, without a threshold.
        sensitivity: score under every convention, too (`summary["sensitivity"]`).
        form: format of the predictions: `auto`, `csv`, `strs`, `megc2020` or `megc2023`.
        seed: seed of the bootstrap.
        bootstrap: draws; 0 for no intervals.
        columns: columns of the predictions by what they hold, `{"emotion": "predict"}`; `truth.emotion` is one of the truth.
        where: the rows that count, by a column and its cell, `{"seed": 0}`, in each table with this column.
        progress: where to tell how long it takes; nowhere by default.

    Raises:
        ConfigError: an option is wrong, or is about other predictions than these.
        DataError: a table cannot be understood, or its score depends on what nobody said; the sentence names its line.
    """
    choices = file_choices.Choices.of(columns, where)
    true, answered = choose_sides(y_true, y_pred, truth, predictions)
    answers = find_answers(given, true, answered, subjects, classes, encoding, choices)
    return score_predictions(
        answers.predictions,
        answers.truth,
        Reading(what or answers.what, form, fps, strict_videos, loose_ids, encoding, columns, where),
        FrameRules(k_prime, p, smoothing, postprocess, anchor, short_videos),
        Scoring(convention, rules, answers.classes or classes, kinds, sensitivity, seed, bootstrap),
        progress,
        answers.hint,
    )


def score_predictions(
    predictions: Given | File,
    truth: Given | File,
    reading: Reading,
    frame_rules: FrameRules,
    scoring: Scoring,
    progress: Progress | None = None,
    hint: str = "",
) -> Scores:
    """Score predictions of any program, with the options of `score` in groups.

    Args:
        predictions: file or table of the predictions.
        truth: file or table of the truth.
        reading: how they are read.
        frame_rules: how frame scores become intervals.
        scoring: classes, kinds and rules of the scores.
        progress: where to tell how long it takes; nowhere by default.
        hint: sentence for people who read the scores.

    Raises:
        ConfigError: an option is wrong, or is about other predictions than these.
        DataError: a table cannot be understood; the sentence names its line.
    """
    convention = _convention(scoring.convention, scoring.rules)
    _check_options(reading, frame_rules, scoring)
    remarks = text_table.Remarks()
    answered = _file(predictions, "the predictions", reading.encoding)
    true = _file(truth, "the truth", reading.encoding)
    if hint:
        remarks.warn(hint)
    if reading.what == "clips":
        answers = _answers_for_clips(answered, true, reading, scoring, remarks)
    elif reading.what == "frame scores":
        answers = _answers_from_frame_scores(answered, true, reading, frame_rules, scoring, remarks)
    else:
        answers = _answers_from_intervals(answered, true, reading, scoring, remarks)
    file_answers.check_choices(reading.choices, remarks)
    with (progress or Silent()).waiting("scoring"):
        summary = _summarize(answers, convention, scoring)
    summary |= remarks.plain()
    beside = "" if str(answered) == str(true) else f" beside {true}"
    return Scores(summary, answers, remarks, f"{reading.what} of {answered}{beside}")


def score_each(
    predictions: Given | File,
    truth: Given | File,
    column: str,
    reading: Reading,
    frame_rules: FrameRules,
    scoring: Scoring,
    progress: Progress | None = None,
) -> dict[str, Scores]:
    """The scores of each part of a file that holds several runs. They stand by the cell of a column that distinguishes the runs.

    Args:
        predictions: file or table of several runs.
        truth: see `score`.
        column: the column, such as `seed`.
        reading: see `score`.
        frame_rules: see `score`.
        scoring: see `score`.
        progress: where to tell how long it takes; nowhere by default.

    Raises:
        ConfigError: there is no such column, or an option is wrong.
        DataError: a table cannot be understood.
    """
    answered = _file(predictions, "the predictions", reading.encoding)
    given = reading.where
    where = [f"{name}={cell}" for name, cell in given.items()] if isinstance(given, Mapping) else [*given]
    scores = {}
    for value in file_answers.values_of_column(answered, column):
        chosen = replace(reading, where=[*where, f"predictions.{column}={value}"])
        scores[value] = score_predictions(predictions, truth, chosen, frame_rules, scoring, progress)
    return scores


def _check_options(reading: Reading, frame_rules: FrameRules, scoring: Scoring) -> None:
    """Refuse wrong options, and those that are about other predictions."""
    what = reading.what
    check_known("what", what, get_args(What))
    check_known("format", reading.form, writing.read_formats())
    refuse_if(
        (reading.fps is not None and not reading.fps > 0, f"fps must be above 0, not {reading.fps}"),
        (scoring.bootstrap < 0, f"bootstrap must be 0 or more draws, not {scoring.bootstrap}"),
    )
    stray = misplaced_option(
        what,
        {
            "p": frame_rules.p,
            "smoothing": frame_rules.smoothing,
            "postprocess": frame_rules.postprocess,
            "anchor": frame_rules.anchor,
            "k_prime": frame_rules.k_prime,
            "short_videos": frame_rules.short_videos or None,
            "kinds": scoring.kinds,
            "fps": reading.fps,
            "strict_videos": reading.strict_videos or None,
        },
    )
    if stray:
        first_place = OPTION_FITS[stray][0]
        raise ConfigError(f"{stray} applies to {first_place}: use it with what={first_place!r}, not with {what!r}")


def misplaced_option(what: What, options: Mapping[str, object]) -> str | None:
    """The first set option that is not about these predictions, or None."""
    for name, value in options.items():
        if value is not None and what not in OPTION_FITS[name]:
            return name
    return None


def _answers_for_clips(
    answered: File,
    true: File,
    reading: Reading,
    scoring: Scoring,
    remarks: text_table.Remarks,
) -> Answers:
    """The classes of given clips, beside the true ones."""
    adapters = dataset_summary.adapters_of(true)
    read, join = file_answers.read_truth(true, reading.join_rules, remarks, adapters, clips=True)
    return file_answers.read_clip_answers(read, answered, join, remarks, with_commas(scoring.classes))


def _answers_from_frame_scores(
    answered: File,
    true: File,
    reading: Reading,
    frame_rules: FrameRules,
    scoring: Scoring,
    remarks: text_table.Remarks,
) -> Answers:
    """The intervals that follow from frame scores, beside the true ones."""
    join = replace(reading.join_rules, fps=eaf.common_rate([true, answered], reading.fps))
    options = frame_rules.spotting_params()
    half_lengths = frame_rules.half_lengths()
    scores = frame_score_files.read_frame_scores(answered, remarks, reading.choices)
    spotted = frame_score_files.propose_intervals(scores, half_lengths, options, remarks, frame_rules.short_videos)
    adapters = dataset_summary.adapters_of(true)
    read, join = file_answers.read_truth(true, join, remarks, adapters)
    return file_answers.join_intervals(
        read,
        spotted,
        join,
        remarks,
        classes=with_commas(scoring.classes),
        kinds=with_commas(scoring.kinds),
        scores=scores,
    )


def _answers_from_intervals(
    answered: File,
    true: File,
    reading: Reading,
    scoring: Scoring,
    remarks: text_table.Remarks,
) -> Answers:
    """The spotted intervals, beside the true ones."""
    join = replace(reading.join_rules, fps=eaf.common_rate([true, answered], reading.fps))
    adapters = dataset_summary.adapters_of(true)
    read, join = file_answers.read_truth(true, join, remarks, adapters)
    is_log = writing.reads_log(reading.form)
    return file_answers.join_intervals(
        read,
        # The file has no name here, so that it is not kept: of a million rows it is a tenth of the memory.
        file_answers.read_answers(answered, read, join, remarks, is_log),
        join,
        remarks,
        classes=with_commas(scoring.classes),
        kinds=with_commas(scoring.kinds),
    )


def _summarize(answers: Answers, convention: str, scoring: Scoring) -> dict[str, Any]:
    """All scores as plain data."""

    def under(name: str, draws: int) -> dict[str, Any]:
        return score_summary.summarize(
            answers.tables,
            kinds=answers.kinds,
            classes=answers.classes,
            seed=int(scoring.seed),
            convention=name,
            draws=draws,
        )

    summary = under(convention, int(scoring.bootstrap))
    if scoring.sensitivity:
        summary["sensitivity"] = score_summary.scores_by_convention(under)
        summary["sensitivity_of_rules"] = score_summary.scores_by_rule(under, convention)
        summary["remarks"] += score_summary.strongest_rules(summary["sensitivity_of_rules"], convention)
    if "recognition" in summary and answers.tables.clips is not None:
        summary["chance"] = {"recognition": chance.recognition_chance(answers.tables, answers.classes, convention)}
        if "jaccard" not in summary["recognition"]["scores"]:  # a set of classes has no row of its own
            summary["confusion"] = plots.count_confusions(answers.tables.clips, answers.classes).to_dict("index")
    return summary


def _file(given: Given | Run | File | Array, name: str, encoding: str | None = None) -> File:
    """A file, or the table as one."""
    if isinstance(given, Run):
        raise ConfigError(f"run {given.id!r} has its own truth: compare it with a run, and leave truth out")
    return given if isinstance(given, sheets.Sheet) else file_of(given, name, encoding)


def with_commas(names: Names) -> str | None:
    """Names as the command line takes them."""
    return names if names is None or isinstance(names, str) else ",".join(map(str, names))


def _convention(name: str, rules: Mapping[str, Any] | Sequence[str]) -> str:
    """The name of a convention of which some rules are changed."""
    if isinstance(rules, Mapping):
        rules = [f"{field}={value}" for field, value in rules.items()]
    pairs = [rules] if isinstance(rules, str) else rules
    return conventions.find_convention(conventions.changed_name(name, pairs)).name


class Comparison:
    """Two runs, or two programs, on the same truth: differences, intervals, paired tests.

    Attributes:
        summary: all of it as plain data, as `mebench compare --json` writes it.
        conclusions: one sentence for each score: which is better, or what could have been seen.
        remarks: conditions for trusting the numbers, in sentences.
        warnings: likely faults of tables, and changes of what a score means.
        repaired: cells that were read differently from how they are written.
        account: account of each file, see `Scores.account`; empty for runs.
        column_uses: use of each column of each file, and the reason; empty for runs.
        sides: the two compared runs or programs.
        title: title of both sides, in words.
    """

    def __init__(
        self,
        found: RunComparison,
        sides: Sides,
        convention: str,
        remarks: text_table.Remarks | None,
    ) -> None:
        self.found = found
        self.sides = sides
        self.title = " against ".join(side.title for side in sides)
        self.conclusions = compare_runs.draw_conclusions(found)
        self.remarks = compare_runs.remarks_on_comparison(found, *sides, conventions.find_convention(convention))
        self.summary = compare_runs.comparison_as_json(found, *sides, self.conclusions, self.remarks)
        self.warnings: list[str] = []
        self.repaired: list[str] = []
        self.account: list[dict[str, Any]] = []
        self.column_uses: list[dict[str, str]] = []
        if remarks is not None:  # only files have any
            self.warnings = list(remarks.warnings)
            self.repaired = list(remarks.repaired)
            self.account = remarks.account
            self.column_uses = remarks.column_uses
            self.summary |= remarks.plain()

    def under_noise(self, file: str | Path) -> dict[str, Any]:
        """The compared scores if other coders had annotated, and the highest that this allows.

        Args:
            file: a CSV of how coders differ, `what`, `value` and `source`, see docs/understand/trust.md.

        Raises:
            DataError: the table does not fit.
        """
        noise, _ = score_trust.read_noise(Path(file).expanduser())
        return score_trust.score_under_noise(self.sides, noise, [*self.found.scores], self.found.convention)

    def plot(self, target: str | Path | None = None) -> Figure:
        """Plot the difference of each person, and write the figure if a file is named.

        Args:
            target: file of the figure, which ends in `.png`, `.svg` or `.pdf`.

        Raises:
            ConfigError: the ending is that of no figure, or no person has a score of both.
            DataError: the file cannot be written.
        """
        figure = score_plots.draw_sides(*self.sides, next(iter(self.found.scores)))
        if target is not None:
            score_plots.save_figure(figure, target)
        return plots.notebook_figure(figure)

    @property
    def scores(self) -> pd.DataFrame:
        """Every score by its name: `first`, `second`, their `difference` with the ends `low` and `high` of its
        interval, `p` of the permutation test, `p_holm` among all scores, and `detectable`, the smallest difference that
        these subjects show with 80 % power.
        """
        rows = {
            name: {
                "first": row.first.value,
                "second": row.second.value,
                "difference": row.difference.value,
                "low": row.difference.low,
                "high": row.difference.high,
                "p": row.p,
                "p_holm": row.p_holm,
                "detectable": row.detectable,
            }
            for name, row in self.found.scores.items()
        }
        return pd.DataFrame.from_dict(rows, "index", dtype="float64").rename_axis("score")

    def __str__(self) -> str:
        digits = self.scores.map(lambda value: "" if value != value else f"{value:.4f}")
        return "\n".join([self.title, digits.to_string(), *self.conclusions, *self.warnings])

    def __repr__(self) -> str:
        return f"<Comparison {self.title}: {'; '.join(self.conclusions)}>"

    def _repr_html_(self) -> str:
        digits = self.scores.map(lambda value: "" if value != value else f"{value:.4f}")
        rows = [[str(name), *row] for name, row in zip(digits.index, digits.to_numpy().tolist())]
        return notebook_html(
            self.title, (("score", *digits.columns), rows), [*self.conclusions, *self.remarks, *self.warnings]
        )


def compare(
    first: Given | Run | Array,
    second: Given | Run | Array,
    third: Array = None,
    *,
    truth: Given | Array | None = None,
    y_true: Array = None,
    subjects: Array = None,
    runs: str = "",
    metrics: Sequence[str] = (),
    convention: str = "strict",
    rules: Mapping[str, Any] | Sequence[str] = (),
    clips: bool = False,
    classes: Names = None,
    loose_ids: bool = False,
    fps: float | None = None,
    encoding: str | None = None,
    columns: Words = (),
    where: Words = (),
    progress: Progress | None = None,
) -> Comparison:
    """Compare two runs, two sweeps over seeds, or two programs' answers to the same truth. Tests are paired over
    subjects.

        mebench.compare("mean-synthetic", "softnet-synthetic")
        mebench.compare(y_true, y_pred, y_pred_of_other, subjects=subjects)
        mebench.compare("mine.csv", "theirs.csv")  # each with subject, y_true and y_pred

    Args:
        first: a run, its id, the beginning of its id or its folder; the beginning of several that differ in the seed alone means all of
            them; one table with truth and answers; beside a truth a file, table, array or list, as for `score`.
        second: another one.
        third: the second answers, if the truth comes first, as for `score`: `compare(y_true, y_pred, y_pred_of_other)`.
        truth: the truth of files, tables or arrays.
        y_true: the same, under scikit-learn's name.
        subjects: person of each clip or video of arrays; of tables with truth and answers the column that holds it.
        runs: folder of the runs; that of the user's file, or `runs`, if left out.
        metrics: such as `f1`, `spotting.micro.ap50` or `all`; the main ones by default.
        convention: the rules under which both are scored.
        rules: see `score`.
        clips: whether tables with onset and offset name the emotions of given clips.
        classes: emotions to score in tables.
        loose_ids: see `score`.
        fps: frames per second of tables, see `score`.
        encoding: encoding of tables, see `score`.
        columns: columns of both tables by what they hold, see `score`.
        where: the rows of tables that count, see `score`.
        progress: where to tell how long it takes; nowhere by default.

    Raises:
        RunError: the runs have different truths, classes or protocols, or are one.
        ConfigError: there is no such convention or metric; both words name one file.
        DataError: a table cannot be understood.
    """
    name = _convention(convention, rules)
    true = y_true if truth is None else truth
    if third is not None:
        refuse_if((true is not None, "with three arguments the first is the truth: leave truth= and y_true= out"))
        true, first, second = first, second, third
    reading = Reading(
        "clips" if clips else "intervals",
        fps=fps,
        loose_ids=loose_ids,
        encoding=encoding,
        columns=columns,
        where=where,
    )
    remarks = None
    if true is None and not _are_single_tables(first, second):
        sides = _sides_of_runs(first, second, runs)
    else:
        remarks = text_table.Remarks()
        pair = _pair_of_answers(first, second, true, subjects, classes, reading)
        sides = _sides_of_answers(pair, reading, classes, remarks)
    with (progress or Silent()).waiting("comparing"):
        found = compare_runs.compare_sides(*sides, name, metrics)
        return Comparison(found, sides, name, remarks)


def _are_single_tables(first: Any, second: Any) -> bool:
    """Whether both are files or data frames that hold the truth beside the answers."""
    for given in (first, second):
        try:
            is_file = isinstance(given, str | Path) and Path(given).expanduser().is_file()
        except OSError:  # no file has so long a name
            is_file = False
        if not is_file and not isinstance(given, pd.DataFrame):
            return False
    return holds_both_sides(first) and holds_both_sides(second)


def _sides_of_runs(first: Given | Run | Array, second: Given | Run | Array, runs: str) -> Sides:
    """Two runs, or two groups of runs that differ in the seed alone."""
    if not all(isinstance(side, str | Path | Run) for side in (first, second)):
        raise ConfigError("a table, unlike a run, has no truth of its own: give truth=")
    folders = _run_folders(first, runs)
    other_folders = _run_folders(second, runs)
    twice = {folder.path.resolve() for folder in folders} & {folder.path.resolve() for folder in other_folders}
    if twice:
        raise RunError(f"both words name the run {next(iter(twice)).name!r}: compare two different runs")
    of_runs = compare_runs.Side.of_runs
    return of_runs(folders, str(first)), of_runs(other_folders, str(second))


def _run_folders(side: Given | Run | Array, runs: str) -> Sequence[run_folder.RunFolder]:
    """The folder of a run, or those of several that differ in the seed."""
    if isinstance(side, Run):
        return [side.folder]
    refuse_missing_file(side)
    return method_result.open_result(runs_folder(runs), str(side)).folders


def _pair_of_answers(
    first: Any,
    second: Any,
    truth: Any,
    subjects: Array,
    classes: Names,
    reading: Reading,
) -> tuple[GivenAnswers, GivenAnswers]:
    """The answers of two programs, each with the truth.

    Raises:
        ConfigError: both words name one file.
        DataError: a table lacks a side, or their truths differ.
    """
    if truth is None:
        one, other = (
            answers_of_one_table(table, subjects, reading.encoding, reading.choices, name, classes)
            for table, name in ((first, "table A"), (second, "table B"))
        )
        if not same_truth(one.truth, other.truth):
            raise DataError("the truths of both tables differ: compare answers to the same clips, or give the truth")
    elif not any(is_table(given) or isinstance(given, Run) for given in (first, second, truth)):
        one, other = (
            answers_of_arrays(truth, given, subjects, classes, name) for given, name in ((first, "A"), (second, "B"))
        )
    else:
        true = _file(truth, "the truth", reading.encoding)
        one = GivenAnswers(true, _file(first, "table A", reading.encoding), reading.what)
        other = GivenAnswers(true, _file(second, "table B", reading.encoding), reading.what)
    places = [answers.predictions for answers in (one, other)]
    if all(isinstance(place, Path) for place in places) and len({Path(str(place)).resolve() for place in places}) == 1:
        raise ConfigError(f"both words name the file {str(first)!r}: compare two different files")
    return one, other


def _sides_of_answers(
    pair: tuple[GivenAnswers, GivenAnswers], reading: Reading, classes: Names, remarks: text_table.Remarks
) -> Sides:
    """Two programs' answers beside their truth."""
    one, other = pair
    named = _classes_of_both(one, other) if classes is None or one.classes else with_commas(classes)
    answers, other_answers = file_answers.read_against_truth(
        one.truth,
        [one.predictions, other.predictions],
        reading.join_rules,
        remarks,
        reading.what == "clips" or one.what == "clips",
        named,
        dataset_summary.adapters_of(one.truth),
    )
    of_file = compare_runs.Side.of_file
    return of_file(one.predictions, answers), of_file(other.predictions, other_answers)


def _classes_of_both(one: GivenAnswers, other: GivenAnswers) -> str | None:
    """The classes of arrays that either side names; None where tables name them."""
    both = dict.fromkeys([*(one.classes or ()), *(other.classes or ())])
    return with_commas([*both]) if both else None
