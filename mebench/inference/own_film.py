"""Answers about a person's own film: a level from a stretch in which nothing happened, and intervals that do not repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mebench.core import Kind, Prediction
from mebench.errors import ConfigError
from mebench.inference.operating_point import seen_seconds
from mebench.inference.predict import Answer

LONG_ENOUGH = 10.0
"""Seconds in which nothing happened that may lower a level."""
LOWEST_SHARE = 0.4
"""Share of the models' level below which no quiet stretch lowers it."""
Stretch = tuple[float, float]
"""First and last second."""


def read_neutral(text: str | Path) -> Stretch | Path:
    """A stretch such as `0-20s`, or the path of a film.

    Raises:
        ConfigError: the stretch ends before it begins, or there is no such film.

    >>> read_neutral("0-20s"), read_neutral("2.5-10s")
    ((0.0, 20.0), (2.5, 10.0))
    """
    seconds = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)s?", str(text))
    if seconds is None:
        path = Path(text).expanduser()
        if not path.exists():
            raise ConfigError(
                f"--neutral {text} is neither a stretch in seconds, such as 0-20s, nor a film that exists: correct one of both"
            )
        return path
    first = float(seconds[1])
    last = float(seconds[2])
    if first >= last:
        raise ConfigError(f"--neutral {text} ends before it begins: give the first and the last second, such as 0-20s")
    return first, last


@dataclass(frozen=True)
class NeutralLevel:
    """The level of one kind after a stretch in which nothing happened.

    Attributes:
        level: the level.
        models: level of the models.
        seconds: seconds of the stretch with a face.
        alarms: peaks as high as the level to be expected in a time as long: 1 if the highest peak set it, 0 if it lies higher.
    """

    level: float
    models: float
    seconds: float
    alarms: int = 0

    def describe(self, where: str) -> str:
        """The level in words.

        Args:
            where: times of the stretch, in words.
        """
        stretch = f"{where} ({self.seconds:.1f} s with a face)"
        if self.level > self.models:
            return f"nothing happened {stretch}, so the level is {self.level:.3f} in place of {self.models:.3f}"
        if self.level < self.models:
            return f"the face is quieter {stretch} than the level of {self.models:.3f} takes for granted, so it is {self.level:.3f}"
        return f"no peak {stretch} reaches the level of {self.models:.3f}, which stays"


def neutral_levels(
    answers: Sequence[Answer], levels: Mapping[Kind, float], stretch: Stretch | None = None
) -> dict[Kind, NeutralLevel]:
    """The levels above all peaks in films, or stretches of films, in which nothing happened.

    In `LONG_ENOUGH` seconds and more it may be lower than that of the models, down to `LOWEST_SHARE` of it: a face that hardly moves
    needs no level made for lively ones.

    Raises:
        ConfigError: the stretch, or the film, has no second with a face.

    Args:
        answers: answers without a level.
        levels: level of the models by kind.
        stretch: first and last second; None for whole films.
    """
    found = {}
    for kind, level in levels.items():
        heights = []
        seconds = 0.0
        for answer in answers:
            first, last = _frames_of(answer, stretch)
            heights += [p.confidence for p in answer.predictions if p.kind == kind and first <= p.apex <= last]
            if stretch is None:
                seconds += seen_seconds(answer)
            else:
                last_in_film = min(last, len(answer.curves[kind].scores) - 1)
                seconds += max((last_in_film - first + 1) / answer.timing.fps, 0.0)
        if seconds <= 0:
            raise ConfigError(
                "--neutral names no time in which the face is seen: name a stretch of the video, or another film"
            )
        above = float(np.nextafter(max(heights), np.inf)) if heights else level
        lowest = LOWEST_SHARE * level if seconds >= LONG_ENOUGH else level
        chosen = max(lowest, above)
        found[kind] = NeutralLevel(chosen, level, seconds, int(bool(heights) and chosen == above))
    return found


def hold_back(answer: Answer, levels: Mapping[Kind, float], quiet: Stretch | None = None) -> Answer:
    """An answer with the peaks that reach a level outside a quiet stretch.

    Args:
        answer: answer without a level.
        levels: level by kind.
        quiet: first and last second of a stretch in which nothing happened.
    """
    first, last = _frames_of(answer, quiet) if quiet else (0, -1)
    reaching = [p for p in answer.predictions if p.confidence >= levels[p.kind]]
    kept = [p for p in reaching if not first <= max(p.apex, 0) <= last]
    curves = {kind: replace(curve, level=levels[kind]) for kind, curve in answer.curves.items()}
    return replace(answer, predictions=kept, curves=curves)


def _frames_of(answer: Answer, stretch: Stretch | None) -> tuple[int, float]:
    """First and last frame of a stretch in seconds."""
    if stretch is None:
        return 0, np.inf
    first_second, last_second = stretch
    return round(first_second * answer.timing.fps), round(last_second * answer.timing.fps)


def without_repeats(answer: Answer) -> Answer:
    """An answer whose intervals are merged, see `merge_intervals`."""
    return replace(answer, predictions=merge_intervals(answer.predictions, answer.timing.k_prime))


def merge_intervals(predictions: Sequence[Prediction], k_prime: Mapping[Kind, int]) -> list[Prediction]:
    """Intervals without overlap, each peak once.

    Of overlapping intervals of one kind one remains: from the first onset to the last offset, with apex, confidence and emotion
    of the highest peak. An interval inside one of another kind is left out if both peaks are less than k' frames apart.

    Args:
        predictions: intervals of one film.
        k_prime: half the mean length of each kind, in frames.
    """
    merged: list[Prediction] = []
    for kind in dict.fromkeys(p.kind for p in predictions):
        merged += _merge_overlapping([p for p in predictions if p.kind == kind])
    kept = [p for p in merged if not any(_repeats(p, other, k_prime[p.kind]) for other in merged)]
    return sorted(kept, key=lambda p: (p.kind, p.onset))


def _merge_overlapping(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Intervals of one kind, overlapping ones as one."""
    merged: list[Prediction] = []
    for one in sorted(predictions, key=lambda p: p.onset):
        last = merged[-1] if merged else None
        if last is None or one.onset > last.offset:
            merged.append(one)
            continue
        highest = max(last, one, key=lambda p: p.confidence)
        merged[-1] = replace(highest, onset=last.onset, offset=max(last.offset, one.offset))
    return merged


def _repeats(one: Prediction, other: Prediction, k_prime: int) -> bool:
    """Whether an interval lies in a longer one of another kind, with the same peak."""
    is_inside = other.onset <= one.onset and one.offset <= other.offset
    return other.kind != one.kind and is_inside and abs(one.apex - other.apex) < k_prime
