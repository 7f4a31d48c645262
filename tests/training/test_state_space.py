"""Selective state spaces: against plain loops over the moments, and one block in training."""

import numpy as np
import pytest
import torch
from mambapy.mamba import MambaBlock, MambaConfig

from mebench.training.state_space import STATES, Scan, StateBlock, StateSpace


def silu(x):
    return x / (1 + np.exp(-x))


def read_plainly(weights, x):
    """What a state space makes of one series, (T, channels), moment by moment."""
    both = x @ weights["in_proj.weight"].T
    width = both.shape[1] // 2
    inner, gate = both[:, :width], both[:, width:]
    rank = weights["dt_proj.weight"].shape[1]
    state = np.zeros((width, STATES))
    seen = []
    for t in range(len(x)):
        u = weights["conv1d.bias"].copy()
        for back in range(min(4, t + 1)):
            u += weights["conv1d.weight"][:, 0, 3 - back] * inner[t - back]
        u = silu(u)
        chosen = weights["x_proj.weight"] @ u
        delta = np.log1p(np.exp(weights["dt_proj.weight"] @ chosen[:rank] + weights["dt_proj.bias"]))
        write, read = chosen[rank : rank + STATES], chosen[rank + STATES :]
        for i in range(width):
            state[i] = np.exp(-delta[i] * np.exp(weights["A_log"][i])) * state[i] + delta[i] * u[i] * write
        seen.append(weights["out_proj.weight"] @ ((state @ read + weights["D"] * u) * silu(gate[t])))
    return np.array(seen)


@pytest.mark.parametrize("precision", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("channels", [24, 64])
def test_StateSpace_equals_plain_loops(channels, precision):
    """In single precision through compiled loops, in double through an operation for each moment."""
    torch.manual_seed(0)
    space = StateSpace(channels).to(precision)
    x = torch.randn(2, 6, channels, dtype=precision)
    with torch.no_grad():
        for tensor in space.state_dict().values():
            tensor.add_(0.1 * torch.randn_like(tensor))
        weights = {name: tensor.double().numpy() for name, tensor in space.state_dict().items()}
        expected = [read_plainly(weights, one) for one in x.double().numpy()]
        np.testing.assert_allclose(space(x), expected, atol=1e-9 if precision == torch.float64 else 1e-5)


@pytest.mark.parametrize("channels", [16, 40])
def test_StateSpace_equals_mambapy_with_gradients(channels):
    """An independent program with the same names of parameters, which takes all moments at once by a parallel scan."""
    torch.manual_seed(0)
    theirs = MambaBlock(MambaConfig(d_model=channels, n_layers=1, d_state=STATES))
    ours = StateSpace(channels)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(3, 11, channels)
    expected, found = theirs(x), ours(x)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    expected.square().sum().backward()
    found.square().sum().backward()
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(ours.get_parameter(name).grad, parameter.grad, rtol=1e-3, atol=1e-5)


def test_Scan_has_gradients_of_finite_differences():
    torch.manual_seed(0)
    n, t, d, s = 1, 3, 2, 3
    shapes = ((n, t, d), (n, t, d), (d, s), (n, t, s), (n, t, s))
    inputs = [torch.rand(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(Scan.apply, inputs)

    single = [x.detach().float().requires_grad_() for x in inputs]
    Scan.apply(*inputs).sum().backward()
    Scan.apply(*single).sum().backward()
    for exact, quick in zip(inputs, single):
        torch.testing.assert_close(quick.grad.double(), exact.grad, rtol=1e-4, atol=1e-5)


def test_StateBlock_leaves_samples_out_in_training():
    torch.manual_seed(0)
    block = StateBlock(16, dropped=0.5)
    x = torch.randn(64, 3, 16)
    left_out = (block.train()(x) == x).flatten(1).all(1)
    assert 15 < int(left_out.sum()) < 49
    assert not (block.eval()(x) == x).flatten(1).all(1).any()
