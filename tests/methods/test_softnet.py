"""SOFTNet (Liong, See and Wong 2021): sizes, labels, samples, and its own smoothing, each against a plain reading."""

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from mebench.methods.softnet import method as softnet, network as net
from mebench.methods.softnet.samples import augmented, hard_labels
from skimage.util import random_noise
from torch import nn

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.features import EyesAndMouth, MaskEyes, RemoveNoseMotion
from mebench.runner.fold import count_parameters
from mebench.training import fit, sample_negatives

TIMING = Timing(30.0, 3, {"micro": 4, "macro": 10})


def method(kinds=("micro",), **params):
    torch.manual_seed(0)
    return softnet.SOFTNet(softnet.SOFTNet.Params(**params), Task(frozenset({"spot"}), kinds))


def maps(n, seed=0):
    return np.random.default_rng(seed).random((n, 42, 42, 3)).astype(np.float16)


def video(features, *expressions, kinds=("micro",)):
    """Features by chain for the longest gap; the shorter ones have more rows."""
    n_frames = len(features) + max(TIMING.k_prime[kind] for kind in kinds)
    rows = {f"softnet_{kind}": features[: n_frames - TIMING.k_prime[kind]] for kind in kinds}
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, n_frames, TIMING, rows.__getitem__, None)
    return LabelledVideo(*common, expressions=expressions, labels=(0,) * len(expressions))


class Plain(nn.Module):
    """The layers one by one, as the public program lists them."""

    def __init__(self):
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(1, f, 5, padding="same") for f in (3, 5, 8))
        self.dense, self.out = nn.Linear(784, 400), nn.Linear(400, 1)

    def forward(self, x):
        streams = [nn.MaxPool2d(3, 3)(torch.relu(c(x[:, i : i + 1]))) for i, c in enumerate(self.convolutions)]
        merged = nn.MaxPool2d(2, 2)(torch.cat(streams, 1))
        return self.out(torch.relu(self.dense(merged.flatten(1))))

    def take(self, other):
        for own, theirs in zip(self.convolutions, (other.horizontal, other.vertical, other.strain)):
            own.load_state_dict(theirs.state_dict())
        self.dense.load_state_dict(other.dense.state_dict())
        self.out.load_state_dict(other.out.state_dict())
        return self


def networks():
    torch.manual_seed(0)
    network = net.SOFTNet()
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            if name.endswith("bias"):
                tensor.normal_()
    return network, Plain().take(network)


def test_SOFTNet_has_314817_parameters_a_kind():
    assert count_parameters(method()) == 314_817
    assert sum(p.numel() for p in Plain().parameters()) == 314_817
    assert count_parameters(method(("micro", "macro"))) == 2 * 314_817


def test_SOFTNet_equals_three_separate_streams():
    network, plain = networks()
    x = torch.rand(5, 3, 42, 42)
    x = (x - x.amin((2, 3), keepdim=True)) / (x.amax((2, 3), keepdim=True) - x.amin((2, 3), keepdim=True))
    torch.testing.assert_close(network(x), plain(x), rtol=1e-5, atol=1e-5)


def test_SOFTNet_learns_like_three_separate_streams():
    network, plain = networks()
    x = net.unit_range(torch.rand(12, 3, 42, 42))
    y = torch.rand(12, 1)
    losses = []
    for model in (network, plain):
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for _ in range(4):
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert losses[:4] == pytest.approx(losses[4:], rel=1e-3)
    assert losses[3] < losses[0]


def test_unit_range_normalises_channels_of_samples():
    x = torch.randn(4, 3, 42, 42).half()
    x[0, 1] = 7
    expected = np.zeros((4, 3, 42, 42), np.float32)
    for i in range(4):
        for c in range(3):
            if (i, c) != (0, 1):
                cv2.normalize(x[i, c].float().numpy(), expected[i, c], 0, 1, cv2.NORM_MINMAX)
    np.testing.assert_allclose(net.unit_range(x), expected, atol=1e-6)


expressions = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=3)


@given(st.integers(0, 30), expressions, st.integers(1, 6), st.booleans())
def test_hard_labels_are_step_of_iou(n, where, k, without_onset):
    truths = [set(range(onset + without_onset, onset + length + 1)) for onset, length in where]
    windows = [set(range(i, i + k)) for i in range(n)]
    expected = [float(any(len(w & t) / len(w | t) > 0 for t in truths)) for w in windows]
    given_expressions = [Expression(onset, onset + length) for onset, length in where]
    assert hard_labels(n, given_expressions, k, without_onset).tolist() == expected


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0.05, 1.0), st.integers(0, 5))
def test_sample_negatives_keeps_positives(labels, part, seed):
    y = np.array(labels, np.float32)
    kept = sample_negatives(y, part, np.random.default_rng(seed), of_majority=True)
    n_positive = sum(labels)
    n_negative = len(labels) - n_positive
    assert set(np.flatnonzero(y)) <= set(kept)
    assert len(kept) - n_positive == min(int(part * max(n_positive, n_negative)), n_negative)
    assert (np.diff(kept) > 0).all()


