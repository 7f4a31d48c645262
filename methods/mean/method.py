"""MEAN behind the contract: pseudo-labels, two trainings, interval and class of each peak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import Chain, ClipView, LabelledVideo, Method, Stage, Task, Timing, VideoView, all_clips, stack
from mebench.features import EyesAndMouth, FaceCrop, Flow, MinMax, Strain
from mebench.training import MappedSamples, Samples, release, sample_negatives, window_labels

from .network import Head, Shared
from .params import Params as _Params

FRAMES, CLIPS = "mean_frames", "mean_clips"
INFERENCE_BATCH = 1024


class MEAN(Method):
    """Frames are scored from flow over k frames; emotions are learnt from onset-to-apex flow on the frozen shared layers."""

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.shared = Shared(params.dropout)
        self.shared.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.spotting = Head(1, params.dropout_head) if "spot" in task.tasks else None
        self.recognition = Head(len(task.classes), params.dropout_head) if "recognize" in task.tasks else None

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """The same maps twice: between frames i and i + k, and between onset and apex (section 4.3)."""
        p = self.params
        maps = (Strain("backward"), MinMax(), EyesAndMouth(p.regions))
        return {
            FRAMES: Chain(FRAMES, (FaceCrop(), Flow(p.flow, k=timing.k, stride=p.stride), *maps), scope="frames"),
            CLIPS: Chain(CLIPS, (FaceCrop(), Flow(p.flow), *maps), scope="clips"),
        }

    def stages(self) -> tuple[Stage, ...]:
        """First the spotting network, then recognition on its frozen shared layers (section 3.2)."""
        p = self.params
        spot = (Stage("spotting", p.epochs_spot, p.batch_size),) if self.spotting else ()
        recognise = (Stage("recognition", p.epochs_recognition, p.batch_size),) if self.recognition else ()
        return (*spot, *recognise)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Frames with pseudo-labels (equations 5 and 6), at most `ratio` outside expressions to one inside; or clips."""
        if stage == "spotting":
            return self._spotting_samples(train), None
        clips = all_clips(train)
        x, labels = _channels_first(stack(clips, CLIPS)), torch.tensor([clip.label for clip in clips])
        if self.spotting:
            # The shared layers no longer change: their maps are computed once, in evaluation mode.
            self.shared.eval().requires_grad_(False)
            x = self._in_batches(x)
        return Samples(x, labels), None

    def _spotting_samples(self, train: Sequence[LabelledVideo]) -> MappedSamples:
        maps, labels = [], []
        for video in train:
            features = video.features(FRAMES)
            micro = [e for e in video.expressions if e.kind == "micro"]
            maps.append(features)
            labels.append(window_labels(len(features), micro, video.timing.k_prime["micro"]))
        y = np.concatenate(labels)
        kept = sample_negatives(y, self.params.ratio, np.random.default_rng(self.seed))
        return MappedSamples(maps, kept, torch.from_numpy(y[kept]))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Mean squared error (equation 8) or cross-entropy (equation 10), plus the penalty on kernels of the public code."""
        x, y = batch
        p, head = self.params, self._head()
        if self.stage == "recognition" and self.spotting:  # the samples are maps of the frozen shared layers
            return F.cross_entropy(head(x), y) + p.l2_head * head.penalty()
        outputs = head(self.shared(x))
        loss = F.mse_loss(outputs.squeeze(1), y) if self.stage == "spotting" else F.cross_entropy(outputs, y)
        return loss + p.l2 * self.shared.penalty() + p.l2_head * head.penalty()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """A fresh Adam for each stage (section 4.3), over the layers that the stage trains."""
        learning = [w for w in (*self.shared.parameters(), *self._head().parameters()) if w.requires_grad]
        return torch.optim.Adam(learning, lr=self.params.lr, eps=1e-7)  # Keras' epsilon

    def _head(self) -> Head:
        """The head that the running stage trains."""
        head = self.spotting if self.stage == "spotting" else self.recognition
        assert head is not None
        return head

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The spotting head's output for each frame (equation 7); NaN for the last k, which have no partner."""
        scores = np.full((video.n_frames, 1), np.nan)
        features = video.features(FRAMES)
        for start in range(0, len(features), INFERENCE_BATCH):  # part by part: a whole long video is a gigabyte
            part = features[start : start + INFERENCE_BATCH]
            outputs = self._in_batches(_channels_first(part), self.spotting)
            scores[start : start + len(part), 0] = outputs.squeeze(1).double().numpy()
            release(features)
        return scores

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Emotion of each clip, (n_clips, n_classes), rows sum to 1.

        An annotated clip: softmax on its onset-to-apex flow. A spotted one: the most frequent class of the frames
        [F_p - k', F_p - 1] (section 3.4, case 1), ties by summed probability.
        """
        return np.stack(
            [self._vote(clip) if clip.spotted else self._probabilities(clip.feature(CLIPS)[None])[0] for clip in clips]
        )

    def _vote(self, clip: ClipView) -> NDArray[np.float64]:
        features = clip.video.features(FRAMES)
        last = len(features) - 1
        first = clip.apex - clip.video.timing.k_prime["micro"]
        # Frames before the start of the video or without a partner do not exist: the nearest one stands for them.
        frames = np.unique(np.clip(np.arange(first, clip.apex), 0, last))
        probabilities = self._probabilities(features[frames])
        votes = np.bincount(probabilities.argmax(1), minlength=probabilities.shape[1])
        score = votes + 0.999 * probabilities.mean(0)  # below one vote: it can only break a tie
        return np.asarray(score / score.sum())

    def _probabilities(self, features: NDArray[Any]) -> NDArray[np.float64]:
        outputs = self._in_batches(_channels_first(features), self.recognition)
        return np.asarray(outputs.double().softmax(1).numpy())

    @torch.no_grad()
    def _in_batches(self, x: Tensor, head: Head | None = None) -> Tensor:
        parts = [self.shared(part) for part in torch.split(x, INFERENCE_BATCH)]
        return torch.cat([part if head is None else head(part) for part in parts])


def _channels_first(maps: NDArray[Any]) -> Tensor:
    """(n, 42, 42, 3) to (n, 3, 42, 42) float32, channels last in memory, which the convolution is fastest with."""
    return torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32)).permute(0, 3, 1, 2)


Plugin = MEAN
