"""SOFTNet behind the contract: a network for each kind, trained on its own labels, scores for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench import spotting
from mebench.core import Chain, LabelledVideo, Method, Prediction, Stage, Task, Timing, VideoView
from mebench.features import EyesAndMouth, FaceCrop, Flow, MaskEyes, RemoveNoseMotion, Strain
from mebench.training import Samples

from .network import SOFTNet as Network
from .params import Params as _Params
from .samples import augmented, hard_labels, kept_frames

INFERENCE_BATCH = 1024


class SOFTNet(Method):
    """One network for each kind: it learns whether the flow over k' frames is that of an expression of this kind."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")
    transductive = "video"  # the threshold uses the test video's own mean and maximum
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.networks = nn.ModuleDict({kind: Network() for kind in task.kinds})
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Flow and strain of eyes and mouth for each kind: the gap between two frames is half a mean length, k'."""
        p = self.params
        motion: list[Any] = []
        if p.regions != "box" and p.nose_motion != "kept":
            motion.append(RemoveNoseMotion(variant=p.nose_motion))
        if p.regions != "box" and p.eye_mask != "none":
            motion.append(MaskEyes(p.eye_margin, outline=p.eye_mask))
        maps = (Strain("forward"), *motion, EyesAndMouth(p.regions))
        return {
            _chain(kind): Chain(
                _chain(kind), (FaceCrop(), Flow(p.flow, k=timing.k_prime[kind], stride=p.stride), *maps)
            )
            for kind in self.task.kinds
        }

    def stages(self) -> tuple[Stage, ...]:
        """One training for each kind, named after it."""
        return tuple(Stage(kind, self.params.epochs, self.params.batch_size) for kind in self.task.kinds)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Frames with hard labels; micro-expressions are augmented before the maps are normalised, as the authors do."""
        p, rng = self.params, np.random.default_rng(self.seed)
        maps, labels = [], []
        for video in train:
            features = video.features(_chain(stage))
            own = [e for e in video.expressions if e.kind == stage]
            k = video.timing.k_prime[stage]  # type: ignore[index]
            maps.append(features)
            labels.append(hard_labels(len(features), own, k, without_onset=p.labels == "released_code"))
        y = np.concatenate(labels)
        kept = kept_frames(y, p.negatives, rng)
        ends = np.cumsum([len(m) for m in maps])
        parts = [m[kept[(kept >= end - len(m)) & (kept < end)] - (end - len(m))] for m, end in zip(maps, ends)]
        x, y = np.concatenate(parts), y[kept]
        if p.augmentation and stage == "micro":
            more = augmented(x[y > 0], signed=p.nose_motion != "released_code" or p.regions == "box", rng=rng)
            x, y = np.concatenate([x, more]), np.concatenate([y, np.ones(len(more), np.float32)])
        return Samples(_channels_first(x), torch.from_numpy(y)), None

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Mean squared error of the kind in training."""
        x, y = batch
        return F.mse_loss(self.networks[self.stage](x).squeeze(1), y)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Gradient descent without momentum."""
        return torch.optim.SGD(self.networks[self.stage].parameters(), lr=self.params.lr)

    @torch.no_grad()
    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The network's output for each frame and kind; NaN for the last k' of a kind, which have no partner."""
        scores = np.full((video.n_frames, len(self.task.kinds)), np.nan)
        for column, kind in enumerate(self.task.kinds):
            features = _channels_first(video.features(_chain(kind)))
            if len(features):
                parts = [self.networks[kind](part) for part in torch.split(features, INFERENCE_BATCH)]
                scores[: len(features), column] = torch.cat(parts).squeeze(1).double().numpy()
        return scores

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Peaks of the smoothed scores, each with k' frames on both sides.

        The released code averages over 2k' frames as MEAN's does, but drops those without a full window.
        """
        if self.params.rule == "paper":
            return super().propose(video, scores)
        return [
            Prediction(video.key, kind, *found)
            for column, kind in enumerate(self.task.kinds)
            for found in spot_as_released(
                scores[:, column], video.timing.k_prime[kind], self.params.p, self.task.one_per_video
            )
        ]


def spot_as_released(
    scores: NDArray[np.float64], k_prime: int, p: float, highest_only: bool = False
) -> list[spotting.Spotted]:
    """Intervals [F_p - k', F_p + k'] around the peaks of the mean of the frames [i - k', i + k' - 1].

    Only frames with k' scores before and k' after them are kept, so a video of 2k' scores or fewer gives none.

    Args:
        scores: (n,); NaN is taken off the end.
        k_prime: half the window in frames, and the least distance of two peaks.
        p: place of the threshold between mean and maximum of the video's smoothed scores.
        highest_only: the highest smoothed frame is the one answer.
    """
    from scipy.signal import find_peaks  # half a second to import: only where it is used

    defined = scores[~np.isnan(scores)]
    if len(defined) <= 2 * k_prime:
        return []
    _, smoothed = spotting.smooth(defined, k_prime, "released_code")
    smoothed = smoothed[k_prime:-k_prime]
    if highest_only:
        peaks = np.array([smoothed.argmax()])
    else:
        peaks, _ = find_peaks(smoothed, height=spotting.threshold(smoothed, p), distance=k_prime)
    return [spotting.interval(k_prime + int(i), k_prime, float(smoothed[i]), "released_code") for i in peaks]


def _chain(kind: str) -> str:
    """Name of the chain whose flow has the gap of this kind."""
    return f"softnet_{kind}"


def _channels_first(maps: NDArray[Any]) -> Tensor:
    """(n, 42, 42, 3) to (n, 3, 42, 42) of the same precision, channels last in memory."""
    return torch.from_numpy(np.array(maps)).permute(0, 3, 1, 2)


Plugin = SOFTNet
