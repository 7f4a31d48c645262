"""Parameters of `small`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """There are none."""
