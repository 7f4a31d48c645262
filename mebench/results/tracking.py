"""MLflow mirrors finished runs and studies. Their folders stay the truth: what goes wrong here is said and costs nothing."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mebench.errors import MebenchError
from mebench.metrics.summary import flat_scores
from mebench.progress import Progress
from mebench.results.mlflow_store import Store, alone, quiet, without_password
from mebench.results.record import DAMAGE
from mebench.results.tracked import RUN_TAG, Data, Entry, copy_models, experiment_of, of_run
from mebench.results.tracked_studies import OUTCOME_TAG, RESCORED_TAG, STUDY_TAG, of_rescored, of_study
from mebench.runner.folder import RunFolder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from mebench.results.published_tables import Known

__all__ = [
    "RUN_TAG",
    "Store",
    "Synced",
    "client_of",
    "flat_scores",
    "mirror",
    "mirror_rescored",
    "mirror_study",
    "short",
    "sync",
    "without_password",
]

MODELS_TAG = "mebench.models"
LONGEST = 200
_PARAMS, _METRICS = 100, 900  # MLflow takes 100 parameters and 1,000 of all at once
_PARENT = "mlflow.parentRunId"
_KIND, _OURS = "mlflow.experimentKind", "custom_model_development"
"""Without this tag some of MLflow's pages show an experiment as one of traces of language models, of which there are none."""


def mirror(folder: RunFolder, uri: str | None, progress: Progress) -> str | None:
    """Copy a finished run to MLflow (see `tracked.of_run`). Doing it again changes nothing.

    A run becomes one MLflow run in the experiment `mebench/<dataset>/<protocol>`, with one nested run for each fold.

    Args:
        folder: the run.
        uri: MLflow's tracking URI; None takes `$MLFLOW_TRACKING_URI`, else sqlite in the working folder.
        progress: where to say in one sentence that it did not work; nothing is raised then.

    Returns:
        where it is, for people, or None if MLflow failed.
    """
    return _place(sync([folder], uri, progress))


def mirror_study(folder: Path, uri: str | None, progress: Progress) -> bool:
    """Copy a study to MLflow as it stands (see `tracked_studies.of_study`): the trials that it lacks, and once it has ended its outcome.

    The study is a run in the experiment `mebench/<dataset>/<protocol>/tuning`. One that went on after its end is sent anew.

    Args:
        folder: of the study.
        uri: as of `mirror`.
        progress: as of `mirror`.

    Returns:
        whether it worked.
    """
    return not sync((), uri, progress, studies=[folder]).failed


def mirror_rescored(known: Known, uri: str | None, progress: Progress) -> str | None:
    """Copy what public files of others score to: a run for each dataset and reading, marked by its tags; none twice.

    Args:
        known: the source and its outcome.
        uri: as of `mirror`.
        progress: as of `mirror`.

    Returns:
        where it is, for people, or None if MLflow failed.
    """
    return _place(sync((), uri, progress, rescored=[known]))


@dataclass(frozen=True)
class Synced:
    """What came of sending runs, studies and outcomes to MLflow.

    Attributes:
        place: where they are, for people.
        sent: ids of those that it has now.
        there: ids of those that it had.
        failed: ids of those that it did not take.
        opening: how to see them there, in words.
    """

    place: str
    sent: tuple[str, ...]
    there: tuple[str, ...]
    failed: tuple[str, ...]
    opening: str = ""


class _Thing(NamedTuple):
    """One that is to be sent: its id, what it is, what is kept if it fails, the words to send it later, and who sends it."""

    id: str
    kind: str
    kept: str
    send: Callable[[MlflowClient, Store], tuple[dict[str, str], bool]]
    """The experiments by name with their ids, and whether anything was new."""


