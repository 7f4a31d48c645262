"""A chart of scores with intervals against costs, as SVG with links to the runs. It takes the colours of the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from jinja2 import Environment
from markupsafe import Markup

from mebench.boards.board_pages import NAMES
from mebench.boards.rows import BoardRow, PublishedLine
from mebench.metrics.catalogue import find_metric
from mebench.output.number_format import format_ends, format_seconds, format_table_number
from mebench.score_type import Score

LEAST = 0.01
"""Smaller costs, in seconds, are drawn at this one."""
SIZES = (("wide", 590.0, 266.0, 5.5), ("narrow", 295.0, 281.0, 3.2))
"""Class, width and height of the drawing for a wide screen and for a phone, in units of the drawing; and the width of the
chart relative to that of the published values.
"""
LEFT, RIGHT, ABOVE, BELOW, GAP = 42.0, 8.0, 8.0, 36.0, 12.0
"""Margins at each side, and between the chart and published values; in units of the drawing."""
LETTER, CAPITAL, LINE = 4.6, 1.8, 11.0
"""Width of an average letter, extra width of a capital or digit, line height; in units of the drawing."""
RADIUS = 6.5
"""Radius of a marker, in units of the drawing."""
LABEL_INSET, LABEL_RISE = 3, 6
"""Distance of the name of a level of chance from an end of its line, and its height above or below it."""
NAMES_ALONE = "names alone"
"""The level of answers by the names of files, which are no chance."""
Anchor = Literal["start", "middle", "end"]
NAME_PLACES: tuple[tuple[float, float, Anchor], ...] = (
    (9, 0, "start"),
    (-9, 0, "end"),
    (6, -12, "start"),
    (6, 12, "start"),
)
"""Where a name may stand beside its marker: to the right, left, above or below; the offsets, and its anchor."""
LEAST_BOTTOM = 0.2
"""A scale that would begin below this share of its top begins at 0."""
MARGIN = 0.08
"""Room above the highest score, and below the lowest, as a share of it and of the range."""
LEAST_TOP = 0.05
"""Least upper end of the scale of scores."""
ROOM_BEFORE, ROOM_BEHIND = 1.6, 3
"""Factors of room before the lowest cost and behind the highest, where a name stands."""
CLOSE = 0.02
"""Difference of two printed scores below which they stand side by side."""
N_COLUMNS = 5
"""Columns for printed scores that are close to one another."""
GRID_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
MOST_GRID_LINES = 6
"""Possible distances of horizontal lines, and the largest number of them."""


@dataclass(frozen=True)
class ChartPoint:
    """A row of a table in the chart.

    Attributes:
        number: number of the row in its table.
        row: the row.
        url: address of the page of its first run; empty without one.
        name: title of its method.
    """

    number: int
    row: BoardRow
    url: str
    name: str

    def title(self, metric: str) -> str:
        """The tooltip."""
        score = self.row.scores[metric]
        words = [f"{self.name}: {find_metric(metric).label} {format_table_number(score.value)}", format_ends(score)]
        return f"{' '.join(filter(None, words))}, {format_seconds(total_seconds(self.row))} s"


class DrawnPoint(NamedTuple):
    """A point with its position: the cost, at least `LEAST`, and the score, which is defined."""

    point: ChartPoint
    spent: float
    score: Score

    @property
    def value(self) -> float:
        """The value of the score."""
        return cast(float, self.score.value)


class Box(NamedTuple):
    """The edges of a text or marker."""

    left: float
    upper: float
    right: float
    lower: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two cover a common area."""
        beside = self.right < other.left or other.right < self.left
        above_or_below = self.lower < other.upper or other.lower < self.upper
        return not beside and not above_or_below


@dataclass(frozen=True)
class Frame:
    """The size of a drawing, and its scales from seconds and scores to drawing units.

    Attributes:
        kind: class of the drawing.
        width: its width.
        height: its height.
        right: right end of the chart; published values stand beyond it.
        decades: powers of ten at the ends of the axis of costs.
        bottom: the lowest score on the scale.
        top: the highest score on the scale.
    """

    kind: str
    width: float
    height: float
    right: float
    decades: tuple[int, int]
    bottom: float
    top: float

    def x(self, spent: float) -> float:
        """The position of a cost from the left."""
        first, last = self.decades
        return LEFT + (math.log10(spent) - first) / (last - first) * (self.right - LEFT)

    def y(self, value: float) -> float:
        """The position of a score from above."""
        share = (value - self.bottom) / (self.top - self.bottom)
        return ABOVE + (1 - share) * (self.height - ABOVE - BELOW)


