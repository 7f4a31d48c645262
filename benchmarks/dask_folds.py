"""Folds of a method that learns nothing, by two workers of a Dask cluster on this machine.

    python benchmarks/dask_folds.py [--folds 10000] [--people 100]

A sweep over seeds; each person, of one drawn video, is left out once. Printed are milliseconds of the processor a fold: of the program that
plans, hands out, keeps and scores, and of the scheduler and the workers together; and seconds on the clock.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load import write_plugins

from mebench.config import resolve
from mebench.output.progress import Silent
from mebench.runner.execute import execute_sweep
from mebench.runner.session import Outcome

WORKERS = 2
SECONDS_TO_START = 120


@contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """A scheduler and its workers; the file that names the scheduler.

    Raises:
        SystemExit: it does not start.
    """
    file = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    where = ["--scheduler-file", str(file), "--no-dashboard"]
    with (folder / "dask.log").open("w") as log:
        started = [
            subprocess.Popen([*dask, "scheduler", "--port", "0", "--host", "127.0.0.1", *where], stdout=log, stderr=log)
        ]
        worker = [*dask, "worker", "--nthreads", "1", "--no-nanny", *where]
        started += [subprocess.Popen(worker, cwd=folder, stdout=log, stderr=log) for _ in range(WORKERS)]
        try:
            end = time.monotonic() + SECONDS_TO_START
            while not (file.is_file() and file.read_text()):
                if time.monotonic() > end:
                    raise SystemExit(f"the scheduler does not start: {(folder / 'dask.log').read_text()}")
                time.sleep(0.1)
            yield file
        finally:
            for process in reversed(started):  # a worker would wait for a scheduler that is gone
                process.kill()
                process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Folds by two workers of a Dask cluster.")
    parser.add_argument("--folds", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=100, help="folds of each run of the sweep")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mebench-dask-") as scratch:
        root = Path(scratch)
        write_plugins(root / "plugins")
        words = ["method=walk", "dataset=many", f"dataset.people={args.people}", f"dataset.videos={args.people}"]
        words += [f"plugins={root / 'plugins'}", f"runs={root / 'runs'}", f"cache={root / 'cache'}", "tracking=off"]
        os.chdir(root)
        with cluster(root) as scheduler:
            words += ["executor=dask", f"executor.address={scheduler}", "bootstrap=0"]
            configs = [resolve([*words, f"seed={seed}"]) for seed in range(args.folds // args.people)]
            began, began_own = time.perf_counter(), time.process_time()
            outcomes = execute_sweep(configs, Silent())
            own, wall = time.process_time() - began_own, time.perf_counter() - began
        n_folds = len(configs) * args.people
        failed = [outcome for outcome in outcomes if not isinstance(outcome, Outcome)]
        others = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{n_folds} folds, {len(failed)} runs failed: {1000 * own / n_folds:.1f} ms of this program a fold, "
        f"{1000 * (others.ru_utime + others.ru_stime) / n_folds:.0f} ms of scheduler and workers, {wall:.0f} s on the clock; "
        f"{peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
