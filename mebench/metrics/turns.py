"""Which truths are found under each rule of matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.li2017 import peak_hits
from mebench.metrics.matching import Indices, Pairs, match, pair
from mebench.metrics.rules import Convention


@dataclass(frozen=True)
class Found:
    """The true positives.

    Attributes:
        prediction: (n_found,) row of the spotted interval.
        truth: (n_found,) row of the truth that it found; in each draw a truth is found at most once.
        weight: (n_predictions,) how much each spotted interval adds to what precision divides by. It is 1, but under
            `every_free` the number of truths that it found where that is more, and under `peak` 0 for an interval that
            hits a truth which another one has found.
        hits: number of pairs that hit, duplicates included, of each prediction, (n_predictions,).
    """

    prediction: Indices
    truth: Indices
    weight: NDArray[np.float64]
    hits: NDArray[np.float64]

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
    if convention.matching == "peak":
        near = every.where(peak_hits(truths, predictions, every.prediction, every.truth))
    else:
        near = every.hits(convention.threshold, convention.reaching)
    n, draw = len(predictions), predictions["draw"].to_numpy(np.int64)
    hits = np.bincount(near.prediction, minlength=n).astype(np.float64)
    weight = np.ones(n)
    if convention.matching == "maximum":
        rows = match(truths, predictions, convention, every)
        chosen = np.flatnonzero(rows >= 0)
        return Found(chosen, rows[chosen], weight, hits)
    if convention.matching in ("next_free", "best_only"):
        if convention.matching == "best_only":
            near = best_of_each(near, convention.ties)
        rows = take_turns(near, draw, convention.ties)
        chosen = np.flatnonzero(rows >= 0)
        return Found(chosen, rows[chosen], weight, hits)
    # Each truth goes to the first that hits it, however many truths that one has.
    first = near.where(_first_of_each(draw[near.prediction] * max(len(truths), 1) + near.truth))
    found = np.bincount(first.prediction, minlength=n)
    if convention.matching == "every_free":
        weight = np.maximum(found, 1).astype(np.float64)
    elif convention.matching == "peak":
        weight = np.where(hits > 0, found, 1).astype(np.float64)
    return Found(first.prediction, first.truth, weight, hits)


def best_of_each(pairs: Pairs, ties: str = "earlier") -> Pairs:
    """For every prediction its pair of best IoU; of equal ones that with the earlier (or later) truth."""
    sign = 1 if ties == "earlier" else -1
    order = np.lexsort((sign * pairs.truth, -pairs.iou, pairs.prediction))
    return pairs.where(order[_first_of_each(pairs.prediction[order])])


def take_turns(pairs: Pairs, draw: Indices, ties: str = "earlier") -> Indices:
    """Let predictions choose one after the other, in the order of their rows; each takes its best truth still free.

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
    sign = 1 if ties == "earlier" else -1
    order = np.lexsort((sign * pairs.truth, -pairs.iou, pairs.prediction))
    prediction, truth = pairs.prediction[order], pairs.truth[order]
    node = draw[prediction] * (int(pairs.truth.max(initial=0)) + 1) + truth
    # A pair of which both sides occur once competes with nobody.
    alone = (np.bincount(prediction, minlength=len(draw))[prediction] == 1) & _single(node)
    rows[prediction[alone]] = truth[alone]
    rest = ~alone
    taken: set[int] = set()
    found: dict[int, int] = {}
    for p, t, key in zip(prediction[rest].tolist(), truth[rest].tolist(), node[rest].tolist()):
        if p not in found and key not in taken:
            taken.add(key)
            found[p] = t
    rows[list(found)] = list(found.values())
    return rows


def _first_of_each(keys: Indices) -> Indices:
    """Positions of the first occurrence of every key, in order."""
    return np.sort(np.unique(keys, return_index=True)[1])


def _single(keys: Indices) -> NDArray[np.bool_]:
    """Whether each key occurs only once."""
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] == 1)
