"""The features that runs read, computed by workers that load neither PyTorch nor Lightning."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.core import Chain, Dataset, Video
from mebench.features import Clip, ComputeCost, FeatureStore, compute, is_ready
from mebench.progress import Progress
from mebench.runner import forks
from mebench.runner.choices import home_of_video, open_dataset
from mebench.runner.inputs import REMEMBERED, Spec, anywhere, config_of, refuse_other_inputs, spec_of
from mebench.runner.outside import Ask, Pictures, Remote
from mebench.runner.plan import Plan
from mebench.runner.workers import Failure, Task, Workers

Chains = tuple[Chain, ...]
Clips = tuple[Clip, ...]
Home = tuple[str, str]
"""A video of a dataset with its settings and store, and its key."""


@dataclass(frozen=True)
class Wanted:
    """What one run asks of one video."""

    spec: Spec
    chains: Chains
    clips: Clips


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


@dataclass(frozen=True)
class Row:
    """Where it is told how far the work on a video is: one row of a small file that all processes map.

    Attributes:
        board: the file; None where nobody looks.
        place: number of the row.
        part: which run's features are computed.
        parts: of so many.
    """

    board: str | None
    place: int
    part: int
    parts: int

    def teller(self) -> Callable[[int, float], None]:
        """Takes the frames done and the share of this part's work."""
        row = None
        with suppress(OSError):  # a worker on another machine
            if self.board is not None:
                row = np.memmap(self.board, np.float64, "r+", shape=(2,), offset=16 * self.place)

        def tell(frames: int, share: float) -> None:
            if row is not None:
                row[:] = frames, (self.part + share) / self.parts

        return tell


def feature_task(wanted: tuple[Wanted, ...], video: Video, board: str | None, place: int) -> ComputeCost | Failure:
    """In a worker: compute what the store lacks of one video for each of some runs.

    Args:
        wanted: by each run.
        video: the same for all.
        board: file in which the row `place` tells how far this is; None where nobody looks.
        place: row of the board.
    """
    frames, seconds, computed = 0, 0.0, False
    trouble: Exception | Failure | None = None
    for number, one in enumerate(wanted):
        try:
            cost = _computed(one, video, Row(board, place, number, len(wanted)))
        except Exception as error:  # what the others ask for may well work
            cost = error
        if isinstance(cost, ComputeCost):
            frames, seconds, computed = max(frames, cost.n_frames), seconds + cost.seconds, computed or cost.computed
        else:
            trouble = trouble or cost
    if isinstance(trouble, Exception):
        raise trouble
    return trouble or ComputeCost(seconds, frames, computed)


def _computed(one: Wanted, video: Video, row: Row) -> Any:
    """What it took; the steps that a plugin brings are at work where nobody knows what this process knows of the dataset."""
    config, store, dataset = opened(one.spec)
    home, id_ = home_of_video(dataset, config.dataset, video)
    what = id_, video, one.chains, one.clips
    modules = {type(step).__module__ for chain in one.chains for step in chain.steps}
    if brought := sorted(name for name in modules if not name.startswith("mebench.features.")):
        outside = Pictures([video], lambda _: (home, id_))
        return forks.apart(
            _inside, (home.revision, store, what, row), outside.answer, plugins=config.plugins, modules=brought
        )
    return compute(store, home, *what, row.teller())


def _inside(
    revision: str, store: FeatureStore, what: tuple[str, Video, Chains, Clips], row: Row, ask: Ask
) -> ComputeCost:
    return compute(store, Remote(ask, revision), *what, row.teller())


@lru_cache(maxsize=REMEMBERED)
def opened(spec: Spec) -> tuple[RunConfig, FeatureStore, Dataset]:
    """In a worker: the configuration of a run, its store and its dataset.

    Raises:
        RunError: they come out of other inputs than the run's.
    """
    config = config_of(spec)
    dataset = open_dataset(config)
    refuse_other_inputs(spec, config, dataset)
    dataset.videos()  # where a dataset may learn in which folders the frames lie
    return config, store_of(config), dataset


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
        spec = spec_of(plan.config, plan.dataset)
        for video in missing_videos(plan):
            home = home_of(plan, video)
            job = jobs.setdefault(home, _Job(home, replace(video, expressions=(), distractors=()), [], set()))
            chains, clips = tuple(map(_clean, plan.chains_of(video))), clips_of(plan, video)
            names = {
                (chain.fingerprint() + chain.name, clip)
                for chain in chains
                for clip in ([None] if chain.scope == "frames" else clips)
            }
            if not names <= job.names:  # seeds of one method want the same
                job.names |= names
                job.wanted.append(Wanted(spec, chains, tuple(clips)))
    return list(jobs.values())


def _clean(chain: Chain) -> Chain:
    """Steps with their parameters alone: what else a plugin, asked for its chains beside a plan, hung on them stays here."""
    return replace(chain, steps=tuple(map(replace, chain.steps)))


@contextmanager
def _board(n: int) -> Iterator[tuple[Path, NDArray[np.float64]]]:
    """A small file that all processes map: for each of `n` videos the frames done so far, and their share of its work."""
    with tempfile.TemporaryDirectory(prefix="mebench-progress-") as folder:
        file = Path(folder) / "board"
        yield file, np.memmap(file, np.float64, "w+", shape=(n, 2))
