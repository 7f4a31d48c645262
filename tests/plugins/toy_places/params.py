"""Parameters of `toy_places`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Who is there, and with what annotations.

    Attributes:
        subjects: number of people.
        later: path of a file with the number of frames by which all expressions are annotated later; none by default.
    """

    subjects: int = 8
    later: str = ""
