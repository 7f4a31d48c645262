"""BoostingVRME: its network by the public program's names, its intervals by plain loops, and a training that finds what moves."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.boosting_vrme import method as boosting, network as net
from mebench.methods.boosting_vrme.intervals import extended_intervals
from mebench.methods.boosting_vrme.steps import BOXES, HEAD, N_REGIONS, PIXELS_A_UNIT, BoxMotion
from mebench.methods.boosting_vrme.windows import IGNORED, cut_labels, cut_motion, join_windows, label_frames
from scipy.signal import find_peaks
from torch.nn import functional as F

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.features.maps import MOTION_18
from mebench.spotting import Spotted
from mebench.training import fit
from mebench.training.state_space import StateSpace

FACE = np.full((68, 2), 64.0)
FACE[17:22] = [(12, 36), (20, 28), (30, 26), (42, 28), (52, 34)]
FACE[22:27] = [(76, 34), (86, 28), (98, 26), (108, 28), (116, 36)]
FACE[27:36] = [(64, 44), (64, 54), (64, 64), (64, 74), (50, 80), (56, 82), (64, 84), (72, 82), (78, 80)]
FACE[36:42] = [(24, 46), (32, 42), (42, 42), (48, 48), (42, 51), (32, 51)]
FACE[42:48] = [(80, 48), (86, 42), (96, 42), (104, 46), (96, 51), (86, 51)]
FACE[48:] = [(40 + 4 * (i % 12), 96 + 2 * (i % 5)) for i in range(20)]
"""Landmarks of a frontal face in a crop of 128 pixels."""
TIMING = Timing(30.0, 3, {"micro": 6})


def method(classes=("a", "b"), **params):
    tasks = frozenset({"spot", "recognize"} if classes else {"spot"})
    return boosting.BoostingVRME(
        boosting.BoostingVRME.Params(**{"window": 8, **params}), Task(tasks, ("micro",), classes)
    )


@pytest.fixture
def small(monkeypatch):
    """A network of two blocks a stage and sixteen channels."""
    monkeypatch.setattr("mebench.methods.boosting_vrme.network.BLOCKS", 2)
    monkeypatch.setattr("mebench.methods.boosting_vrme.network.WIDTH", 16)
    torch.manual_seed(0)


def test_SlowFast_has_used_parameters_of_public_network():
    """The public program's 8,368,902 hold two normalisations' 9,216 numbers that nothing goes through."""
    with torch.device("meta"):
        network = net.SlowFast(5)
    assert sum(p.numel() for p in network.parameters()) == 8_368_902 - 9_216


def weights_of_program(width, blocks, path=""):
    """Random weights by the names of the public network, and shapes of its layers."""
    generator = torch.Generator().manual_seed(0)
    weights = {}

    def draw(name, *shape):
        weights[name] = torch.randn(shape, generator=generator) / max(int(np.prod(shape[1:])), 1) ** 0.5

    def convolution(name, norm, channels, to):
        draw(f"{name}.weight", to, channels, 3)
        draw(f"{name}.bias", to)
        for part in ("weight", "bias", "running_mean"):
            draw(f"{norm}.{part}", to)
        weights[f"{norm}.running_var"] = torch.rand(to, generator=generator) + 0.5

    convolution("Stem.0", "Stem.1", 36, width)
    convolution("Stem.3", "Stem.4", width, width)
    convolution(f"{path}Stem_slow.0", f"{path}Stem_slow.1", width, 2 * width)
    for stage in (1, 2, 3):
        for ending, channels in (("", 2 * width), ("_fast", width)):
            for block in range(blocks):
                name = f"{path}block{stage}{ending}.{block}"
                for norm in ("norm1", "norm2", "attn.norm"):
                    draw(f"{name}.{norm}.weight", channels)
                    draw(f"{name}.{norm}.bias", channels)
                for part, tensor in StateSpace(channels).state_dict().items():
                    weights[f"{name}.attn.mamba.{part}"] = tensor + 0.1 * torch.randn(tensor.shape, generator=generator)
    for stage in (1, 2):
        convolution(f"{path}fuse_{stage}.conv.0", f"{path}fuse_{stage}.conv.1", width, 2 * width)
    for head, outputs in (("fc_spot.0", 1), ("fc_recog.0", 5)):
        draw(f"{head}.weight", outputs, 3 * width)
        draw(f"{head}.bias", outputs)
    return weights


def read_plainly(weights, x, path=""):
    """What the public network says of (N, 36, T), step by step."""

    def convolved(x, name, norm, stride=1):
        x = F.conv1d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], stride, 1)
        parts = [weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return F.relu(F.batch_norm(x, *parts))

    def normalised(x, name):
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    def stage(x, name):
        block = 0
        while f"{name}.{block}.norm1.weight" in weights:
            space = StateSpace(x.shape[-1])
            start = f"{name}.{block}.attn.mamba."
            space.load_state_dict({k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)})
            x = x + normalised(space(normalised(x, f"{name}.{block}.attn.norm")), f"{name}.{block}.norm1")
            block += 1
        return x

    x = convolved(convolved(x, "Stem.0", "Stem.1"), "Stem.3", "Stem.4")
    slow = convolved(x, f"{path}Stem_slow.0", f"{path}Stem_slow.1", 2).transpose(1, 2)
    fast = x.transpose(1, 2)
    for number in (1, 2, 3):
        slow, fast = stage(slow, f"{path}block{number}"), stage(fast, f"{path}block{number}_fast")
        if number < 3:
            name = f"{path}fuse_{number}.conv"
            slow = slow + convolved(fast.transpose(1, 2), f"{name}.0", f"{name}.1", 2).transpose(1, 2)
    both = torch.cat([F.interpolate(slow.transpose(1, 2), scale_factor=2).transpose(1, 2), fast], dim=2)
    heads = [F.linear(both, weights[f"{head}.weight"], weights[f"{head}.bias"]) for head in ("fc_spot.0", "fc_recog.0")]
    return heads[0][..., 0], heads[1]


@torch.no_grad()
def test_of_authors_gives_public_network_in_order_of_scheme(small):
    weights = weights_of_program(16, 2)
    x = torch.randn(2, 36, 12)
    network = net.SlowFast(5).eval()
    read = net.of_authors(weights, ("surprise", "others", "negative", "positive"))
    network.load_state_dict(read, strict=False)
    assert not any("norm2" in name for name in read)

    (scores, classes) = read_plainly(weights, x)
    (own_scores, own_classes) = network(x)

    torch.testing.assert_close(own_scores, scores)
    torch.testing.assert_close(own_classes, classes[..., [2, 3, 0, 1, 4]])


@torch.no_grad()
def test_of_authors_reads_separate_paths_of_me_tst_plus(small):
    """Both tasks have paths of their own behind one stem, and heads without a number."""
    paths = [weights_of_program(16, 2, path) for path in ("spot_pathway.", "recog_pathway.")]
    both = paths[1] | paths[0]
    weights = {name.replace(".0.", ".") if name.startswith("fc_") else name: w for name, w in both.items()}
    network = net.SlowFast(5, separate=True).eval()
    x = torch.randn(2, 36, 12)
    network.load_state_dict(net.of_authors(weights, net.CLASSES), strict=False)

    own_scores, own_classes = network(x)

    torch.testing.assert_close(own_scores, read_plainly(both, x, "spot_pathway.")[0])
    torch.testing.assert_close(own_classes, read_plainly(both, x, "recog_pathway.")[1])


def ends_plainly(scores, peak, k):
    """Both ends of an interval, side by side, as the program walks."""
    n = len(scores)
    mean = scores.mean()
    left = max(0, peak - k)
    right = min(n - 1, peak + k)
    rises = [i for i in range(left + 1, peak) if scores[i] > scores[i - 1] and scores[i] > mean / 1.5]
    falls = [i for i in range(right - 1, peak, -1) if scores[i] > scores[i + 1] and scores[i] > mean / 1.5]
    start, end = (rises[0] - 1 if rises else left), (falls[0] + 1 if falls else right)
    low = scores < mean
    before = [i for i in range(start - 1, max(0, peak - 5 * k) - 1, -1) if i > 0 and low[i] and low[i - 1]]
    after = [i for i in range(end + 1, min(n - 1, peak + 5 * k) + 1) if i < n - 1 and low[i] and low[i + 1]]
    return (before[0] + 1 if before else start), (after[0] - 1 if after else end)


def common_share(one, other):
    """Intersection over the whole stretch of two intervals, as points in time."""
    whole = max(one[2], other[2]) - min(one[0], other[0])
    return max(0, min(one[2], other[2]) - max(one[0], other[0])) / whole if whole else 0


@given(st.integers(40, 150), st.integers(1, 9), st.integers(0, 999))
def test_extended_intervals_equal_plain_loops(n, k, seed):
    rng = np.random.default_rng(seed)
    scores = np.convolve(rng.random(n) ** 3, np.ones(4) / 4, "same")
    smoothed = np.convolve(scores, np.ones(2 * k) / (2 * k), "same")
    level = smoothed.mean() + 0.55 * (smoothed.max() - smoothed.mean())
    expected = []
    for peak in find_peaks(smoothed, height=level, distance=k)[0]:
        start, end = ends_plainly(scores, peak, k)
        expected.append((start, start + int(scores[start : end + 1].argmax()), end))
    kept = []
    for one in sorted(expected, key=lambda ends: ends[0]):
        if not any(common_share(one, other) >= 0.2 or abs(one[1] - other[1]) <= k for other in kept):
            kept.append(one)

    found = extended_intervals(scores, k, 0.55)

    assert [(one.onset, one.apex, one.offset) for one in found] == kept


def test_extended_intervals_follow_long_expression():
    """An expression of twice the usual length is found from end to end."""
    scores = np.full(80, 0.05)
    scores[30:55] = 0.9 - 0.01 * abs(np.arange(25) - 12)
    assert [(one.onset, one.offset) for one in extended_intervals(scores, 6, 0.55)] == [(30, 54)]
    assert extended_intervals(np.empty(0), 6, 0.55) == []


@given(st.integers(0, 40), st.sampled_from([2, 6, 8]), st.integers(0, 99))
def test_cut_motion_is_motion_since_first_frame(n, window, seed):
    motion = np.random.default_rng(seed).normal(size=(n, 18, 2)).astype(np.float32)
    found = cut_motion(motion, window)
    for number, part in enumerate(found):
        first = number * window // 2
        for i in range(window):
            since = motion[first : first + i].sum(0, dtype=np.float64) if i else np.zeros((18, 2))
            np.testing.assert_allclose(part[:, i], since.ravel(), atol=1e-4)


@given(st.integers(1, 40), st.sampled_from([2, 6, 8]))
def test_join_windows_undoes_cut_labels(n, window):
    frames = np.arange(n)
    assert join_windows(cut_labels(frames, window, -1), n).tolist() == frames.tolist()


def test_label_frames_leave_out_onset_and_offset():
    inside, named = label_frames(16, {Expression(21, 70): 1, Expression(91, 105): None}, 2, step=7)
    assert np.flatnonzero(inside).tolist() == [4, 5, 6, 7, 8, 9, 14]
    assert named.tolist() == [2] * 4 + [1] * 6 + [2] * 4 + [IGNORED, 2]


def test_BoxMotion_takes_rectangles_of_program():
    """At the program's size, 320 pixels, they are its own rectangles; the motion of the head is taken off."""
    scale = 2 * PIXELS_A_UNIT / (FACE[42, 0] - FACE[39, 0])
    points = FACE * scale
    brow = points[17:22]
    expected = (brow[:, 0].min() + 5, brow[:, 1].min() - 5, brow[:, 0].max() - 10, brow[:, 1].max() - 5)
    np.testing.assert_allclose(BOXES[0].place(points, 1.0), expected)
    x, y = points[54]
    np.testing.assert_allclose(BOXES[10].place(points, 1.0), (x - 20, y - 10, x + 10, y + 10))
    bridge = points[29:31]
    head = (bridge[:, 0].min() - 8, bridge[:, 1].min() + 2, bridge[:, 0].max() + 8, bridge[:, 1].max() + 3)
    np.testing.assert_allclose(HEAD.place(points, 1.0), head)


