"""TSMSNet: its networks read plainly, its labels, segments and joining against plain loops, and a training that finds what moves."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.tsmsnet import method as tsmsnet, network as net
from mebench.methods.tsmsnet.segments import joined, read, segment_labels
from torch.nn import functional as F

from mebench.config import resolve
from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.spotting import Spotted

TIMING = Timing(30.0, 3, {"micro": 6, "macro": 18})


def method(kinds=("micro",), one_per_video=False, **params):
    settings = {"width": 2.0, "segment": 6, "epochs": 2} | params
    return tsmsnet.TSMSNet(
        tsmsnet.TSMSNet.Params(**settings), Task(frozenset({"spot"}), kinds, one_per_video=one_per_video)
    )


@pytest.mark.parametrize(
    ("network", "shape", "numbers"),
    [
        (net.FrameNetwork(), (2, 3, 42, 42), 59_343),
        (net.SegmentNetwork(6), (2, 6, 3, 42, 42), 153_490),
        (net.SegmentNetwork(16), (2, 16, 3, 42, 42), 137_842),
        (net.SegmentNetwork(21), (2, 21, 3, 42, 42), 137_842),
        (net.SegmentNetwork(114), (2, 114, 3, 42, 42), 243_986),
    ],
)
def test_TSMSNet_networks_have_parameters_of_public_ones(network, shape, numbers):
    assert sum(p.numel() for p in network.parameters()) == numbers
    assert len(network(torch.rand(shape))) == 2


def drawn(network):
    """Its weights by name, for prediction: drawn anew, for as they begin, normalisations do nothing and answers hardly differ."""
    weights = network.eval().state_dict()
    for tensor in weights.values():
        if tensor.dim() == 1:
            tensor.uniform_(0.1, 1)
        elif tensor.dim():
            torch.nn.init.kaiming_normal_(tensor)
    return weights


def normalised(x, weights, name, stride=1, padding=0):
    """A convolution without bias, normalised by its running statistics and rectified."""
    x = F.conv2d(x, weights[f"{name}.0.weight"], stride=stride, padding=padding)
    parts = ("weight", "bias", "running_mean", "running_var")
    scale, shift, mean, variance = (weights[f"{name}.1.{part}"].view(-1, 1, 1) for part in parts)
    return ((x - mean) / (variance + 1e-5).sqrt() * scale + shift).relu()


def streams(inputs, weights, one, two, three):
    """Of one, two and three convolutions, side by side; each makes a third of height and width."""
    shallow, middle, deep = inputs
    shallow = F.pad(shallow, (1, 1, 1, 1)).unfold(2, 3, 3).unfold(3, 3, 3).mean((4, 5))
    deep = normalised(normalised(deep, weights, f"{three}.0"), weights, f"{three}.1", padding=1)
    maps = [
        normalised(shallow, weights, f"{one}.1"),
        normalised(normalised(middle, weights, f"{two}.0"), weights, f"{two}.1", 3, 1),
        normalised(deep, weights, f"{three}.2", 3, 1),
    ]
    return torch.cat(maps, 1)


@torch.no_grad()
def test_FrameNetwork_equals_plain_reading():
    torch.manual_seed(0)
    network = net.FrameNetwork()
    x = torch.randn(8, 3, 42, 42)
    w = drawn(network)
    maps = streams(x.split(1, dim=1), w, "horizontal", "vertical", "strain")
    maps = streams([maps] * 3, w, "shallow", "middle", "deep")
    hidden = (maps.mean((2, 3)) @ w["squeeze.weight"].flatten(1).T + w["squeeze.bias"]).relu()
    channels = torch.sigmoid(hidden @ w["excite.weight"].flatten(1).T + w["excite.bias"])
    pooled = (maps * channels[:, :, None, None]).unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
    dense = pooled.flatten(1) @ w["dense.weight"].T + w["dense.bias"]
    plain = dense @ w["out.weight"][0] + w["out.bias"]

    torch.testing.assert_close(network(x)[:, 0], plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("length", [6, 16, 21, 114])
@torch.no_grad()
def test_SegmentNetwork_equals_plain_reading(length):
    torch.manual_seed(0)
    network = net.SegmentNetwork(length)
    x = torch.randn(2, length, 3, 42, 42)
    w = drawn(network)
    y = x.flatten(0, 1)
    for i, stride in enumerate((1, 2, 1, 2)):
        y = normalised(y, w, f"maps.{i}", stride)
    y = y.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5)).reshape(2, length, 256)
    stride, paddings = (1, (1, 1, 0)) if length == 6 else (2, (0, 0, 0))
    for i, padding in enumerate(paddings):
        kernel, bias = w[f"along.{2 * i}.weight"], w[f"along.{2 * i}.bias"]
        y = F.pad(y, (0, 0, padding, padding))
        starts = range(0, y.shape[1] - 2, stride)
        y = torch.stack([torch.einsum("ntc,oct->no", y[:, t : t + 3], kernel) + bias for t in starts], 1).relu()
    hidden = (y.transpose(1, 2).flatten(1) @ w["dense.weight"].T + w["dense.bias"]).relu()
    plain = hidden @ w["out.weight"].T + w["out.bias"]

    torch.testing.assert_close(network(x), plain, atol=1e-5, rtol=1e-5)


def test_chains_take_gaps_from_k_prime():
    """On CAS(ME)², K is 12 and a step 4 frames, as in the public code; 21 maps cover the 42 frames on SAMM's both sides in steps of 4."""
    chains = method().chains(TIMING)
    assert {name: (c.steps[1].k, c.steps[1].stride) for name, c in chains.items()} == {
        "tsmsnet_micro": (12, 1),
        "tsmsnet_micro_steps": (4, 4),
    }
    samm = method(width=1.14, segment=21).chains(Timing(200.0, 20, {"micro": 37}))
    assert [c.steps[1].k for c in samm.values()] == [42, 4]
    assert list(method(join=False).chains(TIMING)) == ["tsmsnet_micro"]


