"""Parameters of `meview`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.annotations import SheetParams


@dataclass(frozen=True)
class Params(SheetParams):
    """Where MEVIEW lies, and which clips of it.

    Attributes:
        subset: text file that names the clips to take, one a line, for example those of a paper; all without it. Called
            `mean2022`, with any ending, its counts are compared with those of MEAN.
    """

    subset: Path | None = None
