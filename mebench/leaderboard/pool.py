"""Many runs in one set of tables, so that what scores one run scores all of them, and any mixture of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mebench.errors import ConfigError, unknown
from mebench.metrics.comparison import pooled, sections_of
from mebench.metrics.ratios import Floats
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
        tables = pooled(runs)
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
        sections = sections_of(self.tables, self.units.size, kinds, classes, convention)
        ones = np.ones((1, self.units.size))
        for section, evaluate in sections.items():
            for name in evaluate(ones):
                if path in (f"{section}.{name}", section if section.endswith(f".{name}") else ""):
                    return lambda weights: evaluate(weights)[name]
        raise ConfigError(unknown("score of these runs", path, sections))
