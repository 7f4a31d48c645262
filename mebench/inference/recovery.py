"""What a spotter finds in a film. Micro-expressions of known place and strength that are put into it show it.

Copies of the film get injections (`mebench.features.injection`) and are spotted in as the film was. Each is counted beside what is found at
its place in the untouched film, since nobody knows what was there before; a sham copy, moved and back, shows what the method alone gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.config import registry, resolve_dataset
from mebench.core import Kind, Prediction, Video, stable_seed
from mebench.features.activity import ACTIVITIES, Activity, activity_at
from mebench.features.injection import SPACING, VERSION, Injection
from mebench.inference.models import Model
from mebench.inference.own_film import hold_back, without_repeats
from mebench.inference.predict import Answer, Predicted, predict_all
from mebench.output.progress import Progress
from mebench.output.terminal import format_count

WANTED = 40
"""Injections that a film should get, over all its copies."""
MOST_COPIES = 10
"""Copies that are made at most: a film of a few seconds takes one or two injections in each."""
GRACE = 1
"""Frames by which a peak may lie before the onset or after the offset of what it finds."""
FOLLOW_SECONDS = 0.022
"""Seconds of one processor that following a face takes for each frame, once (measured on 512x512 pixels)."""
SPOT_SECONDS = 0.025
"""Seconds of one processor that injecting and spotting take for each frame of each copy."""
CURVE_DRAWS = 500
"""Draws of a bootstrap over injections, for the strength at which half are found."""
WORDS: Mapping[Activity, str] = {
    "still": "in still stretches", "speech": "while the person speaks", "turning": "while the head turns",
}  # fmt: skip
LIMITS = (
    "A smooth displacement of the skin was put in, without wrinkles, lids or parted lips, after the film was decoded. What is found here "
    "need not be found in life; a spotter that misses 8 % and more is blind there."
)
"""Limits of what recovery says."""


@dataclass(frozen=True)
class Share:
    """A number of cases among others.

    Attributes:
        found: number of cases.
        of: number of all.
    """

    found: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share (Wilson 1927, doi 10.1080/01621459.1927.10502953); 0 to 1 of none."""
        if not self.of:
            return 0.0, 1.0
        z = 1.959964
        middle = (self.found + z * z / 2) / (self.of + z * z)
        half = z * sqrt(self.found * (self.of - self.found) / self.of + z * z / 4) / (self.of + z * z)
        return max(0.0, middle - half), min(1.0, middle + half)

    def describe(self) -> str:
        """`17 of 40 [29, 58 %]`."""
        return f"{self.found} of {self.of} {self.describe_interval()}"

    def describe_interval(self) -> str:
        """`[29, 58 %]`."""
        low, high = self.interval
        return f"[{100 * low:.0f}, {100 * high:.0f} %]"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {"found": self.found, "of": self.of, "interval": [round(end, 4) for end in self.interval]}


@dataclass(frozen=True)
class Trial:
    """One injection, and whether it was found.

    Attributes:
        injection: micro-expression that was put in.
        found: whether a peak lies in it.
        before: whether a peak lies at its place in the untouched film.
    """

    injection: Injection
    found: bool
    before: bool


@dataclass(frozen=True)
class Alarms:
    """Intervals in the untouched film, while the person does one thing.

    Attributes:
        count: number of intervals.
        seconds: seconds of the film.
    """

    count: int
    seconds: float


