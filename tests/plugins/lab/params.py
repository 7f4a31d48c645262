"""Parameters of `lab`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """What the frames are.

    Attributes:
        colors: number of colours; 0 for gray frames without an axis of them.
    """

    colors: int = 3
