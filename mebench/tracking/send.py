"""Sending of runs, folds and leaderboards to a tracker, as plain data read from files.

The folders of runs remain the source: failures here are reported and change nothing.
"""

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd

from mebench.boards.export import WithheldError, export
from mebench.config import flatten
from mebench.errors import ConfigError, MebenchError, unknown
from mebench.files import write_text
from mebench.metrics.summary import flat_scores, summarize
from mebench.number_format import Score, scored
from mebench.progress import Progress
from mebench.records.record import DAMAGE
from mebench.records.recorded_settings import joined, own_choices
from mebench.reports.plots import history_of
from mebench.reports.report import figures_of_run
from mebench.reports.scores import main_scores
from mebench.runs import RunFolder
from mebench.runs.fold_files import read_csv
from mebench.runs.scoring import current_summary, read_tables_of_folds
from mebench.table import Column, Table, markdown_text
from mebench.tracking.mlflow_store import OFF, RUN_TAG, without_password

FOLD_TAG, KEY_TAG, MODELS_TAG = "mebench.fold", "mebench.key", "mebench.models"
BOARD_TAG, DIGEST_TAG = "mebench.leaderboard", "mebench.digest"
RECORD_FOLDER, MODELS_FOLDER = "record", "models"
"""Places of a run's record and models among its files."""
LONGEST_TAG, LONGEST_PARAM = 4000, 6000
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
        name: its id.
        digest: a hash of revision, videos and annotations.
        root: its folder, or None for drawn data.
        table: its annotations.
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
        experiment: its experiment, such as `mebench/casme2/loso`.
        name: displayed name.
        tags: text by name.
        mark: the tag that identifies it.
        params: its settings, as text.
        metrics: its scores, the main ones first.
        start: milliseconds since 1970.
        end: the same.
        data: its dataset.
        tables: tables by name.
        files: a folder of files, or None.
        nested: the runs in it.
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


def head_of(folder: RunFolder, chosen: Mapping[str, bool]) -> TrackedRun:
    """The head of a finished run, without its results: enough to check whether the tracker has it.

    Args:
        folder: folder of the run.
        chosen: `tracking_models`, whether it includes the weights of each fold, in place of the run's own setting.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    stored, about, summary = folder.read_json("config.json"), folder.read_json("folds.json"), current_summary(folder)
    values = flatten(stored["config"])
    values["dataset"] = joined(values["dataset"])
    end = int((folder.path / "summary.json").stat().st_mtime * 1000)
    requested = {name: values[name] for name in REQUESTED if values.get(name) is not None}
    params = own_choices(stored["config"], stored["origins"]) | requested
    return TrackedRun(
        f"mebench/{values['dataset']}/{values['protocol']}",
        folder.id,
        {
            RUN_TAG: folder.id,
            KEY_TAG: stored["key"],
            **_tags_of_run(values, about, summary),
            MODELS_TAG: str((stored["config"] | chosen).get("tracking_models", False)).lower(),
            "mlflow.source.name": "mebench run",
            "mlflow.source.type": "LOCAL",
            **_tags_of_source(stored.get("source", {})),
            "mlflow.note.content": _note("\n".join(_note_on_run(values, about, summary))),
        },
        params={key: _text(value) for key, value in params.items()},
        start=end - int(summary["seconds"] * 1000),
        end=end,
    )


REQUESTED = ("method", "recognizer", "dataset", "protocol", "seed", "scheme", "kinds", "convention", "audit")
"""Settings that are parameters of every run, also by default."""


def _tags_of_run(values: Mapping[str, Any], about: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, str]:
    """The tags that say what ran and how it was scored.

    Args:
        values: flat settings.
        about: content of `folds.json`.
        summary: the scores.
    """
    tags = {
        **{name: values.get(name) for name in ("method", "recognizer", "dataset", "protocol")},
        "convention": summary["convention"],
        "transductive": about["transductive"],
        "selection": about.get("selection"),
        "subject_dependent": str(about.get("subject_dependent", False)).lower(),
    }
    return {f"mebench.{name}": str(text) for name, text in tags.items() if text}


def _tags_of_source(source: Mapping[str, Any]) -> dict[str, Any]:
    """MLflow's tags of the user and the commit, as far as they are known."""
    of_git = {"user": "user", "commit": "source.git.commit", "dirty": "source.git.dirty"}
    return {f"mlflow.{tag}": source[name] for name, tag in of_git.items() if source.get(name)}


