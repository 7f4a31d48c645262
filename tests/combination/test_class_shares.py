"""Mean and vote of classes, against sums written out."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from mebench.combination.class_shares import ClipShares, mix_shares


def answers(*rows):
    return pd.DataFrame(
        [("f", video, 0, 9, "", list(shares)) for video, shares in rows],
        columns=["fold", "video", "onset", "offset", "predicted", "probabilities"],
    )


def test_ClipShares_aligns_answers_by_clip():
    first = answers(("a", (0.2, 0.8)), ("b", (0.6, 0.4)))
    second = answers(("b", (0.1, 0.9)))
    shares = ClipShares.from_members([first, second], 2)
    assert shares.clips["video"].tolist() == ["a", "b"]
    mixed = shares.mix_shares("mean", np.array([0.75, 0.25]))
    assert mixed.tolist() == [
        pytest.approx([0.2, 0.8]),
        pytest.approx([0.6 * 0.75 + 0.1 * 0.25, 0.4 * 0.75 + 0.9 * 0.25]),
    ]


def test_ClipShares_takes_softmax_of_scores():
    scores = (-1.0, 2.0)
    shares = ClipShares.from_members([answers(("a", scores)), answers(("a", (0.5, 0.5)))], 2)
    assert shares.rescaled == (0,)
    assert shares.shares[0, 0].tolist() == pytest.approx(softmax(scores).tolist())
    assert ClipShares.from_members([answers(("a", (3.0, 3.0)))], 2).shares.tolist() == [[[0.5, 0.5]]]


def test_mix_shares_follows_the_majority_in_a_vote():
    shares = np.array([[[0.6, 0.4]], [[0.6, 0.4]], [[0.0, 1.0]]])
    each = np.ones((3, 1))
    assert mix_shares(shares, each, "mean").argmax() == 1
    assert mix_shares(shares, each, "vote").argmax() == 0
    assert mix_shares(shares, np.array([[1.0], [1.0], [3.0]]), "vote").argmax() == 1


def test_mix_shares_lets_the_mean_decide_ties():
    shares = np.array([[[0.9, 0.1]], [[0.4, 0.6]]])
    mixed = mix_shares(shares, np.ones((2, 1)), "vote")
    assert mixed.argmax() == 0
    assert mixed.sum() == pytest.approx(1)


def test_mix_shares_leaves_out_who_did_not_answer():
    shares = np.array([[[np.nan, np.nan]], [[0.3, 0.7]]])
    assert mix_shares(shares, np.array([[1.0], [0.0]]), "mean").tolist() == [[0.3, 0.7]]
