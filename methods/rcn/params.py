"""Parameters of `rcn`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_ranges
from mebench.errors import ConfigError
from mebench.features.maps import TrainedMapParams


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The settings of the command in the released README.

    Attributes:
        variant: `a` attention, `s` shortcuts, `w` wide expansion, `p` wide expansion, shortcuts and attention in
            parallel, `c` cascaded and `f` embedded: the paper's RCN-A and so on.
        maps_per_layer: feature maps of every convolution, a multiple of 4.
        pool: height and width of the last map.
        momentum: of the gradient descent.
    """

    epochs: int = 20
    batch_size: int = 64
    lr: float = 5e-4
    variant: Literal["a", "s", "w", "p", "c", "f"] = "a"
    maps_per_layer: int = 32
    pool: int = 5
    momentum: float = 0.9

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        if self.maps_per_layer < 4 or self.maps_per_layer % 4:
            raise ConfigError(f"method.maps_per_layer must be a multiple of 4, not {self.maps_per_layer}")
        check_ranges(self, at_least_one=("pool",), below_one=("momentum",))
