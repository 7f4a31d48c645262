"""Rectifier, normalisation and pooling at once give what PyTorch's three operations give one after the other."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from mebench.training.pooled_norm import relu_norm_pool


def one_after_the_other(x, norm, size, padding=0):
    return F.max_pool2d(norm(torch.relu(x)), size, padding=padding)


def drawn_norm(channels, dtype=torch.float64):
    norm = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01).to(dtype)
    nn.init.uniform_(norm.weight, 0.2, 2.0)
    nn.init.normal_(norm.bias)
    return norm


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("shape", [(4, 5, 9, 12), (1, 3, 7, 7), (2, 1, 42, 42)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_values_gradients_and_running_statistics(shape, padding, layout):
    torch.manual_seed(0)
    norm = drawn_norm(shape[1])
    twin = copy.deepcopy(norm)
    x = torch.randn(shape, dtype=torch.float64).contiguous(memory_format=layout)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    for _ in range(2):
        y, wanted = relu_norm_pool(ours, norm, 3, padding), one_after_the_other(theirs, twin, 3, padding)
        torch.testing.assert_close(y, wanted)
        weights = torch.randn_like(y)
        (y * weights).sum().backward()
        (wanted * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)
    torch.testing.assert_close(norm.weight.grad, twin.weight.grad)
    torch.testing.assert_close(norm.bias.grad, twin.bias.grad)
    assert norm.state_dict().keys() == twin.state_dict().keys()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(norm.state_dict()[name], value)


def test_the_gradient_is_that_of_finite_differences():
    torch.manual_seed(1)
    norm = drawn_norm(2)
    x = torch.randn(2, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: relu_norm_pool(x, norm, 2), (x,))


def test_single_precision_is_as_near_to_double_as_pytorchs():
    torch.manual_seed(2)
    norm, x = drawn_norm(14, torch.float32), torch.randn(32, 14, 42, 42).contiguous(memory_format=torch.channels_last)
    exact = one_after_the_other(x.double(), copy.deepcopy(norm).double(), 3)
    theirs = one_after_the_other(x, copy.deepcopy(norm), 3)
    ours = relu_norm_pool(x, norm, 3)
    assert (ours - exact).abs().max() <= max((theirs - exact).abs().max(), 1e-6)


def test_a_weight_that_turns_the_sign_and_evaluation_take_pytorchs_way():
    torch.manual_seed(3)
    norm, x = drawn_norm(3), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        norm.weight[1] = -1.0
    twin = copy.deepcopy(norm)
    assert torch.equal(relu_norm_pool(x, norm, 3), one_after_the_other(x, twin, 3))
    norm.eval(), twin.eval()
    assert torch.equal(relu_norm_pool(x, norm, 3), one_after_the_other(x, twin, 3))


def test_in_mixed_precision_maps_of_16_bits_are_normalised_by_pytorch():
    torch.manual_seed(3)
    norm, x = drawn_norm(5, torch.float32), torch.randn(4, 5, 9, 12).bfloat16()
    twin = copy.deepcopy(norm)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(relu_norm_pool(x, norm, 3), one_after_the_other(x, twin, 3), rtol=0, atol=0)
    torch.testing.assert_close(norm.running_var, twin.running_var)
