"""Parameters of `off_apexnet`."""

from dataclasses import dataclass

from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The settings of the public program.

    Attributes:
        dropout: probability after each of the two hidden layers.
    """

    epochs: int = 3000
    batch_size: int = 64
    lr: float = 1e-4
    dropout: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"method.dropout must be in [0, 1), not {self.dropout}")
