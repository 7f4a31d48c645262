"""Parameters of `elephant`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Params:
    """What the method remembers.

    Attributes:
        remembers: labels of each subject of this fold, or of every fold; views of earlier folds; labels of single clips.
    """

    remembers: Literal["subjects", "for_ever", "views", "clips"] = "subjects"
