"""Execute a plan: features, folds, scores; keep what is finished, go on where it stopped."""

from __future__ import annotations

import json
import time
import traceback
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mebench.config import RunConfig, from_plain
from mebench.core.types import Fold, Video
from mebench.errors import MebenchError, RunError
from mebench.features import compute, is_ready
from mebench.progress import Progress
from mebench.runner.describe import cards, describe, key_of, name_of, truth_tables
from mebench.runner.fold import FoldResult, store_of
from mebench.runner.fold import execute as execute_fold
from mebench.runner.folder import RunFolder, first_id
from mebench.runner.plan import Plan, make_plan
from mebench.runner.scoring import score
from mebench.runner.workers import default_workers, pool


class InterruptedRunError(MebenchError):
    """Ctrl-C: what is finished is kept."""

    exit_code = 130


@dataclass(frozen=True)
class Outcome:
    """A finished run and its summary (with `run_id` and `seconds`)."""

    folder: RunFolder
    summary: dict[str, Any]


def run(config: RunConfig, progress: Progress, run_id: str | None = None) -> Outcome:
    """Plan and execute; continues an unfinished run of the same key, starts a new one after a finished one.

    Args:
        config: what to run.
        progress: where to tell how it goes.
        run_id: the unfinished run to go on with; its inputs must not have changed.

    Raises:
        MebenchError: bad input, a full disk, folds that failed, Ctrl-C; finished folds stay in the run folder.
    """
    started = time.perf_counter()
    workers = config.workers or default_workers()
    executor = pool(workers)
    try:
        for _ in range(workers):
            executor.submit(_warm_up)  # torch takes seconds to import: the workers do so while the plan is made
        plan = make_plan(config)
        tables = truth_tables(plan)
        key = key_of(plan, tables)
        folder, lock = RunFolder.claim(Path(config.runs).expanduser(), name_of(config), key, run_id)
        try:
            describe(folder, plan, tables, key)
            if folder.id != first_id(name_of(config), key) and run_id is None:
                progress.say(
                    f"an equal run is there already ({first_id(name_of(config), key)}): this one computes its folds anew"
                )
            progress.say(f"run {folder.id}: {_size(plan)}, {workers} worker{'s' * (workers != 1)}")
            try:
                feature_seconds = _prepare_features(plan, folder, executor, progress)
                failures = _run_folds(plan, folder, executor, progress)
                if failures:
                    raise _failed(plan, folder, failures)
                executor.shutdown(wait=False)
                summary = _finish(plan, folder, feature_seconds, started)
            except KeyboardInterrupt:
                executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]  # loky's
                raise _interrupted(plan, folder) from None
        finally:
            lock.release()
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]
        raise
    return Outcome(folder, summary)


# -- work in the workers ----------------------------------------------------------------------------------------------------


def _warm_up() -> None:
    import torch

    import mebench.core.method  # noqa: F401  (brings Lightning)

    torch.set_num_threads(1)


@lru_cache(maxsize=1)
def _plan(plain: str) -> Plan:
    import torch

    torch.set_num_threads(1)
    return make_plan(from_plain(json.loads(plain)))


def _fold_task(plain: str, fold: Fold) -> FoldResult:
    return execute_fold(_plan(plain), fold)


def _feature_task(plain: str, key: str) -> tuple[str, float, int]:
    plan = _plan(plain)
    video = next(v for v in plan.videos if v.key == key)
    store = store_of(plan.config)
    cost = compute(
        store, plan.dataset, plan.config.dataset, video, plan.chains().get(video.dataset, ()), clips_of(plan, video)
    )
    return key, cost.seconds, cost.n_frames


def clips_of(plan: Plan, video: Video) -> list[tuple[int, int]]:
    """(onset, apex) of the annotated clips that are recognised; the middle where no apex is marked."""
    if "recognize" not in plan.task.tasks:
        return []
    return [
        (e.onset, e.peak) for e in video.expressions if e.kind == "micro" and plan.scheme.index(e.emotion) is not None
    ]


