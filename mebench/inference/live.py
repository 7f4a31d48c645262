"""Spotting in live video: frames come from a camera, or from a file in real time, and each is processed once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mebench.core import Frames, Kind, Prediction, SpottingParams, SubjectKey, VideoView
from mebench.core.peaks import Spotted, baseline_reach
from mebench.errors import RunError, refuse_if
from mebench.features import Flow, Landmarks
from mebench.features.cuts import LEAST_CORRELATION, correlate_crops
from mebench.features.face_detection import LOOKS, MISSES, NoFaceError, shows_face
from mebench.features.faces import Reference
from mebench.features.pipeline import feature_rows, route_of
from mebench.frames.stream import Stream
from mebench.inference.models import Model
from mebench.inference.predict import fitted_method, task_of_model, timing_at
from mebench.sandbox.process import one_thread
from mebench.spotting import Running

_VIDEO = "live/live/live"
LENGTHS_KEPT = 4
"""Multiples of k' for which features are kept, for naming the emotions of spotted intervals."""
LOOKS_KEPT = 1000
"""Looks for a face whose results are kept."""


@dataclass(frozen=True)
class CurvePoint:
    """The curve of one kind at one frame.

    Attributes:
        kind: kind of expressions.
        frame: index of the frame in the stream.
        seconds: time of that frame in the stream.
        score: smoothed score.
        face: whether a face is visible.
        delay: seconds since that frame came.
    """

    kind: Kind
    frame: int
    seconds: float
    score: float
    face: bool
    delay: float


@dataclass(frozen=True)
class LiveInterval:
    """A spotted interval.

    Attributes:
        prediction: interval in frames of the stream; an end may lie before the first or after the last frame.
        seconds: seconds of onset, apex and offset.
        delay: seconds since the frame of the apex came.
    """

    prediction: Prediction
    seconds: tuple[float, float, float]
    delay: float


@dataclass
class _Part:
    """A part of a live video between two cuts.

    Attributes:
        first: its first frame, counted from the first one with a face.
        detectors: detectors by kind.
        rows: features of the last frames, as many as the score of a frame sees.
        last: last frame of the part so far.
    """

    first: int
    detectors: dict[Kind, Running]
    rows: deque[NDArray[Any]]
    last: int = -1

    def add(self, frame: int, row: NDArray[Any]) -> None:
        """Take the features of the next frame."""
        self.rows.append(row)
        self.last = frame

    def shift_intervals(self, spotted: Sequence[Spotted]) -> list[Spotted]:
        """Intervals of the part, in frames counted from the first one with a face."""
        shifted = []
        for interval in spotted:
            ends = {name: getattr(interval, name) + self.first for name in ("onset", "apex", "offset")}
            shifted.append(interval._replace(**ends))
        return shifted


def _refuse_unknown_future(name: str, params: Any, spotting: SpottingParams) -> None:
    """Refuse a model that needs later frames of a video than live video has.

    Raises:
        RunError: its parameters do so.
    """
    needs = {
        "method.macro=negative": getattr(params, "macro", "negative") == "negative",
        "method.threshold=absolute, since its maximum is not known yet": spotting.threshold == "absolute",
        "method.rule=paper": spotting.rule == "paper",
        "method.nms=null": spotting.nms is None,
    }
    reason = f"which {name} lacks: use a model of mebench model list"
    refuse_if(*((not met, f"live video needs {need}, {reason}") for need, met in needs.items()), error=RunError)


