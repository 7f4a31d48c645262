"""A page that explains the scores of one run or two, and their figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from mebench.errors import MebenchError, RunError, refused_by_system
from mebench.files import whole_file, write_text
from mebench.lazy_imports import load_lazily
from mebench.metrics import catalogue, find_convention
from mebench.metrics.mistakes import count_mistakes, miss_shares, number_of_draws, sort_mistakes
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.scores_in_time import RATES
from mebench.output.number_format import (
    NONE,
    format_mean_count,
    format_span,
    format_table_number,
    shares_in_words,
)
from mebench.output.table import Column, Table
from mebench.records import recorded_settings
from mebench.records.costs import COSTS
from mebench.records.levels_of_chance import add_levels_of_record
from mebench.records.method_result import MethodResult
from mebench.records.record import Record, read_record
from mebench.reports.compare_runs import Side, draw_conclusions, score_path_in_words, state_sides
from mebench.reports.findings import describe_findings, find_floor, main_metric
from mebench.reports.page_templates import template_environment
from mebench.reports.plots import (
    CURVE_COLORS,
    PAGE,
    classes_of_true_positives,
    count_confusions,
    draw_confusion_matrix,
    draw_iou_sweep,
    draw_subjects,
    draw_timeline,
    figures_of_training,
    history_of,
    svg_of_figure,
)
from mebench.reports.recognition import RecognitionResults, class_table, wrong_clips_table
from mebench.reports.result_scores import scores_of_result, sentence_of_runs, table_of_seeds
from mebench.reports.score_trust import describe_trust, tables_of_trust
from mebench.reports.scores import MAIN, RANDOM_CLASSES, SELECTION, clip_levels, counts_in_words, title_of
from mebench.reports.timeline import (
    JudgedRun,
    PlainRow,
    plain_rows,
    reason_for_miss,
    reason_for_wrong,
    timeline_of_video,
)
from mebench.runs import RunFolder
from mebench.runs.chance_levels import add_levels_of_chance, with_levels_of_chance
from mebench.runs.fold_files import CURVES, safe_name
from mebench.runs.scoring import read_tables
from mebench.score_type import Score

if TYPE_CHECKING:
    import matplotlib
    from matplotlib.figure import Figure

    from mebench.metrics.compared_tables import RunComparison
else:
    matplotlib = load_lazily("matplotlib")

RULES = {"as_many": "as many as truths", "best_rate": "at the best rate"}


PlainScores = Mapping[str, Mapping[str, Any]]
"""Scores by their metric, as a summary holds them."""
WORDS = {"false_positive": "false positive: ", "miss": "miss: ", "under": "false positive on: "}
"""The counts of mistakes in a summary that the page shows, with their labels."""


def gather_page_facts(
    record: Record, side: JudgedRun | None, each_clip: bool = True, by_names: PlainScores | None = None
) -> dict[str, Any]:
    """Facts about a run for the templates of `run.html`; without a `side`, facts from predictions are left out.

    Args:
        record: record of the run.
        side: its answers.
        each_clip: whether each class and each wrong clip is shown, as in `details_of_answers`.
        by_names: scores of recognition from names alone, if they are known elsewhere; a record's page does not compute them.
    """
    summary = _summary_with_chance(record, side)
    levels = summary.get("chance", {}).get("recognition")
    if by_names and levels:
        summary = {**summary, "chance": {**summary["chance"], "recognition": {**levels, "names": by_names}}}
    costs = record.costs
    sides = ("train", "valid", "test")
    n_people = len({subject for fold in record.about["folds"] for subject in fold["test"]})
    n_draws = 1 if side is None else number_of_draws(side.tables)
    return {
        "record": record,
        "findings": describe_findings(summary, n_people, n_draws),
        "doubts": _doubts_about(record),
        "sections": _sections(summary),
        "chance": _levels_of_chance(summary),
        "details": None if side is None else details_of_answers(record, side, each_clip),
        "causes": [] if side is None else _mistakes_by_cause(side),
        "costs": [
            (cost.words, f"{cost.write(costs.get(name))} {cost.unit}".rstrip())
            for name, cost in COSTS.items()
            if name in costs or cost.always
        ],
        "folds": {name: format_span([len(fold[name]) for fold in record.about["folds"]]) for name in sides},
        "audit": _audit_rows(record.audit),
    }


def _summary_with_chance(record: Record, side: JudgedRun | None) -> Mapping[str, Any]:
    """The summary of a record with its levels of chance; that of a run has all of them."""
    if side is None:
        return record.summary
    folder = RunFolder(record.folder)
    if record.published:
        return add_levels_of_record(record.summary, folder, side.tables, record.about, int(record.config["seed"]))
    return add_levels_of_chance(record.summary, folder, side.tables)


def _doubts_about(record: Record) -> list[str]:
    """What limits the scores of a run, a sentence each."""
    doubts = [record.about["remark"], *(record.about.get("warnings") or [])]
    if record.selection == "test":
        doubts.append(f"selection on test: {SELECTION['test']}")
    if record.pretrained_on_tested:
        doubts.append(
            f"what it loads was trained on {record.pretrained_on_tested}, which is tested here: the score is too good"
        )
    return [doubt for doubt in doubts if doubt]


def _levels_of_chance(summary: Mapping[str, Any]) -> list[tuple[str, str, Score]]:
    """Part, rule in words and score of each level of chance: F1 of spotting, STRS, UF1 and UAR."""
    table = ScoreTable.read(summary)
    levels: list[tuple[str, str, Score]] = []
    for kind in summary.get("chance", {}):
        for rule, level in table.levels_of_chance("spotting", kind).items():
            levels.append((kind, RULES.get(rule, rule), level["f1"]))
    of_analysis = table.levels_of_chance("analysis").values()
    levels += [("analysis, STRS", RANDOM_CLASSES, level["strs"]) for level in of_analysis]
    for words, of_clips in clip_levels(summary):
        levels += [(f"recognition, {catalogue.METRICS[name].label}", words, of_clips[name]) for name in ("uf1", "uar")]
    return levels


@dataclass(frozen=True)
class ScoreRow:
    """A score on a page.

    Attributes:
        metric: name of the metric.
        score: the score.
        floor: the score without a method, or None.
    """

    metric: str
    score: Score
    floor: Score | None


@dataclass(frozen=True)
class ScoreSection:
    """The scores of a part of a summary on a page.

    Attributes:
        title: task and part.
        counted: number of scored items.
        floor: source of the floor, in words; empty if it is unknown.
        main: rows of the main scores.
        further: rows of the others.
    """

    title: str
    counted: str
    floor: str
    main: Sequence[ScoreRow]
    further: Sequence[ScoreRow]


def _sections(summary: Mapping[str, Any]) -> list[ScoreSection]:
    """The shown scores of each part of a summary with their floors."""
    sections: list[ScoreSection] = []
    for part in ScoreTable.read(summary).parts():
        title = f"{part.task.capitalize()}, {part.name}" if part.name else part.task.capitalize()
        floor = find_floor(summary, part)
        of_floor = floor.scores if floor else {}
        main: list[ScoreRow] = []
        further: list[ScoreRow] = []
        for metric, score in part.scores.items():
            if not _is_shown(metric, score, part.name):
                continue
            level = of_floor.get(metric)
            is_special = catalogue.find_metric(metric).own or catalogue.find_metric(metric).column
            is_main = metric in MAIN[part.task] or is_special
            row = ScoreRow(metric, score, level)
            (main if is_main else further).append(row)
        main.sort(key=lambda row: row.metric != main_metric(part))
        if not main:
            main, further = further, []
        sections.append(ScoreSection(title, counts_in_words(part), floor.words if floor else "", main, further))
    return sections


def _is_shown(metric: str, score: Score, part: str) -> bool:
    """Whether a page shows a score: one of time only if defined, a rate only for micro-expressions, to stay small."""
    if not catalogue.find_metric(metric).timed:
        return True
    return score.value is not None and (part == "micro" or metric not in RATES)


@dataclass(frozen=True)
class CauseOfMistakes:
    """All mistakes of one cause, which a page lists.

    Attributes:
        title: title of the list, such as `miss: near miss`.
        reason: the reason in the tooltips of these intervals, by which the page's script finds them in the timelines.
        mistakes: `video`, `kind`, `onset` and `offset` of each.
    """

    title: str
    reason: str
    mistakes: Sequence[PlainRow]


def _mistakes_by_cause(side: JudgedRun) -> list[CauseOfMistakes]:
    """Every mistake of the first draw by its cause, those of false positives first."""
    by_cause = []
    for mistake, column, reason_for in (
        ("false_positive", "under", reason_for_wrong),
        ("miss", "cause", reason_for_miss),
    ):
        for cause, found in side.mistakes[side.mistakes["mistake"] == mistake].groupby(column):
            reason = reason_for(str(cause))
            _, _, words = reason.partition(": ")
            by_cause.append(CauseOfMistakes(f"{WORDS[mistake]}{words}", reason, plain_rows(found)))
    return by_cause


SHOWN_ELSEWHERE = ("selection", "transductive", "sides", "values")
"""Entries of an audit that are not listed with the others."""


@dataclass(frozen=True)
class AuditRow:
    """A value that shaped predictions.

    Attributes:
        name: name of the value.
        saw: subjects that were seen for it.
        value: the value; of one that differs between folds, by fold.
        by_fold: True if it differs between folds.
    """

    name: str
    saw: str
    value: Any
    by_fold: bool = False


def _audit_rows(audit: Mapping[str, Any]) -> list[AuditRow]:
    """Each value that shaped predictions; then the other entries."""
    rows = []
    for value in audit.get("values", ()):
        row = AuditRow(str(value.get("name", "")), str(value.get("saw", "")), value.get("value"))
        by_fold = value.get("folds")
        if by_fold:
            first, *others = by_fold.values()
            differs = any(other != first for other in others)
            row = replace(row, value=by_fold if differs else first, by_fold=differs)
        rows.append(row)
    return rows + [AuditRow(name, "", content) for name, content in audit.items() if name not in SHOWN_ELSEWHERE]


def details_of_answers(record: Record, side: JudgedRun, each_clip: bool = True) -> dict[str, Any]:
    """Details of the answers of a run.

    Args:
        record: record of the run.
        side: its answers.
        each_clip: whether `classes` and `wrong` are filled, which takes a tenth of a second.

    Returns:
        `classes`: scores of each class of annotated clips, and `wrong`: each clip of the wrong class; None where no clip is named.
        `confusions`: title and counts, for annotated clips and for true positives; empty if no emotions are named.
        `mistakes`: numbers by kind of expression and cause, None if the run spots nothing. `cures`: gain in F1 by kind
        without each cause of false positives, or without misses except near ones; None if unknown. `missed`: for each
        kind and property of its truths, the share of each third that is missed, in words. `subjects`: a row a subject.

    Raises:
        DataError: its tables do not fit together.
    """
    mistakes = record.summary.get("mistakes", {}) if side.tables.predictions is not None else {}
    named = RecognitionResults.of_run(RunFolder(record.folder)) if each_clip else None
    return {
        "classes": None if named is None else class_table(named.classes),
        "wrong": None if named is None else wrong_clips_table(named.wrong),
        "confusions": [
            (PAGE_TITLES[task], count_confusions(answers, record.about["classes"]))
            for task, answers in emotions_of(record, side).items()
        ],
        "mistakes": _table_of_causes(mistakes),
        "cures": table_of_cures(mistakes),
        "missed": _missed_in_words(mistakes),
        "subjects": _worst_first(table_of_subjects(side)),
    }


def _missed_in_words(mistakes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The shares of missed truths by third, for each kind and property."""
    missed = []
    for kind, found in mistakes.items():
        missed += [(f"{kind}, by {name}", shares_in_words(thirds)) for name, thirds in miss_shares(found).items()]
    return missed


