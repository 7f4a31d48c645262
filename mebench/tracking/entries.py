"""Finished runs, their folds and tables of leaderboards as trackers get them: plain data read from files."""

import hashlib
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mebench.config import flatten_keys
from mebench.config.database_files import without_password
from mebench.files import write_text
from mebench.grouping import thin_from_last
from mebench.intake.export import WithheldError, export_record
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.summary import summarize
from mebench.output.number_format import format_score
from mebench.output.table import Column, Table, markdown_text
from mebench.records.recorded_settings import dataset_in_words, own_choices
from mebench.reports.findings import describe_findings
from mebench.reports.plots import history_of
from mebench.reports.report import figures_of_run
from mebench.reports.scores import main_scores
from mebench.runs import RunFolder
from mebench.runs.chance_levels import with_levels_of_chance
from mebench.runs.scoring import current_summary, read_tables_of_folds
from mebench.score_type import Score
from mebench.tracking.mlflow_store import RUN_TAG

FOLD_TAG = "mebench.fold"
KEY_TAG = "mebench.key"
MODELS_TAG = "mebench.models"
SETTINGS_TAG = "mebench.settings"
BOARD_TAG = "mebench.leaderboard"
DIGEST_TAG = "mebench.digest"
RECORD_FOLDER, MODELS_FOLDER = "record", "models"
"""Places of a run's record and models among its files."""
LONGEST_TAG = 4000
LONGEST_PARAM = 6000
SHORT = {
    "spotting": {"F1": "f1", "AP": "ap", "AP50": "ap50", "ASR": "asr"},
    "analysis": {"STRS": "strs"},
    "recognition": {"UF1": "uf1", "UAR": "uar", "unit F1": "unit_f1"},
}
"""The scores that come first, by the names that tables of metrics show them under, and by those of a summary."""


class Point(NamedTuple):
    """A value of a metric at an epoch; 0 for a single value."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Data:
    """The dataset of a run.

    Attributes:
        name: id of the dataset.
        digest: hash of revision, videos and annotations.
        root: folder of the dataset, or None for drawn data.
        table: annotations of its videos.
        counts: numbers of videos, subjects and expressions.
    """

    name: str
    digest: str
    root: str | None
    table: pd.DataFrame
    counts: Mapping[str, int]


@dataclass(frozen=True)
class TrackedRun:
    """A run as a tracker sees it.

    Attributes:
        experiment: name of its experiment, such as `mebench/casme2/loso`.
        name: displayed name.
        tags: text by name.
        mark: tag that identifies it.
        params: settings, as text.
        metrics: scores, the main ones first.
        start: milliseconds since 1970.
        end: the same.
        data: datasets of the run.
        tables: tables by name.
        files: folder of files, or None.
        nested: runs in it.
        title: short name for people, which need not be unique; empty if the name serves.
    """

    experiment: str
    name: str
    tags: Mapping[str, str]
    mark: str = RUN_TAG
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Point] = ()
    start: int = 0
    end: int = 0
    data: Sequence[Data] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    files: Path | None = None
    nested: Sequence["TrackedRun"] = ()
    title: str = ""


def read_run_head(folder: RunFolder, chosen: Mapping[str, bool]) -> TrackedRun:
    """The head of a finished run, without its results: enough to check whether the tracker has it.

    Args:
        folder: folder of the run.
        chosen: `tracking_models`, whether it includes the weights of each fold, instead of the run's own setting.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    stored = folder.read_json("config.json")
    about = folder.read_json("folds.json")
    summary = current_summary(folder)
    values = flatten_keys(stored["config"])
    values["dataset"] = dataset_in_words(values["dataset"])
    end = int((folder.path / "summary.json").stat().st_mtime * 1000)
    requested = {name: values[name] for name in REQUESTED if values.get(name) is not None}
    params = own_choices(stored["config"], stored["origins"]) | requested
    differing = _differing_settings(params)
    return TrackedRun(
        f"mebench/{values['dataset']}/{values['protocol']}",
        folder.id,
        {
            RUN_TAG: folder.id,
            KEY_TAG: stored["key"],
            SETTINGS_TAG: differing or "defaults",
            **_tags_of_run(values, about, summary),
            MODELS_TAG: str((stored["config"] | chosen).get("tracking_models", False)).lower(),
            "mlflow.source.name": "mebench run",
            "mlflow.source.type": "LOCAL",
            **_tags_of_source(stored.get("source", {})),
        },
        params={key: _text(value) for key, value in params.items()},
        start=end - int(summary["seconds"] * 1000),
        end=end,
        title=_title_of_run(values, differing),
    )


