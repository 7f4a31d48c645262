"""The features that a run reads: which are missing, and their computing by worker processes, one video after another."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.core.types import Video
from mebench.features import Clip, is_ready
from mebench.progress import Progress
from mebench.runner.describe import anywhere
from mebench.runner.fold import store_of
from mebench.runner.plan import Plan
from mebench.runner.pool import Failure, Task, Workers
from mebench.runner.tasks import Brief, brief_of, clips_of, feature_task

__all__ = ["Home", "Prepared", "clips_of", "home_of", "missing_videos", "prepare"]

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


def prepare(plans: Sequence[Plan], crew: Workers, progress: Progress) -> Prepared:
    """Compute what the store lacks, one task for each video; what several runs read is computed once.

    A video that fails does not stop the others.

    Args:
        plans: of the runs.
        crew: the workers.
        progress: where to tell how it goes.
    """
    jobs = _jobs(plans)
    if not jobs:
        return Prepared(0, 0, {}, {})
    frames, seconds, failures = 0, dict[Home, float](), dict[Home, Failure]()
    # The longest first: one at the end would leave the other workers idle.
    jobs.sort(key=lambda job: (-(job.video.n_frames or 0), job.video.key))
    weights = np.array([job.video.n_frames or 0 for job in jobs], dtype=float)
    weights = weights if weights.all() else np.ones(len(jobs))
    done = 0
    with _board(len(jobs)) as (file, board), progress.frames("features", len(jobs)) as show:

        def tell() -> None:
            show(done, int(board[:, 0].sum()), float(weights @ board[:, 1] / weights.sum()))

        tasks = [
            Task(place, feature_task, (tuple(job.briefs), job.video.key, str(file), place))
            for place, job in enumerate(jobs)
        ]
        for task, outcome in crew.run(tasks, tell):
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
    place = json.dumps([anywhere(plan.config.values)["dataset"], plan.config.cache], sort_keys=True)
    return place, video.key


@dataclass
class _Job:
    """One video and the runs whose features it lacks."""

    home: Home
    video: Video
    briefs: list[Brief]
    wanted: set[tuple[str, Clip | None]]


def _jobs(plans: Sequence[Plan]) -> list[_Job]:
    jobs: dict[Home, _Job] = {}
    for plan in plans:
        brief = brief_of(plan)
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
                job.briefs.append(brief)
    return list(jobs.values())


@contextmanager
def _board(n: int) -> Iterator[tuple[Path, NDArray[np.float64]]]:
    """A small file that all processes map: for each of `n` videos the frames done so far, and their share of its work."""
    with tempfile.TemporaryDirectory(prefix="mebench-progress-") as folder:
        file = Path(folder) / "board"
        yield file, np.memmap(file, np.float64, "w+", shape=(n, 2))
