"""Metrics of frames: the area under their curve, and the rates of Li et al. 2017. It imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.metric import Metric, WeightedSpotting
from mebench.metrics.sources import LI

with lazy_imports():
    from mebench.metrics import ratios

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import ArrayLike

    from mebench.metrics.ratios import Bools, Floats, Indices
else:
    np = load_lazily("numpy")


def tpr(spotted: WeightedSpotting) -> Floats:
    """Frames of the truths that were found, over the frames of all truths (`metrics.li2017`)."""
    found, true, _, _ = spotted.frames
    return ratios.safe_ratio(found, true, np.nan)


def fpr(spotted: WeightedSpotting) -> Floats:
    """Frames of false positives over frames outside all truths. It is cut at 1 where false positives overlap.

    NaN where no frame is free of expressions or a length is unknown.
    """
    _, _, wrong, free = spotted.frames
    return np.minimum(ratios.safe_ratio(wrong, free, np.nan), 1)


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
    values = np.asarray(scores, dtype=np.float64)
    is_true = np.asarray(truth, dtype=np.bool_)
    known = ~np.isnan(values)
    unit = np.zeros(int(known.sum()), dtype=np.int64)
    return float(weighted_frame_auc(values[known], is_true[known], unit, np.ones((1, 1)))[0])


def frame_truth(frames: pd.DataFrame, truths: pd.DataFrame) -> Bools:
    """Whether each frame is part of an expression, onset and offset included.

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
        of_video = rows.get(video, np.empty(0, dtype=np.int64))
        covered[of_video] |= (onset <= number[of_video]) & (number[of_video] <= offset)
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
    by_truth_and_unit = np.split(scores[order], ends)
    false_of_unit = by_truth_and_unit[:n_units]
    true_of_unit = by_truth_and_unit[n_units:]
    wins = np.zeros((n_units, n_units))
    for unit_of_false, false_scores in enumerate(false_of_unit):
        for unit_of_true, true_scores in enumerate(true_of_unit):
            # An equal score wins half: it lies between those strictly below and those up to it.
            n_below = np.searchsorted(false_scores, true_scores, side="left").sum()
            n_up_to = np.searchsorted(false_scores, true_scores, side="right").sum()
            wins[unit_of_true, unit_of_false] = (n_below + n_up_to) / 2
    n_false = weights @ np.array([len(part) for part in false_of_unit], dtype=np.float64)
    n_true = weights @ np.array([len(part) for part in true_of_unit], dtype=np.float64)
    return ratios.safe_ratio(np.einsum("wi,ij,wj->w", weights, wins, weights, optimize=True), n_true * n_false, np.nan)


OF_FRAMES = (
    Metric(
        "frames.auc",
        "AUC of frames",
        "a frame of an expression scores higher than another frame; 0.5 by chance",
        "area under the receiver operating characteristic: pairs of such frames in the right order / all pairs, ties "
        "counted half (li2017: area under its curve)",
        function=weighted_frame_auc,
        example=r"""
        For methods that give each frame a score: the probability that a frame of an expression scores higher than another
        frame, ties counted half. It uses scores before any threshold, smoothing or interval.

        $$
        AUC = \frac{1}{n_1 n_0} \sum_{i \in \text{expression}} \sum_{j \notin \text{expression}}
        \left( [s_i > s_j] + \tfrac{1}{2} [s_i = s_j] \right)
        $$

        ```python
        from mebench.metrics import frame_auc

        scores, inside = [0.1, 0.4, 0.35, 0.8], [False, False, True, True]
        pairs = [(s > t) + (s == t) / 2 for s, yes in zip(scores, inside) if yes for t, no in zip(scores, inside) if not no]
        assert frame_auc(scores, inside) == np.mean(pairs)
        frame_auc(scores, inside)
        ```
        """,
    ),
    Metric(
        "tpr",
        "true positive rate, frames",
        "share of the frames of expressions that a peak found (Li et al. 2017)",
        "frames of the truths that a spotted apex comes close enough to / frames of all truths",
        LI,
        of_spotted=tpr,
        matching="peak",
        example=r"""
        Under [`li2017`](conventions.md#li2017) a spotted interval of N frames finds a truth if its apex lies no further than (N - 1)/4
        frames outside it. The rate counts frames: those of found truths over those of all truths. A and B are found, 20
        frames of each.

        $$
        TPR = \frac{\sum_{T \text{ found}} |T|}{\sum_T |T|}
        $$

        ```python
        li2017 = mebench.score(predictions=spotted, truth=truth, fps=100, bootstrap=0, convention="li2017")
        beside((20 + 20) / (20 + 20 + 20), "spotting/micro/details/scores/tpr", li2017)
        ```
        """,
    ),
    Metric(
        "fpr",
        "false positive rate, frames",
        "share of the other frames in intervals that found nothing (Li et al. 2017)",
        "frames of the spotted intervals that found no truth / frames outside all truths, cut at 1",
        LI,
        of_spotted=fpr,
        matching="peak",
        direction="lower",
        support="everybody",
        example=r"""
        Frames of the intervals that found nothing, over frames without an expression; a frame inside two truths is left out
        once.

        $$
        FPR = \frac{\sum_{P \text{ that found nothing}} |P|}{\sum_v n_v - \left|\bigcup T\right|}
        $$

        ```python
        beside((20 + 20) / (4 * 500 - 60), "spotting/micro/details/scores/fpr", li2017)
        ```
        """,
    ),
)
