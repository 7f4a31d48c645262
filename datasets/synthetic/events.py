"""The script of a video: the strength of each action unit in each frame, and the labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mebench.annotations import objective_class
from mebench.core import Distractor, Expression, Kind
from mebench.features.action_units import UNITS
from mebench.spotting import stretches

from .emotions import EMOTIONS, ONE_SIDED, recruit
from .params import LONGEST_AS_SAMM_LV, LONGEST_MICRO, MARGIN, Params
from .speech import talk
from .streams import Purpose, stream

Curves = NDArray[np.float64]

GAP = 0.5
"""Seconds between two labelled expressions, at least."""
WEAK_SIDE = 0.15
"""Strength on the other half of the face in a one-sided expression."""

LENGTHS: Mapping[Kind, tuple[float, ...]] = {
    "micro": (0.15, 0.23, 0.28, 0.33, 0.36, 0.39, 0.41, 0.44, 0.46, 0.49, 0.51),
    "macro": (0.51, 0.60, 0.72, 0.83, 0.93, 1.11, 1.41, 1.73, 2.24, LONGEST_AS_SAMM_LV),
}
"""Quantiles of the durations of SAMM Long Videos in seconds, with equally many expressions between neighbours; the
longest tenth of the macro-expressions, up to 25.9 s, is left out. From samm_annotation.csv of
https://github.com/williamlee91/LGSNet, commit fb38eb2: 159 micro- and 340 macro-expressions.
"""
LEVELS: Mapping[Kind, tuple[float, ...]] = {"micro": (23, 19, 15, 4, 4), "macro": (20, 95, 77.0, 45.5, 13.5)}
"""Number of expressions of SAMM Long Videos of each FACS level, A to E, of the strongest action unit; B/C counts half
for each. From info_csv/samm_new_25.csv of https://github.com/xjtupanda/AUW-GCN, commit 03c86f3, where 65 of 159 micro-
and 251 of 343 macro-expressions have one.
"""


@dataclass(frozen=True)
class Event:
    """One expression as it is played, in frames, both ends inclusive.

    Attributes:
        kind: `micro` or `macro`.
        emotion: native label.
        onset: last frame at rest.
        apex: middle of the strongest frames.
        offset: first frame at rest again.
        units: action units, ascending.
        side: 0 for only the left half of the picture, 1 for the right, None for both.
        strength: of its strongest action unit, before the person's gain, as a fraction of the full one.
    """

    kind: Kind
    emotion: str
    onset: int
    apex: int
    offset: int
    units: tuple[int, ...]
    side: int | None
    strength: float

    @property
    def action_units(self) -> tuple[str, ...]:
        """As FACS coders write them: `L` and `R` are the subject's own left and right."""
        prefix = "" if self.side is None else "RL"[self.side]
        return tuple(f"{prefix if unit in ONE_SIDED else ''}{unit}" for unit in self.units)

    def annotate(self, n_frames: int, onset_error: int, apex_error: int, offset_error: int) -> Expression:
        """The label, with an annotator's errors in frames; one frame if the errors exceed the expression."""
        onset = min(max(self.onset + onset_error, 0), n_frames - 1)
        offset = max(min(self.offset + offset_error, n_frames - 1), onset)
        apex = min(max(self.apex + apex_error, onset), offset)
        units, objective = self.action_units, objective_class(self.units)
        return Expression(onset, offset, self.kind, apex, self.emotion, units, objective, intensity=self.strength)


@dataclass(frozen=True)
class Script:
    """The events of a video.

    Attributes:
        events: the labelled expressions, sorted by onset.
        micro: strengths of the action units in micro-expressions, before `amplitude`, (n, 17, 2): frame, unit, and
            half of the picture.
        other: those of macro-expressions, twitches and speech, (n, 17, 2).
        blinks: how closed the eyes are, 0 to 1, (n,).
        unlabelled: `blink`, `speech` and `twitch`, sorted by onset: movements other than expressions.
    """

    events: tuple[Event, ...]
    micro: Curves
    other: Curves
    blinks: NDArray[np.float64]
    unlabelled: tuple[Distractor, ...]


@dataclass
class _Stage:
    """A script being written. Places have a stream of their own: a crowded video changes no expression."""

    params: Params
    random: np.random.RandomState
    events: list[Event] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)

    def place(self, length: int) -> int | None:
        """A free first frame for `length` frames, or None if 200 tries find none."""
        gap, margin = round(GAP * self.params.fps), round(MARGIN * self.params.fps)
        last = self.params.frames - margin - length
        for _ in range(200 if last >= margin else 0):
            first = self.random.randint(margin, last + 1)
            if all(first + length + gap <= a or b + gap <= first for a, b in self.taken):
                self.taken.append((first, first + length))
                return int(first)
        return None


