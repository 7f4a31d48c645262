"""What MLflow shall hold of a run and its folds: plain data, made of the run folder alone. `tracking` sends it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mebench.config import flatten
from mebench.metrics import summarize
from mebench.metrics.summary import flat_scores
from mebench.results.export import WithheldError, export
from mebench.results.mlflow_store import without_password
from mebench.results.render.plots import history_of
from mebench.results.report import figures_of
from mebench.results.settings import joined
from mebench.runner.fold_files import read_csv
from mebench.runner.folder import RunFolder
from mebench.runner.scoring import tables_of_folds

RUN_TAG, FOLD_TAG, KEY_TAG = "mebench.run_id", "mebench.fold", "mebench.key"
RECORD_FOLDER, MODELS_FOLDER = "record", "models"
"""Where a run's record and its models lie among its artifacts."""
MOST_FOLDS = 500
"""A nested run takes a store some 30 ms, and more over a network."""
MOST_POINTS = 50
"""Of a longer curve of one fold only so many epochs are sent, evenly spread; that of the run is whole."""
LONGEST_TAG, LONGEST_PARAM = 4000, 6000
_CURVES = ("loss", "accuracy", "uf1", "uar")
_SHAPING = ("method", "recognizer")


class Point(NamedTuple):
    """A value of a metric, at an epoch or a trial; 0 for what has one value."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Data:
    """A dataset that was scored on.

    Attributes:
        name: its id.
        digest: equal where revision, videos and annotations are.
        root: its folder, or None where it is drawn.
        columns: of its annotations, each with its type in MLflow's words.
        counts: of videos, subjects and expressions.
    """

    name: str
    digest: str
    root: str | None
    columns: Mapping[str, str]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Entry:
    """A run of MLflow's.

    Attributes:
        name: for people.
        tags: text by name.
        params: what it was asked with, as text.
        metrics: what came of it.
        start: in ms since 1970.
        end: the same.
        data: what was scored on.
        files: writes the artifacts into an empty folder; None where there are none.
        nested: the runs in it, each made when its turn comes.
        ended: whether nothing more will come.
        failed: whether it has no result.
    """

    name: str
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Point] = ()
    start: int = 0
    end: int = 0
    data: Sequence[Data] = ()
    files: Callable[[Path], None] | None = None
    nested: Iterable[Entry] = ()
    ended: bool = True
    failed: bool = False


def experiment_of(values: Mapping[str, Any]) -> str:
    """The experiment of a configuration: `mebench/<dataset>/<protocol>`."""
    flat = flatten(values)
    return f"mebench/{joined(flat['dataset'])}/{flat['protocol']}"


def of_run(folder: RunFolder, say: Callable[[str], object], folds: bool = True, models: bool = False) -> Entry:
    """A finished run: settings, scores, curves of the training, dataset, figures, and its record.

    Scores are named as in the summary: `spotting.micro.f1` with its interval in `.low` and `.high`; what is undefined is left
    out. Curves are `training/<stage>/<split>_<column>` by epoch from 0, the mean over the folds that noted any.

    Args:
        folder: the run.
        say: told in a sentence where the record is left out, since nobody could take it in.
        folds: with a nested run for each fold, unless there are more than `MOST_FOLDS`.
        models: with the weights of each fold.

    Raises:
        RunError: a file of the run is missing or damaged.
    """
    stored, about, summary = (folder.read_json(f"{name}.json") for name in ("config", "folds", "summary"))
    stored["config"]["tracking"] = without_password(stored["config"].get("tracking") or "") or None
    end = int((folder.path / "summary.json").stat().st_mtime * 1000)
    start = end - int(summary["seconds"] * 1000)
    values = flatten(stored["config"])
    values["dataset"] = joined(values["dataset"])
    history = history_of(folder)
    params = {key: text_of(value) for key, value in values.items()}
    many = len(about["folds"]) > MOST_FOLDS

    def files(target: Path) -> None:
        (target / "config.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
        for name in ("summary.json", "costs.csv"):
            shutil.copyfile(folder.path / name, target / name)
        for name, figure in figures_of(folder).items():
            figure.savefig(target / f"{name}.png")
        with tempfile.TemporaryDirectory() as room:
            try:
                shutil.move(export(folder, Path(room)), target / RECORD_FOLDER)
            except WithheldError as error:
                say(f"warning: MLflow gets no record: {error}")
        if models:
            copy_models(folder, target)

    return Entry(
        name=folder.id,
        tags={
            RUN_TAG: folder.id,
            **named_tags(values),
            **_tags(folder, stored["key"], about, summary),
            **source_tags(stored, "mebench run"),
            "mlflow.note.content": _note(values, about),
        },
        params=params,
        metrics=[*points(flat_scores(summary)), *_curves(history)],
        start=start,
        end=end,
        data=list(datasets_of(folder, stored["config"])),
        files=files,
        nested=_folds(folder, about, summary, params, history, start) if folds and not many else (),
    )


def copy_models(folder: RunFolder, target: Path) -> None:
    """The weights of each fold as `models/<fold>.safetensors`; a leaking run keeps none."""
    (target / MODELS_FOLDER).mkdir()
    for file in sorted(folder.path.glob("folds/*/model.safetensors")):
        shutil.copyfile(file, target / MODELS_FOLDER / f"{file.parent.name}{file.suffix}")


def source_tags(stored: Mapping[str, Any], name: str) -> dict[str, str]:
    """MLflow's own tags for what made something, who with it, and from which commit, where that is known."""
    known, source = (
        {"user": "user", "commit": "source.git.commit", "dirty": "source.git.dirty"},
        stored.get("source", {}),
    )
    made = {f"mlflow.{tag}": source[key] for key, tag in known.items() if key in source}
    return {"mlflow.source.name": name, "mlflow.source.type": "LOCAL", **made}


