"""Training steps, as they are and as they are plainly written, with one thread and in turn.

    python benchmarks/steps.py [--rounds 5]

`me_tst` (32 windows of 30 frames): its states in compiled loops, and by an operation for each moment. `auw_gcn` (128 segments of 270
frames): graph and weights as one product and rows normalised at once, and one after the other over regions that change places with
channels. `tsmsnet` (128 segments of 6 maps): the second network over maps whose channels lie last in memory, and first. Also of the
hierarchy of `htnet` (32 clips) and `causalnet` (290, of which one step holds two such): its two convolutions as products, and PyTorch's.
The median over rounds, with the fastest and the slowest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import torch
from mebench.methods.auw_gcn.network import HIDDEN, UnitGraph
from mebench.methods.me_tst import network as states
from mebench.methods.tsmsnet.network import SegmentNetwork
from torch import Tensor, nn

from mebench.training import layers
from mebench.training.layers import Hierarchy

Step = Callable[[], None]


class PlainGraph(UnitGraph):
    """The graph as AUW-GCN's program writes it."""

    def forward(self, x: Tensor) -> Tensor:
        n, t = x.shape[:2]
        moved = self.graph @ (x.reshape(n * t, 12, 2) @ self.weight) + self.bias
        nodes = torch.relu(self.norm(moved.transpose(1, 2)).transpose(1, 2))
        outputs: Tensor = self.layers(nodes.reshape(n, t, 12 * HIDDEN).transpose(1, 2))
        return outputs


def step_of(network: nn.Module, x: Tensor) -> Step:
    """Forwards, backwards and Adam."""
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        outputs = network(x)
        parts = outputs if isinstance(outputs, tuple) else (outputs,)
        torch.stack([part.square().mean() for part in parts]).sum().backward()
        optimizer.step()

    return step


def plainly(step: Step) -> Step:
    """A step of ME-TST with an operation for each moment."""

    def of_moments() -> None:
        with patch.object(states, "_in_loops", lambda _: False):
            step()

    return of_moments


def hierarchy(plain: bool) -> Hierarchy:
    """At the published size, with PyTorch's convolutions if `plain`."""
    convolution = partial(nn.Conv2d, padding=1) if plain else layers.ProductConv
    with patch.object(layers, "ProductConv", convolution):
        return Hierarchy(256, 3, (2, 2, 10))


def seconds(step: Step) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as in `mebench run`
    torch.manual_seed(0)
    few, many = torch.rand(32, 3, 28, 28), torch.rand(290, 3, 28, 28)
    windows, series, first = torch.rand(32, 10, 30), torch.rand(128, 270, 12, 2), torch.rand(128, 6, 3, 42, 42)
    last = first.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    cases = {
        "me_tst": (step_of(states.TemporalStates(6), windows), plainly(step_of(states.TemporalStates(6), windows))),
        "auw_gcn": (step_of(UnitGraph(), series), step_of(PlainGraph(), series)),
        "hierarchy, 32": (step_of(hierarchy(False), few), step_of(hierarchy(True), few)),
        "hierarchy, 290": (step_of(hierarchy(False), many), step_of(hierarchy(True), many)),
        "tsmsnet, segments": (step_of(SegmentNetwork(6), last), step_of(SegmentNetwork(6), first)),
    }
    for name, pair in cases.items():
        for step in pair:
            step()
        times = [[seconds(step) * 1000 for step in pair] for _ in range(rounds)]
        for what, own in zip(("as it is", "plainly"), zip(*times)):
            print(f"{name:18} {what:9} {statistics.median(own):7.0f} ms ({min(own):.0f} to {max(own):.0f})", flush=True)
        print(f"{name:18} {statistics.median(plain / own for own, plain in times):.2f} times as fast")


if __name__ == "__main__":
    main()
