"""Parameters of `trap_noise`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """What is drawn.

    Attributes:
        key: number from which the answers are drawn.
    """

    key: int = 0