@dataclass(frozen=True)
class Recovery:
    """What was found of the injections into one film.

    Attributes:
        trials: the injections, by copy and time.
        shams: those that were moved back.
        alarms: intervals of the untouched film by what the person does.
        copies: number of copies.
    """

    trials: tuple[Trial, ...]
    shams: tuple[Trial, ...]
    alarms: Mapping[Activity, Alarms]
    copies: int

    def select(self, activity: Activity | None = None, strengths: tuple[float, float] = (0.0, inf)) -> list[Trial]:
        """The injections of a kind and of a range of strengths, both ends inclusive."""
        low, high = strengths
        return [
            trial
            for trial in self.trials
            if activity in (None, trial.injection.activity) and low <= trial.injection.strength <= high
        ]

    def found(self, activity: Activity | None = None, strengths: tuple[float, float] = (0.0, inf)) -> Share:
        """Those that were found."""
        return share_of(trial.found for trial in self.select(activity, strengths))

    def before(self, activity: Activity | None = None, strengths: tuple[float, float] = (0.0, inf)) -> Share:
        """Those at whose place something was found in the untouched film, too."""
        return share_of(trial.before for trial in self.select(activity, strengths))

    @property
    def limits(self) -> str:
        """What the result does not say."""
        return LIMITS

    @property
    def sham(self) -> Share:
        """Those of the sham copy that were found, though nothing moves in the end."""
        return share_of(trial.found for trial in self.shams)

    def curve(self, activity: Activity | None = None) -> list[tuple[float, Share]]:
        """The share found at each strength, the weakest first. Strengths that were cut are counted with the nearest one below."""
        chosen = self.select(activity)
        steps = sorted({_step_of(trial.injection.strength) for trial in chosen})
        return [(step, share_of(t.found for t in chosen if _step_of(t.injection.strength) == step)) for step in steps]

    def half(self, activity: Activity | None = None) -> tuple[float, float, float]:
        """The strength from which half are found, per cent, and its 95 % interval; infinite beyond all strengths.

        The share is taken as never falling with strength; the interval is of a bootstrap over injections.
        """
        chosen = self.select(activity)
        strengths = np.array([trial.injection.strength for trial in chosen])
        found = np.array([trial.found for trial in chosen], dtype=np.float64)
        if not len(chosen):
            return inf, 0.0, inf
        random = np.random.default_rng(stable_seed("recovery", VERSION, len(chosen)))
        draws = random.integers(len(chosen), size=(CURVE_DRAWS, len(chosen)))
        halves = sorted(strength_of_half(strengths[rows], found[rows]) for rows in draws)
        low = halves[int(0.025 * CURVE_DRAWS)]
        high = halves[int(0.975 * CURVE_DRAWS)]
        return strength_of_half(strengths, found), low, high

    def describe(self) -> list[str]:
        """The result in sentences."""
        everything = self.found()
        if not everything.of:
            return ["recovery: nothing could be put into this film, which shows too little of a face that is followed"]
        weakest, strongest = self._range()
        steps = f"{weakest:g}" if weakest == strongest else f"{weakest:g} to {strongest:g}"
        sentences = [
            f"{format_count(everything.of, 'micro-expression')} of {steps} % of the distance between the eyes were put into "
            f"copies of this film: {everything.found} {everything.describe_interval()} were found, and at {self.before().found} "
            "of these places something is spotted without them, too",
            *self._describe_activities(),
            self._describe_half(),
        ]
        if self.shams:
            sham = self.sham
            sentences.append(
                f"{sham.of} more were moved and moved back, so nothing is there: at {sham.found} {sham.describe_interval()} of "
                "them something is spotted"
            )
        return sentences

    def _describe_activities(self) -> Iterator[str]:
        """A sentence for each thing that the person does."""
        for activity in ACTIVITIES:
            share = self.found(activity)
            alarms = self.alarms.get(activity, Alarms(0, 0.0))
            if share.of:
                intervals = format_count(alarms.count, "interval")
                yield (
                    f"{WORDS[activity]} {share.describe()} were found, at {self.before(activity).found} of them something is "
                    f"spotted without them; in {alarms.seconds:.1f} s of the untouched film {intervals}"
                )

    def _describe_half(self) -> str:
        """From which strength half are found, in words."""
        _, strongest = self._range()
        half, low, high = self.half()
        if half == inf:
            return f"even at {strongest:g} % fewer than half are found"
        ends = [f"{end:.1f}" if end < inf else f"beyond {strongest:g}" for end in (low, high)]
        return f"half are found from {half:.1f} % [{ends[0]}, {ends[1]}]"

    def _range(self) -> tuple[float, float]:
        """Weakest and strongest injection, in the steps that were asked for."""
        steps = [_step_of(trial.injection.strength) for trial in self.trials]
        return min(steps), max(steps)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        half, low, high = self.half()
        return {
            "version": VERSION,
            "copies": self.copies,
            "found": self.found().plain(),
            "before": self.before().plain(),
            "sham": self.sham.plain() if self.shams else None,
            "half_percent": [None if end == inf else round(end, 3) for end in (half, low, high)],
            "activities": {
                activity: {
                    "found": self.found(activity).plain(),
                    "before": self.before(activity).plain(),
                    "alarms": asdict(self.alarms[activity]) if activity in self.alarms else None,
                }
                for activity in ACTIVITIES
            },
            "curve": [{"percent": step, **share.plain()} for step, share in self.curve()],
            "injections": [asdict(t.injection) | {"found": t.found, "before": t.before} for t in self.trials],
            "limits": LIMITS,
        }


