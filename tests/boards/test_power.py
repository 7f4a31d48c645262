"""Which difference a board would have found, and mean ranks, against draws that are counted directly."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from mebench.boards.power import find_detectable, mean_rank
from mebench.boards.rows import Part
from mebench.metrics.ranking import win_shares

VALUES = (0.30, 0.28, 0.27, 0.25, 0.22, 0.10)


def board(drawn, values=VALUES, shown=slice(None)):
    """What a board shows of a table whose rows have these scores, and these in each draw of people, (n_rows, n_draws)."""
    rows = [SimpleNamespace(ranks=(1, 2), member="", beats=shares.tolist()) for shares in win_shares(drawn)]
    value_of = {id(row): value for row, value in zip(rows, values)}
    part = Part("micro", ("f1",), tuple(rows))
    return SimpleNamespace(parts=(part,), rows=rows[shown], score="f1", value=lambda row: value_of[id(row)])


def draws(error, n=20_000):
    """Scores over draws whose differences have this standard error, the same for each pair."""
    generator = np.random.default_rng(0)
    return np.array(VALUES)[:, None] + generator.normal(0, error / np.sqrt(2), (len(VALUES), n))


@pytest.mark.parametrize("error", [0.02, 0.05])
def test_find_detectable_is_that_of_a_normal_test(error):
    found = find_detectable(board(draws(error)))
    assert found.of_pair == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * error, rel=0.05)
    assert found.n_pairs == 15
    assert found.of_all == pytest.approx((norm.ppf(1 - 0.025 / 15) + norm.ppf(0.8)) * error, rel=0.05)


def test_find_detectable_without_turned_pairs_is_unknown():
    assert find_detectable(board(draws(0.0001))) is None


def test_mean_rank_counts_the_rows_of_the_board_alone():
    drawn = draws(0.03, n=500)
    shown = slice(1, 5)
    content = board(drawn, shown=shown)
    expected = rankdata(-drawn[shown], axis=0).mean(axis=1)
    assert [mean_rank(content, row) for row in content.rows] == pytest.approx(expected.tolist())


def test_mean_rank_of_rows_from_two_tables_is_unknown():
    content = board(draws(0.03, n=100))
    stranger = SimpleNamespace(ranks=(), member="", beats=[])
    content.rows = [*content.rows, stranger]
    assert mean_rank(content, content.rows[0]) is None
