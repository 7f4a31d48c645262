"""One fold in a worker process: fit on the training subjects, predict the test subjects, account for the cost."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core.method import Epoch, Method
from mebench.core.types import Fold, Prediction, Timing, Video
from mebench.runner.fitted import Hand
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
