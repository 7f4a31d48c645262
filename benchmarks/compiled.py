"""Training steps of STSTNet and MEAN by `torch.compile` and in bfloat16, beside mebench's and plain PyTorch's.

    python benchmarks/compiled.py [--steps 20] [--rounds 5]

Each way trains the same network from the same weights on the same drawn maps, without dropout, with one thread and in turn. Times are
of the processor: medians over rounds with the fastest and the slowest; the first step, which compiles, is by the clock. `differs` is the
largest difference of a class probability (of MEAN's first stage, of a score) from the plain network's after all steps, and `same class`
is the share of maps that both name alike, where classes are named.
"""

from __future__ import annotations

import argparse
import copy
import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import plain_mean
import plain_ststnet
import torch
from mebench.methods.mean.network import Head, Shared
from mebench.methods.ststnet.network import STSTNet
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = 3


@dataclass(frozen=True)
class Task:
    """One network's training: its data, and the loss of its outputs."""

    name: str
    x: Tensor
    y: Tensor
    loss: Callable[[Tensor, Tensor], Tensor]
    plain: nn.Module
    own: nn.Module


@dataclass
class Training:
    """A network that is trained one way."""

    name: str
    network: nn.Module
    forward: Callable[[Tensor], Tensor]
    precision: Callable[[], AbstractContextManager[object]]
    optimizer: torch.optim.Optimizer
    seconds: list[float]

    def take_step(self, task: Task) -> None:
        """Forwards, backwards and Adam."""
        self.optimizer.zero_grad()
        with self.precision():
            outputs = self.forward(task.x)
        task.loss(outputs.float(), task.y).backward()
        self.optimizer.step()

    def take_steps(self, task: Task, n: int) -> None:
        """`n` steps."""
        for _ in range(n):
            self.take_step(task)

    def answers(self, task: Task) -> Tensor:
        """Class probabilities, or scores, of the maps."""
        self.network.eval()
        with torch.no_grad():
            outputs: Tensor = self.network(task.x).float()
        self.network.train()
        return outputs.softmax(1) if outputs.shape[1] > 1 else outputs


class OwnSpotting(nn.Module):
    """MEAN's first stage as mebench computes it."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.head = Shared(0.0), Head(1, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.shared(x))
        return outputs


def switch_dropout_off(network: nn.Module) -> None:
    """Let dropout drop nothing, so that steps can be compared."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def pair_of_ststnet() -> tuple[nn.Module, nn.Module]:
    """STSTNet plainly and by mebench, with equal weights."""
    plain = plain_ststnet.PlainSTSTNet()
    switch_dropout_off(plain)
    own = STSTNet(CLASSES, p=0.0)
    plain_weights = plain.state_dict()
    own_weights = own.state_dict()
    for part in ("weight", "bias"):
        own_weights[f"streams.{part}"] = torch.cat(
            [plain_weights[f"{stream}.0.{part}"] for stream in ("first", "second", "third")]
        )
        own_weights[f"head.{part}"] = plain_weights[f"classify.{part}"]
    own.load_state_dict(own_weights)
    return plain, own


def pair_of_spotting() -> tuple[nn.Module, nn.Module]:
    """MEAN's first stage plainly and by mebench, with equal weights."""
    trunk, head = plain_mean.Trunk(), plain_mean.Head(1)
    plain = nn.Sequential(trunk, head)
    switch_dropout_off(plain)
    own = OwnSpotting()
    own_streams = (own.shared.horizontal, own.shared.vertical, own.shared.strain)
    with torch.no_grad():
        for stream, own_stream in zip(trunk.streams, own_streams):
            own_stream.load_state_dict(stream[0].state_dict())
        own.head.conv.load_state_dict(head.conv.state_dict())
        own.head.linear.load_state_dict(head.layers[4].state_dict())
    return plain, own


def draw_tasks() -> Iterator[Task]:
    """STSTNet with a batch of 256 maps, MEAN's first stage with 32."""
    generator = torch.Generator().manual_seed(0)
    plain, own = pair_of_ststnet()
    maps = torch.rand(256, 3, 28, 28, generator=generator) * 255
    classes = torch.randint(CLASSES, (256,), generator=generator)
    yield Task("STSTNet", maps, classes, F.cross_entropy, plain, own)
    plain, own = pair_of_spotting()
    maps = torch.rand(32, 3, 42, 42, generator=generator)
    labels = torch.randint(2, (32, 1), generator=generator).float()
    yield Task("MEAN, first stage", maps, labels, F.mse_loss, plain, own)


def make_trainings(task: Task) -> list[Training]:
    """All ways to train a task's network; the plain one is first."""

    def in_bfloat16() -> AbstractContextManager[object]:
        return torch.autocast("cpu", torch.bfloat16)

    trainings = []
    for name, network, compiles, precision in (
        ("plain PyTorch", task.plain, False, nullcontext),
        ("plain, compiled", task.plain, True, nullcontext),
        ("plain, bfloat16", task.plain, False, in_bfloat16),
        ("mebench", task.own, False, nullcontext),
        ("mebench, compiled", task.own, True, nullcontext),
        ("mebench, bfloat16", task.own, False, in_bfloat16),
    ):
        copied = copy.deepcopy(network)
        forward = torch.compile(copied) if compiles else copied
        optimizer = torch.optim.Adam(copied.parameters(), lr=5e-5, fused=True)
        trainings.append(Training(name, copied, forward, precision, optimizer, []))
    return trainings


def seconds_of(work: Callable[[], None], clock: Callable[[], float]) -> float:
    """How long some work takes by a clock."""
    started = clock()
    work()
    return clock() - started


def measure(task: Task, steps: int, rounds: int) -> None:
    """Train in all ways in turn, and print a row of each."""
    trainings = make_trainings(task)
    firsts = [seconds_of(partial(training.take_step, task), time.perf_counter) for training in trainings]
    for _ in range(rounds):
        for training in trainings:
            seconds = seconds_of(partial(training.take_steps, task, steps), time.process_time)
            training.seconds.append(seconds / steps)
    expected = trainings[0].answers(task)
    plain_seconds = statistics.median(trainings[0].seconds)
    print(
        f"| {task.name} | ms a step | times as fast | first step, s | differs | same class |\n|---|---|---|---|---|---|"
    )
    for training, first in zip(trainings, firsts):
        answers = training.answers(task)
        difference = float((answers - expected).abs().max())
        names_classes = answers.shape[1] > 1
        same = f"{float((answers.argmax(1) == expected.argmax(1)).float().mean()):.3f}" if names_classes else "–"
        median, low, high = (f(training.seconds) for f in (statistics.median, min, max))
        times = f"{1000 * median:.1f} ({1000 * low:.1f} to {1000 * high:.1f})"
        print(
            f"| {training.name} | {times} | {plain_seconds / median:.2f} | {first:.1f} | {difference:.1g} | {same} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="steps of a round")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    logging.getLogger("torch._dynamo").setLevel(logging.ERROR)  # it warns of each place that it leaves uncompiled
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as in `mebench run`
    torch.manual_seed(0)
    for task in draw_tasks():
        measure(task, args.steps, args.rounds)


if __name__ == "__main__":
    main()
