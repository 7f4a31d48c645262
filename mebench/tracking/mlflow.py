"""MLflow as a tracker: runs as its runs, folds nested in them, tables as artifacts; and reading its records back."""

import gc
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from mebench.errors import DataError, RunError
from mebench.grouping import split_into_batches
from mebench.tracking.entries import (
    DIGEST_TAG,
    KEY_TAG,
    MODELS_TAG,
    RECORD_FOLDER,
    SETTINGS_TAG,
    SHORT,
    Data,
    Point,
    TrackedRun,
)
from mebench.tracking.mlflow_store import RUN_TAG, Store, lock_store, silence_mlflow
from mebench.tracking.send import shorten_error
from mebench.tracking.tracker import SentRun, Tracker

with silence_mlflow(collect=False):
    from mlflow import MlflowClient
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.pandas_dataset import from_pandas
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param
    from mlflow.exceptions import MlflowException

_PARAMS, _METRICS = 100, 900  # MLflow takes 100 parameters and 1,000 of all at once
_PARENT = "mlflow.parentRunId"
_VIEW = "mlflow.sharedViewState.scores"
"""The view of an experiment that its address names, as MLflow's button *Share* makes them: by itself it shows no column
of a score.
"""
_EVERY = [name for section in ("analysis", "spotting", "recognition") for name in SHORT[section]]
_MAIN = [name for name in _EVERY if name not in ("AP50", "UAR")]
"""The main scores, that by which runs are sorted first: of a run that does all, STRS. MLflow shows them by name, and more of
them would leave no room for settings.
"""
_RUNS_ALONE = f"tags.`{KEY_TAG}` LIKE '%'"
"""A search that finds no folds: sorted by a score, MLflow lists nested runs among all others."""


class MLflow(Tracker):
    """MLflow's tracking, by a client of its own.

    The user's own address and active run stay unchanged.

    A run is one of the experiment `mebench/<dataset>/<protocol>`, with a nested run for each fold.
    """

    title = "MLflow"
    client: MlflowClient

    def __init__(self, address: str | None = None) -> None:
        """A store.

        Args:
            address: MLflow's tracking URI; None takes `$MLFLOW_TRACKING_URI`, else sqlite in the working folder.
        """
        self.store = Store.at_uri(address)
        self._experiments: dict[str, str] = {}
        self._views: dict[str, str] = {}
        self._ends: dict[str, int] = {}
        self._params: dict[str, list[Param]] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """A context with the lock of the store and without log lines."""
        with silence_mlflow(collect=False), lock_store(self.store):
            self.client = client_of(self.store)
            yield

    def find(self, entry: TrackedRun) -> SentRun | None:
        """The completely sent run; partial runs of killed processes and outdated tables are removed."""
        if len(self._ends) > 100:  # no other process collects garbage meanwhile
            self._ends.clear()
            gc.collect()
        query = f"tags.`{entry.mark}` = '{entry.tags[entry.mark]}'"
        digest = entry.tags.get(DIGEST_TAG)
        runs = self.client.search_runs([self._experiment(entry.experiment)], filter_string=query, max_results=1000)
        whole = {
            run.info.run_id: SentRun(run.info.run_id, run.data.tags)
            for run in runs
            if _PARENT not in run.data.tags
            and run.info.status == "FINISHED"
            and run.data.tags.get(DIGEST_TAG) == digest
        }
        for run in runs:
            if run.data.tags.get(_PARENT, run.info.run_id) not in whole:
                self.client.delete_run(run.info.run_id)
        return next(iter(whole.values()), None)

    def start(self, entry: TrackedRun, parent: str | None = None) -> str:
        """A run of its experiment, with its datasets; its parameters follow with its metrics."""
        tags = {**entry.tags, **({} if parent is None else {_PARENT: parent})}
        experiment = self._experiment(entry.experiment)
        name = entry.title or entry.name
        made = self.client.create_run(experiment, start_time=entry.start or None, run_name=name, tags=tags)
        if parent is None:
            self._show_scores(entry)
        run: str = made.info.run_id
        self._params[run] = [Param(_allowed_name(key), text) for key, text in entry.params.items()]
        if entry.data:
            self.client.log_inputs(run, list(map(_dataset, entry.data)))
        self._ends[run] = entry.end
        return run

    def metrics(self, run: str, points: Sequence[Point]) -> None:
        """Log metrics, and the parameters that wait for them, in batches of MLflow's limit."""
        metrics = [Metric(_allowed_name(p.name), p.value, self._ends[run], p.step) for p in points]
        batches_of_params = split_into_batches(self._params.pop(run, []), _PARAMS)
        batches_of_metrics = split_into_batches(metrics, _METRICS)
        for of_params, of_metrics in zip_longest(batches_of_params, batches_of_metrics, fillvalue=()):
            self.client.log_batch(run, metrics=of_metrics, params=of_params)

    def table(self, run: str, name: str, table: pd.DataFrame) -> None:
        """Log a table as `<name>.json`, which MLflow shows as a table."""
        self.client.log_table(run, table, f"{name}.json")

    def artifacts(self, run: str, folder: Path) -> None:
        """Log files beside the sqlite file, or to the server."""
        self.client.log_artifacts(run, str(folder))

    def finish(self, run: str, entry: TrackedRun) -> None:
        """Mark it as finished; one that was sent earlier, without its models, gets their tag."""
        was_sent_earlier = run not in self._ends
        if was_sent_earlier and MODELS_TAG in entry.tags:
            self.client.set_tag(run, MODELS_TAG, entry.tags[MODELS_TAG])
        self.client.set_terminated(run, "FINISHED", entry.end or None)

    def place(self) -> str:
        """The store, with the experiments that were asked for."""
        if not self._experiments:
            return self.store.describe()
        word = "experiment" if len(self._experiments) == 1 else "experiments"
        return f"{self.store.describe()} ({word} {', '.join(self._experiments)})"

    def opening(self) -> str:
        """The command and the address that show the store."""
        if len(self._experiments) != 1:
            return self.store.opening("experiments")
        (id_,) = self._experiments.values()
        return self.store.opening(f"experiments/{id_}/runs", f"&viewStateShareKey={_VIEW.rpartition('.')[2]}")

    def _show_scores(self, entry: TrackedRun) -> None:
        """Show the main scores of a run, and no folds, in its experiment's view."""
        former = self._views[entry.experiment]
        shown = _scores_of_view(former)
        scored = {point.name for point in entry.metrics}
        wanted = [name for name in _MAIN if name in scored or name in shown]
        if not wanted:
            return
        settings = ["params.`best`"] if "best" in entry.params else [f"tags.`{SETTINGS_TAG}`", "params.`seed`"]
        view = {
            "selectedColumns": [*settings, *(f"metrics.`{name}`" for name in wanted)],
            "searchFilter": _RUNS_ALONE if KEY_TAG in entry.tags else "",
            "orderByKey": f"metrics.`{wanted[0]}`",
            "orderByAsc": False,
        }
        text = json.dumps(view)
        if text != former:
            self.client.set_experiment_tag(self._experiments[entry.experiment], _VIEW, text)
            self._views[entry.experiment] = text

    def _experiment(self, name: str) -> str:
        """The id of an experiment, which is created if it is missing."""
        if name not in self._experiments:
            if self.client.get_experiment_by_name(name) is None:
                try:
                    self.client.create_experiment(name, artifact_location=self.store.artifacts)
                except MlflowException:  # another process may have been faster, on a server outside our lock
                    if self.client.get_experiment_by_name(name) is None:
                        raise
            experiment = self.client.get_experiment_by_name(name)
            # Without its kind some of MLflow's pages show an experiment as one of traces of language models.
            kind = "mlflow.experimentKind"
            if kind not in experiment.tags:
                self.client.set_experiment_tag(experiment.experiment_id, kind, "custom_model_development")
            self._experiments[name] = str(experiment.experiment_id)
            self._views[name] = experiment.tags.get(_VIEW, "")
        return self._experiments[name]


