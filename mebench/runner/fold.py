"""One fold in a worker process: fit on the training subjects, predict the test subjects, account for the cost."""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Fold, Method, Prediction, Video
from mebench.runner.fitted import FittedMethod
from mebench.runner.inputs import instructions_of_torch, refuse_other_processor
from mebench.runner.outside import Ask, Brief, ClipPrediction, Curves, FoldResult, Outside
from mebench.runner.plan import Plan


def execute(plan: Plan, fold: Fold) -> FoldResult:
    """Fit and predict one fold in this process, blind as in a process of its own (see `mebench.runner.tasks`)."""
    outside = Outside(plan, fold)
    return outside.complete(inside(outside.brief(), instructions_of_torch(), outside.answer))


def inside(brief: Brief, instructions: str, ask: Ask) -> FoldResult:
    """Fit and predict one fold, as far as it can be known inside; without the intervals, which have been told.

    Args:
        brief: of the fold.
        instructions: of the processor, which PyTorch chose where the run was planned.
        ask: what the brief does not hold.

    Raises:
        RunError: it chooses others here.
    """
    refuse_other_processor("a worker was given a run that", instructions, instructions_of_torch())
    plan, fold, timings = brief.plan(ask), brief.fold, dict(brief.timings)
    started = time.perf_counter()
    fitted_methods = []
    for part in plan.parts():  # one after the other: each draws from its own seed, in a pair as alone
        fitted_methods.append(FittedMethod(part, fold, timings, ask))
        fitted_methods[-1].fit()
    trained = time.perf_counter()
    test = fitted_methods[0].views.seen(plan.sides(fold).test)
    if "spot" in plan.task.tasks:
        ask("spot", *_spot(fitted_methods, test))
    clips = _recognize(plan, fitted_methods[-1])
    for fitted in fitted_methods:
        fitted.views.close()
    done = time.perf_counter()
    costs = {
        "fit_seconds": trained - started,
        "predict_seconds": done - trained,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": sum(count_parameters(fitted.method) for fitted in fitted_methods),
    }
    methods = parts_of([fitted.method for fitted in fitted_methods])
    return FoldResult(
        fold.key,
        [],
        clips,
        {},
        timings,
        plan.fold_seed(fold),
        costs,
        _weights(methods),
        [replace(e, stage=prefix + e.stage) for prefix, method in methods.items() for e in method.history.epochs()],
        {prefix + name: value for prefix, method in methods.items() for name, value in method.notes.items()},
        fitted_methods[-1].looks,
    )


def count_parameters(method: Method) -> int:
    """Numbers that the model learns or keeps: parameters and the running statistics of its normalisations."""
    return sum(t.numel() for name, t in method.state_dict().items() if not name.endswith("num_batches_tracked"))


def _spot(
    fitted_methods: Sequence[FittedMethod], test: Sequence[Video]
) -> tuple[list[Prediction], dict[str, NDArray[np.float64]], Curves]:
    spotter, namer = fitted_methods[0], fitted_methods[-1]
    predictions: list[Prediction] = []
    all_scores, curves = {}, {}
    for video in test:
        view = spotter.views.unlabelled(video)
        scores = spotter.frame_scores(view)
        predictions += namer.named(video, spotter.propose(view, scores))
        all_scores[video.key], curves[video.key] = scores, dict(spotter.method.curves)
    return predictions, all_scores, curves


def _recognize(plan: Plan, fitted: FittedMethod) -> list[ClipPrediction]:
    """Answers for the annotated clips of the test subjects."""
    if "recognize" not in plan.task.tasks:
        return []
    clips = fitted.asked()
    return [ClipPrediction(c.video.key, c.onset, c.offset, *answer) for c, answer in zip(clips, fitted.answers(clips))]


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

    return bytes(
        save(
            {
                prefix + name: tensor.detach().cpu().contiguous()
                for prefix, method in methods.items()
                for name, tensor in method.state_dict().items()
            }
        )
    )
