"""One-to-one matching of spotted intervals and truths: exact, per video and kind, blind to emotions."""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mebench.core import peaks
from mebench.grouping import grouped
from mebench.lazy_imports import load_lazily
from mebench.metrics.conventions import Convention
from mebench.metrics.li2017 import peak_hits
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.tables import groups

if TYPE_CHECKING:
    import networkx
    import scipy
else:
    networkx = load_lazily("networkx")
    scipy = load_lazily("scipy")


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

    def hits(self, threshold: Fraction, reaching: bool = True) -> "Pairs":
        """The pairs whose IoU reaches (or, on demand, exceeds) a threshold; in whole numbers, hence exact."""
        return self.where(peaks.reaches(self.intersection, self.union, threshold, reaching))

    def where(self, mask: Bools | Indices) -> "Pairs":
        """Some of the pairs, by mask or position."""
        return Pairs(self.prediction[mask], self.truth[mask], self.intersection[mask], self.union[mask])

    @property
    def iou(self) -> Floats:
        """Intersection over union; 0 where both are 0. Correctly rounded, so it orders pairs as the exact ratios do."""
        return np.asarray(peaks.ratio(self.intersection, self.union), dtype=np.float64)


AT_ONCE = 1 << 20
"""Pairs that are compared at once: a million predictions have tens of millions."""


