"""Parameters of `cheat`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Where the method looks for labels.

    Attributes:
        way: names of the ways, joined by `+`, see `WAYS` in `ways.py`; `none` looks nowhere.
        place: folder in which it looks; empty is the folder in which the program was started.
    """

    way: str = "none"
    place: str = ""

    @property
    def ways(self) -> list[str]:
        """The names of the ways, in the order in which they are tried."""
        return self.way.split("+")
