"""One value: from text or YAML to the type that its key asks for, and back to plain data."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import yaml

_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NULLS = {"", "~", "null", "none"}
_SEQUENCES: dict[Any, Any] = {tuple: tuple, list: list, set: set, frozenset: frozenset}
_NAMES = {bool: "true or false", int: "an int", float: "a float", str: "text", Path: "a path", Any: "anything"}


def convert(value: Any, hint: Any) -> Any:
    """`value` as the type `hint`.

    Text is read by the type that waits for it: a `str` takes it as it stands, so a folder called `007` stays one and
    `/data/CAS(ME)^2/raw` needs no quotes; numbers, truth values, lists and maps read it as YAML does (`1e-3` is a float
    too). Nothing is rounded: 3.0 is no int and `true` no number.

    Raises:
        ValueError: it is none.

    >>> convert("007", str), convert("007", int), convert("[1, 2]", tuple[float, ...]), convert("null", int | None)
    ('007', 7, (1.0, 2.0), None)
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _first(value, args)
    if origin is Literal:
        return _choice(value, args)
    if origin in _SEQUENCES or hint in _SEQUENCES:
        return _sequence(value, origin or hint, args)
    if origin is dict or hint is dict:
        return _map(value, args)
    if hint is Any:
        return yaml.safe_load(value) if isinstance(value, str) else value
    return _scalar(value, hint)


def expected(hint: Any) -> str:
    """What a value of a type looks like, in words.

    >>> expected(float), expected(int | None), expected(tuple[Literal["micro", "macro"], ...])
    ('a float', 'an int or null', 'a list of micro|macro')
    """
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if a is types.NoneType else expected(a) for a in args)
    if origin is Literal:
        return "|".join(map(str, args))
    if origin in _SEQUENCES:
        items = [expected(a).removeprefix("an ").removeprefix("a ") for a in args if a is not Ellipsis]
        if origin is tuple and Ellipsis not in args:
            return f"a list of {len(items)}: [{', '.join(items)}]"
        return f"a list of {items[0]}"
    if hint in _SEQUENCES:
        return "a list"
    if origin is dict or hint is dict:
        return "a map"
    return _NAMES.get(hint, str(hint))


def choices(hint: Any) -> tuple[str, ...]:
    """The few values that a type allows, as text; empty for an open type."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return tuple(c for a in args for c in choices(a))
    if origin is Literal:
        return tuple(map(str, args))
    return ("true", "false") if hint is bool else ()


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: lists for tuples, text for paths."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain(v) for v in value)
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _first(value: Any, hints: tuple[Any, ...]) -> Any:
    """The first type that takes the value; text last, because it takes everything."""
    if types.NoneType in hints and (value is None or (isinstance(value, str) and value.lower() in _NULLS)):
        return None
    for hint in sorted(hints, key=lambda h: h in (str, Path)):
        if hint is not types.NoneType:
            try:
                return convert(value, hint)
            except ValueError:
                continue
    raise ValueError(value)


def _choice(value: Any, allowed: tuple[Any, ...]) -> Any:
    for choice in allowed:
        same = type(value) is type(choice) and value == choice
        if same or (isinstance(value, str) and value == str(choice)):
            return choice
    raise ValueError(value)


def _read(text: str) -> Any:
    """Text as YAML whose scalars stay text, since their types are known later."""
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(text) from error


def _sequence(value: Any, kind: Any, hints: tuple[Any, ...]) -> Any:
    """A list; a single text counts as a list of one."""
    items = _read(value) if isinstance(value, str) else value
    if isinstance(value, str) and not isinstance(items, list):
        items = [value]
    if not isinstance(items, list | tuple):
        raise ValueError(value)
    if kind is tuple and hints and Ellipsis not in hints:
        if len(hints) != len(items):
            raise ValueError(value)
        return tuple(convert(item, hint) for item, hint in zip(items, hints))
    return _SEQUENCES[kind](convert(item, hints[0] if hints else Any) for item in items)


def _map(value: Any, hints: tuple[Any, ...]) -> dict[Any, Any]:
    items = _read(value) if isinstance(value, str) else value
    if not isinstance(items, Mapping):
        raise ValueError(value)
    key, item = hints or (str, Any)
    return {convert(k, key): convert(v, item) for k, v in items.items()}


def _scalar(value: Any, hint: Any) -> Any:
    if hint is bool:
        if isinstance(value, str) and value.lower() in _BOOLS:
            return _BOOLS[value.lower()]
    elif isinstance(value, bool):
        raise ValueError(value)
    elif hint is int and isinstance(value, str):
        return int(value)
    elif hint is float and isinstance(value, int | float | str):
        special = isinstance(value, str) and value.lower().lstrip("+-") in (".inf", ".nan")
        number = float(value.replace(".", "") if special and isinstance(value, str) else value)
        if not math.isfinite(number):
            raise ValueError(value)
        return number
    elif hint is Path and isinstance(value, str):
        return Path(value)
    if not isinstance(hint, type) or not isinstance(value, hint):
        raise ValueError(value)
    return value
