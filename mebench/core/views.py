"""A method's view of a dataset: features of videos and clips, with labels only for training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Chain
from mebench.core.types import Expression, SubjectKey, Timing, stable_seed

FrameFeatures = Callable[[str], NDArray[Any]]
ClipFeature = Callable[[str, int, int, int], NDArray[Any]]


@dataclass(frozen=True)
class VideoView:
    """A video without its labels.

    Attributes:
        key: unique name of the video.
        subject: the person.
        fps: frames per second.
        n_frames: number of frames.
        timing: durations of its dataset in this fold.
    """

    key: str
    subject: SubjectKey
    fps: float | None
    n_frames: int
    timing: Timing
    _frames: FrameFeatures
    _clip: ClipFeature
    _seed: Callable[[], int] | None = field(default=None, kw_only=True, compare=False, repr=False)

    @property
    def seed(self) -> int:
        """Seed of random numbers for this video: equal wherever it is run, other than `key`, whose name is drawn anew.

        It follows from the seed of the fold and the frames. Videos without frames that are equally long have the same.
        """
        if self._seed is None:
            return stable_seed("video", self.n_frames, self.fps)
        return self._seed()

    def features(self, chain: str) -> NDArray[Any]:
        """Features of the `frames` chain of that name, float16, possibly memory-mapped.

        (n_frames - k, ...) where row i comes from the flow between the frames i and i + k, else (n_frames, ...).
        """
        return self._frames(chain)

    def clip_feature(self, chain: str, onset: int, apex: int, offset: int | None = None) -> NDArray[Any]:
        """Feature of a `clips` chain for any clip of the video, computed on demand.

        Args:
            chain: its name.
            onset: first frame.
            apex: frame of the peak.
            offset: last frame; by default the apex, which is enough for flow from onset to apex.
        """
        return self._clip(chain, onset, apex, apex if offset is None else offset)

    def clip(self, onset: int, apex: int, offset: int, spotted: bool = True) -> ClipView:
        """A clip of this video, to be classified."""
        return ClipView(self, onset, apex, offset, spotted)


@dataclass(frozen=True)
class ClipView:
    """A known or spotted interval, both ends inclusive, without its label.

    Attributes:
        video: video of the clip.
        onset: first frame; may be negative for a spotted interval.
        apex: frame of the peak; the middle where the dataset marks none.
        offset: last frame.
        spotted: True for an interval that a method proposed, False for an annotated one.
    """

    video: VideoView
    onset: int
    apex: int
    offset: int
    spotted: bool

    def feature(self, chain: str) -> NDArray[Any]:
        """Feature of a `clips` chain for the part of the clip inside the video."""
        last = self.video.n_frames - 1
        onset, apex, offset = (min(max(frame, 0), last) for frame in (self.onset, self.apex, self.offset))
        return self.video.clip_feature(chain, onset, apex, offset)


@dataclass(frozen=True)
class LabelledClip(ClipView):
    """A clip of a training subject, with its class number."""

    label: int

    def unlabelled(self) -> ClipView:
        """The clip without its label."""
        v = self.video
        video = VideoView(v.key, v.subject, v.fps, v.n_frames, v.timing, v._frames, v._clip, _seed=v._seed)
        return video.clip(self.onset, self.apex, self.offset, spotted=False)


@dataclass(frozen=True)
class LabelledVideo(VideoView):
    """A video of a training or inner validation subject, with its expressions and scored clips."""

    expressions: tuple[Expression, ...]
    labels: tuple[int | None, ...]

    def clips(self, kind: str = "micro") -> list[LabelledClip]:
        """The annotated clips of one kind with a class of the scheme."""
        return [
            LabelledClip(self, e.onset, e.peak, e.offset, False, label)
            for e, label in zip(self.expressions, self.labels)
            if e.kind == kind and label is not None
        ]


def all_clips(videos: Sequence[LabelledVideo], kind: str = "micro") -> list[LabelledClip]:
    """The scored clips of many videos, in order."""
    return [clip for video in videos for clip in video.clips(kind)]


def stack(clips: Sequence[ClipView], chain: str) -> NDArray[np.float32]:
    """Features of clips as one array (n_clips, ...), float32."""
    return np.stack([clip.feature(chain) for clip in clips]).astype("float32")


V = TypeVar("V", bound=VideoView)


def gap_at(k: int, scale: float) -> int:
    """A gap of k frames times `scale`, rounded, at least 1.

    >>> gap_at(3, 1.0), gap_at(3, 0.5), gap_at(1, 0.2)
    (3, 2, 1)
    """
    return max(1, round(k * scale))


def at_scale(view: V, scale: float) -> V:
    """A view with the features of one scale under their usual names."""
    return view if scale == 1 else replace(view, _frames=lambda chain: view.features(_name(chain, scale)))


def chains_at_scales(chains: Callable[[float], Mapping[str, Chain]], scales: Iterable[float]) -> dict[str, Chain]:
    """The chains of scope `frames` of a method over several multiples of a gap.

    Args:
        chains: gives them for a scale, see `gap_at`.
        scales: at 1 a chain keeps its name, at 0.5 it is called `name@0.5`.
    """
    scaled = [replace(chain, name=_name(name, scale)) for scale in scales for name, chain in chains(scale).items()]
    return {chain.name: chain for chain in scaled}


def mean_over_scales(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean frame scores, (n_frames, n_kinds), over the scales with a score; else NaN."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.asarray(np.nanmean(np.stack(scores), axis=0))


def _name(chain: str, scale: float) -> str:
    return chain if scale == 1 else f"{chain}@{scale:g}"
