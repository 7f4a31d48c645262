"""Figures of compared rows: which of them differ, and how far two methods differ over several datasets."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.lazy_imports import load_lazily
from mebench.metrics.ranking import LEAST_SHARE, over_datasets
from mebench.output.terminal import for_figure
from mebench.reports.plots import CURVE_COLORS, INK, RULE, make_panels, write_title
from mebench.reports.score_plots import EQUAL
from mebench.score_type import Score

if TYPE_CHECKING:
    import matplotlib
    from matplotlib.figure import Figure
else:
    matplotlib = load_lazily("matplotlib")


@dataclass(frozen=True)
class ComparedRow:
    """A row among others that were tested together.

    Attributes:
        name: its name.
        groups: letters of its significance groups; two rows that share one are not distinguishable.
        beats: share of draws of people in which it is better than each row, in their order; None where they were not drawn together.
    """

    name: str
    groups: tuple[str, ...]
    beats: tuple[float | None, ...]

    def differs_from(self, other: ComparedRow) -> bool:
        """Whether the permutation test distinguishes two rows."""
        return not set(self.groups) & set(other.groups)


SIGNS_OF_NOTE = 90
"""Most signs in a line above a meta-analysis."""
SIGNS_AN_INCH_OF_NOTE = 17
"""Signs of a note that fit into an inch of its figure."""
MOST_NOTES = 6
"""Most notes on settings below a figure."""
CELL = 0.42
"""Width and height of a cell of the plot of significance, in inches."""
PALE = 0.35
"""Strength of the colour of two rows that are not distinguishable."""
MANY_ROWS = 15
"""Number of rows from which percentages are printed small."""


def draw_significance(rows: Sequence[ComparedRow], score: str, title: str = "", notes: Sequence[str] = ()) -> Figure:
    """A cell for each pair of rows: how often the row at the left is better than the one of the column, and whether they differ.

    A cell holds the percentage of draws of other people in which the row is better; it is blue where that is more than half, orange
    where less. A frame and the full colour say that the permutation test distinguishes the two; all others are pale.

    Args:
        rows: the rows, the best first.
        score: label of the compared score.
        title: line above the figure.
        notes: meanings of the marks in the names.
    """
    n = len(rows)
    longest = max(len(row.name) for row in rows)
    figure, (axes,) = make_panels(max(4.5, 1.2 + 0.075 * longest + CELL * n), 1.7 + CELL * n)
    shares = np.array([[np.nan if share is None else share for share in row.beats] for row in rows], dtype=np.float64)
    np.fill_diagonal(shares, np.nan)
    differ = np.array([[row.differs_from(other) for other in rows] for row in rows])
    strength = np.where(differ, 1.0, PALE)
    axes.imshow(shares, cmap=_orange_to_blue(), vmin=0, vmax=1, aspect="auto", alpha=strength)
    size = 7 if n > MANY_ROWS else 9
    for (row, column), share in np.ndenumerate(shares):
        if differ[row, column] and row != column:
            axes.add_patch(_frame(column, row))
        if not np.isnan(share):
            is_dark = differ[row, column] and abs(share - 0.5) > 0.35
            color = "white" if is_dark else INK
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=color, fontsize=size)
    numbers = range(1, n + 1)
    axes.set_xticks(range(n), [str(number) for number in numbers], fontsize=9)
    axes.set_yticks(range(n), [f"{for_figure(row.name)}  {number}" for number, row in zip(numbers, rows)], fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    of_test = "framed, in full colour: distinguishable (5 %)" if differ.any() else "no two are distinguishable (5 %)"
    lines = [f"{score}: % of draws of other people in which", "the row is better than the column", of_test]
    axes.set_xlabel("\n".join(map(for_figure, lines)), fontsize=9, loc="right")
    shown = (
        notes if len(notes) <= MOST_NOTES else ["raised numbers: settings that are not the defaults, see mebench table"]
    )
    width = int(SIGNS_AN_INCH_OF_NOTE * figure.get_figwidth())
    wrapped = [line for note in shown for line in textwrap.wrap(note, width)]
    if wrapped:
        figure.supxlabel("\n".join(map(for_figure, wrapped)), x=0.01, ha="left", fontsize=7)
    write_title(figure, title)
    return figure


def _orange_to_blue() -> Any:
    """The colours of shares: orange for 0, white for a half, blue for 1."""
    colors = (CURVE_COLORS[0], "#ffffff", CURVE_COLORS[1])
    return matplotlib.colors.LinearSegmentedColormap.from_list("worse_to_better", colors)


def _frame(column: int, row: int) -> Any:
    """The frame around a cell whose two rows differ."""
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.44, row - 0.44), 0.88, 0.88, fill=False, edgecolor=INK, linewidth=1.3)


@dataclass(frozen=True)
class DatasetEffect:
    """How far two methods differ on one dataset.

    Attributes:
        dataset: its title.
        beats: share of draws of people in which the first is better.
        people: number of the tested people.
    """

    dataset: str
    beats: float
    people: int

    @property
    def is_clipped(self) -> bool:
        """Whether one is better in all draws: then the difference is at least so large."""
        return not LEAST_SHARE < self.beats < 1 - LEAST_SHARE

    @property
    def difference(self) -> Score:
        """The standardised mean difference with its 95 % interval, in standard deviations of people."""
        return Score.from_plain(over_datasets([self.beats], [self.people])["difference"])

    @property
    def p(self) -> float:
        """Its p value, two-sided."""
        return float(over_datasets([self.beats], [self.people])["p"])


@dataclass(frozen=True)
class MetaAnalysis:
    """Two methods over several datasets with other people in each.

    Attributes:
        first: title of the first method.
        second: title of the other one.
        task: compared task.
        effects: difference on each dataset.
        notes: settings of the methods that are not their defaults, in sentences.
    """

    first: str
    second: str
    task: str
    effects: tuple[DatasetEffect, ...]
    notes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The differences, and all datasets together, as data for JSON."""
        together = over_datasets([one.beats for one in self.effects], [one.people for one in self.effects])
        datasets = [
            {"dataset": one.dataset, "people": one.people, "difference": one.difference.plain(), "p": one.p}
            for one in self.effects
        ]
        return {
            "first": self.first,
            "second": self.second,
            "task": self.task,
            "datasets": datasets,
            "together": together,
        }

    def draw(self) -> Figure:
        """A line for each dataset with its interval, and below them all datasets together."""
        plain = self.plain()
        together = Score.from_plain(plain["together"]["difference"])
        n = len(self.effects)
        labels = [f"{for_figure(one.dataset)}\n{one.people} people, {_p_in_words(one.p)}" for one in self.effects]
        labels.append(f"all together\n{plain['together']['people']} people, {_p_in_words(plain['together']['p'])}")
        figure, (axes,) = make_panels(7.2, 1.6 + 0.5 * (n + 1))
        for height, effect in enumerate(self.effects):
            _draw_effect(axes, height, effect.difference, effect.people, effect.is_clipped)
        _draw_diamond(axes, n, together)
        axes.axvline(0, color=INK, linewidth=0.9, linestyle=(0, (5, 4)))
        axes.axhline(n - 0.5, color=RULE, linewidth=1)
        axes.set_yticks(range(n + 1), labels, fontsize=9)
        axes.set_ylim(n + 0.6, -0.6)
        reach = max(abs(end) for end in axes.get_xlim())
        axes.set_xlim(-reach, reach)
        axes.set_xlabel(
            f"standardised mean difference ({self.task}), 95 % interval; p of this pair alone\n"
            f"← {for_figure(self.second)} is better        {for_figure(self.first)} is better →"
        )
        axes.grid(axis="x", color=RULE)
        axes.set_axisbelow(True)
        notes = list(self.notes)
        if any(effect.is_clipped for effect in self.effects):
            notes.append("open circle: better in every draw of people, so the difference is at least so large")
        lines = [line for note in notes for line in textwrap.wrap(note, SIGNS_OF_NOTE)]
        axes.set_title("\n".join(map(for_figure, lines)), loc="left", fontsize=8)
        return figure


