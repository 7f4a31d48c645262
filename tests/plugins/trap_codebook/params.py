"""Parameters of `trap_codebook`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Whom the method knows.

    Attributes:
        subject: number of the person whose expressions the method knows.
    """

    subject: str = "00"
