"""Whether confidences mean what they say: reliability curve and expected calibration error."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mebench.metrics.ratios import Floats, per_unit, ratio


def reliability(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> dict[str, Floats]:
    """The reliability curve: in bins of equal width, mean confidence against the share that is right.

    Args:
        confidence: (n,) in 0 to 1: of spotted intervals, or the probability of the predicted class.
        right: (n,) bool: true positive, or the right class.
        bins: number of bins; all but the last exclude their upper end.

    Returns:
        `low`, `high`, `n`, `confidence`, `accuracy`, (bins,) each; the last two are NaN in an empty bin.

    Raises:
        ValueError: a confidence lies outside 0 to 1 or is NaN.

    >>> curve = reliability([0.1, 0.6, 0.8], [False, True, False], bins=2)
    >>> {name: values.round(2).tolist() for name, values in curve.items()}
    {'low': [0.0, 0.5], 'high': [0.5, 1.0], 'n': [1.0, 2.0], 'confidence': [0.1, 0.7], 'accuracy': [0.0, 0.5]}
    """
    said, correct = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if not ((said >= 0) & (said <= 1)).all():
        raise ValueError(f"a confidence must lie in 0 to 1, not {said[~((said >= 0) & (said <= 1))][0]}")
    edges = np.linspace(0, 1, bins + 1)
    where = np.clip(np.searchsorted(edges, said, side="right") - 1, 0, bins - 1)
    n = per_unit(where, bins)
    return {
        "low": edges[:-1],
        "high": edges[1:],
        "n": n,
        "confidence": ratio(per_unit(where, bins, said), n, np.nan),
        "accuracy": ratio(per_unit(where, bins, correct), n, np.nan),
    }


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> float:
    """Mean distance of confidence and share right over the bins of `reliability`, weighted by their size (Guo et al. 2017).

    0 to 1, lower is better; NaN without samples.

    >>> round(expected_calibration_error([0.1, 0.6, 0.8], [False, True, False], bins=2), 4)
    0.1667
    """
    curve = reliability(confidence, right, bins)
    some = curve["n"] > 0
    gap = np.abs(curve["confidence"] - curve["accuracy"])[some] * curve["n"][some]
    return float(gap.sum() / curve["n"].sum()) if some.any() else float("nan")


def calibration(confidence: Floats, right: ArrayLike, bins: int = 10) -> dict[str, Any] | None:
    """Both as plain data for a summary (`ece`, `bins`); None without samples or where they are no probabilities.

    >>> calibration(np.array([1.0]), [True], bins=1)
    {'ece': 0.0, 'bins': [{'low': 0.0, 'high': 1.0, 'n': 1, 'confidence': 1.0, 'accuracy': 1.0}]}
    >>> calibration(np.array([12.5]), [True]) is None
    True
    """
    if not len(confidence) or not ((confidence >= 0) & (confidence <= 1)).all():
        return None
    curve = reliability(confidence, right, bins)
    rows = [dict(zip(curve, (float(v) for v in row))) for row in zip(*curve.values()) if row[2]]
    return {
        "ece": expected_calibration_error(confidence, right, bins),
        "bins": [{**row, "n": int(row["n"])} for row in rows],
    }
