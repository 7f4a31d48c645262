"""Figures of scores for papers: chosen rows with their intervals, and two runs compared person by person."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mebench.errors import ConfigError, refused_by_system
from mebench.files import whole_file
from mebench.metrics.mistakes import sort_mistakes
from mebench.metrics.tables import Tables, of_first_draw, of_kinds
from mebench.output.terminal import for_figure, format_count
from mebench.reports.compare_runs import Side, find_shared_tasks
from mebench.reports.plots import CURVE_COLORS, INK, RULE, make_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_ENDINGS = (".png", ".svg", ".pdf")
EQUAL = "#8b96a5"
"""Colour of rows that are not ranked, and of people for whom both runs are equal."""
SIGNS_AN_INCH = 13
"""Signs of a title that fit into an inch of its figure."""
PEOPLE_NAMED = 40
"""Most people whose names stand below their bars."""


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
    scores: Mapping[str, Mapping[str, Any]]
    groups: str = ""
    ranked: bool = True
    settings: str = ""

    @property
    def lines(self) -> list[str]:
        """The name, and the settings below it."""
        return [self.name, *textwrap.wrap(self.settings, SIGNS_OF_SETTINGS)]


SIGNS_OF_SETTINGS = 36
"""Most signs in a line of settings below a name."""


def check_figure(option: str, target: str) -> None:
    """Refuse a file whose ending is that of no figure.

    Raises:
        ConfigError: it is.
    """
    if Path(target).suffix.lower() not in FIGURE_ENDINGS:
        raise ConfigError(f"{option} must name a file that ends in {', '.join(FIGURE_ENDINGS)}, not {target!r}")


def save_figure(figure: Figure, target: str | Path) -> Path:
    """Write a figure in the form of the file's ending.

    Raises:
        ConfigError: the ending is that of no figure.
        DataError: the file cannot be written.
    """
    file = Path(target).expanduser()
    check_figure("the figure", str(file))
    with refused_by_system(f"{file} cannot be written", "name another file"):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as writing:
            figure.savefig(writing)
    return file


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
        axes.set_xlabel(f"{for_figure(label)}, 95 % interval")
        axes.grid(axis="x", color=RULE)
        axes.set_axisbelow(True)
    names = ["\n".join(map(for_figure, row.lines)) for row in rows]
    panels[0].set_yticks(range(len(rows)), names, fontsize=9)
    panels[0].invert_yaxis()
    if title:
        figure.suptitle(for_figure(title), x=0.01, ha="left", fontsize=10)
    return figure


def _draw_intervals(axes: Axes, rows: Sequence[PlottedRow], metric: str, with_groups: bool) -> None:
    """Draw one score of all rows, with the letters of their groups if wanted."""
    ends = []
    for height, row in enumerate(rows):
        score = row.scores[metric]
        if score["value"] is None:
            continue
        color = CURVE_COLORS[1] if row.ranked else EQUAL
        low = score["value"] if score["low"] is None else score["low"]
        high = score["value"] if score["high"] is None else score["high"]
        axes.plot([low, high], [height, height], color=color, linewidth=1.6, solid_capstyle="butt")
        axes.plot([score["value"]], [height], "o", color=color, markersize=5)
        ends.append(high)
    if with_groups and any(row.groups for row in rows) and ends:
        place = max(ends)
        for height, row in enumerate(rows):
            axes.annotate(
                row.groups, (place, height), (6, 0), textcoords="offset points", va="center", fontsize=8, color=INK
            )


def score_people(sides: Sequence[Tables], task: str, kinds: Sequence[str]) -> pd.Series:
    """A score of each person, the mean over runs: accuracy of clips, or F1 of spotted intervals.

    Args:
        sides: tables of the runs of one side, which differ in the seed.
        task: `recognize` or `spot`.
        kinds: spotted kinds that count.

    Returns:
        The scores by subject; a person without a clip, or without a truth and an interval, has none.
    """
    scores: list[pd.Series] = []
    for side in sides:
        of_people = _accuracy_of_people(side) if task == "recognize" else _f1_of_people(side, kinds)
        scores.append(of_people)
    return pd.concat(scores, axis="columns").mean(axis="columns").dropna()


def _accuracy_of_people(tables: Tables) -> pd.Series:
    """The share of right clips of each person."""
    assert tables.clips is not None
    right = (tables.clips["truth"] == tables.clips["predicted"]).fillna(False)
    return right.astype(float).groupby(tables.clips["subject"]).mean()


def _f1_of_people(tables: Tables, kinds: Sequence[str]) -> pd.Series:
    """F1 of the spotted intervals of each person, in the first draw."""
    first = of_first_draw(tables)
    subject_of = first.videos.set_index("video")["subject"]
    n_mistakes = sort_mistakes(first, kinds)["subject"].value_counts()
    n_true, n_spotted = (
        of_kinds(part, kinds)["video"].map(subject_of).value_counts() for part in (first.truths, first.spotted)
    )
    people = sorted(set(subject_of))
    true, spotted, wrong = (part.reindex(people, fill_value=0) for part in (n_true, n_spotted, n_mistakes))
    # truths + intervals = 2 TP + FP + FN, and FP + FN are the mistakes
    return (1 - wrong / (true + spotted)).where(true + spotted > 0)


def draw_sides(first: Side, second: Side, path: str) -> Figure:
    """The difference of two sides of a comparison, person by person.

    Args:
        first: A.
        second: B.
        path: path of a compared score, which says whether clips or intervals are compared.

    Raises:
        ConfigError: no person has a score of both.
    """
    _, kinds = find_shared_tasks(first, second)
    task = "recognize" if path.startswith("recognition") else "spot"
    label = "accuracy of clips" if task == "recognize" else f"F1 of spotting ({', '.join(kinds)})"
    of_first, of_second = (
        score_people([one.tables for one in (side, *side.others)], task, kinds) for side in (first, second)
    )
    if not len(of_first.index.intersection(of_second.index)):
        raise ConfigError("no person has a score of both, so there is no difference to plot: leave --plot out")
    return draw_differences(of_first, of_second, (first.title, second.title), label)


def draw_differences(first: pd.Series, second: pd.Series, names: tuple[str, str], score: str) -> Figure:
    """The difference of two runs for each person, the largest first.

    Args:
        first: score of each person in the first run.
        second: score of each person in the second run.
        names: names of both.
        score: name of the score.
    """
    both = (first - second).dropna().sort_values(ascending=False, kind="stable")
    better = int((both > 0).sum())
    worse = int((both < 0).sum())
    figure, (axes,) = make_panels(min(max(5.0, 1.5 + 0.16 * len(both)), 16.0), 3.6)
    colors = np.select([both > 0, both < 0], [CURVE_COLORS[1], CURVE_COLORS[0]], EQUAL)
    axes.bar(range(len(both)), both, color=list(colors), width=0.8)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axhline(float(both.mean()), color=INK, linewidth=0.9, linestyle=(0, (5, 4)))
    axes.set(ylabel=f"{score}, A - B", xlim=(-0.7, len(both) - 0.3))
    if len(both) <= PEOPLE_NAMED:
        axes.set_xticks(range(len(both)), [for_figure(str(name)) for name in both.index], rotation=90, fontsize=7)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(both)} people")
    equal = len(both) - better - worse
    better_people = format_count(better, "person", "people")
    counts = f"A is better for {better_people}, B for {worse}, equal for {equal}; dashes: mean {both.mean():+.3f}"
    n_signs = int(SIGNS_AN_INCH * figure.get_figwidth())
    said = (f"A  {names[0]}", f"B  {names[1]}", counts)
    lines = []
    for sentence in said:
        lines += textwrap.wrap(sentence, n_signs, break_on_hyphens=False)
    axes.set_title("\n".join(map(for_figure, lines)), loc="left", fontsize=9)
    return figure
