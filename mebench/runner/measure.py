"""Short measurements on this machine, from which a dry run estimates how long the whole will take."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.core import Chain, Dataset, Fold, Frames, LabelledVideo, Timing, Video, VideoView
from mebench.features import Clip, FeatureStore, clip_feature, compute, frame_features
from mebench.runner.choices import home_of_video
from mebench.runner.features import opened
from mebench.runner.inputs import Spec
from mebench.runner.plan import Plan, new_method

if TYPE_CHECKING:
    from mebench.core import Method

FEATURE_SECONDS = 0.6
"""Aimed at for all feature measurements together."""
TRAINING_SECONDS = 1.5
"""Aimed at for all stages together."""
TRAINING_BYTES = 12 << 20
"""Of features that enter a measured training, about; small sets enter whole."""

Rows = dict[str, NDArray[Any]]
"""For each chain of a dataset one feature: for one frame, or for one clip."""


@dataclass(frozen=True)
class FeatureCost:
    """Seconds of one core.

    Attributes:
        frame: for each frame: decoding, cropping, and the chains of scope `frames`.
        clip: for each clip: the chains of scope `clips`.
        rows: one feature of each chain.
    """

    frame: float
    clip: float
    rows: Rows


@dataclass(frozen=True)
class FoldCost:
    """Seconds of one core.

    Attributes:
        stages: for one epoch of each stage, by its name.
        fixed: to gather samples and to fit what has a closed form.
        video: to predict one test video.
    """

    stages: dict[str, float]
    fixed: float
    video: float


class FirstFrames:
    """The first `n` frames of a video."""

    def __init__(self, frames: Frames, n: int) -> None:
        self._frames, self._n = frames, min(n, len(frames))

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self._frames[index]

    def fingerprint(self) -> str:
        """Another one than that of the whole video."""
        return f"first {self._n} of {self._frames.fingerprint()}"


class Shortened(Dataset):
    """A dataset whose videos end early, so that a feature of a long video can be timed in seconds."""

    def __init__(self, dataset: Dataset, n_frames: int) -> None:
        super().__init__(dataset.params)
        self.whole, self.n_frames = dataset, n_frames
        self.revision = dataset.revision

    def frames(self, video: Video) -> Frames:
        """The first frames."""
        return FirstFrames(self.whole.frames(video), self.n_frames)

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """Those of the whole video."""
        return self.whole.landmarks(video)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """What the whole dataset provides."""
        return self.whole.provided(video, name)


def features(spec: Spec, video: Video, chains: Sequence[Chain], budget: float = FEATURE_SECONDS) -> FeatureCost:
    """In a worker: compute the features of the first frames of `video` in a folder of their own, as many as fit into `budget`."""
    config, _, dataset = opened(spec)
    home, name = home_of_video(dataset, config.dataset, video)
    n_frames = video.n_frames if video.n_frames is not None else len(home.frames(video))
    shortest = min(n_frames, 2 + max((getattr(s, "k", None) or 1 for c in chains for s in c.steps), default=1))
    with tempfile.TemporaryDirectory(prefix="mebench-estimate-") as folder:
        store = FeatureStore(folder)
        # The first time loads OpenCV and the face detector, which is once per worker.
        _time_features(store, Shortened(home, shortest), name, video, chains)
        some = min(n_frames, shortest + 2)
        frame, clip = _time_features(store, Shortened(home, some), name, video, chains)
        n = int(min(n_frames, max(shortest + 4, budget / max(frame, 1e-4))))
        if n > shortest + 2:
            frame, clip = _time_features(store, Shortened(home, n), name, video, chains)
        return FeatureCost(frame, clip, rows_of(store, Shortened(home, n), name, video, chains, (0, n - 1, n - 1)))


def _time_features(
    store: FeatureStore, dataset: Shortened, name: str, video: Video, chains: Sequence[Chain]
) -> tuple[float, float]:
    """Seconds per frame and per clip. The first of two clips brings the crops along, the second shows its own cost."""
    n = dataset.n_frames
    first = compute(store, dataset, name, video, chains, [(0, n // 2, n // 2)]).seconds
    asked = any(chain.scope == "clips" for chain in chains)
    clip = compute(store, dataset, name, video, chains, [(0, n - 1, n - 1)]).seconds if asked else 0.0
    return max(first - clip, 0.0) / n, clip


def rows_of(
    store: FeatureStore, dataset: Dataset, name: str, video: Video, chains: Sequence[Chain], clip: Clip
) -> Rows:
    """One feature of each chain of a video whose features are there."""
    rows: Rows = {}
    for chain in chains:
        if chain.scope == "clips":
            rows[chain.name] = np.array(clip_feature(store, dataset, name, video, chain, *clip))
        else:
            whole = frame_features(store, dataset, name, video, chain)
            rows[chain.name] = np.array(whole[0]) if len(whole) else np.zeros(whole.shape[1:], whole.dtype)
    return rows


def fold(plan: Plan, one: Fold, rows: dict[str, Rows]) -> FoldCost:
    """Train on a few videos of a fold for a few epochs, and predict one video, all with repeated features.

    The time of a training depends on the shapes of features and on the number of samples, not on the numbers. Epochs are scaled
    to all training videos by their expressions, which most samples surround.
    """
    import torch

    torch.manual_seed(plan.fold_seed(one))
    method, timings = new_method(plan, plan.fold_seed(one)), plan.timings(one)
    train = _videos(plan, plan.training_subjects(one))
    most = max(4, TRAINING_BYTES * len(train) // max(1, sum(_bytes(v, rows[plan.groups[v.key]]) for v in train)))
    few = _evenly(train, most)
    valid = _evenly(_videos(plan, one.valid), most) if plan.selects else []
    scale = _weight(train) / _weight(few)
    views = [
        [_labelled(plan, v, timings[plan.groups[v.key]], rows[plan.groups[v.key]]) for v in videos]
        for videos in (few, valid)
    ]
    epochs, started = _train(method, views[0], views[1], plan.config), time.perf_counter()
    method.eval()
    method.fit_closed_form(*views)
    closed = time.perf_counter() - started
    seconds = [
        _predict(plan, method, _unlabelled(v, timings[plan.groups[v.key]], rows[plan.groups[v.key]]))
        for v in _videos(plan, one.test)[:2]
    ]
    return FoldCost({name: s * scale for name, s in epochs.items()}, closed * scale, min(seconds, default=0.0))


def _train(
    method: Method, train: list[LabelledVideo], valid: list[LabelledVideo], config: RunConfig
) -> dict[str, float]:
    """Seconds of an epoch of each stage: the median of those after the first, which finds caches cold."""
    from mebench.training import fit

    stages = method.stages()
    seconds = {}
    for stage in stages:
        watch = _Watch(method, TRAINING_SECONDS / len(stages) / 2)
        method.stages = lambda stage=stage: (stage,)  # type: ignore[method-assign,misc]
        method.fit_closed_form = lambda *_: None  # type: ignore[method-assign]
        try:
            fit(method, train, valid, config.accelerator, precision=config.precision)
        finally:
            watch.remove()
            del method.stages, method.fit_closed_form
        seconds[stage.name] = statistics.median(watch.seconds[1:] or watch.seconds)
    return seconds


class _Watch:
    """Times the epochs of a method and ends its training when `budget` seconds are spent."""

    HOOKS = ("on_train_epoch_start", "on_train_epoch_end")

    def __init__(self, method: Method, budget: float) -> None:
        self.method, self.budget, self.seconds = method, budget, list[float]()
        self.own = {hook: getattr(method, hook) for hook in self.HOOKS}
        method.on_train_epoch_start, method.on_train_epoch_end = self._start, self._end  # type: ignore[method-assign]

    def _start(self) -> None:
        self.started = time.perf_counter()
        self.own["on_train_epoch_start"]()

    def _end(self) -> None:
        self.own["on_train_epoch_end"]()
        self.seconds.append(time.perf_counter() - self.started)
        if sum(self.seconds) > self.budget:
            self.method.trainer.should_stop = True

    def remove(self) -> None:
        """Give the method its own hooks back."""
        for hook in self.HOOKS:
            delattr(self.method, hook)


def _predict(plan: Plan, method: Method, video: VideoView) -> float:
    started = time.perf_counter()
    clips = [video.clip(0, video.n_frames // 2, video.n_frames - 1, spotted=False)]
    if "spot" in plan.task.tasks:
        found = method.propose(video, method.score_frames(video))
        clips += [video.clip(p.onset, p.apex, p.offset) for p in found if p.draw == 0]
    if "recognize" in plan.task.tasks:
        method.classify(clips)
    return time.perf_counter() - started


def _labelled(plan: Plan, video: Video, timing: Timing, rows: Rows) -> LabelledVideo:
    return LabelledVideo(
        **vars(_unlabelled(video, timing, rows)),
        expressions=video.expressions,
        labels=tuple(plan.scheme.of(e) for e in video.expressions),
    )


def _unlabelled(video: Video, timing: Timing, rows: Rows) -> VideoView:
    """A view whose frames and clips all have the same features."""
    n_frames = video.n_frames or 1
    n = max(n_frames - timing.k, 0)
    return VideoView(
        video.key,
        video.subject_key,
        video.fps,
        n_frames,
        timing,
        lambda chain: np.broadcast_to(rows[chain], (n, *rows[chain].shape)),
        lambda chain, onset, apex, offset: rows[chain],
    )


def _videos(plan: Plan, subjects: Sequence[Any]) -> list[Video]:
    chosen = set(subjects)
    return [v for v in plan.videos if v.subject_key in chosen]


def _bytes(video: Video, rows: Rows) -> int:
    return (video.n_frames or 1) * sum(row.nbytes for row in rows.values())


def _evenly(videos: Sequence[Video], most: int) -> list[Video]:
    """At most so many, evenly spread, those with expressions first: without any there is nothing to learn."""
    telling = [v for v in videos if v.expressions] or list(videos)
    return [telling[int(place)] for place in np.linspace(0, len(telling) - 1, min(most, len(telling))).round()]


def _weight(videos: Sequence[Video]) -> int:
    return max(1, sum(len(v.expressions) for v in videos))
