"""Data that an object given to `evaluate` brings along, in which labels may stand."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from mebench.api.pickling import is_installed
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import numpy as np
    import torch
else:
    np = load_lazily("numpy")
    torch = load_lazily("torch")

MOST_ENTRIES = 100
"""Entries from which on a list, tuple, set, map or array of an object is a table. Below they may be settings."""
MOST_LETTERS = 2_000
"""Letters or bytes from which on a text of an object may be a table."""
DEEPEST = 8
"""Steps from an object to what it holds that are followed."""


def carries_data(model: Any, *others: Any) -> bool:
    """Whether an object, or functions that it uses, bring data along.

    It is a table, a long text, a network with weights or a fitted estimator, at any depth; or an array of any size that
    the object holds itself. Code of installed packages is not looked at.

    >>> labels = {number: number % 3 for number in range(442)}
    >>> carries_data({"threshold": 0.5}), carries_data(labels)
    (False, True)

    Args:
        model: the object.
        others: objects beside it, such as the chains of its features; small arrays there are settings.
    """
    return _holds_array(model) or _reaches_data(model, *others)


def _holds_array(model: Any) -> bool:
    """Whether an object, an inner estimator or a function that makes it holds an array."""
    holders = [model]
    if hasattr(model, "get_params"):
        parameters = model.get_params(deep=True).values()
        holders += [part for part in parameters if not isinstance(part, Mapping | list | tuple | set | frozenset)]
    while isinstance(holders[-1], functools.partial):
        holders.append(holders[-1].func)
    return any(isinstance(part, torch.Tensor | np.ndarray) for holder in holders for part in _parts_of(holder))


def _reaches_data(*values: Any) -> bool:
    """Whether values lead to a table, a long text, a network or a fitted estimator."""
    seen = set[int]()
    edge = list(values)
    for _ in range(DEEPEST):
        if any(_is_table(value) or _is_network(value) or _is_fitted(value) for value in edge):
            return True
        reached = {id(part): part for value in edge for part in _parts_of(value)}
        edge = [part for key, part in reached.items() if key not in seen]
        seen |= reached.keys()
    return False


def _is_network(value: Any) -> bool:
    """Whether a value is a network with weights."""
    return isinstance(value, torch.nn.Module) and len(value.state_dict()) > 0


def _is_fitted(value: Any) -> bool:
    """Whether a value is an estimator that has learnt something, as `coef_` of scikit-learn."""
    if isinstance(value, type) or not hasattr(value, "fit"):
        return False
    return any(name.endswith("_") and not name.startswith("_") for name in getattr(value, "__dict__", {}))


def _is_table(value: Any) -> bool:
    """Whether a value is a long container, array or text."""
    if isinstance(value, str | bytes | bytearray):
        return len(value) >= MOST_LETTERS
    if isinstance(value, torch.Tensor | np.ndarray):
        return math.prod(value.shape) >= MOST_ENTRIES
    return isinstance(value, list | tuple | set | frozenset | Mapping) and len(value) >= MOST_ENTRIES


def _parts_of(value: Any) -> Iterator[Any]:
    """The values that a value holds or, as a function, uses."""
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif isinstance(value, functools.partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, type):
        if not _is_of_package(value):
            yield from (part for name, part in vars(value).items() if name != "__doc__")
    elif not isinstance(value, ModuleType):
        yield type(value)
        with suppress(TypeError):  # it has no attributes
            yield from vars(value).values()


def _parts_of_function(function: FunctionType) -> Iterator[Any]:
    """The values that a function of the user's own code brings along."""
    if _is_of_package(function):
        return
    codes = [*_codes_within(function.__code__)]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # it has no value yet
            yield cell.cell_contents
    used = {name for code in codes for name in code.co_names}
    yield from (value for name, value in function.__globals__.items() if name in used)
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    constants = [constant for code in codes for constant in code.co_consts]
    yield from (constant for constant in constants if constant != function.__doc__)


def _codes_within(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes_within(constant)


def _is_of_package(thing: Any) -> bool:
    """Whether a class or function belongs to an installed package, to Python, or to mebench."""
    name = str(getattr(thing, "__module__", None) or "builtins")
    module = sys.modules.get(name)
    if module is None or name == "__main__":
        return False
    return name.partition(".")[0] == "mebench" or is_installed(module)
