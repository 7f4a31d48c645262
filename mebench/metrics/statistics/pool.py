"""Several runs in one set of tables, so that what scores one run scores all of them, and any mixture of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from mebench.metrics.bootstrap import Evaluate, Resampling, Score
from mebench.metrics.statistics.paired import Pairing
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables


def pooled(runs: Sequence[Tables]) -> Tables:
    """All runs in one set of tables, as if each had been scored on subjects of its own: the second's `a/01` is `2|a/01`.

    Of methods that predict by chance, the first draw.
    """
    marked = [_marked(tables, f"{number}|") for number, tables in enumerate(runs, 1)]
    videos, truths, predictions, clips = (
        _joined([getattr(tables, name) for tables in marked]) for name in ("videos", "truths", "predictions", "clips")
    )
    assert videos is not None and truths is not None
    return Tables(videos, truths, predictions, clips)


def sections_of(
    pool: Tables, n_units: int, kinds: Sequence[str], classes: Sequence[str], convention: str
) -> dict[str, Evaluate]:
    """What scores a pool of `n_units` subjects under other weights, by section of the summary."""
    recorder = _Recorder(np.empty((0, n_units)))
    summarize(pool, kinds=kinds, classes=classes, seed=0, convention=convention, draws=0, resampling=recorder)
    return recorder.sections


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

    def scores(self, section: str, evaluate: Evaluate, differences: bool = False) -> dict[str, Score]:
        self.sections[section] = evaluate
        return super().scores(section, evaluate, differences)


def paired_units(pool: Tables) -> tuple[Pairing, list[str]]:
    """Of a pool of two runs: where each subject's two copies stand among the units of scoring, and its dataset."""
    people = pool.ordered().videos.drop_duplicates("unit").sort_values("unit")
    side, subject = people["subject"].str[0], people["subject"].str[2:]
    one, other = (
        people.assign(subject=subject)[side == mark].sort_values(["dataset", "subject"]) for mark in ("1", "2")
    )
    assert one["subject"].tolist() == other["subject"].tolist()  # the same truth has the same subjects
    return Pairing(one["unit"].to_numpy(np.int64), other["unit"].to_numpy(np.int64)), one["dataset"].tolist()
