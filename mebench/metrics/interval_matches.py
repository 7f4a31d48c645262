"""What spotted intervals find, before it is counted: by rule, in turns, at every IoU."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pandas as pd

from mebench.metrics.conventions import Convention
from mebench.metrics.matching import (
    Found,
    Pairs,
    find_truths,
    largest_matching,
    pair_intervals,
    sort_by_liking,
    take_turns_in_order,
)
from mebench.metrics.ratios import Bools, Floats, Indices
from mebench.metrics.tables import in_scope, of_kinds

THRESHOLDS = tuple(Fraction(percent, 100) for percent in range(50, 100, 5))
"""The thresholds of IoU over which average precision is averaged."""
SWEEP = tuple(Fraction(percent, 100) for percent in range(5, 100, 5))
"""The thresholds of IoU at which F1 is shown."""


@dataclass(frozen=True)
class IntervalMatches:
    """The intervals that count, and what the spotted ones find.

    Attributes:
        truths: truths that count, with new row numbers.
        predictions: spotted intervals that count, in the order in which they take turns.
        pairs: pairs of both, see `pair_intervals`.
        found: true positives.
        hits: for each of `THRESHOLDS`, (n_predictions,) whether each found a truth by the rule of average precision, or how many
            truths where it may find several; empty where the convention defines no average precision.
        claimed: (n_predictions,) whether each found a truth so at the convention's threshold.
        over_iou: see `found_over_iou`; empty where no IoU is compared.
    """

    truths: pd.DataFrame
    predictions: pd.DataFrame
    pairs: Pairs
    found: Found
    hits: tuple[Bools | Indices, ...]
    claimed: Bools
    over_iou: tuple[tuple[Indices, Floats], ...]

    def of_kind(self, kind: str) -> "IntervalMatches":
        """The matches of one of the pooled kinds.

        What was found is not sought again, so this holds only where `kinds_match_apart`.
        """
        is_truth = (self.truths["kind"] == kind).to_numpy()
        is_spotted = (self.predictions["kind"] == kind).to_numpy()
        spotted = np.flatnonzero(is_spotted)
        new_truth = np.cumsum(is_truth) - 1
        new_prediction = np.cumsum(is_spotted) - 1
        pairs = self.pairs.where(is_spotted[self.pairs.prediction])
        is_found = is_spotted[self.found.prediction]
        # Mostly all thresholds share one array of weights, which is cut once: hence by its identity.
        array_by_id = {id(weight): weight for _, weight in self.over_iou}
        cut_by_id = {id_: weight[spotted] for id_, weight in array_by_id.items()}
        over_iou = []
        for rows, weight in self.over_iou:
            over_iou.append((new_prediction[rows[is_spotted[rows]]], cut_by_id[id(weight)]))
        return IntervalMatches(
            truths=self.truths[is_truth].reset_index(drop=True),
            predictions=self.predictions.take(spotted).reset_index(drop=True),
            pairs=replace(pairs, prediction=new_prediction[pairs.prediction], truth=new_truth[pairs.truth]),
            found=Found(
                prediction=new_prediction[self.found.prediction[is_found]],
                truth=new_truth[self.found.truth[is_found]],
                weight=self.found.weight[spotted],
                hits=self.found.hits[spotted],
            ),
            hits=tuple(values[spotted] for values in self.hits),
            claimed=self.claimed[spotted],
            over_iou=tuple(over_iou),
        )


def kinds_match_apart(convention: Convention) -> bool:
    """Whether what is found of a kind is the same alone and pooled with others.

    It is not where intervals of different kinds may match, or where a dummy's place depends on other kinds.
    """
    return convention.kinds == "own" and convention.silence == "nothing"


def match_intervals(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, kinds: Sequence[str]
) -> IntervalMatches:
    """Select the intervals that count, and find what the spotted ones hit.

    Args:
        truths: as in `Tables.put_in_order`. Intervals of different kinds match only where the convention says so.
        predictions: the same.
        convention: the rules.
        kinds: the kinds that are pooled.
    """
    truths, predictions = _select_scored_intervals(truths, predictions, convention, kinds)
    draw = predictions["draw"].to_numpy(np.int64)
    pairs = pair_intervals(truths, predictions, convention, least_iou=min(convention.threshold, *SWEEP))
    thresholds = THRESHOLDS if convention.defines("ap50") or convention.defines("ap") else ()
    hits: tuple[Bools | Indices, ...]
    if convention.matching == "every_hit":
        claims = _claims_by_threshold(pairs, draw, convention, {convention.threshold})
        hits = _hits_by_threshold(pairs, len(predictions), convention, thresholds)
    else:
        claims = _claims_by_threshold(pairs, draw, convention, {convention.threshold, *thresholds})
        hits = tuple(claims[threshold] for threshold in thresholds)
    over_iou = []
    if convention.matching != "peak":
        over_iou = found_over_iou(truths, predictions, convention, pairs)
    return IntervalMatches(
        truths=truths,
        predictions=predictions,
        pairs=pairs,
        found=find_truths(truths, predictions, convention, pairs),
        hits=hits,
        claimed=claims[convention.threshold],
        over_iou=tuple(over_iou),
    )


def _select_scored_intervals(
    truths: pd.DataFrame, predictions: pd.DataFrame, convention: Convention, kinds: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select the truths and spotted intervals that count.

    They are in the order in which predictions take turns.

    Where a spotted interval may hit truths of another kind (`Convention.kinds`), all intervals get the kind `any`, and the column `own`
    says whether an interval is of the kinds asked for.
    """
    if convention.kinds != "of_truth":
        truths = of_kinds(truths, kinds)
        predictions = of_kinds(predictions, kinds)
    if convention.kinds != "own":
        truths = truths.assign(kind="any", own=truths["kind"].isin(kinds))
        predictions = predictions.assign(kind="any", own=predictions["kind"].isin(kinds))
    truths, predictions = in_scope(truths, predictions, convention)
    if convention.kinds == "of_truth":
        truths = truths[truths["own"]].reset_index(drop=True)
    return truths, predictions


