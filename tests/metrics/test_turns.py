"""The rules of matching against plain readings of them."""

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, strategies as st

from mebench.metrics import interval_matches, match_one_to_one, matching
from mebench.metrics.conventions import CONVENTIONS, Convention
from mebench.metrics.matching import find_truths, pair_intervals
from tests.helpers.plain_rules import Span, every_free, iou, rows, top_one

STRICT = CONVENTIONS["strict"]
spans = st.tuples(st.integers(0, 14), st.integers(1, 9)).map(lambda x: (x[0], x[0] + x[1]))
few = st.lists(spans, max_size=5)


def ordered(truths: list[Span], spotted: list[Span]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `Tables.put_in_order` gives them: in the order in which they are written here."""
    named = [rows("d/1/a", spans).assign(unit=0, row=range(len(spans)), fps=100.0) for spans in (truths, spotted)]
    return named[0], named[1].assign(draw=0)


def found(truths: list[Span], spotted: list[Span], rule: Convention) -> matching.Found:
    return find_truths(*ordered(truths, spotted), rule)


@given(truths=few, spotted=few)
def test_find_truths_best_only_tries_one_truth(truths: list[Span], spotted: list[Span]) -> None:
    truths = sorted(truths)
    result = found(truths, spotted, CONVENTIONS["mean2022"])
    assert result.matched.tolist() == top_one(truths, spotted)
    assert result.weight.tolist() == [1] * len(spotted)


@given(truths=few, spotted=few)
def test_find_truths_of_strs_metric_takes_every_free_truth(truths: list[Span], spotted: list[Span]) -> None:
    result = found(sorted(truths), spotted, CONVENTIONS["strs_metric"])
    tp, fp, fn = every_free(sorted(truths), spotted)
    assert (len(result.truth), result.weight.sum()) == (tp, tp + fp)
    assert len(truths) - len(set(result.truth.tolist())) == fn


@given(truths=few, spotted=few)
def test_find_truths_of_megc2020_takes_any_hit(truths: list[Span], spotted: list[Span]) -> None:
    result = found(truths, spotted, CONVENTIONS["megc2020"])
    near = [[2 * iou(a, b) >= 1 for b in truths] for a in spotted]
    near_of_truths = [[row[t] for row in near] for t in range(len(truths))]
    assert len(result.truth) == sum(map(any, near_of_truths))
    assert result.hits.tolist() == [sum(row) for row in near]
    assert result.weight.tolist() == [1] * len(spotted)


@given(truths=few, spotted=few)
def test_find_truths_under_strict_finds_the_most(truths: list[Span], spotted: list[Span]) -> None:
    one_to_one = [len(found(truths, spotted, replace(STRICT, matching=m)).truth) for m in ("next_free", "best_only")]
    most = len(found(truths, spotted, STRICT).truth)
    assert max(one_to_one) <= most <= len(found(truths, spotted, CONVENTIONS["megc2020"]).truth)


def test_find_truths_and_match_one_to_one_agree() -> None:
    truths, spotted = ordered([(0, 9), (4, 13)], [(2, 11), (0, 9), (40, 49)])
    assert (
        find_truths(truths, spotted, STRICT).matched.tolist()
        == match_one_to_one(truths, spotted, STRICT).tolist()
        == [1, 0, -1]
    )


def test_find_truths_takes_earlier_or_later_of_equal_truths() -> None:
    truths, spotted = [(0, 9), (2, 11)], [(1, 10)]
    for ties, row in (("earlier", 0), ("later", 1)):
        rule = replace(STRICT, matching="next_free", ties=ties)
        assert found(truths, spotted, rule).matched.tolist() == [row]


def f1_over_iou(truths: list[Span], spotted: list[Span], convention: Convention) -> list[float]:
    tables = ordered(truths, spotted)
    parts = interval_matches.found_over_iou(*tables, convention, pair_intervals(*tables, convention))
    return [2 * len(rows) / (weight.sum() + len(truths)) for rows, weight in parts]


@given(truths=st.lists(spans, min_size=1, max_size=5), spotted=few, rule=st.sampled_from(sorted(CONVENTIONS)))
def test_f1_over_iou_equals_the_convention_at_each_threshold(
    truths: list[Span], spotted: list[Span], rule: str
) -> None:
    convention = replace(CONVENTIONS[rule], matching=CONVENTIONS[rule].matching.replace("peak", "next_free"))
    convention = replace(convention, silence="nothing", videos="all")
    swept = f1_over_iou(truths, spotted, convention)
    tables = ordered(truths, spotted)
    for threshold, f1 in zip(interval_matches.SWEEP, swept, strict=True):
        result = find_truths(*tables, replace(convention, threshold=threshold))
        total = result.weight.sum() + len(truths)
        np.testing.assert_allclose(f1, 2 * len(result.truth) / total)


def test_f1_over_iou_never_rises_with_the_threshold() -> None:
    rng = np.random.default_rng(0)
    onset = [rng.integers(0, 400, size=40) for _ in range(2)]
    truths, spotted = ([(int(a), int(a) + 12) for a in side] for side in onset)
    assert (np.diff(f1_over_iou(truths, spotted, STRICT)) <= 0).all()
