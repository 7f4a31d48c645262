"""Figures of a study, drawn with matplotlib's objects: no window, no global state."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mebench.tuning.records import Study, Trial
from mebench.tuning.show import value_in_words
from mebench.tuning.space import Dimension, Space

TRIAL, BEST, DEFAULT, PRUNED = "#0369a1", "#c2410c", "#111827", "#9ca3af"
"""Blue and orange stay apart for colour-blind readers and in print."""
DPI = 150
COLUMNS = 3


def write_figures(study: Study, space: Space, folder: Path) -> list[Path]:
    """Write what can be drawn of a study as PNG: `history`, `importance`, `slices`, and `pareto` for two objectives or more.

    Args:
        study: with any number of trials; without a complete one nothing is written.
        space: what is tuned.
        folder: where the files go.

    Returns:
        the files.
    """
    drawn: dict[str, Callable[[], Figure]] = {
        "history": partial(history, study, space),
        "slices": partial(slices, study, space),
        **({"importance": partial(importance, study)} if study.importance else {}),
        **({"pareto": partial(pareto, study, space)} if len(study.objectives) > 1 else {}),
    }
    files = {folder / f"{name}.png": draw for name, draw in drawn.items() if study.complete}
    for file, draw in files.items():
        draw().savefig(file)
    return list(files)


def history(study: Study, space: Space) -> Figure:
    """The first objective of each trial, and the best one so far."""
    figure, (axes,) = _canvas(8, 3.6, 1, 1)
    sign = 1 if study.objectives[0].direction == "maximize" else -1
    best = [sign * value for value in accumulate((sign * t.values[0] for t in study.complete), max)]
    numbers = [t.number for t in study.complete]
    axes.step(numbers, best, where="post", color=BEST, linewidth=1.6, label="best so far")
    pruned = [(t.number, t.steps[max(t.steps)]) for t in study.trials if t.state == "pruned" and t.steps]
    if pruned:
        stopped, values = [number for number, _ in pruned], [value for _, value in pruned]
        axes.scatter(stopped, values, marker="x", s=18, color=PRUNED, label="pruned, over the folds until then")
    _points(axes, study, space, lambda trial: trial.number)
    axes.set(xlabel="trial", ylabel=study.objectives[0].path)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def importance(study: Study) -> Figure:
    """Share of each parameter in the variance of the first objective (PED-ANOVA; Watanabe, Bansal and Hutter 2023)."""
    rows = sorted(study.importance.items(), key=lambda row: row[1])
    figure, (axes,) = _canvas(7, 1.1 + 0.34 * len(rows), 1, 1)
    names = [key.removeprefix("method.") for key, _ in rows]
    axes.bar_label(axes.barh(names, [share for _, share in rows], color=TRIAL), fmt="%.2f", padding=4, fontsize=9)
    most = max(share for _, share in rows)
    axes.set(xlim=(0, most * 1.15 or 1), xlabel=f"importance for {study.objectives[0].path}")
    return figure


def slices(study: Study, space: Space) -> Figure:
    """The first objective against each parameter."""
    columns = min(n := len(space.dimensions), COLUMNS)
    rows = -(-n // columns)
    figure, every = _canvas(3.4 * columns + 0.8, 2.9 * rows + 0.5, rows, columns)
    for axes, dimension in zip(every, space.dimensions):
        _points(axes, study, space, _placing(axes, dimension))
        axes.set_xlabel(dimension.key.removeprefix("method."))
    for axes in every[n:]:
        axes.set_visible(False)
    figure.supylabel(study.objectives[0].path, fontsize=10)
    figure.legend(*every[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def pareto(study: Study, space: Space) -> Figure:
    """The second objective against the first; a line joins the trials that none beats in all objectives."""
    one, other = study.objectives[:2]
    figure, (axes,) = _canvas(7, 4.6, 1, 1)
    front = study.front()
    label = "Pareto front" + (f", of {len(study.objectives)} objectives" if len(study.objectives) > 2 else "")
    ends = zip(*(trial.values[:2] for trial in front))
    axes.plot(*ends, color=BEST, linewidth=1.2, marker="o", markersize=6, label=label)
    _points(axes, study, space, lambda trial: trial.values[0], place=1, best=False)
    for trial in front:
        place = trial.values[0], trial.values[1]
        axes.annotate(str(trial.number), place, xytext=(4, 4), textcoords="offset points", fontsize=8)
    better = {"maximize": "higher is better", "minimize": "lower is better"}
    axes.set(xlabel=f"{one.path} ({better[one.direction]})", ylabel=f"{other.path} ({better[other.direction]})")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def _points(
    axes: Axes, study: Study, space: Space, x: Callable[[Trial], Any], place: int = 0, best: bool = True
) -> None:
    """All complete trials as dots, those of the default and the best one marked."""
    default, first = study.default, study.best()
    every = study.complete
    axes.scatter(
        [x(t) for t in every], [t.values[place] for t in every], s=14, color=TRIAL, alpha=0.65, label="trial", zorder=2
    )
    if default is not None and default in every:
        axes.scatter([x(default)], [default.values[place]], marker="D", s=34, color=DEFAULT, label="default", zorder=3)
    if best and first is not None and first in every:
        axes.scatter([x(first)], [first.values[place]], marker="*", s=110, color=BEST, label="best", zorder=4)


def _placing(axes: Axes, dimension: Dimension) -> Callable[[Trial], Any]:
    """Prepare the x axis of a parameter; what gives the place of a trial on it."""
    if not dimension.choices:
        if dimension.log:
            axes.set_xscale("log")
        return lambda trial: trial.params[dimension.key]
    names = [value_in_words(choice) for choice in dimension.choices]
    slanted = sum(map(len, names)) > 24
    axes.set_xticks(range(len(names)), names, rotation=25 if slanted else 0, ha="right" if slanted else "center")
    axes.set_xlim(-0.6, len(names) - 0.4)
    return lambda trial: dimension.choices.index(trial.params[dimension.key])


def _canvas(width: float, height: float, rows: int, columns: int) -> tuple[Figure, Sequence[Axes]]:
    """Empty axes in a figure of that size in inches, tied to Agg and to nothing global."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    every = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in every:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=9)
    return figure, every
