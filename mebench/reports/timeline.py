"""The timeline of a video: curves over its frames, and lanes of annotated and spotted intervals. Pages and figures draw
it.

A page takes `SCRIPT` and `STYLE` once and for each video the element of `templates/timeline.html`, which holds `Timeline.plain`;
the script draws it when it comes into view. `plots.draw_timeline` draws the same for a paper.
"""

import base64
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
from mebench.grouping import grouped
from mebench.inference.predict import ScoreCurve
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

Row = dict[Any, Any]
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
        outcome: of scoring.
        strength: 0 to 1, its confidence relative to intervals of its kind.
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
        spans: by onset.
        kind: gives its colour; empty if they are not expressions.
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
        n_frames: of the video.
        fps: frames per second, or None.
        tracks: from top to bottom.
        lanes: below all tracks, lanes of no track.
        times: seconds at which each frame is shown, (n_frames,), if they differ from those of `fps`.
        first: file number of frame 0, if files are numbered without a gap.
        hidden: first and last frame, both inclusive, of stretches without a visible face, and the reason.
    """

    title: str
    n_frames: int
    fps: float | None
    tracks: Sequence[Track]
    lanes: Sequence[Lane] = ()
    times: NDArray[np.float64] | None = None
    first: int | None = None
    hidden: Sequence[tuple[int, int, str]] = ()

    @property
    def rows(self) -> int:
        """Number of all lanes."""
        return len(self.lanes) + sum(len(track.lanes) for track in self.tracks)

    def plain(self) -> dict[str, Any]:
        """Data for the page's script: packed curves, spans as lists."""
        stamps = None if self.times is None else np.diff(np.round(1000 * self.times).astype(np.int64), prepend=0)
        return {
            "title": self.title,
            "n": self.n_frames,
            "fps": self.fps,
            "first": self.first,
            "times": None if stamps is None else stamps.tolist(),
            "hidden": [list(stretch) for stretch in self.hidden],
            "lanes": [_lane(lane) for lane in self.lanes],
            "tracks": [
                {
                    "name": track.name,
                    "curves": [
                        {
                            "kind": kind,
                            "scores": pack_curve(curve.scores),
                            "smoothed": None if curve.smoothed is None else pack_curve(curve.smoothed),
                            "level": None
                            if curve.level is None or not np.isfinite(curve.level)
                            else float(curve.level),
                        }
                        for kind, curve in track.curves.items()
                    ],
                    "lanes": [_lane(lane) for lane in track.lanes],
                }
                for track in self.tracks
            ],
        }


def _lane(lane: Lane) -> dict[str, Any]:
    return {
        "name": lane.name,
        "kind": lane.kind,
        "spotted": lane.spotted,
        "spans": [[s.onset, s.offset, s.apex, s.outcome, round(s.strength, 3), s.words] for s in lane.spans],
    }


