"""Parameters of `casme3`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mebench.annotations import SheetParams
from mebench.errors import ConfigError

PARTS = ("A", "C")


@dataclass(frozen=True)
class Params(SheetParams):
    """The place and part of CAS(ME)3.

    Attributes:
        part: `A`, people who watch videos, or `C`, people who are questioned after a mock crime.
        clips: the frames show only the micro-expressions, one folder each, as in `Part_A_ME_clip`, not the long videos;
            part A only.
        occluded: the 15 micro-expressions of part A whose apex is covered, by the authors' list: `scored` like all
            others, or `left_out` of recognition; they remain truths for spotting.
        macro_annotations: file of the macro-expressions; by default searched below the root.
        emotions: file of the emotions of part A, `..._ME_label_...`; searched likewise.
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
