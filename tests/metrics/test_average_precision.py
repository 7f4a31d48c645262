"""Average precision against a plain reading of ActivityNet's rule and of the interpolated curve."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from mebench.metrics import curve_counts, ranked_scores, spotting_scores
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.matching import pair_intervals, take_turns

Span = tuple[int, int]
spans = st.tuples(st.integers(0, 20), st.integers(0, 12)).map(lambda x: (x[0], x[0] + x[1]))


def table(spans: list[Span]) -> pd.DataFrame:
    frame = pd.DataFrame({"onset": [a for a, _ in spans], "offset": [b for _, b in spans]}, dtype=np.int64)
    return frame.assign(video="a", kind="micro")


def iou(a: Span, b: Span) -> Fraction:
    first, second = set(range(a[0], a[1] + 1)), set(range(b[0], b[1] + 1))
    return Fraction(len(first & second), len(first | second))


def by_the_rule(truths: list[Span], spotted: list[Span], threshold: Fraction) -> list[bool]:
    free = set(range(len(truths)))
    found = []
    for span in spotted:
        wish = sorted(free, key=lambda t: (-iou(span, truths[t]), t))
        hit = bool(wish) and iou(span, truths[wish[0]]) >= threshold
        if hit:
            free.remove(wish[0])
        found.append(hit)
    return found


def area(found: list[bool], n: int) -> float:
    """Sum over recall steps of the highest precision at that recall or any higher one."""
    points = []
    tp = 0
    for rank, hit in enumerate(found, 1):
        tp += hit
        points.append((tp / n, tp / rank))
    recalls = sorted({0.0, *(recall for recall, _ in points)})
    return sum((b - a) * max(p for r, p in points if r >= b) for a, b in pairwise(recalls))


@given(
    truths=st.lists(spans, min_size=1, max_size=6),
    spotted=st.lists(spans, max_size=8),
    threshold=st.sampled_from([Fraction(1, 2), Fraction(11, 20), Fraction(3, 4), Fraction(19, 20)]),
)
def test_average_precision_and_take_turns_follow_the_rule(
    truths: list[Span], spotted: list[Span], threshold: Fraction
) -> None:
    pairs = pair_intervals(table(truths), table(spotted), CONVENTIONS["strict"]).hits(threshold)
    found = take_turns(pairs, np.zeros(len(spotted), dtype=np.int64)) >= 0
    assert found.tolist() == by_the_rule(truths, spotted, threshold)
    assert ranked_scores.average_precision(found, len(truths)) == pytest.approx(area(found.tolist(), len(truths)))


@given(
    ranked=st.lists(st.tuples(st.booleans(), st.sampled_from([0.9, 0.7, 0.5])), max_size=12),
    seed=st.integers(0, 99),
)
def test_average_precision_takes_equal_confidences_as_one_point(ranked: list[tuple[bool, float]], seed: int) -> None:
    """So nothing that orders them otherwise, such as the names of their videos, moves the area."""
    ranked = sorted(ranked, key=lambda pair: -pair[1])
    hits, sure = (np.array(column) for column in (zip(*ranked) if ranked else ((), ())))
    points = [(hits[sure >= c].sum() / 13, hits[sure >= c].mean()) for c in sorted({*sure.tolist()}, reverse=True)]
    steps = pairwise(sorted({0.0, *(recall for recall, _ in points)}))
    expected = sum((b - a) * max(p for r, p in points if r >= b) for a, b in steps)
    order = np.lexsort((np.random.default_rng(seed).random(len(sure)), -sure))

    assert ranked_scores.average_precision(hits.astype(bool)[order], 13, sure.astype(float)) == pytest.approx(expected)


def test_take_turns_gives_a_prediction_the_next_free_truth() -> None:
    truths, spotted = [(0, 9), (2, 11)], [(0, 9), (0, 10)]
    pairs = pair_intervals(table(truths), table(spotted), CONVENTIONS["strict"]).hits(Fraction(1, 2))
    assert (take_turns(pairs, np.zeros(2, dtype=np.int64)) >= 0).tolist() == [True, True]


@given(
    ranked=st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=12),
    weights=st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_average_precision_weights_are_copies(ranked: list[tuple[bool, int]], weights: list[int]) -> None:
    truths = np.array([13.0, 12.0, 14.0])
    hits = np.array([hit for hit, _ in ranked], dtype=bool)
    unit = np.array([who for _, who in ranked], dtype=np.int64)
    value = ranked_scores.weighted_average_precision(
        hits, curve_counts.rank_units(unit, 3), truths, np.array([weights], dtype=float)
    )[0]
    copies = [hit for hit, who in ranked for _ in range(weights[who])]
    total = int(truths @ weights)
    if total:
        assert value == pytest.approx(area(copies, total))
    else:
        assert np.isnan(value)


@given(
    ranked=st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.sampled_from([0.9, 0.7, 0.5])), max_size=12),
    weights=st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_average_precision_weights_are_copies_at_ties(
    ranked: list[tuple[bool, int, float]], weights: list[int]
) -> None:
    ranked = sorted(ranked, key=lambda row: -row[2])
    truths = np.array([13.0, 12.0, 14.0])
    hits, unit, sure = (np.array([row[i] for row in ranked]) for i in range(3))
    ranking = curve_counts.rank_units(unit.astype(int), 3, sure.astype(float))
    copies = [(hit, c) for hit, who, c in ranked for _ in range(weights[who])]
    expected = ranked_scores.average_precision(
        np.array([hit for hit, _ in copies], dtype=bool), int(truths @ weights), np.array([c for _, c in copies])
    )
    value = ranked_scores.weighted_average_precision(
        hits.astype(bool), ranking, truths, np.array([weights], dtype=float)
    )
    assert value[0] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("levels", [50, 10**9])
def test_average_precision_without_each_of_many_intervals(levels: int) -> None:
    """Long tables are counted by what a person takes away; here everything is counted again without the person."""
    rng = np.random.default_rng(levels)
    n_units, n = 30, 70_000
    unit = rng.integers(0, n_units, n)
    sure = -np.sort(-np.round(rng.random(n) * levels))
    hits = rng.random(n) < np.linspace(0.8, 0.05, n)
    truths = rng.integers(2_000, 3_000, n_units).astype(float)
    weights = 1 - np.eye(n_units)[[0, 7]]
    weights = np.concatenate([weights, rng.integers(0, 3, (2, n_units))])
    found = ranked_scores.weighted_average_precision(
        hits, curve_counts.rank_units(unit, n_units, sure), truths, weights
    )
    for weighting, value in zip(weights, found):
        times = weighting[unit]
        last = np.searchsorted(-sure, -sure, side="right") - 1
        precision = np.cumsum(times * hits)[last] / np.maximum(np.cumsum(times)[last], 1)
        highest = np.maximum.accumulate(precision[::-1])[::-1]
        assert value == pytest.approx((times * hits * highest).sum() / (weighting @ truths), rel=1e-12)


def test_average_precision_by_former_place_warns() -> None:
    with pytest.warns(FutureWarning, match="is called mebench.metrics.ranked_scores.average_precision now"):
        former = spotting_scores.average_precision
    assert former is ranked_scores.average_precision
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        _ = spotting_scores.unknown
