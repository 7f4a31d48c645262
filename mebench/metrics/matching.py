"""One-to-one matching of spotted intervals and truths: exact, per video and kind, blind to emotions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from mebench.core import peaks
from mebench.grouping import group_by
from mebench.lazy_imports import load_lazily
from mebench.metrics.conventions import Convention
from mebench.metrics.li2017 import frames_near_apex, peak_hits
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.tables import number_groups

if TYPE_CHECKING:
    import networkx
    import scipy
else:
    networkx = load_lazily("networkx")
    scipy = load_lazily("scipy")


@dataclass(frozen=True)
class Pairs:
    """Pairs of a spotted interval and a truth of one video and kind.

    All arrays are (n_pairs,).

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
        return self.where(peaks.reaches_iou(self.intersection, self.union, threshold, reaching))

    def where(self, mask: Bools | Indices) -> "Pairs":
        """Some of the pairs, by mask or position."""
        return Pairs(self.prediction[mask], self.truth[mask], self.intersection[mask], self.union[mask])

    @property
    def iou(self) -> Floats:
        """Intersection over union; 0 where both are 0. Correctly rounded, so it orders pairs as the exact ratios do."""
        return np.asarray(peaks.overlap_ratio(self.intersection, self.union), dtype=np.float64)


AT_ONCE = 1 << 20
"""Pairs that are compared at once: a million predictions have tens of millions."""


def pair_intervals(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, least_iou: Fraction = Fraction(0)
) -> Pairs:
    """Pairs of predictions and truths of one video and kind that are near each other.

    They share a frame, or the truth holds the prediction's apex or, under `peak`, a frame near it (`li2017.frames_near_apex`). They are
    in the order of predictions, then of truths.

    Args:
        truths: table as in `Tables.put_in_order`.
        predictions: table as in `Tables.put_in_order`; without the column `apex` no apex is known.
        convention: rules, which say what the end points are. Under `never_empty` all pairs of a video share a frame.
        least_iou: pairs below it share too little, as those without a common frame.
    """
    of_truths, of_predictions = number_groups(["video", "kind"], truths, predictions)
    true = ends_of(truths)
    spotted = ends_of(predictions)
    apexes = predictions["apex"] if "apex" in predictions else np.full(len(predictions), np.nan)
    apex = np.asarray(apexes, dtype=np.float64)
    reach = _widened(spotted, apex, apex)
    if convention.matching == "peak":
        reach = _widened(reach, *frames_near_apex(predictions))

    def near(pairs: Pairs) -> Pairs:
        """The pairs that are near each other."""
        at = apex[pairs.prediction]
        holds_apex = (true[0][pairs.truth] < at) & (at < true[1][pairs.truth])
        is_near = peaks.reaches_iou(pairs.intersection, pairs.union, least_iou) | holds_apex
        if convention.matching == "peak":
            is_near |= peak_hits(truths, predictions, pairs.prediction, pairs.truth)
        return pairs.where(is_near)

    return _compare_in_blocks(of_predictions, of_truths, spotted, true, convention, near, reach)


def ends_of(table: pd.DataFrame) -> tuple[Indices, Indices]:
    """Onsets and offsets of a table of intervals, (n,) each."""
    return table["onset"].to_numpy(np.int64), table["offset"].to_numpy(np.int64)


def _widened(ends: tuple[Indices, Indices], first: Floats, last: Floats) -> tuple[Indices, Indices]:
    """Onsets and offsets of intervals that also hold the frames from `first` to `last`. NaN adds nothing."""
    onset, offset = ends
    begin = np.fmin(onset, np.floor(first)).astype(np.int64)
    end = np.fmax(offset, np.ceil(last)).astype(np.int64)
    return begin, end


def touches_truth(
    of_predictions: Indices, of_truths: Indices, spotted: tuple[Indices, Indices], true: tuple[Indices, Indices]
) -> Bools:
    """(n_predictions,) whether each shares a frame with a truth of its video, both ends included; arguments as of `hitting_pairs`."""
    return _runs_in_reach(of_predictions, of_truths, spotted, true).length > 0


