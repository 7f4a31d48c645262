"""MEAN against its paper (Liong, See and Chan 2023): sizes, equations, and the vote of a spotted interval."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.mean import method as mean, network
from torch.nn import functional as F

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.runner.fold import count_parameters

THREE = ("negative", "positive", "surprise")


def method(tasks=("spot", "recognize"), classes=THREE, **params):
    torch.manual_seed(0)
    return mean.MEAN(mean.MEAN.Params(**params), Task(frozenset(tasks), ("micro",), classes)).eval()


def video(features, k_prime=3, expressions=None):
    n_frames = len(features) + 3
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, n_frames, Timing(30.0, 3, {"micro": k_prime}))
    access = (lambda chain: features, lambda chain, onset, apex, offset: features[0])
    if expressions is None:
        return VideoView(*common, *access)
    return LabelledVideo(*common, *access, expressions=expressions, labels=(0,) * len(expressions))


def maps(n, seed=0):
    return np.random.default_rng(seed).random((n, 42, 42, 3)).astype(np.float16)


@pytest.mark.parametrize(
    ("tasks", "classes", "parameters"),
    [
        (("spot",), THREE, 3621),
        (("spot", "recognize"), THREE, 7608),
        (("spot", "recognize"), ("a", "b", "c", "d", "e"), 8394),
    ],
)
def test_MEAN_has_parameters_of_paper(tasks, classes, parameters):
    """Parameters of the network, running statistics of the normalisations counted."""
    assert count_parameters(method(tasks, classes)) == parameters


def test_MEAN_parameters_add_up_from_layers():
    shared = sum(f * 25 + f for f in network.STREAMS) + 4 * sum(network.STREAMS)
    head = (sum(network.STREAMS) * 8 * 25 + 8) + 8 * 7 * 7
    assert (shared, shared + head + 1, shared + 2 * head + 1 + 8 * 7 * 7 * 2 + 3) == (420, 3621, 7608)


def test_Shared_equals_three_separate_convolutions():
    torch.manual_seed(0)
    shared = network.Shared(0.3)
    with torch.no_grad():
        for tensor in (*shared.norm.parameters(), shared.norm.running_mean, shared.norm.running_var):
            tensor.uniform_(0.5, 2)
        shared.norm.weight[::3] *= -1
        for stream in (shared.horizontal, shared.vertical, shared.strain):
            stream.bias.normal_()
    x = torch.randn(4, 3, 42, 42)
    shared.eval()

    convolutions = (shared.horizontal, shared.vertical, shared.strain)
    streams = [torch.relu(convolution(x[:, c : c + 1])) for c, convolution in enumerate(convolutions)]
    plain = []
    first = 0
    for stream in streams:
        part = slice(first, first := first + stream.shape[1])
        norm = [
            t[part] for t in (shared.norm.running_mean, shared.norm.running_var, shared.norm.weight, shared.norm.bias)
        ]
        plain.append(F.max_pool2d(F.batch_norm(stream, *norm, eps=1e-3), 3, 3))
    torch.testing.assert_close(shared(x), torch.cat(plain, 1), rtol=1e-5, atol=1e-5)
    assert shared(x).shape == (4, 14, 14, 14)


def test_Shared_stream_learns_from_own_channel_alone():
    shared = network.Shared(0.0).eval()
    x = torch.randn(2, 3, 42, 42, requires_grad=True)
    shared(x)[:, :3].sum().backward()
    assert x.grad[:, 0].abs().sum() > 0
    assert x.grad[:, 1:].abs().sum() == 0


def test_Head_gives_one_row_a_sample():
    assert network.Head(5, 0.2)(torch.randn(4, 14, 14, 14)).shape == (4, 5)


def test_score_frames_gives_each_frame_its_own_score():
    m = method()
    features = maps(9)
    scores = m.score_frames(video(features))
    assert scores.shape == (12, 1)
    assert np.isnan(scores[9:]).all()
    alone = [m.score_frames(video(features[i : i + 1]))[0, 0] for i in range(9)]
    np.testing.assert_allclose(scores[:9, 0], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "answer",
    [lambda own, view: own.score_frames(view), lambda own, view: own.classify([view.clip(0, 2, 3)])],
    ids=["score_frames", "classify"],
)
def test_score_frames_reads_maps_on_device_of_network(answer):
    """As on a GPU: `meta` refuses operands that are elsewhere, and has no numbers that could come back."""
    own = method().eval().to("meta")
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        answer(own, video(maps(4)))


def test_score_frames_gives_none_for_k_frames():
    assert np.isnan(method().score_frames(video(maps(0)))).all()


def test_samples_for_spotting_equal_equations_5_and_6():
    features = maps(60)
    m = method(ratio=2.0)
    samples, _ = m.samples("spotting", [video(features, 4, (Expression(20, 24), Expression(40, 42, "macro")))], [])
    x, y = samples.__getitems__(range(len(samples)))
    assert int(y.sum()) == 5 + 3  # frames onset - k' + 1 to offset of the micro-expression alone
    assert len(y) - int(y.sum()) == 2 * 8
    assert x.shape == (24, 3, 42, 42)
    positives = torch.from_numpy(features[17:25]).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(x[y[:, 0] > 0].contiguous(), positives.contiguous())


def test_samples_for_spotting_keep_videos_apart():
    a, b = maps(30, 1), maps(40, 2)
    m = method(ratio=100.0)
    samples, _ = m.samples("spotting", [video(a, 2, (Expression(5, 6),)), video(b, 2, (Expression(9, 9),))], [])
    x, y = samples.__getitems__(range(len(samples)))
    torch.testing.assert_close(
        x.contiguous(), torch.from_numpy(np.concatenate([a, b])).permute(0, 3, 1, 2).float().contiguous()
    )
    assert torch.nonzero(y)[:, 0].tolist() == [4, 5, 6, 30 + 8, 30 + 9]


def test_training_step_for_recognition_keeps_shared_layers():
    m = method()
    features = maps(30)
    train = [video(features, 2, (Expression(5, 6), Expression(15, 17)))]
    m.samples("recognition", train, [])
    before = {name: t.clone() for name, t in m.shared.state_dict().items()}
    m.stage = "recognition"
    optimizer = m.configure_optimizers()
    samples, _ = m.samples("recognition", train, [])
    m.recognition.train()
    m.training_step(samples.tensors, 0).backward()
    optimizer.step()

    assert all(torch.equal(t, before[name]) for name, t in m.shared.state_dict().items())


def numbered_maps(n):
    """Maps that hold the number of their frame."""
    return np.broadcast_to(np.arange(n, dtype=np.float16)[:, None, None, None], (n, 42, 42, 3))


def asked_frames(own):
    """A list that gets the frame numbers of each batch of numbered maps that the shared layers read."""
    asked = []
    own.shared.register_forward_pre_hook(lambda _, given: asked.append(given[0][:, 0, 0, 0].int().tolist()))
    return asked


rows = st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=12, max_size=12)


@given(rows, st.integers(4, 11), st.integers(1, 4))
def test_classify_takes_most_frequent_class_before_peak(rows, apex, k_prime):
    """Frames F_p - k' to F_p - 1 vote (section 3.4, case 1); of equally frequent classes the one of larger summed probability."""
    probabilities = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    m = method()
    asked = asked_frames(m)
    m.recognition.register_forward_hook(lambda *_: torch.from_numpy(np.log(probabilities[asked[-1]])))
    view = video(numbered_maps(12), k_prime)

    (row,) = m.classify([view.clip(apex - k_prime, apex, apex + k_prime - 1)])

    frames = range(apex - k_prime, apex)
    votes = [sum(int(probabilities[i].argmax() == c) for i in frames) for c in range(3)]
    summed = [sum(probabilities[i][c] for i in frames) for c in range(3)]
    most = [c for c in range(3) if votes[c] == max(votes)]
    assert summed[int(row.argmax())] == pytest.approx(max(summed[c] for c in most))
    assert int(row.argmax()) in most
    assert row.sum() == pytest.approx(1)


