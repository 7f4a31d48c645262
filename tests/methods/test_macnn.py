"""MACNN against a plain reading of the public program, beside which it was run with the same weights: equal, gradients too."""

from itertools import pairwise

import pytest
import torch
from mebench.methods.macnn import method, network as net
from torch.nn.functional import conv2d, linear, max_pool2d, relu

from mebench.core import Task
from mebench.errors import ConfigError

TASK = Task(frozenset({"recognize"}), classes=("a", "b", "c"))


def plainly(weights, x):
    """The program's layers in the order in which it names them."""
    w = iter(weights)
    for _ in range(4):
        first, first_bias, second, second_bias, beside, beside_bias = (next(w) for _ in range(6))
        y = relu(conv2d(relu(conv2d(x, first, first_bias, padding=1)), second, second_bias, padding=1))
        x = max_pool2d(y + conv2d(x, beside, beside_bias), 2)
    for dilation in (4, 2):
        x = relu(conv2d(x, next(w), next(w), dilation=dilation, padding=dilation))
    x = relu(linear(x.flatten(1), next(w), next(w)))
    return linear(relu(linear(x, next(w), next(w))), next(w), next(w))


@pytest.mark.parametrize("size", [28, 48])
def test_Macnn_equals_public_network(size):
    torch.manual_seed(0)
    network = net.Macnn(3, size, 20).eval()
    x = torch.randn(2, 3, size, size)
    torch.testing.assert_close(network(x), plainly(network.parameters(), x), rtol=0, atol=1e-6)


def test_Macnn_has_parameters_of_program_at_its_size():
    with torch.device("meta"):
        network = net.Macnn(3, 112, 4096)
    widths = (3, 32, 64, 128, 256)
    blocks = sum(10 * a * b + 9 * b * b + 3 * b for a, b in pairwise(widths))
    dense = 7 * 7 * 256 * 4096 + 4096 + 4096 * 4096 + 4096 + 4096 * 3 + 3
    assert sum(p.numel() for p in network.parameters()) == blocks + 2 * (9 * 256 * 256 + 256) + dense == 70_573_923


def test_inputs_are_u_v_and_strain_enlarged():
    maps = torch.tensor([0.0, 127.5, 255.0]).repeat(1, 28, 28, 1).numpy()
    read = method.Macnn(method.Macnn.Params(size=32, hidden=4), TASK).inputs([maps])
    assert read.shape == (1, 3, 32, 32)
    assert read[0, :, 5, 5].tolist() == [1.0, 0.0, -1.0]


def test_configure_optimizers_lets_rate_fall_after_50_epochs():
    steps = method.Macnn(method.Macnn.Params(hidden=4), TASK).configure_optimizers()
    optimizer = steps["optimizer"]
    rates = []
    for _ in range(51):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        steps["lr_scheduler"].step()
    assert rates[:50] == [1e-3] * 50
    assert rates[50] == pytest.approx(9e-4)


@pytest.mark.parametrize(("name", "value"), [("size", 15), ("hidden", 0), ("decay", 0.0)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        method.Macnn.Params(**{name: value})
