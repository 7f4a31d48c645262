"""Parameters of `toy`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Who is there, and with what.

    Attributes:
        subjects: number of people.
        macro: videos have a macro-expression, too.
        silent: subject whose videos have no expressions.
        annotations: path that the dataset names and does not read.
    """

    subjects: int = 3
    macro: bool = True
    silent: str = ""
    annotations: str | None = None
