"""What is tuned: parameters with their ranges or choices, and when they act."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from mebench.config import RunConfig, from_plain

Acts = Literal["postprocess", "training", "features"]
ACTS: tuple[Acts, ...] = get_args(Acts)


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
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        steps = 0.0 if self.step is None else (value - self.low) / self.step
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    def encoded(self, value: Any) -> Any:
        """A value as a database can keep it: lists and maps as text."""
        return value if value is None or isinstance(value, bool | int | float | str) else json.dumps(value)

    def decoded(self, stored: Any) -> Any:
        """The value that `encoded` made this of."""
        return next((choice for choice in self.choices if self.encoded(choice) == stored), stored)

    def widened(self) -> Dimension:
        """The dimension with the default in it, where that is one more choice or a number; a step that misses it is dropped.

        >>> wide = Dimension("method.epochs", "training", 8, low=10, high=200, step=10, whole=True).widened()
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
        left_out: why parameters or choices of the plugin's map are not tuned with this configuration, a sentence each.
    """

    dimensions: tuple[Dimension, ...]
    left_out: tuple[str, ...] = ()

    @property
    def free(self) -> bool:
        """Whether all act on stored frame scores, so that no trial trains."""
        return all(d.acts == "postprocess" for d in self.dimensions)

    @property
    def reuses(self) -> bool:
        """Whether some act on stored frame scores."""
        return any(d.acts == "postprocess" for d in self.dimensions)

    def own(self) -> dict[str, Any]:
        """The configuration's own values."""
        return {d.key: d.default for d in self.dimensions}

    def default(self) -> dict[str, Any] | None:
        """The configuration's own values, or None if one of them lies outside."""
        return self.own() if all(d.contains(d.default) for d in self.dimensions) else None

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
    changed = {part: dict(value) if isinstance(value, Mapping) else value for part, value in config.values.items()}
    for key, value in values.items():
        part, _, name = key.partition(".")
        changed[part][name] = value
    return from_plain(changed, config.origins | dict.fromkeys(values, "tuned"))


def is_number(value: Any) -> bool:
    """Whether a value may lie in a range; true and false do not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