def _table_of_causes(mistakes: Mapping[str, Any]) -> Table | None:
    """A row for each cause of a mistake, a column for each kind of expression."""
    causes: dict[tuple[str, str], None] = {}
    for of_kind in mistakes.values():
        for mistake, numbers in of_kind.items():
            if mistake in WORDS:
                causes |= dict.fromkeys((mistake, cause) for cause in numbers)
    if not causes:
        return None
    columns = [
        Column("what went wrong", main=True),
        *(Column(kind, text=format_mean_count, right=True) for kind in mistakes),
    ]
    lines = []
    for mistake, cause in causes:
        numbers = [of_kind[mistake].get(cause, 0) for of_kind in mistakes.values()]
        words = "nothing spotted near" if cause == "missed" else cause.replace("_", " ")
        lines.append((f"{WORDS[mistake]}{words}", *numbers))
    return Table(columns, lines)


PAGE_TITLES = {"recognition": "Annotated clips", "analysis": "Spotted clips that are right (true positives)"}
"""The titles of confusions of emotions on a page."""
FIGURE_TITLES = {"recognition": "annotated clips", "analysis": "true positives"}
"""The titles of their figures."""


def emotions_of(record: Record, side: JudgedRun) -> dict[str, pd.DataFrame]:
    """The true and named emotions in each task that has some."""
    tables = side.tables
    answers_of = dict[str, pd.DataFrame]()
    if tables.clips is not None:
        answers_of["recognition"] = tables.clips
    if tables.predictions is not None:
        answers_of["analysis"] = classes_of_true_positives(tables, find_convention(record.convention))
    return {task: answers for task, answers in answers_of.items() if len(answers)}