def test_samples_name_segments_longer_than_expressions():
    """SMIC's cameras of 25 fps: micro-expressions of some ten frames."""
    slow = Timing(25.0, 3, {"micro": 5})
    maps = np.zeros((80, 42, 42, 3), np.float16)
    e = Expression(30, 39)
    video = LabelledVideo("d/s/v", SubjectKey("d", "s"), 25.0, 90, slow, lambda _: maps, None, (e,), (None,))
    with pytest.raises(ConfigError, match="segment=21 is longer than 2K = 12 frames of micro-expressions"):
        method(width=1.14, segment=21).samples("micro segments", [video], [])
    for dataset in ("cas_me2", "casme3", "smic_vis", "smic_nir", "meview"):
        own = tsmsnet.TSMSNet(resolve(["method=tsmsnet", f"dataset={dataset}"]).method_params, method().task)
        assert len(own.samples("micro segments", [video], [])[0]) > 0, dataset


@given(
    st.integers(0, 60),
    st.integers(1, 4),
    st.integers(3, 8),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=3),
)
def test_segment_labels_equal_plain_loop(n, step, length, spans):
    expressions = [Expression(onset, onset + more) for onset, more in spans]
    firsts, labels = segment_labels(n, step, length, expressions)
    expected = []
    for i in range(0, n, step):
        if i + step * length <= n:
            last = i + step * length
            shares = [max(0, min(last, e.offset) - max(i, e.onset) + 1) / (last - i + 1) for e in expressions]
            expected.append((i, int(any(share >= 0.5 for share in shares))))
    assert list(zip(firsts.tolist(), labels.tolist())) == expected


def test_read_segment_is_scaled_and_zero_beyond_video():
    maps = np.random.default_rng(0).random((10, 42, 42, 3)).astype(np.float16)
    maps[4, :, :, 2] = 0.3  # a channel without motion
    segment = read(maps, 4, 3, 4)

    assert segment.shape == (4, 3, 42, 42)
    assert not segment[2:].any()
    assert not segment[0, 2].any()
    assert float(segment[1].amin()) == 0
    assert float(segment[1].amax()) == 1
    assert torch.equal(read(maps, -5, 1, 3), read(maps, 0, 1, 3))


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), max_size=12), st.integers(1, 5))
def test_joined_equals_passes_of_public_program(peaks, k):
    """Which joins pairs from left to right, and goes through all again as often as could be needed."""
    places = np.cumsum([gap for gap, _ in peaks]).tolist()
    belongs = [inside for _, inside in peaks]
    found = [Spotted(place - k, place, place + k, 1.0) for place in places]
    flags = list(belongs)
    spans = [[s.onset, s.offset] for s in found]
    for _ in range(len(peaks)):
        i = 0
        while i < len(flags) - 1:
            if flags[i] and flags[i + 1] and abs(spans[i][1] - spans[i + 1][0]) <= 2 * k:
                flags[i : i + 2] = [True]
                spans[i : i + 2] = [[spans[i][0], spans[i + 1][1]]]
            i += 1
    assert [[s.onset, s.offset] for s in joined(found, belongs, 2 * k)] == spans


def test_joined_keeps_surest_peak():
    parts = [Spotted(0, 2, 4, 0.5), Spotted(6, 8, 10, 0.9)]
    assert joined(parts, [True, True], 4) == [Spotted(0, 8, 10, 0.9)]
    assert joined(parts, [True, False], 4) == parts


