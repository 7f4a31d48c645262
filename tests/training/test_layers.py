"""The faster dropout draws from the same distribution as PyTorch's; pairs of pixels give the plain convolution's numbers."""

import pytest
import torch
from torch import nn

from mebench.training import layers


def test_dropout_of_one_half_draws_a_bit_and_others_sixteen():
    for p, words in ((0.5, 2), (0.3, 32)):
        torch.manual_seed(0)
        layers.dropout(p)(torch.ones(128))
        after = torch.rand(1)
        torch.manual_seed(0)
        torch.empty(words, dtype=torch.int64).random_(-(2**63), None)
        assert torch.equal(torch.rand(1), after)


@pytest.mark.parametrize("shape", [(1,), (3,), (4,), (65, 3), (2, 3, 5, 7), (0, 4)])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.3, 0.9])
def test_dropout_drops_or_scales_each_number(shape, p):
    torch.manual_seed(0)
    x = torch.rand(shape) + 1
    y = layers.dropout(p)(x)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert ((y == 0) | torch.isclose(y, x / (1 - p), rtol=1e-4)).all()


@pytest.mark.parametrize("p", [0.1, 0.3, 0.75])
def test_dropout_share_is_p_and_mean_stays(p):
    torch.manual_seed(0)
    x = torch.rand(1_000_000)
    ours = layers.dropout(p)(x)
    theirs = nn.Dropout(p)(x)
    assert (ours == 0).double().mean().item() == pytest.approx(p, abs=4 * (p * (1 - p) / 1e6) ** 0.5 + 2**-16)
    assert ours.mean().item() == pytest.approx(x.mean().item(), rel=0.01)
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.01)


def test_dropout_of_sixteen_bits_is_independent():
    torch.manual_seed(0)
    kept = torch.stack([layers.dropout(0.3)(torch.ones(200)) > 0 for _ in range(4000)]).double()
    assert (kept.mean(0) - 0.7).abs().max() < 0.035
    assert (torch.corrcoef(kept.T) - torch.eye(200)).abs().max() < 0.09


def test_dropout_of_sixteen_bits_keeps_layout():
    torch.manual_seed(0)
    x = (torch.rand(4, 6, 5, 3) + 1).contiguous(memory_format=torch.channels_last)
    layer = layers.dropout(0.25)
    y = layer(x)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert ((y == 0) | torch.isclose(y, x / 0.75)).all()
    assert layer.eval()(x) is x


@pytest.mark.parametrize("shape", [(1,), (63,), (64,), (65, 3), (2, 3, 5, 7), (0, 4)])
def test_dropout_of_one_half_drops_or_doubles(shape):
    torch.manual_seed(0)
    x = torch.rand(shape) + 1
    y = layers.dropout(0.5)(x)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert ((y == 0) | (y == 2 * x)).all()


def test_dropout_of_one_half_is_independent():
    torch.manual_seed(0)
    kept = torch.stack([layers.dropout(0.5)(torch.ones(200)) > 0 for _ in range(4000)]).double()
    assert (kept.mean(0) - 0.5).abs().max() < 0.035  # four standard deviations of 4,000 coins
    correlation = torch.corrcoef(kept.T) - torch.eye(200)
    assert correlation.abs().max() < 0.09


def test_dropout_of_one_half_keeps_the_mean_as_pytorch():
    torch.manual_seed(0)
    x = torch.rand(100_000)
    ours = layers.dropout(0.5)(x)
    theirs = nn.Dropout(0.5)(x)
    assert ours.mean().item() == pytest.approx(x.mean().item(), rel=0.02)
    assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.02)


def test_dropout_in_evaluation_changes_nothing():
    x = torch.rand(5, 4)
    assert layers.dropout(0.5).eval()(x) is x


def test_dropout_of_one_half_keeps_the_layout():
    torch.manual_seed(0)
    x = (torch.rand(4, 6, 5, 3) + 1).contiguous(memory_format=torch.channels_last)
    y = layers.dropout(0.5)(x)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert ((y == 0) | (y == 2 * x)).all()


def test_dropout_gradient_is_the_mask():
    x = torch.ones(1000, requires_grad=True)
    y = layers.dropout(0.5)(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_dropout_follows_the_seed():
    x = torch.ones(1000)
    torch.manual_seed(3)
    first = layers.dropout(0.5)(x)
    torch.manual_seed(3)
    assert torch.equal(first, layers.dropout(0.5)(x))
    assert not torch.equal(first, layers.dropout(0.5)(x))


@pytest.mark.parametrize(
    ("shape", "padding"), [((2, 3, 6, 8), 2), ((1, 14, 14, 14), 2), ((3, 2, 7, 9), 0), ((2, 1, 5, 6), 1)]
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_layers_pairs_of_pixels_equal_the_plain_convolution(shape, padding, layout):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64).contiguous(memory_format=layout)
    conv = nn.Conv2d(shape[1], 8, 3, padding=padding).double()
    ours = layers.paired_conv2d(x, conv.weight, conv.bias, padding)
    theirs = conv(x)
    torch.testing.assert_close(ours, theirs)
    g = torch.randn_like(theirs)
    wanted = torch.autograd.grad((theirs * g).sum(), [conv.weight, conv.bias])
    torch.testing.assert_close(torch.autograd.grad((ours * g).sum(), [conv.weight, conv.bias]), wanted)
