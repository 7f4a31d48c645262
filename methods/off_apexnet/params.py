"""Parameters of `off_apexnet`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
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
        check_ranges(self, below_one=("dropout",))