def pair(truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, near: bool = False) -> Pairs:
    """Predictions with truths of their video and kind, in order of prediction, then truth.

    Args:
        truths: as in `Tables.ordered`.
        predictions: the same.
        convention: end points.
        near: leave out pairs that share no frame and whose truth does not hold the prediction's apex.
    """
    of_truths, of_predictions = groups(["video", "kind"], truths, predictions)
    true, spotted = (
        (table["onset"].to_numpy(np.int64), table["offset"].to_numpy(np.int64)) for table in (truths, predictions)
    )
    apex = predictions["apex"].to_numpy(np.float64) if near else np.empty(0)
    order, first, count = _runs(of_predictions, of_truths)
    if near and convention.ends != "never_empty":
        # Of the truths of a video only those from the first that is not over before the prediction to the last that has begun.
        known = np.where(np.isnan(apex), spotted[0], apex).astype(np.int64)
        frames = (*true, np.minimum(spotted[0], known), np.maximum(spotted[1], known))
        of_all = np.concatenate([of_truths, of_truths, of_predictions, of_predictions])
        different, rank = np.unique(np.concatenate(frames), return_inverse=True)
        places = np.split(of_all * len(different) + rank, np.cumsum([*map(len, frames)])[:-1])
        order = np.argsort(places[0], kind="stable")
        first = np.searchsorted(np.maximum.accumulate(places[1][order]), places[2])
        count = np.maximum(np.searchsorted(places[0][order], places[3], "right") - first, 0)
    parts = []
    for rows in np.array_split(np.arange(len(predictions)), 1 + count.sum() // AT_ONCE if near else 1):
        i, place = _laid_out(first[rows], count[rows])
        every = overlap(rows[i], order[place], spotted, true, convention)
        if near:
            at = apex[every.prediction]
            every = every.where((every.intersection > 0) | ((true[0][every.truth] < at) & (at < true[1][every.truth])))
            every = every.where(np.lexsort((every.truth, every.prediction)))
        parts.append((every.prediction, every.truth, every.intersection, every.union))
    return Pairs(*map(np.concatenate, zip(*parts)))


def same_group(left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """All pairs of positions (i, j) with left[i] == right[j], ordered by i, then j; groups have small numbers from 0.

    >>> [row.tolist() for row in same_group(np.array([7, 8, 7]), np.array([7, 9, 7]))]
    [[0, 0, 2, 2], [0, 2, 0, 2]]
    """
    order, first, count = _runs(left, right)
    i, place = _laid_out(first, count)
    return i, order[place]


def _runs(left: Indices, right: Indices) -> tuple[Indices, Indices, Indices]:
    """The order in which those equal to left[i] stand in one run, and where the run begins and how long it is."""
    order = np.argsort(right, kind="stable")
    members = np.bincount(right, minlength=1 + left.max(initial=-1))
    return order, (np.cumsum(members) - members)[left], members[left]


def _laid_out(first: Indices, count: Indices) -> tuple[Indices, Indices]:
    """Runs of places laid end to end: the number of the run of each place, and the place."""
    i = np.repeat(np.arange(len(first)), count)
    return i, np.repeat(first - np.cumsum(count) + count, count) + np.arange(len(i))


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
    common, either = peaks.overlap((a, b), (c, d))
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
    3. the more confident predictions: the first in the order of rows that the others lack,
    4. the earlier truths for the more confident predictions.

    Rows must be in the order of `Tables.ordered`: predictions by confidence, then onset, offset and apex; truths by
    onset. The result is then unique and independent of how the tables were written. Emotions are ignored. Every draw is
    matched separately.

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
    # One graph holds both sides, truths numbered behind the predictions; a star has one prediction or one truth only.
    spotted, p = np.unique(edges.prediction, return_inverse=True)
    nodes, t = np.unique(node, return_inverse=True)
    size = len(spotted) + len(nodes)
    graph = scipy.sparse.coo_matrix((np.ones(len(p)), (p, len(spotted) + t)), shape=(size, size))
    count, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    sides = [np.bincount(part, minlength=count) for part in np.split(label, [len(spotted)])]
    component = label[p].astype(np.int64)
    simple = np.minimum(*sides)[component] == 1
    stars = edges.where(simple)
    best = np.lexsort((stars.truth, stars.prediction, -stars.iou, component[simple]))
    chosen = stars.where(best[first_of_each(component[simple][best])])
    matched[chosen.prediction] = chosen.truth
    for part in grouped(np.flatnonzero(~simple), key=component.__getitem__).values():
        # A component in which intervals compete: the four criteria become the digits of one whole number per edge, each larger than
        # all lower ones can sum up to, so that the heaviest matching is the wanted one, exactly.
        own = edges.where(np.array(part))
        spotted, p = np.unique(own.prediction, return_inverse=True)
        nodes, t = np.unique(own.truth, return_inverse=True)
        n, m = len(nodes), len(spotted)
        scale = lcm(*(int(union) for union in np.unique(own.union)))
        graph = networkx.Graph()
        for row, column, common, union in zip(t.tolist(), p.tolist(), own.intersection.tolist(), own.union.tolist()):
            quality = (min(n, m) * scale + 1) + common * (scale // union)
            surer = (quality << m) + (1 << (m - 1 - column))
            graph.add_edge(-1 - row, column, weight=surer * n**m + (n - 1 - row) * n ** (m - 1 - column))
        for ends in networkx.max_weight_matching(graph):  # of whole weights exact
            matched[spotted[max(ends)]] = nodes[-1 - min(ends)]
    return matched


def largest(prediction: Indices, truth: Indices) -> Indices:
    """The predictions of some matching with the most pairs, given all allowed pairs."""
    spotted, row = np.unique(prediction, return_inverse=True)
    nodes, column = np.unique(truth, return_inverse=True)
    graph = scipy.sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(spotted), len(nodes)))
    partners = scipy.sparse.csgraph.maximum_bipartite_matching(graph, perm_type="column")
    return np.asarray(spotted[partners >= 0])


@dataclass(frozen=True)
class Found:
    """The true positives.

    Attributes:
        prediction: (n_found,) row of the spotted interval.
        truth: (n_found,) row of the truth that it found; in each draw a truth is found at most once.
        weight: (n_predictions,) the contribution of each spotted interval to the denominator of precision. It is 1, but
            under `every_free` the number of truths that it found where that is more, and under `peak` 0 for an interval
            that hits a truth which another one has found.
        hits: number of pairs that hit, duplicates included, of each prediction, (n_predictions,).
    """

    prediction: Indices
    truth: Indices
    weight: Floats
    hits: Floats

    @property
    def matched(self) -> Indices:
        """(n_predictions,) row of the first truth that each prediction found, or -1."""
        rows = np.full(len(self.weight), -1, dtype=np.int64)
        rows[self.prediction[::-1]] = self.truth[::-1]
        return rows


def find(truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, pairs: Pairs | None = None) -> Found:
    """Find truths by the convention's rule of matching.

    Args:
        truths: as in `Tables.ordered`.
        predictions: the same, in the order in which they take turns.
        convention: the rules.
        pairs: `pair(truths, predictions, convention)`, if it is at hand.
    """
    every = pair(truths, predictions, convention) if pairs is None else pairs
    near = (
        every.where(peak_hits(truths, predictions, every.prediction, every.truth))
        if convention.matching == "peak"
        else every.hits(convention.threshold, convention.reaching)
    )
    n, draw = len(predictions), predictions["draw"].to_numpy(np.int64)
    hits = np.bincount(near.prediction, minlength=n).astype(np.float64)
    if convention.matching == "best_only":  # of every prediction its pair of best IoU alone
        order = _by_liking(near, convention.ties)
        near = near.where(order[first_of_each(near.prediction[order])])
    if convention.matching in ("maximum", "next_free", "best_only"):
        rows = (
            match(truths, predictions, convention, every)
            if convention.matching == "maximum"
            else take_turns(near, draw, convention.ties)
        )
        chosen = np.flatnonzero(rows >= 0)
        return Found(chosen, rows[chosen], np.ones(n), hits)
    if convention.matching == "every_hit":
        return Found(near.prediction, near.truth, np.maximum(hits, 1), hits)
    if convention.matching == "free_of_truth":  # truths choose, in the order of their rows: the sides exchanged
        rank = np.argsort(np.argsort(truths["row"].to_numpy(np.float64), kind="stable"))
        node = draw[near.prediction] * max(len(truths), 1) + rank[near.truth]
        wishes, place = np.unique(node, return_inverse=True)
        swapped = Pairs(place.astype(np.int64), near.prediction, near.intersection, near.union)
        taken = take_turns(swapped, np.zeros(len(wishes), dtype=np.int64))
        truth = np.argsort(rank)[wishes % max(len(truths), 1)]
        return Found(taken[taken >= 0], truth[taken >= 0], np.ones(n), hits)
    if convention.matching == "best_of_truth":
        best = near.where(np.lexsort((near.prediction, -near.iou, near.truth, draw[near.prediction])))
        of_each = best.where(first_of_each(draw[best.prediction] * max(len(truths), 1) + best.truth))
        once = of_each.where(first_of_each(of_each.prediction))
        return Found(once.prediction, once.truth, np.ones(n), hits)
    # Each truth goes to the first that hits it, however many truths that one has.
    first = near.where(first_of_each(draw[near.prediction] * max(len(truths), 1) + near.truth))
    found = np.bincount(first.prediction, minlength=n)
    free, dropped = np.where(hits > 0, found, 1), 1 - (hits - found)
    weight = {"every_free": np.maximum(found, 1), "peak": free}.get(
        convention.matching, {"free": free, "dropped": dropped}.get(convention.duplicates, np.ones(n))
    )
    return Found(first.prediction, first.truth, weight.astype(np.float64), hits)


def _by_liking(pairs: Pairs, ties: str) -> Indices:
    """Positions of the pairs by prediction, best IoU first; at equal IoU the earlier (or later) truth first."""
    return np.lexsort((pairs.truth if ties == "earlier" else -pairs.truth, -pairs.iou, pairs.prediction))


def take_turns(pairs: Pairs, draw: Indices, ties: str = "earlier") -> Indices:
    """Let predictions choose in the order of their rows; each takes its best free truth.

    Args:
        pairs: pairs that hit.
        draw: (n_predictions,) number of the draw; each draw has the truths to itself.
        ties: of truths of equal IoU, whether the `earlier` or the `later` is preferred.

    Returns:
        (n_predictions,) row of the truth, or -1.

    >>> one = np.array([1, 1])  # both spotted intervals equal the only truth: the first takes it
    >>> take_turns(Pairs(np.array([0, 1]), np.array([0, 0]), one, one), draw=np.array([0, 0]))
    array([ 0, -1])
    """
    rows = np.full(len(draw), -1, dtype=np.int64)
    order = _by_liking(pairs, ties)
    prediction, truth = pairs.prediction[order], pairs.truth[order]
    node = draw[prediction] * (int(pairs.truth.max(initial=0)) + 1) + truth
    # A pair has no competitor if both its sides occur once.
    _, inverse, counts = np.unique(node, return_inverse=True, return_counts=True)
    alone = (np.bincount(prediction, minlength=len(draw))[prediction] == 1) & (counts[inverse] == 1)
    rows[prediction[alone]] = truth[alone]
    taken: set[int] = set()
    for p, t, key in zip(prediction[~alone].tolist(), truth[~alone].tolist(), node[~alone].tolist()):
        if rows[p] < 0 and key not in taken:
            taken.add(key)
            rows[p] = t
    return rows


def first_of_each(keys: Indices) -> Indices:
    """Positions of the first occurrence of every key, in order."""
    return np.sort(np.unique(keys, return_index=True)[1])
