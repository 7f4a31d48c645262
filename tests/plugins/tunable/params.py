"""Parameters of `tunable`."""

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    """Parameters whose effect on the scores is known.

    Attributes:
        p: tenth of the number of wrong intervals in each video.
        shift: frames by which the intervals are late.
        lr: rate of learning; far from 0.1, some expressions are forgotten.
        kind: word that restricts `shift`.
        log: path of a file that gets a line with the training people of each fold.
        nap: seconds that training takes.
        trouble: `raise` lets training fail.
    """

    p: float = 0.2
    shift: int = 0
    lr: float = 0.5
    kind: Literal["good", "bad"] = "good"
    log: str = ""
    nap: float = 0.0
    trouble: str = "none"

    def __post_init__(self) -> None:
        """Refuse what a search must not try."""
        if not 0 <= self.p <= 1:
            raise ConfigError(f"method.p must be in [0, 1], not {self.p}")
        if self.shift == 13:
            raise ConfigError("method.shift must not be 13")
        if self.kind == "bad" and self.shift > 5:
            raise ConfigError(f"method.shift above 5 needs method.kind=good, not {self.shift}")
