"""LGSNet behind the contract."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import KINDS, Kind, LabelledVideo, Stage, VideoView
from mebench.training.detection import Detector

from .boxes import anchors, loss_of_anchors, loss_of_points, of_anchors, of_points, points
from .network import PyramidDetector
from .params import Params as _Params
from .windows import STRIDE, Box, Windows, choose, firsts, rows_of

ORDER: tuple[Kind, ...] = ("macro", "micro")
"""Kinds by the network's classes."""
FAINT = 0.05
"""Confidence below which a proposal is dropped at once."""
AT_ONCE = 64


class LGSNet(Detector):
    """Windows propose intervals at points and at anchors; the surest that do not overlap stay."""

    Params = _Params
    params: _Params

    def build(self, channels: int) -> nn.Module:
        """The network of both heads."""
        return PyramidDetector(channels, self.params.window // STRIDE, self.params.width)

    def _step(self, video: VideoView) -> int:
        """Frames of the video from one of the series to the next."""
        return self.params.step(video.timing.fps)

    def _rows(self, video: VideoView) -> Tensor:
        """A row of features for every other frame of the series, (rows, channels)."""
        if self.params.features == "i3d":
            return torch.from_numpy(self.i3d(video))
        x = self.motion(video)
        x = np.pad(x, ((0, max(len(x) % STRIDE, STRIDE * (not len(x)))), (0, 0)))
        return torch.from_numpy(x.reshape(-1, STRIDE, x.shape[1]).sum(1))

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both kinds."""
        return (Stage("windows", self.params.epochs, self.params.batch_size),)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Windows with their intervals. Motion is brought to mean 0 and deviation 1, each direction for itself."""
        series = [self._rows(video) for video in train]
        self.standardise(series)
        steps = [self._step(video) for video in train]
        boxes: list[list[Box]] = [
            [(e.onset / step, e.offset / step, 1 + ORDER.index(e.kind)) for e in v.expressions if e.offset > e.onset]
            for v, step in zip(train, steps)
        ]
        lengths = [-(-video.n_frames // step) for video, step in zip(train, steps)]
        rng = np.random.default_rng(self.seed)
        chosen = choose(boxes, lengths, self.params.window, self.params.background, rng)
        return Windows(series, chosen, self.params.window), None

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        """The losses of points and of anchors."""
        x, boxes, labels = batch
        scores, ends, sure, moves = self._answers(x)
        window, micro = self.params.window, self.params.micro_weight
        loss = loss_of_points(scores, ends, *of_points(boxes, labels, window), micro)
        loss = loss + loss_of_anchors(sure, moves, *of_anchors(boxes, labels, window))
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach())
        return loss

    def _answers(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The network's output for windows (n, rows, channels)."""
        found: tuple[Tensor, Tensor, Tensor, Tensor] = self.network(
            ((x.float() - self.mean) / self.deviation).transpose(1, 2)
        )
        return found

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW at a rate that rises from 0, epoch by epoch, and falls as a cosine."""
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=self.params.lr, weight_decay=0.0)
        last, rising = self.params.epochs, max(self.params.epochs / 6, 1)

        def rate(epoch: int) -> float:
            if epoch <= rising:
                return (epoch or 0.1) / rising  # the public program's first epoch learns nothing, at a rate of 0
            return 0.5 * (math.cos((epoch - rising) / (last - rising) * math.pi) + 1)

        return {"optimizer": optimizer, "lr_scheduler": torch.optim.lr_scheduler.LambdaLR(optimizer, rate)}

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def proposed(self, video: VideoView) -> list[tuple[spotting.Spotted, Kind]]:
        """All proposals of a video that are not faint, in its frames, and their kinds."""
        window, step = self.params.window, self._step(video)
        series = self._rows(video)
        starts = firsts(-(-video.n_frames // step), window, window // 8)
        where, strides, _ = (part.numpy() for part in points(window))
        middles, widths = (part.numpy() for part in anchors(window))
        parts: list[list[NDArray[Any]]] = [[], []]
        for batch in range(0, len(starts), AT_ONCE):
            own = starts[batch : batch + AT_ONCE]
            x = torch.stack([rows_of(series, first, window) for first in own]).to(self.mean.device)
            scores, ends, sure, moves = (part.cpu().double().numpy() for part in self._answers(x))
            middle, half = moves[..., 0] * widths + middles, np.exp(moves[..., 1]) * widths / 2
            low = np.concatenate([where - ends[..., 0] * strides, middle - half], axis=1)
            high = np.concatenate([where + ends[..., 1] * strides, middle + half], axis=1)
            first = np.array(own)[:, None]
            inside = np.stack([np.maximum(low, 0) + first, np.minimum(high, window) + first], axis=-1)
            parts[0].append(np.concatenate([scores, sure], axis=1).reshape(-1, len(ORDER)))
            parts[1].append(inside.reshape(-1, 2))
        logits, places = (np.concatenate(part) for part in parts)
        confidence, which = 0.5 * (1 + np.tanh(logits.max(1) / 2)), logits.argmax(1)
        frames = np.rint(places * step).astype(int).clip(0, max(video.n_frames - 1, 0))
        found = []
        for i in np.flatnonzero((confidence > FAINT) & (frames[:, 1] > frames[:, 0])).tolist():
            a, b = frames[i].tolist()
            found.append((spotting.Spotted(a, (a + b) // 2, b, float(confidence[i])), ORDER[which[i]]))
        return found

    def detected(self, video: VideoView) -> dict[Kind, list[spotting.Spotted]]:
        """The most confident non-overlapping intervals of a video, by kind, at any confidence."""
        kinds = dict(self.proposed(video))
        surest = spotting.suppress(list(kinds), self.params.nms, self.params.top)
        return {kind: [s for s in surest if kinds[s] == kind] for kind in KINDS}


Plugin = LGSNet
