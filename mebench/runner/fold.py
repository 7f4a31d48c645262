"""One fold in a process without the labels of the tested subjects: fit on the training subjects, predict the tested ones."""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load, save

from mebench.core import Dataset, Method, Prediction, Video
from mebench.runner import (
    FittedMethod,
    FoldJob,
    RemoteDataset,
    Request,
    code_of,
    instructions_of_torch,
    refuse_other_code,
    refuse_other_processor,
)
from mebench.runs.fold_result import ClipPrediction, FoldResult


def fit_and_predict(
    job: FoldJob, model: bytes, known: Mapping[str, NDArray[np.float64]] | None, names: bool, request: Request
) -> FoldResult:
    """Fit and predict one fold in a process without labels; the intervals went to the host before.

    Args:
        job: the fold.
        model: trained weights, as safetensors, which the result then leaves out; empty to train.
        known: stored frame scores of each tested video, from which only intervals are made; None to predict all.
        names: whether a method that recognizes names the emotion of what is spotted.
        request: asks the host.

    Raises:
        RunError: the code or PyTorch's processor instructions differ from the plan's.
    """
    refuse_other_processor("a worker was given a run that", job.instructions, instructions_of_torch())
    refuse_other_code(partial(code_of, [part.plugin for part in job.parts]), job.code)
    started = time.perf_counter()
    members = {id_: RemoteDataset(request, revision) for id_, revision in job.revisions.items()}

    def home(video: Video) -> tuple[Dataset, str]:
        return members[job.homes[video.key]], job.homes[video.key]

    fitted_methods = []
    for part in job.parts:  # one after the other: each draws from its own seed, in a pair as alone
        fitted_methods.append(FittedMethod(job, part, home, request))
        folder = Path(job.folder, part.plugin.id if len(job.parts) > 1 else "")
        folder.mkdir(exist_ok=True)
        if not model:
            fitted_methods[-1].fit(job, folder)
    methods = parts_of([fitted.method for fitted in fitted_methods])
    if model:
        restore(methods, load(model))
    trained = time.perf_counter()
    spotter, namer = fitted_methods[0], fitted_methods[-1]
    if job.spots:
        predictions: list[Prediction] = []
        all_scores, curves = {}, {}
        for video in job.test:
            view = spotter.views.unlabelled(video)
            all_scores[video.key] = scores = spotter.frame_scores(view) if known is None else known[video.key]
            spotted = spotter.propose(view, scores)
            predictions += namer.named(video, spotted) if names else spotted
            curves[video.key] = dict(spotter.method.curves)
        request("spot", predictions, all_scores, curves)
    clips = namer.clips_to_classify() if job.names and known is None else []
    answers = [ClipPrediction(c.video.key, c.onset, c.offset, *a) for c, a in zip(clips, namer.answers(clips))]
    for fitted in fitted_methods:
        fitted.views.close()
    done = time.perf_counter()
    costs = {
        "fit_seconds": trained - started,
        "predict_seconds": done - trained,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "parameters": sum(map(count_parameters, methods.values())),
    }
    return FoldResult(
        job.key,
        [],
        answers,
        {},
        dict(job.timings),
        job.seed,
        costs,
        b"" if model else weights(methods),
        [replace(e, stage=prefix + e.stage) for prefix, method in methods.items() for e in method.history.epochs()],
        {prefix + name: value for prefix, method in methods.items() for name, value in method.notes.items()},
        namer.epoch_predictions,
    )


def count_parameters(method: Method) -> int:
    """The number of parameters and running statistics of a model."""
    return sum(t.numel() for name, t in method.state_dict().items() if not name.endswith("num_batches_tracked"))


def parts_of(methods: Sequence[Method]) -> dict[str, Method]:
    """Methods by the prefix of their weights: none for one method, `method.` and `recognizer.` for a pair."""
    return dict(zip(("method.", "recognizer.") if len(methods) > 1 else ("",), methods))


def restore(parts: Mapping[str, Method], weights: Mapping[str, Any]) -> None:
    """Load the weights of a fold into methods, ready to predict; further weights are ignored."""
    for prefix, method in parts.items():
        method.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})
        method.eval()


def weights(parts: Mapping[str, Method]) -> bytes:
    """The models of a fold as safetensors, for `safetensors.torch.load` and `restore`."""
    tensors = {
        prefix + name: tensor.detach().cpu().contiguous()
        for prefix, method in parts.items()
        for name, tensor in method.state_dict().items()
    }
    return bytes(save(tensors))
