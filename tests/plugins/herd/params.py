"""Parameters of `herd`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """What the clips show, and how they are annotated.

    Attributes:
        moods: each person shows one class only.
        shuffled: annotations are exchanged among the clips of a person.
        twins: one person stands in the dataset under two names.
    """

    moods: bool = True
    shuffled: bool = False
    twins: bool = False
