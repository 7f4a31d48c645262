"""Parameters of `causalnet`."""

from dataclasses import dataclass

from mebench.errors import ConfigError
from mebench.features.maps import POINTS, Order, Points, TrainedMapParams, check_points


@dataclass(frozen=True)
class Params(TrainedMapParams):
    """The settings of a single training in the released code; its search over 36 settings on the test subjects is not a
    preset.

    Attributes:
        dim: numbers of a position on the first of three levels, a multiple of 8; each next one doubles them.
        heads: of attention on the first level.
        blocks: on each level; the last number is also the depth of the cross attention.
        gamma: amount by which the attention between non-neighbouring places is lowered before its softmax.
        points: eyes, nose and corners of the mouth, (x, y) in pixels of a map, the same for all clips: see
            `mebench.features.maps.four_blocks`.
    """

    epochs: int = 200
    batch_size: int = 1024
    lr: float = 5e-5
    shuffle: bool = False
    order: Order = "by_class"
    dim: int = 256
    heads: int = 3
    blocks: tuple[int, ...] = (3, 3, 9)
    gamma: float = 0.5
    points: Points = POINTS

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        check_points(self.points)
        if self.dim < 8 or self.dim % 8:
            raise ConfigError(f"method.dim must be a multiple of 8, not {self.dim}")
        if not 1 <= self.heads <= self.dim:
            raise ConfigError(f"method.heads must be from 1 to method.dim={self.dim}, not {self.heads}")
        if len(self.blocks) != 3 or min(self.blocks) < 1:
            raise ConfigError(f"method.blocks must be three numbers of at least 1, not {list(self.blocks)}")
        if not self.gamma >= 0:
            raise ConfigError(f"method.gamma must be at least 0, not {self.gamma}")