@lru_cache(maxsize=512)
def write_script(params: Params, subject: int, video: int) -> Script:
    """The script of one video; a pure function of its arguments. The arrays are shared: do not write to them."""
    keys = (params.seed, subject, video)
    stage = _Stage(params, stream(Purpose.PLACES, *keys))
    micro, other = (np.zeros((params.frames, len(UNITS), 2)) for _ in range(2))
    random = stream(Purpose.MACRO, *keys)
    for _ in range(0 if params.short_videos else _how_many(params, params.macros, random)):
        _macro_expression(stage, other, random)
    random = stream(Purpose.MICRO, *keys)
    for _ in range(_how_many_micro(params, subject, video)):
        _micro_expression(stage, micro, random)
    unlabelled = _twitches(params, other, stream(Purpose.TWITCHES, *keys))
    unlabelled += _speech(stage, other, stream(Purpose.SPEECH, *keys))
    spoken = talk(params, subject, video)
    other += spoken.strengths
    unlabelled += [Distractor("speech", first, last) for first, last in spoken.phrases]
    events = tuple(sorted(stage.events, key=lambda event: event.onset))
    blinks = _blinks(params, stream(Purpose.BLINKS, *keys))
    unlabelled += [Distractor("blink", first, last) for first, last in stretches(blinks > 0)]
    return Script(events, micro, other, blinks, tuple(sorted(unlabelled, key=lambda d: (d.onset, d.offset, d.kind))))


def label(params: Params, subject: int, video: int) -> tuple[Expression, ...]:
    """The labels of one video, sorted by onset; annotators err by `label_jitter` frames and `coder_error` seconds."""
    random, jitter = stream(Purpose.JITTER, params.seed, subject, video), params.label_jitter
    events = write_script(params, subject, video).events
    errors = random.randint(-jitter, jitter + 1, (len(events), 3))
    errors = errors + np.rint(params.coder_error * params.fps * random.standard_normal(errors.shape)).astype(int)
    expressions = (event.annotate(params.frames, *map(int, error)) for event, error in zip(events, errors))
    return tuple(sorted(expressions, key=lambda expression: expression.onset))


def raised_cosine(rise: int, hold: int, fall: int, skew: float = 1.0) -> NDArray[np.float64]:
    """From 0 to 1 in `rise` frames, constant for `hold` frames, and back in `fall`: rise + hold + fall + 1 values."""
    up = (0.5 - 0.5 * np.cos(np.pi * np.arange(rise + 1) / rise)) ** skew
    down = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fall + 1) / fall)
    return np.concatenate([up, np.ones(hold), down])


def _how_many(params: Params, per_minute: float, random: np.random.RandomState) -> int:
    return int(random.poisson(per_minute * params.frames / params.fps / 60))


def _how_many_micro(params: Params, subject: int, video: int) -> int:
    """0 to `micro_max`, or a Poisson number of `micros` a minute, spread evenly over the videos (a Kronecker sequence):
    totals hardly depend on the seed.
    """
    if params.short_videos:
        return 1
    start = stream(Purpose.MICRO, params.seed).rand()
    place = (start + 0.7548776662 * subject + 0.5698402910 * video) % 1
    if params.micros is None:
        return int(place * (params.micro_max + 1))
    mean = params.micros * params.frames / params.fps / 60
    number, here = 0, float(np.exp(-mean))
    while place >= here and number < 10 * mean + 10:  # the chance of this number and of fewer is passed
        place, number = place - here, number + 1
        here *= mean / number
    return number


def _micro_expression(stage: _Stage, curves: Curves, random: np.random.RandomState) -> None:
    """200 to 500 ms, with a shorter onset than offset (after Yan et al. 2013); a quarter of them in one half of the
    face.
    """
    fps = stage.params.fps
    seconds = float(np.clip(random.normal(0.38, 0.07), 0.2, LONGEST_MICRO))
    if stage.params.expressions == "samm_lv":
        seconds = _as_annotated("micro", random)
    length = round(seconds * fps)
    rise = max(2, round(length * random.uniform(0.35, 0.5)))
    hold = round(random.uniform(0, 0.06) * fps)
    low, high = stage.params.intensity
    phases = (rise, hold, max(2, length - rise - hold))
    strength = (
        random.uniform(low, high) if stage.params.expressions == "apart" else _as_coded("micro", low, high, random)
    )
    _express(stage, curves, "micro", phases, strength, 0.25, random)


def _macro_expression(stage: _Stage, curves: Curves, random: np.random.RandomState) -> None:
    """0.7 to 2.5 s at 30 to 80 % of the full strength."""
    apart = stage.params.expressions == "apart"
    length = (random.uniform(0.7, 2.5) if apart else _as_annotated("macro", random)) * stage.params.fps
    phases = (round(0.3 * length), round(0.3 * length), round(0.4 * length))
    strength = random.uniform(0.3, 0.8) if apart else _as_coded("macro", *stage.params.intensity, random)
    _express(stage, curves, "macro", phases, strength, 0.05, random)


