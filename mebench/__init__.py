"""mebench: the benchmark suite for facial micro-expressions.

The functions that run, score, compare and spot, as the command `mebench` does: `run`, `sweep`, `resume`, `load_run`, `evaluate`, `tune`,
`combine`, `score`, `compare`, `mistakes`, `table`, `plot`, `spot`, `load_model`, `leaderboard`, and `methods()` and `datasets()`, which
list what there is.
Results are objects with data frames (`.scores`, `.predictions`, `.frame_scores`, `.folds`), a timeline of each video, and a table in
notebooks.

    import mebench

    run = mebench.run(method="optical_strain", dataset="synthetic")
    run.scores.loc["spotting.micro.f1"]
    run.plot_timeline()

Importing this is light; PyTorch and the like come with the first call that needs them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mebench._installation import VERSION
from mebench.plugin_packages import Listed

__version__ = VERSION

__all__ = [
    "Comparison",
    "MEDataModule",
    "Mistakes",
    "Run",
    "Scores",
    "Spottings",
    "Sweep",
    "TrainedModel",
    "Tuning",
    "combine",
    "compare",
    "datasets",
    "evaluate",
    "leaderboard",
    "load_model",
    "load_run",
    "methods",
    "mistakes",
    "plot",
    "resume",
    "run",
    "score",
    "score_folds",
    "spot",
    "sweep",
    "table",
    "tune",
]

if TYPE_CHECKING:
    import pandas as pd

    from mebench.api import (
        Comparison,
        MEDataModule,
        Mistakes,
        Run,
        Scores,
        Spottings,
        Sweep,
        TrainedModel,
        Tuning,
        combine,
        compare,
        evaluate,
        leaderboard,
        load_model,
        load_run,
        mistakes,
        plot,
        resume,
        run,
        score,
        score_folds,
        spot,
        sweep,
        table,
        tune,
    )
    from mebench.api.run_results import Names

    def datasets(plugins: Names = ()) -> pd.DataFrame:
        """All datasets, see `mebench.api.listed`."""

    def methods(plugins: Names = ()) -> pd.DataFrame:
        """All methods, see `mebench.api.listed`."""


def __getattr__(name: str) -> Any:
    if name in ("datasets", "methods"):  # packages that can be called
        return import_module(f"mebench.{name}")
    if name in __all__:
        return getattr(import_module("mebench.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


Listed.listed = lambda kind, plugins: import_module("mebench.api").listed(kind, plugins)
Listed.built = lambda *how, **params: import_module("mebench.api").built(*how, **params)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
