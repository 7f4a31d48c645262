"""What worker processes do. Tasks name things; each worker makes the plan for itself, once for each configuration."""

from __future__ import annotations

import gc
import json
import re
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from mebench.config import from_plain
from mebench.core.types import Fold, Video
from mebench.errors import RunError
from mebench.features import Clip, ComputeCost, FeatureStore, compute
from mebench.runner.describe import anywhere, inputs_of
from mebench.runner.fold import FoldResult, execute, store_of
from mebench.runner.fresh import without_memory
from mebench.runner.plan import Plan, make_plan

PLANS = 4
"""Of a sweep, how many a worker remembers; its tasks come run by run."""
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


Brief = tuple[str, str]
"""All that a worker needs to make a plan: the configuration as JSON, and the inputs that it must come out of."""


def brief_of(plan: Plan) -> Brief:
    """What workers are told of a plan; they may work in another folder, or on another machine."""
    cache = str(Path(plan.config.cache).expanduser().absolute())
    return json.dumps({**anywhere(plan.config.values), "cache": cache}), inputs_of(plan)


def clips_of(plan: Plan, video: Video) -> list[Clip]:
    """(onset, apex, offset) of the annotated clips that are recognised; the middle where no apex is marked."""
    if "recognize" not in plan.task.tasks:
        return []
    return [(e.onset, e.peak, e.offset) for e in plan.scheme.scored(video)]


def fold_task(brief: Brief, key: str, skipped: frozenset[str]) -> FoldResult:
    """Fit and predict one fold.

    Args:
        brief: of the run.
        key: of the fold.
        skipped: keys of the videos without a face.

    Raises:
        RunError: this process finds other inputs than the run was planned with.
    """
    plan = _plan_without(brief, skipped)
    _forget_peak()
    result = execute(without_memory(plan), _folds(brief)[key])
    peak = _peak_mib()
    _tidy()
    return result if peak is None else replace(result, costs={**result.costs, "peak_memory_mib": peak})


def feature_task(briefs: tuple[Brief, ...], key: str, board: str | None, place: int) -> ComputeCost:
    """Compute what the store lacks of one video for each of some runs.

    Args:
        briefs: of the runs.
        key: of the video.
        board: file in which the row `place` tells how far this is; None where nobody looks.
        place: row of the board.
    """
    frames, seconds, computed = 0, 0.0, False
    row = None
    if board is not None:
        with suppress(OSError):  # a worker on another machine
            row = np.memmap(board, np.float64, "r+", shape=(2,), offset=16 * place)
    trouble: Exception | None = None
    for number, brief in enumerate(briefs):
        plan = plan_of(brief)
        video = _videos(brief)[key]

        def tell(frames: int, share: float, before: int = number) -> None:
            if row is not None:
                row[:] = frames, (before + share) / len(briefs)

        try:
            cost = compute(_store(brief), *plan.home(video), video, plan.chains_of(video), clips_of(plan, video), tell)
        except Exception as error:  # what the others ask for may well work
            trouble = trouble or error
        else:
            frames, seconds, computed = max(frames, cost.n_frames), seconds + cost.seconds, computed or cost.computed
    if trouble is not None:
        raise trouble
    return ComputeCost(seconds, frames, computed)


@lru_cache(maxsize=PLANS)
def plan_of(brief: Brief) -> Plan:
    """The plan of a run, made once in each worker.

    Raises:
        RunError: it comes out of other inputs than the run's.
    """
    values, inputs = brief
    plan = make_plan(from_plain(json.loads(values)))
    if inputs_of(plan) != inputs:
        raise RunError(
            "a worker found other code, packages or data than the run began with, and folds must not mix: give all "
            "workers the same, or wait with edits until the run is finished"
        )
    return plan


@lru_cache(maxsize=1)
def _plan_without(brief: Brief, skipped: frozenset[str]) -> Plan:
    plan = plan_of(brief)
    return replace(plan, skipped=skipped) if skipped else plan


@lru_cache(maxsize=1)
def _folds(brief: Brief) -> dict[str, Fold]:
    return {fold.key: fold for fold in plan_of(brief).folds}


@lru_cache(maxsize=PLANS)
def _videos(brief: Brief) -> dict[str, Video]:
    return {video.key: video for video in plan_of(brief).videos}


@lru_cache(maxsize=PLANS)
def _store(brief: Brief) -> FeatureStore:
    return store_of(plan_of(brief).config)


def _tidy() -> None:
    """Free what a fold left in circles, such as Lightning's Trainer and its samples: some megabytes, which Python itself
    gets round to only after many folds. What the first fold imported stays for good and is not looked through again.
    """
    gc.collect()
    _freeze_once()


@cache
def _freeze_once() -> None:
    gc.freeze()  # asking how much is frozen would count it, one by one


def _forget_peak() -> None:
    """Let the peak of this process begin anew, so that each fold has its own; Linux alone can do that."""
    with suppress(OSError):
        RESET.write_text("5")


def _peak_mib() -> float | None:
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else None
    return None
