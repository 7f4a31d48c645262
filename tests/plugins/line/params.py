"""Parameters of `line`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """What it is trained with.

    Attributes:
        n: number of points.
        watched: whether the points are validation samples, too.
        lr: learning rate.
    """

    n: int = 10
    watched: bool = False
    lr: float = 0.1
