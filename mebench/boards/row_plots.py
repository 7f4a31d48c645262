"""Figures of chosen rows with their intervals, for papers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mebench.output.terminal import for_figure
from mebench.reports.plots import CURVE_COLORS, INK, RULE, make_panels, write_title
from mebench.reports.score_plots import EQUAL
from mebench.score_type import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class PlottedRow:
    """A row of a figure.

    Attributes:
        name: its name.
        scores: its scores by metric.
        groups: letters of its significance groups.
        ranked: True if it may be the best.
        settings: settings that are not its method's defaults, which stand below the name.
    """

    name: str
    scores: Mapping[str, Score]
    groups: str = ""
    ranked: bool = True
    settings: str = ""

    @property
    def lines(self) -> list[str]:
        """The name, and the settings below it."""
        return [self.name, *textwrap.wrap(self.settings, SIGNS_OF_SETTINGS)]


SIGNS_OF_SETTINGS = 36
"""Most signs in a line of settings below a name."""


def draw_scores(rows: Sequence[PlottedRow], metrics: Mapping[str, str], title: str = "") -> Figure:
    """Scores with their 95 % intervals, the best row on top; letters stand at the right of the first score.

    Args:
        rows: rows, the best first.
        metrics: label of each score by its name; a panel for each.
        title: line above the figure.
    """
    longest = max(len(line) for row in rows for line in row.lines)
    n_further_lines = sum(len(row.lines) - 1 for row in rows)
    width = min(2.2 + 0.055 * longest + 2.4 * len(metrics), 14.0)
    height = 1.1 + 0.3 * len(rows) + 0.2 * n_further_lines
    figure, panels = make_panels(width, height, columns=len(metrics), sharey=True)
    for number, (axes, (metric, label)) in enumerate(zip(panels, metrics.items())):
        _draw_intervals(axes, rows, metric, with_groups=number == 0)
        has_intervals = any(row.scores[metric].ends is not None for row in rows)
        axes.set_xlabel(f"{for_figure(label)}, 95 % interval" if has_intervals else for_figure(label))
        axes.grid(axis="x", color=RULE)
        axes.set_axisbelow(True)
    names = ["\n".join(map(for_figure, row.lines)) for row in rows]
    panels[0].set_yticks(range(len(rows)), names, fontsize=9)
    panels[0].invert_yaxis()
    write_title(figure, title)
    return figure


def _draw_intervals(axes: Axes, rows: Sequence[PlottedRow], metric: str, with_groups: bool) -> None:
    """Draw one score of all rows, with the letters of their groups if wanted."""
    ends = []
    for height, row in enumerate(rows):
        score = row.scores[metric]
        if score.value is None:
            continue
        color = CURVE_COLORS[1] if row.ranked else EQUAL
        low, high = score.ends or (score.value, score.value)
        axes.plot([low, high], [height, height], color=color, linewidth=1.6, solid_capstyle="butt")
        axes.plot([score.value], [height], "o", color=color, markersize=5)
        ends.append(high)
    if with_groups and any(row.groups for row in rows) and ends:
        place = max(ends)
        for height, row in enumerate(rows):
            axes.annotate(
                row.groups, (place, height), (6, 0), textcoords="offset points", va="center", fontsize=8, color=INK
            )
