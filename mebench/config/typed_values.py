"""Values from text or YAML become typed values, and plain data again."""

from __future__ import annotations

import difflib
import json
import os
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Required, Union, get_args, get_origin

import yaml
from typing_extensions import TypedDict

from mebench.errors import ConfigError, nearest_names, unknown
from mebench.files import Plain, Text, load_yaml
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import pydantic
else:
    pydantic = load_lazily("pydantic")

Raw = dict[str, tuple[Any, str]]
"""Values not typed yet by key, each with its origin."""
COMMAND_LINE = "command line"
"""Origin of values from words."""
ARGUMENT = "argument"
"""Origin of values from Python."""
NULLS = frozenset({"", "~", "null", "none"})
"""Words for None, in small letters."""

_BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_TYPE_NAMES = {
    bool: "true or false",
    int: "an int",
    float: "a float",
    str: "text",
    Path: "a path",
    Any: "anything",
    types.NoneType: "null",
    dict: "a map",
}
_LISTS = (tuple, list, set, frozenset)
_ITEM_TYPES: Mapping[Any, tuple[Any, ...]] = {**dict.fromkeys(_LISTS, (Any,)), tuple: (Any, ...), dict: (str, Any)}
"""The item types of a collection for which none are declared."""
_WRAPPERS = (Union, types.UnionType, Required)
"""Types that wrap other types."""
PLACES_OF_DATASETS = frozenset({"root", "annotations", "openface"})
"""Parameters of datasets that name a file or folder."""
_FOLDERS = PLACES_OF_DATASETS | {"runs", "cache"}
_OUR_NAMES = {
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
"""Names of our keys in other programs that are too different for a match by letters."""


def convert_value(value: Any, hint: Any) -> Any:
    """`value` as the type `hint`.

    Text is read by the expected type: a `str` keeps it, so a folder `007` stays `007` and `/data/CAS(ME)^2/raw` needs
    no quotes; numbers, truth values, lists and maps are read as YAML (`1e-3` is a float, too). Nothing is rounded: 3.0
    is no int and `true` no number.

    Raises:
        ValueError: the value does not fit.

    >>> convert_value("007", str), convert_value("007", int), convert_value("[1, 2]", tuple[float, ...]), convert_value("null", int | None)
    ('007', 7, (1.0, 2.0), None)
    """
    return _adapter((("value", hint),), str(hint)).validate_python({"value": value})["value"]


def type_values(raw: Raw, hints: Mapping[str, Any]) -> dict[str, Any]:
    """The values by key, each converted to its type in `hints`; folders without `~`.

    Raises:
        ConfigError: a key is unknown, a `Required` key has no value, or a value has another type.
    """
    try:
        return _adapter(tuple(hints.items()), str(hints)).validate_python(
            {key: value for key, (value, _) in raw.items()}
        )
    except pydantic.ValidationError as error:
        wrong = [str(details["loc"][0]) for details in error.errors()]
        unknown_keys = [key for key in wrong if key not in hints]
        set_keys = [key for key in wrong if key in raw]
        # An unknown key comes first: it may be a misspelt missing one, which comes last.
        first = (unknown_keys or set_keys or wrong)[0]
        raise ConfigError(_refusal(first, raw, hints), settings=[first]) from None


def describe_type(hint: Any) -> str:
    """The expected form of a value of a type, in words.

    >>> describe_type(float), describe_type(int | None), describe_type(tuple[Literal["micro", "macro"], ...])
    ('a float', 'an int or null', 'a list of micro|macro')
    """
    origin = get_origin(hint) or hint
    args = get_args(hint)
    if origin in _WRAPPERS:
        return " or ".join(map(describe_type, args))
    if origin is Literal:
        return "|".join(map(str, args))
    items = [describe_type(arg).removeprefix("an ").removeprefix("a ") for arg in args if arg is not Ellipsis]
    if origin is tuple and args and Ellipsis not in args:
        return f"a list of {len(items)}: [{', '.join(items)}]"
    if origin in _LISTS:
        return f"a list of {items[0]}" if items else "a list"
    return _TYPE_NAMES.get(origin, str(hint))


def allowed_values(hint: Any) -> tuple[str, ...]:
    """The allowed values of a type, as text; empty for an open type."""
    if get_origin(hint) in _WRAPPERS:
        return tuple(choice for arg in get_args(hint) for choice in allowed_values(arg))
    if get_origin(hint) is Literal:
        return tuple(map(str, get_args(hint)))
    return ("true", "false") if hint is bool else ()


def to_plain(value: Any) -> Any:
    """`value` as plain data for JSON: tuples, ranges and arrays become lists, paths text, sets sorted lists.

    >>> to_plain({"sizes": (1, 2.5), "root": Path("/data"), "kinds": frozenset({"micro", "macro"})})
    {'sizes': [1, 2.5], 'root': '/data', 'kinds': ['macro', 'micro']}
    """
    return json.loads(json.dumps(value, default=_simpler))


def _simpler(value: Any) -> Any:
    """A value that JSON lacks, in its terms.

    Raises:
        TypeError: it has none.
    """
    if hasattr(value, "tolist"):  # of NumPy or pandas
        return value.tolist()
    if isinstance(value, Set):
        return sorted(value)
    if isinstance(value, range):
        return list(value)
    return os.fspath(value)


def unknown_key(key: str, known: Iterable[str]) -> str:
    """A sentence with the probable key and similar ones.

    The probable key has the same last part (`p` for `method.p`) or meaning (`k` for `folds`), or similar letters.

    >>> unknown_key("protocol.k", ["protocol.folds", "protocol.seed", "method.k"])
    "unknown key 'protocol.k'. Did you mean 'protocol.folds'? Known: protocol.folds, protocol.seed."
    >>> unknown_key("method.spot_epochs", ["method.epochs_spot", "method.epochs"])
    "unknown key 'method.spot_epochs'. Did you mean 'method.epochs_spot'? Known: method.epochs, method.epochs_spot."
    >>> unknown_key("spot_epochs", ["method.epochs_spot", "seed"])
    "unknown key 'spot_epochs'. Did you mean 'method.epochs_spot'? Known: seed."
    """
    section, _, name = key.rpartition(".")
    known = sorted(known)
    nearby = [k for k in known if k.rpartition(".")[0] == section]
    if section in known and not nearby:
        names_plugin = section in ("method", "dataset", "protocol")
        hint = f": mebench info NAME shows those of another {section}" if names_plugin else ""
        return f"unknown key {key!r}: {section} has no parameters here{hint}"
    nearby = nearby or [k for k in known if "." not in k]
    by_name = _by_last_part(nearby)
    every = _by_last_part(known)
    near = _nearest_of(name, by_name, every)
    hint = f" Did you mean {near!r}?" if near else ""
    if section == "protocol" and near not in nearby:
        hint = " mebench info NAME shows those of another protocol."
    others = nearby
    if len(nearby) > MOST_KEYS:
        nearest = sorted(by_name, key=lambda n: (-difflib.SequenceMatcher(None, name, n).ratio(), n))
        others = sorted(by_name[n] for n in nearest[:MOST_KEYS])
    more = f" and {len(nearby) - len(others)} more" if len(others) < len(nearby) else ""
    return f"unknown key {key!r}.{hint} Known: {', '.join(others)}{more}."


def nearest_key(key: str, known: Iterable[str]) -> str | None:
    """The key that an unknown key without a section probably means, or None.

    >>> nearest_key("epochs", ["method.epochs_spot", "seed"]), nearest_key("max_epochs", ["method.p", "seed"])
    ('method.epochs_spot', None)
    """
    keys = sorted(known)
    return _nearest_of(key, _by_last_part([k for k in keys if "." not in k]), _by_last_part(keys))


def _by_last_part(keys: Sequence[str]) -> dict[str, str]:
    """Keys by their last part; of several with one last part the first."""
    return {key.rpartition(".")[2]: key for key in reversed(keys)}


def _nearest_of(name: str, nearby: Mapping[str, str], every: Mapping[str, str]) -> str | None:
    """The key that a wrong name probably means, or None.

    Args:
        name: last part of the wrong key.
        nearby: keys of the same section by their last parts.
        every: keys of all sections by their last parts.
    """
    by_words = {_sorted_words(n): key for n, key in {**every, **nearby}.items()}
    words = set(name.split("_"))
    longer = [key for n, key in {**every, **nearby}.items() if words < set(n.split("_"))]
    likely = [
        nearby.get(_OUR_NAMES.get(name, name)),
        by_words.get(_sorted_words(name)),
        every.get(name),
        *(nearby[n] for n in nearest_names(name, nearby, 0.85)),
        *sorted(longer, key=lambda key: (not key.startswith("method."), len(key), key)),
        *(nearby[n] for n in nearest_names(name, nearby)),
        *(every[n] for n in nearest_names(name, every, 0.8)),
    ]
    return next((key for key in likely if key), None)


def _sorted_words(name: str) -> str:
    """The words of a name in alphabetical order: `epochs_spot` and `spot_epochs` give the same."""
    return " ".join(sorted(name.split("_")))


MOST_KEYS = 8
"""Number of similar keys that a message names."""


@lru_cache(maxsize=64)
def _adapter(hints: tuple[tuple[str, Any], ...], order_of_types: str) -> pydantic.TypeAdapter[dict[str, Any]]:
    """A validator for these keys: values of YAML and JSON must have the right type; only text is converted.

    Args:
        hints: keys and their types.
        order_of_types: the types as text, which only the cache reads: `int | float` equals `float | int`, and yet the first
            type that takes a text wins.
    """
    fields = {}
    for key, hint in hints:
        names_folder = key.rpartition(".")[2] in _FOLDERS
        fields[key] = Annotated[_reader(hint), pydantic.AfterValidator(_folder)] if names_folder else _reader(hint)
    settings = pydantic.ConfigDict(extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)
    return pydantic.TypeAdapter(pydantic.with_config(settings)(TypedDict("Values", fields, total=False)))  # type: ignore[operator]


def _reader(hint: Any) -> Any:
    """The type for pydantic; text is first converted by `_READERS`."""
    origin = get_origin(hint) or hint
    args = get_args(hint) or _ITEM_TYPES.get(origin, ())
    if origin is Required:
        return Required[_reader(args[0])]
    if origin is Literal:
        return Annotated[hint, pydantic.BeforeValidator(lambda value: _choice(value, args))]
    strict = _strict_type(hint, origin, args)
    read = _READERS.get(origin)
    if read is None:
        return strict
    return Annotated[strict, pydantic.BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)]


