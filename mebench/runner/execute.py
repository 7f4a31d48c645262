"""Execute a plan: features, folds, scores; keep what is finished, go on where it stopped."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from mebench import __version__
from mebench.config import RunConfig, from_plain, run_key
from mebench.core.types import Fold, Video
from mebench.errors import MebenchError, RunError
from mebench.features import compute, is_ready
from mebench.metrics.chance import spotting_chance
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables
from mebench.progress import Progress
from mebench.runner.fold import FoldResult, store_of
from mebench.runner.fold import execute as execute_fold
from mebench.runner.folder import RunFolder
from mebench.runner.plan import Plan, make_plan
from mebench.runner.workers import default_workers, pool

T = TypeVar("T")
PACKAGES = ("torch", "lightning", "numpy", "opencv-contrib-python-headless", "dlib-bin", "scipy", "scikit-learn", "pandas")


class Interrupted(MebenchError):
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
        tables = _truth_tables(plan)
        key = _key(plan, tables)
        folder, lock = RunFolder.claim(Path(config.runs).expanduser(), _name(config), key, run_id)
        try:
            _describe(folder, plan, tables, key)
            progress.say(f"run {folder.id}: {_size(plan)}, {workers} worker{'s' * (workers != 1)}")
            try:
                feature_seconds = _prepare_features(plan, executor, progress)
                failures = _run_folds(plan, folder, executor, progress)
            except KeyboardInterrupt:
                executor.shutdown(wait=True, kill_workers=True)  # type: ignore[call-arg]  # loky's
                raise _interrupted(plan, folder) from None
            if failures:
                raise _failed(plan, folder, failures)
            executor.shutdown(wait=False)
            summary = _finish(plan, folder, tables, feature_seconds, started)
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
    cost = compute(store, plan.dataset, plan.config.dataset, video, plan.chains().get(video.dataset, ()), clips_of(plan, video))
    return key, cost.seconds, cost.n_frames


def clips_of(plan: Plan, video: Video) -> list[tuple[int, int]]:
    """(onset, apex) of the annotated clips that are recognised; the middle where no apex is marked."""
    if "recognize" not in plan.task.tasks:
        return []
    return [
        (e.onset, (e.onset + e.offset) // 2 if e.apex is None else e.apex)
        for e in video.expressions
        if e.kind == "micro" and plan.scheme.index(e.emotion) is not None
    ]


# -- the steps of a run -----------------------------------------------------------------------------------------------------


def _prepare_features(plan: Plan, executor: Executor, progress: Progress) -> float:
    """Compute what the store lacks, one task for each video; seconds of work, summed over workers."""
    store, chains = store_of(plan.config), plan.chains()
    missing = [
        v
        for v in plan.videos
        if not is_ready(store, plan.dataset, plan.config.dataset, v, chains.get(v.dataset, ()), clips_of(plan, v))
    ]
    if not missing:
        return 0.0
    plain = json.dumps(plan.config.values)
    futures = {executor.submit(_feature_task, plain, v.key): v.key for v in missing}
    seconds = 0.0
    with progress.stage("features", len(missing), "videos") as advance:
        for future in _completed(futures):
            _, spent, n_frames = future.result()
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
        for future in _completed(futures):
            key = futures[future]
            try:
                result = future.result()
            except BrokenProcessPool:
                failures[key] = "a worker process died (out of memory, or killed)"
            except Exception as e:
                failures[key] = str(e) if isinstance(e, MebenchError) else f"{type(e).__name__}: {e}"
            else:
                folder.write_fold(result, plan.task.kinds, result.costs)
                advance()
                continue
            folder.write_failure(key, failures[key])
            advance()
    return failures


def _completed(futures: Iterable[Future[T]]) -> Iterable[Future[T]]:
    return as_completed(list(futures))


def _finish(plan: Plan, folder: RunFolder, tables: Tables, feature_seconds: float, started: float) -> dict[str, Any]:
    folder.merge([fold.key for fold in plan.folds])
    summary = score(folder, plan.task.kinds, plan.task.classes, plan.config.seed, plan.config.bootstrap)
    folder.write_json("features.json", {"seconds": feature_seconds, "chains": _cards(plan)})
    whole = {"run_id": folder.id, "seconds": round(time.perf_counter() - started, 3), **summary}
    folder.write_json("summary.json", whole)
    folder.finish()
    return whole


def score(folder: RunFolder, kinds: Sequence[str], classes: Sequence[str], seed: int, draws: int) -> dict[str, Any]:
    """The summary of a run from its folder alone: predictions and truth, no model."""
    videos, truths = folder.read_table("videos.parquet"), folder.read_table("truth.parquet")
    info = folder.read_json("folds.json")
    predictions = folder.read_table("predictions.parquet") if "spot" in info["tasks"] else None
    clips = None
    if "recognize" in info["tasks"]:
        answers = folder.read_table("clips.parquet")
        asked = truths[(truths["kind"] == "micro") & truths["emotion"].notna()]
        keys = ["video", "onset", "offset"]
        clips = asked.merge(answers, on=keys, how="left", validate="one_to_one").rename(columns={"emotion": "truth"})
        clips = clips.merge(videos[["video", "subject", "dataset"]], on="video")[["video", "subject", "dataset", "truth", "predicted"]]
    tables = Tables(videos=videos, truths=truths, predictions=predictions, clips=clips)
    summary = summarize(tables, kinds=kinds, classes=classes, seed=seed, draws=draws)
    if predictions is not None:
        summary["chance"] = {
            kind: spotting_chance(videos, truths, {d: widths[kind] for d, widths in info["k_prime"].items()}, kind, seed)
            for kind in kinds
        }
    return summary


# -- what the folder says ---------------------------------------------------------------------------------------------------


def _truth_tables(plan: Plan) -> Tables:
    videos = pd.DataFrame(
        [(v.key, str(v.subject_key), v.dataset, v.n_frames, v.fps) for v in plan.videos],
        columns=["video", "subject", "dataset", "n_frames", "fps"],
    ).astype({"n_frames": "Int64", "fps": "Float64"})
    truths = pd.DataFrame(
        [
            (v.key, e.kind, e.onset, e.apex, e.offset, plan.scheme.label(e.emotion), e.emotion, "+".join(e.action_units), e.objective)
            for v in plan.videos
            for e in v.expressions
        ],
        columns=["video", "kind", "onset", "apex", "offset", "emotion", "native_emotion", "action_units", "objective"],
    ).astype({"onset": "int64", "apex": "Int64", "offset": "int64"})
    return Tables(videos=videos, truths=truths, predictions=None, clips=None)


def _key(plan: Plan, tables: Tables) -> str:
    """Everything that predictions depend on: settings, plugins, dataset, chains."""
    chains = sorted(c.fingerprint() for group in plan.chains().values() for c in group)
    truth = hashlib.sha256((tables.videos.to_csv() + tables.truths.to_csv()).encode()).hexdigest()
    parts = [__version__, run_key(plan.config), plan.dataset.revision, truth, chains, metadata.version("torch")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _name(config: RunConfig) -> str:
    return f"{config.method}-{config.dataset}-{config.protocol}-seed{config.seed}"


def _describe(folder: RunFolder, plan: Plan, tables: Tables, key: str) -> None:
    folder.write_json("config.json", {"key": key, "config": plan.config.values, "origins": plan.config.origins})
    folder.write_json("versions.json", versions())
    folder.write_table("videos.parquet", tables.videos)
    folder.write_table("truth.parquet", tables.truths)
    folder.write_json(
        "folds.json",
        {
            "protocol": plan.config.protocol,
            "tasks": sorted(plan.task.tasks),
            "kinds": list(plan.task.kinds),
            "classes": list(plan.task.classes),
            "scheme": plan.scheme.name,
            "left_out": dict(sorted(plan.left_out().items())),
            "selects": plan.selects,
            "transductive": plan.method_class.transductive,
            "repairs": list(plan.dataset.repairs()),
            "comparable": plan.dataset.comparable,
            "remark": plan.dataset.remark,
            "k_prime": _typical_k_prime(plan),
            "folds": [
                {"fold": f.key, "train": [*map(str, plan.training_subjects(f))], "valid": [*map(str, f.valid)] if plan.selects else [], "test": [*map(str, f.test)]}
                for f in plan.folds
            ],
        },
    )


def _typical_k_prime(plan: Plan) -> dict[str, dict[str, int]]:
    """Median k' over the folds, by dataset and kind: the width of the intervals that chance is given."""
    if "spot" not in plan.task.tasks:
        return {}
    timings = [plan.timings(fold) for fold in plan.folds]
    return {
        dataset: {kind: sorted(t[dataset].k_prime[kind] for t in timings)[len(timings) // 2] for kind in plan.task.kinds}
        for dataset in timings[0]
    }


def versions() -> dict[str, str]:
    """Python, the machine and the packages that numbers depend on."""
    found = {"mebench": __version__, "python": sys.version.split()[0], "platform": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _cards(plan: Plan) -> dict[str, list[str]]:
    return {dataset: [c.card() for c in chains] for dataset, chains in sorted(plan.chains().items())}


def _size(plan: Plan) -> str:
    micro = sum(e.kind == "micro" for v in plan.videos for e in v.expressions)
    subjects = len({v.subject_key for v in plan.videos})
    return f"{len(plan.folds)} folds, {subjects} subjects, {len(plan.videos)} videos, {micro} micro-expressions"


def _interrupted(plan: Plan, folder: RunFolder) -> Interrupted:
    done = len(folder.finished_folds())
    return Interrupted(f"stopped: {done} of {len(plan.folds)} folds are finished and kept in {folder.path}. Go on with: mebench resume {folder.id}")


def _failed(plan: Plan, folder: RunFolder, failures: dict[str, str]) -> RunError:
    fold, reason = next(iter(sorted(failures.items())))
    return RunError(
        f"{len(failures)} of {len(plan.folds)} folds failed; fold {fold!r}: {reason}. The others are kept in {folder.path}. "
        f"When the cause is mended, go on with: mebench resume {folder.id}"
    )