def _differing_settings(params: Mapping[str, Any]) -> str:
    """The settings that distinguish runs of a method on the same data, in short.

    >>> _differing_settings({"method": "mean", "method.epochs": 20, "audit": "guard", "seed": 1, "dataset.preset": "tiny"})
    'epochs=20'
    """
    usual = {"audit": "guard", "convention": "strict"}
    words = []
    for key, value in params.items():
        is_of_data = key.partition(".")[0] in ("dataset", "protocol")
        if not is_of_data and key not in SHOWN_APART and value != usual.get(key):
            words.append(f"{key.removeprefix('method.')}={_text(value)}")
    return ", ".join(words)


SHOWN_APART = ("method", "recognizer", "seed", "scheme", "kinds", "bootstrap")
"""Settings that stand elsewhere, or distinguish no methods."""
LONGEST_TITLE = 60


def _title_of_run(values: Mapping[str, Any], differing: str) -> str:
    """Method, seed, and what differs: lists and legends show some twenty signs of a name, and cut the settings."""
    methods = "+".join(str(values[name]) for name in ("method", "recognizer") if values.get(name))
    short = differing if len(differing) <= LONGEST_TITLE else f"{differing[:LONGEST_TITLE]}…"
    return " ".join(filter(None, [methods, f"s{values['seed']}", short]))


REQUESTED = ("method", "recognizer", "dataset", "protocol", "seed", "scheme", "kinds", "convention", "audit")
"""Settings that are parameters of every run, also by default."""


def _tags_of_run(values: Mapping[str, Any], about: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, str]:
    """The tags that say what ran and how it was scored.

    Args:
        values: flat settings.
        about: content of `folds.json`.
        summary: the scores.
    """
    stated = about.get("pretrained", "")
    tags = {
        **{name: values.get(name) for name in ("method", "recognizer", "dataset", "protocol")},
        "convention": summary["convention"],
        "transductive": about["transductive"],
        "selection": about.get("selection"),
        "pretrained": ", ".join(stated) if isinstance(stated, list) else stated,
        "loaded": ", ".join(f"{entry['name']} {entry['sha256'][:8]}" for entry in about.get("loaded", ())),
        "subject_dependent": str(about.get("subject_dependent", False)).lower(),
    }
    return {f"mebench.{name}": str(text) for name, text in tags.items() if text}


def _tags_of_source(source: Mapping[str, Any]) -> dict[str, Any]:
    """MLflow's tags of the user and the commit, as far as they are known."""
    of_git = {"user": "user", "commit": "source.git.commit", "dirty": "source.git.dirty"}
    return {f"mlflow.{tag}": source[name] for name, tag in of_git.items() if source.get(name)}


