"""Score with interval against cost, as SVG in the colours of the page, with links to the runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from mebench.boards.rows import PublishedLine, Row
from mebench.metrics.catalogue import find_metric
from mebench.number_format import digits, ends, seconds

LEAST = 0.01
"""Smaller costs, in seconds, are drawn at this place."""
SIZES = (("wide", 590.0, 266.0, 5.5), ("narrow", 295.0, 281.0, 3.2))
"""Width and height on a wide screen and on a phone, in units of the drawing, and the width of the chart relative to the
published values.
"""
LEFT, RIGHT, ABOVE, BELOW, GAP = 42.0, 8.0, 8.0, 36.0, 12.0
"""Margins at each side, and between the chart and published values."""
LETTER, CAPITAL, LINE = 4.6, 1.8, 11.0
"""Usual width of a letter of a name, what a capital or digit has more, and height of its line."""
RADIUS = 6.5
"""Of a marker."""


@dataclass(frozen=True)
class Point:
    """A row of a table in the chart.

    Attributes:
        number: of the row in its table.
        row: the row.
        url: of the page of its first run.
        name: title of its method.
    """

    number: int
    row: Row
    url: str
    name: str

    def title(self, metric: str) -> str:
        """The tooltip."""
        score: Any = self.row.scores[metric]
        words = [f"{self.name}: {find_metric(metric).label} {digits(score['value'])}", ends(score)]
        return f"{' '.join(filter(None, words))}, {seconds(cost(self.row))} s"


def chart(
    environment: Environment,
    metric: str,
    points: Sequence[Point],
    chance: Sequence[Row],
    published: Sequence[PublishedLine],
) -> Markup:
    """Two SVG drawings, for wide and for narrow screens; empty if no row has both cost and score.

    Args:
        environment: contains `chart.html`.
        metric: the score, 0 to 1.
        points: the measured rows.
        chance: levels of chance: dashed lines.
        published: lines of other sources: hollow diamonds in a separate panel, because their cost is unknown.
    """
    drawn = [
        (p, max(cost(p.row), LEAST), p.row.scores[metric])
        for p in points
        if p.row.costs and p.row.scores[metric]["value"] is not None
    ]
    if not drawn:
        return Markup()
    levels = sorted(
        (value, row.method.removeprefix("random ").strip("()"))
        for row in chance
        if (value := row.scores[metric]["value"]) is not None
    )
    values = [float(line.values.get(metric, "nan")) for line in published]
    printed = [(line, value) for line, value in zip(published, values) if value <= 1]
    # A little above the highest end; the scale begins at 0, so that differences do not look larger than they are.
    heights = [
        *(score[end] for _, _, score in drawn for end in ("value", "high")),
        *(value for value, _ in levels),
        *(value for _, value in printed),
    ]
    top = max(1.08 * max(float(end) for end in heights if end is not None), 0.05)
    # Whole powers of ten, for at least two ticks and room for a name at the right.
    first = math.floor(math.log10(min(spent for _, spent, _ in drawn) / 1.6))
    last = math.ceil(math.log10(max(spent for _, spent, _ in drawn) * 3))
    # Possible distances of horizontal lines; at most six lines are drawn.
    step = next((step for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if top / step <= 6), top)
    drawings = []
    for kind, width, height, ratio in SIZES:
        right = LEFT + (width - LEFT - RIGHT - GAP) * ratio / (1 + ratio) if printed else width - RIGHT

        def x(spent: float, right: float = right) -> float:
            return LEFT + (math.log10(spent) - first) / (last - first) * (right - LEFT)

        def y(value: float, height: float = height) -> float:
            return ABOVE + (1 - value / top) * (height - ABOVE - BELOW)

        lines: list[tuple[float, str]] = []
        for value, name in levels:  # close lines have no room for two texts: one text is at the higher line
            close = lines.pop()[1] if lines and lines[-1][0] - y(value) < LINE else ""
            lines.append((y(value), f"{close} and {name}" if close else name))
        taken = [
            *(
                (left - RADIUS, up - RADIUS, left + RADIUS, up + RADIUS)
                for left, up in ((x(spent), y(score["value"] or 0)) for _, spent, score in drawn)
            ),
            *(_box(right - 3, at - 6, "end", f"chance, {name}") for at, name in lines),
        ]
        names = []
        for point, spent, score in drawn:  # right of the marker, left, above or below; a name without room is left out
            for across, down, anchor in ((9, 0, "start"), (-9, 0, "end"), (6, -12, "start"), (6, 12, "start")):
                place = x(spent) + across, y(score["value"] or 0) + down, anchor, point.name
                box = _box(*place)
                free = all(box[2] < a or c < box[0] or box[3] < b or d < box[1] for a, b, c, d in taken)
                if free and box[0] >= LEFT and box[2] <= right:
                    taken.append(box)
                    names.append(place)
                    break
        ticks, edge = list[float](), math.inf
        for tick in (10.0**n for n in range(last, first - 1, -1)):  # one without room beside the next is left out
            box = _box(x(tick), 0.0, "middle" if ticks else "end", f"{tick:,.10g}")
            if box[2] < edge:
                ticks, edge = [tick, *ticks], box[0]
        drawings.append((kind, width, height, right, x, y, lines, names, ticks))
    values = [value for _, value in printed]
    places = [sum(abs(value - other) < 0.02 for other in values[:n]) % 5 for n, value in enumerate(values)]
    return Markup(
        environment.get_template("chart.html").render(
            metric=metric,
            points=drawn,
            levels=levels,
            printed=[(*of_line, place) for of_line, place in zip(printed, places)],  # side by side, for the pointer
            lines=[step * n for n in range(int(top / step) + 1)],
            drawings=drawings,
            left=LEFT,
            above=ABOVE,
            below=BELOW,
            gap=GAP,
            radius=RADIUS,
        )
    )


def cost(row: Row) -> float:
    """Seconds of training and prediction over all folds."""
    return row.costs.get("fit_seconds", 0.0) + row.costs.get("predict_seconds", 0.0)


def _box(x: float, y: float, anchor: str, text: str) -> tuple[float, float, float, float]:
    """The left, upper, right and lower edge of a text."""
    width = LETTER * len(text) + CAPITAL * sum(letter.isupper() or letter.isdigit() for letter in text)
    begin = x - width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return begin, y - LINE / 2, begin + width, y + LINE / 2