def table_of_cures(mistakes: Mapping[str, Any]) -> Table | None:
    """A row for each cause, largest gain first, a column for each kind."""
    gains = {kind: part["gain"] for kind, part in mistakes.items() if part.get("gain")}
    if not gains:
        return None
    largest: dict[str, float] = {}
    for of_kind in gains.values():
        for cause, gain in of_kind.items():
            largest[cause] = max(largest.get(cause, gain), gain)
    columns = [Column("gain in F1", main=True)]
    columns += [Column(kind, text=_gain_in_words, right=True) for kind in gains]
    lines = []
    for cause in sorted(largest, key=lambda cause: -largest[cause]):
        # "missed" alone does not concern false positives.
        words = "all other misses found" if cause == "missed" else cause.replace("_", " ")
        lines.append((words, *(of_kind.get(cause) for of_kind in gains.values())))
    return Table(columns, lines)


def _side_by_side(runs: Sequence[Mapping[str, Any]], name: str, missing: float | None) -> Table | None:
    """The tables `name` of the details of several runs as one; None if no run has such a table."""
    detailed = {run["letter"]: run["details"] for run in runs if run["details"]}
    return join_side_by_side({letter: details[name] for letter, details in detailed.items() if details[name]}, missing)


def join_side_by_side(tables: Mapping[str, Table], missing: float | None) -> Table | None:
    """Tables of several runs as one: a row for each first cell, a column for each kind of expression and run.

    Args:
        tables: a table for each run by its letter; their first columns name the rows, the others kinds.
        missing: the value where a run has no such row.
    """
    if not tables:
        return None
    kinds = dict.fromkeys(column.name for table in tables.values() for column in table.columns[1:])
    values = {
        (letter, column.name, row[0]): value
        for letter, table in tables.items()
        for row in table.rows
        for column, value in zip(table.columns[1:], row[1:])
    }
    names = dict.fromkeys(row[0] for table in tables.values() for row in table.rows)
    first, second, *_ = next(iter(tables.values())).columns
    columns = [first]
    for kind in kinds:
        columns += [replace(second, name=f"{kind}, {letter}" if len(kinds) > 1 else letter) for letter in tables]
    cells = [(letter, kind) for kind in kinds for letter in tables]
    return Table(columns, [[name, *(values.get((*cell, name), missing) for cell in cells)] for name in names])


