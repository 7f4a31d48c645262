"""The fitted methods that a finished run keeps, and what they predict for videos that no fold has tested."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mebench.config import registry
from mebench.config.layers import Given
from mebench.config.resolve import resolve_dataset
from mebench.console import plural
from mebench.core import Fold, Kind, Prediction, Scheme, Task, Timing, Video
from mebench.core.views import mean_over_scales
from mebench.errors import ConfigError, DataError, RunError
from mebench.features.detection import out_of_sight
from mebench.features.pipeline import count_faces, face_crops
from mebench.metrics.tables import Tables
from mebench.progress import Progress
from mebench.protocols import find
from mebench.runner.choices import measured, open_dataset
from mebench.runner.describe import truth_tables
from mebench.runner.fitted import FittedMethod
from mebench.runner.fold import parts_of
from mebench.runner.fold_files import tables_of_fold
from mebench.runner.folder import ORDERS, RunFolder
from mebench.runner.isolation import Failure, plain_data
from mebench.runner.job import FoldResult, Job, parts_of_plan
from mebench.runner.models import Model, of_fold, read_model
from mebench.runner.plan import Plan, pair_gap
from mebench.runner.workers import Task as PoolTask
from mebench.runner.workers import WorkerPool, default_workers

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
    model = of_fold(folder, fold)
    pair = model.config.recognizer is not None
    if part == "recognizer" and not pair:
        raise RunError(f"run {folder.id} has no recognizer of its own: leave --part out")
    tasks = frozenset({"spot"} if part == "method" else {"recognize"}) if pair else frozenset(model.about["tasks"])
    task = replace(task_of(model.about), tasks=tasks)
    config = model.config
    method: Method = registry.load("method", getattr(config, part))(getattr(config, f"{part}_params"), task)
    model.restore({f"{part}." if pair else "": method})
    return method


def task_of(about: Mapping[str, Any]) -> Task:
    """What a model was asked to do, from `Model.about`."""
    short = bool(about["one_per_video"])
    return Task(frozenset(about["tasks"]), tuple(about["kinds"]), tuple(about["classes"]), one_per_video=short)


@dataclass(frozen=True)
class Ask:
    """What shall be predicted, as plain data that travels to workers.

    Attributes:
        run: path of the run folder, or of the file of a model.
        folds: keys of the folds whose models answer together; none of a model's file.
        dataset: its settings, as values by key or words.
        files: configuration files.
        plugins: folders with more plugins.
        look: whether to look where no face is in sight.
    """

    run: str
    folds: tuple[str, ...]
    dataset: Given = field(hash=False)
    files: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    look: bool = False

    def models(self) -> tuple[Model, ...]:
        """The models that answer together."""
        if not self.folds:
            return (read_model(Path(self.run)),)
        folder = RunFolder(Path(self.run))
        return tuple(of_fold(folder, fold) for fold in self.folds)


def plan_prediction(ask: Ask, models: Sequence[Model]) -> Plan:
    """Methods on other videos: one fold, which tests all of them and trains on nobody.

    Its timing is that of the models: k from each video's own frame rate, k' the mean of theirs at that rate, else in
    seconds. The weights are not loaded.

    Args:
        ask: which videos.
        models: all of one run.

    Raises:
        MebenchError: the models only name emotions, or the videos cannot be read or say no frame rate.
    """
    first = models[0]
    about, config = first.about, first.config
    if "spot" not in about["tasks"]:
        raise RunError(
            f"{first.name} names the emotions of clips that somebody has marked, and spots nothing: take a run that spots, or "
            f"a pair, mebench run method=optical_strain recognizer={config.method} …"
        )
    chosen = resolve_dataset(ask.dataset, ask.files, ask.plugins)
    config = replace(config, dataset=chosen.dataset, dataset_params=chosen.dataset_params)
    dataset = open_dataset(config)
    videos = measured(dataset, sorted(dataset.videos(), key=lambda v: v.key))
    if not videos:
        raise DataError(f"dataset {chosen.dataset!r} holds no videos, so there is nothing to predict")
    task = replace(task_of(about), one_per_video=dataset.one_per_video)
    fold = Fold(
        "+".join(model.fold for model in models), (), (), tuple(sorted({video.subject_key for video in videos}))
    )
    plan = Plan(
        config,
        dataset,
        registry.find("method", config.method),
        config.method_params,
        videos,
        Scheme(str(about["scheme"]), task.classes, {}),
        task,
        find(config.protocol),
        (fold,),
        selects=False,
        recognizer=None if config.recognizer is None else registry.find("method", config.recognizer),
    )
    learnt = [timing for model in models for timing in model.timings]
    rates = {plan.groups[video.key]: float(video.fps or 0) for video in videos}
    plan._timings[fold] = {group: timing_at(learnt, fps, task.kinds) for group, fps in rates.items()}
    return plan


def timing_at(learnt: Sequence[Mapping[str, Any]], fps: float, kinds: Sequence[Kind]) -> Timing:
    """Durations at a frame rate: those of models that were trained at it, else the mean of all of them in seconds."""
    same = [timing for timing in learnt if timing["fps"] == fps] or [timing for timing in learnt if timing["fps"]]
    k_prime: dict[Kind, int] = {}
    for kind in kinds:
        seconds = [timing["k_prime"][kind] / timing["fps"] for timing in same if kind in timing["k_prime"]]
        k_prime[kind] = max(1, round(fps * sum(seconds) / len(seconds)))
    return Timing(fps, pair_gap(fps), k_prime)


@plain_data
@dataclass(frozen=True)
class Curve:
    """How the scores of one kind became intervals.

    Attributes:
        scores: of frames, (n_frames,); NaN where undefined.
        smoothed: the same after smoothing; None where the method has a way of its own.
        level: that a peak of `smoothed` must reach; None likewise.
    """

    scores: NDArray[np.float64]
    smoothed: NDArray[np.float64] | None = None
    level: float | None = None


@plain_data
@dataclass(frozen=True)
class Answer:
    """What models say of a video.

    Attributes:
        predictions: the spotted intervals, named where the models name emotions.
        curves: by kind.
        timing: durations at the video's frame rate.
        unseen: first and last frame, both inclusive, of the stretches where no face is in sight, if that was asked; nothing
            peaks there.
        faces: in the frame where the face was found, if that was asked; 0 where nobody looked.
    """

    predictions: list[Prediction]
    curves: dict[Kind, Curve]
    timing: Timing
    unseen: tuple[tuple[int, int], ...] = ()
    faces: int = 0


class Ensemble:
    """Models that answer together: their scores of frames and of classes are averaged.

    An absolute threshold is averaged, too. What else a method keeps to make intervals of scores is that of the first model.

    Args:
        ask: which models and videos.

    Raises:
        RunError: a model is missing or damaged.
    """

    def __init__(self, ask: Ask) -> None:
        models = ask.models()
        self.plan, self._look = plan_prediction(ask, models), ask.look
        (fold,) = self.plan.folds
        self._folds: list[list[FittedMethod]] = []
        for model in models:
            job = Job(
                key=model.fold,
                seed=self.plan.fold_seed(replace(fold, key=model.fold)),
                parts=parts_of_plan(self.plan),
                scheme=self.plan.scheme,
                test=self.plan.videos,
                groups=self.plan.groups,
                timings=self.plan.timings(fold),
                cache=str(Path(self.plan.config.cache).expanduser()),
            )
            self._folds.append([FittedMethod(job, part, self.plan.home) for part in job.parts])
            model.restore(parts_of([fitted.method for fitted in self._folds[-1]]))
        levels = [fitted[0].method.state_dict().get("thresholds") for fitted in self._folds]
        if len(levels) > 1 and levels[0] is not None:
            first = self._folds[0][0].method
            first.thresholds = sum(levels[1:], levels[0]) / len(levels)

    def answer(self, video: Video) -> Answer:
        """What the models say of a video."""
        spotters, namers = [fold[0] for fold in self._folds], [fold[-1] for fold in self._folds]
        view = spotters[0].views.unlabelled(video)
        scores = mean_over_scales([s.frame_scores(s.views.unlabelled(video)) for s in spotters])
        unseen, faces = self._seen(spotters[0], video) if self._look else ([], 0)
        blind = np.zeros(len(scores), dtype=bool)
        for first, last in unseen:
            blind[max(first - view.timing.k, 0) : last + 1] = True  # a flow pair that begins before ends there
        spotted = [p for p in spotters[0].propose(view, _level(scores, blind)) if not blind[_within(p.apex, video)]]
        curves = {}
        for column, kind in enumerate(self.plan.task.kinds):
            curves[kind] = Curve(np.where(blind, np.nan, scores[:, column]))
            if (kept := spotters[0].method.curves.get(kind)) is not None:
                smoothed = np.full(len(scores), np.nan)
                smoothed[kept.first : kept.first + len(kept.heights)] = kept.heights
                curves[kind] = replace(curves[kind], smoothed=np.where(blind, np.nan, smoothed), level=kept.level)
        if "recognize" in self.plan.task.tasks and spotted:
            rows = np.mean([self._class_scores(namer, video, spotted) for namer in namers], axis=0)
            names = [self.plan.task.classes[int(row.argmax())] for row in rows]
            spotted = [
                replace(p, emotion=n, probabilities=tuple(map(float, r))) for p, n, r in zip(spotted, names, rows)
            ]
        return Answer(spotted, curves, view.timing, tuple(unseen), faces)

    def _seen(self, spotter: FittedMethod, video: Video) -> tuple[list[tuple[int, int]], int]:
        """Where no face is in sight, and how many there are where the first one was found."""
        views = spotter.views
        chains = views.chains[self.plan.groups[video.key]].values()
        chain = min(chains, key=lambda chain: chain.scope == "clips", default=None)
        home = views.store, *self.plan.home(video), video
        crops = None if chain is None else face_crops(*home, chain)
        if chain is None or crops is None:
            return [], 0
        return out_of_sight(crops, video.fps or 0.0), count_faces(*home, chain)

    @staticmethod
    def _class_scores(namer: FittedMethod, video: Video, spotted: Sequence[Prediction]) -> NDArray[np.float64]:
        view = namer.views.unlabelled(video)
        return namer.class_scores([view.clip(p.onset, p.apex, p.offset) for p in spotted])


def _level(scores: NDArray[np.float64], blind: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The scores, where nothing is to be seen at the median of the others: nothing peaks there, and no maximum comes from there."""
    if not blind.any():
        return scores
    flat, seen = scores.copy(), scores[~blind]
    for column in range(scores.shape[1]):
        known = seen[:, column][~np.isnan(seen[:, column])]
        flat[blind & ~np.isnan(scores[:, column]), column] = np.median(known) if len(known) else 0.0
    return flat


