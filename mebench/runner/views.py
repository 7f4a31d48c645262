"""What a method gets to see in a fold: features of everybody it may look at, labels of those it is fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.core.chain import Chain
from mebench.core.method import Method
from mebench.core.types import Timing, Video
from mebench.core.views import LabelledVideo, VideoView
from mebench.errors import PluginError
from mebench.features import FeatureStore, clip_feature, frame_features
from mebench.runner.plan import Plan


class Views:
    """Makes the views of one fold, and holds that a method reads no other video while it is fitted, and none afterwards.

    A view lives as long as its fold: one that a method keeps beyond it, to learn from it later, answers no more.
    """

    def __init__(self, plan: Plan, method: Method, timings: dict[str, Timing]) -> None:
        self.plan = plan
        self.timings = timings
        self.store = store_of(plan.config)
        self.chains = {group: method.chains(timing) for group, timing in timings.items()}
        self._readable: frozenset[str] | None = None  # None stands for all

    def unlabelled(self, video: Video) -> VideoView:
        """A video as `score_frames`, `propose` and `classify` see it."""
        return VideoView(**self._common(video))

    def labelled(self, video: Video) -> LabelledVideo:
        """A video to train or validate on."""
        labels = tuple(self.plan.scheme.of(e) for e in video.expressions)
        return LabelledVideo(**self._common(video), expressions=video.expressions, labels=labels)

    def seen(self, videos: Sequence[Video]) -> list[Video]:
        """Those of some videos that are not skipped."""
        return [v for v in videos if v.key not in self.plan.skipped]

    @contextmanager
    def only(self, videos: Sequence[Video]) -> Iterator[None]:
        """Meanwhile the features of no other videos can be read."""
        self._readable = frozenset(video.key for video in videos)
        try:
            yield
        finally:
            self._readable = None

    def close(self) -> None:
        """The fold is over."""
        self._readable = frozenset()

    def _common(self, video: Video) -> dict[str, Any]:
        blind = replace(video, expressions=())
        return {
            "key": video.key,
            "subject": video.subject_key,
            "fps": video.fps,
            "n_frames": len(self.plan.dataset.frames(video)) if video.n_frames is None else video.n_frames,
            "timing": self.timings[self.plan.groups[video.key]],
            "_frames": partial(self._frames, blind),
            "_clip": partial(self._clip, blind),
        }

    def _frames(self, video: Video, chain: str) -> NDArray[Any]:
        return frame_features(self.store, *self.plan.home(video), video, self._chain(video, chain))

    def _clip(self, video: Video, chain: str, onset: int, apex: int, offset: int) -> NDArray[Any]:
        home = self.plan.home(video)
        return clip_feature(self.store, *home, video, self._chain(video, chain), onset, apex, offset)

    def _chain(self, video: Video, name: str) -> Chain:
        if self._readable is not None and video.key not in self._readable:
            why = "while it is fitted on other subjects" if self._readable else "after the fold of that view was over"
            raise PluginError(f"the method reads {video.key} {why}: that is a leak, so keep no views beyond a fold")
        return self.chains[self.plan.groups[video.key]][name]


def store_of(config: RunConfig) -> FeatureStore:
    """Where the features of a run are kept."""
    return FeatureStore(Path(config.cache).expanduser())