def _draw_effect(axes: Any, height: int, difference: Score, people: int, is_clipped: bool) -> None:
    """The difference on one dataset; the circle grows with the number of its people."""
    assert difference.ends is not None, "over_datasets gives an interval"
    low, high = difference.ends
    color = _side_color(difference)
    axes.plot([low, high], [height, height], color=color, linewidth=1.6, solid_capstyle="butt")
    inside = "white" if is_clipped else color
    axes.plot(
        [difference.value],
        [height],
        "o",
        color=color,
        markerfacecolor=inside,
        markersize=min(4 + 0.5 * people**0.5, 14),
    )


def _draw_diamond(axes: Any, height: int, together: Score) -> None:
    """The difference over all datasets, as wide as its interval."""
    assert together.ends is not None, "over_datasets gives an interval"
    low, high = together.ends
    xs = [low, together.value, high, together.value]
    axes.fill(xs, [height, height - 0.22, height, height + 0.22], color=_side_color(together), linewidth=0)


def _side_color(difference: Score) -> str:
    """Blue where the first is better, orange where the second is, else gray."""
    assert difference.ends is not None, "over_datasets gives an interval"
    low, high = difference.ends
    if low > 0:
        return CURVE_COLORS[1]
    return CURVE_COLORS[0] if high < 0 else EQUAL


def _p_in_words(p: float) -> str:
    """A p value with its sign.

    >>> _p_in_words(0.03141), _p_in_words(0.00001)
    ('p = 0.031', 'p < 0.001')
    """
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
