"""What is tuned: the `search` maps of the plugins and the words of the command line, checked before any work is done.

A map of `config.yaml` gives each parameter its range or its choices, and says when it acts:

    search:
      p: {low: 0.05, high: 0.95, acts: postprocess}
      lr: {low: 0.0001, high: 0.01, log: true}
      flow: {choices: [tvl1, farneback], acts: features}

`postprocess` acts on stored frame scores alone, after the network; `training` (the default) on fitting; `features` on what
is fitted to.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin

import yaml

from mebench import registry
from mebench.config import RunConfig
from mebench.config.parts import keys
from mebench.config.values import choices as choices_of
from mebench.config.values import convert, expected, plain
from mebench.errors import ConfigError, unknown

Acts = Literal["postprocess", "training", "features"]
ACTS: tuple[Acts, ...] = get_args(Acts)
_ENTRY = ("low", "high", "log", "step", "choices", "acts")
_PARTS = ("method", "recognizer")


@dataclass(frozen=True)
class Dimension:
    """One parameter and where it is searched.

    Attributes:
        key: as `run` takes it: `method.p`.
        acts: when it acts.
        default: its value in the configuration, the choice that stands for it, or None where the space lacks it.
        low: smallest value, inclusive; None for choices.
        high: largest value, inclusive.
        log: whether values are drawn on a logarithmic scale.
        step: distance of two values from `low` on, or None for all between.
        whole: whether values are whole numbers.
        choices: the values to choose from, as the configuration holds them; empty for a range.
    """

    key: str
    acts: Acts
    default: Any = None
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    whole: bool = False
    choices: tuple[Any, ...] = ()

    def contains(self, value: Any) -> bool:
        """Whether the value lies in the range or among the choices; a step counts from `low`."""
        if self.choices:
            return any(type(value) is type(choice) and value == choice for choice in self.choices)
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def encoded(self, value: Any) -> Any:
        """A value as a database can keep it: lists and maps as text."""
        return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)

    def decoded(self, stored: Any) -> Any:
        """The value that `encoded` made this of."""
        return next((choice for choice in self.choices if self.encoded(choice) == stored), stored)

    def describe(self) -> str:
        """The range in words.

        >>> Dimension("method.lr", "training", low=1e-5, high=1e-2, log=True).describe()
        '1e-05 to 0.01, log'
        """
        if self.choices:
            return " | ".join(map(_text, self.choices))
        step = "" if self.step is None else f", step {self.step:g}"
        return f"{self.low:g} to {self.high:g}{step}{', log' if self.log else ''}"


@dataclass(frozen=True)
class Space:
    """The parameters of a study.

    Attributes:
        dimensions: sorted by key.
    """

    dimensions: tuple[Dimension, ...]

    @property
    def free(self) -> bool:
        """Whether all act on stored frame scores, so that no trial trains."""
        return all(d.acts == "postprocess" for d in self.dimensions)

    @property
    def reuses(self) -> bool:
        """Whether some act on stored frame scores."""
        return any(d.acts == "postprocess" for d in self.dimensions)

    def default(self) -> dict[str, Any] | None:
        """The configuration's own values, or None if one of them lies outside."""
        values = {d.key: d.default for d in self.dimensions}
        return values if all(d.contains(d.default) for d in self.dimensions) else None

    def decoded(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the configuration holds them, from those that the storage holds."""
        known = {d.key: d for d in self.dimensions}
        return {key: known[key].decoded(value) for key, value in stored.items() if key in known}

    def trained(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values that act before frame scores are there."""
        return {d.key: values[d.key] for d in self.dimensions if d.acts != "postprocess"}

    def plain(self) -> dict[str, dict[str, Any]]:
        """For JSON: what must agree for two processes to work on one study."""
        return {
            d.key: {"acts": d.acts, "choices": list(d.choices)}
            if d.choices
            else {"acts": d.acts, "low": d.low, "high": d.high, "log": d.log, "step": d.step}
            for d in self.dimensions
        }


def with_values(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """A configuration with other values of some parameters.

    Raises:
        ConfigError: the values do not go together.
    """
    from mebench.config import from_plain

    changed = {part: dict(value) if isinstance(value, Mapping) else value for part, value in config.values.items()}
    for key, value in values.items():
        part, _, name = key.partition(".")
        changed[part][name] = value
    return from_plain(changed, config.origins | dict.fromkeys(values, "tuned"))


def read_space(config: RunConfig, words: Sequence[str] = (), acts: Sequence[str] = ()) -> Space:
    """The space of a study.

    Args:
        config: names the method, the recognizer if there is one, and the value of every parameter.
        words: `p`, a parameter of the plugin's map; or `lr={low: 1e-5, high: 1e-2, log: true}`, which replaces or adds one.
            `recognizer.c` is one of the recognizer. None takes the whole maps.
        acts: only parameters that act so; none takes all.

    Raises:
        ConfigError: an unknown parameter, an empty range, a logarithmic scale that begins at zero, no parameter at all …
    """
    for act in acts:
        if act not in ACTS:
            raise ConfigError(f"--acts: {unknown('stage', act, ACTS)}")
    maps = _maps(config)
    chosen = dict(_word(word, config, maps) for word in words) if words else maps
    dimensions = [_dimension(config, key, entry, where) for key, (entry, where) in sorted(chosen.items())]
    kept = tuple(d for d in dimensions if not acts or d.acts in acts)
    if not kept:
        raise ConfigError(_nothing(config, maps, acts))
    return Space(kept)


_Entry = tuple[Any, str]
"""What a map says of a parameter, and where it stands."""


def _maps(config: RunConfig) -> dict[str, _Entry]:
    """The search maps of method and recognizer by key."""
    found: dict[str, _Entry] = {}
    for part in _PARTS:
        id_ = getattr(config, part)
        if id_ is not None:
            info = registry.find("method", id_)
            for name, entry in info.section("search").items():
                found[f"{part}.{name}"] = entry, f"{info.where}/config.yaml: search.{name}"
    return found


def _word(word: str, config: RunConfig, maps: Mapping[str, _Entry]) -> tuple[str, _Entry]:
    name, equals, text = word.partition("=")
    key = name if name.partition(".")[0] in _PARTS else f"method.{name}"
    if not equals:
        if key not in maps and _hint(config, key) is not None:
            raise ConfigError(
                f"--param {name}: no search map of {config.method!r} gives {key} a range: say it, for example "
                f"--param '{name}={{low: 0.1, high: 0.9}}' or '{name}={{choices: [1, 2]}}'"
            )
        if key not in maps:
            raise ConfigError(f"--param {name}: {_unknown(config, key)}")
        return key, maps[key]
    try:
        entry = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--param {name}: {text!r} is no YAML map: {' '.join(str(error).split())}") from error
    if isinstance(entry, dict) and "acts" not in entry and isinstance(maps.get(key, ({},))[0], dict):
        known = maps.get(key, ({}, ""))[0].get("acts")
        entry |= {"acts": known} if known else {}
    return key, (entry, f"--param {name}")


def _dimension(config: RunConfig, key: str, entry: Any, where: str) -> Dimension:
    hint = _hint(config, key)
    if hint is None:
        raise ConfigError(f"{where}: {_unknown(config, key)}")
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} must be a map with low and high, or with choices, not {entry!r}")
    for name in entry:
        if name not in _ENTRY:
            raise ConfigError(f"{where}: {unknown('key', str(name), _ENTRY)}")
    acts = entry.get("acts", "training")
    if acts not in ACTS:
        raise ConfigError(f"{where}: {unknown('stage', str(acts), ACTS, 'acts says when the parameter acts')}")
    part, _, name = key.partition(".")
    default = plain(getattr(getattr(config, f"{part}_params"), name))
    if "choices" in entry:
        return Dimension(key, acts, default, choices=_choices(entry, hint, where))
    found = _range(Dimension(key, acts, default), entry, hint, where)
    _try_ends(config, found, where)
    return found


def _choices(entry: Mapping[str, Any], hint: Any, where: str) -> tuple[Any, ...]:
    beside = sorted({"low", "high", "log", "step"} & set(entry))
    if beside:
        raise ConfigError(f"{where}: choices and {beside[0]} exclude each other: give a range or choices")
    listed = entry["choices"]
    if not isinstance(listed, list) or not listed:
        raise ConfigError(f"{where}: choices must be a list with something in it, not {listed!r}")
    found: list[Any] = []
    for choice in listed:
        try:
            value = plain(convert(choice, hint))
        except ValueError:
            raise ConfigError(f"{where}: choices: {choice!r} is not {expected(hint)}") from None
        if any(type(value) is type(other) and value == other for other in found):
            raise ConfigError(f"{where}: choices: {choice!r} is there twice")
        found.append(value)
    if len(found) < 2:
        raise ConfigError(f"{where}: choices: {_text(found[0])} alone leaves nothing to choose")
    return tuple(found)


def _range(dimension: Dimension, entry: Mapping[str, Any], hint: Any, where: str) -> Dimension:
    hints = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    whole = int in hints
    if not whole and float not in hints:
        allowed = choices_of(hint)
        example = f", for example choices: [{', '.join(allowed)}]" if allowed else ""
        raise ConfigError(f"{where}: the parameter is {expected(hint)}, which has no range: give choices{example}")
    for name in ("low", "high"):
        if name not in entry:
            raise ConfigError(f"{where}: {name} is missing: a range needs low and high")
    low, high = (_number(entry[name], name, whole, where) for name in ("low", "high"))
    step = None if entry.get("step") is None else _number(entry["step"], "step", whole, where)
    log = entry.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"{where}: log must be true or false, not {log!r}")
    if low >= high:
        what = "empty" if low > high else "a single value"
        raise ConfigError(f"{where}: the range from low {low:g} to high {high:g} is {what}: low must be below high")
    if log and low <= 0:
        raise ConfigError(f"{where}: a logarithmic scale has no {low:g}: low must be above 0, or leave log out")
    if step is not None and (log or not 0 < step <= high - low):
        reason = "a logarithmic scale has none" if log else f"it must lie in (0, {high - low:g}]"
        raise ConfigError(f"{where}: step {step:g} does not fit: {reason}")
    return replace(dimension, low=low, high=high, log=log, step=step, whole=whole)