def share_of(cases: Iterable[bool]) -> Share:
    """The number of true cases among all."""
    values = list(cases)
    return Share(sum(values), len(values))


def _step_of(strength: float) -> float:
    """The power of two at or below a strength: one that would fold the skin was weakened between two."""
    return float(2.0 ** np.floor(np.log2(strength) + 1e-9))


def strength_of_half(strengths: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """The strength at which a share that never falls with strength crosses a half. The scale is logarithmic; infinite if it never does.

    >>> strength_of_half(np.array([1, 1, 4, 4.0]), np.array([0, 0, 1, 1.0]))
    2.0
    """
    steps, place = np.unique(strengths, return_inverse=True)
    counts = np.bincount(place).astype(np.float64)
    shares = _never_falling(np.bincount(place, weights=found) / counts, counts)
    if shares[-1] < 0.5:
        return inf
    at = int(np.argmax(shares >= 0.5))
    if at == 0 or shares[at] == shares[at - 1]:
        return float(steps[at])
    part = (0.5 - shares[at - 1]) / (shares[at] - shares[at - 1])
    return float(np.exp(np.log(steps[at - 1]) + part * np.log(steps[at] / steps[at - 1])))


def _never_falling(shares: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest shares that never fall, by least squares (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    for share, weight in zip(shares.tolist(), weights.tolist()):
        pools.append((share, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            last, last_weight, last_length = pools.pop()
            one, one_weight, one_length = pools.pop()
            both = one_weight + last_weight
            pools.append(((one * one_weight + last * last_weight) / both, both, one_length + last_length))
    return np.concatenate([np.full(length, share) for share, _, length in pools])


def is_found(injection: Injection, predictions: Iterable[Prediction]) -> bool:
    """Whether the peak of a micro-expression lies in an injection."""
    peaks = (p.apex for p in predictions if p.kind == "micro")
    return any(injection.onset - GRACE <= peak <= injection.offset + GRACE for peak in peaks)


def copies_for(seconds: float) -> int:
    """Copies that a film of so many seconds needs for `WANTED` injections, at most `MOST_COPIES`."""
    expected = max(seconds / SPACING, 0.1)
    return min(max(1, ceil(WANTED / expected)), MOST_COPIES)


def expected_seconds(frames: Mapping[str, int], copies: int) -> float:
    """Seconds of one processor that recovery takes in films of so many frames."""
    total = sum(frames.values())
    return total * (FOLLOW_SECONDS + SPOT_SECONDS * (copies + 1))


def measure_recovery(
    settings: Mapping[str, Any],
    untouched: Predicted,
    models: Sequence[Model],
    workers: int | None,
    progress: Progress,
    levels: Mapping[str, Mapping[Kind, float]] | None = None,
    copies: int | None = None,
) -> dict[str, Recovery]:
    """Put micro-expressions into copies of films, and count what is found.

    Args:
        settings: settings of the films as a dataset of kind `folder`.
        untouched: answers of the models to the films themselves.
        models: models that predict together.
        workers: processes; None for all cores.
        progress: progress of the work; it is told the cost first.
        levels: level by key of the film and kind, where the models' own does not hold.
        copies: copies of each film; None for as many as give `WANTED` injections in the longest film.

    Returns:
        Recovery by the key of the film in `untouched`; a film without a usable face is missing.

    Raises:
        DataError: no film has a usable face, or there is no predictor of landmarks.
    """
    films = {video.key: video for video in untouched.job.test if video.key in untouched.answers}
    longest = max((video.n_frames or 0) / (video.fps or 25.0) for video in films.values())
    copies = copies or copies_for(longest)
    seconds = expected_seconds({key: video.n_frames or 0 for key, video in films.items()}, copies)
    progress.notify(
        f"recovery: {format_count(copies, 'copy', 'copies')} of each film with micro-expressions put in, and a sham, about "
        f"{max(1, round(seconds / 60))} min of one core"
    )
    injected = _dataset_settings(settings, copies) | {"dataset.faces": models[0].config.cache}
    with progress.waiting("following faces for recovery"):
        chosen = resolve_dataset(injected)
        registry.load_plugin("dataset", "injected")(chosen.dataset_params["injected"]).videos()
    is_held_back = levels is not None
    spotted = predict_all(models, chosen, workers, progress, True, False, is_held_back)
    sham_settings = injected | {"dataset.copies": 1, "dataset.sham": True}
    shams = predict_all(models, resolve_dataset(sham_settings), workers, progress, True, False, is_held_back)
    return {
        key: _recovery_of(key, video, untouched.answers[key], (spotted, shams), copies, (levels or {}).get(key))
        for key, video in films.items()
        if any(_film_of(copy) == _name_of(key) for copy in spotted.answers)
    }


def _dataset_settings(settings: Mapping[str, Any], copies: int) -> dict[str, Any]:
    """The settings of the same films with injections."""
    kept = {"dataset.videos", "dataset.follow_links", "dataset.fps"}
    own = {"dataset": "injected", "dataset.copies": copies, "dataset.untouched": False}
    return own | {k: v for k, v in settings.items() if k in kept}


def _name_of(key: str) -> tuple[str, str]:
    """Subject and name of a film."""
    _, subject, name = key.split("/")
    return subject, name


def _film_of(copy: str) -> tuple[str, str]:
    """Subject and name of the film of a copy."""
    subject, name = _name_of(copy)
    return subject, name.rpartition("_")[0]


def _recovery_of(
    key: str,
    video: Video,
    untouched: Answer,
    predicted: tuple[Predicted, Predicted],
    copies: int,
    levels: Mapping[Kind, float] | None,
) -> Recovery:
    """What was found in the copies of one film."""
    trials: list[list[Trial]] = []
    for one in predicted:
        dataset: Any = one.dataset
        of_film = []
        for copy, answer in one.answers.items():
            if _film_of(copy) == _name_of(key):
                held = answer if levels is None else hold_back(answer, levels)
                found = without_repeats(held).predictions
                of_film += [
                    Trial(each, is_found(each, found), is_found(each, untouched.predictions))
                    for each in dataset.injections_of(copy)
                ]
        trials.append(of_film)
    return Recovery(tuple(trials[0]), tuple(trials[1]), count_alarms(untouched, video.fps or 25.0), copies)


def count_alarms(answer: Answer, fps: float) -> dict[Activity, Alarms]:
    """Intervals of micro-expressions in a film, and its seconds, by what the person does."""
    n_frames = len(next(iter(answer.curves.values())).scores)
    done = [activity_at(answer.activities, frame) for frame in range(n_frames)]
    for first, last in answer.unseen:
        done[first : last + 1] = [None] * (last + 1 - first)  # type: ignore[list-item]
    peaks = [min(max(p.apex, 0), n_frames - 1) for p in answer.predictions if p.kind == "micro"]
    return {
        activity: Alarms(sum(done[peak] == activity for peak in peaks), done.count(activity) / fps)
        for activity in ACTIVITIES
    }
