"""`resnet10` against a count of its layers, `logistic` against plain arithmetic; and what both share with every network on maps."""

import numpy as np
import pytest
import torch
from mebench.methods.logistic.method import Logistic
from mebench.methods.resnet10.method import ResNet10
from mebench.methods.ststnet import method as ststnet

from mebench.core import Expression, LabelledVideo, SubjectKey, Task, Timing
from mebench.errors import ConfigError
from mebench.training import fit

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def video(maps, labels):
    expressions = tuple(Expression(i, i) for i in range(len(maps)))
    common = ("d/s/v", SubjectKey("d", "s"), None, len(maps), Timing(0.0, 1, {}), None)
    return LabelledVideo(
        *common, lambda chain, onset, apex, offset: maps[onset], expressions=expressions, labels=tuple(labels)
    )


def draw(n=9):
    return np.random.default_rng(0).integers(0, 256, (n, 28, 28, 3)).astype(np.uint8), np.arange(n) * 2 % 3


def test_ResNet10_has_ten_layers_with_weights():
    network = ResNet10(ResNet10.Params(), TASK).network
    weights = [p for name, p in network.named_parameters() if p.dim() > 1]
    widths = (64, 128, 256, 512)
    blocks = sum(9 * (a * b + b * b) + 4 * b + (a * b + 2 * b if a != b else 0) for a, b in zip((64, *widths), widths))
    assert len(weights) == 10 + 3
    assert sum(p.numel() for p in network.parameters()) == 3 * 64 * 49 + 128 + blocks + 512 * 3 + 3 == 4_907_331
    assert network.layers(torch.zeros(2, 3, 28, 28)).shape == (2, 512, 1, 1)


@pytest.mark.parametrize("n", [1, 5])
def test_ResNet10_learns_from_batch_of_one_clip(n):
    """The last one of five clips in batches of four; or there is but one clip."""
    maps, labels = draw(n)
    torch.manual_seed(0)
    method = ResNet10(ResNet10.Params(batch_size=4, epochs=2), TASK)
    modes = []
    method.network.register_forward_pre_hook(lambda network, x: modes.append((len(x[0]), network.training)))
    fit(method, [video(maps, labels)], [])
    assert set(modes) == ({(1, False)} if n == 1 else {(4, True), (1, False)})
    assert np.isfinite(method.classify([video(maps, labels).clip(0, 0, 0)])).all()


def test_Logistic_standardises_by_training_clips():
    maps, labels = draw()
    maps[:, 0, 0, 0] = 7  # a constant is only centred
    method = Logistic(Logistic.Params(), TASK)
    method.samples("recognition", [video(maps, labels)], [])
    x = maps.astype(float)
    deviation = x.std(0)
    standard = (x - x.mean(0)) / np.where(deviation > 0, deviation, 1)
    rows = torch.from_numpy(standard).permute(0, 3, 1, 2).flatten(1).float()
    clips = [video(maps, labels).clip(i, i, i) for i in range(len(maps))]
    expected = method.network.linear(rows).softmax(1).detach().numpy()

    np.testing.assert_allclose(method.classify(clips), expected, atol=1e-5)


def test_samples_sort_clips_by_class_if_asked():
    maps, labels = draw()
    samples = {}
    for order in ("by_subject", "by_class"):
        method = ststnet.STSTNet(ststnet.STSTNet.Params(order=order), TASK)
        samples[order] = method.samples("recognition", [video(maps, labels)], [])[0]
    (x, y), (sorted_x, sorted_y) = (s.tensors for s in samples.values())

    assert y.tolist() == list(labels)
    assert sorted_y.tolist() == sorted(labels)
    torch.testing.assert_close(sorted_x, x[np.argsort(labels, kind="stable")])


def test_Params_refuse_decay_below_zero():
    with pytest.raises(ConfigError, match=r"method\.weight_decay must be at least 0, not -1"):
        Logistic.Params(weight_decay=-1)
