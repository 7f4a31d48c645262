"""Parameters of `random`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_choices, check_ranges


@dataclass(frozen=True)
class Params:
    """How many intervals chance places.

    Attributes:
        rate: `truths` places as many as the training subjects' videos contain per frame; `best` the number per frame
            with the best expected F1 on them.
        draws: independent placements; scores are their mean, with the range of 95 % of them.
    """

    rate: Literal["truths", "best"] = "truths"
    draws: int = 200

    def __post_init__(self) -> None:
        """Check names and range."""
        check_choices(self)
        check_ranges(self, at_least_one=("draws",))
