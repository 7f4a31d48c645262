"""Metrics of a whole analysis: a score of spotting times one of the emotions of what was found. It imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.lazy_imports import load_lazily
from mebench.metrics.metric import Metric
from mebench.metrics.sources import LI, LIONG

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from mebench.metrics.ratios import Floats
else:
    np = load_lazily("numpy")


def strs(spotting_f1: ArrayLike, analysis_f1: ArrayLike) -> Floats:
    """Spot-then-recognize score (MEAN, equation 24): spotting F1 x F1_a of the true positives, elementwise, 0 to 1.

    F1_a is `classification.f1_of_macros`, not the mean of the classes' F1. NaN where either is undefined.

    >>> float(strs(0.6516, 0.5927).round(4))  # CASME II, Table 5
    0.3862
    """
    return np.asarray(spotting_f1, dtype=np.float64) * np.asarray(analysis_f1, dtype=np.float64)


def acc_mesr(spotting_rate: ArrayLike, accuracy: ArrayLike) -> Floats:
    """Acc_MESR (Li et al. 2017): spotting rate x accuracy on the spotted expressions, elementwise, 0 to 1.

    The paper's spotting rate is its true positive rate (`metrics.li2017`); the suite's own conventions take recall.

    >>> float(acc_mesr(0.5, 0.8))
    0.4
    """
    return np.asarray(spotting_rate, dtype=np.float64) * np.asarray(accuracy, dtype=np.float64)


OF_BOTH = (
    Metric(
        "acc_mesr",
        "Acc_MESR",
        "recall (Li et al. 2017: tpr) x accuracy of the true positives",
        source=LI,
        sections=("analysis",),
        of_both=acc_mesr,
        factor="accuracy",
        example=r"""
        The share of spotted truths times the accuracy of the true positives; under `li2017` the share is [tpr](metrics.md#tpr).

        $$
        R \cdot \text{accuracy}
        $$

        ```python
        beside(2 / 3 * 1 / 2, "analysis/acc_mesr")
        ```
        """,
    ),
    Metric(
        "strs",
        "STRS",
        "spot-then-recognize score, spotting f1 x analysis f1 of the true positives",
        source=f"{LIONG}, equation 24",
        sections=("analysis",),
        of_both=strs,
        factor="f1",
        example=r"""
        Spot-then-recognize score: the F1 of spotting times $F_{1a}$. It is high only if both are.

        $$
        STRS = F_1 \cdot F_{1a}
        $$

        ```python
        f1_a = found.summary["analysis"]["true_positives"]["scores"]["f1"]["value"]
        beside(micro["scores"]["f1"]["value"] * f1_a, "analysis/strs")
        ```
        """,
    ),
)
