"""Parameters of `trap_walker`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Whether the method cheats.

    Attributes:
        log: path of a file that gets a line for each video: what could be reached.
        trick: answers with what could be reached.
    """

    log: str = ""
    trick: bool = False
