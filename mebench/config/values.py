"""Values: from text or YAML to the types that their keys ask for, and back to plain data. Pydantic types, the sentences are ours."""

from __future__ import annotations

import difflib
import json
import os
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Required, Union, get_args, get_origin

import yaml

from mebench.errors import ConfigError, unknown

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Raw = dict[str, tuple[Any, str]]
"""Values not typed yet by key, each with its origin."""
NULLS = frozenset({"", "~", "null", "none"})
"""How text says None, in small letters."""

_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_NAMES = {bool: "true or false", int: "an int", float: "a float", str: "text", Path: "a path", Any: "anything"}
_NAMES |= {types.NoneType: "null"}
_HOLD: Mapping[Any, tuple[Any, ...]] = {
    tuple: (Any, ...),
    list: (Any,),
    set: (Any,),
    frozenset: (Any,),
    dict: (str, Any),
}
"""What a collection holds whose type does not say it."""
_FOLDERS = frozenset({"runs", "cache", "root", "annotations"})
_MEANT = {
    "k": "folds",
    "n_splits": "folds",
    "n_jobs": "workers",
    "gpus": "devices",
    "device": "accelerator",
    "random_state": "seed",
    "learning_rate": "lr",
    "path": "root",
    "folder": "root",
}
"""What other programs call our keys, where the letters are too different to tell."""


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
    return _validated({"value": value}, {"value": _reader(hint)})["value"]


