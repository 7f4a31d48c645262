"""RCN against a plain reading of the authors' program; all variants were run beside it, with the same weights."""

import pytest
import torch
from mebench.methods.rcn import method, network as net
from torch.nn import functional as F

from mebench.core import Task
from mebench.errors import ConfigError

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def conv(channels, filters, size):
    return channels * filters * size * size + filters


def counts(maps, pool):
    """Convolutions, two numbers of normalisation for each filter, and the last layer."""
    norm, last = 2 * maps, pool * pool * maps * 3 + 3
    block = conv(maps, maps, 1) + norm + conv(maps, maps, 3) + norm
    first, wide = conv(3, maps, 5) + norm, conv(3, maps, 3) + norm
    without_third = wide - conv(3, maps // 4, 3) - 2 * (maps // 4)
    one = {"a": first, "s": first, "w": wide, "p": wide, "c": wide, "f": without_third}
    return {variant: size + block + last for variant, size in one.items()}


@pytest.mark.parametrize(("maps", "pool"), [(32, 5), (64, 7)])
def test_Rcn_has_parameters_of_its_layers(maps, pool):
    found = {variant: sum(p.numel() for p in net.Rcn(variant, 3, maps, pool).parameters()) for variant in "aswpcf"}
    assert found == counts(maps, pool)
    if maps == 32:
        assert (found["a"], found["s"], found["f"]) == (15_331, 15_331, 13_555)


def activation_map(x, weights):
    """The program's loops for one clip: (channels, p, p) and (classes, channels, p, p)."""
    maps = []
    for own in weights:
        cam = torch.stack([w * c for w, c in zip(own, x)]).mean(0)
        cam = cam - cam.min()
        maps.append(cam / cam.max())
    return torch.stack(maps).mean(0)


def test_attention_is_mean_of_activation_maps():
    torch.manual_seed(0)
    x, weights = torch.rand(4, 8, 5, 5), torch.randn(3, 8, 5, 5)
    expected = torch.stack([activation_map(clip, weights) for clip in x])[:, None]
    torch.testing.assert_close(net.attention(x, weights), expected)


def test_attention_to_nothing_is_zero():
    assert not net.attention(torch.zeros(1, 8, 5, 5), torch.randn(3, 8, 5, 5)).any()


def test_Rcn_a_applies_recurrent_convolution_twice():
    torch.manual_seed(0)
    network = net.Rcn("a", 3).eval()
    first = network.streams[0]
    block = network.block
    x = torch.rand(4, 3, 28, 28)
    with torch.no_grad():
        seen = first(x)
        y = block.forward_conv(seen)
        y = block.recurrent_conv(seen + block.recurrent_conv(seen + y))
        pooled = F.adaptive_avg_pool2d(F.max_pool2d(y, 2), 5)
        weights = network.classifier.weight.view(3, 32, 5, 5)
        pooled = pooled * net.attention(F.adaptive_avg_pool2d(seen, 5), weights)
        torch.testing.assert_close(network(x), network.classifier(pooled.flatten(1)))


@pytest.mark.parametrize("variant", "aswpcf")
def test_Rcn_uses_each_layer(variant):
    torch.manual_seed(0)
    network = net.Rcn(variant, 3, 16)
    F.cross_entropy(network(torch.rand(12, 3, 28, 28)), torch.arange(12) % 3).backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_inputs_are_turned_as_picture_is_seen():
    maps = torch.tensor([0.0, 51.0, 255.0]).repeat(1, 28, 28, 1).numpy()
    assert method.Rcn(method.Rcn.Params(), TASK).inputs([maps])[0, :, 3, 3].tolist() == pytest.approx([1.0, 0.2, 0.0])


@pytest.mark.parametrize(("name", "value"), [("maps_per_layer", 6), ("pool", 0), ("momentum", 1.0)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        method.Rcn.Params(**{name: value})
