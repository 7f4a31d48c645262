"""Parameters of `listener`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """Where the method reads the emotion.

    Attributes:
        by: `name`, `order`, `length` or `rate` of a video, or `size` of a fold.
    """

    by: str = "length"
