"""Options that every method trained by gradient shares, and what docstrings say of options."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Literal, get_args

from mebench.errors import ConfigError, unknown
from mebench.spotting.params import check_scales


def attributes(cls: type) -> dict[str, str]:
    """The `Attributes:` of the docstrings of a class and of those it inherits from: name and meaning."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, listing = inspect.cleandoc(vars(base).get("__doc__") or "").partition("Attributes:\n")
        listing = listing.split("\n\n")[0]
        entries = re.findall(r"^ {4}(\w+)(?: \([^)]*\))?: (.*(?:\n {5,}.*)*)", listing, flags=re.MULTILINE)
        found |= {name: " ".join(meaning.split()) for name, meaning in entries}
    return found


ClassWeight = Literal["none", "balanced"]
Loss = Literal["paper", "focal"]


@dataclass(frozen=True)
class TrainingParams:
    """What a training does against few and uneven samples; the defaults change nothing. A method's `Params` may inherit them.

    Attributes:
        class_weight: `balanced` weighs the samples of a class by n / (classes x samples of the class); `none` all alike.
        loss: that of the paper, or the `focal` loss (Lin et al. 2017, equation 5), under which samples that are answered well
            count little; spotting scores are then probabilities.
        focal_gamma: exponent of the focal loss, at least 0.
        flip: train on mirrored faces too, whose horizontal motion changes its sign.
        tempo: train on slower and faster expressions too: flow over these multiples of the gap between two frames, of k in
            spotting and of the way from onset to apex in recognition, for example [0.5, 0.75].
    """

    class_weight: ClassWeight = "none"
    loss: Loss = "paper"
    focal_gamma: float = 2.0
    flip: bool = False
    tempo: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check names and ranges."""
        for name, hint in (("class_weight", ClassWeight), ("loss", Loss)):
            value = getattr(self, name)
            if value not in get_args(hint):
                raise ConfigError(unknown(f"method.{name}", str(value), get_args(hint)))
        if not self.focal_gamma >= 0:
            raise ConfigError(f"method.focal_gamma must not be negative, not {self.focal_gamma}")
        check_scales("tempo", self.tempo)
        if 1 in self.tempo:
            raise ConfigError("method.tempo must not hold 1, which is trained on anyway: name other multiples")
