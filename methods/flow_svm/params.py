"""Parameters of `flow_svm`."""

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError
from mebench.features.maps import MapParams


@dataclass(frozen=True)
class Params(MapParams):
    """How the pixels of a map become a vector, and how the SVM is fitted.

    Attributes:
        channels: `all` three, motion without strain (`flow`), or only the `strain`.
        side: of the face that is read: `both`, or the person's own `left` or `right`, which are the right and the left half of a map.
        centre: take flow from its grey of no motion, 127.5, in both directions, and strain from 0; else all values from 0.
        standardise: centre each pixel and divide it by its standard deviation over the training clips.
        c: weight of the training errors in the SVM, C; null chooses it by cross-validation of the training clips.
        class_weight: `balanced` gives rare classes more weight; null weighs all clips alike.
    """

    channels: Literal["all", "flow", "strain"] = "all"
    side: Literal["both", "left", "right"] = "both"
    centre: bool = True
    standardise: bool = False
    c: float | None = 1.0
    class_weight: Literal["balanced"] | None = "balanced"

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.c is not None and not 0 < self.c < float("inf"):
            raise ConfigError(
                f"method.c must be a number above 0, or null to choose it by cross-validation, not {self.c}"
            )
