"""Parameters of `majority`: none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Nothing to choose."""
