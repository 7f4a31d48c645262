"""The level of a spotter, chosen by its false alarms in films without expressions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression, Kind, Prediction, Video
from mebench.core.peaks import hits, iou
from mebench.errors import ConfigError, RunError
from mebench.inference.models import Model, ModelHeader, write_model
from mebench.inference.predict import Answer
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import safetensors.torch as safetensors_torch
    import torch
else:
    safetensors_torch = load_lazily("safetensors.torch")
    torch = load_lazily("torch")

RATES = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0)
"""False alarms a minute at which a curve of recall is read."""
ROUNDING = 1e-9
"""A number of false alarms that misses a whole one by so much is that one."""


@dataclass(frozen=True)
class QuietFilms:
    """What a spotter finds in films without expressions when no level holds it back.

    Attributes:
        confidences: heights of all peaks, (n,).
        minutes: length of the films together.
    """

    confidences: NDArray[np.float64]
    minutes: float

    def rate(self, level: float) -> float:
        """False alarms a minute at a level."""
        return float((self.confidences >= level).sum()) / self.minutes

    def level_for(self, rate: float) -> float:
        """The lowest level with at most `rate` false alarms a minute; minus infinity if all peaks together are fewer.

        >>> QuietFilms(np.array([0.1, 0.3, 0.2]), 1.0).level_for(1.0)
        0.25
        """
        n_allowed = int(rate * self.minutes + ROUNDING)
        heights = np.sort(self.confidences)[::-1]
        if len(heights) <= n_allowed:
            return -np.inf
        highest_refused = heights[n_allowed]
        accepted = heights[heights > highest_refused]
        if len(accepted) == 0:
            return float(np.nextafter(highest_refused, np.inf))
        return float(accepted[-1] + highest_refused) / 2


def quiet_films(answers: Sequence[Answer], kind: Kind) -> QuietFilms:
    """All peaks of one kind in answers to films without expressions; frames without a face do not count as time.

    Raises:
        RunError: the films have no frame with a face.
    """
    spotted = [prediction for answer in answers for prediction in answer.predictions]
    confidences = [prediction.confidence for prediction in spotted if prediction.kind == kind]
    seconds = sum(seen_seconds(answer) for answer in answers)
    if seconds == 0:
        raise RunError("the films without expressions show no face, so they say nothing about false alarms")
    return QuietFilms(np.array(confidences, np.float64), seconds / 60)


def seen_seconds(answer: Answer) -> float:
    """Seconds of a film in which the face was in sight."""
    curve = next(iter(answer.curves.values()))
    hidden = sum(last - first + 1 for first, last in answer.unseen)
    return max(len(curve.scores) - hidden, 0) / answer.timing.fps


def choose_level(films: Mapping[str, QuietFilms], most: float) -> float:
    """The lowest level with few enough false alarms in each kind of film.

    Args:
        films: quiet films by their kind, such as stills, lamps and speech.
        most: false alarms a minute, above 0.

    Raises:
        ConfigError: `most` is not above 0, or there are no films.
    """
    if not films or not 0 < most < float("inf"):
        raise ConfigError(f"a level needs quiet films and a number of false alarms a minute above 0, not {most:g}")
    level = max(of_kind.level_for(most) for of_kind in films.values())
    return level if np.isfinite(level) else 0.0


@dataclass(frozen=True)
class OperatingPoint:
    """What a spotter would do at a level.

    Attributes:
        level: least height of a peak.
        quiet: false alarms a minute in quiet films, the worst kind.
        recall: share of the expressions that are found, IoU .5 or more; NaN without expressions.
        false: false positives a minute in the films with expressions.
    """

    level: float
    quiet: float
    recall: float
    false: float


def operating_points(
    films: Mapping[str, QuietFilms],
    tested: Sequence[tuple[Video, Answer]],
    kind: Kind,
    rates: Sequence[float] = RATES,
    levels: Sequence[float] = (),
) -> list[OperatingPoint]:
    """Recall against false alarms at each rate and level, the lowest level last.

    Args:
        films: quiet films by their kind.
        tested: films with expressions, and answers to them without a level.
        kind: kind of the expressions.
        rates: false alarms a minute in quiet films.
        levels: further levels.
    """
    wanted = {*(choose_level(films, rate) for rate in rates), *levels}
    minutes = sum((video.n_frames or 0) / (video.fps or 25.0) for video, _ in tested) / 60
    n_truths = sum(len(_intervals_of_kind(video.expressions, kind)) for video, _ in tested)
    points = []
    for level in sorted(wanted, reverse=True):
        n_found = 0
        n_right = 0
        for video, answer in tested:
            surest = [prediction for prediction in answer.predictions if prediction.confidence >= level]
            found = _intervals_of_kind(surest, kind)
            n_found += len(found)
            n_right += _count_right(found, _intervals_of_kind(video.expressions, kind))
        worst_rate = max(of_kind.rate(level) for of_kind in films.values())
        recall = n_right / n_truths if n_truths else float("nan")
        false_per_minute = (n_found - n_right) / minutes if minutes else float("nan")
        points.append(OperatingPoint(level, worst_rate, recall, false_per_minute))
    return points


def _intervals_of_kind(marks: Iterable[Expression | Prediction], kind: Kind) -> list[tuple[int, int]]:
    """Onset and offset of each expression or prediction of a kind."""
    return [(mark.onset, mark.offset) for mark in marks if mark.kind == kind]


def _count_right(spotted: Sequence[tuple[int, int]], truths: Sequence[tuple[int, int]]) -> int:
    """Spotted intervals that find a truth of their own."""
    free = np.array(truths, dtype=np.int64).reshape(-1, 2).T
    right = 0
    for span in spotted:
        if hits(span, free).any():
            free = np.delete(free, iou(span, free).argmax(), axis=1)
            right += 1
    return right


def write_with_levels(path: Path, model: Model, header: ModelHeader, levels: Sequence[float]) -> None:
    """Write a model with other levels, one for each kind of its task.

    Raises:
        RunError: the model has no absolute levels, or other kinds.
    """
    weights = safetensors_torch.load_file(model.file)
    if "thresholds" not in weights or len(weights["thresholds"]) != len(levels):
        raise RunError(f"{model.name} has no level for each of its kinds: train it with method.threshold=absolute")
    weights["thresholds"] = torch.tensor(levels, dtype=weights["thresholds"].dtype)
    with tempfile.TemporaryDirectory() as folder:
        changed = Path(folder, "weights.safetensors")
        safetensors_torch.save_file(weights, changed)
        write_model(path, replace(model, file=changed), header)