def sync(
    folders: Sequence[RunFolder],
    uri: str | None,
    progress: Progress,
    folds: bool | None = None,
    models: bool | None = None,
    studies: Sequence[Path] = (),
    rescored: Sequence[Known] = (),
) -> Synced:
    """Copy finished runs, studies and outcomes to MLflow as `mirror` does; a store that is down is asked once.

    Args:
        folders: the runs.
        uri: MLflow's tracking URI; None takes `$MLFLOW_TRACKING_URI`, else sqlite in the working folder.
        progress: where to tell what did not work; nothing is raised then.
        folds: whether each fold becomes a nested run; None takes the run's own `tracking.folds`.
        models: whether the weights go along; None takes the run's own `tracking.models`. A run that is there without gets them.
        studies: folders of studies.
        rescored: what public files of others score to.
    """
    store, experiments, sent, there = Store.of(uri), dict[str, str](), list[str](), list[str]()
    things = [*_runs(folders, folds, models, progress.say), *map(_study, studies), *map(_rescored, rescored)]
    failed = [thing.id for thing in things]
    try:
        with quiet(), alone(store):
            client = client_of(store)
            for thing in things:
                try:
                    found, new = thing.send(client, store)
                except DAMAGE as error:  # of this one; the others may be sound
                    reason = str(error) if isinstance(error, MebenchError) else f"{type(error).__name__}: {error}"
                    progress.say(f"warning: {thing.kind} {thing.id} is not sent: {reason}")
                    continue
                experiments |= found
                (sent if new else there).append(thing.id)
                failed.remove(thing.id)
    except Exception as error:  # a server, a database and a file system fail in their own many ways
        first = next(thing for thing in things if thing.id == failed[0])
        what = (
            f"{first.kind} {first.id}"
            if len(failed) == 1
            else f"{len(failed)} of {len(things)}, {first.kind} {first.id} first"
        )
        reason = short(without_password(str(error)))
        said = reason if isinstance(error, MebenchError) else f"{type(error).__name__}: {reason}"
        progress.say(
            f"warning: MLflow at {store.describe()} did not take {what} ({said}): {first.kept} all the same; send it later "
            f"with mebench track sync {first.id if len(failed) == 1 else ''}".rstrip()
        )
    names = f"experiment{'s' * (len(experiments) > 1)} {', '.join(experiments)}"
    (page, *others) = (f"experiments/{id_}/runs" for id_ in experiments.values()) if experiments else ("experiments",)
    opening = store.opening("experiments" if others else page)
    return Synced(f"{store.describe()} ({names})", tuple(sent), tuple(there), tuple(failed), opening)


def _place(synced: Synced) -> str | None:
    return None if synced.failed else synced.place


def client_of(store: Store) -> MlflowClient:
    """What asks a store."""
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=store.uri)


# -- what is sent ------------------------------------------------------------------------------------------------------


def _runs(
    folders: Sequence[RunFolder], folds: bool | None, models: bool | None, say: Callable[[str], object]
) -> Iterator[_Thing]:
    for folder in folders:

        def send(client: MlflowClient, store: Store, folder: RunFolder = folder) -> tuple[dict[str, str], bool]:
            values = folder.read_json("config.json")["config"]
            with_folds = values.get("tracking_folds", True) if folds is None else folds
            with_models = values.get("tracking_models", False) if models is None else models
            name = experiment_of(values)
            experiment = _experiment(client, name, store)
            if (run := _whole(client, experiment, RUN_TAG, folder.id)) is None:
                entry = of_run(folder, say, with_folds, with_models)
                _write(client, experiment, replace(entry, tags={**entry.tags, MODELS_TAG: str(with_models).lower()}))
            elif lacks := with_models and run.data.tags.get(MODELS_TAG) != "true":
                _attach(client, run.info.run_id, lambda target: copy_models(folder, target))
                client.set_tag(run.info.run_id, MODELS_TAG, "true")
                return {name: experiment}, lacks
            return {name: experiment}, run is None

        yield _Thing(folder.id, "run", f"the run is complete in {folder.path}", send)


def _study(folder: Path) -> _Thing:
    def send(client: MlflowClient, store: Store) -> tuple[dict[str, str], bool]:
        values, entry = of_study(folder)
        name = f"{experiment_of(values)}/tuning"
        experiment = _experiment(client, name, store)
        tag = f"tags.`{STUDY_TAG}` = '{entry.tags[STUDY_TAG]}'"
        found = client.search_runs([experiment], filter_string=tag, max_results=50_000)
        ended = {run.data.tags[OUTCOME_TAG] for run in found if OUTCOME_TAG in run.data.tags and run.info.end_time}
        if ended == {entry.tags.get(OUTCOME_TAG)}:
            return {name: experiment}, False
        if ended:  # MLflow's parameters cannot be changed
            for run in found:
                client.delete_run(run.info.run_id)
            found = []
        _write(client, experiment, entry, {_identity(run.data.tags): run for run in found})
        return {name: experiment}, True

    return _Thing(folder.name, "study", f"it is kept in {folder} and in its storage", send)


def _rescored(known: Known) -> _Thing:
    def send(client: MlflowClient, store: Store) -> tuple[dict[str, str], bool]:
        experiments, new = dict[str, str](), False
        for name, entry in of_rescored(known):
            experiments[name] = _experiment(client, name, store)
            if _whole(client, experiments[name], RESCORED_TAG, entry.tags[RESCORED_TAG]) is None:
                _write(client, experiments[name], entry)
                new = True
        return experiments, new

    return _Thing(known.source.id, "outcome", f"scores and intervals are in {known.source.id}.json", send)


# -- the client --------------------------------------------------------------------------------------------------------


