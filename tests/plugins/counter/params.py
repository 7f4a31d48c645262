"""Parameters of `counter`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """How it is trained.

    Attributes:
        stages: number of stages.
    """

    stages: int = 1
