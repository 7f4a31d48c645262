"""CausalNet against a plain reading of the authors' program, beside which it was run with the same weights: equal to 9.3e-7."""

import pytest
import torch
from mebench.methods.causalnet import method, network as net

from mebench.core import Task
from mebench.errors import ConfigError
from mebench.training.layers import Block

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))
NEIGHBOURS = [{0, 1, 2}, {0, 1, 3}, {0, 2, 3}, {1, 2, 3}]


def attended(q, k, v, scale, gamma=None):
    """Of (4, dim) each, head by head, place by place; opposite corners count with 0 - (j + 1) gamma, and then do not count."""
    width = q.shape[1] // net.HEADS
    out = torch.zeros_like(q)
    for head in range(net.HEADS):
        part = slice(head * width, (head + 1) * width)
        for i in range(4):
            products = torch.stack([(q[i, part] * k[j, part]).sum() * scale for j in range(4)])
            if gamma is not None:
                apart = [j not in NEIGHBOURS[i] for j in range(4)]
                products = torch.stack(
                    [-(j + 1) * gamma * torch.ones(()) if apart[j] else products[j] for j in range(4)]
                )
            shares = products.softmax(0)
            out[i, part] = sum(shares[j] * v[j, part] for j in range(4) if gamma is None or not apart[j])
    return out


def through(attention, x, context, gamma):
    k, v = attention.kv(context).chunk(2, dim=-1)
    return attention.out(attended(attention.q(x), k, v, attention.scale, gamma))


def in_time(time, x, y):
    q, (k, v), (own_k, own_v) = time.q(y), *(time.kv(t).chunk(2, dim=-1) for t in (x, y))
    width = q.shape[1] // net.HEADS
    out = torch.zeros_like(q)
    for i in range(4):
        for part in (slice(h * width, (h + 1) * width) for h in range(net.HEADS)):
            both = torch.stack([(q[i, part] * k[i, part]).sum(), (q[i, part] * own_k[i, part]).sum()]) * time.scale
            shares = both.softmax(0)
            out[i, part] = shares[0] * v[i, part] + shares[1] * own_v[i, part]
    return time.out(out)


def one_way(c, x, y, gamma):
    x, y = c.norm(x), c.norm(y)
    x, y = through(c.space, x, x, gamma) + x, through(c.space, y, y, gamma) + y
    y = in_time(c.time, x, y) + y
    return c.layers(x) + x, c.layers(y) + y


def plainly(network, pictures, gamma):
    """One clip, (4, 3, 28, 28)."""
    stacks = (network.flow, network.flow, network.direction, network.direction)
    # a place is the channels of one remainder by 4: `reshape(b, d // 4, 2, 2)`
    flow, back, rising, falling = (
        stack(p[None]).flatten().reshape(-1, 2, 2).flatten(1).T for stack, p in zip(stacks, pictures)
    )
    for layer in network.cross:
        a, b = layer.norm(rising), layer.norm(falling)
        rising = rising + through(layer.attention, a, falling, gamma)
        falling = falling + through(layer.attention, b, rising, gamma)
        rising, falling = layer.layers(rising) + rising, layer.layers(falling) + falling
    first = flow + rising
    second = back + falling
    c = network.causal
    (early, later), (late, earlier) = one_way(c, first, second, gamma), one_way(c, second, first, gamma)
    found = attended(c.q(later), c.k(earlier), c.v(earlier + later), c.scale)
    relation = c.out(found + later + earlier)
    return network.head(torch.cat([relation, early, late]).flatten())


@torch.no_grad()
def test_network_equals_program_at_each_place():
    torch.manual_seed(0)
    network = method.CausalNet(
        method.CausalNet.Params(dim=16, heads=2, blocks=(1, 1, 2), gamma=0.3), TASK
    ).network.eval()
    x = torch.rand(2, 4, 3, 28, 28) * 255
    torch.testing.assert_close(
        network(x), torch.stack([plainly(network, clip, 0.3) for clip in x]), rtol=1e-5, atol=1e-5
    )


def test_CausalNet_has_parameters_of_program_but_queries():
    with torch.device("meta"):
        network = method.CausalNet(method.CausalNet.Params(), TASK).network
    learnt = sum(p.numel() for p in network.parameters())
    unused = sum(2 * block.values.weight.numel() for block in network.modules() if isinstance(block, Block))
    assert (learnt, unused) == (235_072_009, 41_518_080)
    assert learnt + unused == 276_590_089  # counted in the authors' program


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [("dim", 12, "multiple of 8"), ("heads", 0, "from 1 to"), ("blocks", (1,), "three numbers"), ("gamma", -1.0, "at least 0")],
)  # fmt: skip
def test_Params_refuse_values_out_of_range(name, value, reason):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*{reason}"):
        method.CausalNet.Params(**{name: value})
