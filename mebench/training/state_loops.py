"""Selective state spaces in loops that numba compiles: several times as fast on one core as an operation for each moment."""

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy import float32
from numpy.typing import NDArray

from mebench.features.loops import once

Array = NDArray[np.float32]
SUMS = {"reassoc", "contract", "nsz", "arcp"}
"""Liberties of the compiler with sums: as in PyTorch, their order depends on the processor."""


@functools.cache
def compile_loops() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`forward` and `backward`, compiled once a machine."""
    ones = [np.ones((1, 1, 1), np.float32) for _ in range(6)]
    delta, taken, write, read, grad, seen = ones
    inputs = (delta, taken, np.ones((1, 1), np.float32), write, read)
    what = "state spaces, {}, about 2 s"
    return (
        once(forward, lambda f: f(*inputs, seen), "state_space", what.format("forwards"), fastmath=SUMS),
        once(
            backward,
            lambda f: f(*inputs, grad, *map(np.zeros_like, inputs)),
            "me_tst",
            what.format("backwards"),
            fastmath=SUMS,
        ),
    )


@numba.njit(error_model="numpy", fastmath={"contract"}, forceinline=True)  # type: ignore[untyped-decorator]
def _exp(x: Any) -> Any:
    """The exponential of a number up to 0 (Cephes' `expf`), to its last place.

    A library's is not computed in vectors.
    """
    x = x if x > float32(-87) else float32(-87)
    shifted = x * float32(1.44269504) + float32(12582912)  # 1.5 * 2**23, which rounds
    n = shifted - float32(12582912)
    rest = x - n * float32(0.693359375) + n * float32(2.12194440e-4)
    p = float32(1.9875691500e-4)
    p = p * rest + float32(1.3981999507e-3)
    p = p * rest + float32(8.3334519073e-3)
    p = p * rest + float32(4.1665795894e-2)
    p = p * rest + float32(1.6666665459e-1)
    p = p * rest + float32(5.0000001201e-1)
    p = p * (rest * rest) + rest + float32(1)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


def forward(delta: Array, taken: Array, decay: Array, write: Array, read: Array, seen: Array) -> None:
    """The output read from the states at each moment, written to `seen`; see `mebench.training.state_space.Scan`.

    Args:
        delta: (N, T, D), and so are `taken` and `seen`; all arrays are contiguous.
        taken: see there.
        decay: (S, D): neighbours in memory are independent.
        write: (N, T, S).
        read: the same.
        seen: receives the output.
    """
    n_samples, moments, width = delta.shape
    n_states = len(decay)
    state = np.empty((n_states, width), np.float32)
    kept = np.empty(width, np.float32)
    for n in range(n_samples):
        state[:] = 0
        for t in range(moments):
            for d in range(width):
                seen[n, t, d] = 0
            for s in range(n_states):
                into = write[n, t, s]
                out = read[n, t, s]
                for d in range(width):
                    kept[d] = _exp(-delta[n, t, d] * decay[s, d])
                for d in range(width):
                    new = kept[d] * state[s, d] + taken[n, t, d] * into
                    state[s, d] = new
                    seen[n, t, d] += new * out


def backward(  # noqa: PLR0913  (loops that numba compiles take arrays one by one)
    delta: Array, taken: Array, decay: Array, write: Array, read: Array, grad: Array,
    of_delta: Array, of_taken: Array, of_decay: Array, of_write: Array, of_read: Array,
) -> None:  # fmt: skip
    """The gradients of all five, back through time; `of_x` is the gradient of `x`.

    They are added to what `of_delta`, `of_taken` and `of_decay` hold: zeros.

    One sample's states of all moments are made again, and stay in the processor's cache.
    """
    n_samples, moments, width = delta.shape
    n_states = len(decay)
    states = np.empty((moments, n_states, width), np.float32)
    kept = np.empty_like(states)
    of_state = np.empty((n_states, width), np.float32)
    for n in range(n_samples):
        for t in range(moments):
            for s in range(n_states):
                into = write[n, t, s]
                for d in range(width):
                    kept[t, s, d] = _exp(-delta[n, t, d] * decay[s, d])
                for d in range(width):
                    before = states[t - 1, s, d] if t else float32(0)
                    states[t, s, d] = kept[t, s, d] * before + taken[n, t, d] * into
        of_state[:] = 0
        for t in range(moments - 1, -1, -1):
            for s in range(n_states):
                into = write[n, t, s]
                out = read[n, t, s]
                of_out = float32(0)
                of_into = float32(0)
                for d in range(width):
                    own = of_state[s, d] + grad[n, t, d] * out
                    of_out += grad[n, t, d] * states[t, s, d]
                    of_into += taken[n, t, d] * own
                    of_taken[n, t, d] += own * into
                    of_state[s, d] = own * kept[t, s, d]
                of_read[n, t, s], of_write[n, t, s] = of_out, of_into
                if t:  # the first moment has no earlier state
                    for d in range(width):
                        of_rate = of_state[s, d] * states[t - 1, s, d]
                        of_delta[n, t, d] -= of_rate * decay[s, d]
                        of_decay[s, d] -= of_rate * delta[n, t, d]
