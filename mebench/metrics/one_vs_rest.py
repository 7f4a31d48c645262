"""Class scores as the released code of MEAN and of STRS-Metric takes them: class by class, with its special cases."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from mebench.metrics.classification import accuracy, counts_of
from mebench.metrics.ratios import Floats, ratio


def one_vs_rest(
    matrix: ArrayLike, degenerate: Literal["zero", "dropped"], uar: Literal["recall", "precision"]
) -> dict[str, Floats]:
    """Macro scores where a 2 x 2 table is made for every class, and is missing for a degenerate one.

    A class is degenerate if no sample is, or is said to be, of that class; or if all are, and are said to be. STRS-Metric
    gives it precision, recall and F1 of zero. MEAN's code drops it from the means; of the others a precision of 0/0
    counts 0, a recall of 0/0 counts 0 in `recall` and in `f1` but makes `uar` undefined.

    Args:
        matrix: (..., C, C + 1) as from `confusion_matrix`.
        degenerate: `zero` or `dropped`.
        uar: what is called so: mean recall, or mean precision.

    Returns:
        `accuracy`, `precision`, `recall`, `f1` (harmonic mean of these two, NaN at 0/0), `uf1`, `uar`, (...) each; NaN
        where every class was dropped.

    >>> one_class = [[3, 0, 0], [0, 0, 0]]  # three samples, all of the first class and all right
    >>> {name: float(value) for name, value in one_vs_rest(one_class, "zero", "precision").items()}
    {'accuracy': 1.0, 'precision': 0.0, 'recall': 0.0, 'f1': nan, 'uf1': 0.0, 'uar': 0.0}
    """
    true, said, support = counts_of(matrix)
    total = support.sum(axis=-1, keepdims=True)
    kept = ~((said + support == 0) | (true == total))
    n = kept.sum(axis=-1).astype(np.float64) if degenerate == "dropped" else np.full(kept.shape[:-1], kept.shape[-1])

    def mean(values: Floats) -> Floats:
        return ratio(np.where(kept, values, 0).sum(axis=-1), np.asarray(n, dtype=np.float64), np.nan)

    precision, recall = mean(ratio(true, said)), mean(ratio(true, support))
    # MEAN's code replaces an undefined recall by 0 in the list for F1 alone, not in the one for UAR.
    recalls = ratio(true, support, np.nan if degenerate == "dropped" else 0.0)
    return {
        "accuracy": accuracy(matrix),
        "precision": precision,
        "recall": recall,
        "f1": ratio(2 * precision * recall, precision + recall, np.nan),
        "uf1": mean(ratio(2 * true, said + support)),
        "uar": precision if uar == "precision" else mean(recalls),
    }