def test_augmented_adds_mirror_blur_and_noise():
    x = (maps(3) - np.float16(0.5)).astype(np.float16)
    x[2] = np.abs(x[2])
    added = augmented(x, signed=False, rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    expected = [
        *(np.fliplr(image) for image in x),
        *(cv2.GaussianBlur(image.astype(np.float32), (7, 7), 0) for image in x),
        *(random_noise(image.astype(np.float32), rng=rng) for image in x),
    ]

    np.testing.assert_array_equal(added, np.array(expected, np.float16))
    assert augmented(x[:0], signed=True, rng=rng).shape == (0, 42, 42, 3)


def test_augmented_mirrors_direction_of_motion():
    x = maps(2)
    mirrored = augmented(x, signed=True, rng=np.random.default_rng(0))[:2]
    np.testing.assert_array_equal(mirrored[..., 0], -x[:, :, ::-1, 0])
    np.testing.assert_array_equal(mirrored[..., 1:], x[:, :, ::-1, 1:])


def test_samples_augment_micro_alone():
    kinds = ("micro", "macro")
    m = method(kinds, negatives=1.0)
    train = [video(maps(50), Expression(10, 12), Expression(30, 40, "macro"), kinds=kinds)]
    n_micro, n_macro = 3 + 4 - 1, 11 + 10 - 1  # frames onset - k' + 1 to offset
    (x, y), (macro_x, macro_y) = (m.samples(kind, train, [])[0].tensors for kind in kinds)
    rows = video(maps(50), kinds=kinds).n_frames - TIMING.k_prime["micro"]
    assert int(y.sum()) == 4 * n_micro
    assert len(x) == min(rows, 50) + 3 * n_micro
    assert int(macro_y.sum()) == n_macro
    assert len(macro_x) == 50
    (_, plain) = method(kinds, negatives=1.0, augmentation=False).samples("micro", train, [])[0].tensors
    _ = None
    assert int(plain.sum()) == n_micro


def test_samples_keep_videos_apart():
    a, b = maps(20, 1), maps(25, 2)
    samples, _ = method(negatives=1.0, augmentation=False).samples(
        "micro", [video(a, Expression(9, 9)), video(b, Expression(4, 4))], []
    )
    x, y = samples.tensors
    np.testing.assert_array_equal(x.permute(0, 2, 3, 1), np.concatenate([a, b]))
    assert torch.nonzero(y)[:, 0].tolist() == [6, 7, 8, 9, 21, 22, 23, 24]


def test_SOFTNet_learns_where_motion_is():
    """Drawn maps: inside expressions a bright corner in the strain, elsewhere noise."""
    features = maps(120)
    features[37:45, :6, :6, 2] = 5
    train = [video(features, Expression(40, 44))]
    m = method(epochs=5, lr=0.005)
    fit(m, train, [])
    scores = m.score_frames(train[0])[:120, 0]
    inside = np.zeros(120, bool)
    inside[37:45] = True
    assert scores[inside].min() > scores[~inside].max()
    (found,) = m.propose(train[0], m.score_frames(train[0]))
    assert abs(found.apex - 41) <= 2


def test_score_frames_uses_gap_and_network_of_each_kind():
    kinds = ("micro", "macro")
    m = method(kinds).eval()
    features = maps(9)
    view = video(features, kinds=kinds)
    scores = m.score_frames(view)
    assert scores.shape == (19, 2)
    assert np.isnan(scores[9:, 1]).all()
    assert not np.isnan(scores[:9]).any()
    with torch.no_grad():
        alone = [m.networks["macro"](torch.from_numpy(f[None]).permute(0, 3, 1, 2)).item() for f in features]
    np.testing.assert_allclose(scores[:9, 1], alone, rtol=1e-4, atol=1e-6)
    assert {name: c.at("pair")[0].k for name, c in m.chains(TIMING).items()} == {
        "softnet_micro": 4,
        "softnet_macro": 10,
    }


def test_score_frames_reads_maps_on_device_of_network():
    """As on a GPU: `meta` refuses operands that are elsewhere, and has no numbers that could come back."""
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        method().eval().to("meta").score_frames(video(maps(4)))


def test_score_frames_gives_none_without_a_pair():
    for rule in ("paper", "released_code"):
        m = method(rule=rule).eval()
        view = video(maps(0))
        assert np.isnan(m.score_frames(view)).all()
        assert m.propose(view, m.score_frames(view)) == []


def naive_released(scores, k, p):
    """The loop of the public program; frames as it counts them, k later than the first kept one."""
    kept = [np.mean(scores[i - k : i + k]) for i in range(k, len(scores) - k)]
    if not kept:
        return []
    threshold = np.mean(kept) + p * (max(kept) - np.mean(kept))
    inner = range(1, len(kept) - 1)
    peaks = [i for i in inner if kept[i - 1] < kept[i] > kept[i + 1] and kept[i] >= threshold]
    return [(i, i + k, i + k + k) for i in peaks]


@given(st.lists(st.integers(0, 10_000), max_size=40, unique=True), st.floats(0, 0.95))
def test_spot_as_released_equals_plain_loop(values, p):
    scores = np.array([*values, np.nan, np.nan]) / 7
    found = softnet.spot_as_released(scores, 1, p)  # one frame apart: peaks never crowd each other out
    assert [tuple(f[:3]) for f in found] == naive_released(np.array(values) / 7, 1, p)


def test_chains_of_released_presets_have_their_steps():
    def steps(**params):
        return method(**params).chains(TIMING)["softnet_micro"].steps

    assert {RemoveNoseMotion(), MaskEyes(15), EyesAndMouth("paper")} <= set(steps())
    released = steps(nose_motion="released_code", eye_mask="released_code", regions="released_code")
    assert RemoveNoseMotion(variant="released_code") in released
    assert MaskEyes(15, outline="released_code") in released
    for without in ({"regions": "box"}, {"nose_motion": "kept", "eye_mask": "none"}):
        assert not any(isinstance(s, RemoveNoseMotion | MaskEyes) for s in steps(**without))


@pytest.mark.parametrize(
    ("name", "value"), [("p", 1.2), ("epochs", 0), ("lr", 0), ("negatives", 0.0), ("eye_margin", -1), ("batch_size", 0)]
)
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        softnet.SOFTNet.Params(**{name: value})