def test_BoxMotion_is_motion_relative_to_head():
    flow = np.full((128, 128, 2), (0.5, -1.0), np.float32)
    assert np.abs(BoxMotion().apply(flow, FACE)).max() < 1e-6
    x, y = FACE[19].astype(int)
    flow[y - 1 : y + 2, x - 1 : x + 2] += (0, -2)

    motion = BoxMotion().apply(flow, FACE)

    assert motion.shape == (N_REGIONS, 1, 2)
    assert motion[2, 0, 1] < -0.5
    assert np.abs(motion[8:]).max() < 1e-6


def moving(seed, onset, label, length=16):
    """The brows rise in expressions of the class 0, in those of 1 the mouth does."""
    motion = np.random.default_rng(seed).normal(0, 0.02, (79, 18, 1, 2)).astype(np.float16)
    motion[onset : onset + length // 2, (slice(8, 14) if label else slice(0, 8)), 0, 1] -= 1.0
    e = Expression(onset, onset + length - 1)
    return LabelledVideo(f"d/s/{seed}", SubjectKey("d", "s"), 30.0, 80, TIMING, lambda _: motion, None, (e,), (label,))


def test_BoostingVRME_learns_to_spot_and_to_name(small, monkeypatch):
    monkeypatch.setattr("mebench.methods.boosting_vrme.network.STAGES", 1)
    own = method(ratio=1.0, epochs=12, lr=6e-3, batch_size=8)
    train = [moving(seed, 10 + 11 * seed, seed % 2) for seed in range(4)]
    fit(own, train, [])
    assert int(own.half_length) == 8
    for video, label in zip(train, (0, 1, 0, 1)):
        e = video.expressions[0]
        scores = own.score_frames(video)
        assert scores.shape == (80, 1)
        assert e.onset <= int(scores.argmax()) <= e.offset
        clip = video.clip(e.onset, e.peak, e.offset)
        assert own.classify([clip])[0].argmax() == label
        hit = [one for one in own.propose(video, scores) if one.onset <= e.peak <= one.offset]
        assert len(hit) == 1


def test_propose_drops_intervals_without_emotion(small):
    scores = np.zeros((80, 1))
    scores[24:32] = 1

    def proposed(first_bias, **params):
        own = method(intervals="fixed", **params)
        own.eval().network.classes.weight.data.zero_()
        own.network.classes.bias.data[:] = torch.tensor([first_bias, -2.0, 0.0])  # the last class is no emotion
        return own.propose(moving(0, 20, 0), scores)

    assert proposed(-1.0) == []
    assert len(proposed(-1.0, synergy="spotting")) == 1
    assert len(proposed(1.0)) == 1


def test_spotted_counts_frames_of_fast_videos(small):
    """At 200 frames a second the series has every seventh frame; an interval ends with the last of seven frames."""
    own = method(())
    timing = Timing(200.0, 3, {"micro": 42})
    scores = np.repeat(np.r_[np.full(20, 0.1), np.full(10, 0.9), np.full(20, 0.1)], 7)[:345]
    found = own.spotted(timing, "micro", scores)
    assert [(one.onset, one.offset) for one in found] == [(19 * 7, 31 * 7 - 1)]
    assert all(isinstance(one, Spotted) for one in found)


def test_chains_give_eighteen_regions():
    own = method(())
    chain = own.chains(Timing(200.0, 3, {"micro": 42}))[MOTION_18]
    assert [type(step).__name__ for step in chain.steps] == ["FaceCrop", "Flow", "BoxMotion"]
    assert (chain.steps[1].k, chain.steps[1].stride) == (7, 7)


def test_looks_at_test_video_with_extended_intervals():
    tasks = frozenset({"spot"})
    params = boosting.BoostingVRME.Params
    seen = [
        boosting.BoostingVRME.looks_at_test_video(tasks, params(threshold="absolute", intervals=how))
        for how in ("extended", "fixed")
    ]
    assert seen == ["video", "none"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 7},
        {"ratio": 0},
        {"spotting": 0},
        {"outside": -1},
        {"anchor": "middle"},
        {"scales": (0.5, 1.0)},
        {"radius": 3},
        {"nms": 0.3},
        {"synergy": "both"},
    ],
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        boosting.BoostingVRME.Params(**wrong)
