"""What worker processes do, and the features that a run reads, computed by them."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.config import from_plain
from mebench.core import Fold, Video
from mebench.errors import RunError
from mebench.features import Clip, ComputeCost, FeatureStore, compute, is_ready
from mebench.progress import Progress
from mebench.runner import forks
from mebench.runner.describe import anywhere, inputs_of, refuse_other_processor, versions
from mebench.runner.fitted import store_of
from mebench.runner.fold import FoldResult, inside, with_spotted
from mebench.runner.outside import Outside
from mebench.runner.plan import Plan, make_plan
from mebench.runner.workers import Failure, Task, Workers

PLANS = 4
"""Of a sweep, how many a worker remembers; its tasks come run by run."""


PlanSpec = tuple[str, str, str]
"""All that a worker needs to make a plan: the configuration as JSON, the inputs that it must come out of, and the processor's
instructions among these."""


def spec_of(plan: Plan) -> PlanSpec:
    """What workers are told of a plan; they may work in another folder, or on another machine."""
    store = str(Path(plan.config.cache).expanduser().absolute())
    return json.dumps({**anywhere(plan.config.values), "cache": store}), inputs_of(plan), versions()["processor"]


def clips_of(plan: Plan, video: Video) -> list[Clip]:
    """(onset, apex, offset) of the annotated clips that are recognised; the middle where no apex is marked."""
    scored = plan.scheme.scored(video) if "recognize" in plan.task.tasks else ()
    return [(e.onset, e.peak, e.offset) for e in scored]


def fold_task(spec: PlanSpec, key: str, skipped: frozenset[str]) -> FoldResult | Failure:
    """Fit and predict one fold.

    Args:
        spec: of the run.
        key: of the fold.
        skipped: keys of the videos without a face.

    Returns:
        what the fold leaves, or why it does not.

    Raises:
        RunError: this process finds other inputs than the run was planned with.
    """
    return execute_apart(_plan_without(spec, skipped), _folds(spec)[key])


def execute_apart(plan: Plan, fold: Fold) -> FoldResult | Failure:
    """Fit and predict one fold in a process that ends with it and has never seen the labels that this one knows."""
    outside, classes = Outside(plan, fold), (plan.method_class, plan.recognizer_class)
    modules = [class_.__module__ for class_ in classes if class_ is not None]
    config = plan.config
    result = forks.apart(inside, (outside.brief(),), outside.answer, config.plugins, modules, config.fold_timeout)
    return result if isinstance(result, Failure) else with_spotted(result, outside)


def feature_task(specs: tuple[PlanSpec, ...], key: str, board: str | None, place: int) -> ComputeCost:
    """Compute what the store lacks of one video for each of some runs.

    Args:
        specs: of the runs.
        key: of the video.
        board: file in which the row `place` tells how far this is; None where nobody looks.
        place: row of the board.
    """
    frames, seconds, computed = 0, 0.0, False
    row, trouble = None, None
    with suppress(OSError):  # a worker on another machine
        row = np.memmap(board, np.float64, "r+", shape=(2,), offset=16 * place) if board is not None else None
    for number, spec in enumerate(specs):
        plan = plan_of(spec)
        video = _videos(spec)[key]

        def tell(frames: int, share: float, before: int = number) -> None:
            if row is not None:
                row[:] = frames, (before + share) / len(specs)

        try:
            cost = compute(_store(spec), *plan.home(video), video, plan.chains_of(video), clips_of(plan, video), tell)
        except Exception as error:  # what the others ask for may well work
            trouble = trouble or error
        else:
            frames, seconds, computed = max(frames, cost.n_frames), seconds + cost.seconds, computed or cost.computed
    if trouble is not None:
        raise trouble
    return ComputeCost(seconds, frames, computed)


@lru_cache(maxsize=PLANS)
def plan_of(spec: PlanSpec) -> Plan:
    """The plan of a run, made once in each worker.

    Raises:
        RunError: it comes out of other inputs than the run's.
    """
    forks.ready()  # from here on this process knows labels
    values, inputs, instructions = spec
    refuse_other_processor("a worker was given a run that", instructions)
    plan = make_plan(from_plain(json.loads(values)))
    if inputs_of(plan) != inputs:
        raise RunError(
            "a worker found other code, packages or data than the run began with, and folds must not mix: give all "
            "workers the same, or wait with edits until the run is finished"
        )
    return plan


@lru_cache(maxsize=1)
def _plan_without(spec: PlanSpec, skipped: frozenset[str]) -> Plan:
    plan = plan_of(spec)
    return replace(plan, skipped=skipped) if skipped else plan


@lru_cache(maxsize=1)
def _folds(spec: PlanSpec) -> dict[str, Fold]:
    return {fold.key: fold for fold in plan_of(spec).folds}


@lru_cache(maxsize=PLANS)
def _videos(spec: PlanSpec) -> dict[str, Video]:
    return {video.key: video for video in plan_of(spec).videos}


@lru_cache(maxsize=PLANS)
def _store(spec: PlanSpec) -> FeatureStore:
    return store_of(plan_of(spec).config)


Home = tuple[str, str]
"""A video of a dataset with its settings and store, and its key."""


@dataclass(frozen=True)
class Prepared:
    """What came of computing features.

    Attributes:
        videos: how many had a feature missing.
        frames: of those that are finished.
        seconds: of work, by video.
        failures: why a video failed.
    """

    videos: int
    frames: int
    seconds: Mapping[Home, float]
    failures: Mapping[Home, Failure]


def missing_videos(plan: Plan) -> list[Video]:
    """The videos for which the store lacks a feature that the run reads."""
    store = store_of(plan.config)
    return [v for v in plan.videos if not is_ready(store, *plan.home(v), v, plan.chains_of(v), clips_of(plan, v))]


def prepare(plans: Sequence[Plan], pool: Workers, progress: Progress) -> Prepared:
    """Compute what the store lacks, one task for each video; what several runs read is computed once.

    A video that fails does not stop the others.

    Args:
        plans: of the runs.
        pool: the workers.
        progress: where to tell how it goes.
    """
    # The longest first: one at the end would leave the other workers idle.
    jobs = sorted(_jobs(plans), key=lambda job: (-(job.video.n_frames or 0), job.video.key))
    if not jobs:
        return Prepared(0, 0, {}, {})
    done, frames, seconds, failures = 0, 0, dict[Home, float](), dict[Home, Failure]()
    weights = np.array([job.video.n_frames or 0 for job in jobs], dtype=float)
    weights = weights if weights.all() else np.ones(len(jobs))
    with _board(len(jobs)) as (file, board), progress.frames("features", len(jobs)) as show:

        def tell() -> None:
            show(done, int(board[:, 0].sum()), float(weights @ board[:, 1] / weights.sum()))

        tasks = [
            Task(place, feature_task, (tuple(job.specs), job.video.key, str(file), place))
            for place, job in enumerate(jobs)
        ]
        for task, outcome in pool.run(tasks, tell):
            job, done = jobs[task.key], done + 1
            if isinstance(outcome, Failure):
                failures[job.home] = outcome
                board[task.key] = 0, 1
            else:
                frames += outcome.n_frames
                seconds[job.home] = outcome.seconds
                board[task.key] = outcome.n_frames, 1
            tell()
    return Prepared(len(jobs), frames, seconds, dict(sorted(failures.items())))


def home_of(plan: Plan, video: Video) -> Home:
    """What two runs must share so that a video of one is that of the other."""
    return json.dumps([anywhere(plan.config.values)["dataset"], plan.config.cache], sort_keys=True), video.key


@dataclass
class _Job:
    """One video and the runs whose features it lacks."""

    home: Home
    video: Video
    specs: list[PlanSpec]
    wanted: set[tuple[str, Clip | None]]


def _jobs(plans: Sequence[Plan]) -> list[_Job]:
    jobs: dict[Home, _Job] = {}
    for plan in plans:
        spec = spec_of(plan)
        for video in missing_videos(plan):
            home = home_of(plan, video)
            job = jobs.setdefault(home, _Job(home, video, [], set()))
            wanted = {
                (chain.fingerprint() + chain.name, clip)
                for chain in plan.chains_of(video)
                for clip in ([None] if chain.scope == "frames" else clips_of(plan, video))
            }
            if not wanted <= job.wanted:  # seeds of one method want the same
                job.wanted |= wanted
                job.specs.append(spec)
    return list(jobs.values())


@contextmanager
def _board(n: int) -> Iterator[tuple[Path, NDArray[np.float64]]]:
    """A small file that all processes map: for each of `n` videos the frames done so far, and their share of its work."""
    with tempfile.TemporaryDirectory(prefix="mebench-progress-") as folder:
        file = Path(folder) / "board"
        yield file, np.memmap(file, np.float64, "w+", shape=(n, 2))
