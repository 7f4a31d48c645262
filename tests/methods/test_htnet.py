"""HTNet against a plain reading of the authors' program, beside which it was run with the same weights: equal to 1.1e-6."""

import pytest
import torch
from mebench.methods.htnet.method import HTNet, HTNet as Method
from torch import nn
from torch.nn import functional as F

from mebench.core import Task
from mebench.errors import ConfigError
from mebench.training.layers import Block

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def norm(x, layer):
    """Over the channels of (channels, H, W)."""
    mean, var = x.mean(0), x.var(0, correction=0)
    return (x - mean) / (var + 1e-5).sqrt() * layer.weight[:, None, None] + layer.bias[:, None, None]


def one_by_one(x, weight, bias=None):
    return F.conv2d(x[None], weight[:, :, None, None], bias)[0]


def attention(x, values, heads):
    """The published block with whatever queries and keys: several heads over the positions of (channels, H, W)."""
    inner = len(values)
    q, k = (one_by_one(x, torch.randn(inner, len(x))) for _ in range(2))
    q, k, v = (t.reshape(heads, inner // heads, -1) for t in (q, k, one_by_one(x, values)))
    shares = (torch.einsum("hdi,hdj->hij", q, k) * (inner // heads) ** -0.5).softmax(-1)
    return torch.einsum("hij,hdj->hdi", shares, v).reshape(inner, *x.shape[1:])


def plainly(network, picture, heads):
    """One picture, (3, 28, 28): patches, and on each level the blocks of the map, each by itself."""
    h = network.hierarchy
    x = torch.empty(h.embed.out_features, 4, 4)
    for i in range(4):
        for j in range(4):
            patch = picture[:, 7 * i : 7 * i + 7, 7 * j : 7 * j + 7].permute(1, 2, 0).flatten()
            x[:, i, j] = h.embed(patch)
    for place, level in enumerate(h.levels):
        parts = 2 ** (2 - place)
        size = x.shape[1] // parts
        for i in range(parts):
            for j in range(parts):
                where = (slice(None), slice(i * size, (i + 1) * size), slice(j * size, (j + 1) * size))
                y = x[where] + level.position
                for block in level.blocks:
                    found = attention(norm(y, block.norm), block.values.weight, heads << place)
                    y = one_by_one(found, block.out.weight, block.out.bias) + y
                    inner = one_by_one(norm(y, block.layers[0]), block.layers[1].weight, block.layers[1].bias)
                    y = one_by_one(F.gelu(inner), block.layers[3].weight, block.layers[3].bias) + y
                x[where] = y
        if not isinstance(level.merge, nn.Identity):
            x = F.conv2d(x[None], level.merge[0].weight, level.merge[0].bias, padding=1)[0]
            x = F.max_pool2d(norm(x, level.merge[1])[None], 3, 2, 1)[0]
    return network.head(norm(x, network.norm).mean((1, 2)))


@torch.no_grad()
def test_HTNet_ignores_queries_and_keys_at_one_position():
    torch.manual_seed(0)
    network = Method(HTNet.Params(dim=14, heads=3, blocks=(2, 1, 1)), TASK).network
    x = torch.rand(2, 3, 28, 28) * 255
    for module in network.modules():
        if isinstance(module, nn.LayerNorm):
            module.weight.uniform_(0.5, 2)
            module.bias.normal_()
    torch.testing.assert_close(network(x), torch.stack([plainly(network, one, 3) for one in x]), rtol=1e-5, atol=1e-5)


def test_HTNet_has_parameters_of_program_but_queries():
    with torch.device("meta"):
        network = Method(HTNet.Params(), TASK).network
    learnt = sum(p.numel() for p in network.parameters())
    unused = sum(2 * block.values.weight.numel() for block in network.modules() if isinstance(block, Block))
    assert (learnt, unused) == (117_387_782, 22_195_200)
    assert learnt + unused == 139_582_982  # counted in the authors' program


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("heads", 0, "from 1 to"), ("blocks", (2, 2), "three numbers"), ("points", ((1.0, 1.0),), "five points")],
)
def test_Params_refuse_values_out_of_range(name, value, reason):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*{reason}"):
        HTNet.Params(**{name: value})
