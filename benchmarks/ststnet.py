"""Seconds per fold of mebench's STSTNet and of a plain program with equal settings, measured in turn on one machine.

    python benchmarks/ststnet.py ROOT [--folds 5] [--epochs 800] [--rounds 1]

Each round runs the plain program (`plain_ststnet.py`) and then mebench (`mebench_folds.py`) on the same folds, each as
a whole process: imports, reading, training, scoring and writing count. README.md says what is equal and what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Result:
    """One program in one round: wall time of its process, and pooled scores over the folds' clips."""

    seconds_per_fold: float
    uf1: float
    uar: float

    def __str__(self) -> str:
        return f"{self.seconds_per_fold:8.2f} s per fold   UF1 {self.uf1:.4f}   UAR {self.uar:.4f}"


def spread(root: Path, count: int) -> list[str]:
    """`count` subjects at even distances in the sorted list, so that all three databases take part."""
    subjects = sorted(folder.name for folder in root.iterdir() if (folder / "u_test").is_dir())
    if not 1 <= count <= len(subjects):
        raise SystemExit(f"--folds must lie between 1 and the {len(subjects)} subjects under {root}, not {count}")
    return [subjects[i * len(subjects) // count] for i in range(count)]


def timed(command: list[str], folder: Path) -> tuple[float, str]:
    """Wall seconds and standard output of a process; its messages pass through."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return time.perf_counter() - start, done.stdout


def plain(root: Path, subjects: list[str], epochs: int, seed: int) -> Result:
    """The plain program on the folds of `subjects`."""
    program = [sys.executable, str(HERE / "plain_ststnet.py"), str(root), f"--subjects={','.join(subjects)}"]
    seconds, output = timed([*program, f"--epochs={epochs}", f"--seed={seed}"], HERE)
    scores = json.loads(output.splitlines()[-1])
    return Result(seconds / len(subjects), scores["uf1"], scores["uar"])


def mebench(root: Path, subjects: list[str], epochs: int, seed: int) -> Result:
    """mebench on the folds of `subjects`, in an empty folder and with an empty feature store."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        program = [sys.executable, str(HERE / "mebench_folds.py"), str(root), ",".join(subjects), "summary.json"]
        words = [f"method.epochs={epochs}", f"seed={seed}", "cache=cache", "tracking=sqlite:///mlflow.db"]
        seconds, _ = timed([*program, *words], folder)
        scores = json.loads((folder / "summary.json").read_text())["recognition"]["scores"]
    return Result(seconds / len(subjects), scores["uf1"]["value"], scores["uar"]["value"])


def main() -> None:
    parser = argparse.ArgumentParser(description="mebench's STSTNet against a plain program, in turn.")
    parser.add_argument("root", type=Path, help="folder with <subject>/u_test/<0|1|2>/*.png")
    parser.add_argument("--folds", type=int, default=5, help="subjects left out, the same for both")
    parser.add_argument("--epochs", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=1, help="round n uses seed n - 1")
    args = parser.parse_args()

    root = args.root.expanduser().resolve()
    subjects = spread(root, args.folds)
    cores = len(os.sched_getaffinity(0))
    print(f"{platform.machine()}, {cores} cores; {args.epochs} epochs; left out: {', '.join(subjects)}", flush=True)
    ratios = []
    for seed in range(args.rounds):
        one = plain(root, subjects, args.epochs, seed)
        print(f"round {seed + 1}: plain    {one}", flush=True)
        other = mebench(root, subjects, args.epochs, seed)
        print(f"round {seed + 1}: mebench  {other}", flush=True)
        ratios.append(one.seconds_per_fold / other.seconds_per_fold)
    print(f"mebench is {statistics.median(ratios):.2f} times as fast (median of {len(ratios)})")


if __name__ == "__main__":
    main()
