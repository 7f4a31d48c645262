"""A recognizer whose validation loss falls, then rises."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from mebench.core import LabelledVideo, Method, Stage, Task
from mebench.training import Classified, Samples

from .params import Params as _Params

N_TRAIN = 24
"""Number of samples to train on, of sixty: few, so that it overfits."""
TASK = Task(frozenset({"recognize"}), classes=("a", "b"))


class Overfitter(Method):
    """Learns two classes from a few noisy samples; the weights begin and the samples are always the same."""

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})

    def __init__(self, params: _Params, task: Task = TASK, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        torch.manual_seed(3)
        self.network = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))

    def stages(self) -> tuple[Stage, ...]:
        """One stage."""
        return (Stage("naming", self.params.epochs, 8),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[Samples, Samples | None]:
        """Sixty drawn samples, whose first number tells the class but for noise."""
        x = torch.randn(60, 8, generator=torch.Generator().manual_seed(5))
        noise = torch.randn(60, generator=torch.Generator().manual_seed(6))
        y = (x[:, 0] + noise > 0).long()
        watched = Samples(x[N_TRAIN:], y[N_TRAIN:]) if self.params.watched else None
        return Samples(x[:N_TRAIN], y[:N_TRAIN]), watched

    def training_step(self, batch: Sequence[torch.Tensor], index: int) -> torch.Tensor:
        """The loss of a batch, which is logged by step and by epoch."""
        inputs, labels = batch
        loss = F.cross_entropy(self.network(inputs), labels)
        self.log("my/loss", loss.detach(), on_epoch=True, on_step=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Sequence[torch.Tensor], index: int) -> Classified:
        """Scores and truth; the loss is logged."""
        inputs, labels = batch
        scores = self.network(inputs)
        self.log("val_loss", F.cross_entropy(scores, labels), batch_size=len(labels))
        return Classified(scores, labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam, fast enough to overfit."""
        return torch.optim.Adam(self.parameters(), lr=0.01)


Plugin = Overfitter