def _scores_of_view(text: str) -> list[str]:
    """The main scores that a view shows; none of one that is missing or somebody else's."""
    try:
        columns = json.loads(text)["selectedColumns"]
        return [name for name in _MAIN if f"metrics.`{name}`" in columns]
    except (ValueError, TypeError, KeyError):
        return []


def client_of(store: Store) -> MlflowClient:
    """The client of a store; a missing sqlite file is made."""
    store.prepare()
    return MlflowClient(tracking_uri=store.uri)


def fetch_records(address: str, target: Path, notify: Callable[[str], object]) -> None:
    """Write the records of all finished runs of an MLflow store into a folder.

    They are written as `leaderboard export` writes them.

    Args:
        address: MLflow's tracking URI.
        target: an empty folder.
        notify: gets one sentence for each run without a record.

    Raises:
        DataError: there is no such file.
        RunError: MLflow cannot be read.
    """
    store = Store.at_uri(address)
    if store.database and not store.database.is_file():
        raise DataError(f"there is no database {store.describe()}: check --from-mlflow")
    try:
        with silence_mlflow(), lock_store(store):
            client = client_of(store)
            # Every run of mebench's that was handed over to the end, each once.
            query = f"attributes.status = 'FINISHED' and {_RUNS_ALONE}"
            known = dict[str, str]()
            for experiment in client.search_experiments(filter_string="name LIKE 'mebench/%'"):
                token: str | None = ""
                while token is not None:
                    page = client.search_runs([experiment.experiment_id], filter_string=query, page_token=token or None)
                    known = {run.data.tags[RUN_TAG]: run.info.run_id for run in page} | known
                    token = page.token or None
            for run_id, run in known.items():
                if not re.fullmatch(r"\w[\w.=+-]*", run_id):
                    notify(f"a run in MLflow is left out, because its id {run_id!r} is not a folder name")
                    continue
                with tempfile.TemporaryDirectory(dir=target, prefix=".") as room:
                    if any(file.path == RECORD_FOLDER for file in client.list_artifacts(run)):
                        client.download_artifacts(run, RECORD_FOLDER, room)
                        (Path(room) / RECORD_FOLDER).rename(target / run_id)
                    else:
                        notify(
                            f"{run_id} is left out: MLflow has no record of it. Delete it there and send it with "
                            "mebench track sync"
                        )
    except Exception as error:  # as in `sync`
        raise RunError(
            f"MLflow at {store.describe()} does not list its runs ({shorten_error(error)}): check --from-mlflow"
        ) from error


def _allowed_name(name: str) -> str:
    """A name that MLflow takes: a character that it refuses, as in `f1@cas_me2`, becomes `_`."""
    return re.sub(r"[^/\w.\- :]", "_", name)


def _dataset(data: Data) -> DatasetInput:
    """A dataset of MLflow."""
    source = data.root or CodeDatasetSource({"mlflow.source.name": data.name})
    described = from_pandas(data.table, source=source, name=data.name, digest=data.digest).to_dict()
    dataset = Dataset.from_dictionary({**described, "profile": json.dumps(dict(data.counts))})
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "evaluation")])
