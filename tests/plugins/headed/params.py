"""Parameters of `headed`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """None."""
