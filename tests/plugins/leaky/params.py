"""Parameters of `leaky`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """One that changes nothing.

    Attributes:
        p: number that nothing reads.
    """

    p: float = 0.5