def _experiment(client: MlflowClient, name: str, store: Store) -> str:
    from mlflow.exceptions import MlflowException

    if (found := client.get_experiment_by_name(name)) is None:
        try:
            return str(client.create_experiment(name, artifact_location=store.artifacts, tags={_KIND: _OURS}))
        except MlflowException:  # somebody else was faster, on a server that our lock does not reach
            if (found := client.get_experiment_by_name(name)) is None:
                raise
    if _KIND not in found.tags:
        client.set_experiment_tag(found.experiment_id, _KIND, _OURS)
    return str(found.experiment_id)


def _whole(client: MlflowClient, experiment: str, tag: str, own: str) -> Run | None:
    """The run that was mirrored to the end, or None; what a killed process left of it is removed."""
    found = client.search_runs([experiment], filter_string=f"tags.`{tag}` = '{own}'", max_results=1000)
    ended = {run.info.run_id: run for run in found if _PARENT not in run.data.tags and run.info.status == "FINISHED"}
    for run in found:
        if run.data.tags.get(_PARENT, run.info.run_id) not in ended:
            client.delete_run(run.info.run_id)
    return next(iter(ended.values()), None)


def _identity(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What tells the run of a study, of one of its parts and of a trial apart."""
    return tuple(sorted((tag, text) for tag, text in tags.items() if tag.startswith(STUDY_TAG)))


def _write(
    client: MlflowClient,
    experiment: str,
    entry: Entry,
    there: Mapping[tuple[tuple[str, str], ...], Run] = {},
    parent: str | None = None,
) -> None:
    """Make a run with all that is in it. It is marked as finished last: until then it does not count as mirrored.

    Args:
        client: of MLflow.
        experiment: its id.
        entry: the run.
        there: those of a study that are there already, by `_identity`: what has not ended goes on.
        parent: id of the run that it is nested in.
    """
    run = there.get(_identity(entry.tags))
    if run is not None and run.info.end_time is not None:
        return
    above = {} if parent is None else {_PARENT: parent}
    tags = {tag: text for tag, text in {**entry.tags, **above}.items() if tag != OUTCOME_TAG}
    if run is None:
        id_ = client.create_run(experiment, start_time=entry.start or None, run_name=entry.name, tags=tags).info.run_id
    else:
        id_ = run.info.run_id
        for tag, text in tags.items() - run.data.tags.items():
            client.set_tag(id_, tag, text)
    if run is None or entry.ended:  # equal parameters may come twice
        _fill(client, id_, entry)
    for nested in entry.nested:
        _write(client, experiment, nested, there, id_)
    if entry.ended:
        if OUTCOME_TAG in entry.tags:
            client.set_tag(id_, OUTCOME_TAG, entry.tags[OUTCOME_TAG])
        client.set_terminated(id_, "FAILED" if entry.failed else "FINISHED", entry.end or None)


def _fill(client: MlflowClient, run: str, entry: Entry) -> None:
    """Parameters, metrics, datasets and artifacts of a run."""
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

    params = [Param(key, text) for key, text in entry.params.items()]
    at = entry.end or int(time.time() * 1000)
    metrics = [Metric(point.name, point.value, at, point.step) for point in entry.metrics]
    for turn in range(max(-(-len(params) // _PARAMS), -(-len(metrics) // _METRICS))):
        some = params[turn * _PARAMS : (turn + 1) * _PARAMS], metrics[turn * _METRICS : (turn + 1) * _METRICS]
        client.log_batch(run, params=some[0], metrics=some[1], synchronous=True)
    if entry.data:
        context = [InputTag("mlflow.data.context", "evaluation")]
        client.log_inputs(run, [DatasetInput(Dataset(**_dataset(data)), context) for data in entry.data])
    if entry.files is not None:
        _attach(client, run, entry.files)


def _dataset(data: Data) -> dict[str, str]:
    """A dataset in MLflow's words."""
    place = {"tags": {"mlflow.source.name": data.name}} if data.root is None else {"uri": data.root}
    columns = [{"type": kind, "name": name, "required": True} for name, kind in data.columns.items()]
    return {
        "name": data.name,
        "digest": data.digest,
        "source_type": "code" if data.root is None else "local",
        "source": json.dumps(place),
        "schema": json.dumps({"mlflow_colspec": columns}),
        "profile": json.dumps(dict(data.counts)),
    }


def _attach(client: MlflowClient, run: str, write: Callable[[Path], None]) -> None:
    """Send what is written into a folder as artifacts."""
    with tempfile.TemporaryDirectory() as room:
        write(Path(room))
        client.log_artifacts(run, room)


def short(message: str) -> str:
    """The first line of an error, no longer than a sentence should be."""
    line = next(iter(message.strip().splitlines()), "").rstrip(". ")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
