"""How trainings went: loss and accuracy over the epochs (MEAN, Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mebench.runner.folder import RunFolder

DPI = 150
COLORS = ("#c2410c", "#0369a1", "#4d7c0f", "#7e22ce")
STYLES = {"train": "-", "valid": "--"}
COLUMNS = ("fold", "stage", "epoch", "split", "loss", "accuracy")


def history_of(folder: RunFolder) -> pd.DataFrame:
    """The trainings of all folds that noted any: `COLUMNS`, `split` being `train` or `valid`, `accuracy` NaN where not counted.

    Raises:
        RunError: a table is damaged.
    """
    from mebench.errors import RunError

    parts = []
    for file in sorted(folder.path.glob("folds/*/history.csv")):
        try:
            parts.append(pd.read_csv(file, dtype={"fold": str, "stage": str}))
        except (OSError, ValueError) as error:
            raise RunError(f"{file} cannot be read ({error}): run again") from error
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def training_curves(histories: Mapping[str, pd.DataFrame], title: str = "") -> Figure:
    """Loss and accuracy of one stage over its epochs, the mean over folds; a line for each training and split.

    Args:
        histories: trainings to compare by their names, for example `with transfer` and `without`; columns as `history_of`.
        title: above the figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2)
    for color, (name, history) in zip(COLORS * len(histories), histories.items()):
        for ax, column in zip(axes, ("loss", "accuracy")):
            _lines(ax, history, column, name, color)
    for ax, label in zip(axes, ("loss", "accuracy")):
        ax.set_xlabel("epoch")
        ax.set_ylabel(label)
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].set_ylim(0, 1.02)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def figures_of_training(history: pd.DataFrame) -> dict[str, Figure]:
    """`training_<stage>` for each stage of a run."""
    return {
        f"training_{stage}": training_curves(
            {str(stage): own}, f"training: {stage}, mean over {own['fold'].nunique()} folds"
        )
        for stage, own in history.groupby("stage", sort=False)
    }


def _lines(ax: Axes, history: pd.DataFrame, column: str, name: str, color: str) -> None:
    for split, style in STYLES.items():
        mean = history[history["split"] == split].groupby("epoch")[column].mean().dropna()
        if len(mean):
            marker = "o" if len(mean) == 1 else ""
            ax.plot(
                mean.index + 1,
                mean,
                linestyle=style,
                marker=marker,
                color=color,
                linewidth=1.2,
                label=f"{name}: {split}",
            )
