"""What a fold returns is checked before it is kept, as a stranger's record is: by then its training is paid, and nothing is lost but it.

The process of a fold runs code of a plugin, which may send anything. A fold that returns what no method can give fails in a sentence, and
the other folds go on.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from mebench.core import Prediction, Task
from mebench.core.history import Epoch
from mebench.core.peaks import Curve
from mebench.errors import PluginError
from mebench.runs import ClipPrediction, FoldResult
from mebench.runs.weights_file import WeightsFile

COSTS = ("fit_seconds", "predict_seconds", "peak_memory_mib", "parameters")
"""The costs of a fold, all of them."""
MOST_ROWS = 1_000_000
"""Intervals of a fold, or answers after all its epochs; the most that a record may hold."""
MOST_NOTES = 10_000
"""Notes of a fold, passes of its training, or values that one pass logs."""
LONGEST_NAME = 200
"""Characters of the name of a stage, a note or a logged value."""
LARGEST = 1e15
"""Numbers beyond are no scores, as in records."""
FARTHEST_FRAME = 10**7
LARGEST_HEADER = 4 << 20
"""Bytes of the header of a model."""
TAKEN_NAMES = ("fold", "stage", "split")
"""Columns of a history that are no numbers."""
UNCOUNTED = "num_batches_tracked"
"""End of the names of tensors that are no parameters, see `count_parameters`."""


@dataclass(frozen=True)
class Expected:
    """What a fold was asked for.

    Attributes:
        spots: task of the method that spots; None where none does.
        names: task of the method that names emotions; None where none does.
        frames: number of frames of each tested video by its key in the fold; None where it is unknown.
        clips: the clips to classify: video, onset and offset; None where clips were not asked for.
        seconds: seconds that the fold took at most.
        has_model: whether the fold had to return the model that it trained.
    """

    spots: Task | None
    names: Task | None
    frames: Mapping[str, int | None]
    clips: Sequence[tuple[str, int, int]] | None
    seconds: float
    has_model: bool


def check_fold(result: Any, spotted: Any, expected: Expected) -> None:
    """Refuse a result that no method can give.

    Args:
        result: result of the fold, under the names that videos bear there.
        spotted: intervals, frame scores and curves that it submitted before; None if nothing.
        expected: answers that it was asked for.

    Raises:
        PluginError: something is of the wrong type, out of range, or of another task.
    """
    if not isinstance(result, FoldResult):
        raise _impossible("its result", type(result).__name__, "the result of a fold")
    if spotted is not None:
        _check_spotted(spotted, expected)
    if expected.clips is not None:
        _check_clips(result.clips, expected)
    _check_epoch_predictions(result.epoch_predictions, expected)
    _check_costs(result.costs, expected.seconds)
    if expected.has_model:
        _check_model(result.model if result.weights is None else result.weights, result.costs["parameters"])
    _check_notes(result.notes, "notes")
    _check_history(result.history)


def _impossible(what: str, found: object, wanted: str) -> PluginError:
    """The error of a fold that returns something impossible."""
    shown = repr(found)
    if len(shown) > LONGEST_NAME:
        shown = f"{shown[:LONGEST_NAME]}…"
    return PluginError(
        f"the fold returned {what} {shown}, expected {wanted}: a plugin must not change what mebench sends, and a network whose "
        "training has diverged gives no numbers; the fold is not kept"
    )


def _refuse_if(is_odd: bool, what: str, found: object, wanted: str) -> None:
    """Refuse a value.

    Raises:
        PluginError: it is odd.
    """
    if is_odd:
        raise _impossible(what, found, wanted)


def _check_spotted(spotted: Any, expected: Expected) -> None:
    """Intervals, frame scores and curves, of tested videos and kinds of the task."""
    is_whole = isinstance(spotted, tuple | list) and len(spotted) == 3
    _refuse_if(not is_whole, "as spotted", type(spotted).__name__, "intervals, frame scores and curves")
    _refuse_if(expected.spots is None, "intervals", "", "none: its task is not to spot")
    assert expected.spots is not None
    intervals, scores, curves = spotted
    _check_list(intervals, "intervals")
    for interval in intervals:
        _check_interval(interval, expected)
    _refuse_if(not isinstance(scores, Mapping), "frame scores", type(scores).__name__, "an array for each video")
    for video, rows in scores.items():
        _check_video(video, expected)
        _check_frame_scores(video, rows, expected.frames[video], len(expected.spots.kinds))
    _refuse_if(not isinstance(curves, Mapping), "curves", type(curves).__name__, "curves for each video")
    for video, of_kinds in curves.items():
        _check_video(video, expected)
        _refuse_if(not isinstance(of_kinds, Mapping), "curves", type(of_kinds).__name__, "a curve for each kind")
        for kind, curve in of_kinds.items():
            _check_curve(kind, curve, expected.spots)


def _check_list(items: Any, what: str) -> None:
    """A list of a bearable length."""
    _refuse_if(not isinstance(items, list), what, type(items).__name__, "a list")
    _refuse_if(len(items) > MOST_ROWS, f"{len(items)} {what}", "", f"at most {MOST_ROWS}")


def _check_video(video: Any, expected: Expected) -> None:
    """A tested video. That of another one is a leak, of which the host speaks itself."""
    if not isinstance(video, str) or video not in expected.frames:
        raise PluginError(f"a fold answered for {video}, which it does not test: that is a leak")


def _check_interval(interval: Any, expected: Expected) -> None:
    """An interval of a tested video, with finite confidence and a class of the task."""
    _refuse_if(not isinstance(interval, Prediction), "as an interval", interval, "a Prediction")
    assert expected.spots is not None
    _check_video(interval.video, expected)
    _refuse_if(
        interval.kind not in expected.spots.kinds,
        "an interval of kind",
        interval.kind,
        f"one of {list(expected.spots.kinds)}",
    )
    frames = (interval.onset, interval.apex, interval.offset)
    _refuse_if(not all(map(_is_frame, frames)), "an interval at", frames, "whole frames of the video")
    _refuse_if(
        not interval.onset <= interval.apex <= interval.offset, "an interval at", frames, "onset <= apex <= offset"
    )
    n_frames = expected.frames[interval.video]
    is_outside = interval.offset < 0 or (n_frames is not None and interval.onset >= n_frames)
    _refuse_if(is_outside, "an interval at", frames, f"frames of the video, of which there are {n_frames}")
    _refuse_if(not _is_number(interval.confidence), "a confidence of", interval.confidence, "a finite number")
    _refuse_if(not _is_count(interval.draw), "a random draw", interval.draw, "a number from 0")
    if interval.emotion is None and interval.probabilities is None:
        return
    _refuse_if(expected.names is None, "an emotion", interval.emotion, "none: its task is not to name emotions")
    assert expected.names is not None
    _check_answer(interval.emotion, interval.probabilities, expected.names)


def _check_answer(answer: Any, shares: Any, task: Task) -> None:
    """A class with a finite number for each class of the task. It is the one that the numbers say.

    They need not sum to one: a method gives any numbers of which the higher is the likelier.
    """
    is_row = isinstance(shares, tuple | list) and len(shares) == len(task.classes)
    _refuse_if(not is_row, "for a clip", shares, f"a number for each of {len(task.classes)} classes")
    _refuse_if(not all(map(_is_number, shares)), "for a clip", shares, "finite numbers")
    called = task.called([float(share) for share in shares])
    _refuse_if(answer != called, "the class", answer, f"{called!r}, which its numbers say")


def _check_clips(clips: Any, expected: Expected) -> None:
    """One answer for each clip that was asked for."""
    assert expected.clips is not None
    _check_list(clips, "answers to clips")
    _refuse_if(expected.names is None and bool(clips), "answers to clips", "", "none: its task is not to name emotions")
    for clip in clips:
        _check_clip(clip, expected)
    answered = sorted((clip.video, clip.onset, clip.offset) for clip in clips)
    is_complete = answered == sorted(expected.clips)
    _refuse_if(
        not is_complete,
        f"answers to {len(clips)} clips",
        "",
        f"one for each of the {len(expected.clips)} that were asked for",
    )


def _check_clip(clip: Any, expected: Expected) -> None:
    """An answer to a clip of a tested video."""
    _refuse_if(not isinstance(clip, ClipPrediction), "as an answer", clip, "a ClipPrediction")
    _check_video(clip.video, expected)
    frames = (clip.onset, clip.offset)
    _refuse_if(not all(map(_is_frame, frames)), "a clip at", frames, "whole frames of the video")
    assert expected.names is not None
    _check_answer(clip.predicted, clip.probabilities, expected.names)


def _check_frame_scores(video: str, rows: Any, n_frames: int | None, n_kinds: int) -> None:
    """(n_frames, n_kinds) numbers, of which none is infinite."""
    is_table = isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind == "f"
    _refuse_if(not is_table, f"frame scores of {video}", rows, "an array of numbers")
    expected = (len(rows) if n_frames is None else n_frames, n_kinds)
    _refuse_if(
        rows.shape != expected, f"frame scores of {video} of shape", rows.shape, f"(n_frames, n_kinds) = {expected}"
    )
    _refuse_if(bool(np.isinf(rows).any()), f"frame scores of {video}", "infinite", "finite numbers, or NaN at the ends")


def _check_curve(kind: Any, curve: Any, task: Task) -> None:
    """A curve of a kind of the task."""
    _refuse_if(kind not in task.kinds, "a curve of kind", kind, f"one of {list(task.kinds)}")
    _refuse_if(not isinstance(curve, Curve), "as a curve", curve, "a Curve")
    is_row = isinstance(curve.heights, np.ndarray) and curve.heights.ndim == 1 and curve.heights.dtype.kind == "f"
    _refuse_if(not is_row, "as heights of a curve", curve.heights, "a row of numbers")
    _refuse_if(not _is_frame(curve.first), "a curve from frame", curve.first, "a frame")
    is_level = _is_real(curve.level) and not math.isnan(curve.level)
    _refuse_if(not is_level, "a curve with level", curve.level, "a number")


def _check_epoch_predictions(epochs: Any, expected: Expected) -> None:
    """Answers after each epoch, of the same kinds as at the end."""
    _check_list(epochs, "answers after epochs")
    n_answers = 0
    for answers in epochs:
        _check_list(answers, "answers after an epoch")
        n_answers += len(answers)
        _refuse_if(n_answers > MOST_ROWS, "answers after epochs:", n_answers, f"at most {MOST_ROWS}")
        for answer in answers:
            if isinstance(answer, Prediction) and expected.spots is not None:
                _check_interval(answer, expected)
            else:
                _refuse_if(expected.names is None, "an answer after an epoch", answer, "an interval")
                _check_clip(answer, expected)


def _check_costs(costs: Any, seconds: float) -> None:
    """Costs that can be: no more seconds than the fold took, and a whole number of parameters."""
    is_complete = isinstance(costs, Mapping) and sorted(costs) == sorted(COSTS)
    _refuse_if(not is_complete, "costs", costs, f"{', '.join(COSTS)}")
    for name, value in costs.items():
        is_amount = _is_number(value) and value >= 0
        _refuse_if(not is_amount, f"{name} of", value, "a finite number from 0")
    _refuse_if(not _is_count(costs["parameters"]), "parameters of", costs["parameters"], "a whole number")
    for name in ("fit_seconds", "predict_seconds"):
        _refuse_if(costs[name] > seconds, f"{name} of", costs[name], f"at most the {seconds:.1f} seconds that it took")


def _check_model(model: Any, n_parameters: float) -> None:
    """A safetensors file of as many numbers as the fold says."""
    _refuse_if(not isinstance(model, bytes | WeightsFile), "as a model", type(model).__name__, "a safetensors file")
    if isinstance(model, WeightsFile):
        beginning, size = model.read_beginning(8 + LARGEST_HEADER), model.size
    else:
        beginning, size = model, len(model)
    counted = _count_numbers(beginning, size)
    _refuse_if(counted is None, "as a model", beginning[:16], "a safetensors file")
    _refuse_if(counted != n_parameters, "parameters of", n_parameters, f"{counted}, which its model holds")


def _count_numbers(model: bytes, size: int) -> int | None:
    """The numbers in a safetensors file by its header, but counters of batches; None if it is no such file.

    Args:
        model: the file, at least with its whole header.
        size: bytes of the file.
    """
    try:
        (length,) = struct.unpack_from("<Q", model)
        if length > LARGEST_HEADER:
            return None
        header = json.loads(model[8 : 8 + length])
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        if max(ends, default=0) != size - 8 - length:
            return None
        counted = [name for name in header if name != "__metadata__" and not name.endswith(UNCOUNTED)]
        return int(sum(math.prod(header[name]["shape"]) for name in counted))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, struct.error):
        return None


def _check_notes(notes: Any, what: str) -> None:
    """Finite numbers by names that can be printed."""
    _refuse_if(
        not isinstance(notes, Mapping) or len(notes) > MOST_NOTES, what, notes, f"at most {MOST_NOTES} numbers by name"
    )
    for name, value in notes.items():
        _refuse_if(not _is_name(name), f"{what} called", name, "a name that can be printed")
        _refuse_if(not _is_number(value), f"{what}: {name!r} of", value, "a finite number")


def _check_history(history: Any) -> None:
    """Passes of a training; a loss may be NaN, as where it was not recorded or has diverged."""
    _check_list(history, "passes of its training")
    for epoch in history:
        _refuse_if(not isinstance(epoch, Epoch), "as a pass of its training", epoch, "an Epoch")
        _refuse_if(not _is_name(epoch.stage), "a stage called", epoch.stage, "a name that can be printed")
        _refuse_if(epoch.split not in ("train", "valid"), "a pass over", epoch.split, "train or valid")
        counts = [epoch.epoch, *([] if epoch.step is None else [epoch.step])]
        _refuse_if(not all(map(_is_count, counts)), "a pass of number", counts, "whole numbers from 0")
        _refuse_if(not _is_real(epoch.loss), "a loss of", epoch.loss, "a number")
        for name in ("accuracy", "uf1", "uar"):
            value = getattr(epoch, name)
            is_share = value is None or (_is_real(value) and not value < 0 and not value > 1)
            _refuse_if(not is_share, f"{name} of", value, "a share, or none")
        _check_logged(epoch.logged)


def _check_logged(logged: Any) -> None:
    """Values that a method logs under names of its own."""
    _refuse_if(
        not isinstance(logged, Mapping) or len(logged) > MOST_NOTES,
        "logged values",
        logged,
        f"at most {MOST_NOTES} by name",
    )
    for name, value in logged.items():
        _refuse_if(
            not _is_name(name) or name in TAKEN_NAMES,
            "a logged value called",
            name,
            "a name of its own that can be printed",
        )
        _refuse_if(not _is_real(value), f"a logged {name} of", value, "a number")


def _is_real(value: Any) -> bool:
    """Whether a value is a number, be it NaN or infinite."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Whether a value is a finite number of bearable size."""
    return _is_real(value) and bool(abs(value) <= LARGEST)


def _is_count(value: Any) -> bool:
    """Whether a value is a whole number from 0."""
    return isinstance(value, Integral) and not isinstance(value, bool) and 0 <= int(value) <= LARGEST


def _is_frame(value: Any) -> bool:
    """Whether a value is a whole number near frames of a video."""
    return _is_real(value) and abs(value) <= FARTHEST_FRAME and int(value) == value


def _is_name(value: Any) -> bool:
    """Whether a value is a short text without control signs."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()
