"""One fold in a worker process: fit on the training subjects, predict the test subjects, account for the cost."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core.history import Epoch
from mebench.core.method import Method
from mebench.core.types import Fold, Prediction, Timing, Video
from mebench.core.views import ClipView, VideoView
from mebench.errors import DataError, PluginError
from mebench.runner.judge import judge
from mebench.runner.plan import Plan
from mebench.runner.views import Views, store_of

__all__ = ["ClipPrediction", "FoldResult", "Hand", "Views", "count_parameters", "execute", "store_of"]


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
    """What a fold leaves behind; plain data, so that it travels between processes.

    Of a pair the stages in `history`, the names in `notes` and those of the model's weights begin with `method.` or `recognizer.`.
    """

    key: str
    predictions: list[Prediction]
    clips: list[ClipPrediction]
    frame_scores: dict[str, NDArray[np.float64]]
    timings: dict[str, Timing]
    seed: int
    costs: dict[str, float]
    model: bytes = field(repr=False, default=b"")
    history: list[Epoch] = field(repr=False, default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)


class Hand:
    """One method at work in a fold: fitted on the training subjects, with its own views of all videos."""

    def __init__(self, plan: Plan, fold: Fold, timings: dict[str, Timing]) -> None:
        import torch

        self.plan, self.fold = plan, fold
        seed = plan.fold_seed(fold)
        # Plugins may draw from any of the three; what they draw must not depend on what this process did before.
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        self.method = plan.method(seed)
        self.views = Views(plan, self.method, timings)

    def fit(self) -> None:
        """Train on the training subjects; the inner validation subjects are beside them where the run holds them out."""
        from mebench.training import fit

        plan, views, fold = self.plan, self.views, self.fold
        sides = plan.sides(fold)
        test = views.seen(sides.test)
        train, valid = views.seen(sides.train), views.seen(test if plan.leaks and plan.selects else sides.valid)
        if not train and plan.skipped:
            raise DataError(
                f"fold {fold.key!r} has nothing to train on: no video of its training subjects shows a face"
            )
        shown = [views.labelled(v) for v in train], [views.labelled(v) for v in valid]
        config = plan.config
        train_on = partial(fit, self.method, *shown, config.accelerator, precision=config.precision)
        if plan.leaks:
            train_on(judge=None if plan.selects else partial(judge, self, test))
        else:
            with views.only([*train, *valid]):
                train_on()

    def asked(self, videos: Sequence[Video]) -> list[ClipView]:
        """The annotated clips of some videos that the scheme scores; the labels stay outside."""
        clips: list[ClipView] = []
        for video in videos:
            view = self.views.unlabelled(video)
            scored = self.plan.scheme.scored(video)
            clips += [view.clip(e.onset, e.peak, e.offset, spotted=False) for e in scored]
        return clips

    def answers(self, clips: Sequence[ClipView]) -> list[tuple[str, tuple[float, ...]]]:
        """For each clip the class, and one number for each class of the task."""
        rows = self.class_scores(clips) if clips else ()
        return [(self.plan.task.classes[int(row.argmax())], tuple(map(float, row))) for row in rows]

    def named(self, video: Video, spotted: list[Prediction]) -> list[Prediction]:
        """What was spotted in a video with the emotion that the method names, if it is asked to."""
        if "recognize" not in self.plan.task.tasks:
            return spotted
        view = self.views.unlabelled(video)
        answers = self.answers([view.clip(p.onset, p.apex, p.offset) for p in spotted])
        return [replace(p, emotion=emotion, probabilities=numbers) for p, (emotion, numbers) in zip(spotted, answers)]

    def class_scores(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """What `classify` answers, checked: (n_clips, n_classes)."""
        rows = np.asarray(self.method.classify(clips), dtype=np.float64)
        expected = (len(clips), len(self.plan.task.classes))
        if rows.shape != expected or not np.isfinite(rows).all():
            raise PluginError(
                f"{self._name}: classify gave shape {rows.shape} (or numbers that are not finite), "
                f"expected (n_clips, n_classes) = {expected}"
            )
        return rows

    def frame_scores(self, view: VideoView) -> NDArray[np.float64]:
        """What `score_frames` answers, checked: (n_frames, n_kinds)."""
        scores = np.asarray(self.method.score_frames(view), dtype=np.float64)
        expected = (view.n_frames, len(self.plan.task.kinds))
        if scores.shape != expected:
            raise PluginError(
                f"{self._name}: score_frames gave shape {scores.shape} for {view.key}, "
                f"expected (n_frames, n_kinds) = {expected}"
            )
        return scores

    def propose(self, view: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """What `propose` answers, checked: an impossible prediction is refused in the first fold, not after the last."""
        found = self.method.propose(view, scores)
        for p in found:
            if not (
                p.video == view.key
                and p.kind in self.plan.task.kinds
                and p.onset <= p.apex <= p.offset
                and np.isfinite(p.confidence)
            ):
                raise PluginError(
                    f"{self._name}: propose gave {p} for {view.key}, expected that video, one of the kinds "
                    f"{list(self.plan.task.kinds)}, onset <= apex <= offset and a finite confidence"
                )
        return found

    @property
    def _name(self) -> str:
        return f"method {type(self.method).__module__.split('.')[-2]!r}"


def execute(plan: Plan, fold: Fold) -> FoldResult:
    """Fit and predict one fold in this process."""
    plan = plan.at(fold)
    timings = plan.timings(fold)
    started = time.perf_counter()
    hands = []
    for part in plan.parts():  # one after the other: each draws from its own seed, in a pair as alone
        hands.append(Hand(part, fold, timings))
        hands[-1].fit()
    fitted = time.perf_counter()
    test = hands[0].views.seen(plan.sides(fold).test)
    predictions, scores = _spot(plan, hands, test)
    clips = _recognize(plan, hands[-1], test)
    for hand in hands:
        hand.views.close()
    done = time.perf_counter()
    costs = {
        "fit_seconds": fitted - started,
        "predict_seconds": done - fitted,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": sum(count_parameters(hand.method) for hand in hands),
    }
    methods = parts_of([hand.method for hand in hands])
    return FoldResult(
        fold.key,
        predictions,
        clips,
        scores,
        timings,
        plan.fold_seed(fold),
        costs,
        _weights(methods),
        [replace(e, stage=prefix + e.stage) for prefix, method in methods.items() for e in method.history.epochs()],
        {prefix + name: value for prefix, method in methods.items() for name, value in method.notes.items()},
    )


def count_parameters(method: Method) -> int:
    """Numbers that the model learns or keeps: parameters and the running statistics of its normalisations."""
    return sum(t.numel() for name, t in method.state_dict().items() if not name.endswith("num_batches_tracked"))


def _spot(
    plan: Plan, hands: Sequence[Hand], test: Sequence[Video]
) -> tuple[list[Prediction], dict[str, NDArray[np.float64]]]:
    if "spot" not in plan.task.tasks:
        return [], {}
    spotter, namer = hands[0], hands[-1]
    predictions: list[Prediction] = []
    all_scores = {}
    for video in test:
        view = spotter.views.unlabelled(video)
        scores = spotter.frame_scores(view)
        predictions += namer.named(video, spotter.propose(view, scores))
        all_scores[video.key] = scores
    return predictions, all_scores


def _recognize(plan: Plan, hand: Hand, test: Sequence[Video]) -> list[ClipPrediction]:
    """Answers for the annotated clips of the test subjects."""
    if "recognize" not in plan.task.tasks:
        return []
    clips = hand.asked(test)
    return [ClipPrediction(c.video.key, c.onset, c.offset, *answer) for c, answer in zip(clips, hand.answers(clips))]


def parts_of(methods: Sequence[Method]) -> dict[str, Method]:
    """Methods by what the names of their weights begin with: nothing, or of a pair `method.` and `recognizer.`."""
    return dict(zip(("method.", "recognizer.") if len(methods) > 1 else ("",), methods))


def restore(parts: Mapping[str, Method], weights: Mapping[str, Any]) -> None:
    """Give methods the weights of a fold, ready to predict; those of other methods may lie beside them."""
    for prefix, method in parts.items():
        method.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
        method.eval()


def _weights(methods: Mapping[str, Method]) -> bytes:
    """The models as safetensors."""
    from safetensors.torch import save

    weights: bytes = save(
        {
            prefix + name: tensor.detach().cpu().contiguous()
            for prefix, method in methods.items()
            for name, tensor in method.state_dict().items()
        }
    )
    return weights
