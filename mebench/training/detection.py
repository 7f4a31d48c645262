"""Detectors: networks that propose intervals with a confidence, from I3D features or from the motion of regions."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mebench import spotting
from mebench.core import KINDS, Chain, Kind, LabelledVideo, Method, Prediction, Task, Timing, VideoView
from mebench.features import MOTION
from mebench.features.maps import DetectorParams
from mebench.features.regions import POINTS

I3D = "i3d"
I3D_CHANNELS = 2048


class Detector(Method, ABC):
    """Learns the confidence that an interval of each kind needs; a subclass defines `build`, `proposed` and `detected`.

    Attributes:
        advice: remedy where a dataset brings no I3D features.
    """

    tasks = frozenset({"spot"})
    kinds = KINDS
    params: DetectorParams
    advice: ClassVar[str] = (
        "take dataset=long_video_features dataset.layout=lgsnet, which reads LGSNet's files, or features that mebench computes, "
        "method.features=motion"
    )
    mean: Tensor
    deviation: Tensor
    levels_learnt: Tensor

    def __init__(self, params: DetectorParams, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        channels = I3D_CHANNELS if params.features == "i3d" else 2 * len(POINTS)
        self.network = self.build(channels)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("deviation", torch.ones(channels))
        self.register_buffer("levels_learnt", torch.full((len(KINDS),), params.threshold or 0.0, dtype=torch.float64))

    @abstractmethod
    def build(self, channels: int) -> nn.Module:
        """The network that reads so many channels."""

    @abstractmethod
    def proposed(self, video: VideoView) -> list[tuple[spotting.Spotted, Kind]]:
        """All proposals of a video that are not faint, in its frames, and their kinds."""

    @abstractmethod
    def detected(self, video: VideoView) -> Mapping[Kind, list[spotting.Spotted]]:
        """The most confident intervals of each kind without overlap, by time."""

    @classmethod
    def holds_out(cls, params: Any) -> bool:
        """Subjects are held out to choose the confidence that an interval needs."""
        return params.threshold is None

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """I3D features, which only a dataset brings, or the motion of regions."""
        if self.params.features == "motion":
            return self.params.series(timing.fps)
        return {I3D: Chain(I3D, (), advice=self.advice)}

    def i3d(self, video: VideoView) -> NDArray[Any]:
        """(rows, 2048): features of frames and flow; those of one stream count for both."""
        feature = np.asarray(video.features(I3D))
        return feature if feature.shape[1] == I3D_CHANNELS else np.concatenate([feature, feature], axis=1)

    def motion(self, video: VideoView) -> NDArray[np.float32]:
        """The motion of regions between frames of the series, (frames, 24)."""
        step = self.params.step(video.timing.fps)
        return np.asarray(video.features(MOTION)[::step].astype(np.float32).reshape(-1, 2 * len(POINTS)))

    def standardise(self, series: Sequence[Tensor]) -> None:
        """Bring each direction of motion to mean 0 and deviation 1 over series, (rows, channels)."""
        if self.params.features == "motion":
            every = torch.cat(list(series)).reshape(-1, 2)
            self.mean = every.mean(0).repeat(len(POINTS))
            self.deviation = every.std(0).clamp(min=1e-6).repeat(len(POINTS))

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """The confidence that an interval of each kind needs, unless it is given."""
        if self.params.threshold is None:
            videos = valid or train
            detected = [self.detected(video) for video in videos]
            for place, kind in enumerate(KINDS):
                truths = [[(e.onset, e.offset) for e in video.expressions if e.kind == kind] for video in videos]
                self.levels_learnt[place] = spotting.learnt_threshold([own[kind] for own in detected], truths)

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The confidence of the most confident proposal that holds a frame, for each kind; 0 where there is none."""
        scores = np.zeros((video.n_frames, len(self.task.kinds)))
        for s, kind in self.proposed(video):
            if kind in self.task.kinds:
                held = scores[s.onset : s.offset + 1, self.task.kinds.index(kind)]
                np.maximum(held, s.confidence, out=held)
        return scores

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """The intervals that are confident enough; in videos of one expression the most confident."""
        predictions = []
        detected = self.detected(video)
        for kind in self.task.kinds:
            chosen = [s for s in detected[kind] if s.confidence >= float(self.levels_learnt[KINDS.index(kind)])]
            if self.task.one_per_video:
                chosen = sorted(detected[kind], key=lambda s: -s.confidence)[:1]
            predictions += [Prediction(video.key, kind, *s) for s in chosen]
        return predictions
