"""Figures of a study, as Optuna draws them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib import pyplot
from optuna.visualization import matplotlib as plots

from mebench.tuning.records import Study
from mebench.tuning.storage import silent

DEFAULT, DPI = "#111827", 150


def write_figures(stored: optuna.Study, study: Study, folder: Path) -> list[Path]:
    """Write what can be drawn of a study as PNG.

    `history`, `slices` and `importance` are about the first objective, with a line at that of the default; `folds` shows it after each
    inner fold, where trials may be pruned; `pareto` the first two objectives.

    Args:
        stored: the study as Optuna knows it.
        study: the same as it stands; without a complete trial nothing is written.
        folder: where the files go.

    Returns:
        the files.
    """
    names = [objective.path for objective in study.objectives]
    several = len(names) > 1
    about: dict[str, Any] = {"target": (lambda trial: trial.values[0]) if several else None, "target_name": names[0]}
    pair = (lambda trial: trial.values[:2]) if len(names) > 2 else None
    drawn: dict[str, Callable[[], Any]] = {
        "history": partial(plots.plot_optimization_history, stored, **about),
        "slices": partial(plots.plot_slice, stored, **about),
        "importance": partial(plots.plot_param_importances, stored, **about),
        "folds": partial(plots.plot_intermediate_values, stored),
        "pareto": partial(plots.plot_pareto_front, stored, targets=pair, target_names=names[:2]),
    }
    lacking = {
        "importance": not study.importance,
        "folds": not any(t.steps for t in study.trials),
        "pareto": not several,
    }
    files = []
    for name in (name for name in drawn if study.complete and not lacking.get(name)):
        with (
            pyplot.rc_context(),
            pyplot.ioff(),
            silent(),
        ):  # which takes back the style that Optuna chooses for everybody
            axes = np.atleast_1d(drawn[name]())
            if study.default is not None and name in ("history", "slices"):
                for one in axes.flat:
                    one.axhline(study.default.values[0], color=DEFAULT, linestyle=":", label="default")
            if name == "history":
                axes[0].legend()
            files.append(folder / f"{name}.png")
            axes.flat[0].figure.savefig(files[-1], dpi=DPI, bbox_inches="tight")
            pyplot.close(axes.flat[0].figure)
    return files
