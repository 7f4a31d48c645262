"""Running speech: phrases of syllables whose length, strength and shape of the lips vary, with nods of the head at stressed ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mebench.features.action_units import UNITS

from .params import Params
from .streams import Purpose, stream

VISEMES: tuple[tuple[float, Mapping[int, float]], ...] = (
    (0.22, {26: 0.42, 25: 0.40}),
    (0.24, {26: 0.22, 25: 0.32, 20: 0.12}),
    (0.16, {20: 0.38, 25: 0.25, 12: 0.12, 26: 0.08}),
    (0.14, {23: 0.55, 17: 0.15, 25: 0.15}),
    (0.14, {24: 0.60, 17: 0.20}),
    (0.10, {10: 0.22, 17: 0.15, 25: 0.15}),
)
"""How often each shape of the lips comes, and its action units with their strengths: open, half open, spread, rounded, closed, and lip to
teeth.
"""
SYLLABLE = (0.19, 0.35)
"""Median length of a syllable in seconds, and the standard deviation of its logarithm."""
PHRASE = (1.6, 0.5)
"""Median length of a phrase in seconds, and the standard deviation of its logarithm."""
LOUDNESS = 0.4
"""Standard deviation of the logarithm of how strongly people move their lips; half as much again from syllable to syllable."""
STRESSED = 0.3
"""Share of the syllables at which the head nods."""
NOD = 2.0
"""Standard deviation of a nod and of a turn at a stressed syllable, in units of the parameter `yaw`."""


@dataclass(frozen=True)
class Talk:
    """The running speech of a video.

    Attributes:
        strengths: strengths of the action units, (n, 17, 2): frame, unit, half of the picture.
        nods: nod and turn of the head at stressed syllables, in units of the parameter `yaw`, (n, 2).
        phrases: first and last frame of each phrase, both inclusive.
    """

    strengths: NDArray[np.float64]
    nods: NDArray[np.float64]
    phrases: tuple[tuple[int, int], ...]


def talk(params: Params, subject: int, video: int) -> Talk:
    """The running speech of one video, which fills the share `talking` of it and takes no heed of expressions."""
    strengths = np.zeros((params.frames, len(UNITS), 2))
    nods = np.zeros((params.frames, 2))
    phrases: list[tuple[int, int]] = []
    if not params.talking:
        return Talk(strengths, nods, ())
    random = stream(Purpose.TALK, params.seed, subject, video)
    loudness = float(np.exp(LOUDNESS * random.randn()))
    mean_phrase = _long_tailed_mean(*PHRASE)
    mean_pause = mean_phrase * (1 - params.talking) / params.talking
    seconds = params.frames / params.fps
    second = random.exponential(mean_pause) * random.rand() + 1e-9
    while second < seconds:
        end = min(second + _long_tailed(*PHRASE, random), seconds)
        phrases.append((int(second * params.fps), min(int(end * params.fps), params.frames - 1)))
        while second < end:
            length = _long_tailed(*SYLLABLE, random)
            _speak_syllable(params.fps, strengths, nods, second, length, loudness, random)
            second += length
        second = end + random.exponential(mean_pause) + 1 / params.fps
    return Talk(strengths, nods, tuple(phrases))


def _speak_syllable(
    fps: float,
    strengths: NDArray[np.float64],
    nods: NDArray[np.float64],
    second: float,
    length: float,
    loudness: float,
    random: np.random.RandomState,
) -> None:
    """Add one syllable, which runs into its neighbours, and perhaps a nod that is slower."""
    chances = np.cumsum([chance for chance, _ in VISEMES])
    _, shape = VISEMES[int(np.searchsorted(chances, random.rand() * chances[-1]))]
    strength = loudness * float(np.exp(1.5 * LOUDNESS * random.randn()))
    sides = 1 + 0.1 * random.randn(2)
    course, frames = _swell(fps, second - 0.4 * length, 1.8 * length, len(strengths))
    for unit, share in shape.items():
        strengths[frames, UNITS.index(unit)] += min(strength, 2.0) * share * course[:, None] * sides
    is_stressed = random.rand() < STRESSED
    size = NOD * random.randn(2)
    slowness = random.uniform(1.5, 3.0)
    if is_stressed:
        course, frames = _swell(fps, second - 0.5 * slowness * length, slowness * length, len(nods))
        nods[frames] += course[:, None] * size


def _swell(fps: float, begin: float, length: float, n_frames: int) -> tuple[NDArray[np.float64], slice]:
    """A raised cosine from 0 to 1 and back, and the frames of the video that it covers."""
    first = max(int(np.ceil(begin * fps)), 0)
    last = min(int(np.floor((begin + length) * fps)), n_frames - 1)
    places = np.arange(first, last + 1) / fps - begin
    return 0.5 - 0.5 * np.cos(2 * np.pi * places / length), slice(first, max(last + 1, first))


def _long_tailed(median: float, spread: float, random: np.random.RandomState) -> float:
    """A number of a lognormal distribution."""
    return float(median * np.exp(spread * random.randn()))


def _long_tailed_mean(median: float, spread: float) -> float:
    """The mean of a lognormal distribution."""
    return float(median * np.exp(spread**2 / 2))
