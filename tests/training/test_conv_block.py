"""Convolution, rectifier, normalisation and pooling at once give what PyTorch's four operations give one after the other."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mebench.training import layers


def one_after_the_other(x, conv, norm, size, padding=0):
    return F.max_pool2d(norm(torch.relu(conv(x))), size, padding=padding)


def at_once(x, conv, norm, size, padding=0):
    return layers.conv_relu_norm_pool(x, conv.weight, conv.bias, norm, size, conv.padding[0], padding)


def drawn(channels, filters, dtype=torch.float64, kernel=3, padding=2, momentum=0.01):
    conv = nn.Conv2d(channels, filters, kernel, padding=padding).to(dtype)
    norm = nn.BatchNorm2d(filters, eps=1e-3, momentum=momentum).to(dtype)
    nn.init.uniform_(norm.weight, 0.2, 2.0)
    nn.init.normal_(norm.bias)
    return conv, norm


@pytest.fixture(params=[1 << 20, 3000], ids=["whole batch", "a few samples at a time"])
def cache(request, monkeypatch):
    monkeypatch.setattr(layers, "CHUNK_BYTES", request.param)
    monkeypatch.setattr(layers, "WHOLE_BYTES", request.param)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("shape", [(7, 5, 9, 12), (1, 3, 7, 7), (2, 1, 42, 42)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("momentum", [0.01, None])  # without one while weights are averaged
def test_conv_block_equals_pytorch_in_values_and_gradients(shape, padding, layout, momentum):
    torch.manual_seed(0)
    ours = drawn(shape[1], 4, momentum=momentum)
    theirs = copy.deepcopy(ours)
    x = torch.randn(shape, dtype=torch.float64).contiguous(memory_format=layout)
    mine, its = x.clone().requires_grad_(), x.clone().requires_grad_()
    for _ in range(2):
        y = at_once(mine, *ours, 3, padding)
        wanted = one_after_the_other(its, *theirs, 3, padding)
        torch.testing.assert_close(y, wanted)
        weights = torch.randn_like(y)
        (y * weights).sum().backward()
        (wanted * weights).sum().backward()
    torch.testing.assert_close(mine.grad, its.grad)
    for module, twin in zip(ours, theirs):
        for name, parameter in twin.named_parameters():
            torch.testing.assert_close(module.get_parameter(name).grad, parameter.grad)
        assert module.state_dict().keys() == twin.state_dict().keys()
        for name, value in twin.state_dict().items():
            torch.testing.assert_close(module.state_dict()[name], value)


@pytest.mark.usefixtures("cache")
def test_conv_block_gradient_equals_finite_differences():
    torch.manual_seed(1)
    conv, norm = drawn(2, 2, padding=1)
    x = torch.randn(3, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, *_: at_once(x, conv, norm, 2), (x, conv.weight, conv.bias, norm.weight))


def test_conv_block_gives_no_gradient_to_an_input_without():
    conv, norm = drawn(2, 2)
    x = torch.randn(3, 2, 6, 6, dtype=torch.float64)
    at_once(x, conv, norm, 2).sum().backward()
    assert x.grad is None
    assert conv.weight.grad is not None


@pytest.mark.parametrize("shape", [(32, 3, 42, 42), (200, 3, 28, 28)])
def test_conv_block_in_single_precision_is_as_exact_as_pytorch(shape):
    torch.manual_seed(2)
    conv, norm = drawn(3, 14, torch.float32, kernel=5)
    x = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    exact = one_after_the_other(x.double(), copy.deepcopy(conv).double(), copy.deepcopy(norm).double(), 3)
    theirs = one_after_the_other(x, conv, copy.deepcopy(norm), 3)
    ours = at_once(x, conv, norm, 3)
    assert (ours - exact).abs().max() <= max((theirs - exact).abs().max(), 2e-6)


def test_conv_block_of_negative_weight_or_in_eval_is_pytorch():
    torch.manual_seed(3)
    conv, norm = drawn(3, 3)
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        norm.weight[1] = -1.0
    twin = copy.deepcopy(norm)
    assert torch.equal(at_once(x, conv, norm, 3), one_after_the_other(x, conv, twin, 3))
    norm.eval(), twin.eval()
    assert torch.equal(at_once(x, conv, norm, 3), one_after_the_other(x, conv, twin, 3))


def test_conv_block_in_half_precision_is_pytorch():
    torch.manual_seed(4)
    conv, norm = drawn(3, 3, torch.bfloat16)
    x = torch.randn(2, 3, 6, 6, dtype=torch.bfloat16)
    assert torch.equal(at_once(x, conv, norm, 3), one_after_the_other(x, conv, copy.deepcopy(norm), 3))


def test_conv_block_in_mixed_precision_is_pytorch():
    torch.manual_seed(3)
    conv, norm = drawn(5, 5, torch.float32)
    x = torch.randn(4, 5, 9, 12)
    twin = copy.deepcopy(norm)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(at_once(x, conv, norm, 3), one_after_the_other(x, conv, twin, 3), rtol=0, atol=0)
    torch.testing.assert_close(norm.running_var, twin.running_var)
