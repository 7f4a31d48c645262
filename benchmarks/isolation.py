"""The cost of a process for each fold, which knows no label of the tested people.

    python benchmarks/isolation.py [--root MAPS] [--folds 68]

Folds of STSTNet with one epoch, on the maps of `megc2019_flow` in MAPS or else on its drawn stand-in, in this process and isolated, there
without and with the sandbox in turn.
The extra cost does not depend on the epochs, so compare it with the seconds of a fold with all epochs, from the records in
`leaderboards/`. Printed are seconds of the processor, of all processes together, and on the clock.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mebench.datasets.megc2019_flow.dataset import Megc2019Flow

from mebench.config import resolve
from mebench.runner.host import FoldHost, execute_fold
from mebench.runner.plan import make_plan
from mebench.sandbox.isolation import Failure, ForkServer, Worker
from mebench.sandbox.process import one_thread

SERVER = ForkServer()
TICKS = os.sysconf("SC_CLK_TCK")


def spent(server: int | None) -> float:
    """Seconds of the processor so far: of this process, and of the fork server with its copies."""
    own = time.process_time()
    if server is None:
        return own
    fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
    return own + sum(map(int, fields[11:15])) / TICKS


def alone(work: Callable[[Worker], Any]) -> Any:
    """The answer of a process that ends with it."""
    worker = Worker(server=SERVER)
    try:
        return work(worker)
    finally:
        worker.close()


def timed(work: Callable[[], Any], server: int | None = None) -> tuple[float, float]:
    """Seconds of the processor and on the clock."""
    began = spent(server), time.perf_counter()
    result = work()
    assert not isinstance(result, Failure), result
    return spent(server) - began[0], time.perf_counter() - began[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a process for each fold costs.")
    parser.add_argument("--root", type=Path, help="of megc2019_flow")
    parser.add_argument("--folds", type=int, default=68, help="at most")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mebench-isolation-") as scratch:
        root = args.root or Path(scratch, "maps")
        if args.root is None:
            Megc2019Flow.write_fake_tree(root)
        words = [
            "method=ststnet",
            "method.epochs=1",
            "dataset=megc2019_flow",
            f"dataset.root={root}",
            f"cache={scratch}",
        ]
        plan = make_plan(resolve(words))
        folds = plan.data.folds[: args.folds]
        with one_thread():
            execute_fold(plan, folds[0])  # imports
            here = [timed(partial(execute_fold, plan, fold)) for fold in folds]
        SERVER.warm_up(plan.imports)
        server = alone(lambda worker: worker.call(os.getppid, ()))  # once it has imported
        free = make_plan(resolve([*words, "sandbox=off"]))
        tasks = [[FoldHost.for_fold(one, fold) for one in (free, plan)] for fold in folds]
        isolated, confined = zip(*([timed(partial(alone, task), server) for task in pair] for pair in tasks))
        idle = [timed(lambda: alone(lambda worker: worker.call(bool, ())), server) for _ in folds]
        SERVER.close()
        for name, seconds in (
            ("in this process", here),
            ("isolated", isolated),
            ("in a sandbox", confined),
            ("a process that does nothing", idle),
        ):
            processor, clock = zip(*seconds)
            print(
                f"{name}: {1000 * statistics.mean(processor):.0f} ms of the processor a fold, "
                f"{1000 * statistics.mean(clock):.0f} on the clock (median {1000 * statistics.median(clock):.0f}), {len(folds)} folds"
            )


if __name__ == "__main__":
    main()
