"""Random spotting: as many intervals as it says, anywhere, and its rate of hits counted by brute force."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.methods.random.method import Random, best_rate, chance_of_hit

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError

TASK = Task(frozenset({"spot"}))


def video(expressions=(), n_frames=300, k_prime=5, key="d/s/v", content=0):
    common = (
        key,
        SubjectKey("d", "s"),
        30.0,
        n_frames,
        Timing(30.0, 3, {"micro": k_prime, "macro": 3 * k_prime}),
        None,
        None,
    )
    labels = (None,) * len(expressions)
    return LabelledVideo(*common, expressions=tuple(expressions), labels=labels, _seed=lambda: content)


def fitted(train, task=TASK, seed=0, **params):
    method = Random(Random.Params(**params), task, seed)
    method.fit_closed_form(train, [])
    return method


TRAIN = [video([Expression(20, 30), Expression(100, 109)]), video([Expression(5, 16)]), video([])]


def test_propose_places_as_many_as_training_videos_hold():
    method = fitted(TRAIN, draws=4000)
    found = method.propose(video(n_frames=450), None)
    per_draw = np.bincount([p.draw for p in found], minlength=4000)
    assert per_draw.mean() == pytest.approx(3 / 900 * 450, abs=0.05)
    assert set(per_draw) == {1, 2}  # 1.5, rounded up or down at random


def test_propose_places_intervals_of_2_k_prime_inside():
    found = fitted(TRAIN).propose(video(), None)
    assert found
    assert all(p.offset - p.onset + 1 == 10 and p.onset >= 0 and p.offset < 300 for p in found)


def test_propose_uses_rate_and_width_of_each_kind():
    train = [video([Expression(20, 30), Expression(60, 99, "macro"), Expression(160, 199, "macro")])]
    method = fitted(train, Task(frozenset({"spot"}), ("micro", "macro")), draws=500)
    found = method.propose(video(), None)
    counts = {kind: [p for p in found if p.kind == kind] for kind in ("micro", "macro")}
    assert len(counts["micro"]) == 500
    assert len(counts["macro"]) == 1000
    assert {p.offset - p.onset + 1 for p in counts["macro"]} == {30}


def test_propose_names_one_in_short_videos():
    found = fitted(TRAIN, Task(frozenset({"spot"}), one_per_video=True), draws=7).propose(video(), None)
    assert [p.draw for p in found] == list(range(7))


def test_propose_follows_seed_and_video():
    a, b, c = (fitted(TRAIN, seed=s).propose(video(content=k), None) for s, k in ((0, 1), (0, 2), (1, 1)))
    renamed = fitted(TRAIN).propose(video(content=1, key="d/s/drawn"), None)
    assert [p.apex for p in a] == [p.apex for p in renamed]
    assert [p.apex for p in a] != [p.apex for p in b]
    assert a != c


def test_score_frames_scores_nothing():
    scores = fitted(TRAIN).score_frames(video())
    assert scores.shape == (300, 1)
    assert np.isnan(scores).all()


@given(st.integers(0, 40), st.integers(0, 30), st.integers(1, 15), st.integers(1, 90))
def test_chance_of_hit_counts_all_places(onset, length, k_prime, n_frames):
    truth = Expression(onset, onset + length)
    places = [set(range(p - k_prime, p + k_prime)) for p in range(k_prime, max(n_frames - k_prime, k_prime) + 1)]
    inside = set(range(truth.onset, truth.offset + 1))
    hits = [len(place & inside) / len(place | inside) >= 0.5 for place in places]
    assert chance_of_hit(truth, n_frames, k_prime) == pytest.approx(np.mean(hits))


def test_best_rate_beats_rate_of_truths():
    rate = 3 / 900
    best = best_rate(TRAIN, "micro", rate)

    chances = [[chance_of_hit(e, v.n_frames, 5) for e in v.expressions] for v in TRAIN]

    @cache
    def f1(rate):
        rng = np.random.default_rng(0)
        hits = 0
        placed = 0
        for _ in range(1500):
            for v, q in zip(TRAIN, chances):
                n = rng.poisson(rate * v.n_frames)
                placed += n
                hits += sum(rng.random() < 1 - (1 - p) ** n for p in q)
        return 2 * hits / (placed + 1500 * 3)

    assert f1(best) >= f1(rate) - 0.002
    assert f1(best) >= f1(best * 3)
    assert f1(best) >= f1(best / 3) - 0.002
    assert best_rate([video([])], "micro", 0.0) == 0.0


def test_Params_refuse_zero_draws():
    with pytest.raises(ConfigError, match=r"method\.draws must be at least 1, not 0"):
        Random.Params(draws=0)