def pack_curve(values: NDArray[np.float64]) -> dict[str, Any]:
    """A curve in few bytes: `low`, `high`, and in `data` its heights in `STEPS` as differences, deflated, in base64;
    NaN is 0.
    """
    known = np.isfinite(values)
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
    heights = np.zeros(len(values), np.uint16)
    heights[known] = 1 + np.round((values[known] - low) / ((high - low) or 1.0) * (STEPS - 1))
    changes = np.diff(heights, prepend=np.uint16(0))  # modulo 2 ** 16
    halves = np.concatenate([changes & 255, changes >> 8]).astype(np.uint8)
    return {"low": low, "high": high, "data": base64.b64encode(zlib.compress(halves.tobytes(), 9)).decode()}


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
        classes: of `probabilities`, in order.
        answers: of annotated clips: `video`, `onset`, `offset`, `predicted`, `probabilities`.
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
    _rows: dict[str, dict[str, list[Row]]] = field(init=False, repr=False)
    _scores: dict[tuple[str, str], pd.DataFrame] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Judge all intervals at once."""
        tables = of_first_draw(self.tables)
        mistakes = sort_mistakes(tables, self.kinds, self.convention)
        mistakes["under"] = underlying_event(mistakes, tables) if tables.predictions is not None else ""
        object.__setattr__(self, "mistakes", mistakes)
        # Both by onset, each with its `outcome`, and `why` in words; predictions with their `strength`.
        predictions = None
        if tables.predictions is None:
            truths = tables.truths.assign(outcome="open", why="").sort_values("onset", kind="stable")
        else:
            ordered = tables.ordered()
            true, spotted = in_scope(
                ordered.truths, of_kinds(ordered.spotted, self.kinds), find_convention(self.convention)
            )
            in_kinds = true[true["kind"].isin(list(self.kinds))]
            wrong, missed = (mistakes[mistakes["mistake"] == what] for what in ("false_positive", "miss"))
            why = wrong["under"].map(lambda word: f"wrong: {WHY.get(word, f'on {word}')}")
            lost = missed["cause"].map(lambda cause: f"missed: {MISSED[cause]}")
            ranks = tables.predictions.groupby(["video", "kind"])["confidence"].rank(pct=True).fillna(1.0)
            truths = _with(tables.truths, in_kinds["row"], "found", missed["row"], lost)
            predictions = _with(tables.predictions, spotted["row"], "right", wrong["row"], why).assign(strength=ranks)
        by_name = {
            "truths": truths,
            "predictions": predictions,
            "videos": tables.videos,
            "distractors": tables.distractors,
            "answers": self.answers,
        }
        rows = {
            name: grouped([] if table is None else plain_rows(table), key=lambda row: str(row["video"]))
            for name, table in by_name.items()
        }
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "_scores", dict(iter(self.frame_scores.groupby(["video", "kind"], sort=False))))

    def about(self, video: str) -> Row:
        """The row of a video in `tables.videos`."""
        return self._rows["videos"][video][0]

    def track(self, video: str) -> Track:
        """This side's track for a video."""
        curves, lanes = dict[Kind, ScoreCurve](), []
        for kind in KINDS:
            if (rows := self._scores.get((video, kind))) is not None:
                by_frame = (
                    rows.drop_duplicates("frame", keep="last")
                    .set_index("frame")
                    .reindex(range(int(rows["frame"].max()) + 1))
                )
                curves[kind] = ScoreCurve(by_frame["score"].to_numpy(np.float64))
                if "smoothed" in by_frame and by_frame["smoothed"].notna().any():
                    curves[kind] = replace(
                        curves[kind],
                        smoothed=by_frame["smoothed"].to_numpy(np.float64),
                        level=float(by_frame["level"].dropna().iloc[0]),
                    )
            true, predicted = (self._of(name, video, kind) for name in ("truths", "predictions"))
            if true:
                lanes.append(Lane(f"{kind}, true", [*self._truths(video, true)], kind))
            if kind in self.kinds and self.tables.predictions is not None:
                lanes.append(Lane(f"{kind}, spotted", [*self._predictions(predicted)], kind, spotted=True))
        # Action units of annotated clips, right and wrong, and of spotted intervals.
        truths, clips, spotted = (self._rows[name].get(video, ()) for name in ("truths", "answers", "predictions"))
        units = {(row["onset"], row["offset"]): row["emotion"] for row in truths}
        classified = [(row, row["predicted"], units.get((row["onset"], row["offset"]), "")) for row in clips]
        for name, some in (("", classified), (", spotted", [(row, row["emotion"], None) for row in spotted])):
            spans = [(Span(int(row["onset"]), int(row["offset"]), ""), label, true) for row, label, true in some]
            lanes += unit_lanes(spans, name)
        return Track(self.name, curves, lanes)

    def distracted(self, video: str) -> list[Lane]:
        """The other annotated movement there."""
        return [
            Lane(kind, [Span(int(r["onset"]), int(r["offset"]), kind) for r in self._of("distractors", video, kind)])
            for kind in sorted({str(row["kind"]) for row in self._rows["distractors"].get(video, ())})
        ]

    def _of(self, name: str, video: str, kind: str) -> list[Row]:
        return [row for row in self._rows[name].get(video, ()) if row["kind"] == kind]

    def _truths(self, video: str, rows: Sequence[Row]) -> Iterator[Span]:
        named_so = {
            (row["onset"], row["offset"]): self._emotion_text(row["predicted"], row["probabilities"])
            for row in self._rows["answers"].get(video, ())
        }
        for row in rows:
            about = [row["kind"], row.get("native_emotion"), row["emotion"] if row["emotion"] else None]
            units = row.get("action_units")
            named = named_so.get((row["onset"], row["offset"]))
            yield _span(
                row,
                ", ".join(dict.fromkeys(str(word) for word in about if not pd.isna(word))),
                f"AU {units}" if units and not pd.isna(units) else "",
                row["why"],
                f"as a clip named {named}" if named else "",
            )

    def _predictions(self, rows: Sequence[Row]) -> Iterator[Span]:
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


