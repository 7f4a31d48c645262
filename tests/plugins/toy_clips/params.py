"""Parameters of `toy_clips`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Who is there.

    Attributes:
        subjects: number of people.
    """

    subjects: int = 8
