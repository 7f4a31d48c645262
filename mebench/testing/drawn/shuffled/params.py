"""Parameters of `shuffled`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """The folder of the dataset.

    Attributes:
        root: the folder, with a file `<emotion>/<subject>_<video>.txt` for each video, which holds onset, apex and offset.
    """

    root: str | None = None
