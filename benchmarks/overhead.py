"""The cost of a run besides its folds: planning, the run folder, putting the folds together, scoring.

    python benchmarks/overhead.py [--folds 1000 2500 5000 10000] [--subjects 100]

Sweeps over seeds of a method whose folds cost nothing: the workers are replaced by answers that are there already, everything
else is what `mebench run -m` does, without intervals and without MLflow. Printed are seconds of this process by stage, of the
processor and on the clock; the last lie far apart on a slow disk, since every run ends with all its files on it. A fold lists
everybody who trains, so one run of n subjects, each left out once, takes the square of n: `--subjects` shows that.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mebench.config import resolve
from mebench.core import Prediction
from mebench.output.progress import Progress
from mebench.runner.execute import execute_all
from mebench.runner.plan import make_plan
from mebench.runner.session import Outcome, open_session
from mebench.runner.workers import Workers, WorkerTask
from mebench.runs.fold_files import FoldResult

sys.path.append(str(Path(__file__).parents[1] / "tools"))  # its plugins whose folds only sleep
from kills import write_plugins

COSTS = {"fit_seconds": 0.0, "predict_seconds": 0.0, "peak_memory_mib": 0.0, "parameters": 0.0}
FRAMES = 150


class Instant(Workers):
    """Workers that have all answers: one prediction for the video of each fold."""

    size = 1

    def _pass(self, tasks: Sequence[WorkerTask], tick: Callable[[], None] | None) -> Iterator[tuple[WorkerTask, Any]]:
        """Each task with its answer."""
        scores = np.zeros((FRAMES, 1))
        for task in tasks:
            session, fold = task.key
            video = f"{fold.key}/v"
            found = [Prediction(video, "micro", 40, 50, 60, 0.5)]
            timings = session.plan.data.find_timings(fold)
            yield task, FoldResult(fold.key, found, [], {video: scores}, timings, 1, COSTS, b"model")

    def stop(self) -> None:
        """Nobody is there."""


def sweep(root: Path, subjects: int, runs: int) -> dict[str, tuple[float, float]]:
    """Seconds of the processor and on the clock by stage."""
    laps: dict[str, tuple[float, float]] = {}

    def lap(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time(), time.perf_counter()
        result = work()
        laps[name] = time.process_time() - began[0], time.perf_counter() - began[1]
        return result

    words = ["method=one_walk", "dataset=killed", f"dataset.subjects={subjects}", "bootstrap=0"]
    words += [f"plugins={root / 'plugins'}", f"runs={root / f'runs{subjects}-{runs}'}", f"cache={root / 'cache'}"]
    plans = lap("plan", lambda: [make_plan(resolve([*words, f"seed={seed}"])) for seed in range(runs)])
    sessions = lap("describe", lambda: [open_session(plan) for plan in plans])
    outcomes = lap("folds and scores", lambda: execute_all(sessions, Instant(), Progress()))
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    return laps


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds of planning and book-keeping.")
    parser.add_argument("--folds", type=int, nargs="+", default=[1000, 2500, 5000, 10000])
    parser.add_argument("--subjects", type=int, default=100, help="folds of each run of the sweep")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mebench-overhead-") as scratch:
        root = Path(scratch)
        write_plugins(root / "plugins", subjects=8)
        os.chdir(root)
        sweep(root, args.subjects, 1)  # imports what it needs
        for folds in args.folds:
            laps = sweep(root, args.subjects, max(1, folds // args.subjects))
            own, wall = (sum(lap[n] for lap in laps.values()) for n in (0, 1))
            stages = ", ".join(f"{name} {lap[0]:.1f}" for name, lap in laps.items())
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{folds} folds: {own:.1f} s of the processor ({stages}), {1000 * own / folds:.2f} ms a fold; {wall:.1f} s on "
                f"the clock; {peak:.0f} MiB",
                flush=True,
            )


if __name__ == "__main__":
    main()
