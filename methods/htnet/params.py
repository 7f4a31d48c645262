"""Parameters of `htnet`."""

from dataclasses import dataclass

from mebench.errors import ConfigError
from mebench.features.maps import POINTS, Order, Points, TrainedMapParams, check_points


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The settings of the released code.

    Attributes:
        dim: numbers of a position on the first of three levels; each next one doubles them.
        heads: of attention on the first level; they are as wide as a whole number lets them, and `dim` loses the rest.
        blocks: of attention and layers, on each level.
        points: eyes, nose and corners of the mouth, (x, y) in pixels of a map, the same for all clips: see
            `mebench.features.maps.four_blocks`.
    """

    epochs: int = 800
    batch_size: int = 256
    lr: float = 5e-5
    shuffle: bool = False
    order: Order = "by_class"
    dim: int = 256
    heads: int = 3
    blocks: tuple[int, ...] = (2, 2, 10)
    points: Points = POINTS

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_points(self.points)
        if not 1 <= self.heads <= self.dim:
            raise ConfigError(f"method.heads must be from 1 to method.dim={self.dim}, not {self.heads}")
        if len(self.blocks) != 3 or min(self.blocks) < 1:
            raise ConfigError(f"method.blocks must be three numbers of at least 1, not {list(self.blocks)}")
