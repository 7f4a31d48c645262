"""Parameters of `seer`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Whether the method cheats.

    Attributes:
        p: above 0.5 it answers with the truth, else with the same interval everywhere.
    """

    p: float = 0.5
