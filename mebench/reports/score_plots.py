"""Figures as files, and two runs compared person by person."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mebench.errors import ConfigError, refused_by_system
from mebench.files import whole_file
from mebench.metrics.mistakes import sort_mistakes
from mebench.metrics.tables import Tables, of_first_draw, of_kinds
from mebench.output.terminal import for_figure, format_count
from mebench.reports.compare_runs import Side, find_shared_tasks
from mebench.reports.plots import CURVE_COLORS, INK, make_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE_ENDINGS = (".png", ".svg", ".pdf")
EQUAL = "#8b96a5"
"""Colour of people for whom both runs are equal, and of rows that are not ranked."""
SIGNS_AN_INCH = 13
"""Signs of a title that fit into an inch of its figure."""
PEOPLE_NAMED = 40
"""Most people whose names stand below their bars."""


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