def _gain_in_words(gain: float | None) -> str:
    """A gain with its sign, or a dash."""
    return NONE if gain is None else f"+{format_table_number(gain)}"


def table_of_subjects(side: JudgedRun) -> Table:
    """A row for each subject: expressions, found, false positives, F1; clips, right answers, accuracy."""
    tables = side.tables
    rows = pd.DataFrame(index=sorted(set(tables.videos["subject"])))
    if tables.predictions is not None:
        _add_spotting_columns(rows, side)
    if tables.clips is not None:
        is_right = (tables.clips["truth"] == tables.clips["predicted"]).fillna(False)
        subject_of = tables.videos.set_index("video")["subject"]
        right = is_right.groupby(tables.clips["video"].map(subject_of))
        rows["clips"] = right.size().reindex(rows.index, fill_value=0)
        rows["right"] = right.sum().reindex(rows.index, fill_value=0)
        rows["accuracy"] = rows["right"] / rows["clips"]  # 0/0 is undefined
    columns = [Column("subject", main=True)]
    for name in map(str, rows):
        if name in ("F1", "accuracy"):
            columns.append(Column(name, text=format_table_number, right=True))
        else:
            columns.append(Column(name, text=format_mean_count, right=True))
    cells = rows.astype(object).where(rows.notna(), None)
    return Table(columns, cells.reset_index().to_numpy().tolist())