def missing_videos(plan: Plan) -> list[Video]:
    """The videos for which the store lacks a feature that the run reads."""
    store, chains = store_of(plan.config), plan.chains()
    return [
        v
        for v in plan.videos
        if not is_ready(store, plan.dataset, plan.config.dataset, v, chains.get(v.dataset, ()), clips_of(plan, v))
    ]


# -- the steps of a run -----------------------------------------------------------------------------------------------------


def _prepare_features(plan: Plan, folder: RunFolder, executor: Executor, progress: Progress) -> float:
    """Compute what the store lacks, one task for each video; seconds of work, summed over workers."""
    missing = missing_videos(plan)
    if not missing:
        return 0.0
    plain = json.dumps(plan.config.values)
    futures = {executor.submit(_feature_task, plain, v.key): v.key for v in missing}
    seconds = 0.0
    with progress.stage("features", len(missing), "videos") as advance:
        for future in as_completed(list(futures)):
            try:
                _, spent, n_frames = future.result()
            except BrokenProcessPool:
                raise _died(plan, folder) from None
            seconds += spent
            advance(n_frames)
    return seconds


def _run_folds(plan: Plan, folder: RunFolder, executor: Executor, progress: Progress) -> dict[str, str]:
    """Execute the folds that are missing; the reasons of those that failed."""
    finished = folder.finished_folds()
    missing = [fold for fold in plan.folds if fold.key not in finished]
    if finished:
        progress.say(f"{len(finished)} of {len(plan.folds)} folds are already there")
    plain = json.dumps(plan.config.values)
    # The largest first: a long fold at the end would leave the other workers idle.
    missing.sort(key=lambda f: (-len(f.train) - len(f.valid), f.key))
    futures = {executor.submit(_fold_task, plain, fold): fold.key for fold in missing}
    failures: dict[str, str] = {}
    with progress.stage("folds", len(plan.folds), "folds", done=len(finished)) as advance:
        for future in as_completed(list(futures)):
            key = futures[future]
            try:
                result = future.result()
            except BrokenProcessPool:
                raise _died(plan, folder) from None
            except Exception as e:
                failures[key] = str(e) if isinstance(e, MebenchError) else f"{type(e).__name__}: {e}"
                folder.write_failure(key, "".join(traceback.format_exception(e)))
            else:
                folder.write_fold(result, plan.task.kinds)
            advance()
    return failures


def _finish(plan: Plan, folder: RunFolder, feature_seconds: float, started: float) -> dict[str, Any]:
    folder.merge([fold.key for fold in plan.folds])
    summary = score(folder, plan.config.seed, plan.config.bootstrap)
    folder.write_json("features.json", {"seconds": feature_seconds, "chains": cards(plan)})
    whole = {"run_id": folder.id, "seconds": round(time.perf_counter() - started, 3), **summary}
    folder.write_json("summary.json", whole)
    folder.finish()
    return whole


def _size(plan: Plan) -> str:
    micro = sum(e.kind == "micro" for v in plan.videos for e in v.expressions)
    subjects = len({v.subject_key for v in plan.videos})
    return f"{len(plan.folds)} folds, {subjects} subjects, {len(plan.videos)} videos, {micro} micro-expressions"


def _interrupted(plan: Plan, folder: RunFolder) -> InterruptedRunError:
    done = len(folder.finished_folds())
    return InterruptedRunError(
        f"stopped: {done} of {len(plan.folds)} folds are finished and kept in {folder.path}. Go on with: mebench resume {folder.id}"
    )


def _died(plan: Plan, folder: RunFolder) -> RunError:
    done = len(folder.finished_folds())
    return RunError(
        f"a worker process died (out of memory, or killed). Computed features stay in the store, and {done} of {len(plan.folds)} "
        f"folds are kept in {folder.path}: run again with the same words, and with fewer workers=N if memory was short"
    )


def _failed(plan: Plan, folder: RunFolder, failures: dict[str, str]) -> RunError:
    fold, reason = next(iter(sorted(failures.items())))
    return RunError(
        f"{len(failures)} of {len(plan.folds)} folds failed; fold {fold!r}: {reason}. The reasons are in "
        f"{folder.path / 'failed'}, the other folds are kept. If the cause lies outside the program, mend it and go on with: "
        f"mebench resume {folder.id}; a changed plugin starts a new run"
    )
