"""What published scores can be: bounds and identities that catch misprints."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from mebench.metrics.catalogue import METRICS
from mebench.metrics.ratios import Floats, ratio


def uf1_upper_bound(precision: ArrayLike, recall: ArrayLike) -> Floats:
    """The largest UF1 that macro precision and macro recall allow: their arithmetic mean, elementwise.

    A class's F1 is the harmonic mean of its precision and recall, which never exceeds their arithmetic mean; so does the
    mean over classes. Both must be averaged over the classes of UF1.

    >>> float(uf1_upper_bound(0.5983, 0.5872).round(4))  # CASME II in MEAN's Table 5, which prints 0.6755
    0.5928
    """
    return (np.asarray(precision, dtype=np.float64) + np.asarray(recall, dtype=np.float64)) / 2


def impossibilities(scores: Mapping[str, float], digits: int = 4) -> list[str]:
    """Why a row of published scores cannot be right.

    Args:
        scores: some of `tp`, `fp`, `fn`, `precision`, `recall`, `f1` of spotting; or of `precision`, `recall`, `f1`
            (F1_a), `uf1`, `uar` of recognition. What is absent is not checked.
        digits: to which the scores were rounded.

    Returns:
        A sentence for each contradiction; none if the row is possible.

    >>> impossibilities({"precision": 0.5983, "recall": 0.5872, "uf1": 0.6755})
    ['uf1 0.6755 exceeds (precision + recall) / 2 = 0.5928, its largest possible value']
    >>> impossibilities({"tp": 17, "fp": 206, "fn": 40, "f1": 0.1214})
    []
    """
    slack = 0.5 * 10.0**-digits + 1e-12
    shares = {name: v for name, v in scores.items() if name in METRICS and METRICS[name].scale == "share"}
    told = [f"{name} {v:g} lies outside 0 to 1" for name, v in shares.items() if not 0 <= v <= 1]
    if {"tp", "fp", "fn"} <= set(scores):
        tp, fp, fn = (scores[name] for name in ("tp", "fp", "fn"))
        for name, value in zip(("precision", "recall", "f1"), _of_counts(tp, fp, fn)):
            if name in scores and abs(scores[name] - value) > slack:
                told.append(
                    f"{name} {scores[name]:g} does not follow from tp, fp and fn, which give {value:.{digits}f}"
                )
    if {"precision", "recall", "f1"} <= set(scores):
        p, r = scores["precision"], scores["recall"]
        low, high = (float(ratio(2 * np.array(a * b), np.array(a + b))) for a, b in _ends(p, r, slack))
        if not low - slack <= scores["f1"] <= high + slack:
            told.append(
                f"f1 {scores['f1']:g} is not the harmonic mean of precision and recall, {(low + high) / 2:.{digits}f}"
            )
    if {"precision", "recall", "uf1"} <= set(scores):
        bound = float(uf1_upper_bound(scores["precision"], scores["recall"]))
        if scores["uf1"] > bound + 2 * slack:
            told.append(
                f"uf1 {scores['uf1']:g} exceeds (precision + recall) / 2 = {bound:.{digits}f}, its largest possible value"
            )
    if {"recall", "uar"} <= set(scores) and abs(scores["recall"] - scores["uar"]) > 2 * slack:
        told.append(f"uar {scores['uar']:g} differs from macro recall {scores['recall']:g}, which is the same")
    return told


def outside_parts(whole: float, parts: Sequence[float], digits: int = 4) -> bool:
    """Whether a pooled precision, recall or F1 lies outside its parts, which no pooling of counts can do.

    >>> outside_parts(0.09, [0.06, 0.06]), outside_parts(0.0376, [0.1196, 0.0082])
    (True, False)
    """
    slack = 10.0**-digits
    return not min(parts) - slack <= whole <= max(parts) + slack


def _of_counts(tp: float, fp: float, fn: float) -> list[float]:
    pairs = ((tp, tp + fp), (tp, tp + fn), (2 * tp, 2 * tp + fp + fn))
    return [float(ratio(np.array(float(a)), np.array(float(b)))) for a, b in pairs]


def _ends(p: float, r: float, slack: float) -> list[tuple[float, float]]:
    return [(max(p - slack, 0), max(r - slack, 0)), (p + slack, r + slack)]
