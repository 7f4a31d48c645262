"""A chain: the named, versioned way from frames to a feature."""

import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Set
from dataclasses import asdict, dataclass, fields
from typing import ClassVar, Literal

library_version = functools.cache(importlib.metadata.version)
"""Version of an installed package, part of the identity of the steps whose numbers it makes."""

Level = Literal["video", "sequence", "image", "pair", "volume", "map"]
"""What a step works on, in the order in which a chain may hold them."""


@dataclass(frozen=True)
class Step:
    """One step of a chain; the steps themselves are in `mebench.features`. The fields of a step are its parameters.

    Attributes:
        version: raised whenever the numbers that the step produces change.
        level: `video` turns frames into face crops, `sequence` the crops of a clip into other crops (magnified, or of another
            number), `image` one crop into a feature, `pair` two crops into flow, `volume` the crops of a clip into one
            feature, `map` works on each feature map alone.
        libraries: packages whose versions the numbers depend on, beside OpenCV and dlib.
    """

    version: ClassVar[int] = 1
    level: ClassVar[Level] = "map"
    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    def portable(self) -> bool:
        """Whether the numbers are equal on all processors; otherwise stored features serve only processors with the same instructions."""
        return True

    @property
    def idle(self) -> Set[str]:
        """Parameters that do not change the numbers, given the other parameters."""
        return frozenset()

    def identity(self) -> dict[str, object]:
        """Package, name, version, parameters and libraries: what the numbers depend on, whichever file of the package holds it."""
        package = type(self).__module__.rpartition(".")[0] or type(self).__module__
        used = {name: value for name, value in asdict(self).items() if name not in self.idle}
        used |= {name: library_version(name) for name in self.libraries}
        return {"step": f"{package}.{type(self).__qualname__}", "version": self.version, **used}

    def describe(self) -> str:
        """One line for a card, for example `Flow(algorithm='tvl1', k=3) v1`."""
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in self.idle)
        return f"{type(self).__name__}({shown}) v{self.version}"


@dataclass(frozen=True)
class Chain:
    """A named sequence of steps.

    Attributes:
        name: what a method asks for; a dataset may hold ready-made features under the same name (`Dataset.provided`).
        steps: in the order in which they work.
        scope: `frames` gives one feature for each frame (with flow, for each frame i that has a frame i + k); `clips` one
            for each clip (onset, apex, offset) asked.
        advice: of a chain without steps, which only a dataset can bring: what to do where it does not.
    """

    name: str
    steps: tuple[Step, ...]
    scope: Literal["frames", "clips"] = "frames"
    advice: str = ""

    def at(self, level: Level) -> tuple[Step, ...]:
        """The steps of one level, in order."""
        return tuple(step for step in self.steps if step.level == level)

    def fingerprint(self, *levels: Level) -> str:
        """Hash of the steps (of the given levels, or all) and, for all, of the scope; equal for equal numbers."""
        named = [s.identity() for s in self.steps if not levels or s.level in levels], [] if levels else [self.scope]
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]

    def card(self) -> str:
        """The chain in a few lines, as a paper's appendix could carry it."""
        steps = (f"  {n}. {step.describe()}" for n, step in enumerate(self.steps, 1))
        return "\n".join([f"chain {self.name} ({self.scope}), {self.fingerprint()}", *steps])
