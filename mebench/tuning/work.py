"""Folds of a trial: whole ones in worker processes, and proposals made anew from stored frame scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mebench.config import RunConfig
from mebench.core.types import Expression, Fold, Prediction, SubjectKey, Video
from mebench.errors import DataError, RunError
from mebench.features import NoFaceError
from mebench.progress import Progress
from mebench.runner.fold import FoldResult, Hand, execute, parts_of, restore
from mebench.runner.fresh import without_memory
from mebench.runner.plan import Plan
from mebench.runner.pool import Failure, Task, Workers
from mebench.runner.prepare import prepare
from mebench.runner.tasks import Brief, brief_of, plan_of
from mebench.spotting import SpottingParams


def among(plan: Plan, subjects: Sequence[SubjectKey], folds: Sequence[Fold]) -> Plan:
    """A run that knows nobody but some subjects."""
    known = set(subjects)
    videos = tuple(video for video in plan.videos if video.subject_key in known)
    return replace(plan, videos=videos, folds=tuple(folds))


def blind(plan: Plan, fold: Fold) -> Plan:
    """The run without the labels of the tested videos, as far as its tasks can do without.

    Spotting needs none at all; recognition is asked about annotated clips, all of which carry one and the same label.
    """
    tested = {video.key for video in plan.sides(fold).test}
    videos = tuple(_without_labels(plan, v) if v.key in tested else v for v in plan.videos)
    return replace(plan, videos=videos)


def with_config(plan: Plan, config: RunConfig) -> Plan:
    """The run with other parameters of the same methods, over the same people and folds."""
    pairs = ((plan.method_class, config.method_params), (plan.recognizer_class, config.recognizer_params))
    selects = any(method.holds_out(params) for method, params in pairs if method is not None)
    return replace(plan, config=config, params=config.method_params, selects=selects)


def run_folds(
    crew: Workers,
    plan: Plan,
    folds: Sequence[Fold],
    known: Sequence[SubjectKey],
    skipped: frozenset[str],
    part: int | None = None,
) -> Iterator[FoldResult]:
    """Results of some folds as they come in, not in their order.

    Args:
        crew: who computes them.
        plan: of the run; the workers make it anew from its configuration.
        folds: among the subjects that are known.
        known: the only subjects that the workers get to see.
        skipped: keys of videos without a face.
        part: of a pair the method that is run alone.

    Raises:
        RunError: a fold failed.
    """
    brief, config = brief_of(plan), plan.config
    tasks = [Task(fold.key, _fold, (brief, fold, tuple(known), skipped, part), config.fold_timeout) for fold in folds]
    for task, outcome in crew.run(tasks):
        if isinstance(outcome, Failure):
            raise outcome.error or RunError(f"fold {task.key!r}: {outcome.reason}")
        yield outcome


def _fold(
    brief: Brief, fold: Fold, known: Sequence[SubjectKey], skipped: frozenset[str], part: int | None
) -> FoldResult:
    """In a worker."""
    plan = replace(among(of_part(plan_of(brief), part), known, [fold]), skipped=skipped)
    return execute(without_memory(blind(plan, fold)), fold)


def of_part(plan: Plan, part: int | None) -> Plan:
    """The run of one method of a pair by itself, or the whole run."""
    return plan if part is None else plan.parts()[part]


def with_features(plan: Plan, crew: Workers, progress: Progress) -> Plan:
    """The run once its features are stored, without the videos that show no face where `no_face=skip`.

    Raises:
        MebenchError: features failed.
    """
    failures = {key: failure for (_, key), failure in prepare([plan], crew, progress).failures.items()}
    skips = plan.config.no_face == "skip"
    faceless = {key for key, failure in failures.items() if skips and isinstance(failure.error, NoFaceError)}
    for key, failure in failures.items():
        if key not in faceless:
            raise failure.error or DataError(f"the features of {key} failed: {failure.reason}")
    return replace(plan, skipped=frozenset(faceless))


def reusable(config: RunConfig) -> bool:
    """Whether what was learnt does not depend on how frame scores become intervals; a learnt threshold does."""
    return SpottingParams.of(config.method_params).threshold != "absolute"


def propose_again(plan: Plan, fold: Fold, stored: FoldResult, names: bool = True) -> FoldResult:
    """A fold's result with other parameters of spotting, from its frame scores and fitted models; nothing is trained.

    Args:
        plan: of the run with those parameters; what else differs from the stored run is not looked at.
        fold: the fold.
        stored: its frame scores and models.
        names: whether a method that recognizes names the emotion of what is spotted.
    """
    from safetensors.torch import load

    plan = blind(plan, fold).at(fold)
    timings = plan.timings(fold)
    hands = [Hand(part, fold, timings) for part in plan.parts()]
    restore(parts_of([hand.method for hand in hands]), load(stored.model))
    spotter, namer = hands[0], hands[-1]
    found: list[Prediction] = []
    for video in spotter.views.seen(plan.sides(fold).test):
        spotted = spotter.propose(spotter.views.unlabelled(video), stored.frame_scores[video.key])
        found += namer.named(video, spotted) if names else spotted
    for hand in hands:
        hand.views.close()
    return replace(stored, predictions=found)


def _without_labels(plan: Plan, video: Video) -> Video:
    if "recognize" not in plan.task.tasks:
        return replace(video, expressions=())
    label = next(iter(plan.scheme.mapping))
    return replace(video, expressions=tuple(_unnamed(e, label) for e in plan.scheme.scored(video)))


def _unnamed(expression: Expression, label: str) -> Expression:
    return replace(expression, emotion=label, objective=label, action_units=())
