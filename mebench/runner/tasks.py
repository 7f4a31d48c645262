"""What worker processes do with a fold. They plan it and know its labels; PyTorch is loaded where it is trained, apart."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.core import Fold, Prediction
from mebench.errors import RunError
from mebench.runner import forks, inputs
from mebench.runner.choices import Ability, abilities
from mebench.runner.inputs import (
    REMEMBERED,
    Spec,
    config_of,
    digest,
    instructions_of_torch,
    refuse_other,
    refuse_other_inputs,
    refuse_other_processor,
)
from mebench.runner.outside import Ask, Brief, Curves, FoldResult, Outside
from mebench.runner.plan import Plan, make_plan
from mebench.runner.workers import Failure

IMPORTED = ("mebench.runner.fold", "mebench.training", "safetensors.torch")
"""What every fold imports."""
PEAKS = "scipy.signal"
"""What takes a second where a fold finds peaks."""
FLOW = "mebench.features.tvl1:ready"
"""What takes a second where a fold computes features: clips that it has spotted itself have none in the store."""


class FoldSpec(NamedTuple):
    """What workers are told of a run, to fit its folds.

    Attributes:
        spec: what workers of features are told, too.
        methods: what its method, and its recognizer if it has one, say of themselves.
        instructions: that PyTorch chose for the processor.
        truth: what the annotations say of the videos that its folds may know, as a hash.
    """

    spec: Spec
    methods: tuple[Ability, ...]
    instructions: str
    truth: str


def spec_of(plan: Plan) -> FoldSpec:
    """What workers are told of a plan."""
    spec = inputs.spec_of(plan.config, plan.dataset)
    return FoldSpec(spec, abilities(plan.config), instructions_of_torch(), _truth(plan))


def refuse_other_truth(run: FoldSpec, plan: Plan) -> None:
    """In a worker: stop where annotations were edited since the run was planned, whose truth is the one that is scored.

    Args:
        run: as it was planned.
        plan: of the run, made here, of the videos that its folds may know.

    Raises:
        RunError: the annotations say something else here.
    """
    refuse_other(_truth(plan), run.truth)


def _truth(plan: Plan) -> str:
    """Not `describe.truth_of`, which takes pandas, that a worker does without."""
    return digest([repr(replace(video, distractors=())) for video in plan.videos])


@lru_cache(maxsize=REMEMBERED)
def plan_of(run: FoldSpec) -> Plan:
    """The plan of a run, made once in each worker.

    Raises:
        RunError: it comes out of other inputs than the run's.
    """
    config = config_of(run.spec)
    forks.warm(config.plugins, IMPORTED)  # beside what is imported here
    plan = make_plan(config, run.methods)
    refuse_other_inputs(run.spec, plan.config, plan.dataset)
    return plan


def fold_task(run: FoldSpec, key: str, skipped: frozenset[str]) -> FoldResult | Failure:
    """Fit and predict one fold.

    Args:
        run: that it is of.
        key: of the fold.
        skipped: keys of the videos without a face.

    Returns:
        what the fold leaves, or why it does not.

    Raises:
        RunError: this process finds other inputs than the run was planned with.
    """
    return execute_apart(_plan_without(run, skipped), _folds(run)[key], run.instructions)


def execute_apart(plan: Plan, fold: Fold, instructions: str) -> FoldResult | Failure:
    """Fit and predict one fold in a process that ends with it and has never seen the labels that this one knows.

    Args:
        plan: of the run.
        fold: of it.
        instructions: that PyTorch chose for the processor where the run was planned.
    """
    outside = Outside(plan, fold)
    result = apart(plan, _inside, (outside.brief(), instructions), outside, plan.config.fold_timeout)
    return result if isinstance(result, Failure) else outside.complete(result)


def proposed_task(run: FoldSpec, key: str, skipped: frozenset[str], there: Path) -> FoldResult | Failure:
    """A fold whose frame scores and models another run has: only its intervals are made. Where they are gone, or cannot be seen from
    here, the fold is trained.

    Args:
        run: that it is of.
        key: of the fold.
        skipped: keys of the videos without a face.
        there: folder of the fold in the other run, which differs in nothing but how frame scores become intervals.

    Raises:
        RunError: this process finds other inputs than the run was planned with.
    """
    # And with it pandas, which a fold that is trained does without.
    from mebench.runner.fold_files import read_fold, whole_fold

    plan = _plan_without(run, skipped)
    if whole_fold(there) != key:
        return fold_task(run, key, skipped)
    stored = read_fold(there, plan.task.kinds)
    stored = replace(stored, trained_in=stored.trained_in or there.parent.parent.name)
    return _proposal(plan, _folds(run)[key], stored, run.instructions)


def propose_again(plan: Plan, fold: Fold, stored: FoldResult, names: bool = True, alone: bool = False) -> FoldResult:
    """A fold's result with other parameters of spotting, from its frame scores and fitted models; nothing is trained.

    Args:
        plan: of the run with those parameters, once its features are stored; what else differs from the stored run is not
            looked at.
        fold: the fold.
        stored: its frame scores and models.
        names: whether a method that recognizes names the emotion of what is spotted.
        alone: whether the method is at work in a process that knows no labels, which takes a tenth of a second; or in this one, on
            videos without any, which is enough where nothing is scored but trials.

    Raises:
        MebenchError: the method failed.
    """
    found = _proposal(plan, fold, stored, instructions_of_torch(), names, alone)
    if isinstance(found, Failure):
        raise found.error or RunError(f"fold {fold.key!r}: {found.reason}")
    return found


def _proposal(
    plan: Plan, fold: Fold, stored: FoldResult, instructions: str, names: bool = True, alone: bool = True
) -> FoldResult | Failure:
    outside = Outside(plan, fold)
    brief = outside.brief()
    nothing = tuple(replace(video, expressions=(), distractors=()) for video in brief.videos)  # nobody learns here
    what = replace(brief, videos=nothing), instructions, stored.frame_scores, stored.model, names
    found = (
        apart(plan, _proposed, what, outside, plan.config.fold_timeout) if alone else _proposed(*what, outside.answer)
    )
    return found if isinstance(found, Failure) else replace(stored, predictions=found[0], curves=found[1])


def _proposed(
    brief: Brief,
    instructions: str,
    frame_scores: Mapping[str, NDArray[np.float64]],
    model: bytes,
    names: bool,
    ask: Ask,
) -> tuple[list[Prediction], Curves]:
    """The intervals of the tested videos, and the curves in which they were found."""
    from safetensors.torch import load  # what brings PyTorch is for the process that computes them

    from mebench.runner.fitted import FittedMethod
    from mebench.runner.fold import parts_of, restore

    refuse_other_processor("a worker was given a run that", instructions, instructions_of_torch())
    plan, timings = brief.plan(ask), dict(brief.timings)
    fitted_methods = [FittedMethod(part, brief.fold, timings) for part in plan.parts()]
    restore(parts_of([fitted.method for fitted in fitted_methods]), load(model))
    spotter, namer = fitted_methods[0], fitted_methods[-1]
    found: list[Prediction] = []
    curves: Curves = {}
    for video in spotter.tested:
        spotted = spotter.propose(spotter.views.unlabelled(video), frame_scores[video.key])
        curves[video.key] = dict(spotter.method.curves)
        found += namer.named(video, spotted) if names else spotted
    for fitted in fitted_methods:
        fitted.views.close()
    return found, curves


def _inside(brief: Brief, instructions: str, ask: Ask) -> FoldResult:
    from mebench.runner.fold import inside  # there alone, for it brings PyTorch

    return inside(brief, instructions, ask)


def apart(
    plan: Plan,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    outside: Outside,
    timeout: float | None = None,
) -> Any:
    """Let a plan's methods work apart, with all that they import there already; see `mebench.runner.forks.Nursery.run`."""
    modules = [f"{plugin.module}.method" for plugin in (plan.method, plan.recognizer) if plugin is not None]
    modules += [PEAKS] if "spot" in plan.task.tasks else []
    modules += [FLOW] if {"spot", "recognize"} <= plan.task.tasks else []
    return forks.apart(
        function,
        arguments,
        outside.answer,
        plugins=plan.config.plugins,
        modules=(*IMPORTED, *modules),
        timeout=timeout,
    )


@lru_cache(maxsize=1)
def _plan_without(run: FoldSpec, skipped: frozenset[str]) -> Plan:
    plan = plan_of(run)
    refuse_other_truth(run, plan)
    return replace(plan, skipped=skipped) if skipped else plan


@lru_cache(maxsize=1)
def _folds(run: FoldSpec) -> dict[str, Fold]:
    return {fold.key: fold for fold in plan_of(run).folds}
