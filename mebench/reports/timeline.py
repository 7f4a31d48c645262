"""The timeline of a video: curves over its frames, and lanes of annotated and spotted intervals.

Pages and figures draw it.

A page takes `SCRIPT` and `STYLE` once and the data of its timelines: a single one in the element of `templates/timeline.html`, those
of many videos together, from `pack_timelines`. The script draws each when it comes into view. `plots.draw_timeline` draws the same
for a paper.
"""

import base64
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.annotations.schemes import unit_number
from mebench.core import KINDS, Kind
from mebench.core.peaks import ScoreCurve
from mebench.grouping import group_by
from mebench.metrics import Tables, find_convention, of_first_draw
from mebench.metrics.conventions import Convention
from mebench.metrics.mistakes import sort_mistakes, underlying_event
from mebench.metrics.tables import in_scope, of_kinds

COLORS: dict[str, str] = {"micro": "#c2410c", "macro": "#0369a1"}
"""Orange and blue are distinguishable for colour-blind readers and in print."""
STEPS = 4095
"""Number of distinct heights of a curve on a page."""
SCRIPT, STYLE = (Path(__file__).parent / "static" / f"timeline.{ending}" for ending in ("js", "css"))
"""Script and style that a page with timelines includes once."""

PlainRow = dict[Any, Any]
"""A row of a table by its columns. A page has thousands of intervals, and pandas would be too slow for each."""
Outcome = Literal["right", "wrong", "open"]
"""A right interval or a found truth; a wrong interval or a missed truth; not counted or unknown."""


@dataclass(frozen=True)
class Span:
    """An interval.

    Attributes:
        onset: first frame.
        offset: last frame, inclusive.
        words: text of the tooltip.
        apex: frame of its peak, or None.
        outcome: outcome of scoring.
        strength: confidence, 0 to 1, relative to intervals of its kind.
    """

    onset: int
    offset: int
    words: str
    apex: int | None = None
    outcome: Outcome = "open"
    strength: float = 1.0


@dataclass(frozen=True)
class Lane:
    """Intervals in a row.

    Attributes:
        name: title of the lane.
        spans: intervals by onset.
        kind: kind of expression, which gives the colour; empty for other movements.
        spotted: whether a program found them; otherwise they are annotated.
    """

    name: str
    spans: Sequence[Span]
    kind: Kind | Literal[""] = ""
    spotted: bool = False


@dataclass(frozen=True)
class Track:
    """One run on the timeline: the curve of each kind, on one scale, and lanes below them."""

    name: str
    curves: Mapping[Kind, ScoreCurve]

    lanes: Sequence[Lane]


@dataclass(frozen=True)
class Timeline:
    """A video over time. Frames count from 0.

    Attributes:
        title: title.
        n_frames: number of frames of the video.
        fps: frames per second, or None.
        tracks: runs from top to bottom.
        lanes: lanes of no track, below all tracks.
        times: seconds at which each frame is shown, (n_frames,), if they differ from those of `fps`.
        first: file number of frame 0, if files are numbered without a gap.
        hidden: first and last frame, both inclusive, of stretches without a visible face, and the reason.
        marks: frames that do not follow the one before, such as those after a cut, and the reason.
    """

    title: str
    n_frames: int
    fps: float | None
    tracks: Sequence[Track]
    lanes: Sequence[Lane] = ()
    times: NDArray[np.float64] | None = None
    first: int | None = None
    hidden: Sequence[tuple[int, int, str]] = ()
    marks: Sequence[tuple[int, str]] = ()

    @property
    def rows(self) -> int:
        """Number of all lanes."""
        return len(self.lanes) + sum(len(track.lanes) for track in self.tracks)

    def plain(self) -> dict[str, Any]:
        """Data for the page's script: packed curves, spans as lists."""
        return {
            "title": self.title,
            "n": self.n_frames,
            "fps": self.fps,
            "first": self.first,
            "times": self._time_steps(),
            "hidden": [list(stretch) for stretch in self.hidden],
            "marks": [list(mark) for mark in self.marks],
            "lanes": [_plain_lane(lane) for lane in self.lanes],
            "tracks": [_plain_track(track) for track in self.tracks],
        }

    def _time_steps(self) -> list[int] | None:
        """Milliseconds from each frame to the next; None if `fps` gives the times."""
        if self.times is None:
            return None
        milliseconds = np.round(1000 * self.times).astype(np.int64)
        steps: list[int] = np.diff(milliseconds, prepend=0).tolist()
        return steps


