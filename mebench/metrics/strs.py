"""Scores of spotting and recognition together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mebench.metrics.ratios import Floats


def strs(spotting_f1: ArrayLike, analysis_f1: ArrayLike) -> Floats:
    """Spot-then-recognize score (MEAN, equation 24): spotting F1 x F1_a of the true positives, elementwise, 0 to 1.

    F1_a is `classification.f1_of_macros`, not the mean of the classes' F1. NaN where either is undefined.

    >>> float(strs(0.6516, 0.5927).round(4))  # CASME II, Table 5
    0.3862
    """
    return np.asarray(spotting_f1, dtype=np.float64) * np.asarray(analysis_f1, dtype=np.float64)


def acc_mesr(spotting_rate: ArrayLike, accuracy: ArrayLike) -> Floats:
    """Acc_MESR (Li et al. 2017): share of what is spotted x accuracy of what was spotted, elementwise, 0 to 1.

    The paper's spotting rate is its true positive rate (`li2017.frame_rates`); the suite's own conventions take recall.

    >>> float(acc_mesr(0.5, 0.8))
    0.4
    """
    return np.asarray(spotting_rate, dtype=np.float64) * np.asarray(accuracy, dtype=np.float64)
