"""Parameters of `dual_inception`."""

from dataclasses import dataclass
from typing import Literal

from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The network of the released code, trained on all training subjects; its own way of training is a preset.

    Attributes:
        keep: the `last` epoch's weights, or those with the lowest loss on inner validation subjects, which are then
            held out from training (`best_validation`).
    """

    epochs: int = 45
    batch_size: int = 64
    lr: float = 1e-4
    keep: Literal["last", "best_validation"] = "last"
