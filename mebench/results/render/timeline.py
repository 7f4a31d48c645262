"""The timeline of a video: curves over time, intervals on lanes below them. As SVG for pages, and drawn into the video's own frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mebench.core import Kind

COLORS: dict[Kind, str] = {"micro": "#c2410c", "macro": "#0369a1"}
"""Orange and blue stay apart for colour-blind readers and in print."""
WIDTH, PLOT, LANE, LEFT, BOTTOM = 1000, 150, 22, 58, 24
"""Of a drawing in units of SVG: its width, the height of the curves and of a lane, and what axes and labels take."""
COLUMNS = 1500
"""A longer curve is drawn by its lowest and highest value in each of so many columns."""


@dataclass(frozen=True)
class Line:
    """A curve over time.

    Attributes:
        name: for readers.
        values: (n,); NaN leaves a gap.
        kind: gives its colour.
        raw: drawn thin and pale, behind others.
        level: a horizontal line that its peaks must reach.
    """

    name: str
    values: NDArray[np.float64]
    kind: Kind
    raw: bool = False
    level: float | None = None


@dataclass(frozen=True)
class Bar:
    """An interval on a lane.

    Attributes:
        begin: seconds.
        end: seconds; where the first frame begins that no longer belongs to it.
        peak: seconds, or None.
        kind: gives its colour.
        words: told when one points at it.
        strength: 0 to 1: how solid it is drawn.
    """

    begin: float
    end: float
    kind: Kind
    words: str
    peak: float | None = None
    strength: float = 1.0


@dataclass(frozen=True)
class Lane:
    """Bars in a row, under a name."""

    name: str
    bars: Sequence[Bar]


def svg(
    times: NDArray[np.float64],
    end: float,
    lines: Sequence[Line],
    lanes: Sequence[Lane],
    title: str,
    hidden: Sequence[tuple[float, float, str]] = (),
) -> str:
    """A timeline as one SVG element that takes its text's colour from the page.

    Args:
        times: seconds at which the frames are shown, (n,).
        end: seconds at which the video ends.
        lines: curves over these frames; one scale for all.
        lanes: from above.
        title: what readers of the screen are told.
        hidden: stretches that are hatched, as (begin, end, words).
    """
    values = np.concatenate([line.values for line in lines] + [[line.level or np.nan for line in lines], []])
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    span, start = (high - low) or 1.0, float(times[0]) if len(times) else 0.0
    long = max(end - start, 1e-9)

    def x(seconds: float) -> float:
        return LEFT + (seconds - start) / long * (WIDTH - LEFT)

    def y(value: float) -> float:
        return 6 + (high - value) / span * (PLOT - 12)

    height = PLOT + LANE * len(lanes) + BOTTOM
    drawn = [f'<rect class="plot" x="{LEFT}" y="0" width="{WIDTH - LEFT}" height="{PLOT}"/>']
    for begin, until, words in hidden:
        place = f'x="{x(begin):.2f}" y="0" width="{x(until) - x(begin):.2f}" height="{PLOT + LANE * len(lanes)}"'
        drawn.append(f'<rect class="hidden" {place}><title>{escape(words)}</title></rect>')
    for line in sorted(lines, key=lambda line: not line.raw):
        look = "raw" if line.raw else "curve"
        path = _path([(x(t), y(v)) for t, v in _thinned(times, line.values)])
        drawn.append(f'<path class="{look} {line.kind}" d="{path}"><title>{escape(line.name)}</title></path>')
        if line.level is not None and math.isfinite(line.level):
            at = f'x1="{LEFT}" x2="{WIDTH}" y1="{y(line.level):.2f}" y2="{y(line.level):.2f}"'
            drawn.append(f'<line class="level {line.kind}" {at}><title>threshold {line.level:.3g}</title></line>')
    for value in (low, high):
        drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{y(value) + 4:.2f}" text-anchor="end">{value:.3g}</text>')
    for row, lane in enumerate(lanes):
        top = PLOT + LANE * row
        drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{top + 15}" text-anchor="end">{escape(lane.name)}</text>')
        drawn.append(f'<line class="lane" x1="{LEFT}" x2="{WIDTH}" y1="{top + LANE}" y2="{top + LANE}"/>')
        for bar in lane.bars:
            wide = max(x(bar.end) - x(bar.begin), 1.5)
            place = f'x="{x(bar.begin):.2f}" y="{top + 4}" width="{wide:.2f}" height="{LANE - 8}" rx="2"'
            solid = f'style="fill-opacity:{0.35 + 0.65 * bar.strength:.2f}"'
            drawn.append(
                f'<rect class="bar {bar.kind}" {place} {solid} tabindex="0"><title>{escape(bar.words)}</title></rect>'
            )
            if bar.peak is not None:
                at = f'x1="{x(bar.peak):.2f}" x2="{x(bar.peak):.2f}" y1="{top + 2}" y2="{top + LANE - 2}"'
                drawn.append(f'<line class="peak" {at}/>')
    for second in ticks(start, end):
        anchor = "end" if x(second) > WIDTH - 20 else "middle"
        at = f'x="{x(second):.2f}" y="{height - 8}" text-anchor="{anchor}"'
        drawn.append(f'<text class="tick" {at}>{clock(second)}</text>')
    box = f'viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"'
    return f'<svg class="timeline" {box}>{"".join(drawn)}</svg>'


STYLE = """
.timeline { width: 100%; height: auto; display: block; font: 12px system-ui, sans-serif; }
.timeline .plot { fill: none; stroke: currentColor; stroke-opacity: .15; }
.timeline .lane { stroke: currentColor; stroke-opacity: .12; }
.timeline .tick { fill: currentColor; fill-opacity: .7; }
.timeline .hidden { fill: currentColor; fill-opacity: .1; }
.timeline .peak { stroke: currentColor; stroke-width: 1.2; pointer-events: none; }
.timeline path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.timeline .raw { stroke-width: .8; stroke-opacity: .45; }
.timeline .level { stroke-dasharray: 5 4; stroke-width: 1.2; }
""" + "".join(
    f".timeline .{kind} {{ stroke: {color}; }} .timeline .bar.{kind} {{ fill: {color}; }}\n"
    for kind, color in COLORS.items()
)
"""What a page that holds timelines needs in its style sheet."""


def ticks(start: float, end: float) -> list[float]:
    """Round seconds within a stretch, ten at most.

    >>> ticks(0, 12), ticks(0, 600)[:3]
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0], [0.0, 60.0, 120.0])
    """
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 86400)
    step = next((step for step in steps if (end - start) / step <= 10), steps[-1])
    first = math.ceil(start / step - 1e-9)
    return [round(n * step, 6) + 0.0 for n in range(first, math.floor(end / step + 1e-9) + 1)]


def clock(seconds: float) -> str:
    """A place in a video for people.

    >>> clock(3.5), clock(75), clock(3725.25)
    ('3.5 s', '1:15', '1:02:05.25')
    """
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    whole, rest = int(seconds), f"{seconds % 1:.3f}".rstrip("0")[1:].rstrip(".")
    hours, minutes = f"{whole // 3600}:" if whole >= 3600 else "", whole // 60 % 60
    return f"{hours}{minutes:0{2 if hours else 1}d}:{whole % 60:02d}{rest}"


def _thinned(times: NDArray[np.float64], values: NDArray[np.float64]) -> list[tuple[float, float]]:
    """The points of a curve; of a long one the lowest and the highest of each column, in order."""
    if len(values) <= 2 * COLUMNS:
        return list(zip(times.tolist(), values.tolist()))
    kept = []
    for part in np.array_split(np.arange(len(values)), COLUMNS):
        known = part[~np.isnan(values[part])]
        ends = (
            {int(known[values[known].argmin()]), int(known[values[known].argmax()])} if len(known) else {int(part[0])}
        )
        kept += sorted(ends)
    return list(zip(times[kept].tolist(), values[kept].tolist()))


def _path(points: Sequence[tuple[float, float]]) -> str:
    """The commands of a path; it is lifted where a value is missing."""
    words, down = [], False
    for x, y in points:
        if math.isnan(y):
            down = False
            continue
        words.append(f"{'L' if down else 'M'}{x:.2f} {y:.2f}")
        down = True
    return "".join(words)


class Strip:
    """A curve and its intervals, drawn at the bottom of each frame of a video, with a line at the frame that is shown.

    Args:
        width: of the frames, pixels.
        values: the curve, (n,); NaN leaves a gap.
        spans: first and last frame, both inclusive, kind and words of each interval.
        row: of the words in the picture, from 0.
    """

    def __init__(
        self, width: int, values: NDArray[np.float64], spans: Sequence[tuple[int, int, Kind, str]], row: int = 0
    ) -> None:
        import cv2

        self._row, self._n, self._spans, self._height = row, max(len(values), 1), spans, max(48, width // 12)
        picture = np.full((self._height, width, 3), 24, np.uint8)
        for first, last, kind, _ in spans:
            left, right = (int(place * width / self._n) for place in (first, last + 1))
            picture[:, max(left, 0) : max(right, left + 1)] = _bgr(kind) // 2
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        before = None
        for index, value in enumerate(values):
            if not math.isfinite(value):
                before = None
                continue
            height = (self._height - 9) * (high - value) / ((high - low) or 1.0)
            point = int((index + 0.5) * width / self._n), 4 + int(height)
            if before is not None:
                cv2.line(picture, before, point, (235, 235, 235), 1, cv2.LINE_AA)
            before = point
        self._picture = picture

    def draw(self, frame: NDArray[np.uint8], index: int) -> NDArray[np.uint8]:
        """Frame `index` (H, W, 3) in B, G, R order with the strip below it, (H + strip, W, 3), and the words of what it shows."""
        import cv2

        strip = self._picture.copy()
        at = int((index + 0.5) * strip.shape[1] / self._n)
        cv2.line(strip, (at, 0), (at, self._height), (255, 255, 255), 2)
        whole = np.concatenate([frame, strip])
        now = [(kind, words) for first, last, kind, words in self._spans if first <= index <= last]
        scale = max(strip.shape[1] / 1280, 0.4)
        if now:
            place, words = (int(12 * scale), int(36 * scale * (1 + self._row))), ", ".join(text for _, text in now)
            for color, thick in (((0, 0, 0), 5), (_bgr(now[0][0]).tolist(), 2)):
                cv2.putText(whole, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, color, max(1, round(thick * scale)))
        return whole


def _bgr(kind: Kind) -> NDArray[np.uint8]:
    """The colour of a kind, (3,) in B, G, R order, lighter than on paper."""
    red, green, blue = (int(COLORS[kind][at : at + 2], 16) for at in (1, 3, 5))
    return np.array([min(part + 50, 255) for part in (blue, green, red)], np.uint8)
