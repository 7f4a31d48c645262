"""F1 over a sweep of the IoU threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from mebench.metrics.matching import Indices, Pairs, pair
from mebench.metrics.ratios import Floats, ratio
from mebench.metrics.rules import Convention
from mebench.metrics.scope import in_scope
from mebench.metrics.turns import find

SWEEP = tuple(Fraction(percent, 100) for percent in range(5, 100, 5))


def f1_over_iou(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, thresholds: Sequence[Fraction] = SWEEP
) -> Floats:
    """Spotting F1 at every IoU threshold, all else as in the convention.

    Args:
        truths: as in `Tables.ordered`, of the kinds that are pooled.
        predictions: the same, of one draw.
        convention: the rules; its own threshold is not used.
        thresholds: above 0, at most 1.

    Returns:
        (n_thresholds,), 0 to 1, NaN without a truth.
    """
    truths, predictions = in_scope(truths, predictions, convention)
    parts = found_over_iou(truths, predictions, convention, pair(truths, predictions, convention), thresholds)
    found = np.array([len(rows) for rows, _ in parts], dtype=np.float64)
    both = np.array([weight.sum() for _, weight in parts]) + len(truths)
    return ratio(2 * found, both) if len(truths) else np.full(len(parts), np.nan)


def found_over_iou(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    convention: Convention,
    pairs: Pairs,
    thresholds: Sequence[Fraction] = SWEEP,
) -> list[tuple[Indices, NDArray[np.float64]]]:
    """At every threshold, the prediction of each true positive, and how much each prediction counts (`Found.weight`).

    Under `maximum` matching any matching of most pairs will do, for F1 depends on their number alone.
    """
    if convention.matching != "maximum":
        found = [find(truths, predictions, replace(convention, threshold=t), pairs) for t in thresholds]
        return [(part.prediction, part.weight) for part in found]
    draw, one = predictions["draw"].to_numpy(np.int64), np.ones(len(predictions))
    node = draw[pairs.prediction] * max(len(truths), 1) + pairs.truth
    whole = Pairs(pairs.prediction, node, pairs.intersection, pairs.union)
    return [(_largest(whole.hits(t, convention.reaching)), one) for t in thresholds]


def _largest(near: Pairs) -> Indices:
    """The predictions of a matching with the most pairs."""
    spotted, row = np.unique(near.prediction, return_inverse=True)
    nodes, column = np.unique(near.truth, return_inverse=True)
    graph = csr_matrix((np.ones(len(row)), (row, column)), shape=(len(spotted), len(nodes)))
    return np.asarray(spotted[maximum_bipartite_matching(graph, perm_type="column") >= 0])
