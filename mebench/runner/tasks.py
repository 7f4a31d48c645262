"""What worker processes do with a fold."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from mebench.core import Fold
from mebench.runner import forks, inputs
from mebench.runner.fold import FoldResult, inside, with_spotted
from mebench.runner.inputs import REMEMBERED, Spec, config_of, instructions_of_folds, refuse_other_inputs
from mebench.runner.outside import Outside
from mebench.runner.plan import Plan, make_plan
from mebench.runner.workers import Failure

IMPORTED = ("mebench.runner.fold", "mebench.training", "safetensors.torch")
"""What every fold imports."""
PEAKS = "scipy.signal"
"""What takes a second where a fold finds peaks."""
FLOW = "mebench.features.tvl1:ready"
"""What takes a second where a fold computes features: clips that it has spotted itself have none in the store."""


def spec_of(plan: Plan) -> Spec:
    """What workers are told of a plan, to fit its folds."""
    return inputs.spec_of(plan.config, plan.dataset, instructions_of_folds())


@lru_cache(maxsize=REMEMBERED)
def plan_of(spec: Spec) -> Plan:
    """The plan of a run, made once in each worker.

    Raises:
        RunError: it comes out of other inputs than the run's.
    """
    config = config_of(spec, instructions_of_folds())
    forks.warm(config.plugins, IMPORTED)  # beside what is imported here
    plan = make_plan(config)
    refuse_other_inputs(spec, plan.config, plan.dataset)
    return plan


def fold_task(spec: Spec, key: str, skipped: frozenset[str]) -> FoldResult | Failure:
    """Fit and predict one fold.

    Args:
        spec: of the run.
        key: of the fold.
        skipped: keys of the videos without a face.

    Returns:
        what the fold leaves, or why it does not.

    Raises:
        RunError: this process finds other inputs than the run was planned with.
    """
    return execute_apart(_plan_without(spec, skipped), _folds(spec)[key])


def execute_apart(plan: Plan, fold: Fold) -> FoldResult | Failure:
    """Fit and predict one fold in a process that ends with it and has never seen the labels that this one knows."""
    outside = Outside(plan, fold)
    result = apart(plan, inside, (outside.brief(),), outside, plan.config.fold_timeout)
    return result if isinstance(result, Failure) else with_spotted(result, outside)


def apart(
    plan: Plan,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    outside: Outside,
    timeout: float | None = None,
) -> Any:
    """Let a plan's methods work apart, with all that they import there already; see `mebench.runner.forks.Nursery.run`."""
    modules = [method.__module__ for method in (plan.method_class, plan.recognizer_class) if method is not None]
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
def _plan_without(spec: Spec, skipped: frozenset[str]) -> Plan:
    plan = plan_of(spec)
    return replace(plan, skipped=skipped) if skipped else plan


@lru_cache(maxsize=1)
def _folds(spec: Spec) -> dict[str, Fold]:
    return {fold.key: fold for fold in plan_of(spec).folds}