class Live:
    """Models on a live video; intervals have their fixed length, since the foot of a peak is not known at once.

    Args:
        models: models of one run, or one; their scores are averaged.
        stream: the video.
        emotions: whether to name emotions, if the models recognize.

    Attributes:
        timing: durations at the rate of the stream.
        delays: seconds by which points of the `curve` and `intervals` came late.

    Raises:
        RunError: the models cannot work on live video.
    """

    def __init__(self, models: Sequence[Model], stream: Stream, emotions: bool = True) -> None:
        first = models[0]
        self.stream = stream
        self.task = task_of_model(first.about)
        params = first.config.method_params
        if first.config.recognizer is not None or "spot" not in self.task.tasks:
            raise RunError(f"{first.name} is not a single method that spots, which live video needs: leave --live out")
        self._spotting = replace(SpottingParams.from_params(params), interval="fixed")
        _refuse_unknown_future(first.name, params, self._spotting)
        self.timing = timing_at([timing for model in models for timing in model.timings], stream.fps, self.task.kinds)
        self._methods = [fitted_method(model) for model in models]
        chains = [c for c in self._methods[0].adjusted_chains(self.timing).values() if c.scope == "frames"]
        if len(chains) != 1:
            raise RunError(
                f"live video gives one feature of each frame, but {first.name} reads {len(chains)}: leave --live out"
            )
        (self._chain,) = chains
        reach = self._methods[0].score_reach(self.timing)
        if reach is None:
            raise RunError(
                f"live video needs a method whose scores see a few frames, but those of {first.name} see the whole video: use a model "
                "of mebench model list"
            )
        self._reach = reach
        self._route = route_of(self._chain)
        levels = np.mean([method.thresholds.tolist() for method in self._methods], axis=0).tolist()
        self.levels: dict[Kind, float] = dict(zip(self.task.kinds, levels))
        self.delays: dict[str, list[float]] = {"curve": [], "intervals": []}
        self._names_emotions = emotions and "recognize" in self.task.tasks
        self._face_seen: dict[int, bool] = {}
        self._cuts: list[int] = []
        self._n_tried = 0
        self._every = max(1, round(stream.fps / LOOKS))
        self._start = 0
        self._warm_up()

    def _warm_up(self) -> None:
        """Load and compile everything that frames need, so that the first frames do not wait."""
        size = self._route.crop.size
        empty = np.zeros((size, size), np.uint8)
        shows_face(empty)
        list(self._route.crop.cut(iter([empty] * 2), (0, 0, size, size)))
        if not self._route.maps_need_landmarks:
            row = next(feature_rows(self._chain, [empty] * (self._route.gap + 1)))
            with one_thread():
                self._methods[0].score_frames(self._view([row]))

    def delays_in_frames(self, kind: Kind) -> tuple[int, int]:
        """Greatest delays in frames: of a point of the curve, and of a peak without near neighbours.

        They consist of the gap k of the flow, the wait of a moving box and of a flow at every n-th frame, the later frames that a
        score sees, half the window of the baseline, k' for the smoothing, and for a peak k' more in which none may be higher.
        """
        core = self._route.core
        k_prime = self.timing.k_prime[kind]
        stride = core.stride if isinstance(core, Flow) else 1
        smoothing = 0 if self._spotting.smoothing == "none" else k_prime
        seconds = self._spotting.baseline
        baseline = 0 if seconds is None else baseline_reach(seconds, self.stream.fps)
        features = self._route.gap + self._route.crop.lookahead + stride - 1
        curve = features + self._reach + baseline + smoothing
        return curve, curve + k_prime

    def run(self, seconds: float | None = None) -> Iterator[CurvePoint | LiveInterval]:
        """Yield points and intervals as soon as they are known.

        Args:
            seconds: length of the video to process; None for all.

        Raises:
            DataError: the video cannot be read.
            NoFaceError: it shows no face.
        """
        last = None if seconds is None else max(1, round(seconds * self.stream.fps))
        seen = False
        self._n_tried = 0
        try:
            while not (self._has_ended(last) or (seen and self.stream.is_over)):
                frames = islice(self.stream.frames(), None if last is None else last - self.stream.taken)
                found = self._find_first_face(frames)
                if found is None:
                    if self.stream.is_over:
                        break
                    continue
                seen = True
                yield from self._spot_from_face_on(*found, frames)
        finally:
            self.stream.close()
        if not seen:
            raise NoFaceError(
                f"no face found in the live video ({self.stream.taken} frames, {self._n_tried} of them searched): it must "
                "show an upright frontal face"
            )

    def _has_ended(self, last: int | None) -> bool:
        """Whether all frames were taken that were asked for."""
        return last is not None and self.stream.taken >= last

    def _find_first_face(self, frames: Iterator[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], Reference] | None:
        """The first frame that shows a face, and that face; None if none does."""
        is_first = True
        for frame in frames:
            if not is_first and self.stream.is_behind:
                continue  # a frame that came during a search is passed over
            is_first = False
            self._n_tried += 1
            with suppress(NoFaceError):
                return frame, self._route.crop.locate(cast("Frames", [frame]), None, "the live video")
        return None

    def _spot_from_face_on(
        self, frame: NDArray[np.uint8], reference: Reference, frames: Iterator[NDArray[np.uint8]]
    ) -> Iterator[CurvePoint | LiveInterval]:
        """Points and intervals from the first frame with a face on."""
        self._start = self.stream.taken - 1
        self._face_seen.clear()
        self._cuts.clear()
        landmarks = None
        if self._route.maps_need_landmarks:
            reference = self._route.crop.with_landmarks(cast("Frames", [frame]), reference, "the live video")
            landmarks = reference.crop_landmarks
        with one_thread():
            yield from self._spot_followed(chain([frame], frames), reference, landmarks)

    def _spot_followed(
        self, frames: Iterator[NDArray[np.uint8]], reference: Reference, landmarks: Landmarks | None
    ) -> Iterator[CurvePoint | LiveInterval]:
        """Spot in the crops from the first frame that shows a face; after each cut spotting begins anew."""
        crops = self._search_crops(self._route.crop.cut(frames, reference, "the live video"))
        rows: deque[NDArray[Any]] = deque(maxlen=LENGTHS_KEPT * max(self.timing.k_prime.values()))
        part: _Part | None = None
        last = -1
        for last, row in enumerate(feature_rows(self._chain, crops, landmarks)):
            rows.append(row)
            if self._sees_a_cut(last):
                if part is not None:
                    yield from self._finish_part(part, rows, last)
                part = None
                continue
            part = part or _Part(last, self._new_detectors(), deque(maxlen=2 * self._reach + 1))
            part.add(last, row)
            if last - self._reach >= part.first:
                yield from self._settle_frame(part, last - self._reach, rows, last)
        if part is not None:
            yield from self._finish_part(part, rows, last)

    def _settle_frame(
        self, part: _Part, frame: int, rows: Sequence[NDArray[Any]], last: int
    ) -> Iterator[CurvePoint | LiveInterval]:
        """What the score of a frame makes known; the features that it sees are there."""
        place = frame - (part.last + 1 - len(part.rows))
        view = self._view(part.rows)
        scores = np.mean([method.score_frames(view)[place] for method in self._methods], axis=0)
        for (kind, detector), score in zip(part.detectors.items(), scores):
            value, settled = detector.add(float(score))
            yield from self._curve_point(part, kind, value)
            yield from self._name_intervals(kind, part.shift_intervals(settled), rows, last)

    def _new_detectors(self) -> dict[Kind, Running]:
        """A detector of each kind."""
        method = self._methods[0]
        fps = self.stream.fps
        detectors: dict[Kind, Running] = {}
        for kind, k_prime in self.timing.k_prime.items():
            if kind in self.task.kinds:
                lead = method.score_lead(self.timing, kind)
                detectors[kind] = Running(k_prime, self.levels[kind], self._spotting, lead, fps)
        return detectors

    def _sees_a_cut(self, frame: int) -> bool:
        """Whether the feature of a frame sees both sides of a cut."""
        core = self._route.core
        between = core.stride - 1 if isinstance(core, Flow) else 0
        gap = self._route.gap
        return gap > 0 and any(cut - gap - between <= frame < cut + between for cut in self._cuts)

    def _curve_point(self, part: _Part, kind: Kind, value: float | None) -> Iterator[CurvePoint]:
        """The point of a curve, if there is one already."""
        if value is None:
            return
        frame = part.first + part.detectors[kind].frame
        delay = self._seconds_since(frame)
        position = frame + self._start
        self.delays["curve"].append(delay)
        yield CurvePoint(kind, position, position / self.stream.fps, value, self._sees_face(frame), delay)

    def _finish_part(self, part: _Part, rows: Sequence[NDArray[Any]], last: int) -> Iterator[CurvePoint | LiveInterval]:
        """What is still open at the end of a part."""
        for frame in range(max(part.last - self._reach + 1, part.first), part.last + 1):
            yield from self._settle_frame(part, frame, rows, last)
        for kind, detector in part.detectors.items():
            for value, settled in detector.drain():
                yield from self._curve_point(part, kind, value)
                yield from self._name_intervals(kind, part.shift_intervals(settled), rows, last)
            yield from self._name_intervals(kind, part.shift_intervals(detector.finish()), rows, last)

    def _search_crops(self, crops: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """The crops, searched for faces and cuts on the way."""
        before = None
        for index, crop in enumerate(crops):
            if before is not None and correlate_crops(before, crop) < LEAST_CORRELATION:
                self._cuts.append(index)
            before = crop
            if index % self._every == 0:
                self._face_seen[index] = shows_face(crop)
                self._face_seen.pop(index - LOOKS_KEPT * self._every, None)
            yield crop

    def _sees_face(self, frame: int) -> bool:
        """Whether a face is visible: found before or after the frame, or missed too few times in a row."""
        look = frame // self._every * self._every
        next_look = look + self._every
        if self._face_seen.get(look, True) or self._face_seen.get(next_look, False):
            return True
        n_missed = self._count_misses(look, -self._every) + self._count_misses(next_look, self._every)
        return n_missed < MISSES

    def _count_misses(self, first: int, step: int) -> int:
        """The number of looks without a face in a row, from one on by steps."""
        n_missed = 0
        look = first
        while not self._face_seen.get(look, True):
            n_missed += 1
            look += step
        return n_missed

    def _view(self, rows: Sequence[NDArray[Any]]) -> VideoView:
        """Consecutive frames as a separate video."""
        features = np.stack(list(rows))

        def no_clip(*_: Any) -> NDArray[Any]:
            raise RunError("a live video has no clips")

        n = len(features) + self._route.gap
        who = SubjectKey("live", "live")
        return VideoView(_VIDEO, who, self.stream.fps, n, self.timing, lambda _: features, no_clip)

    def _name_intervals(
        self, kind: Kind, found: Sequence[Spotted], rows: Sequence[NDArray[Any]], last: int
    ) -> Iterator[LiveInterval]:
        """The intervals to announce, each with its emotion if the models name one."""
        for spotted in found:
            if not self._sees_face(max(spotted.apex, 0)):
                continue
            emotion: dict[str, Any] = {}
            if self._names_emotions:
                first = last + 1 - len(rows)
                clip = self._view(rows).clip(spotted.onset - first, spotted.apex - first, spotted.offset - first)
                class_scores = np.mean([method.classify([clip])[0] for method in self._methods], axis=0)
                probabilities = tuple(map(float, class_scores))
                emotion = {"emotion": self.task.called(class_scores.tolist()), "probabilities": probabilities}
            onset = spotted.onset + self._start
            apex = spotted.apex + self._start
            offset = spotted.offset + self._start
            prediction = Prediction(_VIDEO, kind, onset, apex, offset, spotted.confidence, **emotion)
            delay = self._seconds_since(spotted.apex)
            self.delays["intervals"].append(delay)
            fps = self.stream.fps
            yield LiveInterval(prediction, (onset / fps, apex / fps, offset / fps), delay)

    def _seconds_since(self, frame: int) -> float:
        """Seconds since a frame came; 0 for a future one."""
        now = time.monotonic()
        arrival = self.stream.arrivals.get(frame + self._start, now)
        return max(0.0, now - arrival)
