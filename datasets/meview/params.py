"""Parameters of `meview`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.annotations import SheetParams


@dataclass(frozen=True)
class Params(SheetParams):
    """The place of MEVIEW, and the clips to read.

    Attributes:
        subset: text file that names the clips to take, one a line, for example those of a paper; all without it. If its
            name is `mean2022`, with any ending, its counts are compared with those of MEAN.
    """

    subset: Path | None = None