def hitting_pairs(
    of_predictions: Indices,
    of_truths: Indices,
    spotted: tuple[Indices, Indices],
    true: tuple[Indices, Indices],
    convention: Convention,
) -> Pairs:
    """The pairs of one video whose IoU is enough, by prediction, then by truth.

    Args:
        of_predictions: (n_predictions,) number of the video of each prediction.
        of_truths: (n_truths,) number of the video of each truth.
        spotted: onsets and offsets of the predictions.
        true: onsets and offsets of the truths.
        convention: rules.
    """

    def hit(pairs: Pairs) -> Pairs:
        """The pairs whose IoU is enough."""
        return pairs.hits(convention.threshold, convention.reaching)

    return _compare_in_blocks(of_predictions, of_truths, spotted, true, convention, hit)


def sharing_pairs(
    of_predictions: Indices,
    of_truths: Indices,
    spotted: tuple[Indices, Indices],
    true: tuple[Indices, Indices],
    convention: Convention,
) -> Pairs:
    """The pairs of one video that share a frame, by prediction, then by truth; arguments as of `hitting_pairs`."""

    def share(pairs: Pairs) -> Pairs:
        """The pairs that share a frame."""
        return pairs.where(pairs.intersection > 0)

    return _compare_in_blocks(of_predictions, of_truths, spotted, true, convention, share)


