"""The search space: from the `search` maps of the plugins and the words of the command line to parameters with ranges
or choices.

A map of `config.yaml` gives each parameter its range or its choices, and says when it acts:

    search:
      p: {low: 0.05, high: 0.95, acts: postprocess}
      lr: {low: 0.0001, high: 0.01, log: true}
      flow: {choices: [tvl1, farneback], acts: features}

`postprocess` acts on stored frame scores alone, after the network; `training` (the default) on fitting; `features` on what
is fitted to.
"""

import json
import math
import types
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Required, Self, Union, get_args, get_origin

import yaml

from mebench.config import RunConfig, parameter_types, registry
from mebench.config.resolving import with_parameters
from mebench.config.typed_values import allowed_values, convert_value, describe_type, to_plain, type_values
from mebench.core import Task
from mebench.errors import ConfigError, check_known, refuse_if
from mebench.files import load_yaml

Acts = Literal["postprocess", "training", "features"]
ACTS: tuple[Acts, ...] = get_args(Acts)


@dataclass(frozen=True)
class Dimension:
    """One parameter and its range or choices.

    Attributes:
        key: as for `run`: `method.p`.
        acts: the stage at which it acts.
        default: its value in the configuration, the corresponding choice, or None if the space lacks it.
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
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def encode_value(self, value: Any) -> Any:
        """A value as a database can keep it: lists and maps as text."""
        return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)

    def decode_value(self, stored: Any) -> Any:
        """The value that `encode_value` made this of."""
        return next((choice for choice in self.choices if self.encode_value(choice) == stored), stored)

    def with_default(self) -> Self:
        """The dimension with the default in it, as one more choice or a number.

        A step that misses the default is dropped.

        >>> wide = Dimension("method.epochs", "training", 8, low=10, high=200, step=10, whole=True).with_default()
        >>> wide.low, wide.high, wide.step
        (8, 200, 10)
        """
        default = self.default
        if self.contains(default):
            return self
        if self.choices:
            return replace(self, choices=(*self.choices, default))
        if not is_number(default) or (self.log and default <= 0):
            return self
        wide = replace(self, low=min(self.low, default), high=max(self.high, default))
        return wide if wide.contains(default) else replace(wide, step=None)


@dataclass(frozen=True)
class Space:
    """The parameters of a study.

    Attributes:
        dimensions: sorted by key.
        left_out: a sentence for each parameter or choice of the plugin's map that cannot be tuned with this
            configuration.
    """

    dimensions: tuple[Dimension, ...]
    left_out: tuple[str, ...] = ()

    @property
    def never_trains(self) -> bool:
        """Whether all parameters act on stored frame scores, so that no trial trains."""
        return all(d.acts == "postprocess" for d in self.dimensions)

    @property
    def reuses_scores(self) -> bool:
        """Whether some parameters act on stored frame scores."""
        return any(d.acts == "postprocess" for d in self.dimensions)

    def own_values(self) -> dict[str, Any]:
        """The configuration's own values."""
        return {d.key: d.default for d in self.dimensions}

    def find_default(self) -> dict[str, Any] | None:
        """The configuration's own values, or None if one of them lies outside."""
        return self.own_values() if all(d.contains(d.default) for d in self.dimensions) else None

    def decode_values(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Values as the configuration holds them, from those that the storage holds."""
        known = {d.key: d for d in self.dimensions}
        return {key: known[key].decode_value(value) for key, value in stored.items() if key in known}

    def values_of_training(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values that act before frame scores are there."""
        return {d.key: values[d.key] for d in self.dimensions if d.acts != "postprocess"}

    def plain(self) -> dict[str, dict[str, Any]]:
        """The part of a study that must be equal in all its processes, for JSON."""
        dimensions: dict[str, dict[str, Any]] = {}
        for d in self.dimensions:
            if d.choices:
                dimensions[d.key] = {"acts": d.acts, "choices": list(d.choices)}
            else:
                dimensions[d.key] = {"acts": d.acts, "low": d.low, "high": d.high, "log": d.log, "step": d.step}
        return dimensions


def with_values(config: RunConfig, values: Mapping[str, Any]) -> RunConfig:
    """A configuration with other values of some parameters.

    Raises:
        ConfigError: the values do not go together.
    """
    return with_parameters(config, values, "tuned")


def is_number(value: Any) -> bool:
    """Whether a value may lie in a range; true and false do not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


_PARTS = ("method", "recognizer")


class _Entry(NamedTuple):
    """The values that an entry gives a parameter, and their source.

    The last two fields say whether the user named the parameter or gave it a range.
    """

    spec: Any
    where: str
    named: bool = False
    own: bool = False


def read_space(config: RunConfig, words: Sequence[str] = (), acts: Sequence[str] = ()) -> Space:
    """The space of a study.

    The ranges of a plugin's map are widened to the configuration's own values, which so are tried, too. Of whole maps
    what the configuration refuses (a threshold of a variant without one) is left out; by name it is an error.

    Args:
        config: names the method, the recognizer if there is one, and the value of every parameter.
        words: `p`, a parameter of the plugin's map; or `lr={low: 1e-5, high: 1e-2, log: true}`, which replaces or adds one.
            `recognizer.c` is one of the recognizer. None takes the whole maps.
        acts: only parameters that act so; none takes all.

    Raises:
        ConfigError: an unknown parameter, an empty range, a logarithmic scale that begins at zero, no parameter at all …
    """
    for act in acts:
        check_known("stage", act, ACTS, where="--acts")
    maps = _search_maps(config)
    named = [_word(word, config, maps) for word in words]
    times = Counter(key for key, _ in named)
    refuse_if(*((n > 1, f"--param {key} is given {n} times: give it once") for key, n in times.items()))
    kept: list[Dimension] = []
    left_out: list[str] = []
    entries = dict(named) if words else maps
    for key, entry in sorted(entries.items()):
        dimension, refused = _dimension(config, key, entry, acts)
        left_out += refused
        if dimension is not None:
            kept.append(dimension)
    methods = " and ".join(repr(id_) for id_ in (config.method, config.recognizer) if id_ is not None)
    if kept:
        return Space(tuple(kept), tuple(left_out))
    if left_out:
        raise ConfigError(f"this configuration of {methods} refuses all tunable parameters, for example {left_out[0]}")
    if maps and acts:
        raise ConfigError(
            f"no parameter of {methods} that could be tuned acts on {' or '.join(acts)}: choose another --acts"
        )
    raise ConfigError(
        f"{methods} names nothing to search: its config.yaml has no map `search`. Name a parameter with its range: "
        "--param 'NAME={low: 0.1, high: 0.9}'"
    )


def _search_maps(config: RunConfig) -> dict[str, _Entry]:
    """The entries of the methods' maps `search`, by parameter."""
    entries = {}
    for part in _PARTS:
        id_ = getattr(config, part)
        if id_ is None:
            continue
        info = registry.find_plugin("method", id_)
        for name, spec in info.read_section("search").items():
            entries[f"{part}.{name}"] = _Entry(spec, f"{info.where}/config.yaml: search.{name}")
    return entries


def select_for_task(space: Space, task: Task, named: bool) -> Space:
    """The parameters that do something in a run: those of post-processing act on the frame scores of a spotter.

    Args:
        space: space of the method.
        task: tasks of the run.
        named: whether the parameters were asked for one by one.

    Raises:
        ConfigError: one that was asked for does nothing, or none is left.
    """
    kept = tuple(d for d in space.dimensions if d.acts != "postprocess" or "spot" in task.tasks)
    idle = [d.key for d in space.dimensions if d not in kept]
    reason = "acts on frame scores, and this run spots nothing"
    left_out = [f"{key} {reason}" for key in idle]
    if idle and (named or not kept):
        raise ConfigError(f"{idle[0]} {reason}: tune a parameter of the training or of the features")
    return Space(kept, (*space.left_out, *left_out))


def _word(word: str, config: RunConfig, maps: Mapping[str, _Entry]) -> tuple[str, _Entry]:
    """The setting that a word of `--param` names, and its range."""
    name, equals, text = word.partition("=")
    key = name if name.partition(".")[0] in _PARTS else f"method.{name}"
    if not equals:
        if key not in maps and _hint(config, key, f"--param {name}"):
            raise ConfigError(
                f"--param {name}: no search map of {config.method!r} gives {key} a range: give one, for example "
                f"--param '{name}={{low: 0.1, high: 0.9}}' or '{name}={{choices: [1, 2]}}'"
            )
        return key, maps[key]._replace(named=True)
    try:
        spec = load_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--param {name}: {text!r} is not a YAML map: {' '.join(str(error).split())}") from error
    packaged = maps[key].spec if key in maps else {}
    names_no_stage = isinstance(spec, dict) and "acts" not in spec
    if names_no_stage and isinstance(packaged, dict) and "acts" in packaged:
        spec = {**spec, "acts": packaged["acts"]}
    return key, _Entry(spec, f"--param {name}", named=True, own=True)


# -- one entry -----------------------------------------------------------------------------------------------------------


def _dimension(config: RunConfig, key: str, entry: _Entry, acts: Sequence[str]) -> tuple[Dimension | None, list[str]]:
    """The dimension of an entry, as far as the configuration takes it, and refused values.

    None if that leaves nothing to tune, or another stage is asked for.
    """
    hint = _hint(config, key, entry.where)
    values = _values_of_entry(key, entry, hint)
    part, _, name = key.partition(".")
    params = getattr(config, f"{part}_params")
    dimension = Dimension(key, values.get("acts", "training"), to_plain(getattr(params, name)))
    if "choices" in values:
        dimension = replace(dimension, choices=_distinct_choices(values["choices"], entry))
    else:
        _check_range(entry.where, values)
        dimension = replace(
            dimension,
            low=values["low"],
            high=values["high"],
            log=values.get("log", False),
            step=values.get("step"),
            whole=_number_type(hint) is int,
        )
    if acts and dimension.acts not in acts:
        return None, []
    wide = dimension if entry.own else dimension.with_default()
    return _without_refused(wide, entry, params, hint)


def _number_type(hint: Any) -> type[int] | type[float]:
    """The type of the numbers of a range, whether or not a parameter takes them."""
    return int if int in _alternatives(hint) else float


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The types that a type admits: of `int | None` both."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _values_of_entry(key: str, entry: _Entry, hint: Any) -> dict[str, Any]:
    """What an entry says, by name (`low`, `high`, `choices`, `acts` …), each value typed.

    Args:
        key: key of the parameter.
        entry: the entry.
        hint: type of the parameter.

    Raises:
        ConfigError: it is no map, has another key, or gives a range to a parameter that is no number.
    """
    spec = entry.spec
    where = entry.where
    number = _number_type(hint)
    if not isinstance(spec, dict):
        raise ConfigError(f"{where} must be a map with low and high, or with choices, not {spec!r}")
    if "choices" not in spec and number not in _alternatives(hint):
        allowed = allowed_values(hint)
        example = f", for example choices: [{', '.join(allowed)}]" if allowed else ""
        raise ConfigError(f"{where}: the parameter is {describe_type(hint)}, which has no range: give choices{example}")
    form: dict[str, Any] = {"low": Required[number], "high": Required[number], "log": bool, "step": number | None}
    if "choices" in spec:
        form = {"choices": tuple[hint, ...]}  # type: ignore[valid-type]
    form["acts"] = Acts
    raw = {f"{key}.{name}": (value, where) for name, value in spec.items()}
    values = type_values(raw, {f"{key}.{name}": type_ for name, type_ in form.items()})
    return {name.removeprefix(f"{key}."): value for name, value in values.items()}


def _distinct_choices(values: Any, entry: _Entry) -> tuple[Any, ...]:
    """Choices as plain data.

    Raises:
        ConfigError: there are fewer than two, or one is there twice.
    """
    listed = to_plain(values)
    distinct = {json.dumps(choice) for choice in listed}
    if len(distinct) < max(len(listed), 2):
        raise ConfigError(f"{entry.where}: choices must be two or more, each once, not {entry.spec['choices']!r}")
    return tuple(listed)


def _check_range(where: str, values: Mapping[str, Any]) -> None:
    """Refuse a range that is empty, or whose scale or step does not fit it.

    Args:
        where: source of the range, for messages.
        values: values of the entry, by name.

    Raises:
        ConfigError: it is such a range.
    """
    low = values["low"]
    high = values["high"]
    log = values.get("log", False)
    step = values.get("step")
    span = f"{where}: the range from low {low:g} to high {high:g} is"
    stepped = f"{where}: step {step or 0:g} does not fit"
    refuse_if(
        (low > high, f"{span} empty: low must be below high"),
        (low == high, f"{span} a single value: low must be below high"),
        (log and low <= 0, f"{where}: a logarithmic scale has no {low:g}: low must be above 0, or leave log out"),
        (step is not None and log, f"{stepped}: a logarithmic scale has none"),
        (step is not None and not 0 < step <= high - low, f"{stepped}: it must lie in (0, {high - low:g}]"),
    )


def _without_refused(dimension: Dimension, entry: _Entry, params: Any, hint: Any) -> tuple[Dimension | None, list[str]]:
    """A dimension without the values that the configuration refuses, and the reasons.

    Args:
        dimension: the dimension.
        entry: its entry.
        params: parameters of the method.
        hint: type of the parameter.

    Raises:
        ConfigError: one is refused, and the user named the parameter.
    """
    _, _, name = dimension.key.partition(".")
    refused = dict[int, str]()
    for place, value in enumerate(dimension.choices or (dimension.low, dimension.high)):
        try:
            replace(params, **{name: convert_value(value, hint)})
        except (ConfigError, ValueError) as error:
            refused[place] = str(error)
    if not refused:
        return dimension, []
    reasons = list(refused.values())
    if entry.named:
        what = ": choices" if dimension.choices else ""
        raise ConfigError(f"{entry.where}{what}: {reasons[0]}")
    left = tuple(choice for place, choice in enumerate(dimension.choices) if place not in refused)
    kept = replace(dimension, choices=left) if len(left) > 1 else None
    return kept, reasons if dimension.choices else reasons[:1]


def _hint(config: RunConfig, key: str, where: str) -> Any:
    """Type of a parameter.

    Raises:
        ConfigError: there is none of that name.
    """
    part, _, name = key.partition(".")
    id_ = getattr(config, part)
    if id_ is None:
        raise ConfigError(f"{where}: {key} is a parameter of a recognizer, but none is named: add recognizer=<id>")
    known = parameter_types(registry.find_plugin("method", id_))
    check_known(f"parameter of {id_}", name, known, f"See it with: mebench info {id_}", where=where)
    return known[name]