def test_propose_adds_k_frames_on_both_sides():
    scores = np.zeros((60, 1))
    scores[[20, 25, 50], 0] = 1.0, 0.9, 0.8
    own = method()
    assert [s[:3] for s in own.spotted(TIMING, "micro", scores[:, 0])] == [(8, 20, 32), (38, 50, 62)]
    assert [s.apex for s in method(one_per_video=True).spotted(TIMING, "micro", scores[:, 0])] == [20]
    video = moving(0, 20)
    (paper,), (middle,) = (
        method(one_per_video=True, anchor=a, join=False).propose(video, scores) for a in ("paper", "middle")
    )
    assert (middle.onset - paper.onset, middle.apex) == (6, 26)


def moving(seed, onset, n=90):
    """Motion over K frames where these overlap the expression, and over a step while it goes on."""
    rng = np.random.default_rng(seed)
    long, short = (rng.random((n - gap, 42, 42, 3)).astype(np.float16) * 0.2 for gap in (12, 4))
    long[max(onset - 12, 0) : onset + 24] += 0.8
    short[onset : onset + 24, :, :21] += 0.8
    features = {"tsmsnet_micro": long, "tsmsnet_micro_steps": short}
    e = Expression(onset, onset + 23)
    return LabelledVideo("d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, features.__getitem__, None, (e,), (None,))


def test_TSMSNet_learns_from_frames_and_segments():
    torch.manual_seed(0)  # weights and dropout, whatever test came before
    own = method()
    train = [moving(seed, 15 + 12 * seed) for seed in range(2)]
    assert [(s.name, s.batch_size) for s in own.stages()] == [("micro", 512), ("micro segments", 128)]
    frames, _ = own.samples("micro", train, [])
    assert len(frames) == 2 * 78
    assert int(frames.targets.sum()) == 2 * 36

    segments, _ = own.samples("micro segments", train, [])
    labels = segments.rows[:, 3]
    assert len(labels) == 2 * labels.sum() > 0
    for stage, samples in (("micro", frames), ("micro segments", segments)):
        own.stage = stage
        batch = samples.__getitems__(range(0, len(samples), 3))
        optimizer = own.configure_optimizers()
        losses = []
        for _ in range(12):
            optimizer.zero_grad()
            loss = own.training_step(batch, 0)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < losses[0] / 2, stage

    scores = own.score_frames(train[0])
    assert scores.shape == (90, 1)
    assert np.isnan(scores[-12:]).all()
    assert not np.isnan(scores[:-12]).any()


@pytest.mark.parametrize(
    "wrong", [{"p": 2}, {"segment": 2}, {"width": 0}, {"negatives": 0}, {"anchor": "apex"}, {"epochs": 0}]
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        tsmsnet.TSMSNet.Params(**wrong)


def released(parts, network):
    """The weights of a network under the names of the authors' program."""
    own = {here: theirs for theirs, here in parts.items()}
    found = {}
    for name, tensor in network.state_dict().items():
        part = next(here for here in own if name.startswith(f"{here}."))
        blocks, _, rest = name.removeprefix(f"{part}.").rpartition(".")
        steps = [own[part], *(blocks.split(".") if blocks else [])]
        if len(steps[-1]) == 1 and "branch" in steps[0]:  # convolution or normalisation of a block
            steps.insert(-1, "seq")
        found[".".join([*steps, rest])] = tensor
    return found


def test_released_weights_exclude_tested_person(tmp_path):
    """Two people, of whom one trains; files bear the person's number and how well it went."""
    networks = {}
    for stage, parts, make in (
        ("1st", net.SCORING, net.FrameNetwork),
        ("2nd", net.JOINING, lambda: net.SegmentNetwork(21)),
    ):
        folder = tmp_path / stage / "samm-micro"
        folder.mkdir(parents=True)
        for person in ("006_0.3137", "007_0.3636"):
            torch.manual_seed(int(person[2]))
            networks[stage, person[:3]] = make().eval()
            torch.save(released(parts, networks[stage, person[:3]]), folder / f"net_min_loss_{person}.pt")
    config = resolve(["method=tsmsnet", "dataset=samm_lv", f"method.weights={tmp_path}"])

    method = tsmsnet.TSMSNet(config.method_params, Task(frozenset({"spot"}), kinds=("micro",))).eval()
    assert not method.stages()
    train = SimpleNamespace(subject=SubjectKey("samm_lv", "006"))
    method.fit_closed_form([train], [])
    frames, segments = torch.rand(3, 3, 42, 42), torch.rand(2, 21, 3, 42, 42)
    torch.testing.assert_close(method.scoring["micro"].eval()(frames), networks["1st", "007"](frames))
    torch.testing.assert_close(method.joining["micro"].eval()(segments), networks["2nd", "007"](segments))
    with pytest.raises(ConfigError, match="all of them train"):
        method.fit_closed_form([train, SimpleNamespace(subject=SubjectKey("samm_lv", "007"))], [])
