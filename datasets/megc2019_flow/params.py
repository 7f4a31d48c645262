"""Parameters of `megc2019_flow`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Where the maps are.

    Attributes:
        root: folder with one folder per subject, each holding `u_test/<class>/*.png` (and, in the full tree, `u_train`).
    """

    root: str | None = None
