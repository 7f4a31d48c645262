"""A step of MEAN's first stage whose weights have faded, with numbers below 1e-38 as they are and taken for 0, as in `mebench run`.

    python benchmarks/subnormals.py [--rounds 5] [--steps 30]

The penalty of MEAN's kernels pulls those that nothing needs towards 0. Here a filter of the streams and half of those of the
head are 1e-39 of what they were drawn. One thread, batches of 32; the median over rounds, with the fastest and the slowest.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from mebench.methods.mean.network import Head, Shared


def step_ms(fading: bool, taken_for_0: bool, steps: int) -> float:
    """Milliseconds of a step forwards and backwards."""
    torch.manual_seed(0)
    shared, head, maps = Shared(0.5), Head(1, 0.5), torch.rand(32, 3, 42, 42)
    if fading:
        with torch.no_grad():
            shared.vertical.weight[0] *= 1e-39
            head.conv.weight[:4] *= 1e-39
    torch.set_flush_denormal(taken_for_0)

    def step() -> None:
        head(shared(maps)).square().mean().backward()

    step()
    started = time.perf_counter()
    for _ in range(steps):
        step()
    milliseconds = (time.perf_counter() - started) / steps * 1000
    torch.set_flush_denormal(False)
    return milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30)
    given = parser.parse_args()
    torch.set_num_threads(1)
    cases = {
        "weights as drawn": (False, False),
        "faded, as they are": (True, False),
        "faded, taken for 0": (True, True),
    }
    found = {name: [step_ms(*case, given.steps) for _ in range(given.rounds)] for name, case in cases.items()}
    drawn = statistics.median(found["weights as drawn"])
    for name, times in found.items():
        middle = statistics.median(times)
        print(f"{name:20} {middle:7.2f} ms ({min(times):.2f} to {max(times):.2f}), {middle / drawn:5.2f} times")


if __name__ == "__main__":
    main()
