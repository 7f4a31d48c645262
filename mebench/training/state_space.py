"""Selective state spaces (Mamba) in plain PyTorch, and residual blocks of them."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from mebench.training import state_loops

STATES = 64
"""States of each channel."""
WIDENING = 2
"""Channels inside a state space for each of its inputs."""
KERNEL = 4
"""Moments of the convolution before the states."""
CHANNELS_A_RANK = 16
"""Input channels for each number from which the steps in time are made."""


class Scan(torch.autograd.Function):
    """States that decay, receive input, and are read: state = exp(-delta decay) state + taken write, seen = state read.

    The states of all moments, some hundred times the inputs, are never kept but made again for the gradients. In single precision on
    a processor compiled loops do it (see `state_loops`), elsewhere an operation for each moment.

    Shapes: delta and taken (N, T, D), decay (D, S), write and read (N, T, S), to seen (N, T, D).
    """

    @staticmethod
    def forward(ctx: Any, delta: Tensor, taken: Tensor, decay: Tensor, write: Tensor, read: Tensor) -> Tensor:
        """The output read from the states at each moment."""
        ctx.save_for_backward(delta, taken, decay, write, read)
        if _in_loops(delta):
            found = torch.empty_like(taken, memory_format=torch.contiguous_format)
            state_loops.compile_loops()[0](*_arrays(delta, taken, decay.T, write, read), found.numpy())
            return found
        seen, kept, state = torch.empty_like(taken), *_room(2, delta, decay)
        state.zero_()
        for t in range(delta.shape[1]):
            _decayed(delta[:, t], decay, kept)
            state.mul_(kept).addcmul_(taken[:, t, :, None], write[:, t, None])
            seen[:, t] = (state @ read[:, t, :, None])[..., 0]
        return seen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """Gradients of all five, back through time."""
        delta, taken, decay, write, read = ctx.saved_tensors
        if _in_loops(delta):
            arrays = _arrays(delta, taken, decay.T, write, read)
            of = [np.zeros_like(array) for array in arrays]
            state_loops.compile_loops()[1](*arrays, *_arrays(grad), *of)
            of[2] = of[2].T
            return tuple(map(torch.from_numpy, of))
        kept = _room(delta.shape[1], delta, decay)
        states = _room(delta.shape[1], delta, decay)
        for t in range(len(states)):
            _decayed(delta[:, t], decay, kept[t])
            before = torch.mul(kept[t], states[t - 1], out=states[t]) if t else states[0].zero_()
            before.addcmul_(taken[:, t, :, None], write[:, t, None])
        of_delta, of_taken, of_write, of_read = (torch.empty_like(x) for x in (delta, taken, write, read))
        of_decay = torch.zeros_like(decay)
        of_state = _room(1, delta, decay)[0].zero_()
        for t in reversed(range(len(states))):
            of_state.addcmul_(grad[:, t, :, None], read[:, t, None])
            of_read[:, t] = (grad[:, t, None] @ states[t])[:, 0]
            of_taken[:, t] = (of_state @ write[:, t, :, None])[..., 0]
            of_write[:, t] = (taken[:, t, None] @ of_state)[:, 0]
            of_state.mul_(kept[t])
            if t:
                of_rate = torch.mul(of_state, states[t - 1], out=states[t])
                of_delta[:, t] = -torch.einsum("nds,ds->nd", of_rate, decay)
                of_decay -= torch.einsum("nds,nd->ds", of_rate, delta[:, t])
            else:
                of_delta[:, t] = 0  # there is no earlier state
        return of_delta, of_taken, of_decay, of_write, of_read


def _in_loops(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32


def _arrays(*tensors: Tensor) -> list[state_loops.Array]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


def _room(moments: int, delta: Tensor, decay: Tensor) -> Tensor:
    """Memory for the states of some moments, (moments, N, D, S): to write into it again takes a third of the time of
    asking for more.
    """
    return delta.new_empty(moments, len(delta), *decay.shape)


def _decayed(delta: Tensor, decay: Tensor, kept: Tensor) -> None:
    """The kept share of the previous states, (N, D, S), written to `kept`; delta (N, D)."""
    torch.mul(delta[..., None], decay, out=kept).neg_().exp_()


class StateSpace(nn.Module):
    """A selective state space, step by step in time (Gu and Dao 2023, arXiv 2312.00752).

    It is algorithm 2 of that paper. Its parts have the names of the package `mamba_ssm`, so that weights of programs with that
    package load by name.

    Args:
        channels: numbers of each moment.

    Shape: (N, T, channels) to the same.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        state_loops.compile_loops()  # during planning, which may keep the compiled code; folds may not
        width = WIDENING * channels
        self.rank = math.ceil(channels / CHANNELS_A_RANK)
        self.in_proj = nn.Linear(channels, 2 * width, bias=False)
        self.conv1d = nn.Conv1d(width, width, KERNEL, padding=KERNEL - 1, groups=width)
        self.x_proj = nn.Linear(width, self.rank + 2 * STATES, bias=False)
        self.dt_proj = nn.Linear(self.rank, width)
        self.A_log = nn.Parameter(torch.arange(1, STATES + 1).float().log().repeat(width, 1))
        self.D = nn.Parameter(torch.ones(width))
        self.out_proj = nn.Linear(width, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The output at each moment, from it and the moments before it."""
        inner, gate = self.in_proj(x).chunk(2, dim=-1)
        inner = F.silu(self.conv1d(inner.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        delta, write, read = self.x_proj(inner).split([self.rank, STATES, STATES], dim=-1)
        delta = F.softplus(self.dt_proj(delta))
        parts = (delta, delta * inner, self.A_log.exp(), write, read)
        with torch.autocast(x.device.type, enabled=False):  # what adds up over time does so as precisely as weights
            seen = Scan.apply(*(part.to(self.A_log.dtype) for part in parts))  # type: ignore[no-untyped-call]
        outputs: Tensor = self.out_proj((seen + self.D * inner) * F.silu(gate))
        return outputs


class StateBlock(nn.Module):
    """A state space between two normalisations, added to its input; in training some samples skip it.

    Args:
        channels: numbers of each moment.
        dropped: share of the samples that skip the block in training.
    """

    def __init__(self, channels: int, dropped: float) -> None:
        super().__init__()
        self.before = nn.LayerNorm(channels)
        self.states = StateSpace(channels)
        self.after = nn.LayerNorm(channels)
        self.dropped = dropped

    def forward(self, x: Tensor) -> Tensor:
        """(N, T, channels) to the same."""
        change: Tensor = self.after(self.states(self.before(x)))
        if self.training and self.dropped:
            stays = torch.rand(len(x), 1, 1, device=x.device) >= self.dropped
            change = change * stays / (1 - self.dropped)
        return x + change
