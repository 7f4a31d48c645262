"""Which spotted apexes lie inside expressions, for the apex spotting rate (ASR)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.average_precision import claim
from mebench.metrics.matching import Indices, Pairs


def apex_claims(truths: pd.DataFrame, predictions: pd.DataFrame, pairs: Pairs) -> NDArray[np.bool_]:
    """Which predictions spot the apex of an expression, for the apex spotting rate (ASR).

    On short videos, with one expression each, the rate is the share of videos whose surest prediction has its apex
    strictly between onset and offset (MEAN, equation 13). Here the same is asked of any video: only its N surest
    predictions of a kind count, N being the number of its truths of that kind, and each may claim one truth that
    strictly contains its apex and that no surer one claimed (the earliest, if there are several). The rate is claimed
    truths / truths; with N = 1 it is equation 13.

    Returns:
        (n_predictions,) bool; rows must be in the order of `Tables.ordered`.
    """
    place = predictions.groupby(["video", "kind", "draw"], sort=False).cumcount().to_numpy()
    per_group = truths.groupby(["video", "kind"], sort=False)["onset"].transform("size").to_numpy(np.int64)
    apex = predictions["apex"].to_numpy(np.float64)[pairs.prediction]
    onset, offset = (truths[column].to_numpy(np.int64)[pairs.truth] for column in ("onset", "offset"))
    allowed = (place[pairs.prediction] < per_group[pairs.truth]) & (onset < apex) & (apex < offset)
    some = pairs.where(allowed)
    # With equal overlaps `claim` takes the earliest truth.
    level = np.ones_like(some.truth)
    return claim(Pairs(some.prediction, some.truth, level, level), predictions["draw"].to_numpy(np.int64))


class FirstApexes(NamedTuple):
    """The first spotted interval of each video beside its first truth.

    Attributes:
        asked: (n_truths,) 1 for the first truth of each video and kind, else 0.
        prediction: (n,) row of the first prediction, for each draw, video and kind that has one.
        truth: (n,) row of the first truth.
        inside: (n,) bool, whether the spotted apex lies strictly between its onset and offset.
    """

    asked: NDArray[np.float64]
    prediction: Indices
    truth: Indices
    inside: NDArray[np.bool_]


def first_apexes(truths: pd.DataFrame, predictions: pd.DataFrame) -> FirstApexes:
    """What MEAN's released code looks at for ASR and the apex error: rows are in order, and later ones do not count."""
    keys = ["video", "kind"]
    asked = (~truths.duplicated(keys)).to_numpy()
    first = truths.loc[asked, [*keys, "onset", "offset"]].assign(truth=np.flatnonzero(asked))
    said = predictions.loc[~predictions.duplicated([*keys, "draw"]), [*keys, "apex"]]
    both = said.assign(prediction=said.index).merge(first, on=keys)
    inside = (both["onset"] < both["apex"]) & (both["apex"] < both["offset"])
    return FirstApexes(
        asked.astype(np.float64),
        both["prediction"].to_numpy(np.int64),
        both["truth"].to_numpy(np.int64),
        inside.to_numpy(np.bool_),
    )
