"""Parameters of `overfitter`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """How it is trained.

    Attributes:
        epochs: number of epochs.
        watched: whether there are validation samples.
    """

    epochs: int = 8
    watched: bool = True
