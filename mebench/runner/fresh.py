"""A method without memory: what an earlier fold left in its modules would be a leak into the next."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace

from mebench.core.method import Method
from mebench.runner.plan import Plan

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
