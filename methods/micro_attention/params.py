"""Parameters of `micro_attention`."""

from dataclasses import dataclass

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The training of the public program, on smaller maps.

    Attributes:
        size: width and height in pixels to which a map of 28x28 is enlarged, at least 32; the program reads 224.
        hidden: width of the hidden layer.
        momentum: of the gradient descent.
        weight_decay: of the gradient descent.
        decay: factor of the learning rate ...
        decay_every: ... after this number of epochs.
    """

    epochs: int = 51
    batch_size: int = 10
    lr: float = 1e-3
    size: int = 56
    hidden: int = 4096
    momentum: float = 0.9
    weight_decay: float = 5e-4
    decay: float = 0.1
    decay_every: int = 10

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(
            self,
            at_least_one=("hidden", "decay_every"),
            positive=("decay",),
            not_negative=("weight_decay",),
            below_one=("momentum",),
        )
        if self.batch_size < 2:
            raise ConfigError(
                f"method.batch_size must be at least 2 (batch normalisation needs two clips), not {self.batch_size}"
            )
        if self.size < 32:
            raise ConfigError(f"method.size must be at least 32, since the map is halved five times, not {self.size}")
