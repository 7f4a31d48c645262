"""The cost of a training step compared with a bare loop: alone, with a metric logged, and with callbacks and a logger.

    python benchmarks/trainer.py [--epochs 5] [--rounds 3]

A network of one small layer, so that nothing but the loop counts; one thread. Printed are milliseconds of the processor a step, the
least of some rounds, and the modules that a training imports once Lightning and the method are there.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

from mebench._fast_imports import speed_up_imports

speed_up_imports()

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from mebench.core import Method, Stage, Task  # noqa: E402
from mebench.training import Samples, fit  # noqa: E402

ROWS, BATCH = 4000, 4
CALLBACKS = "lightning.pytorch.callbacks"
LISTENING = {
    "callbacks": [
        {"class_path": f"{CALLBACKS}.LearningRateMonitor", "init_args": {}},
        {"class_path": f"{CALLBACKS}.ModelCheckpoint", "init_args": {}},
    ],
    "logger": [{"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": "."}}],
}


class Small(Method):
    Params = SimpleNamespace
    tasks = frozenset({"recognize"})

    def __init__(self, epochs: int, logs: bool) -> None:
        super().__init__(SimpleNamespace(), Task(frozenset({"recognize"}), classes=("a", "b")))
        self.layer, self.epochs, self.logs = nn.Linear(4, 2), epochs, logs

    def stages(self) -> tuple[Stage, ...]:
        return (Stage("naming", self.epochs, BATCH),)

    def samples(self, stage: str, train: Any, valid: Any) -> tuple[Samples, None]:
        return Samples(torch.randn(ROWS, 4), torch.randint(0, 2, (ROWS,))), None

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        loss = F.cross_entropy(self.layer(batch[0]), batch[1])
        if self.logs:
            self.log("train_loss", loss.detach(), batch_size=len(batch[1]))
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def bare(epochs: int) -> None:
    """The same without Lightning."""
    method = Small(epochs, logs=False)
    samples, _ = method.samples("", (), ())
    optimizer = method.configure_optimizers()
    for _ in range(epochs):
        for rows in torch.randperm(ROWS).split(BATCH):
            batch = samples.__getitems__(rows.tolist())
            optimizer.zero_grad()
            method.training_step(batch, 0).backward()
            optimizer.step()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp())
    ways: dict[str, Callable[[], object]] = {
        "bare loop": lambda: bare(asked.epochs),
        "fit": lambda: fit(Small(asked.epochs, logs=False), (), ()),
        "fit, a metric logged": lambda: fit(Small(asked.epochs, logs=True), (), ()),
        "fit, callbacks and a logger": lambda: fit(
            Small(asked.epochs, logs=True), (), (), options=LISTENING, folder=folder
        ),
    }
    before, steps = set(sys.modules), asked.epochs * ROWS // BATCH
    for name, way in ways.items():
        taken = []
        for _ in range(asked.rounds):
            start = time.process_time()
            way()
            taken.append(time.process_time() - start)
        print(f"{name:<30} {1000 * min(taken) / steps:.3f} ms a step")
        if name == "fit":
            print(
                "imported by it:", ", ".join(sorted({m.partition(".")[0] for m in set(sys.modules) - before})) or "none"
            )


if __name__ == "__main__":
    main()
