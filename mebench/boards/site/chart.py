"""Score with interval against cost, as SVG that takes its colours from the page and links to the runs."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from mebench.format import digits, ends, seconds
from mebench.metrics.catalogue import find
from mebench.records.rows import PublishedLine, Row
from mebench.reports.plots import inline, unique_ids

COLORS = {
    "#010101": "var(--ink)",
    "#020202": "var(--muted)",
    "#030303": "var(--line)",
    "#040404": "var(--accent)",
    "#050505": "var(--published)",
    "#060606": "var(--chance)",
    "#070707": "var(--paper)",
}
INK, MUTED, LINE, ACCENT, PUBLISHED, CHANCE, PAPER = COLORS
"""Stand-ins that become variables of the page, which differ by day and by night."""
LEAST = 0.01
"""Seconds below which a cost is drawn no further to the left."""
CLOSE = 0.05
"""Share of the chart's height that a line of text takes."""
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    **{f"axes.spines.{side}": False for side in ("left", "right", "top")},
    **{f"{axis}tick.{size}.size": 0 for axis in "xy" for size in ("major", "minor")},
    **{f"{axis}tick.{size}.pad": 6 for axis in "xy" for size in ("major", "minor")},
    **{f"{axis}tick.labelcolor": MUTED for axis in "xy"},
}
WIDE, NARROW = (8.2, 3.7), (4.1, 3.9)
"""Inches of the chart on a desk and on a phone."""


@dataclass(frozen=True)
class Point:
    """A row of a table as the chart shows it.

    Attributes:
        number: of the row in its table.
        row: the row.
        url: of the page of its first run.
        name: of its method, for people.
    """

    number: int
    row: Row
    url: str
    name: str


def chart(
    name: str, metric: str, points: Sequence[Point], chance: Sequence[Row], published: Sequence[PublishedLine]
) -> str:
    """Two SVG drawings of the same, for wide and for narrow screens; empty where no row has a cost and a score.

    Args:
        name: tells the drawing apart from others on the page.
        metric: the score, 0 to 1.
        points: the measured rows.
        chance: rows that are no methods: dashed lines.
        published: lines of other sources: hollow diamonds in a panel of their own, since nobody knows what they cost.
    """
    drawn = [p for p in points if p.row.scores[metric]["value"] is not None and p.row.costs]
    if not drawn:
        return ""
    levels = [row for row in chance if row.scores[metric]["value"] is not None]
    printed = [line for line in published if metric in line.values and float(line.values[metric]) <= 1]
    # A little above the highest end; the scale begins at 0, so that no difference looks larger than it is.
    heights: list[Any] = [p.row.scores[metric][end] for p in drawn for end in ("value", "high")]
    heights += [row.scores[metric]["value"] for row in levels] + [float(line.values[metric]) for line in printed]
    top = max(1.08 * max(end for end in heights if end is not None), 0.05)
    drawings = []
    for kind, size, width in (("wide", WIDE, 5.5), ("narrow", NARROW, 3.2)):
        with rc_context({**STYLE, "svg.hashsalt": f"{name}-{kind}"}):
            figure = Figure(figsize=size, layout="constrained")
            renderer: Any = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
            grid = figure.add_gridspec(1, 2, width_ratios=(width, 1)) if printed else figure.add_gridspec(1, 1)
            axes = figure.add_subplot(grid[0])
            titles = _draw(axes, metric, drawn, levels, top)
            if printed:
                titles |= _draw_published(figure.add_subplot(grid[1], sharey=axes), metric, printed)
            axes.set_ylim(0.0, top)
            for patch in (figure.patch, *(part.patch for part in figure.axes)):
                patch.set_visible(False)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # it stands now; names have their place inside the axes
            _label(axes, metric, drawn, renderer)
            drawing = inline(figure, f"{name}-{kind}", COLORS)
        for gid, title in titles.items():
            words = html.escape(title)
            before, mark, after = drawing.partition(f'<g id="{gid}">')
            if gid.startswith("point-"):  # a link needs a name of its own for those who do not see it
                label = f' role="link" aria-label="{words}"'.replace("\\", r"\\")
                link = r'(<a xlink:href="[^"]*")(?: target="_blank")?'  # Matplotlib names a target from 3.11 on
                after = re.sub(link, rf"\1{label}", after, count=1)
            drawing = f"{before}{mark}<title>{words}</title>{after}"
        drawings.append(f'<div class="{kind}">{unique_ids(drawing, f"{name}-{kind}", titles)}</div>')
    return "\n".join(drawings)