def test_classify_asks_only_existing_frames():
    m = method()
    asked = asked_frames(m)
    view = video(numbered_maps(12), 4)
    m.classify([view.clip(-2, 2, 5), view.clip(9, 13, 16), view.clip(-4, 0, 3)])
    assert asked == [[0, 1], [9, 10, 11], [0]]


def test_classify_asks_frames_before_peak_of_scores():
    """Of an interval that another method has spotted nobody here knows whether it was moved."""
    view = video(numbered_maps(30), 6)
    both = ("spot", "recognize")
    asked = []
    for anchor, tasks, apex in (("paper", both, 12), ("middle", both, 15), ("middle", ("recognize",), 15)):
        m = method(tasks, anchor=anchor)
        asked.append(asked_frames(m))
        m.classify([view.clip(apex - 6, apex, 18)])

    before, shifted, foreign = asked
    assert before == shifted == [[6, 7, 8, 9, 10, 11]]
    assert foreign == [[9, 10, 11, 12, 13, 14]]


@given(st.integers(0, 200), st.sampled_from([3, 8, 17]), st.sampled_from(["fixed", "score_curve"]))
def test_classify_depends_on_peak_alone(seed, k_prime, interval):
    """Through `propose`: the curve may leave its peak no room to move."""
    scores = np.random.default_rng(seed).random((120, 1))
    view = video(numbered_maps(117), k_prime)
    asked = {}
    peaks = []
    for anchor in ("paper", "middle"):
        m = method(anchor=anchor, interval=interval, curve_height=0.9, p=0.2)
        asked[anchor] = asked_frames(m)
        found = m.propose(view, scores)
        m.classify([view.clip(p.onset, p.apex, p.offset) for p in found] or [view.clip(0, 0, 0)])
        peaks.append(len(found))
    if peaks[0]:
        assert asked["paper"] == asked["middle"]


def test_chains_differ_in_gaps_alone():
    chains = method().chains(Timing(200.0, 20, {}))
    frames, clips = chains.values()
    assert frames.name == mean.FRAMES
    assert (frames.scope, clips.scope) == ("frames", "clips")
    assert frames.at("pair")[0].k == 20
    assert frames.at("map") == clips.at("map")


@pytest.mark.parametrize(
    ("name", "value"), [("p", 1.2), ("epochs_spot", 0), ("lr", 0), ("dropout", 1.0), ("l2", -1.0), ("ratio", 0)]
)
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        mean.MEAN.Params(**{name: value})
