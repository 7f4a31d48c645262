"""Which videos a convention scores, and who comes first."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.rules import Convention


def in_scope(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The truths and predictions that count under a convention, in the order in which predictions take turns.

    A dummy interval [0, 0] (`Convention.silence`) stands where its video's would: right before the first row of the
    next video, in the order of the truths, for which anything was spotted. It has no apex, emotion or confidence.

    Args:
        truths: as in `Tables.ordered`, of the kinds that are pooled; kinds are looked at one by one.
        predictions: the same.
        convention: the rules.

    Returns:
        Both tables, numbered anew; the same tables under `strict`.
    """
    if convention.videos == "with_truth":
        predictions = predictions[_known(predictions, truths, ["video", "kind"])]
    elif convention.videos == "with_result":
        truths = truths[_known(truths, predictions, ["video", "kind"])]
    elif convention.videos == "of_spotted_subjects":
        truths = truths[_known(truths, predictions, ["unit", "kind"])]
        predictions = predictions[_known(predictions, truths, ["video", "kind"])]
    if convention.silence == "dummy":
        predictions = pd.concat([predictions, _dummies(truths, predictions)], ignore_index=True)
    if convention.order == "rows":
        predictions = predictions.sort_values("row", kind="stable")
    return truths.reset_index(drop=True), predictions.reset_index(drop=True)


def _known(table: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> NDArray[np.bool_]:
    """Whether each row's values of some columns occur in another table."""
    return np.asarray(pd.MultiIndex.from_frame(table[columns]).isin(pd.MultiIndex.from_frame(other[columns])))


def _dummies(truths: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """One interval [0, 0] for each draw, video and kind with a truth and without a prediction."""
    keys = ["video", "kind"]
    asked = truths.sort_values("row", kind="stable").drop_duplicates(keys)[[*keys, "unit", "dataset", "fps"]]
    parts = []
    for draw in sorted(set(predictions["draw"])) or [0]:
        own = predictions[predictions["draw"] == draw]
        first = own.groupby(keys)["row"].min()
        place = first.reindex(pd.MultiIndex.from_frame(asked[keys])).to_numpy(np.float64)
        silent = np.isnan(place)
        following = pd.Series(place).bfill().to_numpy() - 0.5
        parts.append(asked[silent].assign(row=np.nan_to_num(following[silent], nan=np.inf), draw=draw))
    dummies = pd.concat(parts)
    assert isinstance(dummies, pd.DataFrame)
    return dummies.assign(onset=0, offset=0, apex=np.nan, confidence=np.nan, emotion="", surest=np.nan)
