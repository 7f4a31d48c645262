"""Parameters of `ourlab_brightness`."""

from dataclasses import dataclass

from mebench.errors import ConfigError
from mebench.spotting import SpottingParams


@dataclass(frozen=True)
class Params(SpottingParams):
    """What can be chosen, beside smoothing, threshold and intervals.

    Attributes:
        blocks: along each side of the face.
    """

    blocks: int = 6

    def __post_init__(self):
        """Check the range."""
        super().__post_init__()
        if self.blocks < 1:
            raise ConfigError(f"method.blocks must be at least 1, not {self.blocks}")
