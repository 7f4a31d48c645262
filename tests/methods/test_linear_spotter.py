"""The linear spotter against scikit-learn's ridge regression, and on a video whose answer is known."""

import numpy as np
import pytest
from mebench.methods.linear_spotter.method import CHAIN, LinearSpotter
from sklearn.linear_model import Ridge

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.training import window_labels

TIMING = Timing(30.0, 3, {"micro": 6, "macro": 20})
MICRO, MACRO = Expression(40, 51), Expression(80, 119, "macro")


def video(seed=0, expressions=(MICRO, MACRO), n=160):
    """Blocks 0 and 1 move while a micro- and a macro-expression last, block 2 never does, the others flicker."""
    rng = np.random.default_rng(seed)
    x = np.abs(rng.normal(0, 0.1, (n - 3, 2, 2, 3))).astype(np.float16)
    for e in expressions:
        x[max(e.onset - 3, 0) : e.offset + 1, 0, 0 if e.kind == "micro" else 1] += 1
    x[:, 1, 0, 0] = 0.3
    return LabelledVideo(
        "d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, {CHAIN: x}.__getitem__, None, tuple(expressions), (None, None)
    )


def method(kinds=("micro",), **params):
    return LinearSpotter(LinearSpotter.Params(blocks=2, **params), Task(frozenset({"spot"}), kinds=kinds))


def test_fit_closed_form_equals_ridge_regression():
    own = method(("micro", "macro"), l2=0.3)
    train = [video(seed) for seed in range(3)]
    own.fit_closed_form(train, [])
    x = np.concatenate([v.features(CHAIN).reshape(157, -1).astype(float) for v in train])
    changing = x.std(0) > 1e-9
    z = (x - x.mean(0))[:, changing] / x.std(0)[changing]
    new = video(9).features(CHAIN).reshape(157, -1).astype(float)
    for column, (kind, e) in enumerate([("micro", MICRO), ("macro", MACRO)]):
        y = np.tile(window_labels(157, [e], TIMING.k_prime[kind]), 3)
        theirs = Ridge(alpha=0.3 * len(x)).fit(z, y)
        expected = theirs.predict((new - x.mean(0))[:, changing] / x.std(0)[changing])
        np.testing.assert_allclose(own.score_frames(video(9))[:157, column], expected, atol=1e-10)
    assert own.weights[6].abs().max() == 0  # of the number that never changes


def test_LinearSpotter_finds_in_others_what_it_learnt():
    own = method(("micro", "macro"))
    own.fit_closed_form([video(seed) for seed in range(3)], [])
    unseen = video(9, [Expression(70, 81), Expression(20, 59, "macro")])
    scores = own.score_frames(unseen)
    assert np.isnan(scores[-3:]).all()
    assert not np.isnan(scores[:-3]).any()
    found = {p.kind: p.apex for p in own.propose(unseen, scores)}
    assert 70 <= found["micro"] <= 81
    assert 20 <= found["macro"] <= 59


def test_chains_without_landmarks_for_box():
    def needs_landmarks(regions):
        chain = method(regions=regions).chains(TIMING)[CHAIN]
        return any(step.needs_landmarks for step in chain.at("map"))

    assert needs_landmarks("paper")
    assert not needs_landmarks("box")


@pytest.mark.parametrize("wrong", [{"l2": 0}, {"blocks": 0}, {"blocks": 43}, {"stride": 0}, {"eye_margin": -1}])
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        LinearSpotter.Params(**wrong)
