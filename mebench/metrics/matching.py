"""One-to-one matching of spotted intervals and truths: exact, per video and kind, blind to emotions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mebench.metrics.rules import Convention
from mebench.spotting.intervals import overlap as frames_of
from mebench.spotting.intervals import ratio, reaches

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Pairs of a spotted interval and a truth of the same video and kind, (n_pairs,) each.

    Attributes:
        prediction: row in the table of predictions.
        truth: row in the table of truths.
        intersection: frames that both cover.
        union: frames that either covers.
    """

    prediction: Indices
    truth: Indices
    intersection: Indices
    union: Indices

    def hits(self, threshold: Fraction, reaching: bool = True) -> Pairs:
        """The pairs whose IoU reaches (or, on demand, exceeds) a threshold; in whole numbers, hence exact."""
        return self.where(reaches(self.intersection, self.union, threshold, reaching))

    def where(self, mask: NDArray[np.bool_] | Indices) -> Pairs:
        """Some of the pairs, by mask or position."""
        return Pairs(self.prediction[mask], self.truth[mask], self.intersection[mask], self.union[mask])

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union; 0 where both are 0. Correctly rounded, so it orders pairs as the exact ratios do."""
        return np.asarray(ratio(self.intersection, self.union), dtype=np.float64)


def pair(truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention) -> Pairs:
    """Every prediction with every truth of its video and kind, in order of prediction, then truth."""
    keys = pd.concat([truths[["video", "kind"]], predictions[["video", "kind"]]], ignore_index=True)
    groups = keys.groupby(["video", "kind"], sort=False).ngroup().to_numpy()
    of_truths, of_predictions = np.split(groups.astype(np.int64), [len(truths)])
    prediction, truth = same_group(of_predictions, of_truths)
    spans = [table[column].to_numpy(np.int64) for table in (truths, predictions) for column in ("onset", "offset")]
    return overlap(prediction, truth, (spans[2], spans[3]), (spans[0], spans[1]), convention)


def same_group(left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """All pairs of positions (i, j) with left[i] == right[j], ordered by i, then j.

    >>> [row.tolist() for row in same_group(np.array([7, 8, 7]), np.array([7, 9, 7]))]
    [[0, 0, 2, 2], [0, 2, 0, 2]]
    """
    order = np.argsort(right, kind="stable")
    first, last = (np.searchsorted(right[order], left, side=side) for side in ("left", "right"))
    count = last - first
    i = np.repeat(np.arange(len(left)), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    return i, order[np.repeat(first, count) + within]


def overlap(
    prediction: Indices,
    truth: Indices,
    spotted: tuple[Indices, Indices],
    true: tuple[Indices, Indices],
    convention: Convention,
) -> Pairs:
    """Intersection and union of pairs, from the (onsets, offsets) of all predictions and of all truths."""
    less = int(convention.ends == "half_open")
    (a, b), (c, d) = ((onset[i], offset[i] - less) for (onset, offset), i in ((spotted, prediction), (true, truth)))
    common, either = frames_of((a, b), (c, d))
    if convention.ends == "never_empty":
        counted = np.where((b > a) & (d > c), np.maximum(common, 1), 0)
        common, either = counted, either + common - counted
    return Pairs(prediction, truth, common, either)


def match(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, pairs: Pairs | None = None
) -> Indices:
    """Match spotted intervals to truths one to one, under `maximum` matching; for the others see `turns.find`.

    A prediction may be matched to a truth of its own video and kind that it hits (`Convention.threshold`). Of all such
    matchings the one is taken that has, in this order,

    1. the most pairs,
    2. the largest total IoU (as an exact fraction),
    3. the surer predictions: the first in the order of rows that the others lack,
    4. the earlier truths for the surer predictions.

    Rows must be in the order of `Tables.ordered`: predictions by confidence, then onset, offset and apex; truths by
    onset. With that, the result is unique and does not depend on how the tables were written. Emotions are not looked
    at. Every draw is matched by itself.

    Args:
        truths: columns `video`, `kind`, `onset`, `offset`.
        predictions: the same and `draw`.
        convention: end points and threshold.
        pairs: `pair(truths, predictions, convention)`, if it is at hand.

    Returns:
        (n_predictions,) row of the matched truth, or -1.

    >>> from mebench.metrics.conventions import CONVENTIONS
    >>> truths = pd.DataFrame({"video": "a", "kind": "micro", "onset": [10, 14], "offset": [19, 23]})
    >>> spotted = pd.DataFrame({"video": ["a", "a", "b"], "kind": "micro", "onset": [12, 8, 9], "offset": [21, 19, 19]})
    >>> match(truths, spotted.assign(draw=0), CONVENTIONS["strict"])
    array([ 1,  0, -1])
    """
    matched = np.full(len(predictions), -1, dtype=np.int64)
    edges = (pair(truths, predictions, convention) if pairs is None else pairs).hits(
        convention.threshold, convention.reaching
    )
    if not len(edges.truth):
        return matched
    # A truth is found once in every draw: each (draw, truth) is a node of its own.
    node = predictions["draw"].to_numpy(np.int64)[edges.prediction] * len(truths) + edges.truth
    component, simple = _components(edges.prediction, node)
    stars = edges.where(simple)
    best = np.lexsort((stars.truth, stars.prediction, -stars.iou, component[simple]))
    _, first = np.unique(component[simple][best], return_index=True)
    chosen = stars.where(best[first])
    matched[chosen.prediction] = chosen.truth
    rest = np.flatnonzero(~simple)
    rest = rest[np.argsort(component[rest], kind="stable")]
    for part in np.split(rest, np.flatnonzero(np.diff(component[rest])) + 1):
        _match_component(edges.where(part), matched)
    return matched


def _components(prediction: Indices, node: Indices) -> tuple[Indices, NDArray[np.bool_]]:
    """For each edge its connected component, and whether that has one prediction or one truth only (a star)."""
    predictions, p = np.unique(prediction, return_inverse=True)
    nodes, t = np.unique(node, return_inverse=True)
    size = len(predictions) + len(nodes)
    graph = coo_matrix((np.ones(len(p)), (p, len(predictions) + t)), shape=(size, size))
    count, label = connected_components(graph, directed=False)
    of_predictions = np.bincount(label[: len(predictions)], minlength=count)
    of_truths = np.bincount(label[len(predictions) :], minlength=count)
    component = label[p].astype(np.int64)
    return component, np.minimum(of_predictions, of_truths)[component] == 1


def _match_component(edges: Pairs, matched: Indices) -> None:
    """Match one component in which intervals compete, and note the result.

    The four criteria become the digits of one whole number per edge, each larger than all lower ones can sum up to, so
    that the heaviest matching is the wanted one, exactly.
    """
    if not len(edges.truth):
        return
    predictions, p = np.unique(edges.prediction, return_inverse=True)
    truths, t = np.unique(edges.truth, return_inverse=True)
    n, m = len(truths), len(predictions)
    scale = lcm(*(int(union) for union in np.unique(edges.union)))
    weight = [[0] * m for _ in range(n)]
    for row, column, intersection, union in zip(
        t.tolist(), p.tolist(), edges.intersection.tolist(), edges.union.tolist()
    ):
        quality = (min(n, m) * scale + 1) + intersection * (scale // union)
        surer = (quality << m) + (1 << (m - 1 - column))
        weight[row][column] = surer * n**m + (n - 1 - row) * n ** (m - 1 - column)
    for row, column in _heaviest(weight):
        matched[predictions[column]] = truths[row]


def _heaviest(weight: list[list[int]]) -> list[tuple[int, int]]:
    """The matching of largest total weight: the Hungarian method on whole numbers of any size; 0 is no pair."""
    if len(weight) > len(weight[0]):
        return [(row, column) for column, row in _heaviest([list(line) for line in zip(*weight)])]
    n, m = len(weight), len(weight[0])
    of_row, of_column = [0] * n, [0] * (m + 1)
    owner = [-1] * (m + 1)  # column -> row; the extra column m is where each new row starts
    for start in range(n):
        owner[m], column = start, m
        slack: list[int | None] = [None] * m
        back, reached = [m] * m, [False] * (m + 1)
        while owner[column] >= 0:
            reached[column] = True
            row, step, nearest = owner[column], None, -1
            for j in range(m):
                if reached[j]:
                    continue
                cost = -weight[row][j] - of_row[row] - of_column[j]
                known = slack[j]
                if known is None or cost < known:
                    slack[j], back[j], known = cost, column, cost
                if step is None or known < step:
                    step, nearest = known, j
            assert step is not None  # n <= m leaves a column to reach
            for j in range(m + 1):
                if reached[j]:
                    of_row[owner[j]] += step
                    of_column[j] -= step
                elif j < m:
                    remaining = slack[j]
                    slack[j] = None if remaining is None else remaining - step
            column = nearest
        while column != m:
            owner[column], column = owner[back[column]], back[column]
    return [(owner[j], j) for j in range(m) if owner[j] >= 0 and weight[owner[j]][j]]
