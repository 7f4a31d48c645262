"""Parameters of `tiny`, of many types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mebench.errors import ConfigError


@dataclass(frozen=True)
class Params:
    """Settings that do nothing.

    Attributes:
        p: share.
        epochs: number of epochs.
        flow: algorithm of the flow.
        weights: numbers, or None.
        pair: two numbers.
        shuffle: whether to shuffle.
    """

    p: float = 0.5
    epochs: int = 10
    flow: Literal["tvl1", "farneback", "dis"] = "tvl1"
    weights: tuple[float, ...] | None = None
    pair: tuple[int, int] = (1, 2)
    shuffle: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.p <= 1:
            raise ConfigError(f"method.p must lie in [0, 1], not {self.p}")
        if self.epochs < 1 and self.shuffle:
            raise ConfigError("shuffle needs one epoch or more: see epochs")
