"""Execute a plan: features, folds, scores; keep what is finished, go on where it stopped."""

from __future__ import annotations

import json
import time
import traceback
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mebench.config import RunConfig
from mebench.core.types import Fold
from mebench.errors import DataError, MebenchError, RunError
from mebench.features import NoFaceError
from mebench.progress import Progress
from mebench.runner.describe import cards, describe, key_of, name_of, truth_tables
from mebench.runner.fold import FoldResult
from mebench.runner.fold import execute as execute_fold
from mebench.runner.folder import RunFolder, first_id
from mebench.runner.plan import Plan, make_plan
from mebench.runner.prepare import plan_of, prepare, sentence, warm_up
from mebench.runner.scoring import score
from mebench.runner.skipped import FILE as SKIPPED
from mebench.runner.skipped import read_skipped, skipped_line
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
            executor.submit(warm_up)  # torch takes seconds to import: the workers do so while the plan is made
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
                plan, feature_seconds = _features(plan, folder, executor, progress)
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


def _fold_task(plain: str, fold: Fold, skipped: frozenset[str]) -> FoldResult:
    return execute_fold(replace(plan_of(plain), skipped=skipped), fold)


# -- the steps of a run -----------------------------------------------------------------------------------------------------


def _features(plan: Plan, folder: RunFolder, executor: Executor, progress: Progress) -> tuple[Plan, float]:
    """Compute what the store lacks; the plan without the videos that have no face, and seconds of work over all workers."""
    skips = plan.config.no_face == "skip"
    try:
        done = prepare(plan, executor, progress, NoFaceError if skips else ())
    except BrokenProcessPool:
        raise _died(plan, folder) from None
    if not skips:
        return plan, done.seconds
    reasons = {key: sentence(error) for key, error in done.failures.items()}
    if len(reasons) == len(plan.videos):
        raise DataError(f"none of the {len(reasons)} videos shows a face. {next(iter(reasons.values()))}")
    if folder.finished_folds() and set(read_skipped(folder)) != set(reasons):
        raise RunError(
            f"run {folder.id!r} cannot go on: other videos than before have no face, and its folds must not mix. Start it "
            "anew with: mebench run"
        )
    folder.write_json(SKIPPED, reasons)
    if reasons:
        progress.say(skipped_line(list(reasons), len(plan.videos)))
    return replace(plan, skipped=frozenset(reasons)), done.seconds


def _run_folds(plan: Plan, folder: RunFolder, executor: Executor, progress: Progress) -> dict[str, str]:
    """Execute the folds that are missing; the reasons of those that failed."""
    finished = folder.finished_folds()
    missing = [fold for fold in plan.folds if fold.key not in finished]
    if finished:
        progress.say(f"{len(finished)} of {len(plan.folds)} folds are already there")
    plain = json.dumps(plan.config.values)
    # The largest first: a long fold at the end would leave the other workers idle.
    missing.sort(key=lambda f: (-len(f.train) - len(f.valid), f.key))
    futures = {executor.submit(_fold_task, plain, fold, plan.skipped): fold.key for fold in missing}
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
    summary = score(folder, plan.config.seed, plan.config.bootstrap, plan.config.convention)
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