def _note_on_run(values: Mapping[str, Any], about: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Lines of Markdown: what ran, its main scores, and remarks; arguments as in `_tags_of_run`."""
    methods = " + ".join(str(values[name]) for name in ("method", "recognizer") if values.get(name))
    lines = [f"**{methods}** on **{values['dataset']}** under **{values['protocol']}**, seed {values['seed']}", ""]
    main = short_scores(summary)
    if main:
        columns = [
            Column("score"),
            Column("value", text=lambda score: scored(score).partition(" ")[0]),
            Column("interval", "95 % interval", text=lambda score: scored(score).partition(" ")[2]),
        ]
        lines += [Table(columns, [[name, score, score] for name, score in main.items()]).markdown(), ""]
    remark = [about["remark"]] if about.get("remark") else []
    remarks = [*about.get("warnings", ()), *remark, *about.get("card", ())]
    return lines + [f"- {markdown_text(remark)}" for remark in remarks]


def of_run(
    folder: RunFolder, chosen: Mapping[str, bool], notify: Callable[[str], object], head: TrackedRun, room: Path
) -> TrackedRun:
    """A finished run with its scores, training curves, datasets, files and record.

    Metrics are `F1`, `AP`, `ASR`, `STRS`, `UF1` … (`F1 macro` where others than micro-expressions were spotted too),
    then all scores as in the summary, `spotting.micro.f1`; undefined values are left out. The table `scores` holds them
    with their intervals. Curves are `training/<stage>/<split>_<column>` by epoch from 0, the mean over the folds that
    noted any.

    Args:
        folder: the run.
        chosen: in place of the run's own settings: `tracking_folds`, whether to add a nested run for each fold, up to 500;
            `tracking_figures`, whether to add its figures.
        notify: called with a sentence if the record is left out because no board would accept it.
        head: see `head_of`.
        room: an empty folder for its files.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    stored, about, summary = folder.read_json("config.json"), folder.read_json("folds.json"), current_summary(folder)
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
        export(folder, room / ".records", scored_again=False).rename(room / RECORD_FOLDER)
    except WithheldError as error:
        notify(f"warning: MLflow gets no record: {error}")
    shutil.rmtree(room / ".records", ignore_errors=True)
    if head.tags[MODELS_TAG] == "true":
        copy_models(folder, room)
    has_nested = wanted["tracking_folds"] and len(about["folds"]) <= MOST_NESTED
    return replace(
        head,
        metrics=[*_metrics(summary), *_curves(history), Point("seconds", summary["seconds"])],
        data=_datasets_of(folder, stored["config"]),
        tables={"scores": _table_of_scores(summary)},
        files=room,
        nested=list(_folds(folder, head, about, summary, history)) if has_nested else (),
    )


MOST_NESTED = 500
"""Most folds that become nested runs: each takes a store some 30 ms, and more over a network."""


def _table_of_scores(summary: Mapping[str, Any]) -> pd.DataFrame:
    """All scores of a summary with their intervals, a row for each."""
    every = flat_scores(summary)
    names = [name for name in every if not name.endswith((".low", ".high"))]
    rows = [(name, every[name], every.get(f"{name}.low"), every.get(f"{name}.high")) for name in names]
    return pd.DataFrame(rows, columns=["score", "value", "low", "high"])


def _datasets_of(folder: RunFolder, config: Mapping[str, Any]) -> list[Data]:
    """The datasets whose videos were scored, each with its own annotations."""
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    revision = folder.read_json("versions.json").get("dataset_revision", "")
    flat = flatten(config)
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
    """The main scores by short name, followed by the kind if other kinds than micro-expressions were spotted, too.

    >>> score, part = {"value": 0.5, "low": None, "high": None}, {"tp": 1, "fp": 1, "fn": 0}
    >>> macro = {**part, "scores": {"f1": score, "asr": score}}
    >>> list(short_scores({"spotting": {"macro": macro}})), list(short_scores({"spotting": {"micro": macro, "macro": macro}}))
    (['F1', 'ASR'], ['F1', 'ASR', 'F1 macro', 'ASR macro'])
    """
    obvious = " micro$" if len(summary.get("spotting", {})) > 1 else " m[ia]cro$"
    return {re.sub(obvious, "", name): score for name, score in main_scores(summary, SHORT).items()}


def _metrics(summary: Mapping[str, Any]) -> Iterator[Point]:
    """The main scores by their short names, then every score and count of the task by its dotted name, without
    intervals.
    """
    main = {name: score["value"] for name, score in short_scores(summary).items()}
    yield from (Point(name, round(value, 4)) for name, value in main.items() if value is not None)
    every = re.compile(r"(?!.*\.details\.)(spotting|analysis|recognition).*(?<!\.low)(?<!\.high)")
    yield from (Point(name, value) for name, value in flat_scores(summary).items() if every.fullmatch(name))


def _curves(history: pd.DataFrame, most: int | None = None) -> Iterator[Point]:
    """The mean over folds of the values of each epoch and step, thinned to `most` points including the last one."""
    for (stage, split), rows in history.groupby(["stage", "split"], sort=False) if len(history) else ():
        for column in rows.columns.difference(["fold", "stage", "epoch", "split", "step"], sort=False):
            noted = column in ("loss", "accuracy", "uf1", "uar")  # once an epoch; all else was logged, by step
            means = rows.groupby("epoch" if noted else "step")[column].mean().dropna()
            every = max(1, -(-len(means) // (most or len(means) or 1)))
            for place, value in list(means.items())[::-every][::-1]:
                yield Point(
                    f"training/{stage}/{split}_{column}" if noted else f"training/{stage}/{column}",
                    float(value),
                    int(str(place).partition(".")[0]),
                )


def _text(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_PARAM]


def _folds(
    folder: RunFolder, head: TrackedRun, about: Mapping[str, Any], summary: Mapping[str, Any], history: pd.DataFrame
) -> Iterator[TrackedRun]:
    """Each fold with its own scores, costs and curves; the run's scores are pooled over folds, not their mean."""
    costs: dict[Any, dict[Any, Any]] = read_csv(folder.path / "costs.csv").set_index("fold").to_dict("index")
    rules: dict[str, Any] = {"kinds": about["kinds"], "classes": about["classes"], "convention": summary["convention"]}
    counts = {
        f"n_{name}": folder.read_table(f"{name}.parquet")["fold"].value_counts() for name in ("predictions", "clips")
    }
    shared = {
        key: text for key, text in head.params.items() if key.partition(".")[0] in ("method", "recognizer", "seed")
    }
    for fold, (name, tables) in zip(about["folds"], read_tables_of_folds(folder), strict=True):
        record, cost = folder.fold_record(name), {str(column): float(cost) for column, cost in costs[name].items()}
        numbers = {**cost, **{key: float(count.get(name, 0)) for key, count in counts.items()}}
        scores = _metrics(summarize(tables, seed=0, draws=0, **rules))  # intervals of so few people are meaningless
        (timing,) = pd.json_normalize({"timing": record.get("timing", {})}, sep=".").to_dict("records")
        yield TrackedRun(
            head.experiment,
            name,
            {RUN_TAG: folder.id, FOLD_TAG: name, "mebench.test": ", ".join(fold["test"])[:LONGEST_TAG]},
            params={
                **shared,
                **{f"n_{side}": str(len(fold[side])) for side in ("train", "valid", "test")},
                "fold.seed": _text(record.get("seed")),
                **{str(name): _text(value) for name, value in timing.items()},
            },
            metrics=[
                *scores,
                *map(Point, numbers, numbers.values()),
                *_curves(history[history["fold"] == name], most=50),  # the run's own curve is complete
            ],
            start=head.start,
            end=head.start + int(1000 * (cost["fit_seconds"] + cost["predict_seconds"])),
        )


def of_board(file: Path) -> TrackedRun:
    """A table of a leaderboard, from the JSON that `mebench leaderboard build` writes: its rows, and the scores of the
    first.

    Raises:
        LookupError, TypeError, ValueError, OSError: the file is no such table.
    """
    board = json.loads(file.read_text(encoding="utf-8"))
    shorts = {name: short for names in SHORT.values() for short, name in names.items()}
    rows = [
        {
            "part": name,
            "method": row["method"],
            **{shorts.get(metric, metric): score for metric, score in row["scores"].items()},
            **{key: row.get(key, "") for key in ("settings", "member", "provenance")},
        }
        for name, row in [(part["name"], row) for part in board["parts"] for row in (*part["rows"], *part["rescored"])]
    ]
    heads = [Column(name) for name in ("part", "method", "settings")]
    table = Table.of([*heads, *(Column(s, s, digits=3, score=True, optional=True) for s in shorts.values())], rows)
    best = next((row for row in rows if row["provenance"] == "measured"), {})
    about = {name: board[name] for name in ("task", "dataset", "protocol", "variant", "scheme") if board[name]}
    # The experiment whose runs are the tables of a leaderboard.
    return TrackedRun(
        "mebench/leaderboards",
        board["name"],
        {
            BOARD_TAG: board["name"],
            DIGEST_TAG: hashlib.sha256(file.read_bytes()).hexdigest()[:16],
            "mlflow.source.name": "mebench leaderboard build",
            "mlflow.source.type": "LOCAL",
            "mlflow.note.content": _note(table.markdown()),
        },
        BOARD_TAG,
        params={**about, "rows": str(len(rows)), "best": str(best.get("method", ""))},
        metrics=[
            Point(s, round(best[s]["value"], 4)) for s in shorts.values() if best.get(s, {}).get("value") is not None
        ],
        tables={"table": pd.json_normalize(rows, sep=" ").rename(columns=lambda name: name.removesuffix(" value"))},
    )


def _note(text: str) -> str:
    """The first whole lines that fit into a tag."""
    return text if len(text) <= LONGEST_TAG else text[:LONGEST_TAG].rpartition("\n")[0]


GROUP = "mebench.trackers"
"""The entry points of trackers: each is a class that takes an address, or None for the one it chooses itself."""
DEFAULT = "mlflow"
LONGEST = 200
_BUILT_IN = [EntryPoint(DEFAULT, "mebench.tracking.mlflow:MLflow", GROUP)]
"""The tracker that exists even in a checkout with older installed metadata."""


class SentRun(NamedTuple):
    """A run in a tracker: its id there, and its tags."""

    run: str
    tags: dict[str, str]


class Tracker(Protocol):
    """Base class of trackers: derive from it, and name the class in an entry point of the group `mebench.trackers`.

    For each run `start` is called, then the methods for its contents and nested runs, and `finish` last.
    """

    title: str = "tracker"

    def open(self) -> AbstractContextManager[object]:
        """Entered before anything is asked, left at the end."""
        return nullcontext()

    def find(self, entry: TrackedRun) -> SentRun | None:
        """The tracker's finished copy of this run, or None to have it sent."""
        return None

    def start(self, entry: TrackedRun, parent: str | None = None) -> str:
        """A run begins, with its name, tags and parameters; what to call it.

        Args:
            entry: the run.
            parent: the run that it is nested in.
        """
        ...

    def metrics(self, run: str, points: Sequence[Point]) -> None:
        """Its metrics, with steps."""

    def table(self, run: str, name: str, table: pd.DataFrame) -> None:
        """A table of it."""

    def artifacts(self, run: str, folder: Path) -> None:
        """Its files, whatever lies in a folder."""

    def finish(self, run: str, entry: TrackedRun) -> None:
        """It has ended, with these tags: from now on it counts as handed over."""

    def place(self) -> str:
        """The address of the runs, without a password."""
        ...

    def opening(self) -> str:
        """The command that shows the runs that were sent or found."""
        return self.place()


def tracker_of(tracking: str | bool | None) -> Tracker | None:
    """The tracker that a setting names: `NAME` or `NAME:ADDRESS` is one of an entry point, and any address MLflow's.

    Args:
        tracking: the setting; False and `off` turn it off, None is MLflow at `$MLFLOW_TRACKING_URI`, else in the working folder.

    Raises:
        ConfigError: there is no such tracker.
        ImportError: a package is missing. A broken tracker raises its own error.
    """
    found = find_tracker(tracking)
    return None if found is None else found[0].load()(found[1])


def find_tracker(tracking: str | bool | None) -> tuple[EntryPoint, str | None] | None:
    """The entry point that a setting names, and the address for it; nothing is imported. See `tracker_of`."""
    if tracking in OFF:
        return None
    tracking = tracking if isinstance(tracking, str) else None
    known = {point.name: point for point in (*_BUILT_IN, *entry_points(group=GROUP))}
    name, _, address = (tracking or DEFAULT).partition(":")
    if name in known:
        return known[name], address or None
    if name.isidentifier() and not address and name != "databricks" and not Path(name).exists():
        raise ConfigError(unknown("tracker", name, [*known, "off"], "An address of MLflow's is one, too"))
    return known[DEFAULT], tracking


@dataclass(frozen=True)
class Synced:
    """The outcome of sending runs to a tracker.

    Attributes:
        title: title of the tracker; empty without one.
        place: place of the runs there, in words.
        sent: ids of the newly sent runs.
        there: ids of runs that it had already.
        failed: ids of runs that could not be sent.
        opening: how to view them, in words; empty without a tracker.
    """

    title: str = ""
    place: str = ""
    sent: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    opening: str = ""


class _Item(NamedTuple):
    """An item to send: its kind and name, its source on disk, its head, and a function for the rest."""

    kind: str
    name: str
    kept: str
    head: Callable[[], TrackedRun]
    whole: Callable[[TrackedRun, Path], TrackedRun] = lambda head, room: head
    folder: RunFolder | None = None


def send_all(
    folders: Sequence[RunFolder],
    tracking: str | bool | None,
    progress: Progress,
    folds: bool | None = None,
    models: bool | None = None,
    figures: bool | None = None,
    boards: Sequence[Path] = (),
) -> Synced:
    """Send finished runs and tables of leaderboards to a tracker, each as a run; repeating this changes nothing.

    A tracker that is down is tried once: nothing is raised, and one sentence lists what was not sent.

    Args:
        folders: folders of the runs.
        tracking: see `tracker_of`.
        progress: shows failures.
        folds: whether each fold becomes a nested run; None takes the run's own `tracking.folds`.
        models: whether weights are sent, also for a run that was sent without them; None takes the run's own
            `tracking.models`.
        figures: whether figures are sent; None takes the run's own `tracking.figures`.
        boards: tables of leaderboards, as JSON.
    """
    choices = {"tracking_folds": folds, "tracking_models": models, "tracking_figures": figures}
    chosen = {name: choice for name, choice in choices.items() if choice is not None}
    items = [_item_of_run(folder, chosen, progress) for folder in folders]
    items += [_Item("table", file.stem, f"it is kept in {file}", partial(of_board, file)) for file in boards]
    sent: list[str] = []
    present: list[str] = []
    failed = [item.name for item in items]
    title, place = str(tracking or DEFAULT).partition(":")[0], ""
    try:
        tracker = tracker_of(tracking)
        if tracker is None or not items:
            return Synced()
        title, place = tracker.title, f" at {tracker.place()}"
        with tracker.open():
            for item in items:
                try:
                    is_new = _send(tracker, item)
                except _DamagedError as error:
                    progress.notify(f"warning: {item.kind} {item.name} is not sent: {error}")
                    continue
                (sent if is_new else present).append(item.name)
                failed.remove(item.name)
            return Synced(title, tracker.place(), tuple(sent), tuple(present), tuple(failed), tracker.opening())
    except Exception as error:  # a server, a database, a file system and a stranger's tracker fail in their own ways
        unsent = [item for item in items if item.name in failed]
        progress.notify(
            f"warning: {title}{place} did not accept {_unsent_in_words(unsent, len(items), shorten_error(error))}"
        )
    return Synced(title, place, tuple(sent), tuple(present), tuple(failed))


def _item_of_run(folder: RunFolder, chosen: Mapping[str, bool], progress: Progress) -> _Item:
    """A run to send."""
    head = partial(head_of, folder, chosen)
    whole = partial(of_run, folder, chosen, progress.notify)
    return _Item("run", folder.id, f"the run is complete in {folder.path}", head, whole, folder)


class _DamagedError(Exception):
    """An item cannot be read; the others may be sound."""


def _read(make: Callable[[], TrackedRun]) -> TrackedRun:
    """Read one entry.

    Raises:
        _DamagedError: its source is damaged.
    """
    try:
        return make()
    except DAMAGE as error:
        raise _DamagedError(_reason(error)) from error


def _send(tracker: Tracker, item: _Item) -> bool:
    """Send an item unless the tracker has it; whether anything was sent.

    Raises:
        _DamagedError: it cannot be read.
    """
    head = _read(item.head)
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        earlier = tracker.find(head)
        if earlier is None:
            _hand_over(tracker, _read(partial(item.whole, head, room)))
            return True
        lacks_models = head.tags.get(MODELS_TAG) == "true" != earlier.tags.get(MODELS_TAG)
        if lacks_models and item.folder is not None:
            copy_models(item.folder, room)
            tracker.artifacts(earlier.run, room)
            tracker.finish(earlier.run, head)
        return lacks_models


def _unsent_in_words(unsent: Sequence[_Item], n_items: int, reason: str) -> str:
    """What a tracker did not accept and why, and how to send it later."""
    first = unsent[0]
    what, command = f"{first.kind} {first.name}", "mebench track sync"
    if len(unsent) > 1:
        what = f"{len(unsent)} of {n_items}, {what} first"
    elif first.folder:
        command += f" {first.name}"
    return f"{what} ({reason}): {first.kept} all the same; send it later with {command}"


def _hand_over(tracker: Tracker, entry: TrackedRun, parent: str | None = None) -> None:
    """Send a run with all its content. It is finished last: until then it does not count as sent."""
    run = tracker.start(entry, parent)
    tracker.metrics(run, entry.metrics)
    for name, table in entry.tables.items():
        tracker.table(run, name, table)
    if entry.files is not None:
        tracker.artifacts(run, entry.files)
    for nested in entry.nested:
        _hand_over(tracker, nested, run)
    tracker.finish(run, entry)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, MebenchError) else f"{type(error).__name__}: {error}"


def shorten_error(error: Exception) -> str:
    """The first line of an error, no longer than a sentence should be, without a password."""
    line = next(iter(without_password(_reason(error)).strip().splitlines()), "").rstrip(". ")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