def _plain_track(track: Track) -> dict[str, Any]:
    """A track for the page's script."""
    return {
        "name": track.name,
        "curves": [_plain_curve(kind, curve) for kind, curve in track.curves.items()],
        "lanes": [_plain_lane(lane) for lane in track.lanes],
    }


def _plain_curve(kind: Kind, curve: ScoreCurve) -> dict[str, Any]:
    """A curve for the page's script; JSON has no infinite level."""
    level = curve.level
    return {
        "kind": kind,
        "scores": pack_curve(curve.scores),
        "smoothed": None if curve.smoothed is None else pack_curve(curve.smoothed),
        "level": None if level is None or not np.isfinite(level) else float(level),
        "baseline": curve.baseline,
    }


def _plain_lane(lane: Lane) -> dict[str, Any]:
    """A lane for the page's script."""
    return {
        "name": lane.name,
        "kind": lane.kind,
        "spotted": lane.spotted,
        "spans": [[s.onset, s.offset, s.apex, s.outcome, round(s.strength, 3), s.words] for s in lane.spans],
    }


def pack_curve(values: NDArray[np.float64]) -> dict[str, Any]:
    """A curve in few bytes.

    Returns:
        `low`, `high`, and in `data` its heights in `STEPS` as differences, deflated, in base64; NaN is 0.
    """
    known = np.isfinite(values)
    low = float(values[known].min()) if known.any() else 0.0
    high = float(values[known].max()) if known.any() else 0.0
    span = (high - low) or 1.0  # of a level curve
    heights = np.zeros(len(values), np.uint16)
    heights[known] = 1 + np.round((values[known] - low) / span * (STEPS - 1))
    changes = np.diff(heights, prepend=np.uint16(0))  # modulo 2 ** 16
    halves = np.concatenate([changes & 255, changes >> 8]).astype(np.uint8)
    return {"low": low, "high": high, "data": _pack(halves.tobytes())}


def pack_timelines(drawn: Iterable[Mapping[str, Any]]) -> str:
    """All timelines of a page in few bytes, for its script.

    Hundreds of videos have many thousands of intervals. Equal fields stand one after the other, places as differences, which takes a
    twelfth of the bytes of one JSON object a video.

    Args:
        drawn: for each video its `timeline` and plain values: its `id` on the page, the numbers `missed` and `wrong`, and a `note`.

    Returns:
        JSON, deflated, in base64. `videos` has the values of each video and those of `Timeline.plain`, but a lane has the number `n` of its
        spans instead of `spans`. `spans` has six columns for each name of a lane, over all its spans: see `_relative_span`.
    """
    videos = []
    spans: dict[str, list[list[Any]]] = defaultdict(list)
    for one in drawn:
        video = {name: value for name, value in one.items() if name != "timeline"} | one["timeline"].plain()
        lanes = [lane for track in video["tracks"] for lane in track["lanes"]] + video["lanes"]
        for lane in lanes:
            of_lane = lane.pop("spans")
            lane["n"] = len(of_lane)
            onsets_before = [0, *(span[0] for span in of_lane)]
            spans[lane["name"]] += map(_relative_span, of_lane, onsets_before)
        videos.append(video)
    columns = {name: [*zip(*of_name)] for name, of_name in spans.items()}
    return _pack(json.dumps({"videos": videos, "spans": columns}, separators=(",", ":")).encode())


def _relative_span(span: Sequence[Any], onset_before: int) -> list[Any]:
    """A span of `_plain_lane` with differences: the onset from the one before, offset and apex from the onset."""
    onset, offset, apex, *others = span
    return [onset - onset_before, offset - onset, None if apex is None else apex - onset, *others]