def typed(raw: Raw, hints: Mapping[str, Any], needed: Collection[str] = ()) -> dict[str, Any]:
    """The values by key, each of the type that `hints` gives its key; folders without `~`.

    Raises:
        ConfigError: a key is unknown, a value has another type, or one of the `needed` keys is missing.
    """
    from pydantic import AfterValidator, ValidationError

    fields = {key: _reader(hint) for key, hint in hints.items()}
    fields |= {k: Annotated[t, AfterValidator(_folder)] for k, t in fields.items() if k.rpartition(".")[2] in _FOLDERS}
    fields |= {key: Required[fields[key]] for key in needed}
    try:
        return _validated({key: value for key, (value, _) in raw.items()}, fields)
    except ValidationError as error:
        # An unknown key comes first: it may be what a missing one was meant to be.
        first = min(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", e["type"] == "missing"))
        raise ConfigError(_sentence(first, raw, hints)) from None


def expected(hint: Any) -> str:
    """What a value of a type looks like, in words.

    >>> expected(float), expected(int | None), expected(tuple[Literal["micro", "macro"], ...])
    ('a float', 'an int or null', 'a list of micro|macro')
    """
    origin, args = get_origin(hint) or hint, get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(map(expected, args))
    if origin is Literal:
        return "|".join(map(str, args))
    if origin is dict:
        return "a map"
    if origin in _HOLD:
        items = [expected(arg).removeprefix("an ").removeprefix("a ") for arg in args if arg is not Ellipsis]
        if origin is tuple and args and Ellipsis not in args:
            return f"a list of {len(items)}: [{', '.join(items)}]"
        return f"a list of {items[0]}" if items else "a list"
    return _NAMES.get(hint, str(hint))


def choices(hint: Any) -> tuple[str, ...]:
    """The few values that a type allows, as text; empty for an open type."""
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(choice for arg in get_args(hint) for choice in choices(arg))
    if get_origin(hint) is Literal:
        return tuple(map(str, get_args(hint)))
    return ("true", "false") if hint is bool else ()


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: lists for tuples, text for paths, sets sorted.

    >>> plain({"sizes": (1, 2.5), "root": Path("/data"), "kinds": frozenset({"micro", "macro"})})
    {'sizes': [1, 2.5], 'root': '/data', 'kinds': ['macro', 'micro']}
    """
    return json.loads(json.dumps(value, default=lambda v: sorted(v) if isinstance(v, Set) else os.fspath(v)))


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The key that was meant, by its last part (`p` for `method.p`) or by what it means (`k` for `folds`), and those beside it.

    >>> unknown_key("protocol.k", ["protocol.folds", "protocol.seed", "method.k"])
    "unknown key 'protocol.k'. Did you mean 'protocol.folds'? Known: protocol.folds, protocol.seed."
    """
    section, _, name = key.rpartition(".")
    every = {k.rpartition(".")[2]: k for k in sorted(known, reverse=True)}
    beside = {k.rpartition(".")[2]: k for k in sorted(known) if k.rpartition(".")[0] == section} or every
    close = [names[match] for names in (beside, every) for match in difflib.get_close_matches(name, names, n=1)]
    near = next(filter(None, [beside.get(_MEANT.get(name, name)), every.get(name), *close]), None)
    hint = f" Did you mean {near!r}?" if near else ""
    return f"unknown key {key!r}.{hint} Known: {', '.join(sorted(beside.values()))}."


def _validated(values: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Strict: what YAML or JSON holds must have the type as it is; only text is read, by what `_reader` puts before a type."""
    from pydantic import ConfigDict, TypeAdapter, with_config
    from typing_extensions import TypedDict

    strict = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    schema = with_config(strict)(TypedDict("Values", dict(fields), total=False))  # type: ignore[operator]
    return TypeAdapter[dict[str, Any]](schema).validate_python(values)


def _reader(hint: Any) -> Any:
    """The type for pydantic, and before it what makes the type of text."""
    from pydantic import BeforeValidator, Field, Strict

    origin, args = get_origin(hint) or hint, get_args(hint) or _HOLD.get(hint, ())
    read = _READ.get(origin)
    if origin is Literal:
        return Annotated[hint, BeforeValidator(lambda value: _choice(value, args))]
    if origin in (Union, types.UnionType):
        # Null comes first, and text last, because it takes everything.
        ordered = sorted(args, key=lambda arg: (arg in (str, Path), arg is not types.NoneType))
        hint = Annotated[Union[tuple(map(_reader, ordered))], Field(union_mode="left_to_right")]  # noqa: UP007
    elif origin in _HOLD:
        hint = Annotated[
            origin[tuple(map(_reader, args))] if args else hint, Strict(False)
        ]  # a tuple takes YAML's list
    return (
        Annotated[hint, BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)]
        if read
        else hint
    )


def _yaml(text: str, loader: Any = yaml.BaseLoader) -> Any:
    """What text holds; its scalars stay text, since their types are known later."""
    try:
        return yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise ValueError(text) from error


def _items(text: str) -> list[Any]:
    """A list; a single text counts as a list of one."""
    items = _yaml(text)
    return items if isinstance(items, list) else [text]


_READ: Mapping[Any, Callable[[str], Any]] = {
    bool: lambda text: _BOOLS.get(text.lower(), text),
    types.NoneType: lambda text: None if text.lower() in NULLS else text,
    int: int,
    float: float,
    Path: Path,
    Any: lambda text: _yaml(text, yaml.SafeLoader),
    dict: _yaml,
    **dict.fromkeys((tuple, list, set, frozenset), _items),
}


def _choice(value: Any, allowed: tuple[Any, ...]) -> Any:
    """1 is not true, which Python calls equal."""
    same = [choice for choice in allowed if value == str(choice) or (type(value) is type(choice) and value == choice)]
    if not same:
        raise ValueError(value)
    return same[0]


def _folder(path: Any) -> Any:
    if path == "":
        raise ValueError(path)
    return str(Path(path).expanduser()) if isinstance(path, str) else path


def _sentence(error: ErrorDetails, raw: Raw, hints: Mapping[str, Any]) -> str:
    key = str(error["loc"][0])
    if error["type"] == "missing":
        return f"{key} has no value: add {key}=... ({expected(hints[key])})"
    value, origin = raw[key]
    if error["type"] == "extra_forbidden":
        return f"{unknown_key(key, hints)} ({origin})"
    if value == "" and key.rpartition(".")[2] in _FOLDERS:
        return f"{key} is empty: name a folder, or leave {key}= out ({origin})"
    few = choices(hints[key])
    near = isinstance(value, str) and len(few) > 2
    return f"{unknown(key, value, few) if near else f'{key} must be {expected(hints[key])}, not {value!r}'} ({origin})"
