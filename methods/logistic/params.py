"""Parameters of `logistic`."""

from dataclasses import dataclass

from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """What is usual, nothing tuned on these data.

    Attributes:
        weight_decay: how much of each weight a step takes away, beside the gradient (AdamW).
    """

    epochs: int = 100
    batch_size: int = 64
    lr: float = 1e-3
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if not self.weight_decay >= 0:
            raise ConfigError(f"method.weight_decay must be at least 0, not {self.weight_decay}")