def cost(row: Row) -> float:
    """Seconds of training and prediction over all folds."""
    return row.costs.get("fit_seconds", 0.0) + row.costs.get("predict_seconds", 0.0)


def _draw(axes: Axes, metric: str, points: Sequence[Point], chance: Sequence[Row], top: float) -> dict[str, str]:
    """Points with whiskers, and levels of chance; the tooltip of each by its id."""
    titles = {}
    labels: list[tuple[float, str]] = []
    for value, name in sorted(
        (row.scores[metric]["value"] or 0.0, row.method.removeprefix("random ").strip("()")) for row in chance
    ):
        axes.axhline(value, color=CHANCE, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
        if labels and value - labels[-1][0] < CLOSE * top:  # no text has room between them: one stands at the higher
            labels[-1] = value, f"{labels[-1][1]} and {name}"
        else:
            labels.append((value, name))
    for value, name in labels:
        axes.annotate(
            f"chance, {name}",
            (1, value),
            xycoords=("axes fraction", "data"),
            xytext=(-3, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=CHANCE,
            fontsize=8,
        )
    for point in points:
        score: Any = point.row.scores[metric]
        x = max(cost(point.row), LEAST)
        if score["low"] is not None:
            axes.plot([x, x], [score["low"], score["high"]], color=ACCENT, linewidth=2, alpha=0.45, zorder=2)
        gid = f"point-{point.number}"
        look: dict[str, Any] = {"color": ACCENT, "markeredgecolor": PAPER, "markersize": 13, "zorder": 3}
        look |= {"clip_on": False}  # a point at the edge, F1 of 0, is a whole one, too
        axes.plot([x], [score["value"]], "o", gid=gid, url=point.url, **look)
        axes.annotate(
            str(point.number),
            (x, score["value"]),
            ha="center",
            va="center_baseline",
            fontsize=8,
            color=PAPER,
            weight="bold",
            zorder=4,
        )
        words = [f"{point.name}: {find(metric).label} {digits(score['value'])}", ends(score)]
        titles[gid] = f"{' '.join(filter(None, words))}, {seconds(cost(point.row))} s"
    axes.set_xscale("log")
    xs = [max(cost(point.row), LEAST) for point in points]
    # Whole powers of ten, so that there are two ticks at least, and room for a name at the right.
    axes.set_xlim(10 ** math.floor(math.log10(min(xs) / 1.6)), 10 ** math.ceil(math.log10(max(xs) * 3)))
    axes.xaxis.set_major_formatter(lambda seconds, _: f"{seconds:,.10g}")
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.set(xlabel="seconds to train and predict, all folds", ylabel=find(metric).label)
    return titles


def _draw_published(axes: Axes, metric: str, published: Sequence[PublishedLine]) -> dict[str, str]:
    titles = {}
    for number, line in enumerate(published):
        gid = f"published-{number}"
        # Beside one another where values are close, so that each can be pointed at.
        near = sum(abs(float(line.values[metric]) - float(other.values[metric])) < 0.02 for other in published[:number])
        axes.plot(
            [near % 5],
            [float(line.values[metric])],
            "D",
            markerfacecolor="none",
            markeredgecolor=PUBLISHED,
            markersize=6,
            gid=gid,
        )
        caveats = line.caveats_in_words()
        titles[gid] = f"published: {line.method} {line.values[metric]}, {line.source}, {line.table}" + (
            f" ({caveats})" if caveats else ""
        )
    axes.set(xlim=(-1, 5), xticks=[])
    axes.set_xlabel("published", color=PUBLISHED)
    axes.tick_params(labelleft=False)
    return titles


def _label(axes: Axes, metric: str, points: Sequence[Point], renderer: RendererAgg) -> None:
    """Write names where there is room: right of the marker, left, above or below; a name without room is left out."""
    taken: list[Bbox] = [text.get_window_extent(renderer).padded(4) for text in axes.texts]
    frame = axes.get_window_extent(renderer)
    for point in points:
        at = max(cost(point.row), LEAST), point.row.scores[metric]["value"]
        for offset, ha, va in (
            ((9, 0), "left", "center"),
            ((-9, 0), "right", "center"),
            ((6, 9), "left", "bottom"),
            ((6, -9), "left", "top"),
        ):
            text = axes.annotate(
                point.name.replace("$", r"\$"),
                at,  # type: ignore[arg-type]
                xytext=offset,
                textcoords="offset points",
                ha=ha,
                va=va,
                fontsize=9,
                color=INK,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
            )
            box = text.get_window_extent(renderer)
            if frame.x0 <= box.x0 and box.x1 <= frame.x1 and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()
