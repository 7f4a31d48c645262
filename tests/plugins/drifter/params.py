"""Parameters of `drifter`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """There are none."""
