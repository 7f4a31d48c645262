"""Parameters of `capsulenet`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The training of the authors' program.

    Attributes:
        input: input of the capsules: `map`, the flow between onset and apex, at once. The program's features of the
            apex frame, from a network trained on other pictures, have the same width and height, 28x28.
        maps_per_layer: feature maps of the two convolutions, a multiple of 8.
        routings: rounds of agreement between the capsules.
        decay: factor of the learning rate before each epoch.
    """

    epochs: int = 30
    batch_size: int = 32
    lr: float = 1e-4
    input: Literal["map"] = "map"
    maps_per_layer: int = 256
    routings: int = 3
    decay: float = 0.9

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_ranges(self, at_least_one=("routings",), positive=("decay",))
        if self.maps_per_layer < 8 or self.maps_per_layer % 8:
            raise ConfigError(f"method.maps_per_layer must be a multiple of 8, not {self.maps_per_layer}")
