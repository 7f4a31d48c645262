"""Parameters of `megc2019_flow`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """The place of the maps.

    Attributes:
        root: folder with one folder per subject, each holding `u_test/<class>/*.png` (and, in the full tree, `u_train`).
    """

    root: str | None = None