def _compare_in_blocks(
    of_predictions: Indices,
    of_truths: Indices,
    spotted: tuple[Indices, Indices],
    true: tuple[Indices, Indices],
    convention: Convention,
    select: Callable[[Pairs], Pairs],
    reach: tuple[Indices, Indices] | None = None,
) -> Pairs:
    """The pairs that `select` keeps of those that touch; where ends are never empty, of all pairs of a video.

    They are compared in blocks, each of which `select` gets; `reach` are onsets and offsets with which predictions touch instead of
    their own; all else as of `hitting_pairs`.
    """
    if convention.ends == "never_empty":
        runs = _runs(of_predictions, of_truths)
    else:
        runs = _runs_in_reach(of_predictions, of_truths, reach or spotted, true)
    blocks = []
    for rows in np.array_split(np.arange(len(of_predictions)), 1 + runs.length.sum() // AT_ONCE):
        i, position = _laid_out(runs.first[rows], runs.length[rows])
        pairs = select(overlap_pairs(rows[i], runs.order[position], spotted, true, convention))
        blocks.append(pairs.where(np.lexsort((pairs.truth, pairs.prediction))))
    return Pairs(
        np.concatenate([block.prediction for block in blocks]),
        np.concatenate([block.truth for block in blocks]),
        np.concatenate([block.intersection for block in blocks]),
        np.concatenate([block.union for block in blocks]),
    )


class Runs(NamedTuple):
    """The rows on the right that belong to each row on the left.

    They are one run of an order.

    Attributes:
        order: (n_right,) rows on the right, in an order in which those that belong together follow each other.
        first: (n_left,) position in the order where the run of each left row begins.
        length: (n_left,) number of rows in the run.
    """

    order: Indices
    first: Indices
    length: Indices


def _runs_in_reach(
    of_predictions: Indices,
    of_truths: Indices,
    spotted: tuple[Indices, Indices],
    true: tuple[Indices, Indices],
) -> Runs:
    """For each prediction, the truths of its video that may touch it.

    They run from the first one that is not over before it to the last one that has begun. If there are any, the first does touch
    it; later ones may be over before it.

    Args:
        of_predictions: (n_predictions,) number of the video and kind of each prediction.
        of_truths: (n_truths,) number of the video and kind of each truth.
        spotted: onsets and offsets of the predictions.
        true: onsets and offsets of the truths.
    """
    begin, end = spotted
    frames = np.concatenate([*true, begin, end])
    group = np.concatenate([of_truths, of_truths, of_predictions, of_predictions])
    positions = _number_frames(group, frames)
    n_truths = len(of_truths)
    n_predictions = len(of_predictions)
    onset, offset, begin, end = np.split(positions, np.cumsum([n_truths, n_truths, n_predictions]))
    order = np.argsort(onset, kind="stable")
    first = np.searchsorted(np.maximum.accumulate(offset[order]), begin)
    behind_last = np.searchsorted(onset[order], end, "right")
    return Runs(order, first, np.maximum(behind_last - first, 0))


def _number_frames(group: Indices, frames: Indices) -> Indices:
    """One number for group and frame, in the order of both.

    A single sorted array then serves all groups.
    """
    first = int(frames.min(initial=0))
    span = int(frames.max(initial=0)) - first + 1
    if span * (int(group.max(initial=0)) + 1) < np.iinfo(np.int64).max:
        return group * span + (frames - first)
    different, rank = np.unique(frames, return_inverse=True)
    return np.asarray(group * len(different) + rank)


def same_group(left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """All pairs of positions (i, j) with left[i] == right[j], ordered by i, then j; groups have small numbers from 0.

    >>> [row.tolist() for row in same_group(np.array([7, 8, 7]), np.array([7, 9, 7]))]
    [[0, 0, 2, 2], [0, 2, 0, 2]]
    """
    runs = _runs(left, right)
    i, position = _laid_out(runs.first, runs.length)
    return i, runs.order[position]


def _runs(left: Indices, right: Indices) -> Runs:
    """For each number on the left, the positions of the same number on the right."""
    order = np.argsort(right, kind="stable")
    members = np.bincount(right, minlength=1 + left.max(initial=-1))
    first = np.cumsum(members) - members
    return Runs(order, first[left], members[left])


def _laid_out(first: Indices, length: Indices) -> tuple[Indices, Indices]:
    """Runs of positions laid end to end: the number of the run of each position, and the position."""
    i = np.repeat(np.arange(len(first)), length)
    return i, np.repeat(first - np.cumsum(length) + length, length) + np.arange(len(i))


def overlap_pairs(
    prediction: Indices,
    truth: Indices,
    spotted: tuple[Indices, Indices],
    true: tuple[Indices, Indices],
    convention: Convention,
) -> Pairs:
    """Intersection and union of pairs of intervals.

    Arguments are the (onsets, offsets) of all predictions and of all truths.
    """
    one_less = int(convention.ends == "half_open")
    (onset, offset) = spotted
    (true_onset, true_offset) = true
    one = onset[prediction], offset[prediction] - one_less
    other = true_onset[truth], true_offset[truth] - one_less
    common, either = peaks.overlap(one, other)
    if convention.ends == "never_empty":
        is_longer_than_a_frame = (one[1] > one[0]) & (other[1] > other[0])
        shared = np.where(is_longer_than_a_frame, np.maximum(common, 1), 0)
        common, either = shared, either + common - shared
    return Pairs(prediction, truth, common, either)


def match_one_to_one(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, pairs: Pairs | None = None
) -> Indices:
    """Match spotted intervals to truths one to one, under `maximum` matching; for the others see `find_truths`.

    A prediction may be matched to a truth of its own video and kind that it hits (`Convention.threshold`). Of all such
    matchings the one is taken that has, in this order,

    1. the most pairs,
    2. the largest total IoU (as an exact fraction),
    3. the more confident predictions: the first in the order of rows that the others lack,
    4. the earlier truths for the more confident predictions.

    Rows must be in the order of `Tables.put_in_order`: predictions by confidence, then onset, offset and apex; truths by
    onset. The result is then unique and independent of how the tables were written. Emotions are ignored. Every draw is
    matched separately.

    Args:
        truths: table with columns `video`, `kind`, `onset`, `offset`.
        predictions: table with the same columns and `draw`.
        convention: rules, of which the end points and the threshold matter.
        pairs: `pair_intervals(truths, predictions, convention)`, if it is at hand.

    Returns:
        (n_predictions,) row of the matched truth, or -1.

    >>> from mebench.metrics.conventions import CONVENTIONS
    >>> truths = pd.DataFrame({"video": "a", "kind": "micro", "onset": [10, 14], "offset": [19, 23]})
    >>> spotted = pd.DataFrame({"video": ["a", "a", "b"], "kind": "micro", "onset": [12, 8, 9], "offset": [21, 19, 19]})
    >>> match_one_to_one(truths, spotted.assign(draw=0), CONVENTIONS["strict"])
    array([ 1,  0, -1])
    """
    matched = np.full(len(predictions), -1, dtype=np.int64)
    every = pair_intervals(truths, predictions, convention) if pairs is None else pairs
    edges = every.hits(convention.threshold, convention.reaching)
    if not len(edges.truth):
        return matched
    # A truth is found once in every draw: each (draw, truth) is a node of its own.
    node = predictions["draw"].to_numpy(np.int64)[edges.prediction] * len(truths) + edges.truth
    component, is_star = _components(edges.prediction, node)
    stars = edges.where(is_star)
    best = np.lexsort((stars.truth, stars.prediction, -stars.iou, component[is_star]))
    chosen = stars.where(best[first_of_each(component[is_star][best])])
    matched[chosen.prediction] = chosen.truth
    for part in group_by(np.flatnonzero(~is_star), key=component.__getitem__).values():
        for prediction, truth in _best_matching(edges.where(np.array(part))):
            matched[prediction] = truth
    return matched


def _components(prediction: Indices, node: Indices) -> tuple[Indices, Bools]:
    """The connected component of each edge, and whether it is a star: it has only one prediction, or only one truth."""
    spotted, p = np.unique(prediction, return_inverse=True)
    nodes, t = np.unique(node, return_inverse=True)
    # One graph holds both sides, truths numbered behind the predictions.
    size = len(spotted) + len(nodes)
    graph = scipy.sparse.coo_matrix((np.ones(len(p)), (p, len(spotted) + t)), shape=(size, size))
    n_components, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    n_predictions = np.bincount(label[: len(spotted)], minlength=n_components)
    n_truths = np.bincount(label[len(spotted) :], minlength=n_components)
    component = label[p].astype(np.int64)
    return component, np.minimum(n_predictions, n_truths)[component] == 1


def _best_matching(edges: Pairs) -> Iterator[tuple[int, int]]:
    """The matching of `match_one_to_one` in a component in which intervals compete: rows of prediction and truth.

    The four criteria become the digits of one whole number for each edge, each larger than all lower ones can sum up to,
    so that the heaviest matching is the wanted one, exactly.
    """
    spotted, p = np.unique(edges.prediction, return_inverse=True)
    nodes, t = np.unique(edges.truth, return_inverse=True)
    n = len(nodes)
    m = len(spotted)
    unions = edges.union.tolist()
    scale = lcm(*set(unions))
    a_pair_more = min(n, m) * scale + 1
    weights: dict[tuple[int, int], int] = {}
    for row, column, common, union in zip(t.tolist(), p.tolist(), edges.intersection.tolist(), unions):
        quality = a_pair_more + common * (scale // union)
        with_confidence = (quality << m) + (1 << (m - 1 - column))
        earlier_truth = (n - 1 - row) * n ** (m - 1 - column)
        weights[row, column] = with_confidence * n**m + earlier_truth
    heaviest = _heaviest_of_few if min(n, m) <= FEW_INTERVALS else _heaviest_matching
    for row, column in heaviest(weights):
        yield spotted[column], nodes[row]


FEW_INTERVALS = 6
"""Intervals on the smaller side of a component up to which all matchings are tried."""


def _heaviest_of_few(weights: Mapping[tuple[int, int], int]) -> tuple[tuple[int, int], ...]:
    """The heaviest matching, as `_heaviest_matching` gives it, from all matchings.

    Where one side has few intervals this takes a tenth of the time.
    """
    rows = {row for row, _ in weights}
    columns = {column for _, column in weights}
    smaller_side = 0 if len(rows) < len(columns) else 1
    larger_side = 1 - smaller_side
    edges_of_larger = group_by(weights, key=lambda edge: edge[larger_side])
    # By the set of taken intervals on the smaller side, a bit for each: the heaviest matching's weight and its edges.
    heaviest: dict[int, tuple[int, tuple[tuple[int, int], ...]]] = {0: (0, ())}
    for edges in edges_of_larger.values():
        for taken, (weight, chosen) in [*heaviest.items()]:
            for edge in edges:
                bit = 1 << edge[smaller_side]
                is_free = not taken & bit
                heavier = weight + weights[edge]
                if is_free and heavier > heaviest.get(taken | bit, (0,))[0]:
                    heaviest[taken | bit] = (heavier, (*chosen, edge))
    _, edges_of_heaviest = max(heaviest.values())
    return edges_of_heaviest


def _heaviest_matching(weights: Mapping[tuple[int, int], int]) -> Iterator[tuple[int, int]]:
    """The edges of the heaviest matching of rows and columns, whose weights are whole numbers: hence exact."""
    graph = networkx.Graph()
    for (row, column), weight in weights.items():
        # Nodes of rows are negative, nodes of columns are not.
        graph.add_edge(-1 - row, column, weight=weight)
    for ends in networkx.max_weight_matching(graph):
        yield -1 - min(ends), max(ends)


def largest_matching(prediction: Indices, truth: Indices) -> tuple[Indices, Indices]:
    """Predictions and truths of some matching with the most pairs, given all allowed pairs.

    Numbers of predictions and truths are small, from 0.
    """
    hits_several = np.bincount(prediction)[prediction] > 1
    # Of a truth whose predictions hit nothing else any of them will do.
    is_contested = np.bincount(truth, weights=hits_several)[truth] > 0
    taken_by = np.full(int(truth.max(initial=-1)) + 1, -1, dtype=np.int64)
    taken_by[truth[~is_contested]] = prediction[~is_contested]
    taken = np.flatnonzero(taken_by >= 0)
    spotted, found = _largest_contested_matching(prediction[is_contested], truth[is_contested])
    return np.concatenate([taken_by[taken], spotted]), np.concatenate([taken, found])


def _largest_contested_matching(prediction: Indices, truth: Indices) -> tuple[Indices, Indices]:
    """`largest_matching` where predictions hit several truths."""
    if not len(prediction):
        return prediction, truth
    nodes, column = np.unique(truth, return_inverse=True)
    spotted, row = np.unique(prediction, return_inverse=True)
    graph = scipy.sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(spotted), len(nodes)))
    partners = scipy.sparse.csgraph.maximum_bipartite_matching(graph, perm_type="column")
    is_matched = partners >= 0
    return np.asarray(spotted[is_matched]), np.asarray(nodes[partners[is_matched]])


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


def find_truths(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, pairs: Pairs | None = None
) -> Found:
    """The truths that are found, by the convention's rule of matching.

    Args:
        truths: table as in `Tables.put_in_order`.
        predictions: table as in `Tables.put_in_order`, in the order in which they take turns.
        convention: rules.
        pairs: `pair_intervals(truths, predictions, convention)`, if it is at hand.
    """
    every = pair_intervals(truths, predictions, convention) if pairs is None else pairs
    if convention.matching == "peak":
        near = every.where(peak_hits(truths, predictions, every.prediction, every.truth))
    else:
        near = every.hits(convention.threshold, convention.reaching)
    n = len(predictions)
    draw = predictions["draw"].to_numpy(np.int64)
    hits = np.bincount(near.prediction, minlength=n).astype(np.float64)
    if convention.matching == "maximum":
        return _found_one_to_one(match_one_to_one(truths, predictions, convention, every), hits)
    if convention.matching == "next_free":
        return _found_one_to_one(take_turns(near, draw, convention.ties), hits)
    if convention.matching == "best_only":
        best_of_each = near.where(_best_of_each_prediction(near, convention.ties))
        return _found_one_to_one(take_turns(best_of_each, draw, convention.ties), hits)
    if convention.matching == "every_hit":
        return Found(near.prediction, near.truth, np.maximum(hits, 1), hits)
    if convention.matching == "free_of_truth":
        prediction, truth = _chosen_by_truths(truths, near, draw)
        return Found(prediction, truth, np.ones(n), hits)
    # In each draw a truth is a node of its own.
    node = draw[near.prediction] * max(len(truths), 1) + near.truth
    if convention.matching == "best_of_truth":
        order = np.lexsort((near.prediction, -near.iou, near.truth, draw[near.prediction]))
        best_of_each = near.where(order[first_of_each(node[order])])
        once = best_of_each.where(first_of_each(best_of_each.prediction))
        return Found(once.prediction, once.truth, np.ones(n), hits)
    # Each truth goes to the first that hits it, however many truths that one has.
    first = near.where(first_of_each(node))
    found = np.bincount(first.prediction, minlength=n)
    weight = _weight_of_first_hits(convention, hits, found)
    return Found(first.prediction, first.truth, weight.astype(np.float64), hits)


def _found_one_to_one(rows: Indices, hits: Floats) -> Found:
    """The true positives of a matching, from the row of each prediction's truth, or -1."""
    matched = np.flatnonzero(rows >= 0)
    return Found(matched, rows[matched], np.ones(len(rows)), hits)


def _best_of_each_prediction(near: Pairs, ties: str) -> Indices:
    """Positions of the pair of best IoU of each prediction."""
    order = _by_liking(near, ties)
    return order[first_of_each(near.prediction[order])]


def _chosen_by_truths(truths: pd.DataFrame, near: Pairs, draw: Indices) -> tuple[Indices, Indices]:
    """Rows of predictions and truths if truths choose in the order of their rows.

    Each takes the best free prediction that hits.
    """
    n_truths = max(len(truths), 1)
    rank = np.argsort(np.argsort(truths["row"].to_numpy(np.float64), kind="stable"))
    node = draw[near.prediction] * n_truths + rank[near.truth]
    nodes, position = np.unique(node, return_inverse=True)
    # The sides are exchanged: truths take turns, and draws hold different predictions anyway.
    exchanged = Pairs(position.astype(np.int64), near.prediction, near.intersection, near.union)
    taken = take_turns(exchanged, np.zeros(len(nodes), dtype=np.int64))
    truth = np.argsort(rank)[nodes % n_truths]
    return taken[taken >= 0], truth[taken >= 0]


def _weight_of_first_hits(convention: Convention, hits: Floats, found: Indices) -> Floats | Indices:
    """`Found.weight` where a truth goes to the first that hits it.

    Args:
        convention: rules.
        hits: (n_predictions,) number of truths that each hits.
        found: (n_predictions,) number of truths of which each is the first.
    """
    free = np.where(hits > 0, found, 1)
    if convention.matching == "every_free":
        return np.maximum(found, 1)
    if convention.matching == "peak" or convention.duplicates == "free":
        return free
    if convention.duplicates == "dropped":
        return 1 - (hits - found)
    return np.ones(len(hits))


def _by_liking(pairs: Pairs, ties: str) -> Indices:
    """Positions of the pairs by prediction, best IoU first; at equal IoU the earlier (or later) truth first."""
    step = np.diff(pairs.prediction)
    if (step < 0).any():
        return _sort_by_liking(pairs, ties)
    # Mostly they stand by prediction, and hit one truth: only among several is there something to sort.
    is_as_next = np.append(step == 0, False)
    is_as_former = np.append(False, step == 0)
    several = np.flatnonzero(is_as_next | is_as_former)
    order = np.arange(len(pairs.prediction))
    order[several] = several[_sort_by_liking(pairs.where(several), ties)]
    return order


def _sort_by_liking(pairs: Pairs, ties: str) -> Indices:
    """The positions of `_by_liking`, for pairs in any order."""
    return np.lexsort((pairs.truth if ties == "earlier" else -pairs.truth, -pairs.iou, pairs.prediction))


def sort_by_liking(pairs: Pairs, ties: str) -> Pairs:
    """The pairs by prediction, best IoU first.

    At equal IoU the `earlier` (or `later`) truth comes first.
    """
    return pairs.where(_by_liking(pairs, ties))


def take_turns(pairs: Pairs, draw: Indices, ties: str = "earlier") -> Indices:
    """Let predictions choose in the order of their rows; each takes its best free truth.

    Args:
        pairs: pairs that hit.
        draw: (n_predictions,) number of the draw; each draw has the truths to itself.
        ties: the truth that is preferred at equal IoU, the `earlier` or the `later`.

    Returns:
        (n_predictions,) row of the truth, or -1.

    >>> one = np.array([1, 1])  # both spotted intervals equal the only truth: the first takes it
    >>> take_turns(Pairs(np.array([0, 1]), np.array([0, 0]), one, one), draw=np.array([0, 0]))
    array([ 0, -1])
    """
    return take_turns_in_order(sort_by_liking(pairs, ties), draw)


def take_turns_in_order(pairs: Pairs, draw: Indices) -> Indices:
    """`take_turns` for pairs that `sort_by_liking` has sorted, or some of them."""
    rows = np.full(len(draw), -1, dtype=np.int64)
    prediction = pairs.prediction
    truth = pairs.truth
    node = draw[prediction] * (int(pairs.truth.max(initial=0)) + 1) + truth
    # Whoever is the first at the truth that it likes best, takes it.
    is_best = np.diff(prediction, prepend=-1) > 0
    first_pair = np.empty(int(node.max(initial=-1)) + 1, dtype=np.int64)
    first_pair[node[::-1]] = np.arange(len(node))[::-1]
    is_sure = is_best & (first_pair[node] == np.arange(len(node)))
    rows[prediction[is_sure]] = truth[is_sure]
    is_taken = np.zeros(len(first_pair), dtype=np.bool_)
    is_taken[node[is_sure]] = True
    is_open = (rows[prediction] < 0) & ~is_taken[node]
    taken: set[int] = set()
    for p, t, key in zip(prediction[is_open].tolist(), truth[is_open].tolist(), node[is_open].tolist()):
        if rows[p] < 0 and key not in taken:
            taken.add(key)
            rows[p] = t
    return rows


def first_of_each(keys: Indices) -> Indices:
    """Positions of the first occurrence of every key, in order."""
    return np.sort(np.unique(keys, return_index=True)[1])