def _claims_by_threshold(
    pairs: Pairs, draw: Indices, convention: Convention, thresholds: Iterable[Fraction]
) -> dict[Fraction, Bools]:
    """Whether each prediction gets a truth when all choose in turn, by threshold of IoU.

    Each chooses among the truths that it hits; (n_predictions,) for each threshold.
    """
    by_liking = sort_by_liking(pairs, convention.ties)
    claims = {}
    for threshold in thresholds:
        near = by_liking.hits(threshold, convention.reaching)
        claims[threshold] = take_turns_in_order(near, draw) >= 0
    return claims


def _hits_by_threshold(
    pairs: Pairs, n_predictions: int, convention: Convention, thresholds: Iterable[Fraction]
) -> tuple[Indices, ...]:
    """The number of truths that each prediction hits, (n_predictions,) for each threshold of IoU."""
    near = [pairs.hits(threshold, convention.reaching) for threshold in thresholds]
    return tuple(np.bincount(hitting.prediction, minlength=n_predictions) for hitting in near)


def found_over_iou(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    convention: Convention,
    pairs: Pairs,
) -> list[tuple[Indices, Floats]]:
    """At every threshold of `SWEEP`, the predictions and weights of true positives.

    The weights of all predictions are `Found.weight`.

    Under `maximum` matching any matching of most pairs will do, for F1 depends on their number alone.
    """
    if convention.matching != "maximum":
        found = [find_truths(truths, predictions, replace(convention, threshold=t), pairs) for t in SWEEP]
        return [(part.prediction, part.weight) for part in found]
    draw = predictions["draw"].to_numpy(np.int64)
    weight = np.ones(len(predictions))
    # A truth is found once in every draw: each (draw, truth) is a node of its own.
    near = replace(pairs, truth=draw[pairs.prediction] * max(len(truths), 1) + pairs.truth)
    matched: list[Indices] = []
    for threshold in SWEEP:  # rising: each has the hits of the one before, or some of them
        n_before = len(near.truth)
        near = near.hits(threshold, convention.reaching)
        if matched and len(near.truth) == n_before:
            matched.append(matched[-1])
        else:
            matched.append(largest_matching(near.prediction, near.truth)[0])
    return [(rows, weight) for rows in matched]
