"""Parameters of `samm_lv`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.annotations import SheetParams


@dataclass(frozen=True)
class Params(SheetParams):
    """The place of SAMM Long Videos and of its emotions.

    Attributes:
        samm_sheet: file of SAMM's own annotations, which name the emotions; by default searched below the root. Without
            it, emotions are absent.
    """

    samm_sheet: Path | None = None
