"""Parameters of `namer`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Whether the method answers rightly.

    Attributes:
        c: number with which it does: 1.
    """

    c: int = 0