def _strict_type(hint: Any, origin: Any, args: tuple[Any, ...]) -> Any:
    """The type for pydantic, which converts no value.

    Args:
        hint: the type.
        origin: the type without its arguments.
        args: its arguments, or those of `_ITEM_TYPES`.
    """
    if origin in (Union, types.UnionType):
        # Null comes first, and text last, because it takes everything.
        ordered = sorted(args, key=lambda arg: (arg in (str, Path), arg is not types.NoneType))
        return Annotated[Union[tuple(map(_reader, ordered))], pydantic.Field(union_mode="left_to_right")]  # noqa: UP007
    if origin in _ITEM_TYPES:
        return origin[tuple(map(_reader, args))]
    if origin in (bool, int, float, str):
        return Annotated[hint, pydantic.Strict()]
    return hint


def _yaml(text: str, loader: Any = Text) -> Any:
    """Parse YAML text; scalars stay text, since their types are known later."""
    try:
        return load_yaml(text, loader)
    except yaml.YAMLError as error:
        raise ValueError(text) from error


def _list_of_text(text: str) -> list[Any]:
    """The list that a text writes; a single value counts as a list of one."""
    items = _yaml(text)
    return items if isinstance(items, list) else [text]


_READERS: Mapping[Any, Callable[[str], Any]] = {
    bool: lambda text: _BOOLS.get(text.lower(), text),
    types.NoneType: lambda text: None if text.lower() in NULLS else text,
    int: int,
    float: float,
    Any: lambda text: _yaml(text, Plain),
    dict: _yaml,
    **dict.fromkeys(_LISTS, _list_of_text),
}
"""Function from text to a value of each type."""


