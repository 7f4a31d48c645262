"""Frame-level scores: how well one score per frame separates expressions from the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from mebench.metrics.ratios import Floats, ratio


def frame_auc(scores: ArrayLike, truth: ArrayLike) -> float:
    """Area under the receiver operating characteristic, 0 to 1, 0.5 by chance.

    The probability that a frame of an expression scores higher than another frame, ties counted half.

    Args:
        scores: (n_frames,), higher is likelier; a frame of score NaN is left out.
        truth: (n_frames,) bool, whether an expression covers the frame.

    Returns:
        NaN if all frames, or none, belong to an expression.

    >>> frame_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    >>> frame_auc([0.1, 0.4], [0, 0])
    nan
    """
    values, is_true = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.bool_)
    known = ~np.isnan(values)
    values, is_true = values[known], is_true[known]
    n_true, n_false = int(is_true.sum()), int((~is_true).sum())
    if not n_true or not n_false:
        return float("nan")
    wins = rankdata(values)[is_true].sum() - n_true * (n_true + 1) / 2
    return float(wins / (n_true * n_false))


def frame_truth(frames: pd.DataFrame, truths: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether an expression covers each frame, its onset and offset included.

    Args:
        frames: columns `video` and `frame`.
        truths: columns `video`, `onset`, `offset`, all of the kind that was scored.

    Returns:
        (n_frames,) bool.
    """
    covered = np.zeros(len(frames), dtype=np.bool_)
    rows = frames.groupby("video", sort=False).indices
    number = frames["frame"].to_numpy()
    for video, onset, offset in truths[["video", "onset", "offset"]].itertuples(index=False):
        own = rows.get(video, np.empty(0, dtype=np.int64))
        covered[own] |= (onset <= number[own]) & (number[own] <= offset)
    return covered


def weighted_frame_auc(scores: Floats, truth: NDArray[np.bool_], unit: NDArray[np.int64], weights: Floats) -> Floats:
    """`frame_auc` when every unit (a subject, say) counts `weight` times, for many weightings at once.

    Every pair of units is compared once; a weighting then is a quadratic form.

    Args:
        scores: (n_frames,), none NaN.
        truth: (n_frames,) bool.
        unit: (n_frames,) unit of each frame.
        weights: (n_weightings, n_units), not negative.

    Returns:
        (n_weightings,), NaN where one of the two sides has no weight.
    """
    n_units = weights.shape[1]
    parts = [_sorted_by_unit(scores[truth == side], unit[truth == side], n_units) for side in (False, True)]
    wins = np.zeros((n_units, n_units))
    for of_false, others in enumerate(parts[0]):
        if not len(others):
            continue
        for of_true, own in enumerate(parts[1]):
            below, upto = (np.searchsorted(others, own, side=side).sum() for side in ("left", "right"))
            wins[of_true, of_false] = (below + upto) / 2
    n_false, n_true = (weights @ np.array([len(part) for part in side], dtype=np.float64) for side in parts)
    return ratio(np.einsum("wi,ij,wj->w", weights, wins, weights, optimize=True), n_true * n_false, np.nan)


def _sorted_by_unit(scores: Floats, unit: NDArray[np.int64], n_units: int) -> list[Floats]:
    order = np.lexsort((scores, unit))
    return np.split(scores[order], np.searchsorted(unit[order], np.arange(1, n_units)))
