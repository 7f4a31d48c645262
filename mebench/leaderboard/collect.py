"""Collects finished runs, from run folders and from committed records, as one kind of thing."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mebench.errors import MebenchError, RunError
from mebench.leaderboard import settings
from mebench.progress import Progress
from mebench.runner.folder import RunFolder

Say = Callable[[str], None]

FORMAT = 1
VIDEO_COLUMNS = ("video", "subject", "dataset", "n_frames", "fps")
TRUTH_COLUMNS = ("video", "kind", "onset", "apex", "offset", "emotion")


@dataclass(frozen=True)
class Record:
    """What a leaderboard needs of a run.

    Attributes:
        id: of the run.
        key: equal for two runs if and only if everything that shapes their predictions is.
        config: the resolved configuration as flat keys, without folders.
        settings: what of method and run is not default, in words.
        data: what of the dataset is not default, in words.
        versions: of Python and packages, without the machine.
        about: the run's `folds.json`.
        summary: the scores.
        costs: `fit_seconds` and `predict_seconds` over all folds, `parameters` of the largest model.
        annotations: hash of videos and annotated intervals, and the same with emotions.
        published: whether it is a committed record.
    """

    id: str
    key: str
    config: dict[str, Any]
    settings: str
    data: str
    versions: dict[str, str]
    about: dict[str, Any] = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    costs: dict[str, float]
    annotations: tuple[str, str]
    published: bool = False

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.config["seed"])

    @property
    def identity(self) -> str:
        """Equal for runs that differ in nothing but the seed."""
        about = {name: self.about[name] for name in ("tasks", "kinds", "classes", "selects", "transductive")}
        tests = [fold["test"] for fold in self.about["folds"]]
        parts = [settings.identity(self.config), self.versions, about, tests, self.annotations]
        return json.dumps(parts, sort_keys=True)


def collect(runs: Path, say: Say | None = None) -> list[Record]:
    """The finished runs of a folder, sorted by id; of each unfinished or damaged one `say` is told in one sentence.

    Args:
        runs: the folder of run folders; one that does not exist holds none.
        say: takes the sentences; by default they go to standard error.
    """
    say = say or Progress().say
    found = []
    for file in sorted(runs.glob("*/config.json")):
        folder = RunFolder(file.parent)
        if folder.done:
            found += _read(from_run, folder, say)
        else:
            say(f"run {folder.id} is not finished and left out: go on with it by mebench resume {folder.id}")
    return found


def collect_records(records: Path, say: Say | None = None) -> list[Record]:
    """The committed records of a folder, sorted by id; damaged ones are told as in `collect`."""
    say = say or Progress().say
    found = []
    for file in sorted(records.glob("[!.]*/record.json")):  # a hidden one is still being written
        found += _read(from_record, RunFolder(file.parent), say)
    return found


def unique(records: Iterable[Record]) -> list[Record]:
    """Each run once, sorted by id: of those with one key, which predict the same, a record, then the latest counts."""
    best: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: (r.published, _number(r.id), r.id)):
        best[record.key] = record
    return sorted(best.values(), key=lambda r: r.id)


def from_run(folder: RunFolder) -> Record:
    """A finished run as a record.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    stored = folder.read_json("config.json")
    costs, summary = pd.read_csv(folder.path / "costs.csv"), folder.read_json("summary.json")
    return Record(
        id=folder.id,
        key=stored["key"],
        config=settings.without_places(stored["config"]),
        settings=settings.of_method(stored["config"], stored["origins"]),
        data=settings.of_data(stored["config"], stored["origins"]),
        versions={name: text for name, text in folder.read_json("versions.json").items() if name != "platform"},
        about=folder.read_json("folds.json"),
        summary={name: part for name, part in summary.items() if name not in {"run_id", "seconds"}},
        costs={
            "fit_seconds": round(float(costs["fit_seconds"].sum()), 3),
            "predict_seconds": round(float(costs["predict_seconds"].sum()), 3),
            "parameters": int(costs["parameters"].max()),
        },
        annotations=_annotations(folder),
    )


def from_record(folder: RunFolder) -> Record:
    """A committed record.

    Raises:
        RunError: a file of it is missing or damaged, or it was written by a later mebench.
    """
    stored = folder.read_json("record.json")
    if stored["format"] != FORMAT:
        raise RunError(
            f"record {folder.id} has format {stored['format']}, this mebench reads format {FORMAT}: install the "
            f"mebench that wrote it ({stored['versions']['mebench']})"
        )
    names = ("key", "config", "settings", "data", "versions", "summary", "costs")
    about, annotations = folder.read_json("folds.json"), _annotations(folder)
    return Record(
        id=folder.id, about=about, annotations=annotations, published=True, **{name: stored[name] for name in names}
    )


def _read(reader: Callable[[RunFolder], Record], folder: RunFolder, say: Say) -> list[Record]:
    try:
        record = reader(folder)
        _ = record.identity, record.seed, record.about["remark"], record.summary["convention"]  # damaged ones lack some
    except MebenchError as error:
        say(f"{folder.id} is left out: {error}")
    except (OSError, KeyError, TypeError, ValueError) as error:
        say(f"{folder.id} is left out: {folder.path} is damaged ({type(error).__name__}: {error})")
    else:
        return [record]
    return []


def _annotations(folder: RunFolder) -> tuple[str, str]:
    videos = folder.read_table("videos.parquet")[list(VIDEO_COLUMNS)].to_csv(index=False)
    truths = folder.read_table("truth.parquet")[list(TRUTH_COLUMNS)]
    tables = (truths.drop(columns="emotion"), truths)
    bare, full = (hashlib.sha256((videos + table.to_csv(index=False)).encode()).hexdigest()[:8] for table in tables)
    return bare, full


def _number(run_id: str) -> int:
    """2 for the second run of a key (`<name>-<key>.2`), 1 for the first."""
    found = re.search(r"\.(\d+)$", run_id)
    return int(found[1]) if found else 1
