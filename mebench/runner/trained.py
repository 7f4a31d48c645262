"""The fitted methods that a finished run keeps, and what they predict for videos that no fold has tested."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig, from_plain, registry
from mebench.config.resolve import resolve_dataset
from mebench.console import plural
from mebench.core import Fold, Kind, Prediction, Scheme, Task, Timing, Video
from mebench.core.views import mean_over_scales
from mebench.errors import DataError, RunError, unknown
from mebench.metrics.tables import Tables
from mebench.progress import Progress
from mebench.protocols import find
from mebench.runner.choices import measured, open_dataset
from mebench.runner.describe import truth_tables
from mebench.runner.fitted import FittedMethod
from mebench.runner.fold import FoldResult, parts_of, restore
from mebench.runner.fold_files import tables_of_fold
from mebench.runner.folder import ORDERS, RunFolder, safe_name
from mebench.runner.plan import Plan, pair_gap
from mebench.runner.workers import Failure, WorkerPool, default_workers
from mebench.runner.workers import Task as Job

if TYPE_CHECKING:
    from mebench.core import Method

Part = Literal["method", "recognizer"]


def trained(folder: RunFolder, fold: str, part: Part = "method") -> Method:
    """A method as it was after a fold's training, ready to predict. The dataset need not be there.

    Args:
        folder: the run.
        fold: key of the fold.
        part: of a pair, which of the two.

    Raises:
        RunError: the run has no such fold or part, or the model is damaged or of another version of the method.
        PluginError: the method is gone or broken.
    """
    config, about = _config_of(folder), folder.read_json("folds.json")
    check_fold(folder, fold)
    pair = config.recognizer is not None
    if part == "recognizer" and not pair:
        raise RunError(f"run {folder.id} has no recognizer of its own: leave --part out")
    tasks = frozenset({"spot"} if part == "method" else {"recognize"}) if pair else frozenset(about["tasks"])
    task = replace(_task_of(about), tasks=tasks)
    method: Method = registry.load("method", getattr(config, part))(getattr(config, f"{part}_params"), task)
    _restore(folder, fold, {f"{part}." if pair else "": method})
    return method


def check_fold(folder: RunFolder, fold: str) -> None:
    """Refuse a fold that the run has not.

    Raises:
        RunError: it has others.
    """
    keys = [entry["fold"] for entry in folder.read_json("folds.json")["folds"]]
    if fold not in keys:
        raise RunError(unknown("fold", fold, keys, f"The folds of run {folder.id} are named after who is tested"))


def _restore(folder: RunFolder, fold: str, parts: Mapping[str, Method]) -> None:
    """Give methods the weights of a fold; those that have none need no file."""
    from safetensors.torch import load_file

    file = folder.path / "folds" / safe_name(fold) / "model.safetensors"
    if not file.is_file() and not any(method.state_dict() for method in parts.values()):
        return restore(parts, {})
    if not file.is_file() and (audit := _config_of(folder).audit) != "guard":
        raise RunError(f"run {folder.id} leaks (audit={audit}) and keeps no weights: name the honest run beside it")
    if not file.is_file():
        raise RunError(
            f"run {folder.id} keeps no model of fold {fold!r}: {file} is not there. A record of the leaderboard never holds one; "
            "compute the run again with mebench run, which keeps the models of all folds"
        )
    try:
        restore(parts, load_file(file))
    except Exception as error:
        names = " and ".join(repr(type(method).__module__.split(".")[-2]) for method in parts.values())
        raise RunError(
            f"{file} does not fit method {names} as it is now ({' '.join(str(error).split())}): run it again"
        ) from error


def _config_of(folder: RunFolder) -> RunConfig:
    stored = folder.read_json("config.json")
    return from_plain(stored["config"], stored["origins"])


def _task_of(about: Mapping[str, Any]) -> Task:
    short = bool(about["one_per_video"])
    return Task(frozenset(about["tasks"]), tuple(about["kinds"]), tuple(about["classes"]), one_per_video=short)


@dataclass(frozen=True)
class Ask:
    """What shall be predicted, as plain data that travels to workers.

    Attributes:
        run: path of the run folder.
        folds: keys of the folds whose models answer together.
        words: of the dataset, as on the command line.
        files: configuration files.
        plugins: folders with more plugins.
    """

    run: str
    folds: tuple[str, ...]
    words: tuple[str, ...]
    files: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()


def plan_prediction(ask: Ask) -> Plan:
    """The run's methods on other videos: one fold, which tests all of them and trains on nobody.

    Its timing is that of the asked folds: k from each video's own frame rate, k' the mean of theirs at that rate, else in
    seconds. The weights are not loaded.

    Raises:
        MebenchError: the run only names emotions, or the videos cannot be read or say no frame rate.
    """
    folder = RunFolder(Path(ask.run))
    about, config = folder.read_json("folds.json"), _config_of(folder)
    if "spot" not in about["tasks"]:
        raise RunError(
            f"run {folder.id} names the emotions of clips that somebody has marked, and spots nothing: take a run that spots, or "
            f"a pair, mebench run method=optical_strain recognizer={config.method} …"
        )
    chosen = resolve_dataset(ask.words, ask.files, ask.plugins)
    config = replace(config, dataset=chosen.dataset, dataset_params=chosen.dataset_params)
    dataset = open_dataset(config)
    videos = measured(dataset, sorted(dataset.videos(), key=lambda v: v.key))
    if not videos:
        raise DataError(f"dataset {chosen.dataset!r} holds no videos, so there is nothing to predict")
    task = replace(_task_of(about), one_per_video=dataset.one_per_video)
    fold = Fold("+".join(ask.folds), (), (), tuple(sorted({video.subject_key for video in videos})))
    plan = Plan(
        config,
        dataset,
        registry.load("method", config.method),
        config.method_params,
        videos,
        Scheme(str(about["scheme"]), task.classes, {}),
        task,
        find(config.protocol),
        (fold,),
        selects=False,
        recognizer_class=None if config.recognizer is None else registry.load("method", config.recognizer),
    )
    learnt = [timing for key in ask.folds for timing in folder.fold_record(key)["timing"].values()]
    rates = {plan.groups[video.key]: float(video.fps or 0) for video in videos}
    plan._timings[fold.key] = {group: _timing(learnt, fps, task.kinds) for group, fps in rates.items()}
    return plan


def _timing(learnt: Sequence[Mapping[str, Any]], fps: float, kinds: Sequence[Kind]) -> Timing:
    same = [timing for timing in learnt if timing["fps"] == fps] or [timing for timing in learnt if timing["fps"]]
    k_prime: dict[Kind, int] = {}
    for kind in kinds:
        seconds = [timing["k_prime"][kind] / timing["fps"] for timing in same if kind in timing["k_prime"]]
        k_prime[kind] = max(1, round(fps * sum(seconds) / len(seconds)))
    return Timing(fps, pair_gap(fps), k_prime)


class Ensemble:
    """The models of some folds that answer together: their scores of frames and of classes are averaged.

    An absolute threshold is averaged, too. What else a method keeps to make intervals of scores is that of the first fold.

    Args:
        ask: which run, folds and videos.

    Raises:
        RunError: a model is missing or damaged.
    """

    def __init__(self, ask: Ask) -> None:
        self.plan, folder = plan_prediction(ask), RunFolder(Path(ask.run))
        (fold,) = self.plan.folds
        timings = self.plan.timings(fold)
        self._folds: list[list[FittedMethod]] = []
        for key in ask.folds:
            own = Fold(key, (), (), fold.test)  # its name gives the seed
            self._folds.append([FittedMethod(part, own, timings) for part in self.plan.parts()])
            _restore(folder, key, parts_of([fitted.method for fitted in self._folds[-1]]))
        levels = [fitted[0].method.state_dict().get("thresholds") for fitted in self._folds]
        if len(levels) > 1 and levels[0] is not None:
            first = self._folds[0][0].method
            first.thresholds = sum(levels[1:], levels[0]) / len(levels)

    def predict(self, video: Video) -> list[Prediction]:
        """The spotted intervals of a video, named where the run names emotions."""
        spotters, namers = [fold[0] for fold in self._folds], [fold[-1] for fold in self._folds]
        view = spotters[0].views.unlabelled(video)
        scores = mean_over_scales([s.frame_scores(s.views.unlabelled(video)) for s in spotters])
        spotted = spotters[0].propose(view, scores)
        if "recognize" not in self.plan.task.tasks or not spotted:
            return spotted
        rows = np.mean([self._class_scores(namer, video, spotted) for namer in namers], axis=0)
        names = [self.plan.task.classes[int(row.argmax())] for row in rows]
        return [replace(p, emotion=n, probabilities=tuple(map(float, r))) for p, n, r in zip(spotted, names, rows)]

    @staticmethod
    def _class_scores(namer: FittedMethod, video: Video, spotted: Sequence[Prediction]) -> NDArray[np.float64]:
        view = namer.views.unlabelled(video)
        return namer.class_scores([view.clip(p.onset, p.apex, p.offset) for p in spotted])


def prediction_tables(plan: Plan, found: Sequence[Prediction], failed: Collection[str] = ()) -> Tables:
    """What was predicted, as `mebench predictions export` takes it; nobody knows the truth. Videos that failed are missing."""
    (fold,) = plan.folds
    result = FoldResult(fold.key, list(found), [], {}, plan.timings(fold), 0, {})
    tables = truth_tables(plan)
    predictions = tables_of_fold(result, plan.task.kinds)["predictions.parquet"].to_pandas()
    ordered = predictions.sort_values(ORDERS[0], kind="stable", ignore_index=True)
    videos = tables.videos[~tables.videos["video"].isin(list(failed))].reset_index(drop=True)
    return replace(tables, videos=videos, truths=tables.truths[:0], predictions=ordered)


@lru_cache(maxsize=1)
def _ensemble(ask: Ask) -> Ensemble:
    return Ensemble(ask)


def predict_task(ask: Ask, key: str) -> list[Prediction]:
    """In a worker: what the models of a run predict for one video."""
    ensemble = _ensemble(ask)
    return ensemble.predict(next(video for video in ensemble.plan.videos if video.key == key))


def predict_all(
    folder: RunFolder,
    fold: str | None,
    dataset: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    workers: int | None,
    progress: Progress,
) -> tuple[Plan, list[Prediction], dict[str, str]]:
    """Predict all videos of a dataset in worker processes.

    Args:
        folder: the finished run.
        fold: whose models; None for all folds together.
        dataset: its words, configuration files and folders of plugins.
        workers: processes; None for all cores.
        progress: where to tell how it goes.

    Returns:
        What was planned, all predictions, and why videos failed, by key.

    Raises:
        MebenchError: the run cannot predict, or the videos cannot be read.
    """
    if fold is not None:
        check_fold(folder, fold)
    every = [entry["fold"] for entry in folder.read_json("folds.json")["folds"]]
    if missing := [key for key in every if not (folder.path / "folds" / safe_name(key)).is_dir()]:
        raise RunError(
            f"run {folder.id} keeps no models: {folder.path / 'folds' / safe_name(missing[0])} is not there. A record of the "
            "leaderboard never holds them; compute the run again with mebench run"
        )
    ask = Ask(str(folder.path.resolve()), (fold,) if fold is not None else tuple(every), *dataset)
    plan = plan_prediction(ask)
    for line in (*plan.dataset.repairs(), _seen_in_training(folder, ask, plan.videos)):
        if line:
            progress.say(line)
    found, failed = list[Prediction](), dict[str, str]()
    pool = WorkerPool(workers or default_workers())
    longest_first = sorted(plan.videos, key=lambda video: (-(video.n_frames or 0), video.key))
    try:
        with progress.stage("videos", len(plan.videos), "videos") as advance:
            for task, outcome in pool.run([Job(v.key, predict_task, (ask, v.key)) for v in longest_first]):
                if isinstance(outcome, Failure):
                    failed[task.key] = outcome.reason
                else:
                    found += outcome
                advance()
    finally:
        pool.stop()
    if len(failed) == len(plan.videos):
        raise RunError(f"no video could be predicted. {min(failed)}: {failed[min(failed)]}")
    return plan, found, dict(sorted(failed.items()))


def _seen_in_training(folder: RunFolder, ask: Ask, videos: Sequence[Video]) -> str:
    """A warning where a model has been fitted on people who are to be predicted; else empty."""
    trained_on = {
        subject
        for entry in folder.read_json("folds.json")["folds"]
        if entry["fold"] in ask.folds
        for subject in (*entry["train"], *entry["valid"])
    }
    both = sorted({str(video.subject_key) for video in videos} & trained_on)
    if not both:
        return ""
    return f"{plural(len(both), 'subject')} such as {both[0]} trained these models, so what they predict of them is no test"
