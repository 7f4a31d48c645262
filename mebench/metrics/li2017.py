"""The spotting measure of Li et al. 2017 ("Towards Reading Hidden Emotions", arXiv 1511.00423): peaks near expressions.

A spotted sequence of N frames is right if its peak lies in [onset - (N - 1) / 4, offset + (N - 1) / 4] of an annotated
expression; otherwise its N frames are false positive frames. The true positive rate is the share of the annotated
frames that belong to expressions so found, the false positive rate that of false positive frames among all others.
"""

import numpy as np
import pandas as pd

from mebench.metrics.ratios import Bools, Floats, Indices, largest_before
from mebench.metrics.tables import number_groups


def peak_hits(truths: pd.DataFrame, predictions: pd.DataFrame, prediction: Indices, truth: Indices) -> Bools:
    """Whether the apex of a spotted interval lies near a truth.

    It may be a quarter of its length away.

    Args:
        truths: columns `onset` and `offset`, frames, both ends inclusive.
        predictions: the same and `apex`; without an apex it is the interval's middle.
        prediction: (n_pairs,) rows of predictions.
        truth: (n_pairs,) rows of truths of the same video and kind.

    Returns:
        (n_pairs,) bool, exact: apexes are whole or half frames.

    >>> truths = pd.DataFrame({"onset": [10], "offset": [20]})
    >>> spotted = pd.DataFrame({"onset": [4, 3], "apex": [8, 7], "offset": [12, 11]})  # 9 frames: 2 to spare
    >>> peak_hits(truths, spotted, np.array([0, 1]), np.array([0, 0]))
    array([ True, False])
    """
    earliest, latest = frames_near_apex(predictions)
    first, last = (truths[c].to_numpy(np.float64)[truth] for c in ("onset", "offset"))
    return np.asarray((first <= latest[prediction]) & (earliest[prediction] <= last))


def frames_near_apex(predictions: pd.DataFrame) -> tuple[Floats, Floats]:
    """First and last frame near the apex of each spotted interval.

    They are a quarter of the interval's length away: (n,) each, both inclusive, exact in quarters of a frame.

    Args:
        predictions: as of `peak_hits`.

    >>> frames_near_apex(pd.DataFrame({"onset": [4], "apex": [8], "offset": [12]}))
    (array([6.]), array([10.]))
    """
    onset, offset, apex = (predictions[name].to_numpy(np.float64) for name in ("onset", "offset", "apex"))
    apex = np.where(np.isnan(apex), (onset + offset) / 2, apex)
    spare = (offset - onset) / 4
    return apex - spare, apex + spare


def count_newly_covered(truths: pd.DataFrame) -> Floats:
    """Number of frames of each truth that no earlier one covers.

    Only truths of its video and kind count; the sum is the size of the union.

    >>> count_newly_covered(pd.DataFrame({"video": "a", "kind": "micro", "onset": [10, 20, 25], "offset": [59, 69, 30]})).tolist()
    [50.0, 10.0, 0.0]
    """
    (group,) = number_groups(["video", "kind"], truths)
    onset, offset = (truths[name].to_numpy(np.int64) for name in ("onset", "offset"))
    order = np.lexsort((onset, group))
    latest_offset_before = largest_before(group[order], offset[order])
    # `fmax`, since NaN stands before the first of a group: all its frames are new.
    last_known = np.fmax(latest_offset_before, onset[order] - 1.0)
    n_new = np.empty(len(truths))
    n_new[order] = np.maximum(offset[order] - last_known, 0)
    return n_new


def area_under(false_positive_rate: Floats, true_positive_rate: Floats) -> float:
    """Area under such a curve by trapezoids, from (0, 0) to (1, 1).

    The curve goes on to (1, 1) in a straight line; rates above 1 are cut.

    >>> area_under(np.array([0.0, 0.1]), np.array([1.0, 1.0])), area_under(np.empty(0), np.empty(0))
    (1.0, 0.5)
    """
    x = np.minimum(np.concatenate([[0.0], false_positive_rate, [1.0]]), 1)
    return float(np.trapezoid(np.concatenate([[0.0], true_positive_rate, [1.0]]), x))
