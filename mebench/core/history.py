"""How a training went, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Split = Literal["train", "valid"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the samples of a stage.

    Attributes:
        stage: name of the stage.
        epoch: from 0.
        split: `train`, while the weights change and dropout is at work, or `valid`, after the epoch on subjects held out.
        loss: mean over the samples, penalties left out.
        accuracy: share of the samples answered right; None where nothing was counted.
    """

    stage: str
    epoch: int
    split: Split
    loss: float
    accuracy: float | None


class History:
    """Sums up losses and right answers batch by batch; numbers are read only at the end, so that no batch waits for one."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, int, Split], list[Any]] = {}

    def add(self, stage: str, epoch: int, split: Split, n: int, loss: Any, right: Any = None) -> None:
        """Count a batch.

        Args:
            stage: name of the stage.
            epoch: from 0.
            split: whose samples.
            n: samples in the batch.
            loss: their mean loss, a number or a tensor without gradient.
            right: how many were answered right, the same; None if nobody counts.
        """
        sums = self._sums.setdefault((stage, epoch, split), [0, 0.0, None])
        sums[0] += n
        sums[1] = sums[1] + loss * n
        if right is not None:
            sums[2] = right if sums[2] is None else sums[2] + right

    def epochs(self) -> list[Epoch]:
        """All epochs, in the order in which they began."""
        return [
            Epoch(*key, float(loss) / n, None if right is None else float(right) / n)
            for key, (n, loss, right) in self._sums.items()
        ]
