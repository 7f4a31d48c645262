"""Numbers in the tables of a run that no method gives: they are named in a sentence, before anything is computed from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 1e15
"""Numbers beyond are no costs and no scores, as in records."""
FARTHEST_FRAME = 10**9
"""Frame numbers beyond are none: a film of a day at 1,000 frames a second has a tenth of it."""
FRAMES = ("onset", "apex", "offset")
ANSWERS = ("predictions.parquet", "clips.parquet", "truth.parquet")
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
    """A frame, a confidence or a number of a class that is not finite. An apex may be missing."""
    columns = {}
    for column in FRAMES:
        if column in answers:
            frames = answers[column].dropna() if column == "apex" else answers[column]
            if frames.dtype == np.int64 and (np.abs(frames.to_numpy()) <= FARTHEST_FRAME).all():
                continue  # as in nearly all tables, in a tenth of the time
            odd = ~(frames.abs() <= FARTHEST_FRAME).to_numpy(bool, na_value=False)
            if odd.any():
                return f"{column} {float(frames[odd].iloc[0]):g}"
    if "confidence" in answers:
        columns["confidence"] = answers["confidence"].to_numpy(np.float64)
    rows = answers["probabilities"].dropna().tolist() if "probabilities" in answers else []
    if len(rows):
        columns["probabilities"] = np.concatenate(rows).astype(np.float64)
    for column, values in columns.items():
        odd = ~(np.abs(values) <= LARGEST)
        if odd.any():
            return f"{column} {float(values[odd][0]):g}"
    return ""
