"""MLflow mirrors finished runs. The run folder stays the truth: what goes wrong here is said and costs nothing."""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import FileLock

from mebench.config import flatten
from mebench.progress import Progress
from mebench.report.figures import figures_of
from mebench.runner.folder import RunFolder

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_TAG = "mebench.run_id"
LOCK_SECONDS = 120.0
LONGEST = 200
_BATCH = 100  # MLflow's limit of parameters and of tags in one batch; of metrics it is 1,000
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default a server that is down holds up the user for minutes
}


@dataclass(frozen=True)
class Store:
    """Where MLflow keeps things.

    Attributes:
        uri: MLflow's tracking URI, absolute for sqlite.
        database: the sqlite file, or None for anything else.
    """

    uri: str
    database: Path | None

    @classmethod
    def of(cls, uri: str | None) -> Store:
        """The store of a URI; None takes `$MLFLOW_TRACKING_URI`, else `mlflow.db` in the working folder."""
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
        scheme, slashes, rest = uri.partition(":///")
        name, question, options = rest.partition("?")
        if scheme.split("+")[0] != "sqlite" or not slashes or not name or name == ":memory:":
            return cls(uri, None)
        database = Path.cwd() / name
        return cls(f"{scheme}:///{database}{question}{options}", database)

    @property
    def artifacts(self) -> str | None:
        """Where artifacts go: beside the sqlite file, else where the server wants them."""
        return (self.database.parent / "mlartifacts").as_uri() if self.database else None

    def describe(self) -> str:
        """Its place for people, without a password."""
        if self.database is None:
            return without_password(self.uri)
        here = Path.cwd()
        return str(self.database.relative_to(here) if self.database.is_relative_to(here) else self.database)


def mirror(folder: RunFolder, uri: str | None, progress: Progress) -> str | None:
    """Copy a finished run to MLflow: parameters, scores, costs by fold, figures. Doing it again changes nothing.

    A run becomes one MLflow run in the experiment `mebench/<dataset>/<protocol>`, with one nested run for each fold.
    Scores are named as in the summary: `spotting.micro.f1` with its interval in `.low` and `.high`; what is undefined
    is left out.

    Args:
        folder: the run.
        uri: MLflow's tracking URI; None takes `$MLFLOW_TRACKING_URI`, else sqlite in the working folder.
        progress: where to say in one sentence that it did not work; nothing is raised then.

    Returns:
        where it is, for people, or None if MLflow failed.
    """
    store = Store.of(uri)
    try:
        with _quiet(), _alone(store):
            return f"{store.describe()} (experiment {_mirror(folder, store)})"
    except Exception as error:  # a server, a database and a file system fail in their own many ways
        reason = _short(without_password(str(error)))
        progress.say(
            f"warning: MLflow at {store.describe()} did not take run {folder.id} ({type(error).__name__}: {reason}): "
            f"the run is complete in {folder.path} all the same"
        )
        return None


def flat_scores(summary: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a summary by dotted name; None is left out, and so are the words and the bootstrap's book-keeping.

    >>> flat_scores({"spotting": {"micro": {"tp": 3, "scores": {"f1": {"value": 0.5, "low": 0.4, "high": None}}}}})
    {'spotting.micro.tp': 3.0, 'spotting.micro.f1': 0.5, 'spotting.micro.f1.low': 0.4}
    """
    flat: dict[str, float] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            if prefix or key != "bootstrap":
                flat |= flat_scores(value, prefix if key == "scores" else f"{prefix}{key}.")
        elif isinstance(value, int | float):
            flat[prefix.rstrip(".") if key == "value" else f"{prefix}{key}"] = float(value)
    return flat


def without_password(text: str) -> str:
    """A URI, or text that quotes one, as it may be shown and stored.

    >>> without_password("no answer from https://ann:p@ss@mlflow.example.org/x")
    'no answer from https://ann:***@mlflow.example.org/x'
    """
    return re.sub(r"(://[^/\s:@]*):[^/\s]*@", r"\1:***@", text)


# -- one run -----------------------------------------------------------------------------------------------------------


def _mirror(folder: RunFolder, store: Store) -> str:
    """Mirror the run unless it is there; the experiment's name."""
    from mlflow import MlflowClient

    config = folder.read_json("config.json")
    about = folder.read_json("folds.json")
    values = flatten(config["config"])
    values["tracking"] = without_password(values.get("tracking") or "") or None
    config["config"]["tracking"] = values["tracking"]
    name = f"mebench/{values['dataset']}/{about['protocol']}"
    client = MlflowClient(tracking_uri=store.uri)
    experiment = _experiment(client, name, store.artifacts)
    if not _is_there(client, experiment, folder.id):
        _write(client, experiment, folder, config, values)
    return name


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    if (found := client.get_experiment_by_name(name)) is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifacts))
        except MlflowException:  # somebody else was faster, on a server that our lock does not reach
            if (found := client.get_experiment_by_name(name)) is None:
                raise
    return str(found.experiment_id)


