"""Parameters of `trap_trickster`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Whether the method cheats.

    Attributes:
        trick: answers from what other folds have learnt.
    """

    trick: bool = False
