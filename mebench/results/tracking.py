"""MLflow mirrors finished runs. The run folder stays the truth: what goes wrong here is said and costs nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mebench.config import RunConfig, flatten
from mebench.errors import MebenchError, RunError
from mebench.metrics.summary import flat_scores
from mebench.progress import Progress
from mebench.results.mlflow_store import Store, alone, quiet, without_password
from mebench.results.render.plots import figures_of
from mebench.results.settings import joined
from mebench.runner.folder import RunFolder

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from mebench.results.published_tables import Known

__all__ = [
    "RUN_TAG",
    "Store",
    "Synced",
    "flat_scores",
    "mirror",
    "mirror_rescored",
    "mirror_study",
    "sync",
    "without_password",
]

RUN_TAG, STUDY_TAG, TRIAL_TAG, RESCORED_TAG = "mebench.run_id", "mebench.study", "mebench.trial", "mebench.rescored"
LONGEST, LONGEST_TAG = 200, 4000
MOST_FOLDS = 500
"""A nested run takes a store some 20 ms, and more over a network."""
_BATCH = 100  # MLflow's limit of parameters and of tags in one batch; of metrics it is 1,000


def mirror(folder: RunFolder, uri: str | None, progress: Progress) -> str | None:
    """Copy a finished run to MLflow: parameters, scores, costs by fold, figures. Doing it again changes nothing.

    A run becomes one MLflow run in the experiment `mebench/<dataset>/<protocol>`, with one nested run for each fold; of more
    than `MOST_FOLDS` folds its `costs.csv` alone tells.
    Scores are named as in the summary: `spotting.micro.f1` with its interval in `.low` and `.high`; what is undefined
    is left out.

    Args:
        folder: the run.
        uri: MLflow's tracking URI; None takes `$MLFLOW_TRACKING_URI`, else sqlite in the working folder.
        progress: where to say in one sentence that it did not work; nothing is raised then.

    Returns:
        where it is, for people, or None if MLflow failed.
    """
    synced = sync([folder], uri, progress)
    return None if synced.failed else synced.place


@dataclass(frozen=True)
class Synced:
    """What came of sending runs to MLflow.

    Attributes:
        place: where it is, for people.
        sent: ids of the runs that it has now.
        there: ids of those that it had.
        failed: ids of those that it did not take.
        opening: how to see them there, in words.
    """

    place: str
    sent: tuple[str, ...]
    there: tuple[str, ...]
    failed: tuple[str, ...]
    opening: str = ""


def sync(folders: Sequence[RunFolder], uri: str | None, progress: Progress) -> Synced:
    """Copy finished runs to MLflow as `mirror` does; a store that is down is asked once.

    Args:
        folders: the runs.
        uri: MLflow's tracking URI; None takes `$MLFLOW_TRACKING_URI`, else sqlite in the working folder.
        progress: where to tell what did not work; nothing is raised then.
    """
    store, names, sent, there = Store.of(uri), dict[str, None](), list[str](), list[str]()
    failed = [folder.id for folder in folders]
    try:
        with quiet(), alone(store):
            for folder in folders:
                try:
                    name, new = _mirror(folder, store)
                except RunError as error:  # of a damaged run; the others may be sound
                    progress.say(f"warning: {error}")
                    continue
                names[name] = None
                (sent if new else there).append(folder.id)
                failed.remove(folder.id)
    except Exception as error:  # a server, a database and a file system fail in their own many ways
        what = f"run {failed[0]}" if len(failed) == 1 else f"{len(failed)} runs"
        reason = _short(without_password(str(error)))
        said = reason if isinstance(error, MebenchError) else f"{type(error).__name__}: {reason}"
        where = next(folder.path for folder in folders if folder.id == failed[0])
        progress.say(
            f"warning: MLflow at {store.describe()} did not take {what} ({said}): the run is complete in {where} all the "
            f"same; send it later with mebench track sync {failed[0] if len(failed) == 1 else ''}".rstrip()
        )
    experiments = f"experiment{'s' * (len(names) > 1)} {', '.join(names)}"
    # MLflow's page opens on its view of GenAI traces, which holds no run.
    opening = f"{store.opening()}, then Model training, {experiments}, tab Runs"
    return Synced(f"{store.describe()} ({experiments})", tuple(sent), tuple(there), tuple(failed), opening)


def mirror_study(
    name: str, config: RunConfig, trials: Sequence[Mapping[str, Any]], files: Sequence[Path], progress: Progress
) -> bool:
    """Copy the finished trials of a study that MLflow lacks, each as a run nested in that of the study.

    The study is a run in the experiment `mebench/<dataset>/<protocol>/tuning`.

    Args:
        name: of the study.
        config: what is tuned.
        trials: `number`, `state`, `params`, `values` by path and `seconds` of each.
        files: artifacts of the study.
        progress: where to say in one sentence that it did not work; nothing is raised then.

    Returns:
        whether it worked.
    """
    store = Store.of(config.tracking)
    kept = "its trials are kept in the study's own storage all the same"
    return _sent(store, f"study {name}", kept, progress, lambda: _mirror_trials(store, name, config, trials, files))


def mirror_rescored(known: Known, uri: str | None, progress: Progress) -> str | None:
    """Copy what public files of others score to: a run for each dataset and reading, marked by its tags; none twice.

    Args:
        known: the source and its outcome.
        uri: MLflow's tracking URI, as of `mirror`.
        progress: where to say in one sentence that it did not work; nothing is raised then.

    Returns:
        where it is, for people, or None if MLflow failed.
    """
    store = Store.of(uri)
    kept = f"scores and intervals are in {known.source.id}.json all the same; the same command sends them again"
    return (
        store.describe()
        if _sent(store, known.source.id, kept, progress, lambda: _mirror_rescored(store, known))
        else None
    )


def _sent(store: Store, what: str, kept: str, progress: Progress, send: Callable[[], None]) -> bool:
    """Whether sending worked; what did not is said with what is kept all the same."""
    try:
        with quiet(), alone(store):
            send()
        return True
    except Exception as error:  # as in `sync`
        reason = _short(without_password(str(error)))
        progress.say(
            f"warning: MLflow at {store.describe()} did not take {what} ({type(error).__name__}: {reason}): {kept}"
        )
        return False


# -- one run -----------------------------------------------------------------------------------------------------------


def _mirror(folder: RunFolder, store: Store) -> tuple[str, bool]:
    """Mirror the run unless it is there; the experiment's name, and whether it is new."""
    from mlflow import MlflowClient

    config, about = folder.read_json("config.json"), folder.read_json("folds.json")
    values = flatten(config["config"])
    values["tracking"] = without_password(values.get("tracking") or "") or None
    config["config"]["tracking"] = values["tracking"]
    values["dataset"] = joined(values["dataset"])
    name = f"mebench/{values['dataset']}/{about['protocol']}"
    client = MlflowClient(tracking_uri=store.uri)
    experiment = _experiment(client, name, store.artifacts)
    if new := not _is_there(client, experiment, folder.id):
        _write(client, experiment, folder, config, values)
    return name, new


