"""Parameters of `samm_lv`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.annotations import SheetParams


@dataclass(frozen=True)
class Params(SheetParams):
    """Where SAMM Long Videos lies, and where its emotions.

    Attributes:
        samm_sheet: file of SAMM's own annotations, which name the emotions; looked for below the root where it is not
            given, and emotions are absent without it.
    """

    samm_sheet: Path | None = None