def _note_on_run(values: Mapping[str, Any], about: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Lines of Markdown: what ran, what it found, its main scores, and remarks; arguments as in `_tags_of_run`."""
    methods = " + ".join(str(values[name]) for name in ("method", "recognizer") if values.get(name))
    lines = [f"**{methods}** on **{values['dataset']}** under **{values['protocol']}**, seed {values['seed']}", ""]
    n_people = len({subject for fold in about["folds"] for subject in fold["test"]})
    lines += [markdown_text(" ".join(describe_findings(summary, n_people))), ""]
    main = short_scores(summary)
    if main:
        columns = [
            Column("score"),
            Column("value", text=lambda score: format_score(score).partition(" ")[0]),
            Column("interval", "95 % interval", text=lambda score: format_score(score).partition(" ")[2]),
        ]
        lines += [Table(columns, [[name, score, score] for name, score in main.items()]).to_markdown(), ""]
    remark = [about["remark"]] if about.get("remark") else []
    remarks = [*about.get("warnings", ()), *remark, *about.get("card", ())]
    return lines + [f"- {markdown_text(remark)}" for remark in remarks]


def read_run(
    folder: RunFolder, chosen: Mapping[str, bool], notify: Callable[[str], object], head: TrackedRun, room: Path
) -> TrackedRun:
    """A finished run with its scores, training curves, datasets, files and record.

    Metrics are `F1`, `AP`, `ASR`, `STRS`, `UF1` … (`F1 macro` where others than micro-expressions were spotted too),
    then all scores as in the summary, `spotting.micro.f1`; undefined values are left out. The table `scores` holds them
    with their intervals. Curves are `training/<stage>/<split>_<column>` by epoch from 0, the mean over the folds that
    noted any.

    Args:
        folder: folder of the run.
        chosen: choices instead of the run's own settings: `tracking_folds`, whether to add a nested run for each fold,
            up to 500; `tracking_figures`, whether to add its figures.
        notify: function called with a sentence if the record is left out because no board would accept it.
        head: head of the run, from `read_run_head`.
        room: empty folder for its files.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    stored = folder.read_json("config.json")
    about = folder.read_json("folds.json")
    summary = current_summary(folder)
    stored["config"]["tracking"] = without_password(str(stored["config"].get("tracking") or "")) or None
    wanted = {"tracking_folds": True} | stored["config"] | chosen
    history = history_of(folder)
    write_text(room / "config.json", json.dumps(stored, indent=1) + "\n")
    for name in ("summary.json", "versions.json", "costs.csv"):
        shutil.copyfile(folder.path / name, room / name)
    if wanted.get("tracking_figures"):
        for name, figure in figures_of_run(folder).items():
            figure.savefig(room / f"{name}.png")
    try:
        export_record(folder, room / ".records", scored_again=False).rename(room / RECORD_FOLDER)
    except WithheldError as error:
        notify(f"warning: MLflow gets no record: {error}")
    shutil.rmtree(room / ".records", ignore_errors=True)
    if head.tags[MODELS_TAG] == "true":
        copy_models(folder, room)
    values = flatten_keys(stored["config"])
    values["dataset"] = dataset_in_words(values["dataset"])
    note = _note("\n".join(_note_on_run(values, about, with_levels_of_chance(summary, folder, about))))
    has_nested = wanted["tracking_folds"] and len(about["folds"]) <= MOST_NESTED
    return replace(
        head,
        tags={**head.tags, "mlflow.note.content": note},
        metrics=[*_metrics(summary), *_curves(history), Point("seconds", summary["seconds"])],
        data=_datasets_of(folder, stored["config"]),
        tables={"scores": _table_of_scores(summary)},
        files=room,
        nested=list(_read_folds(folder, head, about, summary, history)) if has_nested else (),
    )


MOST_NESTED = 500
"""Most folds that become nested runs: each takes a store some 30 ms, and more over a network."""


def _table_of_scores(summary: Mapping[str, Any]) -> pd.DataFrame:
    """All scores of a summary with their intervals, a row for each."""
    every = ScoreTable.read(summary).numbers()
    names = [name for name in every if not name.endswith((".low", ".high"))]
    rows = [(name, every[name], every.get(f"{name}.low"), every.get(f"{name}.high")) for name in names]
    return pd.DataFrame(rows, columns=["score", "value", "low", "high"])


def _datasets_of(folder: RunFolder, config: Mapping[str, Any]) -> list[Data]:
    """The datasets whose videos were scored, each with its own annotations."""
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    revision = folder.read_json("versions.json").get("dataset_revision", "")
    flat = flatten_keys(config)
    datasets = []
    for dataset in sorted(set(videos["dataset"])):
        own = videos[videos["dataset"] == dataset]
        true = truths[truths["video"].isin(own["video"])]
        content = "".join(
            [revision, own.to_csv(index=False, lineterminator="\n"), true.to_csv(index=False, lineterminator="\n")]
        )
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        root = flat.get(f"dataset.{dataset}.root") or flat.get("dataset.root")
        emotions = true[true["kind"] == "micro"]["emotion"].value_counts()
        counts = {
            "videos": len(own),
            "subjects": own["subject"].nunique(),
            **{f"{kind}-expressions": int(n) for kind, n in true["kind"].value_counts().items()},
            **{str(emotion): int(n) for emotion, n in emotions.items()},
        }
        datasets.append(Data(dataset, digest, None if root is None else str(root), true, counts))
    return datasets


def copy_models(folder: RunFolder, room: Path) -> None:
    """The weights of each fold as `models/<fold>.safetensors`; a leaking run keeps none."""
    (room / MODELS_FOLDER).mkdir()
    for file in sorted(folder.path.glob("folds/*/model.safetensors")):
        shutil.copyfile(file, room / MODELS_FOLDER / f"{file.parent.name}{file.suffix}")


def short_scores(summary: Mapping[str, Any]) -> dict[str, Score]:
    """The main scores by short name.

    The kind follows the name if other kinds than micro-expressions were spotted, too.

    >>> score, part = {"value": 0.5, "low": None, "high": None}, {"tp": 1, "fp": 1, "fn": 0}
    >>> macro = {**part, "scores": {"f1": score, "asr": score}}
    >>> list(short_scores({"spotting": {"macro": macro}})), list(short_scores({"spotting": {"micro": macro, "macro": macro}}))
    (['F1', 'ASR'], ['F1', 'ASR', 'F1 macro', 'ASR macro'])
    """
    obvious = " micro$" if len(summary.get("spotting", {})) > 1 else " m[ia]cro$"
    return {re.sub(obvious, "", name): score for name, score in main_scores(summary, SHORT).items()}


def _metrics(summary: Mapping[str, Any]) -> Iterator[Point]:
    """The main scores by short names, then all scores and counts by dotted names.

    Intervals are left out.
    """
    main = {name: score.value for name, score in short_scores(summary).items()}
    yield from (Point(name, round(value, 4)) for name, value in main.items() if value is not None)
    every = re.compile(r"(?!.*\.details\.)(spotting|analysis|recognition).*(?<!\.low)(?<!\.high)")
    numbers = ScoreTable.read(summary).numbers()
    yield from (Point(name, value) for name, value in numbers.items() if every.fullmatch(name))


def _curves(history: pd.DataFrame, most: int | None = None) -> Iterator[Point]:
    """The mean over folds of the values of each epoch and step.

    The curves are thinned to `most` points including the last one.
    """
    if history.empty:
        return
    for (stage, split), rows in history.groupby(["stage", "split"], sort=False):
        for column in rows.columns.difference(["fold", "stage", "epoch", "split", "step"], sort=False):
            is_of_epoch = column in ("loss", "accuracy", "uf1", "uar")  # all else was logged by step
            name = f"training/{stage}/{split}_{column}" if is_of_epoch else f"training/{stage}/{column}"
            means = rows.groupby("epoch" if is_of_epoch else "step")[column].mean().dropna()
            for place, value in _thin(list(means.items()), most):
                yield Point(name, float(value), int(str(place).partition(".")[0]))


def _thin(items: list[Any], most: int | None) -> list[Any]:
    """Evenly spread items, at most so many if `most` is given; the last one is among them."""
    if most is None:
        return items
    step = max(1, math.ceil(len(items) / most))
    return thin_from_last(items, step)


def _text(value: Any) -> str:
    """A value as the text of a parameter."""
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_PARAM]


