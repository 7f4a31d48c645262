"""Two runs in one set of tables, so that what scores one run scores both, and any mixture of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mebench.metrics.statistics.paired import Pairing
from mebench.metrics.tables import Tables


def pooled(first: Tables, second: Tables) -> Tables:
    """Both runs in one set of tables, as if either had been scored on subjects of its own."""
    sides = [_marked(first, "1"), _marked(second, "2")]

    def joined(name: str) -> pd.DataFrame | None:
        parts: list[pd.DataFrame] = [part for side in sides if (part := getattr(side, name)) is not None]
        if len(parts) < 2:
            return None
        # Empty tables have columns of no type, which would spoil those of the others.
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    videos, truths = joined("videos"), joined("truths")
    assert videos is not None and truths is not None
    return Tables(videos, truths, joined("predictions"), joined("clips"))


def _marked(tables: Tables, side: str) -> Tables:
    def mark(table: pd.DataFrame | None) -> pd.DataFrame | None:
        if table is None:
            return None
        columns = [column for column in ("video", "subject") if column in table]
        return table.assign(**{column: [f"{side}|{text}" for text in table[column]] for column in columns})

    predictions = tables.predictions
    if predictions is not None:  # a method that predicts by chance: its first draw
        predictions = predictions[predictions["draw"] == 0]
    videos, truths = mark(tables.videos), mark(tables.truths)
    assert videos is not None and truths is not None
    return Tables(videos, truths, mark(predictions), mark(tables.clips))


def paired_units(pool: Tables) -> tuple[Pairing, list[str]]:
    """Where each subject's two copies stand among the units of scoring, and its dataset."""
    people = pool.ordered().videos.drop_duplicates("unit").sort_values("unit")
    side, subject = people["subject"].str[0], people["subject"].str[2:]
    one, other = (
        people.assign(subject=subject)[side == mark].sort_values(["dataset", "subject"]) for mark in ("1", "2")
    )
    assert one["subject"].tolist() == other["subject"].tolist()  # the same truth has the same subjects
    return Pairing(one["unit"].to_numpy(np.int64), other["unit"].to_numpy(np.int64)), one["dataset"].tolist()
