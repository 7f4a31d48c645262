"""A chain: the named, versioned steps from frames to a feature."""

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Mapping, Set
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from mebench.errors import ConfigError, unknown

library_version = functools.cache(importlib.metadata.version)
"""Version of an installed package, part of the identity of the steps whose numbers it makes."""

Level = Literal["video", "sequence", "image", "pair", "volume", "encoder", "map"]
"""The inputs that a step may have, in the order in which a chain may hold them."""

Range = tuple[str, Callable[[float], bool]]
"""The range of a number, in words and as a test."""


@dataclass(frozen=True)
class Step:
    """One step of a chain; the steps themselves are in `mebench.features`. The fields of a step are its parameters.

    Attributes:
        version: raised whenever the numbers that the step produces change.
        level: `video` turns frames into face crops, `sequence` the crops of a clip into other crops (magnified, or of another
            number), `image` one crop into a feature, `pair` two crops into flow, `volume` the crops of a clip into one
            feature, `encoder` pictures or clips into vectors, `map` works on each feature map alone.
        libraries: packages whose versions the numbers depend on, beside OpenCV and dlib.
        least: the least value of each parameter that must be a whole number; a null is not checked.
        ranges: range of each parameter that must lie in another one.
        output_unit: unit of the numbers that the step makes, in a few words; empty keeps that of the step before.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = "map"
    libraries: ClassVar[tuple[str, ...]] = ()
    least: ClassVar[Mapping[str, int]] = {}
    ranges: ClassVar[Mapping[str, Range]] = {}
    output_unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuse a value outside its `Literal`, below `least`, or outside `ranges` (ConfigError)."""
        check_choices(self)
        for name, low in self.least.items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < low):
                raise ConfigError(
                    f"{name} of {type(self).__name__} must be a whole number of at least {low}, not {value!r}"
                )
        for name, (what, within) in self.ranges.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not within(value):
                raise ConfigError(f"{name} of {type(self).__name__} must be {what}, not {value!r}")

    @property
    def portable(self) -> bool:
        """Whether the numbers are equal on all processors; otherwise stored features serve only processors with the same instructions."""
        return True

    @property
    def reads_color(self) -> bool | None:
        """Whether the step reads crops in colour; None for one that reads no crops or takes both."""
        return False if self.level in ("sequence", "image", "pair", "volume") else None

    @property
    def is_foreign(self) -> bool:
        """Whether the step runs a program that a user names. It then runs confined."""
        return False

    @property
    def idle(self) -> Set[str]:
        """Parameters that do not change the numbers, given the other parameters."""
        return frozenset()

    def identity(self) -> dict[str, object]:
        """Everything that the numbers depend on: package, name, version, parameters and libraries, but not the file."""
        package = type(self).__module__.rpartition(".")[0] or type(self).__module__
        return {
            "step": f"{package}.{type(self).__qualname__}",
            "version": self.version,
            **{name: value for name, value in asdict(self).items() if name not in self.idle},
            **{name: library_version(name) for name in self.libraries},
        }

    def describe(self) -> str:
        """One line for a card, for example `Flow(algorithm='tvl1', k=3) v1`."""
        parameters = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in self.idle)
        return f"{type(self).__name__}({parameters}) v{self.version}"


@functools.cache
def _choices(cls: type) -> dict[str, tuple[Any, ...]]:
    """The values of each field whose type is a `Literal`, or `Literal[...] | None`."""
    hints = get_type_hints(cls)
    choices = dict[str, tuple[Any, ...]]()
    for field in fields(cls):
        hint = hints[field.name]
        may_be_null = get_origin(hint) is Union
        literal = get_args(hint)[0] if may_be_null else hint
        if get_origin(literal) is Literal:
            null = (None,) if may_be_null else ()
            choices[field.name] = (*get_args(literal), *null)
    return choices


def check_choices(owner: object) -> None:
    """Refuse parameters outside the `Literal` types of their fields (ConfigError)."""
    cls: Any = type(owner)
    for name, choices in _choices(cls).items():
        value = getattr(owner, name)
        if value not in choices:
            parameter = f"{name} of {cls.__name__}" if isinstance(owner, Step) else f"method.{name}"
            known = [str(choice) for choice in choices if choice is not None]
            if None in choices:
                known.append("null")
            raise ConfigError(unknown(parameter, str(value), known))


@dataclass(frozen=True)
class Chain:
    """A named sequence of steps.

    Attributes:
        name: the name that a method reads it by; a dataset may bring ready-made features under this name
            (`Dataset.provided`).
        steps: in order.
        scope: `frames` gives one feature for each frame (with flow, for each frame i that has a frame i + k); `clips`
            one for each requested clip (onset, apex, offset).
        advice: for a chain without steps, which only a dataset can bring: what to do if it does not.
    """

    name: str
    steps: tuple[Step, ...]
    scope: Literal["frames", "clips"] = "frames"
    advice: str = ""

    def at(self, level: Level) -> tuple[Step, ...]:
        """The steps of one level, in order."""
        return tuple(step for step in self.steps if step.level == level)

    def fingerprint(self, *levels: Level) -> str:
        """Hash of the steps, equal for equal numbers.

        It covers the steps of the given levels; without levels, all steps and the scope.

        """
        steps = [step for step in self.steps if not levels or step.level in levels]
        scope = [] if levels else [self.scope]
        hashed = [[step.identity() for step in steps], scope]
        return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:16]

    def with_parameters(self, values: Mapping[str, Any]) -> "Chain":
        """The chain with other values of parameters in the steps that have them."""
        steps = []
        for step in self.steps:
            names = {field.name for field in fields(step)}
            own = {name: value for name, value in values.items() if name in names}
            steps.append(replace(step, **own) if own else step)
        return replace(self, steps=tuple(steps))

    def card(self) -> str:
        """The chain in a few lines, fit for a paper's appendix."""
        steps = (f"  {n}. {step.describe()}" for n, step in enumerate(self.steps, 1))
        return "\n".join([f"chain {self.name} ({self.scope}), {self.fingerprint()}", *steps])