def _experiment(client: MlflowClient, name: str, artifacts: str | None) -> str:
    from mlflow.exceptions import MlflowException

    if (found := client.get_experiment_by_name(name)) is None:
        try:
            return str(client.create_experiment(name, artifact_location=artifacts))
        except MlflowException:  # somebody else was faster, on a server that our lock does not reach
            if (found := client.get_experiment_by_name(name)) is None:
                raise
    return str(found.experiment_id)


def _is_there(client: MlflowClient, experiment: str, run_id: str, tag: str = RUN_TAG) -> bool:
    """Whether the run was mirrored to the end; what a killed process left of it is removed."""
    found = client.search_runs([experiment], filter_string=f"tags.`{tag}` = '{run_id}'", max_results=1000)
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
    folds = _folds(folder)
    for fold in folds if len(folds) <= MOST_FOLDS else []:
        labels = {"mlflow.parentRunId": run, RUN_TAG: folder.id, "mebench.fold": fold["name"], **fold["tags"]}
        nested = client.create_run(experiment, start_time=start, run_name=fold["name"], tags=labels).info.run_id
        numbers = [Metric(name, value, end, 0) for name, value in fold["metrics"].items()]
        client.log_batch(nested, metrics=numbers, synchronous=True)
        client.set_terminated(nested, end_time=start + int(fold["seconds"] * 1000))
    client.set_terminated(run, end_time=end)  # last: until here the run does not count as mirrored