def _choice(value: Any, allowed: tuple[Any, ...]) -> Any:
    """Compare strictly: unlike in Python, 1 is not `True`."""
    same = [choice for choice in allowed if value == str(choice) or (type(value) is type(choice) and value == choice)]
    if not same:
        raise ValueError(value)
    return same[0]


def _folder(path: Any) -> Any:
    if path == "":
        raise ValueError(path)
    return str(Path(path).expanduser()) if isinstance(path, str) else path


def _refusal(key: str, raw: Raw, hints: Mapping[str, Any]) -> str:
    """The reason why a key is refused."""
    if key not in raw:
        return f"{key} has no value: add {key}=... ({describe_type(hints[key])})"
    value, origin = raw[key]
    if key not in hints:
        return f"{unknown_key(key, hints)} ({origin})"
    if value == "" and key.rpartition(".")[2] in _FOLDERS:
        return f"{key} is empty: name a folder, or leave {key}= out ({origin})"
    allowed = allowed_values(hints[key])
    if isinstance(value, str) and len(allowed) > 2:
        return f"{unknown(key, value, allowed)} ({origin})"
    expected = describe_type(hints[key])
    has_decimal_comma = "float" in expected and re.fullmatch(r"-?\d+,\d+", str(value))
    advice = ", with a point for decimals" if has_decimal_comma else ""
    return f"{key} must be {expected}{advice}, not {value!r} ({origin})"
