"""The features that a run reads: which are missing, and their computing by worker processes, one video after another."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.config import from_plain
from mebench.core.types import Video
from mebench.errors import MebenchError
from mebench.features import Clip, ComputeCost, FeatureStore, compute, is_ready
from mebench.progress import Progress
from mebench.runner.fold import store_of
from mebench.runner.plan import Plan, make_plan

LOOK_SECONDS = 1.0
"""How often the progress of the workers is looked at."""


@dataclass(frozen=True)
class Prepared:
    """What came of computing features.

    Attributes:
        videos: how many had a feature missing.
        frames: of those that are finished.
        seconds: of work, summed over workers.
        failures: the reason for each video that failed, by its key.
    """

    videos: int
    frames: int
    seconds: float
    failures: Mapping[str, Exception]


def clips_of(plan: Plan, video: Video) -> list[Clip]:
    """(onset, apex, offset) of the annotated clips that are recognised; the middle where no apex is marked."""
    if "recognize" not in plan.task.tasks:
        return []
    return [
        (e.onset, e.peak, e.offset) for e in video.expressions if e.kind == "micro" and plan.scheme.of(e) is not None
    ]


def missing_videos(plan: Plan) -> list[Video]:
    """The videos for which the store lacks a feature that the run reads."""
    store = store_of(plan.config)
    return [v for v in plan.videos if not is_ready(store, *plan.home(v), v, plan.chains_of(v), clips_of(plan, v))]


def prepare(
    plan: Plan, executor: Executor, progress: Progress, tolerated: type[Exception] | tuple[type[Exception], ...] = ()
) -> Prepared:
    """Compute what the store lacks, one task for each video.

    Args:
        plan: of the run.
        executor: the workers.
        progress: where to tell how it goes.
        tolerated: errors of one video that do not stop the others; they are in the answer.

    Raises:
        BrokenProcessPool: a worker died; what is computed stays in the store.
        Exception: the first error that is not tolerated.
    """
    missing = missing_videos(plan)
    if not missing:
        return Prepared(0, 0, 0.0, {})
    plain = json.dumps(plan.config.values)
    frames, seconds, failures = 0, 0.0, dict[str, Exception]()
    # The longest first: one at the end would leave the other workers idle.
    order = sorted(missing, key=lambda v: (-(v.n_frames or 0), v.key))
    weights = np.array([v.n_frames or 0 for v in order], dtype=float)
    weights = weights if weights.all() else np.ones(len(order))
    with _board(len(order)) as (file, board), progress.frames("features", len(order)) as show:
        futures: dict[Future[ComputeCost], int] = {
            executor.submit(_task, plain, video.key, str(file), place): place for place, video in enumerate(order)
        }
        pending = set(futures)
        while pending:
            done, pending = wait(pending, LOOK_SECONDS, FIRST_COMPLETED)
            for future in done:
                place = futures[future]
                try:
                    cost = future.result()
                except BrokenProcessPool:
                    raise
                except tolerated as error:
                    failures[order[place].key] = error
                    board[place] = 0, 1
                else:
                    frames, seconds = frames + cost.n_frames, seconds + cost.seconds
                    board[place] = cost.n_frames, 1
            show(len(order) - len(pending), int(board[:, 0].sum()), float(weights @ board[:, 1] / weights.sum()))
    return Prepared(len(order), frames, seconds, dict(sorted(failures.items())))


def sentence(error: Exception) -> str:
    """The reason of a failure for people."""
    return str(error) if isinstance(error, MebenchError) else f"{type(error).__name__}: {error}"


@contextmanager
def _board(n: int) -> Iterator[tuple[Path, NDArray[np.float64]]]:
    """A small file that all processes map: for each of `n` videos the frames done so far, and their share of its work."""
    with tempfile.TemporaryDirectory(prefix="mebench-progress-") as folder:
        file = Path(folder) / "board"
        yield file, np.memmap(file, np.float64, "w+", shape=(n, 2))


# -- in the workers ---------------------------------------------------------------------------------------------------------


def warm_up() -> None:
    """Import what takes seconds, while the plan is made."""
    import torch

    import mebench.core.method  # noqa: F401  (brings Lightning)

    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def plan_of(plain: str) -> Plan:
    """The plan of a configuration, made once in each worker."""
    import torch

    torch.set_num_threads(1)
    return make_plan(from_plain(json.loads(plain)))


@lru_cache(maxsize=1)
def _store(plain: str) -> FeatureStore:
    return store_of(plan_of(plain).config)


def _task(plain: str, key: str, board: str, place: int) -> ComputeCost:
    plan = plan_of(plain)
    video = next(v for v in plan.videos if v.key == key)
    row = np.memmap(board, np.float64, "r+", shape=(2,), offset=16 * place)

    def tell(frames: int, share: float) -> None:
        row[:] = frames, share

    return compute(_store(plain), *plan.home(video), video, plan.chains_of(video), clips_of(plan, video), tell)
