"""One fold in a worker process: fit on the training subjects, predict the test subjects, account for the cost."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.core.method import Method
from mebench.core.types import Fold, Prediction, SubjectKey, Timing, Video
from mebench.core.views import ClipView, LabelledVideo, VideoView
from mebench.errors import PluginError
from mebench.features import FeatureStore, clip_feature, frame_features
from mebench.runner.plan import Plan


@dataclass(frozen=True)
class ClipPrediction:
    """The answer to one annotated clip; `probabilities` has one number for each class of the task."""

    video: str
    onset: int
    offset: int
    predicted: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class FoldResult:
    """What a fold leaves behind; plain data, so that it travels between processes."""

    key: str
    predictions: list[Prediction]
    clips: list[ClipPrediction]
    frame_scores: dict[str, NDArray[np.float64]]
    timings: dict[str, Timing]
    seed: int
    costs: dict[str, float]
    model: bytes = field(repr=False, default=b"")


class Views:
    """Makes the views of one fold: features for everybody, labels for the training subjects only."""

    def __init__(self, plan: Plan, method: Method, timings: dict[str, Timing]) -> None:
        self.plan = plan
        self.timings = timings
        self.store = store_of(plan.config)
        self.chains = {dataset: method.chains(timing) for dataset, timing in timings.items()}

    def unlabelled(self, video: Video) -> VideoView:
        """A video as `score_frames`, `propose` and `classify` see it."""
        return VideoView(**self._common(video))

    def labelled(self, video: Video) -> LabelledVideo:
        """A video to train or validate on."""
        labels = tuple(self.plan.scheme.index(e.emotion) for e in video.expressions)
        return LabelledVideo(**self._common(video), expressions=video.expressions, labels=labels)

    def of(self, subjects: Sequence[SubjectKey]) -> list[Video]:
        """The videos of some subjects, in order of their keys."""
        chosen = set(subjects)
        return [v for v in self.plan.videos if v.subject_key in chosen]

    def _common(self, video: Video) -> dict[str, Any]:
        blind = replace(video, expressions=())
        return {
            "key": video.key,
            "subject": video.subject_key,
            "fps": video.fps,
            "n_frames": len(self.plan.dataset.frames(video)) if video.n_frames is None else video.n_frames,
            "timing": self.timings[video.dataset],
            "_frames": partial(self._frames, blind),
            "_clip": partial(self._clip, blind),
        }

    def _frames(self, video: Video, chain: str) -> NDArray[Any]:
        plan = self.plan
        return frame_features(self.store, plan.dataset, plan.config.dataset, video, self.chains[video.dataset][chain])

    def _clip(self, video: Video, chain: str, onset: int, apex: int) -> NDArray[Any]:
        plan = self.plan
        return clip_feature(
            self.store, plan.dataset, plan.config.dataset, video, self.chains[video.dataset][chain], onset, apex
        )


def store_of(config: RunConfig) -> FeatureStore:
    """Where the features of a run are kept."""
    return FeatureStore(Path(config.cache).expanduser())


def execute(plan: Plan, fold: Fold) -> FoldResult:
    """Fit and predict one fold in this process."""
    import torch

    from mebench.training import fit

    seed, timings = plan.fold_seed(fold), plan.timings(fold)
    # Plugins may draw from any of the three; what they draw must not depend on the folds that this process ran before.
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
    method = plan.method(seed)
    views = Views(plan, method, timings)
    started = time.perf_counter()
    train = [views.labelled(v) for v in views.of(plan.training_subjects(fold))]
    valid = [views.labelled(v) for v in views.of(fold.valid)] if plan.selects else []
    fit(method, train, valid, plan.config.accelerator)
    fitted = time.perf_counter()
    test = views.of(fold.test)
    predictions, scores = _spot(plan, method, views, test)
    clips = _recognize(plan, method, views, test)
    done = time.perf_counter()
    costs = {
        "fit_seconds": fitted - started,
        "predict_seconds": done - fitted,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": count_parameters(method),
    }
    return FoldResult(fold.key, predictions, clips, scores, timings, seed, costs, _weights(method))


def count_parameters(method: Method) -> int:
    """Numbers that the model learns or keeps: parameters and the running statistics of its normalisations."""
    return sum(t.numel() for name, t in method.state_dict().items() if not name.endswith("num_batches_tracked"))


def _spot(
    plan: Plan, method: Method, views: Views, test: Sequence[Video]
) -> tuple[list[Prediction], dict[str, NDArray[np.float64]]]:
    if "spot" not in plan.task.tasks:
        return [], {}
    predictions: list[Prediction] = []
    all_scores = {}
    for video in test:
        view = views.unlabelled(video)
        scores = np.asarray(method.score_frames(view), dtype=np.float64)
        expected = (view.n_frames, len(plan.task.kinds))
        if scores.shape != expected:
            raise PluginError(
                f"method {plan.config.method!r}: score_frames gave shape {scores.shape} for {video.key}, "
                f"expected (n_frames, n_kinds) = {expected}"
            )
        found = method.propose(view, scores)
        _check(plan, video, found)
        if "recognize" in plan.task.tasks and found:
            clips = [view.clip(p.onset, p.apex, p.offset) for p in found]
            found = [_named(plan, p, row) for p, row in zip(found, _class_scores(plan, method, clips))]
        predictions += found
        all_scores[video.key] = scores
    return predictions, all_scores


def _check(plan: Plan, video: Video, found: Sequence[Prediction]) -> None:
    """Refuse impossible predictions in the first fold rather than after the last."""
    for p in found:
        if not (
            p.video == video.key
            and p.kind in plan.task.kinds
            and p.onset <= p.apex <= p.offset
            and np.isfinite(p.confidence)
        ):
            raise PluginError(
                f"method {plan.config.method!r}: propose gave {p} for {video.key}, expected that video, one of the kinds "
                f"{list(plan.task.kinds)}, onset <= apex <= offset and a finite confidence"
            )


def _recognize(plan: Plan, method: Method, views: Views, test: Sequence[Video]) -> list[ClipPrediction]:
    """Answers for the annotated micro-expressions of the test subjects that the scheme scores; the labels stay outside."""
    if "recognize" not in plan.task.tasks:
        return []
    clips: list[ClipView] = []
    for video in test:
        view = views.unlabelled(video)
        for e in video.expressions:
            if e.kind == "micro" and plan.scheme.index(e.emotion) is not None:
                clips.append(view.clip(e.onset, e.peak, e.offset, spotted=False))
    if not clips:
        return []
    rows = _class_scores(plan, method, clips)
    classes = plan.task.classes
    return [
        ClipPrediction(c.video.key, c.onset, c.offset, classes[int(row.argmax())], tuple(map(float, row)))
        for c, row in zip(clips, rows)
    ]


def _class_scores(plan: Plan, method: Method, clips: Sequence[ClipView]) -> NDArray[np.float64]:
    rows = np.asarray(method.classify(clips), dtype=np.float64)
    expected = (len(clips), len(plan.task.classes))
    if rows.shape != expected or not np.isfinite(rows).all():
        raise PluginError(
            f"method {plan.config.method!r}: classify gave shape {rows.shape} (or numbers that are not finite), "
            f"expected (n_clips, n_classes) = {expected}"
        )
    return rows


def _named(plan: Plan, p: Prediction, row: NDArray[np.float64]) -> Prediction:
    return replace(p, emotion=plan.task.classes[int(row.argmax())], probabilities=tuple(map(float, row)))


def _weights(method: Method) -> bytes:
    from safetensors.torch import save

    weights: bytes = save({name: t.detach().cpu().contiguous() for name, t in method.state_dict().items()})
    return weights
