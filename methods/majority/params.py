"""Parameters of `majority`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_choices


@dataclass(frozen=True)
class Params:
    """The answer if a clip may have several classes.

    Attributes:
        sets: `likely` names the classes that at least half of the training clips have, and the most frequent one in any case; `every`
            names all classes, which has the best UF1 of all answers without an image. With one class per clip both are the same.
    """

    sets: Literal["likely", "every"] = "likely"

    def __post_init__(self) -> None:
        """Check the name."""
        check_choices(self)
