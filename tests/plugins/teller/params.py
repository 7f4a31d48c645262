"""Parameters of `teller`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """What tells the emotion.

    Attributes:
        by: `name`, `order`, `length` or `rate` of a video; `people` whose clips are all of one emotion; or `nothing`.
    """

    by: str = "nothing"