def _worst_first(table: Table) -> Table:
    """The rows of people by F1, or accuracy where nothing is spotted; people without either come last."""
    names = [column.name for column in table.columns]
    place = names.index("F1" if "F1" in names else "accuracy")
    rows = sorted(table.rows, key=lambda row: (row[place] is None, row[place] or 0.0))
    return replace(table, rows=rows)


def _add_spotting_columns(rows: pd.DataFrame, side: JudgedRun) -> None:
    """Add expressions, found, false positives and F1 of each subject, the index of `rows`."""
    tables = side.tables
    kinds = list(side.kinds)
    n_draws = number_of_draws(tables)
    mistakes = side.mistakes if n_draws == 1 else sort_mistakes(tables, kinds, side.convention)
    counts = count_mistakes(mistakes, "subject", n_draws).reindex(rows.index, fill_value=0)
    subject_of = tables.videos.set_index("video")["subject"]
    truths = tables.truths[tables.truths["kind"].isin(kinds)]["video"].map(subject_of)
    rows["expressions"] = truths.value_counts().reindex(rows.index, fill_value=0)
    rows["found"] = rows["expressions"] - counts["miss"].to_numpy(float).sum(axis=1)
    rows["false positives"] = counts["false_positive"].to_numpy(float).sum(axis=1)
    rows["F1"] = 2 * rows["found"] / rows.sum(axis=1)  # of the three columns; 0/0 is undefined


SCORES = ["fold", "video", "frame", "kind", "score"]
TRANSFER = "method.transfer"
NO_SCORES = "keeps no scores of frames, so its timelines show only intervals"


def judge_run(record: Record, name: str = "") -> JudgedRun:
    """A run's answers about its videos, from its folder; a record of the leaderboard has no frame scores.

    Raises:
        RunError: a table of the run is missing or damaged.
        DataError: its tables do not fit together.
    """
    folder = RunFolder(record.folder)
    tables = read_tables(folder)
    about = record.about
    spots = "spot" in about["tasks"]
    scores = pd.DataFrame(columns=SCORES)
    if spots and (folder.path / "frame_scores.parquet").is_file():
        scores = folder.read_table("frame_scores.parquet")
        if (folder.path / CURVES).is_file():
            scores = scores.merge(folder.read_table(CURVES), how="left", on=SCORES[:-1])
    return JudgedRun(
        name,
        tables,
        about["kinds"] if spots else (),
        scores,
        record.convention,
        about["classes"],
        folder.read_table("clips.parquet") if "recognize" in about["tasks"] else None,
    )


