"""Many runs in one set of tables, so that what scores one run scores all of them, and any mixture of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import ConfigError, unknown
from mebench.metrics.bootstrap import Evaluate, Resampling, Score
from mebench.metrics.ratios import Floats
from mebench.metrics.statistics.jackknife import Scale, scale_of
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables


@dataclass(frozen=True)
class Pool:
    """Runs on the same truth, as if each had been scored on subjects of its own.

    Attributes:
        tables: of all runs; run 2's copy of the subject `a/01` is `2|a/01`.
        units: (n_runs, n_subjects) where each run's predictions of each subject stand among the units of scoring.
    """

    tables: Tables
    units: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Sequence[Tables]) -> Pool:
        """Of methods that predict by chance, the first draw.

        Raises:
            DataError: the tables of a run do not fit together.
        """
        marked = [_marked(tables, f"{number}|") for number, tables in enumerate(runs)]
        videos, truths, predictions, clips = (
            _joined([getattr(tables, name) for tables in marked])
            for name in ("videos", "truths", "predictions", "clips")
        )
        assert videos is not None and truths is not None
        tables = Tables(videos, truths, predictions, clips)
        people = tables.ordered().videos.drop_duplicates("unit")
        parts = people["subject"].str.partition("|")
        ranked = people.assign(run=parts[0].astype("int64"), own=parts[2]).sort_values(["run", "dataset", "own"])
        return cls(tables, ranked["unit"].to_numpy(np.int64).reshape(len(runs), -1))

    def scorer(
        self, path: str, kinds: Sequence[str], classes: Sequence[str], convention: str
    ) -> Callable[[Floats], Floats]:
        """From (m, n_units) weights to (m,) values of the score at `path`, such as `spotting.micro.f1`.

        Raises:
            ConfigError: these runs have no such score.
        """
        recorder = _Recorder(np.empty((0, self.units.size)))
        summarize(
            self.tables, kinds=kinds, classes=classes, seed=0, convention=convention, draws=0, resampling=recorder
        )
        ones = np.ones((1, self.units.size))
        for section, evaluate in recorder.sections.items():
            for name in evaluate(ones):
                if path in (f"{section}.{name}", section if section.endswith(f".{name}") else ""):
                    return lambda weights: evaluate(weights)[name]
        raise ConfigError(unknown("score of these runs", path, recorder.sections))


def _marked(tables: Tables, mark: str) -> Tables:
    def own(table: pd.DataFrame | None) -> pd.DataFrame | None:
        if table is None:
            return None
        return table.assign(**{column: mark + table[column] for column in ("video", "subject") if column in table})

    first = None if tables.predictions is None else tables.predictions[tables.predictions["draw"] == 0]
    videos, truths = own(tables.videos), own(tables.truths)
    assert videos is not None and truths is not None
    return Tables(videos, truths, own(first), own(tables.clips))


def _joined(parts: Sequence[pd.DataFrame | None]) -> pd.DataFrame | None:
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    # Empty tables have columns of no type, which would spoil those of the others.
    return pd.concat([part for part in there if len(part)] or there[:1], ignore_index=True)


@dataclass
class _Recorder(Resampling):
    """Keeps what would be evaluated, under the name of its section."""

    sections: dict[str, Evaluate] = field(default_factory=dict)

    def scores(self, section: str, evaluate: Evaluate, scale: Callable[[str], Scale] = scale_of) -> dict[str, Score]:
        self.sections[section] = evaluate
        return super().scores(section, evaluate, scale)
