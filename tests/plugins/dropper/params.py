"""Parameters of `dropper`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """What it is trained with.

    Attributes:
        watched: whether there are validation samples.
    """

    watched: bool = True