def _read_folds(
    folder: RunFolder, head: TrackedRun, about: Mapping[str, Any], summary: Mapping[str, Any], history: pd.DataFrame
) -> Iterator[TrackedRun]:
    """Each fold with its own scores, costs and curves; the run's scores are pooled over folds, not their mean."""
    costs: dict[Any, dict[Any, Any]] = folder.read_costs().set_index("fold").to_dict("index")
    rules: dict[str, Any] = {"kinds": about["kinds"], "classes": about["classes"], "convention": summary["convention"]}
    counts = {}
    for name in ("predictions", "clips"):
        counts[f"n_{name}"] = folder.read_table(f"{name}.parquet")["fold"].value_counts()
    common = ("method", "recognizer", "seed")
    shared = {key: text for key, text in head.params.items() if key.partition(".")[0] in common}
    for fold, (name, tables) in zip(about["folds"], read_tables_of_folds(folder), strict=True):
        record = folder.fold_record(name)
        cost = {str(column): float(value) for column, value in costs[name].items()}
        n_answers = {key: float(count.get(name, 0)) for key, count in counts.items()}
        scores = _metrics(summarize(tables, seed=0, draws=0, **rules))  # intervals of so few people are meaningless
        curves = _curves(history[history["fold"] == name], most=50)  # the run's own curve is complete
        (timing,) = pd.json_normalize({"timing": record.get("timing", {})}, sep=".").to_dict("records")
        n_subjects = {f"n_{side}": str(len(fold[side])) for side in ("train", "valid", "test")}
        timing_texts = {str(name): _text(value) for name, value in timing.items()}
        seconds = cost["fit_seconds"] + cost["predict_seconds"]
        yield TrackedRun(
            head.experiment,
            name,
            {RUN_TAG: folder.id, FOLD_TAG: name, "mebench.test": ", ".join(fold["test"])[:LONGEST_TAG]},
            params={**shared, **n_subjects, "fold.seed": _text(record.get("seed")), **timing_texts},
            metrics=[*scores, *(Point(key, value) for key, value in {**cost, **n_answers}.items()), *curves],
            start=head.start,
            end=head.start + int(1000 * seconds),
        )


