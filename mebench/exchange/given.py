"""What a file of intervals says, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

Role = Literal["predictions", "truth", "frame scores"]
IDS = ("dataset", "subject", "video")
"""Columns that say which video a row belongs to."""


@dataclass(frozen=True)
class Given:
    """A file of intervals, as it was understood.

    Attributes:
        place: the file, for sentences.
        role: what it holds.
        intervals: `line`, those of `IDS` that the file has, `video` always, `kind`, `onset`, `offset` (frames, both
            inclusive, as the file counts them), `apex` (NaN where unmarked), `emotion` (lower case, may be empty); for
            predictions `confidence` (NaN where not given). In the order of the file.
        videos: of a truth one row for each row of the file, those without an interval too: `line`, those of `IDS`
            that the file has, `fps`, `n_frames` (NaN where not given). Of predictions, empty.
        columns: the known columns that the file has.
    """

    place: str
    role: Role
    intervals: pd.DataFrame
    videos: pd.DataFrame
    columns: frozenset[str]

    @property
    def ids(self) -> list[str]:
        """The columns that say which video a row belongs to."""
        return [name for name in IDS if name in self.columns]
