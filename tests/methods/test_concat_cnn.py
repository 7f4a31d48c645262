"""Concat-CNN: its network counted and read plainly, its windows and rules against plain loops, and a training that finds what moves."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.concat_cnn import method as concat_cnn, network as net
from mebench.methods.concat_cnn.windows import (
    best_level,
    firsts,
    mostly_inside,
    negatives,
    positives,
    with_neighbours,
)
from sklearn.metrics import f1_score

from mebench.config import resolve
from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.spotting import stretches
from mebench.training import fit

TIMING = Timing(30.0, 3, {"micro": 6, "macro": 18})
SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 25)), max_size=3)


def method(kinds=("micro", "macro"), one_per_video=False, **params):
    return concat_cnn.ConcatCNN(
        concat_cnn.ConcatCNN.Params(**params), Task(frozenset({"spot"}), kinds, one_per_video=one_per_video)
    )


@pytest.mark.parametrize(
    ("settings", "numbers"), [((8, (3, 4, 5), 1), 54_785), ((40, (5, 7, 9), 2), 96_513)], ids=["CAS(ME)2", "SAMM"]
)
def test_ConcatNetwork_equals_plain_reading_and_public_size(settings, numbers):
    """Windows padded as TensorFlow does: one zero before and two behind for a kernel of four."""
    length, kernels, stride = settings
    torch.manual_seed(0)
    network = net.ConcatNetwork(17, *settings).eval()
    assert sum(p.numel() for p in network.parameters()) == numbers
    x = torch.randn(3, length, 17)
    steps = -(-length // stride)
    rows = []
    for conv, size, pool in zip(network.branches, kernels, (8, 4, 2)):
        before = ((steps - 1) * stride + size - length) // 2
        y = torch.zeros(3, steps, 256)
        for t in range(steps):
            y[:, t] = conv.bias
            for place in range(size):
                if 0 <= (at := t * stride + place - before) < length:
                    y[:, t] += x[:, at] @ conv.weight[:, :, place].T
        rows += [y[:, i * pool : (i + 1) * pool].relu().amax(1) for i in range(steps // pool)]
    plain = torch.sigmoid(torch.cat(rows, 1) @ network.output.weight[0] + network.output.bias)
    torch.testing.assert_close(network(x), plain, atol=1e-5, rtol=1e-5)


@given(st.integers(0, 90), SPANS, st.integers(2, 12), st.integers(1, 6), st.booleans())
def test_positives_equal_plain_loop(n, spans, length, hop, short):
    """As the public program cuts them: every `hop` frames from the onset on, ending before offset and end of the video."""
    spans = [(onset, onset + more) for onset, more in spans]
    expected = []
    for onset, offset in sorted(spans):
        if short and length / 2 < offset - onset < length:
            expected += [onset] * (onset + length <= n)
            continue
        i = onset
        while i < offset:
            if i + length < min(offset, n):
                expected.append(i)
            i += hop
    assert positives(n, spans, length, hop, short) == expected


@given(st.integers(0, 90), SPANS, st.integers(2, 12), st.integers(0, 8))
def test_negatives_hold_no_frame_of_an_expression(n, spans, length, most):
    spans = [(onset, onset + more) for onset, more in spans]
    busy = {frame for onset, offset in spans for frame in range(onset, offset + 1)}
    found = negatives(n, spans, length, most)
    covered = [frame for i in found for frame in range(i, i + length)]
    assert len(found) <= most
    assert len(set(covered)) == len(covered)
    assert not busy & set(covered)
    assert all(0 <= frame < n for frame in covered)


def test_negatives_follow_public_program_if_asked():
    assert negatives(40, [(0, 15)], 8, 9) == [16, 24, 32]
    assert negatives(40, [(0, 15)], 8, 9, mended=False) == [0, 8]  # of 24 frames outside the third would be the last


@given(st.integers(0, 60), SPANS, st.integers(2, 12), st.integers(1, 6))
def test_mostly_inside_means_more_than_half_of_frames(n, spans, length, hop):
    spans = [(onset, onset + more) for onset, more in spans]
    busy = {frame for onset, offset in spans for frame in range(onset, offset + 1)}
    begun = firsts(n, length, hop).tolist()
    whole = [i for i in range(0, n, hop) if i + length <= n]
    assert begun == whole
    shares = [len(busy & set(range(i, i + length))) / length for i in begun]
    assert mostly_inside(n, spans, length, hop).tolist() == [share > 0.5 for share in shares]


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=30))
def test_best_level_has_largest_f1(windows):
    probabilities, truth = np.array([p / 20 for p, _ in windows]), np.array([t for _, t in windows])
    level = best_level(probabilities, truth)
    if not truth.any():
        assert not (probabilities > level).any()
        return
    every = [
        f1_score(truth, probabilities > other)
        for other in (-1.0, *probabilities[:-1], level)
        if (probabilities > other).any()
    ]
    assert f1_score(truth, probabilities > level) == pytest.approx(max(every))


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 4))
def test_with_neighbours_equals_machine_over_windows(inside, gap):
    kept = list(inside)
    for i in range(1, len(kept) - 1):
        kept[i] = kept[i] and (kept[i - 1] or kept[i + 1])
    assert with_neighbours(np.array(inside, bool)).tolist() == kept
    expected = []
    first = None
    last = None
    for i, yes in enumerate(kept):
        if yes and first is None:
            first = i
        elif first is not None and not yes and i - last > gap:
            expected.append((first, last))
            first = None
        if yes:
            last = i
    expected += [] if first is None else [(first, last)]
    assert stretches(np.array(kept, bool), gap) == expected


def series(seed, onset, n=120, length=24, units=True):
    """Noise, and stronger movement while an expression goes on."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, 17 if units else 24)).astype(np.float32) * 0.2
    x[onset : onset + length] += 1.0
    e = Expression(onset, onset + length - 1, "macro")
    features = {"action_units" if units else "motion_of_regions": x}
    return LabelledVideo("d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, features.__getitem__, None, (e,), (None,))


@pytest.mark.parametrize("features", ["action_units", "motion"])
def test_ConcatCNN_finds_motion(features):
    torch.manual_seed(0)
    own = method(features=features, epochs=15, batch_size=16, lr=0.01, patience=10)
    videos = [series(seed, 20 + 12 * seed, units=features == "action_units") for seed in range(6)]
    fit(own, videos[:4], videos[4:5])
    (found,) = own.propose(videos[5], own.score_frames(videos[5]))
    assert found.kind == "macro"
    assert abs(found.onset - 80) <= 6
    assert abs(found.offset - 103) <= 6
    scores = own.score_frames(videos[5])
    assert scores.shape == (120, 2)
    assert np.nanmean(scores[82:100]) > 0.8 > 0.2 > np.nanmean(scores[:70])
    assert {"best_epoch", "level"} <= own.notes.keys()
    assert own.notes["best_epoch"] < 14


def test_fit_keeps_epoch_of_lowest_validation_loss():
    torch.manual_seed(0)
    own = method(epochs=40, batch_size=16, lr=0.01, patience=5, lr_patience=2)
    videos = [series(seed, 20 + 12 * seed) for seed in range(5)]
    fit(own, videos[:4], videos[4:])
    losses = [e.loss for e in own.history.list_epochs() if e.split == "valid"]
    best = int(np.argmin(losses))
    assert own.notes["best_epoch"] == best
    assert len(losses) == best + 6 < 40
    x, y = own.samples("windows", videos[4:], [])[0].tensors
    with torch.no_grad():
        assert float(((own.network(x) - y) ** 2).mean()) == pytest.approx(losses[best], abs=1e-6)


def answering(answers, **params):
    """A method whose network gives one answer for each window, whatever it reads."""
    own = method(**params)
    own.network.register_forward_hook(lambda *_: torch.from_numpy(answers))
    return own


def test_propose_tells_kind_by_length():
    answers = np.zeros(20)
    answers[[3, 4, 10, 11, 12, 13, 18, 19]] = 0.9
    video = series(0, 20, n=8 + 19 * 4)  # twenty windows of eight frames, four apart
    for variant, spans in (
        ("mended", [("micro", 12, 23), ("macro", 40, 59), ("micro", 72, 83)]),
        ("released_code", [("micro", 12, 23), ("macro", 40, 59)]),
    ):
        own = answering(answers, variant=variant, level=0.5)
        assert [(p.kind, p.onset, p.offset) for p in own.propose(video, np.empty(0))] == spans
    only = answering(answers, kinds=("micro",), level=0.5)
    assert [p.onset for p in only.propose(video, np.empty(0))] == [12, 72]


def test_propose_gives_surest_where_one_is_expected():
    for answers, onset in ((np.full(20, 0.1), 0), (np.eye(20)[7] * 0.4, 28)):
        own = answering(answers, kinds=("micro",), one_per_video=True)
        (found,) = own.propose(series(0, 20, n=8 + 19 * 4), np.empty(0))
        assert (found.kind, found.onset, found.offset) == ("micro", onset, onset + 7)


def test_samples_name_expressions_without_a_window():
    with pytest.raises(
        ConfigError, match=r"no expression to train on holds a window of method.length=8 frames at method.fps=30"
    ):
        method().samples("windows", [series(0, 20, length=6)], [])
    assert len(method(short=True).samples("windows", [series(0, 20, length=7)], [])[0]) > 0


def test_score_frames_gives_no_scores_for_short_videos():
    own = method()
    video = series(0, 2, n=6, length=3)
    assert np.isnan(own.score_frames(video)).all()
    assert own.propose(video, own.score_frames(video)) == []


def test_ConcatCNN_reads_samm_as_public_program():
    """40 frames of 200 a second, every 20th, one window of an expression of 100 to 200 ms."""
    config = resolve(["method=concat_cnn", "dataset=samm_lv"])
    own = concat_cnn.ConcatCNN(config.method_params, Task(frozenset({"spot"})))
    assert own.params.step(200.0) == 1
    assert sum(p.numel() for p in own.network.parameters()) == 96_513
    assert positives(400, [(50, 80), (100, 115), (200, 300)], 40, 20, own.params.short) == [50, 200, 220, 240]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 7}, "fewer than the 8 frames"),
        ({"length": 14, "conv_stride": 2}, "choose method.length=15 or more"),
        ({"kernels": (3, 4)}, "three lengths"),
        ({"level": 1.5}, "in \\[0, 1\\], or null"),
        ({"hop": 9}, "leaves frames between windows of method.length=8"),
        ({"gap": -1}, "must not be negative"),
        ({"features": "units"}, "method.features"),
        ({"negatives": 0.0}, "must be positive"),
    ],
)
def test_Params_refuse_wrong_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        concat_cnn.ConcatCNN.Params(**settings)
