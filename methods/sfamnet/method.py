"""SFAMNet behind the contract: one network scores frames and names them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import Dataset as TorchDataset

from mebench.core import (
    Chain,
    ClipView,
    LabelledVideo,
    Method,
    Prediction,
    Stage,
    Task,
    Timing,
    VideoView,
    all_clips,
    stack,
)
from mebench.errors import DataError
from mebench.features import EyesAndMouth, Flow, MinMax, Strain
from mebench.training import vote
from mebench.training.layers import balanced_weights
from mebench.training.released import load, released_file, torch_weights

from .network import SceneFlowNetwork, of_authors
from .params import Params as _Params
from .rules import Reach, highest, intervals, rising, smoothed

SCENE_FLOW, FRAMES, CLIPS = "scene_flow", "sfamnet_frames", "sfamnet_clips"
ROUND = 10
"""Number of steps in an epoch here: the public program counts steps, not passes."""
AT_ONCE = 512


class SFAMNet(Method):
    """Frames of the rising half of micro-expressions are distinguished from equally many others, and classified."""

    Params = _Params
    tasks = frozenset({"spot", "recognize"})
    transductive = "video"  # a video with many high scores gets no intervals
    params: _Params

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        self.network = SceneFlowNetwork(self._neutral + 1)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.register_buffer("weights", torch.ones(self._neutral + 1))

    @classmethod
    def looks_at_test_video(cls, tasks: frozenset[str], params: Any = None) -> str:
        """Each frame is classified independently."""
        return super().looks_at_test_video(tasks, params) if "spot" in tasks else "none"

    @property
    def _neutral(self) -> int:
        """The class of frames outside expressions, after the emotions."""
        return len(self.task.classes)

    @property
    def _brought(self) -> bool:
        return self.params.features == "scene_flow"

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Scene flow, which only a dataset brings; or MEAN's maps, of frames and of clips."""
        p = self.params
        if self._brought:
            advice = (
                "provide them in a dataset of your own, whose `provided` knows that name, or use optical flow and "
                "strain, method.features=flow"
            )
            return {SCENE_FLOW: Chain(SCENE_FLOW, (), advice=advice)}
        maps, k = (Strain("backward"), MinMax(), EyesAndMouth(p.regions)), math.ceil(p.k_seconds * timing.fps - 1e-9)
        return {
            FRAMES: Chain(FRAMES, (p.face(), Flow(p.flow, k=max(1, k), stride=p.stride), *maps)),
            CLIPS: Chain(CLIPS, (p.face(), Flow(p.flow), *maps), scope="clips"),
        }

    def _maps(self, video: VideoView) -> NDArray[Any]:
        """(frames of the series, 42, 42, 3)."""
        maps = video.features(SCENE_FLOW if self._brought else FRAMES)[:: self._step(video)]
        if maps.shape[1:] != (42, 42, 3):
            raise DataError(
                f"the scene flow of {video.key} has the shape {(video.n_frames, *maps.shape[1:])}, expected (n_frames, 42, 42, 3)"
            )
        return maps

    def _step(self, video: VideoView) -> int:
        return self.params.step(video.timing.fps)

    # -- training -----------------------------------------------------------------------------------------------------------

    def stages(self) -> tuple[Stage, ...]:
        """One training for both tasks, in rounds of some steps; none with released weights."""
        if self.params.weights:
            return ()
        return (Stage("motion", self.params.epochs, self.params.batch_size, shuffle=False),)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Load the released weights of a subject outside the training set, if requested."""
        if self.params.weights:
            file = released_file(self.params.weights, [*train, *valid], (".pkl", ".pt", ".pth"))
            load(self.network, of_authors(torch_weights(file), self.task.classes), file)

    def samples(
        self, stage: str, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]
    ) -> tuple[TorchDataset[Any], TorchDataset[Any] | None]:
        """Frames near apexes, clips, and as many frames as both together that are none."""
        labels = [self._labels(video) for video in train]
        every, clips = np.concatenate(labels), [] if self._brought or not self._neutral else all_clips(train)
        chosen, outside = every >= 0, np.flatnonzero(every < 0)
        most = min(int(chosen.sum()) + len(clips), len(outside))
        chosen[np.random.default_rng(self.seed).choice(outside, most, replace=False)] = True
        of_videos = np.split(chosen, np.cumsum([len(own) for own in labels])[:-1])
        maps = [self._maps(video)[own] for video, own in zip(train, of_videos)]
        named = torch.from_numpy(np.r_[every[chosen], [clip.label for clip in clips]]).long()
        x = _tensor(np.concatenate([*maps, *([stack(clips, CLIPS)] if clips else [])]))
        classes = torch.where(named < 0, self._neutral, named)
        if (classes < self._neutral).any():
            self.weights = balanced_weights(classes[classes < self._neutral], self._neutral + 1)
        return _Endless((x, (named >= 0).float(), classes), ROUND * self.params.batch_size, self.seed), None

    def _labels(self, video: LabelledVideo) -> NDArray[np.int64]:
        """The class of each frame of the series near the apex of a micro-expression, "neutral" if the scheme leaves its
        emotion out; -1 for all other frames.
        """
        step, micro = (
            self._step(video),
            [pair for pair in zip(video.expressions, video.labels) if pair[0].kind == "micro"],
        )
        near = rising(len(self._maps(video)), [(e.onset // step, e.peak // step) for e, _ in micro])
        return np.array([self._neutral if c is None else c for _, c in micro] + [-1])[near]

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        """Squared error of scores and cross-entropy of emotions, weighed; motion is up to a tenth weaker or stronger."""
        x, y, named = batch
        strength = torch.randint(90, 111, (len(x), 1, 1, 1), device=x.device) / 100
        scores, answers = self.network(x * strength)
        loss, share = F.mse_loss(scores, y), self.params.spotting
        if self._neutral and (named != self._neutral).any():
            loss = share * loss + (1 - share) * F.cross_entropy(answers, named, self.weights)
        right = ((scores.detach() > 0.5) == (y > 0)).sum()
        self.history.add(self.stage, self.current_epoch, "train", len(x), loss.detach(), right)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam at a fixed rate."""
        return torch.optim.Adam(self.network.parameters(), lr=self.params.lr)

    # -- prediction ---------------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def _answers(self, maps: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores (n,), and probabilities of the emotions (n, classes)."""
        parts = [
            self.network(_tensor(maps[i : i + AT_ONCE]).to(self.weights.device)) for i in range(0, len(maps), AT_ONCE)
        ]
        scores = torch.cat([part[0] for part in parts]) if parts else torch.empty(0)
        answers = torch.cat([part[1] for part in parts]) if parts else torch.empty(0, self._neutral + 1)
        emotions = answers[:, : self._neutral].softmax(1)
        return scores.double().cpu().numpy(), emotions.double().cpu().numpy()

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The score of each frame: that of the nearest preceding frame of the series; NaN after the last."""
        scores = np.repeat(self._answers(self._maps(video))[0], self._step(video))[: video.n_frames]
        return np.pad(scores, (0, video.n_frames - len(scores)), constant_values=np.nan)[:, None]

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Peaks of the right length and shape; none in a video with high scores throughout. Of one expression the
        highest peak.
        """
        p, step = self.params, self._step(video)
        own = scores[~np.isnan(scores[:, 0]), 0][::step]
        fps = video.timing.fps / step
        lengths = (p.smoothing / 2, p.before, p.after, p.shortest, p.longest)
        reach = Reach(*(max(1, round(seconds * fps)) for seconds in lengths))
        smooth = smoothed(own, reach.half)
        found = intervals(smooth, reach, p.level, p.most, p.fall)
        if self.task.one_per_video:
            found = sorted(found or highest(own, reach), key=lambda s: -s.confidence)[:1]
        elif len(smooth) and smooth.mean() >= p.busy:
            found = []
        return [
            Prediction(
                video.key,
                "micro",
                s.onset * step,
                s.apex * step,
                min(s.offset * step, video.n_frames - 1),
                s.confidence,
            )
            for s in found
        ]

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """Emotion of each clip, (n_clips, n_classes), rows sum to 1: for a spotted clip, the most frequent emotion of
        its frames from onset to apex; for an annotated one, the emotion of its map from onset to apex, with scene flow
        again the most frequent.
        """
        return np.stack([self._named(clip) for clip in clips])

    def _named(self, clip: ClipView) -> NDArray[np.float64]:
        if not clip.spotted and not self._brought:
            return np.asarray(self._answers(clip.feature(CLIPS)[None])[1][0])
        maps, step = self._maps(clip.video), self._step(clip.video)
        if not len(maps):
            return np.full(self._neutral, 1 / self._neutral)
        first, last = (min(max(frame // step, 0), len(maps) - 1) for frame in (clip.onset, clip.apex))
        return vote(self._answers(maps[first : max(first, last) + 1])[1])


class _Endless(TorchDataset[tuple[Tensor, ...]]):
    """Samples pass after pass, each pass in a new order, independent of the request; a round of steps ends within a
    pass. Of none there are none.

    Args:
        tensors: each (n, ...).
        length: of a round, in samples.
        seed: of the orders.
    """

    def __init__(self, tensors: Sequence[Tensor], length: int, seed: int) -> None:
        self.tensors, self.length = tensors, length if len(tensors[0]) else 0
        self._generator, self._waiting = torch.Generator().manual_seed(seed), torch.empty(0, dtype=torch.int64)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return tuple(t[0] for t in self.__getitems__([index]))

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, ...]:
        """As many as there are indices."""
        while len(self._waiting) < len(indices):
            again = torch.randperm(len(self.tensors[0]), generator=self._generator)
            self._waiting = torch.cat([self._waiting, again])
        rows, self._waiting = self._waiting[: len(indices)], self._waiting[len(indices) :]
        return tuple(t[rows] for t in self.tensors)


def _tensor(maps: NDArray[Any]) -> Tensor:
    """(n, 42, 42, 3) to (n, 3, 42, 42), float32."""
    return torch.from_numpy(np.array(maps, np.float32, order="C")).permute(0, 3, 1, 2)


Plugin = SFAMNet
