"""What worker processes do with a fold."""

import gc
import importlib
import re
import sys
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path

from mebench.core import Fold, Method
from mebench.runner import inputs
from mebench.runner.fold import FoldResult, execute
from mebench.runner.inputs import REMEMBERED, Spec, config_of, instructions_of_folds, refuse_other_inputs
from mebench.runner.plan import Plan, make_plan

_PLUGINS = "mebench.methods."


def without_memory(plan: Plan) -> Plan:
    """The same run with its methods imported anew.

    A worker executes many folds. A method that notes in a module or a class what it has seen in one of them would know
    subjects of the next, so each fold begins with fresh modules; what the rest of the program holds stays as it was.
    """
    recognizer = plan.recognizer_class
    return replace(
        plan,
        method_class=_fresh(plan.method_class),
        recognizer_class=None if recognizer is None else _fresh(recognizer),
    )


def _fresh(method: type[Method]) -> type[Method]:
    """The class from modules of its plugin that nobody has used yet."""
    if not method.__module__.startswith(_PLUGINS):
        return method
    package = ".".join(method.__module__.split(".")[:3])
    parent, _, child = package.rpartition(".")
    used = {name: sys.modules.pop(name) for name in list(sys.modules) if f"{name}.".startswith(f"{package}.")}
    try:
        found: object = importlib.import_module(method.__module__)
        for part in method.__qualname__.split("."):
            found = getattr(found, part)
    finally:
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
            del sys.modules[name]
        sys.modules.update(used)
        if package in used:
            setattr(sys.modules[parent], child, used[package])
    return found  # type: ignore[return-value]


STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def spec_of(plan: Plan) -> Spec:
    """What workers are told of a plan, to fit its folds."""
    return inputs.spec_of(plan.config, plan.dataset, instructions_of_folds())


@lru_cache(maxsize=REMEMBERED)
def plan_of(spec: Spec) -> Plan:
    """The plan of a run, made once in each worker.

    Raises:
        RunError: it comes out of other inputs than the run's.
    """
    plan = make_plan(config_of(spec, instructions_of_folds()))
    refuse_other_inputs(spec, plan.config, plan.dataset)
    return plan


def fold_task(spec: Spec, key: str, skipped: frozenset[str]) -> FoldResult:
    """Fit and predict one fold.

    Args:
        spec: of the run.
        key: of the fold.
        skipped: keys of the videos without a face.

    Raises:
        RunError: this process finds other inputs than the run was planned with.
    """
    plan = _plan_without(spec, skipped)
    # The peak of this process begins anew, so that each fold has its own; Linux alone can do that.
    with suppress(OSError):
        RESET.write_text("5")
    result = execute(without_memory(plan), _folds(spec)[key])
    peak = _peak_mib()
    # What a fold left in circles, such as Lightning's Trainer and its samples, is some megabytes, which Python itself gets
    # round to only after many folds. What the first fold imported stays for good and is not looked through again.
    gc.collect()
    _freeze_once()
    return result if peak is None else replace(result, costs={**result.costs, "peak_memory_mib": peak})


@lru_cache(maxsize=1)
def _plan_without(spec: Spec, skipped: frozenset[str]) -> Plan:
    plan = plan_of(spec)
    return replace(plan, skipped=skipped) if skipped else plan


@lru_cache(maxsize=1)
def _folds(spec: Spec) -> dict[str, Fold]:
    return {fold.key: fold for fold in plan_of(spec).folds}


@cache
def _freeze_once() -> None:
    gc.freeze()  # asking how much is frozen would count it, one by one


def _peak_mib() -> float | None:
    with suppress(OSError):
        found = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else None
    return None
