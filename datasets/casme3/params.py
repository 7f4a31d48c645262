"""Parameters of `casme3`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.annotations import SheetParams
from mebench.errors import ConfigError

PARTS = ("A", "C")


@dataclass(frozen=True)
class Params(SheetParams):
    """Where CAS(ME)3 lies, and which part of it.

    Attributes:
        part: `A`, people who watch videos, or `C`, people who are questioned after a mock crime.
        clips: the frames are those of the micro-expressions alone, one folder each, as in `Part_A_ME_clip`, and not the long
            videos; part A only.
        occluded: the 15 micro-expressions of part A whose apex is covered, by the authors' list: `scored` as all others, or
            `left_out` of recognition, where they stay truths for spotting.
        macro_annotations: file of the macro-expressions; looked for below the root where it is not given.
        emotions: file of the emotions of part A, `..._ME_label_...`; looked for likewise.
    """

    part: str = "A"
    clips: bool = False
    occluded: Literal["scored", "left_out"] = "scored"
    macro_annotations: str | None = None
    emotions: Path | None = None

    def __post_init__(self) -> None:
        """Check what no type can."""
        if self.part not in PARTS:
            raise ConfigError(f"dataset.part={self.part} is unknown: choose A or C (part B has no annotations)")
        if self.clips and self.part != "A":
            raise ConfigError("dataset.clips=true reads the clips of part A, and part C has none: leave it out")
        if self.part != "A" and (self.occluded != "scored" or self.emotions is not None):
            word = "occluded" if self.occluded != "scored" else "emotions"
            raise ConfigError(f"dataset.{word} applies to part A, and this is part {self.part}: leave it out")
