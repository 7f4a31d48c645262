"""Scores over all thresholds: average precision, recall against false positives, F1 over the IoU, one score a frame."""

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mebench.metrics.conventions import Convention
from mebench.metrics.matching import Pairs, find, largest, take_turns
from mebench.metrics.ratios import Bools, Floats, Indices, last_of_equals, ratio

_BLOCK = 64


def claim(pairs: Pairs, draw: Indices, ties: str = "earlier") -> Bools:
    """Which predictions find a truth when they choose one after the other, the surest first.

    The rule of ActivityNet's evaluation (Caba Heilbron et al. 2015): a prediction takes the truth of best IoU among
    those it hits and, if that is taken, the next free one; if none is free it finds nothing.

    Args:
        pairs: allowed pairs; predictions are numbered by rank.
        draw: (n_predictions,) number of the draw; each draw has the truths to itself.
        ties: of truths of equal IoU, whether the `earlier` or the `later` is preferred.

    Returns:
        (n_predictions,) bool.
    """
    return take_turns(pairs, draw, ties) >= 0


def average_precision(hits: Bools, n_truths: int, confidence: Floats | None = None) -> float:
    """Area under the interpolated precision-recall curve, over all its points (MEAN, equation 17).

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        n_truths: number of truths; with none the result is NaN.
        confidence: (n,), falling: intervals of one confidence are one point; without it each is one of its own.

    >>> average_precision(np.array([True, False, True]), 4)  # precision 1 up to recall 1/4, then 2/3 up to 1/2
    0.41666666666666663
    >>> average_precision(np.array([True, False, True]), 4, np.array([0.9, 0.9, 0.5]))  # 2/3 up to 1/2: the first two are 1/2
    0.3333333333333333
    >>> average_precision(np.array([], dtype=bool), 4)
    0.0
    >>> average_precision(np.array([False]), 0)
    nan
    """
    unit, truths = np.zeros(len(hits), dtype=np.int64), np.array([float(n_truths)])
    return float(weighted_average_precision(hits, unit, truths, np.ones((1, 1)), confidence)[0])


def weighted_average_precision(
    hits: Bools, unit: Indices, truths: Floats, weights: Floats, confidence: Floats | None = None
) -> Floats:
    """Average precision when every unit (a subject, say) counts `weight` times, for many weightings at once.

    A weight of 2 is the same as two copies of the subject, for only precisions at hits enter, and the last of equal
    copies has the highest.

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        unit: (n,) unit of each prediction.
        truths: (n_units,) number of truths.
        weights: (n_weightings, n_units), not negative.
        confidence: (n,), falling: as of `average_precision`. No threshold parts equal ones, and what parted them here, the names of
            their videos, must not move a score.

    Returns:
        (n_weightings,), NaN where no truth has a weight.
    """
    n_units, where = len(truths), np.flatnonzero(hits)
    ends = where if confidence is None else (last := last_of_equals(confidence))[np.searchsorted(last, where)]
    # Predictions of each unit up to each hit and those as sure; those after the last of them do not matter.
    bins = np.searchsorted(ends, np.arange(len(hits)))
    before = bins < len(where)
    counts = np.bincount(unit[before] * len(where) + bins[before], minlength=n_units * len(where))
    ranked = counts.reshape(n_units, len(where)).cumsum(axis=1).astype(np.float64)
    whole = np.searchsorted(ends, ends, side="right") - 1  # the last hit as sure as each
    tied = (whole > np.arange(len(where))).any()
    area = np.empty(len(weights))
    # In blocks, so that what is at work fits into the processor's cache.
    for start in range(0, len(weights), _BLOCK):
        block = weights[start : start + _BLOCK]
        own = block[:, unit[where]]
        found = own.cumsum(axis=1)
        precision = ratio(found[:, whole] if tied else found, block @ ranked)
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        area[start : start + _BLOCK] = (own * envelope).sum(axis=1)
    return ratio(area, weights @ truths, np.nan)