def _number(value: Any, name: str, whole: bool, where: str) -> float:
    try:
        number: float = convert(str(value) if isinstance(value, str) else value, int if whole else float)
    except ValueError:
        kind = "a whole number" if whole else "a number"
        raise ConfigError(f"{where}: {name} must be {kind}, not {value!r}") from None
    return number


def _try_ends(config: RunConfig, dimension: Dimension, where: str) -> None:
    """Both ends must be values that the method takes."""
    part, _, name = dimension.key.partition(".")
    for value in (dimension.low, dimension.high):
        try:
            replace(getattr(config, f"{part}_params"), **{name: value})
        except (ConfigError, ValueError) as error:
            raise ConfigError(f"{where}: {error}") from error


def _hint(config: RunConfig, key: str) -> Any:
    """Type of a parameter, or None if there is none of that name."""
    part, _, name = key.partition(".")
    id_ = getattr(config, part)
    return None if id_ is None else keys(registry.find("method", id_)).get(name)


def _unknown(config: RunConfig, key: str) -> str:
    part, _, name = key.partition(".")
    id_ = getattr(config, part)
    if id_ is None:
        return f"{key} is a parameter of a recognizer, but none is named: add recognizer=<id>"
    return unknown(f"parameter of {id_}", name, keys(registry.find("method", id_)), f"See it with: mebench info {id_}")


def _nothing(config: RunConfig, maps: Mapping[str, _Entry], acts: Sequence[str]) -> str:
    who = " and ".join(repr(id_) for id_ in (config.method, config.recognizer) if id_ is not None)
    if maps and acts:
        return f"no parameter of {who} that could be tuned acts on {' or '.join(acts)}: choose another --acts"
    return (
        f"{who} says nothing to search: its config.yaml has no map `search`. Name a parameter with its range: "
        "--param 'NAME={low: 0.1, high: 0.9}'"
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value}"
