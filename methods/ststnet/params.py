"""Parameters of `ststnet`."""

from dataclasses import dataclass
from pathlib import Path

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The published settings; the released code keeps one order, class by class.

    Attributes:
        dropout: probability after each stream's pooling.
        weights: folder of the weights that the authors released (`STSTNet_Weights`, a file for each tested subject); then nothing is
            trained.
    """

    epochs: int = 800
    batch_size: int = 256
    lr: float = 5e-5
    shuffle: bool = False
    dropout: float = 0.5
    weights: Path | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.batch_size < 2:
            raise ConfigError(
                f"method.batch_size must be at least 2 (batch normalisation needs two clips), not {self.batch_size}"
            )
        check_ranges(self, below_one=("dropout",))