class DetectionCurve(NamedTuple):
    """One point for each distinct confidence c, falling: the scores of all spotted intervals at least as sure as c.

    Attributes:
        confidence: (n_points,).
        recall: (n_points,), 0 to 1, never falling; NaN without a truth.
        fp_per_minute: (n_points,), 0 or more, never falling; NaN where the length of the videos is unknown or 0.
    """

    confidence: Floats
    recall: Floats
    fp_per_minute: Floats


def detection_curve(hits: Bools, confidence: Floats, n_truths: int, minutes: float) -> DetectionCurve:
    """The curve of spotted intervals that find truths the surest first, as for average precision.

    Args:
        hits: (n,) whether each found a truth, the surest first.
        confidence: (n,), falling.
        n_truths: number of truths.
        minutes: length of all videos, with or without expressions.

    >>> curve = detection_curve(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]), n_truths=4, minutes=2.0)
    >>> [column.tolist() for column in curve]
    [[0.9, 0.5], [0.25, 0.5], [0.0, 0.5]]
    """
    last = last_of_equals(confidence)
    found = hits.cumsum()[last].astype(np.float64)
    recall = ratio(found, np.full(len(last), float(n_truths)), np.nan)
    rate = ratio(last + 1 - found, np.full(len(last), minutes), np.nan)
    return DetectionCurve(confidence[last], recall, rate)


def thinned(curve: DetectionCurve, points: int = 200) -> DetectionCurve:
    """At most so many points of a curve, evenly spread over its ranks, first and last among them."""
    if len(curve.recall) <= points:
        return curve
    chosen = np.unique(np.linspace(0, len(curve.recall) - 1, points).round().astype(np.int64))
    return DetectionCurve(*(column[chosen] for column in curve))


SWEEP = tuple(Fraction(percent, 100) for percent in range(5, 100, 5))


def found_over_iou(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    convention: Convention,
    pairs: Pairs,
) -> list[tuple[Indices, Floats]]:
    """At every threshold of `SWEEP`, the prediction of each true positive, and how much each prediction counts (`Found.weight`).

    Under `maximum` matching any matching of most pairs will do, for F1 depends on their number alone.
    """
    if convention.matching != "maximum":
        found = [find(truths, predictions, replace(convention, threshold=t), pairs) for t in SWEEP]
        return [(part.prediction, part.weight) for part in found]
    draw, one = predictions["draw"].to_numpy(np.int64), np.ones(len(predictions))
    whole = replace(pairs, truth=draw[pairs.prediction] * max(len(truths), 1) + pairs.truth)
    matched: list[Indices] = []
    for threshold in SWEEP:  # rising, so that as many pairs as before are the same pairs
        near = whole.hits(threshold, convention.reaching)
        same = matched and len(near.truth) == len(whole.truth)
        matched.append(matched[-1] if same else largest(near.prediction, near.truth))
        whole = near
    return [(rows, one) for rows in matched]


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
    wins = pd.Series(values).rank().to_numpy()[is_true].sum() - n_true * (n_true + 1) / 2
    return float(wins / (n_true * n_false))


def frame_truth(frames: pd.DataFrame, truths: pd.DataFrame) -> Bools:
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


def weighted_frame_auc(scores: Floats, truth: Bools, unit: Indices, weights: Floats) -> Floats:
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
    order = np.lexsort((scores, unit, truth))
    ends = np.searchsorted((unit + n_units * truth)[order], np.arange(1, 2 * n_units))
    each = np.split(scores[order], ends)
    parts = each[:n_units], each[n_units:]
    wins = np.zeros((n_units, n_units))
    for of_false, others in enumerate(parts[0]):
        for of_true, own in enumerate(parts[1]):
            # An equal score wins half: it lies between those strictly below and those up to it.
            below, upto = (np.searchsorted(others, own, side=side).sum() for side in ("left", "right"))
            wins[of_true, of_false] = (below + upto) / 2
    n_false, n_true = (weights @ np.array([len(part) for part in side], dtype=np.float64) for side in parts)
    return ratio(np.einsum("wi,ij,wj->w", weights, wins, weights, optimize=True), n_true * n_false, np.nan)