def _as_annotated(kind: Kind, random: np.random.RandomState) -> float:
    """Seconds of an expression of SAMM Long Videos."""
    known = LENGTHS[kind]
    return float(np.interp(random.rand(), np.linspace(0, 1, len(known)), known))


def _as_coded(kind: Kind, low: float, high: float, random: np.random.RandomState) -> float:
    """Strength of an expression of SAMM Long Videos, as a fraction of the full action unit; level A begins at `low`, E
    ends at `high`.
    """
    chances = np.asarray(LEVELS[kind]) / sum(LEVELS[kind])
    level = int(np.searchsorted(np.cumsum(chances)[:-1], random.rand(), "right"))
    return float(low * (high / low) ** ((level + random.rand()) / len(chances)))


def _express(
    stage: _Stage,
    curves: Curves,
    kind: Kind,
    phases: tuple[int, int, int],
    strength: float,
    one_sided: float,
    random: np.random.RandomState,
) -> None:
    """Play an expression at a free place, if there is room; its units start slightly staggered and end together."""
    rise, hold, fall = phases
    emotion = EMOTIONS[random.randint(len(EMOTIONS))]
    units = recruit(emotion, random)
    side = random.randint(2) if random.rand() < one_sided else None
    if not ONE_SIDED.intersection(units):
        side = None
    skew = float(np.exp(0.2 * random.randn()))
    lags = random.randint(0, rise // 3 + 1, len(units))
    scales = strength * np.exp(0.25 * random.randn(len(units)))
    onset = stage.place(sum(phases) + 1)
    if onset is None:
        return
    offset = onset + sum(phases)
    for unit, lag, scale in zip(units, lags - lags.min(), scales):
        halves = np.ones(2)
        if side is not None and unit in ONE_SIDED:
            halves[1 - side] = WEAK_SIDE
        profile = raised_cosine(rise - lag, hold, fall, skew)
        curves[onset + lag : offset + 1, UNITS.index(unit)] += scale * profile[:, None] * halves
    apex, strongest = onset + rise + hold // 2, float(scales.max())
    stage.events.append(Event(kind, emotion, onset, apex, offset, units, side, strongest))


def _twitches(params: Params, curves: Curves, random: np.random.RandomState) -> list[Distractor]:
    """Single units, too slow and too faint for an expression, without labels."""
    found = []
    for _ in range(_how_many(params, params.twitches, random)):
        unit, length = random.randint(len(UNITS)), round(random.uniform(0.8, 1.6) * params.fps)
        first = random.randint(params.frames)
        course = np.hanning(length)[: params.frames - first, None]
        curves[first : first + length, unit] += course * random.uniform(0.03, 0.08, 2)
        found.append(Distractor("twitch", first, first + len(course) - 1))
    return found


def _speech(stage: _Stage, curves: Curves, random: np.random.RandomState) -> list[Distractor]:
    """Jaw and lips at 3 to 5 Hz for 1.5 to 3.5 s, away from the labelled expressions, if there is room."""
    params = stage.params
    if random.rand() >= params.speech:
        return []
    length = min(round(random.uniform(1.5, 3.5) * params.fps), params.frames // 3)
    first = stage.place(length)
    if first is None:
        return []
    seconds = np.arange(length) / params.fps
    wander = 2 * np.cumsum(random.randn(length)) / np.sqrt(params.fps)
    syllables = (0.5 + 0.5 * np.sin(2 * np.pi * random.uniform(3, 5) * seconds + wander)) * np.hanning(length) ** 0.3
    for unit, share in ((26, 0.35), (25, 0.4), (20, 0.15)):
        curves[first : first + length, UNITS.index(unit)] += share * syllables[:, None]
    return [Distractor("speech", first, first + length - 1)]


def _blinks(params: Params, random: np.random.RandomState) -> NDArray[np.float64]:
    """Closing in 60 to 100 ms, opening in 120 to 220, at skewed intervals (gamma of shape 2)."""
    closed = np.zeros(params.frames)
    if params.blinks == 0:
        return closed
    second = random.gamma(2, 30 / params.blinks)
    while second < params.frames / params.fps:
        first = int(second * params.fps)
        closing, opening = (max(2, round(random.uniform(*span) * params.fps)) for span in ((0.06, 0.10), (0.12, 0.22)))
        course = raised_cosine(closing, max(1, round(0.03 * params.fps)), opening)[: params.frames - first]
        closed[first : first + len(course)] = np.maximum(closed[first : first + len(course)], course)
        second += random.gamma(2, 30 / params.blinks)
    return closed
