"""Parameters of `cheat`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Where the method looks for labels.

    Attributes:
        way: name of the way, see `WAYS` in `ways.py`; `none` looks nowhere.
        place: folder in which it looks; empty is the folder in which the program was started.
    """

    way: str = "none"
    place: str = ""
