"""A dry run: what a run would do, and a measured guess of how long it would take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.console import duration, plural, print_lines
from mebench.core import Chain, Fold, Stage, Video
from mebench.errors import RunError
from mebench.features import NoFaceError
from mebench.progress import Progress
from mebench.runner import measure
from mebench.runner.features import clips_of, missing_videos, store_of
from mebench.runner.guard import warnings
from mebench.runner.inputs import spec_of
from mebench.runner.plan import Plan, make_plan, new_method
from mebench.runner.workers import Failure, Task, WorkerPool, Workers, default_workers, one_thread

FOLDS_SHOWN = 20


@dataclass(frozen=True)
class Work:
    """What has to be done.

    Attributes:
        missing_videos: videos whose features are not stored yet.
        missing_frames: their frames.
        missing_clips: their annotated clips, for methods that recognize.
        trainings: folds times stages.
        epochs: of each stage.
    """

    missing_videos: int
    missing_frames: int
    missing_clips: int
    trainings: int
    epochs: dict[str, int]


def dry_run(
    config: RunConfig, progress: Progress, quiet: bool = False, trained: set[str] | None = None
) -> dict[str, Any]:
    """Print folds, work and estimated time of a run on standard output, unless `quiet`; no run folder is made and nothing is stored.

    Measured are: the features of the first frames of one video of each member that misses them; a few epochs of each stage
    on a few training videos of the largest fold; the prediction of one video. All with one thread, features in a worker.

    Args:
        config: what would be run.
        progress: where to tell what is measured.
        quiet: print nothing.
        trained: what runs before this one train (`describe.training_of`), which is not trained again; that of this one is added.

    Returns:
        `folds`, `subjects`, `videos`, `work` (see `Work`), `chains` (cards by dataset), `workers` and `seconds`: `features`,
        `training` and `prediction` of one core, and `total` with all workers.

    Raises:
        MebenchError: what would stop the run too: a wrong word, missing data, no face in a video.
    """
    plan = make_plan(config)
    workers = config.workers or default_workers()
    missing, left = missing_videos(plan), _untrained(plan, trained)
    work = _work(plan, missing, len(left))
    if not quiet:
        _print_plan(plan, work, len(left))
    pool = WorkerPool(1)
    try:
        with one_thread():
            seconds = _seconds(plan, missing, left, workers, pool, progress)
    finally:
        pool.stop()
    if not quiet:
        _print_time(seconds, workers)
    return {
        "folds": len(plan.folds),
        "subjects": len({v.subject_key for v in plan.videos}),
        "videos": len(plan.videos),
        "work": asdict(work),
        "chains": plan.cards(),
        "workers": workers,
        "seconds": seconds,
    }


def _untrained(plan: Plan, before: set[str] | None) -> tuple[Fold, ...]:
    """The folds that no run has trained which differs in how frame scores become intervals alone."""
    runs = Path(plan.config.runs).expanduser()
    if before is None and not any(runs.glob("*/config.json")):  # nor is it asked with what takes pandas
        return plan.folds
    from mebench.runner.describe import by_training, parts_of, training_of, truth_tables
    from mebench.runner.session import finished_run

    key, before = training_of(plan, parts_of(plan, truth_tables(plan))), set() if before is None else before
    if key is None or finished_run(plan):  # which is run anew
        return plan.folds
    if key in before:
        return ()
    before.add(key)
    there = [run.finished_folds() for run in by_training(runs).get(key, ())]
    return tuple(fold for fold in plan.folds if fold.key not in set().union(*there))


def _work(plan: Plan, missing: list[Video], folds: int) -> Work:
    epochs = {name: stage.epochs for part in plan.parts() for name, stage in _stages(part).items()}
    return Work(
        missing_videos=len(missing),
        missing_frames=sum(v.n_frames or 0 for v in missing),
        missing_clips=sum(len(clips_of(plan, v)) for v in missing),
        trainings=folds * len(epochs),
        epochs=epochs,
    )


def _stages(part: Plan) -> dict[str, Stage]:
    """The stages of one method by name; those of a recognizer that is paired with a spotter say so."""
    paired = part.config.recognizer is not None and part.task.tasks == {"recognize"}
    return {f"{'recognizer: ' if paired else ''}{stage.name}": stage for stage in new_method(part).stages()}


# -- time -------------------------------------------------------------------------------------------------------------------


def _seconds(
    plan: Plan, missing: list[Video], left: tuple[Fold, ...], workers: int, pool: Workers, progress: Progress
) -> dict[str, float]:
    features, prediction, folds = 0.0, 0.0, np.zeros(max(len(left), 1))
    for part in plan.parts():
        rows, seconds = _features(part, missing_videos(part), pool, progress)
        pool.stop()  # what it keeps in memory is not needed any more
        features += seconds
        if not left:  # what is trained already also has its scores
            continue
        largest = max(left, key=lambda f: (_expressions(plan, f), f.key))
        progress.say(f"measuring the training of fold {largest.key}")
        cost = measure.fold(part, largest, rows)
        folds += _fold_seconds(part, left, cost, _expressions(plan, largest))
        prediction += len(plan.videos) * len(left) / len(plan.folds) * cost.video
    # No fold is split over workers, so the last ones may leave some idle.
    training = float(folds.sum())
    total = features / min(workers, max(len(missing), 1)) + max(
        (training + prediction) / min(workers, len(folds)), float(folds.max())
    )
    return {"features": features, "training": training, "prediction": prediction, "total": total}


def _features(
    part: Plan, missing: list[Video], pool: Workers, progress: Progress
) -> tuple[dict[str, measure.Rows], float]:
    """One feature of each chain by group of videos, and seconds for all that the store lacks."""
    rows, seconds, chains = dict[str, measure.Rows](), 0.0, part.chains
    groups = sorted(set(part.groups.values()))
    for group in groups:
        lacking = [v for v in missing if part.groups[v.key] == group]
        if lacking:
            budget = measure.FEATURE_SECONDS / len(groups)
            cost = _feature_cost(part, lacking, chains.get(group, ()), budget, pool, progress)
            rows[group] = cost.rows
            seconds += sum((v.n_frames or 0) * cost.frame + len(clips_of(part, v)) * cost.clip for v in lacking)
        else:
            rows[group] = _ready_rows(part, group, chains.get(group, ()))
    return rows, seconds


def _feature_cost(
    plan: Plan, videos: list[Video], chains: tuple[Chain, ...], budget: float, pool: Workers, progress: Progress
) -> measure.FeatureCost:
    """The cost of the longest video; with `no_face=skip`, of the longest that shows a face."""
    *others, last = sorted(videos, key=lambda v: -(v.n_frames or 0))
    spec = spec_of(plan.config, plan.dataset)
    for video in [*others, last]:
        progress.say(f"measuring the features of {video.key}")
        ((_, cost),) = pool.run([Task(video.key, measure.features, (spec, video, chains, budget))])
        if not isinstance(cost, Failure):
            return cost  # type: ignore[no-any-return]
        if not isinstance(cost.error, NoFaceError) or plan.config.no_face == "error" or video is last:
            break
    raise cost.error or RunError(f"the features of {video.key} failed: {cost.reason}")


def _ready_rows(plan: Plan, group: str, chains: tuple[Chain, ...]) -> measure.Rows:
    own = [v for v in plan.videos if plan.groups[v.key] == group]
    video = max(own, key=lambda v: len(clips_of(plan, v)))
    clip = next(iter(clips_of(plan, video)), (0, 0, 0))
    return measure.rows_of(store_of(plan.config), *plan.home(video), video, chains, clip)


def _fold_seconds(part: Plan, folds: tuple[Fold, ...], cost: measure.FoldCost, measured: int) -> NDArray[np.float64]:
    """Seconds of each fold's training: that of the measured one, by the number of training expressions."""
    whole = sum(stage.epochs * cost.stages[stage.name] for stage in new_method(part).stages()) + cost.fixed
    return np.array([whole * _expressions(part, fold) / max(measured, 1) for fold in folds])