def timelines_of_videos(sides: Sequence[JudgedRun]) -> list[dict[str, Any]]:
    """Every video with a timeline, the one of most mistakes first.

    Each has its anchor on the page, the numbers of missed and wrong intervals, and these in words for each run. Videos of
    one frame are left out.
    """
    numbers = [side.mistakes[["video", "mistake"]].value_counts().to_dict() for side in sides]
    drawn = []
    for number, video in enumerate(sides[0].tables.videos["video"].astype(str)):
        if sides[0].frames_of_video(video) == 1:  # of clips with ready-made features all are such
            continue
        line = timeline_of_video(video, sides)
        has_content = line.rows or any(track.curves for track in line.tracks)
        if line.n_frames <= 1 or not has_content:
            continue
        missed = [int(of_side.get((video, "miss"), 0)) for of_side in numbers]
        wrong = [int(of_side.get((video, "false_positive"), 0)) for of_side in numbers]
        notes = []
        for side, n_missed, n_wrong in zip(sides, missed, wrong):
            if n_missed or n_wrong:
                name = f"{side.name}: " if side.name else ""
                notes.append(f"{name}{n_missed} missed, {n_wrong} wrong")
        drawn.append(
            {
                "id": f"v{number}",
                "timeline": line,
                "missed": sum(missed),
                "wrong": sum(wrong),
                "note": "; ".join(notes),
            }
        )
    return sorted(drawn, key=lambda one: -(one["missed"] + one["wrong"]))


def values_of_page(record: Record, most: int | None = None, by_names: PlainScores | None = None) -> dict[str, Any]:
    """Values for the page of a run: `gather_page_facts`, its timelines, figures, and the cards of its features.

    Without scores of frames, as in a record, timelines show only true and spotted intervals.

    Args:
        record: record of the run.
        most: largest number of answers that are shown one by one; a run with more shows only scores.
        by_names: scores from names alone, as in `gather_page_facts`.
    """
    side: JudgedRun | None = None
    reason = ""
    try:
        if most is not None and record.answers > most:
            raise RunError(f"{record.answers:,} answers are too many for a page, which shows at most {most:,}")
        side = judge_run(record)
        values = gather_page_facts(record, side, each_clip=most is None, by_names=by_names)
    except (MebenchError, KeyError, ValueError) as error:
        side = None
        reason = f"The predictions cannot be shown: {error}"
        values = gather_page_facts(record, None, by_names=by_names)
    values |= {
        "reason": reason,
        "cards": _feature_cards(record),
        **_over_time([("", record)], [] if side is None else [side]),
    }
    if not values["timelines"]:
        values["causes"] = []
    scored = values["scored"] or not values["timelines"] or "spot" not in record.about["tasks"]
    return values | {"unscored": "" if scored else f"This run {NO_SCORES}."}


def _feature_cards(record: Record) -> list[tuple[str, str]]:
    """Title and card of each feature that the run read, by dataset; a card begins with `chain NAME`."""
    file = record.folder / "features.json"
    stored = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    by_group = sorted(stored.get("chains", {}).items())
    return [(f"{group}: {card.split()[1]}", card) for group, cards in by_group for card in cards]


def _over_time(runs: Sequence[tuple[str, Record]], sides: Sequence[JudgedRun]) -> dict[str, Any]:
    """The timelines and training curves on the page of one run or two."""
    drawn = timelines_of_videos(sides) if sides else []
    tracks = [track for one in drawn for track in one["timeline"].tracks]
    curves = [curve for track in tracks for curve in track.curves.values()]
    return {
        "timelines": drawn,
        "places": {one["timeline"].title: one["id"] for one in drawn},
        "scored": any(len(side.frame_scores) for side in sides),
        "smoothed": any(curve.smoothed is not None for curve in curves),
        "sweeps": _sweeps(runs),
        "colors": [PAGE.get(color, color) for color in CURVE_COLORS],
        "figures": {name: Markup(svg_of_figure(figure, name)) for name, figure in _trainings(runs).items()},
    }


def _sweeps(runs: Sequence[tuple[str, Record]]) -> dict[str, Mapping[str, Any]]:
    """F1 by IoU threshold of each run and kind; see `plots.draw_iou_sweep`."""
    sweeps = {}
    for name, run in runs:
        for kind, part in run.summary.get("spotting", {}).items():
            sweep = part.get("details", {}).get("f1_at_iou")
            if sweep:
                sweeps[f"{name}, {kind}" if name else kind] = sweep
    return sweeps


