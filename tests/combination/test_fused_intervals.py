"""Groups of overlapping intervals, on cases with a known answer."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from mebench.combination.fused_intervals import MemberInterval, fuse_intervals, intervals_by_place, rank_sureties

EQUAL = np.array([0.5, 0.5])


def interval(member, onset, offset, surety=1.0, shares=None):
    return MemberInterval(member, onset, (onset + offset) // 2, offset, surety, shares)


def ends(found):
    return [(one.onset, one.offset) for one in found]


def test_fuse_intervals_gives_the_weighted_mean_of_ends():
    found = fuse_intervals([interval(0, 10, 20), interval(1, 14, 24)], np.array([0.75, 0.25]), "weighted", 0.3, 0.5)
    assert ends(found) == [(11, 21)]
    assert found[0].confidence == pytest.approx(1.0)


def test_fuse_intervals_gives_the_union_where_merged():
    assert ends(fuse_intervals([interval(0, 10, 20), interval(1, 14, 24)], EQUAL, "merged", 0.3, 0.5)) == [(10, 24)]


def test_fuse_intervals_keeps_what_enough_members_agree_on():
    alone = [interval(0, 10, 20), interval(1, 50, 60, 0.5)]
    assert ends(fuse_intervals(alone, EQUAL, "weighted", 0.5, 0.5)) == [(10, 20), (50, 60)]
    assert fuse_intervals(alone, EQUAL, "weighted", 0.5, 0.6) == []
    assert ends(fuse_intervals(alone, np.array([0.75, 0.25]), "weighted", 0.5, 0.5)) == [(10, 20)]


def test_fuse_intervals_takes_one_of_a_member_in_a_group():
    found = fuse_intervals([interval(0, 10, 20), interval(0, 11, 21), interval(1, 10, 20)], EQUAL, "weighted", 0.5, 1.0)
    assert ends(found) == [(10, 20)]


def test_fuse_intervals_ignores_members_without_weight():
    found = fuse_intervals([interval(0, 10, 20), interval(1, 12, 30)], np.array([1.0, 0.0]), "weighted", 0.1, 0.5)
    assert ends(found) == [(10, 20)]


def test_fuse_intervals_averages_class_probabilities():
    with_shares = [interval(0, 10, 20, shares=np.array([1.0, 0.0])), interval(1, 10, 20, shares=np.array([0.0, 1.0]))]
    (found,) = fuse_intervals(with_shares, np.array([0.75, 0.25]), "weighted", 0.5, 0.5)
    assert found.shares.tolist() == [0.75, 0.25]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90), st.integers(1, 20), st.floats(0.1, 1)), max_size=12),
    st.sampled_from(["weighted", "merged"]),
)
def test_fuse_intervals_gives_valid_ones_in_any_order(spotted, rule):
    every = [MemberInterval(m, onset, onset, onset + n, surety) for m, onset, n, surety in dict.fromkeys(spotted)]
    weights = np.full(3, 1 / 3)
    found = fuse_intervals(every, weights, rule, 0.5, 0.3)
    assert len(found) <= len(every)
    for one in found:
        assert one.onset <= one.apex <= one.offset
        assert 0 < one.confidence <= 1 + 1e-9


def test_rank_sureties_rank_among_other_folds():
    rows = pd.DataFrame({"fold": ["a", "b", "b", "b", "b"], "confidence": [3.0, 1.0, 2.0, 3.0, 4.0]})
    assert rank_sureties(rows)[0] == 0.75
    assert rank_sureties(rows.assign(confidence=rows["confidence"] * 1000 - 7)) == rank_sureties(rows)
    assert rank_sureties(rows[rows["fold"] == "b"]) == [0.25, 0.5, 0.75, 1.0]


def test_intervals_by_place_keeps_kinds_and_videos_apart():
    columns = ["fold", "video", "kind", "onset", "apex", "offset", "confidence", "probabilities"]
    table = pd.DataFrame(
        [("a", "v", "micro", 1, 2, 3, 0.5, None), ("a", "w", "macro", 1, 2, 3, 0.5, [0.5, 0.5])], columns=columns
    )
    found = intervals_by_place([table, table], ["micro", "macro"])
    members = {place: [one.member for one in every] for place, every in found.items()}
    assert members == {
        ("v", "micro"): [0, 1],
        ("w", "macro"): [0, 1],
    }