def _expressions(plan: Plan, fold: Fold) -> int:
    training = set(plan.training_subjects(fold))
    return sum(len(v.expressions) for v in plan.videos if v.subject_key in training)


# -- what is printed --------------------------------------------------------------------------------------------------------


def _print_plan(plan: Plan, work: Work, folds: int) -> None:
    config = plan.config
    who = " with ".join(filter(None, (config.method, config.recognizer)))
    subjects, videos = len({v.subject_key for v in plan.videos}), len(plan.videos)
    print_lines(
        f"{who} on {config.dataset}, {config.protocol}: {len(plan.folds)} folds, {subjects} subjects, {videos} videos"
    )
    for fold in plan.folds[:FOLDS_SHOWN]:
        print_lines(f"  {_line(plan, fold)}")
    if len(plan.folds) > FOLDS_SHOWN:
        print_lines(f"  … and {len(plan.folds) - FOLDS_SHOWN} more")
    clips = f", {work.missing_clips} clips" if work.missing_clips else ""
    print_lines(
        f"features: {work.missing_videos} of {videos} videos to compute ({work.missing_frames} frames{clips})"
        if work.missing_videos
        else "features: all are there"
    )
    distinct = {chain.fingerprint() + chain.name: chain for group in plan.chains.values() for chain in group}
    for _, chain in sorted(distinct.items(), key=lambda item: item[1].name):
        print_lines(*(f"  {line}" for line in chain.card().split("\n")))
    for line in warnings(plan):
        print_lines(line)
    stages = ", ".join(f"{name} ({epochs} epochs)" for name, epochs in work.epochs.items())
    if not folds:
        print_lines("training: that of a run which differs in how frame scores become intervals alone")
    elif work.trainings:
        print_lines(f"training: {work.trainings} trainings, {folds} folds x {stages}")
    else:
        print_lines("training: none")


def _line(plan: Plan, fold: Fold) -> str:
    videos = plan.sides(fold).test
    people = f"{plural(len(plan.training_subjects(fold)), 'subject')} train"
    held = f", {len(fold.valid)} validate" if plan.selects else ""
    return (
        f"{fold.key}: tests {', '.join(map(str, fold.test))} ({plural(len(videos), 'video')}, "
        f"{plural(sum(len(v.expressions) for v in videos), 'expression')}), {people}{held}"
    )


def _print_time(seconds: Mapping[str, float], workers: int) -> None:
    parts = ", ".join(f"{name} {duration(seconds[name])}" for name in ("features", "training", "prediction"))
    print_lines(f"estimated time: about {duration(seconds['total'])} with {plural(workers, 'worker')}")
    print_lines(f"  of one core: {parts}")
    print_lines(
        "  An estimate: the first frames of one video, a few epochs of one fold on a few videos and one prediction were timed "
        "with one thread and scaled. Starting the workers and scoring add some seconds; other work on the machine adds more."
    )
