"""The features that runs read, computed by workers that load neither PyTorch nor Lightning."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.core import Chain, Dataset, Video
from mebench.features import Clip, ComputeCost, FeatureStore, compute, is_ready, processor
from mebench.progress import Progress
from mebench.runner.choices import home_of_video, open_dataset
from mebench.runner.inputs import REMEMBERED, Spec, anywhere, config_of, refuse_other_inputs, spec_of
from mebench.runner.plan import Plan
from mebench.runner.workers import Failure, Task, Workers

Home = tuple[str, str]
"""A video of a dataset with its settings and store, and its key."""


@dataclass(frozen=True)
class Wanted:
    """What one run asks of one video."""

    spec: Spec
    chains: tuple[Chain, ...]
    clips: tuple[Clip, ...]


def store_of(config: RunConfig) -> FeatureStore:
    """Where the features of a run are kept."""
    return FeatureStore(Path(config.cache).expanduser())


def clips_of(plan: Plan, video: Video) -> list[Clip]:
    """(onset, apex, offset) of the annotated clips that are recognised; the middle where no apex is marked."""
    scored = plan.scheme.scored(video) if "recognize" in plan.task.tasks else ()
    return [(e.onset, e.peak, e.offset) for e in scored]


def missing_videos(plan: Plan) -> list[Video]:
    """The videos for which the store lacks a feature that the run reads."""
    store = store_of(plan.config)
    return [v for v in plan.videos if not is_ready(store, *plan.home(v), v, plan.chains_of(v), clips_of(plan, v))]


def feature_task(wanted: tuple[Wanted, ...], video: Video, board: str | None, place: int) -> ComputeCost:
    """In a worker: compute what the store lacks of one video for each of some runs.

    Args:
        wanted: by each run.
        video: the same for all.
        board: file in which the row `place` tells how far this is; None where nobody looks.
        place: row of the board.
    """
    frames, seconds, computed = 0, 0.0, False
    row, trouble = None, None
    with suppress(OSError):  # a worker on another machine
        row = np.memmap(board, np.float64, "r+", shape=(2,), offset=16 * place) if board is not None else None
    for number, one in enumerate(wanted):
        store, dataset, id_ = opened(one.spec)

        def tell(frames: int, share: float, before: int = number) -> None:
            if row is not None:
                row[:] = frames, (before + share) / len(wanted)

        try:
            cost = compute(store, *home_of_video(dataset, id_, video), video, one.chains, one.clips, tell)
        except Exception as error:  # what the others ask for may well work
            trouble = trouble or error
        else:
            frames, seconds, computed = max(frames, cost.n_frames), seconds + cost.seconds, computed or cost.computed
    if trouble is not None:
        raise trouble
    return ComputeCost(seconds, frames, computed)


@lru_cache(maxsize=REMEMBERED)
def opened(spec: Spec) -> tuple[FeatureStore, Dataset, str]:
    """In a worker: the store of a run, its dataset and the dataset's id.

    Raises:
        RunError: they come out of other inputs than the run's.
    """
    config = config_of(spec, processor())
    dataset = open_dataset(config)
    refuse_other_inputs(spec, config, dataset)
    dataset.videos()  # where a dataset may learn in which folders the frames lie
    return store_of(config), dataset, config.dataset


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
            Task(place, feature_task, (tuple(job.wanted), job.video, str(file), place))
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
    wanted: list[Wanted]
    names: set[tuple[str, Clip | None]]


def _jobs(plans: Sequence[Plan]) -> list[_Job]:
    jobs: dict[Home, _Job] = {}
    for plan in plans:
        spec = spec_of(plan.config, plan.dataset, processor())
        for video in missing_videos(plan):
            home = home_of(plan, video)
            job = jobs.setdefault(home, _Job(home, video, [], set()))
            chains, clips = plan.chains_of(video), clips_of(plan, video)
            names = {
                (chain.fingerprint() + chain.name, clip)
                for chain in chains
                for clip in ([None] if chain.scope == "frames" else clips)
            }
            if not names <= job.names:  # seeds of one method want the same
                job.names |= names
                job.wanted.append(Wanted(spec, chains, tuple(clips)))
    return list(jobs.values())


@contextmanager
def _board(n: int) -> Iterator[tuple[Path, NDArray[np.float64]]]:
    """A small file that all processes map: for each of `n` videos the frames done so far, and their share of its work."""
    with tempfile.TemporaryDirectory(prefix="mebench-progress-") as folder:
        file = Path(folder) / "board"
        yield file, np.memmap(file, np.float64, "w+", shape=(n, 2))
