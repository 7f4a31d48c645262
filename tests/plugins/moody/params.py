"""Parameters of `moody`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """When the method gets into trouble.

    Attributes:
        trouble: list of `SUBJECT=TROUBLE`, for the fold that tests that subject: raise, memory, die, die once, hang or wait.
        gate: path of a file by which the test and the fold talk.
    """

    trouble: tuple[str, ...] = ()
    gate: str = ""
