"""Parameters of `dfme`."""

from dataclasses import dataclass

from mebench.annotations import SheetParams
from mebench.errors import ConfigError

RATES = (200, 300, 500)
"""Frames per second of the three parts: C, B and A."""


@dataclass(frozen=True)
class Params(SheetParams):
    """The place of DFME, and the part to read.

    Attributes:
        fps: only the clips of this frame rate: 500 for part A, 300 for part B, 200 for part C; None for all.
    """

    fps: int | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that no part has."""
        if self.fps is not None and self.fps not in RATES:
            raise ConfigError(
                f"dataset.fps={self.fps}: the parts of DFME have {', '.join(map(str, RATES[:-1]))} and {RATES[-1]} frames per "
                "second; leave it out to read all of them"
            )