def plain_rows(table: pd.DataFrame) -> list[Row]:
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
    for span, *labels in answers:
        named, shown = ({n for part in str(label).split("+") if (n := unit_number(part))} for label in labels)
        for unit in named | shown:
            known, right = labels[1] is not None, unit in named & shown
            words = ["named" if unit in named else "not named", *(["shown" if unit in shown else "not shown"] * known)]
            outcome: Outcome = "open" if not known else "right" if right else "wrong"
            spans[unit].append(replace(span, words=", ".join(words), outcome=outcome))
    return [Lane(f"AU{unit}{name}", spans[unit], spotted=bool(name)) for unit in sorted(spans)]


def timeline_of_video(video: str, sides: Sequence[JudgedRun]) -> Timeline:
    """The timeline of one video, by its key, for one or several sides."""
    row = sides[0].about(video)
    tracks = [side.track(video) for side in sides]
    ends = [
        *(len(curve.scores) for track in tracks for curve in track.curves.values()),
        *(span.offset + 1 for track in tracks for lane in track.lanes for span in lane.spans),
    ]
    gapless = "first" in row and not len(row.get("numbers", ()))
    fps: float | None = None if pd.isna(row["fps"]) else float(row["fps"])
    lanes = next((lanes for side in sides if (lanes := side.distracted(video))), [])
    n_frames = _whole(row["n_frames"]) or max(ends, default=1)
    return Timeline(video, n_frames, fps, tracks, lanes, first=int(row["first"]) if gapless else None)


def edges_of(times: NDArray[np.float64], fps: float | None) -> NDArray[np.float64]:
    """Seconds at which each frame begins and the last one ends, (n + 1,); the last frame gets the usual duration.

    Args:
        times: at which the frames are shown, (n,).
        fps: of the video, for one of a single frame.
    """
    return np.append(times, times[-1] + (float(np.median(np.diff(times))) if len(times) > 1 else 1 / (fps or 25.0)))


WHY = {"near_miss": "near miss", "duplicate": "found already", "nothing": "nothing is there"}
MISSED = {"localisation": "near miss", "kind_confusion": "taken for the other kind", "missed": "nothing near"}


def _with(table: pd.DataFrame, counted: pd.Series, right: str, wrong: pd.Series, why: pd.Series) -> pd.DataFrame:
    """The table with outcomes, from the numbers of its counted rows and of the wrong ones among them."""
    outcome, words = np.full((2, len(table)), [["open"], [""]], dtype=object)
    for rows, name, reason in ((counted, "right", right), (wrong, "wrong", why[wrong.notna()])):
        places = rows.dropna().astype(int).to_numpy()
        outcome[places], words[places] = name, reason
    return table.assign(outcome=outcome, why=words).sort_values(["onset", "offset"], kind="stable")


def _span(row: Row, *words: str) -> Span:
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
    return None if pd.isna(value) else int(value)


def clock_time(seconds: float) -> str:
    """A time in a video in readable form, to the millisecond.

    >>> clock_time(3.5), clock_time(75), clock_time(99.9999), clock_time(3725.25)
    ('3.5 s', '1:15', '1:40', '1:02:05.25')
    """
    seconds = round(seconds, 3)
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    total, rest = int(seconds), f"{seconds % 1:.3f}".rstrip("0")[1:].rstrip(".")
    hours, minutes = f"{total // 3600}:" if total >= 3600 else "", total // 60 % 60
    return f"{hours}{minutes:0{2 if hours else 1}d}:{total % 60:02d}{rest}"
