"""Parameters of `ststnet`."""

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError
from mebench.features import FaceParams


@dataclass(frozen=True)
class Params(FaceParams):
    """The published settings.

    Attributes:
        epochs: passes over the training clips; the last epoch's weights are used, nothing is chosen.
        batch_size: clips per step.
        lr: learning rate of Adam.
        dropout: probability after each stream's pooling.
        shuffle: a new order of the clips each epoch; the released code keeps one order.
        flow: algorithm of the onset-to-apex flow, where the dataset has frames.
    """

    epochs: int = 800
    batch_size: int = 256
    lr: float = 5e-5
    dropout: float = 0.5
    shuffle: bool = False
    flow: Literal["tvl1", "tvl1_eps05", "farneback", "dis"] = "tvl1"

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.epochs < 1:
            raise ConfigError(f"method.epochs must be at least 1, not {self.epochs}")
        if self.batch_size < 2:
            raise ConfigError(
                f"method.batch_size must be at least 2 (batch normalisation needs two clips), not {self.batch_size}"
            )
        if not self.lr > 0:
            raise ConfigError(f"method.lr must be positive, not {self.lr}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"method.dropout must be in [0, 1), not {self.dropout}")