def _within(frame: int, video: Video) -> int:
    return min(max(frame, 0), (video.n_frames or 1) - 1)


def prediction_tables(plan: Plan, found: Iterable[Prediction], failed: Collection[str] = ()) -> Tables:
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


def predict_task(ask: Ask, key: str) -> Answer:
    """In a worker: what models say of one video."""
    ensemble = _ensemble(ask)
    return ensemble.answer(next(video for video in ensemble.plan.videos if video.key == key))


def predict_all(ask: Ask, workers: int | None, progress: Progress) -> tuple[Plan, dict[str, Answer], dict[str, str]]:
    """Predict all videos of a dataset in worker processes.

    Args:
        ask: which models and videos.
        workers: processes; None for all cores.
        progress: where to tell how it goes.

    Returns:
        What was planned, the answers and why videos failed, both by key and sorted.

    Raises:
        ConfigError: there are fewer workers than one.
        MebenchError: the models cannot predict, or the videos cannot be read.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"workers must be 1 or more, or left out for all cores, not {workers}")
    models = ask.models()
    plan = plan_prediction(ask, models)
    for line in (*plan.dataset.repairs(), _seen_in_training(models, plan.videos)):
        if line:
            progress.say(line)
    found, failed = dict[str, Answer](), dict[str, str]()
    longest_first = sorted(plan.videos, key=lambda video: (-(video.n_frames or 0), video.key))
    pool = WorkerPool(min(workers or default_workers(), len(longest_first)))
    try:
        with progress.stage("videos", len(plan.videos), "videos") as advance:
            for task, outcome in pool.run([PoolTask(v.key, predict_task, (ask, v.key)) for v in longest_first]):
                if isinstance(outcome, Failure):
                    failed[task.key] = outcome.reason
                else:
                    found[task.key] = outcome
                advance()
    finally:
        pool.stop()
    if len(failed) == len(plan.videos):
        raise RunError(f"no video could be predicted. {min(failed)}: {failed[min(failed)]}")
    return plan, dict(sorted(found.items())), dict(sorted(failed.items()))


def _seen_in_training(models: Sequence[Model], videos: Sequence[Video]) -> str:
    """A warning where a model has been fitted on people who are to be predicted; else empty."""
    trained_on = {subject for model in models for subject in model.trained_on}
    both = sorted({str(video.subject_key) for video in videos} & trained_on)
    if not both:
        return ""
    return f"{plural(len(both), 'subject')} such as {both[0]} trained these models, so what they predict of them is no test"
