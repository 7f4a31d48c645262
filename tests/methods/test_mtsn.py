"""MTSN: its network read plainly, its labels and intervals against what its public program does."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.mtsn import intervals, method as mtsn, network as net
from torch.nn import functional as F

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError

TIMING = Timing(30.0, 3, {"micro": 6, "macro": 18})


def method(kinds=("micro", "macro"), one_per_video=False, **params):
    return mtsn.MTSN(mtsn.MTSN.Params(**params), Task(frozenset({"spot"}), kinds, one_per_video=one_per_video))


def test_TwoGaps_has_parameters_of_public_network():
    assert sum(p.numel() for p in net.TwoGaps().parameters()) == 66_209


def test_TwoGaps_equals_plain_reading():
    torch.manual_seed(0)
    network = net.TwoGaps()
    x = torch.rand(4, 6, 28, 28)
    flat = []
    for gap in range(2):
        pooled = []
        for i, conv in enumerate((network.horizontal, network.vertical, network.strain)):
            channel = x[:, 3 * gap + i : 3 * gap + i + 1]
            pooled.append(F.max_pool2d(F.conv2d(channel, conv.weight, conv.bias, padding=2).clamp(min=0), 3))
        flat.append(F.max_pool2d(torch.cat(pooled, 1), 2).flatten(1))
    expected = network.out(network.dense(torch.cat(flat, 1)).clamp(min=0))[:, 0]

    torch.testing.assert_close(network(x)[:, 0], expected)


def test_frame_labels_are_hard_inside_and_soft_to_apex():
    hard, soft = mtsn.frame_labels(30, [Expression(10, 20, apex=14)])
    assert np.flatnonzero(hard).tolist() == list(range(10, 21))
    assert soft[10:21] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0])
    assert mtsn.frame_labels(15, [Expression(10, 20, apex=14)])[1][10:] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 12))
def test_smoothed_takes_mean_of_full_windows(scores, k):
    expected = [np.mean(scores[i - k : i + k]) for i in range(k, len(scores) - k)]
    np.testing.assert_allclose(intervals.smoothed(np.array(scores), k), expected, atol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.integers(0, 50), st.integers(1, 12), st.floats(0, 0.9))
def test_extent_equals_plain_loop(scores, place, reach, level):
    """As the public program looks for it, frame by frame."""
    curve = np.array(scores)
    peak = place % len(scores)
    start = 0
    most = 0.0
    for i in range(peak - reach, peak + 1):
        if i >= 0 and abs(curve[peak] - curve[i]) > most and curve[i] > level:
            start = i
            most = abs(curve[peak] - curve[i])
    end = min(peak + reach, len(curve) - 1)
    most = 0.0
    for i in range(peak, peak + reach + 1):
        if i < len(curve) and abs(curve[peak] - curve[i]) > most and curve[i] > level:
            end = i
            most = abs(curve[peak] - curve[i])
    assert intervals.extent(curve, peak, reach, level) == (start, end)


def bump(n, centre, half, height=1.0):
    return height * np.clip(1 - np.abs(np.arange(n) - centre) / half, 0, 1)


def test_spotted_tells_micro_from_macro_by_shape():
    scores = np.maximum(bump(400, 100, 18), bump(400, 280, 50))
    own = method(level=0.6, difference=0.2)
    (micro,) = own.spotted(TIMING, "micro", scores)
    assert abs(micro.apex - 100) <= 2
    assert micro.onset < 100 < micro.offset
    assert [abs(m.apex - 280) < 20 for m in own.spotted(TIMING, "macro", scores)] == [True]
    (only,) = method(one_per_video=True).spotted(TIMING, "micro", 0.1 * scores)
    assert 90 < only.apex < 330


def test_spotted_peak_ignores_rest_of_video():
    """So nothing of a tested video but the peak itself says whether it counts."""
    alone = bump(400, 100, 18)
    beside = np.maximum(bump(400, 100, 18), bump(400, 280, 50, 1.5))
    own = method(level=0.6, difference=0.2)
    assert own.spotted(TIMING, "micro", alone) == own.spotted(TIMING, "micro", beside)
    assert mtsn.MTSN.looks_at_test_video(own.task.tasks, own.params) == "none"


def test_spotted_micro_ignores_macro():
    """Their curve is compared with one smoothed three times as long, as in the public program, not with k' of the macro-expressions."""
    own = method(level=0.3, difference=0.1)
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        scores = np.max([bump(600, *rng.uniform((10, 6), (590, 40)), rng.uniform(0.3, 1)) for _ in range(12)], axis=0)
        alone = own.spotted(Timing(30.0, 3, {"micro": 6}), "micro", scores)
        assert alone == own.spotted(Timing(30.0, 3, {"micro": 6, "macro": 60}), "micro", scores)
        found += len(alone)
    assert found > 10


def test_Params_have_lengths_of_public_program():
    """Longer than 5 frames and shorter than 30 where k' is 6, longer than 15 and shorter than 90 where it is 18."""
    p = mtsn.MTSN.Params()
    assert [(p.shortest * k, p.longest * k) for k in (6, 18)] == [(5, 30), (15, 90)]


def video(seed, onset, n=120):
    rng = np.random.default_rng(seed)
    long, short = (rng.random((n - gap, 28, 28, 3)).astype(np.float16) * 0.2 for gap in (6, 1))
    long[onset : onset + 12] += 0.8
    e = Expression(onset, onset + 11, apex=onset + 6)
    features = {mtsn.LONG: long, mtsn.SHORT: short}
    return LabelledVideo("d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, features.__getitem__, None, (e,), (None,))


def test_samples_balance_frames_inside_and_outside():
    own = method()
    train = [video(seed, 20 + 10 * seed) for seed in range(4)]
    samples, _ = own.samples("scores", train, [])
    x, y = samples.tensors
    assert x.shape == (96, 6, 28, 28)
    assert int(y[:, 0].sum()) == 48
    own.stage = "scores"
    history = [float(own.training_step((x, y), 0).detach())]
    optimizer = torch.optim.Adam(own.network.parameters(), lr=3e-3)
    for _ in range(10):
        optimizer.zero_grad()
        loss = F.mse_loss(own.network(x.float()).sigmoid(), y[:, 0])
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < history[0] / 2
    scores = own.score_frames(train[0])
    assert scores.shape == (120, 2)
    assert np.isnan(scores[-6:]).all()
    assert (scores[:-6, 0] == scores[:-6, 1]).all()


@pytest.mark.parametrize("wrong", [{"hard": 2}, {"level": -1}, {"reach": 0}, {"longest": 0.1}, {"regions": "nose"}])
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        mtsn.MTSN.Params(**wrong)
