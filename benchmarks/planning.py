"""What a run of many people costs the one program that plans it and hands out its folds.

    python benchmarks/planning.py [--people 30 250 1000] [--folds 20]

Ten videos a person, drawn annotations, each person left out once, a method without features, no worker. Each number of people is a
program of its own. Printed are seconds of the processor to plan; the bytes of what all folds have in common, which goes to each machine of
a cluster once, and of the message of one fold; milliseconds of the processor to hand a fold to a cluster, and to host it here, where its
process gets the annotations of those who train; and the memory of the program at its end.
"""

from __future__ import annotations

import argparse
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from load import VIDEOS_OF_PERSON, write_plugins

from mebench.config import resolve
from mebench.runner.host import FoldHost, fold_task
from mebench.runner.plan import make_plan

HEAD = "| people | plan, s | in common, kB | message, kB | to hand out, ms | folds a second | to host, ms | folds a second | MiB |"


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, and the result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def measure(root: Path, people: int, n_folds: int) -> str:
    """A row of the table."""
    words = ["method=walk", "dataset=many", f"plugins={root / 'plugins'}", f"cache={root / 'cache'}", "runs=runs"]
    make_plan(resolve([*words, "dataset.people=5", "dataset.videos=50"]))  # imports what it needs
    config = resolve([*words, f"dataset.people={people}", f"dataset.videos={VIDEOS_OF_PERSON * people}"])
    planning, plan = seconds_of(lambda: make_plan(config))
    folds = plan.data.folds[:n_folds]
    first = fold_task("", plan, folds[0])  # what all have in common is made
    in_common = sum(len(pickle.dumps(part)) for part in first.shared)
    seconds_of(lambda: FoldHost.for_fold(plan, folds[0]).order)
    handing, messages = seconds_of(lambda: [pickle.dumps(fold_task("", plan, fold).arguments) for fold in folds])
    hosting, _ = seconds_of(lambda: [pickle.dumps(FoldHost.for_fold(plan, fold).order) for fold in folds])
    handing_ms, hosting_ms = (1000 * seconds / len(folds) for seconds in (handing, hosting))
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {people} | {planning:.2f} | {in_common / 1000:.0f} | {max(map(len, messages)) / 1000:.1f} | {handing_ms:.2f} | "
        f"{1000 / handing_ms:.0f} | {hosting_ms:.1f} | {1000 / hosting_ms:.0f} | {mib:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and bytes of planning and handing out folds.")
    parser.add_argument("--people", type=int, nargs="+", default=[30, 250, 1000])
    parser.add_argument("--folds", type=int, default=20, help="folds that are handed out")
    parser.add_argument("--root", type=Path, help="folder of one measurement")
    args = parser.parse_args()
    if args.root is not None:
        print(measure(args.root, args.people[0], args.folds))
        return
    print(f"{HEAD}\n{'|---' * (HEAD.count('|') - 1)}|", flush=True)
    for people in args.people:
        with tempfile.TemporaryDirectory(prefix="mebench-planning-") as scratch:
            write_plugins(Path(scratch, "plugins"))
            words = ["--root", scratch, "--people", str(people), "--folds", str(args.folds)]
            subprocess.run([sys.executable, __file__, *words], check=True)


if __name__ == "__main__":
    main()