def named_tags(values: Mapping[str, Any]) -> dict[str, str]:
    """Tags for who was asked what, of flat values."""
    names = ("method", "recognizer", "dataset", "protocol")
    return {f"mebench.{name}": str(values[name]) for name in names if values.get(name)}


def text_of(value: Any) -> str:
    """A value as MLflow's parameters hold it."""
    return (value if isinstance(value, str) else json.dumps(value))[:LONGEST_PARAM]


def dotted(name: str, value: Any) -> dict[str, str]:
    """A nested map as parameters: `{"k": {"micro": 3}}` called `timing` is `timing.k.micro`."""
    if not isinstance(value, Mapping):
        return {name: text_of(value)}
    return {key: text for part, own in value.items() for key, text in dotted(f"{name}.{part}", own).items()}


def points(values: Mapping[str, float]) -> list[Point]:
    """Metrics of one value each."""
    return [Point(name, value) for name, value in values.items()]


def _curves(history: pd.DataFrame, most: int | None = None) -> Iterator[Point]:
    """The mean over folds of what was noted in each epoch; of more than `most` epochs so many, the last one among them."""
    columns = [column for column in _CURVES if column in history]
    if history.empty:
        return
    for (stage, split), own in history.groupby(["stage", "split"], sort=False):
        for column in columns:
            means = own.groupby("epoch")[column].mean().dropna()
            every = max(1, -(-len(means) // (most or len(means) or 1)))
            for epoch, value in list(means.items())[::-every][::-1]:
                yield Point(f"training/{stage}/{split}_{column}", float(value), int(str(epoch)))


def _tags(folder: RunFolder, key: str, about: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, str]:
    own = {
        "convention": summary["convention"],
        "transductive": about["transductive"],
        "selection": about.get("selection", ""),
        "subject_dependent": str(about.get("subject_dependent", False)).lower(),
        **{f"version.{name}": text for name, text in folder.read_json("versions.json").items()},
    }
    return {KEY_TAG: key, **{f"mebench.{name}": text for name, text in own.items()}}


def _note(values: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """What MLflow shows above a run, in Markdown: who was asked what, and all that a reader must know of it."""
    method = " + ".join(str(values[name]) for name in _SHAPING if values.get(name))
    told = [*about.get("warnings", ()), *([about["remark"]] if about.get("remark") else []), *about.get("card", ())]
    head = f"**{method}** on **{values['dataset']}** under **{values['protocol']}**, seed {values['seed']}"
    return "\n".join([head, "", *(f"- {line}" for line in told)])[:LONGEST_TAG]


def datasets_of(folder: RunFolder, values: Mapping[str, Any]) -> Iterator[Data]:
    """The datasets whose videos were scored, each with its own annotations."""
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    revision, flat = folder.read_json("versions.json").get("dataset_revision", ""), flatten(values)
    columns = {
        str(name): "long" if pd.api.types.is_integer_dtype(kind) else "string" for name, kind in truths.dtypes.items()
    }
    for name in sorted(set(videos["dataset"])):
        own = videos[videos["dataset"] == name]
        shown = truths[truths["video"].isin(own["video"])]
        said = "".join([revision, own.to_csv(index=False), shown.to_csv(index=False)])
        root = flat.get(f"dataset.{name}.root") or flat.get("dataset.root")
        yield Data(
            name,
            hashlib.sha256(said.encode()).hexdigest()[:8],
            None if root is None else str(root),
            columns,
            {
                "videos": len(own),
                "subjects": own["subject"].nunique(),
                **{f"{kind}-expressions": int(n) for kind, n in shown["kind"].value_counts().items()},
                **{str(c): int(n) for c, n in shown[shown["kind"] == "micro"]["emotion"].value_counts().items()},
            },
        )


# -- folds -------------------------------------------------------------------------------------------------------------


def _folds(
    folder: RunFolder,
    about: Mapping[str, Any],
    summary: Mapping[str, Any],
    params: Mapping[str, str],
    history: pd.DataFrame,
    start: int,
) -> Iterator[Entry]:
    """Each fold with its own scores, costs and curves; the run's scores are those of all together, not their mean."""
    table = read_csv(folder.path / "costs.csv").set_index("fold")
    costs = {str(name): {str(column): float(cost) for column, cost in row.items()} for name, row in table.iterrows()}
    rules: dict[str, Any] = {"kinds": about["kinds"], "classes": about["classes"], "convention": summary["convention"]}
    counts = {
        f"n_{name}": folder.read_table(f"{name}.parquet")["fold"].value_counts() for name in ("predictions", "clips")
    }
    shared = {key: text for key, text in params.items() if key.partition(".")[0] in (*_SHAPING, "seed")}
    for fold, (name, tables) in zip(about["folds"], tables_of_folds(folder), strict=True):
        record = folder.fold_record(name)
        people = {f"n_{side}": text_of(len(fold[side])) for side in ("train", "valid", "test")}
        scores = flat_scores(summarize(tables, seed=0, draws=0, **rules))
        numbers = {  # the intervals of so few people say nothing
            **{key: value for key, value in scores.items() if not re.search(r"\.details\.|\.(low|high)$", key)},
            **costs[name],
            **{key: float(count.get(name, 0)) for key, count in counts.items()},
        }
        yield Entry(
            name=name,
            tags={RUN_TAG: folder.id, FOLD_TAG: name, "mebench.test": ", ".join(fold["test"])[:LONGEST_TAG]},
            params={
                **shared,
                **people,
                "fold.seed": text_of(record.get("seed")),
                **dotted("timing", record.get("timing", {})),
            },
            metrics=[*points(numbers), *_curves(history[history["fold"] == name], MOST_POINTS)],
            start=start,
            end=start + int(1000 * (costs[name]["fit_seconds"] + costs[name]["predict_seconds"])),
        )
