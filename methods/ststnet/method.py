"""STSTNet behind the contract: recognition from onset-to-apex motion."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import Chain, ClipView, LabelledVideo, Method, Stage, Task, Timing, all_clips, stack
from mebench.features import Flow, FlowImage, Strain
from mebench.training import Classified, Samples

from .network import STSTNet as Network
from .params import Params as _Params

CHAIN = "onset_apex_flow_28"


class STSTNet(Method):
    """A network on maps of strain, vertical and horizontal flow between onset and apex; values 0 to 255 as published."""

    Params = _Params
    tasks = frozenset({"recognize"})

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = Network(len(task.classes), params.dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """One map for each clip; a dataset may bring its own under this name."""
        steps = (self.params.face(), Flow(algorithm=self.params.flow), Strain(), FlowImage(size=28))
        return {CHAIN: Chain(CHAIN, steps, scope="clips")}

    def stages(self) -> tuple[Stage, ...]:
        """One training to the last epoch."""
        return (Stage("recognition", self.params.epochs, self.params.batch_size, self.params.shuffle),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """The clips of the training subjects with their classes; those of validation subjects are only watched."""
        return self._samples(train), self._samples(valid) if all_clips(valid) else None

    def _samples(self, videos: Sequence[LabelledVideo]) -> Samples:
        clips = all_clips(videos)
        return Samples(self._inputs(clips), torch.tensor([clip.label for clip in clips]))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Cross-entropy of a batch."""
        x, y = batch
        return F.cross_entropy(self.network(x), y)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Classified:
        """Note loss and accuracy on subjects that are held out; UF1 and UAR follow from what is answered."""
        x, y = batch
        scores = self.network(x)
        right = (scores.argmax(1) == y).sum()
        self.history.add(self.stage, self.current_epoch, "valid", len(y), F.cross_entropy(scores, y), right)
        return Classified(scores, y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam at a fixed rate."""
        return torch.optim.Adam(self.network.parameters(), lr=self.params.lr, fused=True)

    @torch.inference_mode()
    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Class probabilities, (n_clips, n_classes)."""
        return np.asarray(self.network(self._inputs(clips)).softmax(1).double().numpy())

    @staticmethod
    def _inputs(clips: Sequence[ClipView]) -> Tensor:
        maps = torch.from_numpy(stack(clips, CHAIN)).permute(0, 3, 1, 2)
        return maps.contiguous(memory_format=torch.channels_last)


Plugin = STSTNet