def read_board_table(file: Path) -> TrackedRun:
    """A table of a leaderboard, from the JSON that `mebench leaderboard build` writes.

    It is a run of the experiment `mebench/leaderboards`: its rows, and the scores of the first measured one.

    Raises:
        LookupError, TypeError, ValueError, OSError: the file is no such table.
    """
    board = json.loads(file.read_text(encoding="utf-8"))
    short_of = {name: short for names in SHORT.values() for short, name in names.items()}
    rows = []
    for part in board["parts"]:
        rows += [_row_of_board(part["name"], row, short_of) for row in (*part["rows"], *part["rescored"])]
    columns = [Column(name) for name in ("part", "method", "settings")]
    columns += [
        Column(short, short, of=partial(_score_in, short), digits=3, score=True, optional=True)
        for short in short_of.values()
    ]
    best = next((row for row in rows if row["provenance"] == "measured"), {})
    points = []
    for short in short_of.values():
        value = best.get(short, {}).get("value")
        if value is not None:
            points.append(Point(short, round(value, 4)))
    about = {name: board[name] for name in ("task", "dataset", "protocol", "variant", "scheme") if board[name]}
    return TrackedRun(
        "mebench/leaderboards",
        board["name"],
        {
            BOARD_TAG: board["name"],
            DIGEST_TAG: hashlib.sha256(file.read_bytes()).hexdigest()[:16],
            "mlflow.source.name": "mebench leaderboard build",
            "mlflow.source.type": "LOCAL",
            "mlflow.note.content": _note(Table.from_items(columns, rows).to_markdown()),
        },
        BOARD_TAG,
        params={**about, "rows": str(len(rows)), "best": str(best.get("method", ""))},
        metrics=points,
        tables={"table": pd.json_normalize(rows, sep=" ").rename(columns=lambda name: name.removesuffix(" value"))},
    )


def _row_of_board(part: str, row: Mapping[str, Any], short_of: Mapping[str, str]) -> dict[str, Any]:
    """A row of a board with its scores by their short names."""
    scores = {short_of.get(metric, metric): score for metric, score in row["scores"].items()}
    facts = {key: row.get(key, "") for key in ("settings", "member", "provenance")}
    return {"part": part, "method": row["method"], **scores, **facts}


def _score_in(name: str, row: Mapping[str, Any]) -> Score | None:
    """A score of a row of a board."""
    return Score.from_plain(row[name]) if name in row else None


def _note(text: str) -> str:
    """The first whole lines that fit into a tag."""
    return text if len(text) <= LONGEST_TAG else text[:LONGEST_TAG].rpartition("\n")[0]
