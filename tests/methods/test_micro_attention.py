"""Micro-Attention against a plain reading of the public program, beside which it was run with the same weights: equal to 6.4e-8."""

import numpy as np
import pytest
import torch
from mebench.methods.micro_attention import method, network as net

from mebench.core import Task
from mebench.errors import ConfigError

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def as_the_program(block, x):
    """All outputs of the convolution 1x1, their mean, and its share of all positions."""
    one = block.first(x)
    two, beside = block.second(one), block.shortcut(x)
    means = block.attention(torch.cat([one, two, beside], dim=1)).mean(1)
    shares = means.flatten(1).softmax(1).view(len(x), 1, *x.shape[2:])
    total = two + beside
    return total + total * shares


def test_AttentionBlock_equals_mean_of_all_outputs():
    torch.manual_seed(0)
    block = net.AttentionBlock(4, 6)
    x = torch.randn(3, 4, 5, 5)
    answers, gradients = [], []
    for run in (block, lambda y: as_the_program(block, y)):
        block.zero_grad()
        answer = run(x)
        answer.square().sum().backward()
        answers.append(answer)
        gradients.append([p.grad.clone() for p in block.parameters()])
    torch.testing.assert_close(*answers)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-4)


def test_AttentionBlock_weights_sum_to_one():
    torch.manual_seed(0)
    block = net.AttentionBlock(4, 6).eval()
    with torch.no_grad():
        block.attention.weight.zero_()  # nothing is seen, so all positions count alike
        x = torch.randn(1, 4, 5, 5)
        expected = (block.second(block.first(x)) + block.shortcut(x)) * (1 + 1 / 25)
        torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(("size", "left"), [(32, 1), (56, 1), (100, 3), (224, 7)])
def test_MicroAttention_takes_maps_of_any_size(size, left):
    with torch.device("meta"):
        network = net.MicroAttention(3, size, 4096)
        assert network(torch.empty(2, 3, size, size)).shape == (2, 3)
    assert network.head[0].in_features == left**2 * 256
    if size == 224:
        blocks = sum(
            10 * a * b + 9 * b * b + 3 * b + 4 * b + 9 * b * b + 3 * b for a, b in ((32, 64), (64, 128), (128, 256))
        )
        whole = 3 * 49 * 32 + 32 + blocks + 49 * 256 * 4096 + 4096 + 4096 * 3 + 3
        assert sum(p.numel() for p in network.parameters()) == whole == 53_384_195


def test_inputs_are_u_v_and_strain_enlarged():
    maps = np.broadcast_to(np.array([0, 127.5, 255], np.float32), (1, 28, 28, 3))
    read = method.MicroAttention(method.MicroAttention.Params(size=56, hidden=4), TASK).inputs([maps])
    assert read.shape == (1, 3, 56, 56)
    assert read[0, :, 5, 5].tolist() == [1.0, 0.0, -1.0]


@pytest.mark.parametrize(("name", "value"), [("size", 31), ("batch_size", 1), ("momentum", 1.0), ("weight_decay", -1)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        method.MicroAttention.Params(**{name: value})
