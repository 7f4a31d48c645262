"""Numbers in the tables of a run that no method gives: they are named in a sentence, before anything is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e15
"""Numbers beyond are no costs and no scores, as in records."""
ANSWERS = ("predictions.parquet", "clips.parquet")
COSTS = "costs.csv"


def find_impossible_value(name: str, table: pd.DataFrame) -> str:
    """What a table of a run holds that no method gives, such as `confidence nan`; empty if there is nothing.

    Args:
        name: name of the file.
        table: its content.
    """
    if name == COSTS:
        return _impossible_cost(table)
    if name in ANSWERS:
        return _impossible_number(table)
    return ""


def _impossible_cost(costs: pd.DataFrame) -> str:
    """A cost below 0 or beyond all bounds; a missing one is none."""
    for column in costs.columns.drop("fold", errors="ignore"):
        values = costs[column].to_numpy()
        if values.dtype.kind not in "iuf":
            return f"{column} {str(values[:1])[:40]}"
        odd = (values < 0) | (values > LARGEST)
        if odd.any():
            return f"{column} {float(values[odd][0]):g}"
    return ""


def _impossible_number(answers: pd.DataFrame) -> str:
    """A confidence or a number of a class that is not finite."""
    columns = {}
    if "confidence" in answers:
        columns["confidence"] = answers["confidence"].to_numpy(np.float64)
    rows = answers["probabilities"].dropna() if "probabilities" in answers else ()
    if len(rows):
        columns["probabilities"] = np.concatenate([np.asarray(row, dtype=np.float64) for row in rows])
    for column, values in columns.items():
        odd = ~(np.abs(values) <= LARGEST)
        if odd.any():
            return f"{column} {float(values[odd][0]):g}"
    return ""
