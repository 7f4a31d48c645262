"""ActionFormer behind the contract."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import KINDS, Kind, LabelledVideo, Stage, Task, VideoView
from mebench.training.detection import Detector

from .network import LEVELS, IntervalPyramid
from .params import Params as _Params
from .points import NONE, losses, of_points, points

I3D_STRIDE, I3D_FRAMES = 2, 8
"""Frames from one row of I3D features to the next, and frames that a row is made of."""
FAINT, MOST = 0.01, 2000
"""Confidence below which a proposal is dropped at once, and number of proposals considered in a video."""
INSIDE = 0.5
"""Share of an expression that a segment must contain to learn it."""
COARSEST = 2 ** (LEVELS - 1)

Box = tuple[float, float, int]
"""First and last row, and class."""


class Segments(TorchDataset[tuple[Tensor, ...]]):
    """Parts of series with their expressions; a batch is as long as the longest of them, in steps of the coarsest
    level.

    Args:
        series: (rows, channels) each.
        chosen: for each sample the number of its series, its first and its last row, the latter excluded, and its expressions.
    """

    def __init__(self, series: Sequence[Tensor], chosen: Sequence[tuple[int, int, int, list[Box]]]) -> None:
        self.series, self.chosen = series, chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A batch: rows (n, T, channels), a mask of existing rows (n, 1, T), ends (n, most, 2) and labels (n, most)."""
        taken = [self.chosen[i] for i in indices]
        length = -(-max(last - first for _, first, last, _ in taken) // COARSEST) * COARSEST
        most = max(1, *(len(boxes) for *_, boxes in taken), 1)
        x = torch.zeros(len(taken), length, self.series[0].shape[1])
        there, ends = torch.zeros(len(taken), 1, length), torch.zeros(len(taken), most, 2)
        labels = torch.full((len(taken), most), NONE)
        for place, (number, first, last, boxes) in enumerate(taken):
            x[place, : last - first], there[place, :, : last - first] = self.series[number][first:last], 1
            for i, (a, b, label) in enumerate(boxes):
                ends[place, i], labels[place, i] = torch.tensor([a, b]), label
        return x, there, ends, labels


def parts_of(n: int, length: int, boxes: Sequence[Box]) -> list[tuple[int, int, list[Box]]]:
    """Parts of n rows that overlap by half (the last one ends with the video), each with the expressions that are at
    least half inside.
    """
    found = []
    for first in [*range(0, max(n - length, 0), length // 2), max(n - length, 0)]:
        last, inside = min(first + length, n), []
        for a, b, label in boxes:
            cut = max(a, first), min(b, last - 1)
            if cut[1] - cut[0] >= INSIDE * (b - a) and cut[1] > cut[0]:
                inside.append((cut[0] - first, cut[1] - first, label))
        found.append((first, last, inside))
    return found


class ActionFormer(Detector):
    """Each moment of each level proposes an interval around it; of each kind the surest that do not overlap stay."""

    Params = _Params
    params: _Params

    usual: Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.register_buffer("usual", torch.tensor(100.0))

    def build(self, channels: int) -> nn.Module:
        """Build the feature pyramid for the given number of input channels."""
        return IntervalPyramid(channels, self.params.width, self.params.attention)

    def _grid(self, video: VideoView) -> tuple[int, int]:
        """Frames of the video from one row to the next, and the frame of the first row."""
        return (
            (I3D_STRIDE, I3D_FRAMES // 2) if self.params.features == "i3d" else (self.params.step(video.timing.fps), 0)
        )

    def _rows(self, video: VideoView) -> Tensor:
        """(rows, channels)."""
        if self.params.features == "i3d":
            return torch.from_numpy(self.i3d(video)).float()
        x = self.motion(video)
        return torch.from_numpy(x if len(x) else np.zeros((1, x.shape[1]), np.float32))

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both kinds."""
        return (Stage("pyramid", self.params.epochs, self.params.batch_size),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Parts of series with their expressions. Motion is brought to mean 0 and deviation 1, each direction for
        itself.
        """
        series = [self._rows(video) for video in train]
        self.standardise(series)
        chosen = []
        for number, (video, rows) in enumerate(zip(train, series)):
            step, first = self._grid(video)
            boxes = [
                ((e.onset - first) / step, (e.offset - first) / step, KINDS.index(e.kind))
                for e in video.expressions
                if e.offset > e.onset
            ]
            chosen += [(number, *part) for part in parts_of(len(rows), self.params.segment, boxes)]
        return Segments(series, chosen), None

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor, Tensor], index: int) -> Tensor:
        """Both losses, divided by a running mean of the number of points that represent an expression."""
        x, there, boxes, labels = batch
        classes, truth = of_points(boxes, labels, x.shape[1])
        focal, misplaced, positive = losses(*self._answers(x, there), classes, truth)
        self.usual = 0.9 * self.usual + 0.1 * positive.clamp(min=1)
        loss = (focal + misplaced) / self.usual
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach())
        return loss

    def _answers(self, x: Tensor, there: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The network's output for rows (n, T, channels)."""
        scaled = ((x - self.mean) / self.deviation).transpose(1, 2) * there
        found: tuple[Tensor, Tensor, Tensor] = self.network(scaled, there)
        return found

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW without weight decay on biases and normalisation; the rate rises, then falls as a cosine, step by step."""
        p, decaying, others = self.params, list[nn.Parameter](), list[nn.Parameter]()
        for weight in self.network.parameters():
            (decaying if weight.dim() == 3 and weight.shape[0] > 1 else others).append(weight)
        groups = [{"params": decaying, "weight_decay": p.weight_decay}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=p.lr)
        steps = int(self.trainer.estimated_stepping_batches)
        rising = max(steps // 7, 1)

        def rate(step: int) -> float:
            done = min((step - rising) / max(steps - rising, 1), 1.0)
            return (step + 1) / (rising + 1) if step < rising else 0.5 * (math.cos(done * math.pi) + 1)

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Gradients longer than 1 are shortened to that."""
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def proposed(self, video: VideoView) -> list[tuple[spotting.Spotted, Kind]]:
        """The most confident proposals of each kind that are not faint, in frames of the video."""
        rows, (step, first) = self._rows(video), self._grid(video)
        length = -(-len(rows) // COARSEST) * COARSEST
        x, there = torch.zeros(1, length, rows.shape[1]), torch.zeros(1, 1, length)
        x[0, : len(rows)], there[0, 0, : len(rows)] = rows, 1
        x, there = x.to(self.mean.device), there.to(self.mean.device)
        scores, ends, present = (part[0].cpu().double().numpy() for part in self._answers(x, there))
        where, strides, _ = (part.double().numpy() for part in points(length))
        places = np.stack([where - ends[:, 0] * strides, where + ends[:, 1] * strides], axis=1)
        frames = np.rint(places * step + first).astype(int).clip(0, max(video.n_frames - 1, 0))
        confidence = 0.5 * (1 + np.tanh(scores / 2)) * (present[:, None] > 0) * (frames[:, 1:] > frames[:, :1])
        found = list[tuple[spotting.Spotted, Kind]]()
        for column, kind in enumerate(KINDS):
            order = np.argsort(-confidence[:, column], kind="stable")[:MOST]
            kept = order[confidence[order, column] > FAINT]
            spans = [(*frames[i].tolist(), float(confidence[i, column])) for i in kept]
            found += [(spotting.Spotted(a, (a + b) // 2, b, sure), kind) for a, b, sure in spans]
        return found

    def detected(self, video: VideoView) -> dict[Kind, list[spotting.Spotted]]:
        """The most confident intervals of each kind that do not overlap, of any confidence."""
        proposals, p = self.proposed(video), self.params
        own = {kind: [s for s, other in proposals if other == kind] for kind in KINDS}
        return {kind: spotting.suppress(some, p.nms, p.top) for kind, some in own.items()}


Plugin = ActionFormer
