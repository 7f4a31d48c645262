"""Parameters of `resnet10`."""

from dataclasses import dataclass

from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """Usual values; nothing is tuned on these data."""

    epochs: int = 40
    batch_size: int = 64
    lr: float = 1e-3