def _pack(content: bytes) -> str:
    """Bytes as text, deflated, in base64."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


@dataclass(frozen=True)
class JudgedRun:
    """The answers of a run, or of any program's file, about some videos.

    Attributes:
        name: title; may be empty for a single run.
        tables: predictions and truth; of several draws the first is shown.
        kinds: the spotted kinds.
        frame_scores: `video`, `frame`, `kind`, `score`; if the run kept the curves of its peak search, also `smoothed`
            and `level`, NaN if missing.
        convention: the rules for right intervals.
        classes: classes of `probabilities`, in order.
        answers: rows of annotated clips: `video`, `onset`, `offset`, `predicted`, `probabilities`.
    """

    name: str
    tables: Tables
    kinds: Sequence[str]
    frame_scores: pd.DataFrame
    convention: str | Convention = "strict"
    classes: Sequence[str] = ()
    answers: pd.DataFrame | None = None
    mistakes: pd.DataFrame = field(init=False)
    """The mistakes of the first draw, from `sort_mistakes`, each with its cause (`under`)."""
    _rows: dict[str, dict[str, list[PlainRow]]] = field(init=False, repr=False)
    _scores: dict[tuple[str, str], pd.DataFrame] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Judge all intervals at once."""
        tables = of_first_draw(self.tables)
        mistakes = sort_mistakes(tables, self.kinds, self.convention)
        mistakes["under"] = underlying_event(mistakes, tables) if tables.predictions is not None else ""
        object.__setattr__(self, "mistakes", mistakes)
        truths, predictions = self._with_outcomes(tables, mistakes)
        by_name = {
            "truths": truths,
            "predictions": predictions,
            "videos": tables.videos,
            "distractors": tables.distractors,
            "answers": self.answers,
        }
        rows: dict[str, dict[str, list[Any]]] = {}
        for name, table in by_name.items():
            of_table = [] if table is None else plain_rows(table)
            rows[name] = group_by(of_table, key=lambda row: str(row["video"]))
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_scores", dict(iter(self.frame_scores.groupby(["video", "kind"], sort=False))))

    def _with_outcomes(self, tables: Tables, mistakes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Truths and predictions by onset, each with `outcome`, and `why` in words; predictions with `strength`."""
        if tables.predictions is None:
            return tables.truths.assign(outcome="open", why="").sort_values("onset", kind="stable"), None
        ordered = tables.put_in_order()
        spotted_kinds = of_kinds(ordered.spotted, self.kinds)
        true, spotted = in_scope(ordered.truths, spotted_kinds, find_convention(self.convention))
        in_kinds = true[true["kind"].isin(list(self.kinds))]
        wrong = mistakes[mistakes["mistake"] == "false_positive"]
        missed = mistakes[mistakes["mistake"] == "miss"]
        why = wrong["under"].map(reason_for_wrong)
        lost = missed["cause"].map(reason_for_miss)
        ranks = tables.predictions.groupby(["video", "kind"])["confidence"].rank(pct=True).fillna(1.0)
        truths = _with_outcomes_of_rows(tables.truths, in_kinds["row"], "found", missed["row"], lost)
        predictions = _with_outcomes_of_rows(tables.predictions, spotted["row"], "right", wrong["row"], why)
        return truths, predictions.assign(strength=ranks)

    def row_of_video(self, video: str) -> PlainRow:
        """The row of a video in `tables.videos`."""
        return self._rows["videos"][video][0]

    def frames_of_video(self, video: str) -> int | None:
        """The number of frames of a video; None if it is unknown."""
        return _whole(self.row_of_video(video)["n_frames"])

    def make_track(self, video: str) -> Track:
        """This side's track for a video."""
        curves: dict[Kind, ScoreCurve] = {}
        lanes: list[Lane] = []
        for kind in KINDS:
            scores = self._scores.get((video, kind))
            if scores is not None:
                curves[kind] = _curve_of(scores)
            lanes += self._lanes_of_kind(video, kind)
        return Track(self.name, curves, [*lanes, *self._unit_lanes(video)])

    def _lanes_of_kind(self, video: str, kind: Kind) -> Iterator[Lane]:
        """The true and the spotted expressions of a kind in a video."""
        true = self._rows_of_kind("truths", video, kind)
        if true:
            yield Lane(f"{kind}, true", [*self._spans_of_truths(video, true)], kind)
        if kind in self.kinds and self.tables.predictions is not None:
            predicted = self._rows_of_kind("predictions", video, kind)
            yield Lane(f"{kind}, spotted", [*self._spans_of_predictions(predicted)], kind, spotted=True)

    def _unit_lanes(self, video: str) -> list[Lane]:
        """Action units of annotated clips, right and wrong, and of spotted intervals."""
        shown = {(row["onset"], row["offset"]): row["emotion"] for row in self._rows["truths"].get(video, ())}
        clips = [
            (_bare_span(row), row["predicted"], shown.get((row["onset"], row["offset"]), ""))
            for row in self._rows["answers"].get(video, ())
        ]
        spotted = [(_bare_span(row), row["emotion"], None) for row in self._rows["predictions"].get(video, ())]
        return [*unit_lanes(clips), *unit_lanes(spotted, ", spotted")]

    def lanes_of_distractors(self, video: str) -> list[Lane]:
        """A lane for each kind of other annotated movement in a video."""
        lanes = []
        for kind in sorted({str(row["kind"]) for row in self._rows["distractors"].get(video, ())}):
            rows = self._rows_of_kind("distractors", video, kind)
            lanes.append(Lane(kind, [Span(int(row["onset"]), int(row["offset"]), kind) for row in rows]))
        return lanes

    def _rows_of_kind(self, name: str, video: str, kind: str) -> list[PlainRow]:
        """The rows of a table about one kind in a video."""
        return [row for row in self._rows[name].get(video, ()) if row["kind"] == kind]

    def _spans_of_truths(self, video: str, rows: Sequence[PlainRow]) -> Iterator[Span]:
        """The spans of true intervals, with what recognition called them."""
        named_so = {
            (row["onset"], row["offset"]): self._emotion_text(row["predicted"], row["probabilities"])
            for row in self._rows["answers"].get(video, ())
        }
        for row in rows:
            about = [row["kind"], row.get("native_emotion"), row["emotion"] if row["emotion"] else None]
            known = [str(word) for word in about if not pd.isna(word)]
            units = row.get("action_units")
            has_units = units and not pd.isna(units)
            named = named_so.get((row["onset"], row["offset"]))
            yield _span(
                row,
                ", ".join(dict.fromkeys(known)),
                f"AU {units}" if has_units else "",
                row["why"],
                f"as a clip named {named}" if named else "",
            )

    def _spans_of_predictions(self, rows: Sequence[PlainRow]) -> Iterator[Span]:
        """The spans of spotted intervals, with their emotion and why they are right or wrong."""
        for row in rows:
            named: bool = not pd.isna(row["emotion"]) and row["emotion"] != ""
            yield _span(
                row,
                f"{row['kind']}, confidence {row['confidence']:.3g}",
                self._emotion_text(row["emotion"], row.get("probabilities")) if named else "",
                row["why"],
            )

    def _emotion_text(self, emotion: Any, probabilities: Any) -> str:
        """`happiness (happiness 0.70, surprise 0.30)`."""
        if pd.isna(emotion):
            return "nothing"
        shares = list(probabilities) if np.ndim(probabilities) == 1 else []
        if len(shares) != len(self.classes) or not shares:
            return str(emotion)
        likeliest = sorted(zip(shares, range(len(shares))), reverse=True)[:4]
        return f"{emotion} ({', '.join(f'{self.classes[i]} {share:.2f}' for share, i in likeliest)})"


def plain_rows(table: pd.DataFrame) -> list[PlainRow]:
    """As `to_dict("records")`, which takes five times as long."""
    columns = {name: table[name].to_numpy(object).tolist() for name in table}
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def unit_lanes(answers: Iterable[tuple[Span, object, object]], name: str = "") -> list[Lane]:
    """A lane for each predicted or shown action unit; empty if the labels are not units.

    Args:
        answers: interval, predicted label, and true label (None if unknown); units are joined by `+`.
        name: suffix of the lane's name after the unit.
    """
    spans = defaultdict[int, list[Span]](list)
    for span, predicted, true in answers:
        named, shown = _units_in(predicted), _units_in(true)
        for unit in named | shown:
            is_named = unit in named
            words = "named" if is_named else "not named"
            outcome: Outcome = "open"
            if true is not None:
                words += ", shown" if unit in shown else ", not shown"
                outcome = "right" if is_named and unit in shown else "wrong"
            spans[unit].append(replace(span, words=words, outcome=outcome))
    return [Lane(f"AU{unit}{name}", spans[unit], spotted=bool(name)) for unit in sorted(spans)]


def _units_in(label: object) -> set[int]:
    """The action units of a label, `AU4+AU12`; empty for other labels."""
    numbers = [unit_number(part) for part in str(label).split("+")]
    return {number for number in numbers if number}


def _curve_of(scores: pd.DataFrame) -> ScoreCurve:
    """The curve of one kind in a video, NaN at frames without a score.

    Args:
        scores: rows of `frame_scores`.
    """
    n_frames = int(scores["frame"].max()) + 1
    by_frame = scores.drop_duplicates("frame", keep="last").set_index("frame").reindex(range(n_frames))
    curve = ScoreCurve(by_frame["score"].to_numpy(np.float64))
    if "smoothed" not in by_frame or by_frame["smoothed"].isna().all():
        return curve
    level = float(by_frame["level"].dropna().iloc[0])
    return replace(curve, smoothed=by_frame["smoothed"].to_numpy(np.float64), level=level)


def timeline_of_video(video: str, sides: Sequence[JudgedRun]) -> Timeline:
    """The timeline of one video, by its key, for one or several sides."""
    row = sides[0].row_of_video(video)
    tracks = [side.make_track(video) for side in sides]
    n_frames = sides[0].frames_of_video(video) or _seen_frames(tracks)
    fps: float | None = None if pd.isna(row["fps"]) else float(row["fps"])
    is_gapless = "first" in row and not len(row.get("numbers", ()))
    first = int(row["first"]) if is_gapless else None
    all_distracted = [side.lanes_of_distractors(video) for side in sides]
    distracted = next((lanes for lanes in all_distracted if lanes), [])
    return Timeline(video, n_frames, fps, tracks, distracted, first=first)


def _seen_frames(tracks: Sequence[Track]) -> int:
    """Number of frames up to the last score or interval."""
    ends: list[int] = []
    for track in tracks:
        ends += [len(curve.scores) for curve in track.curves.values()]
        for lane in track.lanes:
            ends += [span.offset + 1 for span in lane.spans]
    return max(ends, default=1)


def edges_of(times: NDArray[np.float64], fps: float | None) -> NDArray[np.float64]:
    """Seconds at which each frame begins and the last one ends, (n + 1,); the last frame gets the usual duration.

    Args:
        times: seconds at which the frames are shown, (n,).
        fps: frame rate of the video, for one of a single frame; 25 if unknown.
    """
    last = float(np.median(np.diff(times))) if len(times) > 1 else 1 / (fps or 25.0)
    return np.append(times, times[-1] + last)


WHY = {"near_miss": "near miss", "duplicate": "found already", "nothing": "nothing is there"}
MISSED = {"localisation": "near miss", "kind_confusion": "taken for the other kind", "missed": "nothing near"}


def reason_for_wrong(event: str) -> str:
    """Why a spotted interval is wrong, in the words of its tooltip.

    >>> reason_for_wrong("duplicate"), reason_for_wrong("blink")
    ('wrong: found already', 'wrong: on blink')
    """
    return f"wrong: {WHY.get(event, f'on {event}')}"


def reason_for_miss(cause: str) -> str:
    """Why a true interval is missed, in the words of its tooltip.

    >>> reason_for_miss("localisation")
    'missed: near miss'
    """
    return f"missed: {MISSED[cause]}"


def _with_outcomes_of_rows(
    table: pd.DataFrame, counted: pd.Series, right: str, wrong: pd.Series, why: pd.Series
) -> pd.DataFrame:
    """The table with outcomes of its counted rows and of the wrong ones."""
    outcome = np.full(len(table), "open", dtype=object)
    words = np.full(len(table), "", dtype=object)
    for rows, name, reason in ((counted, "right", right), (wrong, "wrong", why[wrong.notna()])):
        places = rows.dropna().astype(int).to_numpy()
        outcome[places] = name
        words[places] = reason
    return table.assign(outcome=outcome, why=words).sort_values(["onset", "offset"], kind="stable")


def _bare_span(row: PlainRow) -> Span:
    """The interval of a row without words."""
    return Span(int(row["onset"]), int(row["offset"]), "")


def _span(row: PlainRow, *words: str) -> Span:
    """The interval of a row; empty words are left out."""
    return Span(
        int(row["onset"]),
        int(row["offset"]),
        "; ".join(filter(None, words)),
        _whole(row["apex"]),
        row["outcome"],
        row.get("strength", 1.0),
    )


def _whole(value: Any) -> int | None:
    """A whole number; None if it is missing."""
    return None if pd.isna(value) else int(value)


def clock_time(seconds: float) -> str:
    """A time in a video in readable form, to the millisecond.

    >>> clock_time(3.5), clock_time(75), clock_time(99.9999), clock_time(3725.25)
    ('3.5 s', '1:15', '1:40', '1:02:05.25')
    """
    seconds = round(seconds, 3)
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    total = int(seconds)
    fraction = f"{seconds % 1:.3f}".rstrip("0")[1:].rstrip(".")
    minutes = total // 60 % 60
    ending = f"{total % 60:02d}{fraction}"
    if total >= 3600:
        return f"{total // 3600}:{minutes:02d}:{ending}"
    return f"{minutes}:{ending}"