def draw_chart(
    environment: Environment,
    metric: str,
    points: Sequence[ChartPoint],
    chance: Sequence[BoardRow],
    published: Sequence[PublishedLine],
) -> Markup:
    """Two SVG drawings, for wide and for narrow screens; empty if no row has both cost and score.

    Args:
        environment: environment of the templates, with `chart.html`.
        metric: the score, 0 to 1.
        points: the measured rows.
        chance: levels of chance: dashed lines.
        published: lines of other sources: hollow diamonds in a separate panel, because their cost is unknown.
    """
    drawn = [
        DrawnPoint(point, max(total_seconds(point.row), LEAST), point.row.scores[metric])
        for point in points
        if point.row.costs and point.row.scores[metric].value is not None
    ]
    if not drawn:
        return Markup()
    levels = _levels_of_chance(chance, metric)
    printed = _printed_values(published, metric)
    scale = _scale_of_scores(drawn, [*(value for value, _ in levels), *(value for _, value in printed)])
    frames = _frames(_decades_of_costs(drawn), scale, has_printed=bool(printed))
    drawings = []
    for frame in frames:
        labels = _place_labels(frame, drawn, _labels_of_levels(frame, levels))
        drawings.append((frame, labels, _names_beside_markers(frame, drawn, labels), _ticks_with_room(frame)))
    return Markup(
        environment.get_template("chart.html").render(
            metric=metric,
            points=drawn,
            levels=levels,
            printed=_side_by_side(printed),
            lines=_horizontal_lines(*scale),
            drawings=drawings,
            left=LEFT,
            above=ABOVE,
            below=BELOW,
            gap=GAP,
            radius=RADIUS,
        )
    )


def total_seconds(row: BoardRow) -> float:
    """Seconds of training and prediction over all folds."""
    return row.costs.get("fit_seconds", 0.0) + row.costs.get("predict_seconds", 0.0)


def _levels_of_chance(chance: Sequence[BoardRow], metric: str) -> list[tuple[float, str]]:
    """Score and name of each level of chance that has one, the lowest first."""
    levels = []
    for row in chance:
        value = row.scores[metric].value
        if value is not None:
            name = NAMES_ALONE if row.method == NAMES else row.method.removeprefix("random ").strip("()")
            levels.append((value, name))
    return sorted(levels)


def _printed_values(published: Sequence[PublishedLine], metric: str) -> list[tuple[PublishedLine, float]]:
    """The published lines with this score, and its value; impossible ones above 1 are left out."""
    printed = [(line, float(line.values[metric])) for line in published if metric in line.values]
    return [(line, value) for line, value in printed if value <= 1]


def _scale_of_scores(drawn: Sequence[DrawnPoint], others: Sequence[float]) -> tuple[float, float]:
    """The ends of the scale of scores. They lie a little beyond all scores, intervals and other values, so that names
    have room.
    """
    scores = [point.score for point in drawn]
    ends = [end for score in scores for end in (score.value, score.low, score.high)]
    values = [float(value) for value in (*ends, *others) if value is not None]
    top = max((1 + MARGIN) * max(values), LEAST_TOP)
    lowest = min(values) - MARGIN * (top - min(values))
    step = _step_of_lines(lowest, top)
    bottom = step * math.floor(lowest / step)
    return (bottom if bottom >= LEAST_BOTTOM * top else 0.0), top


def _decades_of_costs(drawn: Sequence[DrawnPoint]) -> tuple[int, int]:
    """The powers of ten around all costs. They leave at least two ticks, and room for a name at the right."""
    costs = [point.spent for point in drawn]
    return math.floor(math.log10(min(costs) / ROOM_BEFORE)), math.ceil(math.log10(max(costs) * ROOM_BEHIND))


def _frames(decades: tuple[int, int], scale: tuple[float, float], has_printed: bool) -> list[Frame]:
    """The frame of each of `SIZES`; published values need a panel to the right of the chart."""
    frames = []
    for kind, width, height, ratio in SIZES:
        right = width - RIGHT
        if has_printed:
            right = LEFT + (width - LEFT - RIGHT - GAP) * ratio / (1 + ratio)
        frames.append(Frame(kind, width, height, right, decades, *scale))
    return frames


