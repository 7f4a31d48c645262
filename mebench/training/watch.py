"""How well the classes of held-out subjects are named, epoch by epoch: watched, never chosen on."""

from typing import Any, NamedTuple

import lightning as L
from torch import Tensor

from mebench.core import Method


class Classified(NamedTuple):
    """What a `validation_step` answers about a batch of clips, to have it scored.

    Attributes:
        scores: of the classes of the task, (n, n_classes), higher is likelier; or class numbers (n,).
        truth: class numbers, (n,).
    """

    scores: Tensor
    truth: Tensor


class Watch(L.Callback):  # type: ignore[misc]
    """Notes UF1 and UAR of all that `validation_step` classified in an epoch, over the classes that occur in its truth.

    Args:
        n_classes: of the task.
    """

    def __init__(self, n_classes: int) -> None:
        from mebench.metrics.torch import UAR, UF1  # and with it pandas, which a training needs for nothing else

        self.uf1, self.uar = UF1(n_classes), UAR(n_classes)

    def on_validation_batch_end(
        self, trainer: L.Trainer, pl_module: Method, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count the answers of a batch."""
        if isinstance(outputs, Classified):
            self.uf1.update(*outputs)
            self.uar.update(*outputs)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: Method) -> None:
        """Score the whole epoch."""
        if not self.uf1.update_called:  # a stage that learns something else
            return
        uf1, uar = float(self.uf1.compute()), float(self.uar.compute())
        pl_module.history.score(pl_module.stage, pl_module.current_epoch, "valid", uf1, uar)
        self.uf1.reset()
        self.uar.reset()
