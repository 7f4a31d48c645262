"""Weights of members: what is tried, and that nobody's own labels choose them."""

import pytest

from mebench.combination.member_weights import given_weights, make_candidate_weights
from mebench.combination.rules import CombinationRules
from mebench.errors import ConfigError

FOLDS = [{"fold": "a", "train": ["p"], "valid": [], "test": ["q"]}]


@pytest.mark.parametrize("n_members", [2, 3, 4])
def test_candidate_weights_sum_to_one_and_begin_with_equal_ones(n_members):
    tried = make_candidate_weights(n_members)
    assert all(weights.sum() == 1 for weights in tried)
    assert len({tuple(weights) for weights in tried}) == len(tried)
    assert tried[0].max() - tried[0].min() <= 0.25


def test_given_weights_are_shares():
    assert given_weights(CombinationRules(weights=(3.0, 1.0)), 2, FOLDS).of_fold["a"].tolist() == [0.75, 0.25]
    assert given_weights(CombinationRules(), 4, FOLDS).of_fold["a"].tolist() == [0.25] * 4
    assert given_weights(CombinationRules(weights="chosen"), 2, FOLDS) is None


def test_given_weights_refuses_another_number():
    with pytest.raises(ConfigError, match="--weights has 2 numbers for 3 runs"):
        given_weights(CombinationRules(weights=(1.0, 2.0)), 3, FOLDS)
    with pytest.raises(ConfigError, match="--weights chosen is for at most 6 runs, not 7"):
        given_weights(CombinationRules(weights="chosen"), 7, FOLDS)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"classes": "median"}, "unknown classes 'median'"),
        ({"intervals": "nms"}, "unknown intervals 'nms'"),
        ({"weights": "best"}, "unknown weights 'best'"),
        ({"weights": (0.0, 0.0)}, "--weights must be numbers of at least 0"),
        ({"weights": (float("nan"), 1.0)}, "--weights must be numbers of at least 0"),
        ({"overlap": 0.0}, "--overlap must lie above 0"),
        ({"agreement": 1.5}, "--agreement must lie above 0 and be at most 1, not 1.5"),
        ({"name": "My Runs"}, "--name 'My Runs' must be lower-case letters"),
    ],
)
def test_Rules_refuse_what_is_unknown_or_out_of_range(wrong, message):
    with pytest.raises(ConfigError, match=message):
        CombinationRules(**wrong)