def _is_there(client: MlflowClient, experiment: str, run_id: str) -> bool:
    """Whether the run was mirrored to the end; what a killed process left of it is removed."""
    found = client.search_runs([experiment], filter_string=f"tags.`{RUN_TAG}` = '{run_id}'", max_results=1000)
    parents = {run.info.run_id for run in found if "mlflow.parentRunId" not in run.data.tags}
    whole = {run.info.run_id for run in found if run.info.run_id in parents and run.info.status == "FINISHED"}
    for run in found:
        if run.data.tags.get("mlflow.parentRunId", run.info.run_id) not in whole:
            client.delete_run(run.info.run_id)
    return bool(whole)


def _write(
    client: MlflowClient, experiment: str, folder: RunFolder, config: dict[str, Any], values: Mapping[str, Any]
) -> None:
    from mlflow.entities import Metric, Param, RunTag

    summary = folder.read_json("summary.json")
    end = int((folder.path / "summary.json").stat().st_mtime * 1000)
    start = end - int(summary["seconds"] * 1000)
    tags = _tags(folder, config["key"], values, summary)
    run = client.create_run(experiment, start_time=start, run_name=folder.id, tags={RUN_TAG: folder.id}).info.run_id
    metrics = [Metric(name, value, end, 0) for name, value in flat_scores(summary).items()]
    params = [Param(key, _text(value)) for key, value in values.items()]
    client.log_batch(run, metrics=metrics, tags=[RunTag(k, v) for k, v in tags.items()], synchronous=True)
    for first in range(0, len(params), _BATCH):
        client.log_batch(run, params=params[first : first + _BATCH], synchronous=True)
    client.log_dict(run, config, "config.json")
    for file in ("summary.json", "costs.csv"):
        client.log_artifact(run, str(folder.path / file))
    for name, figure in figures_of(folder).items():
        client.log_figure(run, figure, f"{name}.png")
    for fold in _folds(folder):
        labels = {"mlflow.parentRunId": run, RUN_TAG: folder.id, "mebench.fold": fold["name"], **fold["tags"]}
        nested = client.create_run(experiment, start_time=start, run_name=fold["name"], tags=labels).info.run_id
        numbers = [Metric(name, value, end, 0) for name, value in fold["metrics"].items()]
        client.log_batch(nested, metrics=numbers, synchronous=True)
        client.set_terminated(nested, end_time=start + int(fold["seconds"] * 1000))
    client.set_terminated(run, end_time=end)  # last: until here the run does not count as mirrored


def _tags(folder: RunFolder, key: str, values: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, str]:
    chosen = {name: str(values[name]) for name in ("method", "dataset", "protocol")}
    about = folder.read_json("folds.json")
    own = {"key": key, "convention": summary["convention"], "transductive": about["transductive"], **chosen}
    versions = {f"version.{name}": text for name, text in folder.read_json("versions.json").items()}
    return {f"mebench.{name}": text for name, text in (own | versions).items()}


def _folds(folder: RunFolder) -> list[dict[str, Any]]:
    """Name, tags, metrics and seconds of each fold."""
    costs = pd.read_csv(folder.path / "costs.csv").set_index("fold")
    counts = {
        f"n_{name}": folder.read_table(f"{name}.parquet")["fold"].value_counts() for name in ("predictions", "clips")
    }
    return [
        {
            "name": fold["fold"],
            "tags": {"mebench.test": ", ".join(fold["test"])},
            "metrics": {
                **{name: float(cost) for name, cost in costs.loc[fold["fold"]].items()},
                **{name: float(count.get(fold["fold"], 0)) for name, count in counts.items()},
            },
            "seconds": float(costs.loc[fold["fold"], ["fit_seconds", "predict_seconds"]].sum()),
        }
        for fold in folder.read_json("folds.json")["folds"]
    ]


def _short(message: str) -> str:
    """The first line of an error, no longer than a sentence should be."""
    line = next(iter(message.strip().splitlines()), "").rstrip(". ")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# -- alone and in silence ----------------------------------------------------------------------------------------------


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """One process at a time on a sqlite file: three that create it at once break it."""
    if store.database is None:
        yield
        return
    store.database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{store.database}.lock", timeout=LOCK_SECONDS):
        if store.database.exists():
            # MLflow tries a damaged file for minutes; sqlite says so at once.
            connection = sqlite3.connect(store.database)
            try:
                connection.execute("PRAGMA schema_version")
            finally:
                connection.close()
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """No log line and no warning of MLflow's and alembic's, no telemetry, and everything as it was afterwards."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers, level = list(root.handlers), root.level
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if before[name] is None})
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:], root.level = handlers, level
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
