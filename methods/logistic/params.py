"""Parameters of `logistic`."""

from dataclasses import dataclass

from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """Usual values; nothing is tuned on these data.

    Attributes:
        weight_decay: share of each weight that a step removes, in addition to the gradient (AdamW).
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