def _trainings(runs: Sequence[tuple[str, Record]]) -> dict[str, Figure]:
    """The figures of the trainings of one or several runs, `training_<stage>`."""
    folders = {name: RunFolder(run.folder) for name, run in runs}
    if len(runs) == 1:
        ((name, run),) = runs
        other = find_twin(run, TRANSFER)
        if other is not None:
            if run.config[TRANSFER]:
                folders = {"with transfer": folders[name], "without transfer": other}
            else:
                folders = {"without transfer": folders[name], "with transfer": other}
    return figures_of_training({name: history_of(folder) for name, folder in folders.items()})


def find_twin(record: Record, key: str) -> RunFolder | None:
    """A finished run that differs from a run in one setting, if there is one. Beside a committed record lies none."""
    if key not in record.config or record.published:
        return None
    for folder in RunFolder.list_runs(record.folder.parent):
        if folder.path == record.folder or not folder.done:
            continue
        try:
            other = recorded_settings.without_places(folder.read_json("config.json")["config"])
        except (MebenchError, LookupError, TypeError, AttributeError):
            continue
        names = {*other, *record.config}
        if {name for name in names if other.get(name) != record.config.get(name)} == {key}:
            return folder
    return None


def figures_of_run(folder: RunFolder, most: int | None = 3) -> dict[str, Figure]:
    """The figures of a finished run, by name.

    `recognition_confusion` for the annotated clips, `analysis_confusion` for the true positives of a method that also
    names their emotion, `iou_sweep`, `subjects`, `scores_<video>` for the videos with the most expressions, and
    `training_<stage>` for recorded trainings. Figures that do not apply are absent.

    Args:
        folder: the run.
        most: number of drawn videos; None for all.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    record = read_record(folder)
    return dict(_drawn_figures([("", record)], [judge_run(record)], most))


def _drawn_figures(
    runs: Sequence[tuple[str, Record]], sides: Sequence[JudgedRun], most: int | None
) -> Iterator[tuple[str, Figure]]:
    """Name and figure of all drawings of a page: confusion matrices, scores of people, curves, trainings, timelines."""
    for (name, record), side in zip(runs, sides):
        title = f"{name}: " if name else ""
        ending = f"_{name.lower()}" if name else ""
        for task, answers in emotions_of(record, side).items():
            words = f"{title}{task}: {FIGURE_TITLES[task]}"
            yield f"{task}_confusion{ending}", draw_confusion_matrix(answers, record.about["classes"], words)
    of_subjects = {}
    for (name, _), side in zip(runs, sides):
        f1_of = {row["subject"]: row["F1"] for row in table_of_subjects(side).plain() if "F1" in row}
        if f1_of:
            of_subjects[name] = f1_of
    if of_subjects:
        yield "subjects", draw_subjects(of_subjects)
    sweeps = _sweeps(runs)
    if sweeps:
        yield "iou_sweep", draw_iou_sweep(sweeps)
    yield from _trainings(runs).items()
    for video in _videos_with_most_expressions(sides, most):
        yield f"scores_{safe_name(video)}", draw_timeline(timeline_of_video(video, sides))


def _videos_with_most_expressions(sides: Sequence[JudgedRun], most: int | None) -> list[str]:
    """The first videos with frame scores, sorted by their number of expressions."""
    scored = {video for side in sides for video in side.frame_scores["video"].unique()}
    truths = sides[0].tables.truths["video"]
    expressions = truths[truths.isin(scored)].value_counts()
    return sorted(expressions.index, key=lambda video: (-expressions[video], video))[:most]


def write_figures_of_runs(folders: Sequence[RunFolder], place: Path) -> list[Path]:
    """Write the figures of one run or two as SVG, PNG and PDF.

    Files of these names are replaced.

    Raises:
        RunError: a table of a run is missing or damaged.
        DataError: a file cannot be written.
    """
    records = [read_record(folder) for folder in folders]
    names = ("A", "B") if len(folders) > 1 else ("",)
    sides = [judge_run(record, name) for record, name in zip(records, names)]
    written = []
    with refused_by_system(f"the figures cannot be written to {place}", "name another --figures DIR"):
        place.mkdir(parents=True, exist_ok=True)
        for name, figure in _drawn_figures([*zip(names, records)], sides, None):
            for ending in ("svg", "png", "pdf"):
                file = place / f"{name}.{ending}"
                with whole_file(file) as writing:
                    figure.savefig(writing)
                written.append(file)
    return written


def page_of_runs(
    results: Sequence[MethodResult],
    comparison: RunComparison | None = None,
    remarks: Sequence[str] = (),
    looked: Sequence[Mapping[str, Any]] = (),
    trusted: Mapping[str, Any] | None = None,
) -> str:
    """The report of a result, or of two compared ones, A and B.

    Of several seeds the page gives the means, and explains the first.

    Args:
        results: the result, or both.
        comparison: comparison of both.
        remarks: sentences for judging it.
        looked: faces with the Grad-CAM maps of a run's networks, from `mebench.inference.gradcam_pictures.explain_surest`.
        trusted: the result of `trust.measure_trust` for one run.

    Raises:
        RunError: a table of a run is missing or damaged.
    """
    for folder in (folder for result in results for folder in result.folders):
        for name in folder.seal:
            if "/" not in name:  # the files of folds are not shown
                folder.check_file(name)
    records = [read_record(result.folders[0]) for result in results]
    if comparison is None:
        text = _page_of_result(results[0], records[0], looked, trusted)
    else:
        text = _page_of_comparison(results, records, comparison, remarks)
    return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"


def _page_of_result(
    result: MethodResult, record: Record, looked: Sequence[Mapping[str, Any]], trusted: Mapping[str, Any] | None
) -> str:
    """The page of one result, with empty lines.

    Args:
        result: all its runs.
        record: record of the first.
        looked: faces with the maps of its networks.
        trusted: its scores by groups of people.
    """
    summaries = [with_levels_of_chance(record.summary, result.folders[0], record.about)]
    summaries += [read_record(folder).summary for folder in result.folders[1:]]
    scores = scores_of_result(result.folders, summaries)
    return (
        template_environment()
        .get_template("report.html")
        .render(
            root=None,
            title=title_of(record.config),
            stated=sentence_of_runs(result.folders, scores),
            seeds=table_of_seeds(result.seeds, scores) if len(result.folders) > 1 else None,
            looked=looked,
            trusted=tables_of_trust(trusted) if trusted else [],
            on_trust=describe_trust(trusted) if trusted else [],
            **values_of_page(record),
        )
    )


def _page_of_comparison(
    results: Sequence[MethodResult], records: Sequence[Record], comparison: RunComparison, remarks: Sequence[str]
) -> str:
    """The page of two runs, A and B, with empty lines."""
    runs = [*zip("AB", records)]
    sides = [judge_run(record, name) for name, record in runs]
    unscored = [f"Run {side.name} {NO_SCORES}." for side in sides if side.kinds and not len(side.frame_scores)]
    facts_of_runs = [
        {"letter": name, "title": title_of(record.config), **gather_page_facts(record, side)}
        for (name, record), side in zip(runs, sides)
    ]
    return (
        template_environment()
        .get_template("reports.html")
        .render(
            root=None,
            runs=facts_of_runs,
            mistakes=_side_by_side(facts_of_runs, "mistakes", missing=0),
            cures=_side_by_side(facts_of_runs, "cures", missing=None),
            scores=[(score_path_in_words(path), path, row) for path, row in comparison.scores.items()],
            stated=state_sides(
                [Side.of_runs(result.folders, record.id) for result, record in zip(results, records)], comparison
            ),
            said=draw_conclusions(comparison),
            remarks=remarks,
            unscored=" ".join(unscored),
            **_over_time(runs, sides),
        )
    )


def write_page(text: str, file: Path) -> None:
    """Write a page.

    Raises:
        DataError: the file cannot be written.
    """
    with refused_by_system(f"{file} cannot be written", "name another with -o FILE"):
        write_text(file, text)


def refuse_unreportable(folder: RunFolder) -> None:
    """Refuse a run without content for a report.

    Raises:
        RunError: it keeps no predictions.
    """
    if not any((folder.path / name).is_file() for name in ("predictions.parquet", "clips.parquet")):
        raise RunError(f"run {folder.id!r} keeps no predictions to report: run it again")
