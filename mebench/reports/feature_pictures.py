"""Pictures of what each step of a chain makes, for `mebench features show`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.features.stages import Stage
from mebench.output.terminal import for_figure
from mebench.reports.plots import make_panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS = 8
"""Pictures of a stage; of more only the first ones and the last are drawn."""
LONGEST_STRIP = 4
"""Rows or columns up to which an array is drawn as bars, since it is no picture."""


def draw_stages(stages: Sequence[Stage], title: str) -> Figure:
    """A row of pictures for each stage: its frames or maps over time, else its channels.

    Args:
        stages: those of a chain, in order.
        title: line above the figure.
    """
    panels = [_panels_of(stage) for stage in stages]
    n_columns = max(len(row) for row in panels)
    figure, axes = make_panels(1.5 * n_columns + 0.6, 1.75 * len(stages) + 0.4, rows=len(stages), columns=n_columns)
    for number, (stage, row) in enumerate(zip(stages, panels)):
        row_axes = axes[number * n_columns : (number + 1) * n_columns]
        for ax, (name, values) in zip(row_axes, row):
            _draw_panel(ax, values)
            ax.set_title(name, fontsize=7)
        row_axes[0].set_ylabel(f"{for_figure(stage.step)}\n{shape_text(stage.array)}", fontsize=7)
        for ax in row_axes[len(row) :]:
            ax.set_axis_off()
    figure.suptitle(for_figure(title), fontsize=9)
    return figure


def shape_text(array: NDArray[Any]) -> str:
    """A shape as 8 x 28 x 28 x 3."""
    return " x ".join(map(str, array.shape))


def range_text(array: NDArray[Any]) -> str:
    """The least and the largest number of an array."""
    numbers = np.asarray(array, np.float64)
    if not numbers.size:
        return "empty"
    return f"{np.nanmin(numbers):.4g} to {np.nanmax(numbers):.4g}"


def _panels_of(stage: Stage) -> list[tuple[str, NDArray[Any]]]:
    """The pictures of a stage with their names."""
    array = np.asarray(stage.array)
    if stage.over_time:
        return [(f"{number + 1} of {len(array)}", _visible(array[number])) for number in _chosen(len(array))]
    if array.ndim != 3:
        return [("", np.atleast_2d(array.astype(np.float32)))]
    if array.shape[0] <= LONGEST_STRIP or array.shape[1] <= LONGEST_STRIP:
        return [("all numbers", array.reshape(1, -1).astype(np.float32))]
    return [
        (f"channel {number + 1} of {array.shape[2]}", array[..., number].astype(np.float32))
        for number in _chosen(array.shape[2])
    ]


def _chosen(n: int) -> list[int]:
    """Positions of at most `MOST_PANELS` of n, the first and the last among them."""
    if n <= MOST_PANELS:
        return list(range(n))
    return [round(position) for position in np.linspace(0, n - 1, MOST_PANELS)]


def _visible(picture: NDArray[Any]) -> NDArray[Any]:
    """A frame or map as a picture: gray, or in colour; of flow its length."""
    if picture.ndim == 2:
        return picture
    if picture.shape[2] == 1:
        return picture[..., 0]
    if picture.dtype == np.uint8:
        return picture[..., ::-1]  # OpenCV's order of colours
    if picture.shape[2] == 3 and picture.min() >= 0 and picture.max() > 1:
        return picture.astype(np.uint8)
    length: NDArray[Any] = np.hypot(picture[..., 0], picture[..., 1])
    return length.astype(np.float32)


def _draw_panel(ax: Any, values: NDArray[Any]) -> None:
    """One picture without axes; a single row of numbers as bars."""
    ax.set_xticks([])
    ax.set_yticks([])
    if len(values) == 1:
        ax.bar(range(values.size), values.ravel(), width=1.0, color="#0369a1")
        return
    signed = values.dtype != np.uint8 and values.min() < 0
    most = float(np.abs(values).max()) or 1.0
    limits: dict[str, Any] = {"vmin": -most, "vmax": most, "cmap": "RdBu_r"} if signed else {"cmap": "gray"}
    if values.dtype == np.uint8 and values.ndim == 2:
        limits |= {"vmin": 0, "vmax": 255}
    ax.imshow(values, **limits)
