"""SFAMNet: its network counted and read plainly, its rules against plain loops, and a training that finds what moves."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.sfamnet import method as sfamnet, network as net, rules
from torch.nn import functional as F

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError, DataError
from mebench.training import fit
from tests.helpers.nightly import by_day

TIMING = Timing(30.0, 3, {"micro": 6})
AS_PUBLISHED = rules.Reach(7, 7, 16, 7, 16)


def method(tasks=("spot", "recognize"), one_per_video=False, **params):
    task = Task(frozenset(tasks), classes=("a", "b") if "recognize" in tasks else (), one_per_video=one_per_video)
    return sfamnet.SFAMNet(sfamnet.SFAMNet.Params(**params), task)


@pytest.mark.parametrize(("outputs", "numbers"), [(5, 7_207), (8, 8_386)])
def test_SceneFlowNetwork_has_parameters_of_public_network(outputs, numbers):
    """Which counts 42 more: of normalisations that it never calls."""
    assert sum(p.numel() for p in net.SceneFlowNetwork(outputs).parameters()) == numbers


def test_SceneFlowNetwork_equals_plain_reading():
    torch.manual_seed(0)
    network = net.SceneFlowNetwork(5).eval()
    x = torch.rand(2, 3, 42, 42)
    maps = []
    for i, stream in enumerate(network.streams):
        own = x[:, i : i + 1]
        y = F.conv2d(F.conv2d(own, stream.first.weight, padding=2).relu(), stream.second.weight, padding=2)
        gate = stream.attention
        answers = []
        for pooled in (y.mean((2, 3)), y.flatten(2).max(2).values):
            hidden = (pooled @ gate.squeeze.weight.T + gate.squeeze.bias).relu()
            answers.append(hidden @ gate.excite.weight.T + gate.excite.bias)
        y = y * torch.sigmoid(answers[0] + answers[1])[:, :, None, None]
        both = torch.cat([y.max(1, keepdim=True).values, y.mean(1, keepdim=True)], 1)
        y = y * torch.sigmoid(F.conv2d(both, gate.places.weight, padding=3))
        maps.append(F.max_pool2d((y + own * stream.beside.weight.view(1, 3, 1, 1)).relu(), 3))
    spot, name = (
        F.max_pool2d(F.conv2d(torch.cat(maps, 1), head.weight, head.bias, padding=2), 3, 2, 1).flatten(1)
        for head in (network.spot, network.name)
    )
    scores, answers = network(x)

    torch.testing.assert_close(scores, torch.sigmoid(spot @ network.score.weight[0] + network.score.bias))
    torch.testing.assert_close(answers, name @ network.answer.weight.T + network.answer.bias)


@given(st.integers(0, 40), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=3))
def test_rising_equals_plain_loop(n, pairs):
    expressions = [(onset, onset + more) for onset, more in pairs]
    expected = [-1] * n
    for i, (onset, apex) in enumerate(expressions):
        for frame in range(int((onset + apex) / 2), apex + 1):
            if frame < n:
                expected[frame] = i
    assert rules.rising(n, expressions).tolist() == expected


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(1, 8))
def test_smoothed_is_mean_over_even_window(scores, half):
    own = np.array(scores)
    padded = np.concatenate([np.zeros(half), own, np.zeros(half)])
    expected = [padded[i : i + 2 * half].mean() for i in range(len(own))]
    np.testing.assert_allclose(rules.smoothed(own, half), expected, atol=1e-12)
    if len(own) >= 2 * half:
        np.testing.assert_allclose(
            rules.smoothed(own, half), np.convolve(own, np.full(2 * half, 0.5 / half), "same"), atol=1e-12
        )


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.data(), st.integers(0, 8), st.integers(0, 8))
def test_ends_lie_where_score_differs_most(values, data, before, after):
    scores = np.array(values) / 20
    peak = data.draw(st.integers(0, len(values) - 1))
    onset, offset = rules.ends(scores, peak, before, after, 0.4)
    for side, place in ((range(peak - before, peak + 1), onset), (range(peak, peak + after + 1), offset)):
        above = [i for i in side if 0 <= i < len(scores) and scores[i] > 0.4]
        differences = {i: abs(scores[peak] - scores[i]) for i in above}
        most = max(differences.values(), default=0.0)
        first_of_most = next((i for i in above if differences[i] == most), peak)
        assert place == (peak if most == 0 else first_of_most)


def test_intervals_need_length_and_shape():
    hill = 0.5 + 0.2 * np.exp(-((np.arange(60) - 30) ** 2) / 60.0)
    (found,) = rules.intervals(hill, AS_PUBLISHED, 0.576, 0.725, 0.017)
    assert (found.onset, found.apex, found.offset) == (23, 29, 37)
    assert found.confidence == hill[29]
    assert rules.intervals(hill, AS_PUBLISHED, 0.71, 0.725, 0.017) == []  # no peak that high
    assert rules.intervals(hill, AS_PUBLISHED, 0.576, 0.6, 0.017) == []  # its mean is not below .6
    assert rules.intervals(hill, AS_PUBLISHED, 0.576, 0.725, 0.2) == []  # not steep enough
    assert rules.intervals(hill, AS_PUBLISHED._replace(longest=10), 0.576, 0.725, 0.017) == []
    assert rules.highest(hill, AS_PUBLISHED)[0][:3] == (26, 30, 34)
    assert rules.highest(hill[:0], AS_PUBLISHED) == []


def moving(seed, onset, label, n=150, features="flow"):
    """Motion in the left or right half of the map while an expression rises, by its class."""
    rng = np.random.default_rng(seed)
    maps = rng.random((n, 42, 42, 3)).astype(np.float16) * 0.2
    half = np.zeros((42, 42, 1))
    half[:, :21] = 1 - label
    half[:, 21:] = label
    maps[onset : onset + 24] += (0.8 * half).astype(np.float16)
    e = Expression(onset, onset + 26, apex=onset + 16, emotion="ab"[label])
    return LabelledVideo(
        *("d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING),
        {"sfamnet_frames": maps, "scene_flow": maps}.__getitem__,
        lambda name, *frames: maps[onset + 10],
        (e,),
        (label,),
    )


@pytest.mark.parametrize("features", by_day(["flow", "scene_flow"], "scene_flow"))
def test_SFAMNet_finds_and_names_motion(features):
    torch.manual_seed(0)
    own = method(features=features, epochs=4, batch_size=16, lr=0.005)
    fit(own, [moving(seed, 20 + 12 * seed, seed % 2) for seed in range(6)], [])
    for label in (0, 1):
        video = moving(9, 60, label)
        scores = own.score_frames(video)
        assert scores.shape == (150, 1)
        assert scores[62:80].mean() > 0.5 > 0.2 > np.r_[scores[:50], scores[100:]].mean()
        clips = [video.clip(60, 76, 86), video.clip(60, 76, 86, spotted=False)]
        assert own.classify(clips).argmax(1).tolist() == [label, label]


def test_samples_are_near_apexes_clips_and_others():
    own = method(features="flow")
    videos = [moving(seed, 20 + 12 * seed, seed % 2) for seed in range(3)]
    samples, _ = own.samples("motion", videos, [])
    x, y, classes = samples.tensors

    assert len(samples) == 10 * 1024
    assert x.shape == (36, 3, 42, 42)
    assert y.sum() == 18
    assert (classes[y == 0] == 2).all()
    assert torch.bincount(classes[y == 1]).tolist() == [12, 6]
    torch.testing.assert_close(own.weights, torch.tensor([18 / (2 * 12), 18 / (2 * 6), 0.0]))


def test_samples_come_all_before_one_comes_again():
    """Whatever the number of steps in a round."""
    own = method(features="flow", batch_size=2)
    videos = [moving(seed, 20 + 12 * seed, seed % 2) for seed in range(3)]
    samples, _ = own.samples("motion", videos, [])
    assert len(samples) == 20
    assert own.stages()[0].shuffle is False
    x = samples.tensors[0].flatten(1).sum(1).tolist()
    seen = torch.cat([samples.__getitems__(range(5))[0] for _ in range(36)]).flatten(1).sum(1).tolist()
    assert sorted(seen) == pytest.approx(sorted(x * 5))
    assert seen[:36] != seen[36:72]
    assert sorted(seen[36:72]) == pytest.approx(sorted(x))


def test_propose_decides_short_clips_by_scores():
    """Five frames of the series, which the smoothing would make one."""
    video = VideoView("d/s/v", SubjectKey("d", "s"), 30.0, 10, TIMING, None, None)
    own = method(features="flow", one_per_video=True)
    for place in range(5):
        (only,) = own.propose(video, np.repeat(np.eye(5)[place], 2)[:, None])
        assert only.apex == 2 * place
        assert only.confidence == 1


def test_score_frames_refuses_scene_flow_of_other_shape():
    video = VideoView("d/s/v", SubjectKey("d", "s"), 30.0, 20, TIMING, lambda _: np.zeros((20, 28, 28, 3)), None)
    with pytest.raises(
        DataError, match=r"scene flow of d/s/v has the shape \(20, 28, 28, 3\), expected \(n_frames, 42, 42, 3\)"
    ):
        method().score_frames(video)
    assert method().looks_at_test_video(frozenset({"spot"})) == "video"
    assert method().looks_at_test_video(frozenset({"recognize"})) == "none"


def test_propose_gives_nothing_for_busy_videos():
    scores = np.full((150, 1), 0.2)
    scores[60:90, 0] = 0.9
    video = VideoView("d/s/v", SubjectKey("d", "s"), 30.0, 150, TIMING, None, None)
    settings = {"features": "flow", "most": 1.0}
    assert len(method(**settings).propose(video, scores)) == 1
    assert method(**settings, busy=0.3).propose(video, scores) == []
    (only,) = method(**settings, one_per_video=True, level=1.0).propose(video, scores)
    assert 60 <= only.apex < 90
    assert method(**settings).propose(video, np.full((150, 1), np.nan)) == []


def test_SFAMNet_for_spotting_names_nothing():
    own = method(tasks=("spot",), features="flow", epochs=1, batch_size=8)
    fit(own, [moving(0, 30, 0)], [])
    assert np.isfinite(own.score_frames(moving(1, 40, 1))).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": "depth"}, "method.features"),
        ({"epochs": 0}, "method.epochs must be at least 1"),
        ({"busy": 2.0}, "method.busy must be in"),
        ({"fps": 0.0}, "method.fps must be positive"),
        ({"fall": -1.0}, "method.fall must not be negative"),
        ({"shortest": 2.0}, "must not be above method.longest"),
    ],
)
def test_Params_refuse_wrong_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        sfamnet.SFAMNet.Params(**settings)
