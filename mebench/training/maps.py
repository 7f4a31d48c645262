"""A network that names the emotion of a clip from its maps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import Chain, ClipView, LabelledVideo, Method, Stage, Task, Timing, all_clips
from mebench.features.maps import ONSET_APEX, TrainedMapParams, read_maps
from mebench.training.fit import Classified
from mebench.training.samples import Samples

AT_ONCE = 64
"""Clips that are classified together: large networks need memory for each."""


class MapNetwork(Method, ABC):
    """One training by cross-entropy to the last epoch; a subclass defines `build` and, if needed, its `inputs`.

    Attributes:
        names: names of the maps that it reads.
    """

    tasks = frozenset({"recognize"})
    names: ClassVar[tuple[str, ...]] = (ONSET_APEX,)
    params: TrainedMapParams

    def __init__(self, params: TrainedMapParams, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = self.build(len(task.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Raw class scores (n, classes) of `inputs`, as `self(x)` in a `training_step` of your own."""
        scores: Tensor = self.network(x)
        return scores

    @abstractmethod
    def build(self, classes: int) -> nn.Module:
        """The network: `inputs` to raw class scores, (n, classes)."""

    def inputs(self, maps: Sequence[NDArray[np.float32]]) -> Tensor:
        """The network's input for some clips; by default their first maps unchanged, (n, channels, 28, 28).

        Args:
            maps: for each name (n, 28, 28, 3), values 0 to 255, channels strain, v, u.
        """
        return torch.from_numpy(maps[0]).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Maps for each clip; a dataset may bring its own under these names."""
        return self.params.maps(*self.names)

    def stages(self) -> tuple[Stage, ...]:
        """One training."""
        return (Stage("recognition", self.params.epochs, self.params.batch_size, self.params.shuffle),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Training clips with their classes; clips of validation subjects are only scored, never trained on."""
        return self._samples(train), self._samples(valid) if all_clips(valid) else None

    def _samples(self, videos: Sequence[LabelledVideo]) -> Samples:
        """Maps and labels of all clips."""
        clips = all_clips(videos)
        if self.params.order == "by_class":
            clips.sort(key=lambda clip: clip.label)
        labels = torch.tensor([clip.label for clip in clips])
        if self.task.several:  # a bit for each class
            labels = (labels[:, None] >> torch.arange(len(self.task.classes)) & 1).float()
        return Samples(self._read(clips), labels)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Cross-entropy of a batch; of several classes at once the focal loss of each."""
        x, y = batch
        return self.loss_of(self.network(x), y)

    def loss_of(self, scores: Tensor, y: Tensor) -> Tensor:
        """Mean loss of a batch: scores (n, classes) against class numbers (n,), or a bit for each class (n, classes)."""
        return multilabel_focal_loss(scores, y) if self.task.several else F.cross_entropy(scores, y)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Classified:
        """Record loss and accuracy on held-out subjects; UF1 and UAR follow from the returned scores."""
        x, y = batch
        scores = self.network(x)
        right = ((scores > 0) == y.bool()).all(1) if self.task.several else scores.argmax(1) == y
        self.history.add(self.stage, self.current_epoch, "valid", len(y), self.loss_of(scores, y), right.sum())
        return Classified(scores, y)

    def configure_optimizers(self) -> torch.optim.Optimizer | dict[str, Any]:
        """Adam at a fixed rate."""
        return torch.optim.Adam(self.network.parameters(), lr=self.params.lr, fused=True)

    @torch.inference_mode()
    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Class probabilities, (n_clips, n_classes)."""
        parts = [clips[first : first + AT_ONCE] for first in range(0, len(clips), AT_ONCE)]
        scores = [self.network(self._read(part).to(self.device)) for part in parts]
        shares: list[NDArray[np.float64]] = []
        for score in scores:
            share = score.sigmoid() if self.task.several else score.softmax(1)
            shares.append(share.double().cpu().numpy())
        return np.concatenate(shares)

    def _read(self, clips: Sequence[ClipView]) -> Tensor:
        return self.inputs([read_maps(clips, name) for name in self.names])


def multilabel_focal_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Mean over clips and classes of the focal loss (Lin et al. 2017, arXiv:1708.02002, equation 4, gamma 2), which weighs what is hard.

    Args:
        scores: raw, (n, classes).
        labels: 0 or 1, (n, classes).
    """
    p = scores.sigmoid()
    missed = labels * (1 - p) + (1 - labels) * p
    return (F.binary_cross_entropy_with_logits(scores, labels, reduction="none") * missed**2).mean()