def _mirror_trials(
    store: Store, name: str, config: RunConfig, trials: Sequence[Mapping[str, Any]], files: Sequence[Path]
) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(tracking_uri=store.uri)
    experiment = _experiment(client, f"mebench/{config.dataset}/{config.protocol}/tuning", store.artifacts)
    there = client.search_runs([experiment], filter_string=f"tags.`{STUDY_TAG}` = '{name}'", max_results=50_000)
    parents = [run.info.run_id for run in there if TRIAL_TAG not in run.data.tags]
    known = {run.data.tags[TRIAL_TAG] for run in there if TRIAL_TAG in run.data.tags}
    tags = {STUDY_TAG: name, "mebench.method": config.method}
    parent = parents[0] if parents else client.create_run(experiment, run_name=name, tags=tags).info.run_id
    now = int(time.time() * 1000)
    for trial in trials:
        if (number := str(trial["number"])) in known:
            continue
        labels = {**tags, "mlflow.parentRunId": parent, TRIAL_TAG: number, "mebench.state": trial["state"]}
        numbers = {**trial["values"], "seconds": trial["seconds"]}
        nested = client.create_run(experiment, run_name=f"trial {number}", tags=labels).info.run_id
        client.log_batch(
            nested,
            metrics=[Metric(path, value, now, 0) for path, value in numbers.items()],
            params=[Param(key, _text(value)) for key, value in trial["params"].items()],
            synchronous=True,
        )
        client.set_terminated(nested, "FAILED" if trial["state"] == "failed" else "FINISHED")
    for file in files:
        client.log_artifact(parent, str(file))
    if files:
        client.set_terminated(parent)


def _mirror_rescored(store: Store, known: Known) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client, source = MlflowClient(tracking_uri=store.uri), known.source
    for one in known.outcome["sets"]:
        experiment = _experiment(client, f"mebench/{one['dataset']}/{one['protocol']}", store.artifacts)
        for result in one["results"]:
            scores = flat_scores(result["summary"])
            name = f"{source.id} {one['dataset']} {result['convention']} later {result['later']}"
            text = json.dumps([source.key, name, scores], sort_keys=True)
            own = f"{name} {hashlib.sha256(text.encode()).hexdigest()[:8]}"
            if _is_there(client, experiment, own, RESCORED_TAG):
                continue
            tags = {
                "provenance": "rescored",
                "method": source.method,
                "convention": result["convention"],
                "later": str(result["later"]),
                "repository": source.repository,
                "commit": source.commit,
            }
            labels = {RESCORED_TAG: own, **{f"mebench.{key}": value for key, value in tags.items()}}
            run = client.create_run(experiment, run_name=name, tags=labels).info.run_id
            now = int(time.time() * 1000)
            metrics = [Metric(path, value, now, 0) for path, value in scores.items()]
            client.log_batch(run, metrics=metrics, synchronous=True)
            client.log_dict(run, dict(result), "scores.json")
            client.set_terminated(run)  # last: until here the run does not count as mirrored


def _tags(folder: RunFolder, key: str, values: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, str]:
    about = folder.read_json("folds.json")
    own = {
        "key": key,
        "convention": summary["convention"],
        "transductive": about["transductive"],
        "selection": about.get("selection", ""),
        "subject_dependent": str(about.get("subject_dependent", False)).lower(),
        **{name: str(values[name]) for name in ("method", "dataset", "protocol")},
        **{f"version.{name}": text for name, text in folder.read_json("versions.json").items()},
    }
    return {f"mebench.{name}": text for name, text in own.items()}


def _folds(folder: RunFolder) -> list[dict[str, Any]]:
    """Name, tags, metrics and seconds of each fold."""
    costs = pd.read_csv(folder.path / "costs.csv").set_index("fold")
    counts = {
        f"n_{name}": folder.read_table(f"{name}.parquet")["fold"].value_counts() for name in ("predictions", "clips")
    }
    return [
        {
            "name": fold["fold"],
            "tags": {"mebench.test": ", ".join(fold["test"])[:LONGEST_TAG]},
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
