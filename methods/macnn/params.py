"""Parameters of `macnn`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The training of the public program, for fewer epochs on smaller maps.

    Attributes:
        size: width and height in pixels to which a map of 28x28 is enlarged, at least 16; the program reads 112.
        hidden: width of the two hidden layers.
        decay: factor of the learning rate ...
        decay_every: ... after this number of epochs.
    """

    epochs: int = 60
    batch_size: int = 64
    lr: float = 1e-3
    size: int = 28
    hidden: int = 4096
    decay: float = 0.9
    decay_every: int = 50

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(self, at_least_one=("hidden", "decay_every"), positive=("decay",))
        if self.size < 16:
            raise ConfigError(f"method.size must be at least 16, since the map is halved four times, not {self.size}")