def _labels_of_levels(frame: Frame, levels: Sequence[tuple[float, str]]) -> list[tuple[float, str]]:
    """The position from above and the names of levels; close lines share one text, at the higher line."""
    labels: list[tuple[float, str]] = []
    for value, name in levels:
        height = frame.y(value)
        if labels and labels[-1][0] - height < LINE:
            _, names_below = labels.pop()
            labels.append((height, f"{names_below} and {name}"))
        else:
            labels.append((height, name))
    return labels


def _place_labels(
    frame: Frame, drawn: Sequence[DrawnPoint], labels: Sequence[tuple[float, str]]
) -> list[tuple[float, float, Anchor, str]]:
    """Place, anchor and text of the name of each level: at an end of its line where no marker covers it."""
    markers = _boxes_of_markers(frame, drawn)
    placed = []
    for height, names in labels:
        text = names if names == NAMES_ALONE else f"chance, {names}"
        places: list[tuple[float, float, Anchor, str]] = []
        for rise in (LABEL_RISE, -LABEL_RISE):
            places.append((frame.right - LABEL_INSET, height - rise, "end", text))
            places.append((LEFT + LABEL_INSET, height - rise, "start", text))
        free = [label for label in places if not any(_box_of_text(*label).overlaps(box) for box in markers)]
        placed.append(free[0] if free else places[0])
    return placed


def _boxes_of_markers(frame: Frame, drawn: Sequence[DrawnPoint]) -> list[Box]:
    """The edges of all markers."""
    boxes = []
    for one in drawn:
        across = frame.x(one.spent)
        down = frame.y(one.value)
        boxes.append(Box(across - RADIUS, down - RADIUS, across + RADIUS, down + RADIUS))
    return boxes


def _names_beside_markers(
    frame: Frame, drawn: Sequence[DrawnPoint], labels: Sequence[tuple[float, float, Anchor, str]]
) -> list[tuple[float, float, Anchor, str]]:
    """Place, anchor and text of each name that has room beside its marker."""
    taken = [*_boxes_of_markers(frame, drawn), *(_box_of_text(*label) for label in labels)]
    names: list[tuple[float, float, Anchor, str]] = []
    for one in drawn:
        for across, down, anchor in NAME_PLACES:
            place = frame.x(one.spent) + across, frame.y(one.value) + down, anchor, one.point.name
            box = _box_of_text(*place)
            is_inside = box.left >= LEFT and box.right <= frame.right
            if is_inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                names.append(place)
                break
    return names


def _ticks_with_room(frame: Frame) -> list[float]:
    """The powers of ten on the axis of costs, rising; from the right, one without room beside the next is left out."""
    first, last = frame.decades
    ticks: list[float] = []
    edge = math.inf
    for power in range(last, first - 1, -1):
        tick = 10.0**power
        box = _box_of_text(frame.x(tick), 0.0, "middle" if ticks else "end", f"{tick:,.10g}")
        if box.right < edge:
            ticks.insert(0, tick)
            edge = box.left
    return ticks


def _horizontal_lines(bottom: float, top: float) -> list[float]:
    """The scores of the horizontal lines, from the lowest of the scale."""
    step = _step_of_lines(bottom, top)
    return [bottom + step * n for n in range(int((top - bottom) / step) + 1)]


def _step_of_lines(bottom: float, top: float) -> float:
    """The distance of the horizontal lines."""
    return next((step for step in GRID_STEPS if (top - bottom) / step <= MOST_GRID_LINES), top - bottom)


def _side_by_side(printed: Sequence[tuple[PublishedLine, float]]) -> list[tuple[PublishedLine, float, int]]:
    """The printed values, each with one of five columns. Equal values then lie side by side, where a pointer reaches
    each.
    """
    placed = []
    for n, (line, value) in enumerate(printed):
        n_close = sum(abs(value - other) < CLOSE for _, other in printed[:n])
        placed.append((line, value, n_close % N_COLUMNS))
    return placed


def _box_of_text(x: float, y: float, anchor: Anchor, text: str) -> Box:
    """The edges of a text."""
    width = LETTER * len(text) + CAPITAL * sum(letter.isupper() or letter.isdigit() for letter in text)
    begin = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return Box(begin, y - LINE / 2, begin + width, y + LINE / 2)
