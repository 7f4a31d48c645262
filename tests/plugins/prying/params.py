"""Parameters of `prying`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """A parameter of intervals alone, so that trials make only these again.

    Attributes:
        height: number without effect.
    """

    height: float = 0.5
