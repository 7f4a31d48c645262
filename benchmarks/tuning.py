"""The cost and the safety of `mebench tune`: trials shared by processes of which one is killed, and tunings in stated times.

    python benchmarks/tuning.py processes [--trials 60] [--processes 4] [--seconds 0.5]
    python benchmarks/tuning.py postprocess [--trials 40] [--cache DIR]
    python benchmarks/tuning.py training [--trials 20] [--cache DIR]
    python benchmarks/tuning.py flow ROOT [--trials 20] [--epochs 100 1000 100] [--words protocol=kfold …]

`processes`: one sqlite file, so many processes, one of them killed in the middle of a trial and started again; exit code 1
unless as many trials as asked for are finished, at most as many more as other processes may have been at work on, none is
left running, and the killed trial was tried again once. `postprocess` tunes what acts on MEAN's stored frame scores, on the
drawn default dataset; `training` its learning rate and sampling; `flow` STSTNet's learning rate and epochs on real flow maps
(ROOT with <subject>/u_test/<0|1|2>/*.png). Each prints the outcome, and seconds for inner folds, for all else in the trials
and for the outer folds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORKER = """
import sys, time
from pathlib import Path
from mebench.tuning.records import Objective, Terms, TuneOptions
from mebench.tuning.space import Dimension, Space
from mebench.tuning.study import StudyStorage
from mebench.tuning.study import SharedStudy

file, mark, trials, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
space = Space((Dimension("method.x", "training", 0.5, low=0.0, high=1.0),))
terms = Terms("shared", {"method": "none"}, space, (Objective("f1", "maximize"),), TuneOptions(heartbeat=1))


def evaluate(values, step):
    mark.touch()
    time.sleep(seconds)
    mark.unlink()
    return [values["method.x"]]


study = SharedStudy(StudyStorage.at_url(file), terms)
study.run(trials, evaluate, lambda study, trial: None)
if mark.name == "report":
    found = [(t.number, t.state, t.retry_of) for t in study.read_study().trials]
    print(__import__("json").dumps(found))
"""


def processes(trials: int, count: int, seconds: float) -> int:
    """Trials on one storage by several processes, one of them killed and started again."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "worker.py").write_text(WORKER)

        def start(name: str) -> subprocess.Popen[str]:
            words = [str(folder / "x.db"), str(folder / name), str(trials), str(seconds)]
            return subprocess.Popen(
                [sys.executable, str(folder / "worker.py"), *words], stdout=subprocess.PIPE, text=True
            )

        began = time.perf_counter()
        running = [start(f"busy{place}") for place in range(count)]
        victim, mark = running.pop(), folder / f"busy{count - 1}"
        for _ in range(3):  # in the middle of its third trial or so
            while not mark.exists():
                if victim.poll() is not None:
                    raise SystemExit(f"a process ended before its third trial, with exit code {victim.returncode}")
                time.sleep(0.01)
            time.sleep(seconds * 0.6)
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        print(f"killed a process after {time.perf_counter() - began:.1f} s", flush=True)
        codes = [process.wait() for process in [*running, start("again")]]
        report = start("report")
        found = json.loads(report.communicate()[0])
        states = [state for _, state, _ in found]
        retried = [(number, of) for number, _, of in found if of is not None]
        finished, left = states.count("complete") + states.count("pruned"), states.count("running")
        print(f"{time.perf_counter() - began:.1f} s; exit codes {codes}; {finished} finished, {left} running, ", end="")
        print(f"{states.count('failed')} failed, {states.count('waiting')} waiting; tried again: {retried}")
        fine = trials <= finished <= trials + count - 1 and not left and len(retried) == states.count("failed") == 1
        return 0 if fine else 1


def tune(words: list[str]) -> int:
    """One tuning as a whole process, in an empty folder."""
    with tempfile.TemporaryDirectory() as scratch:
        print(" ".join(["mebench", "tune", *words]), flush=True)
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "mebench", "tune", *words], cwd=scratch)
        print(f"{time.perf_counter() - began:.1f} s in all, {platform.machine()}, {os.cpu_count()} cores")
        return done.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description="Costs of mebench tune.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    shared = kinds.add_parser("processes")
    shared.add_argument("--trials", type=int, default=60)
    shared.add_argument("--processes", type=int, default=4)
    shared.add_argument("--seconds", type=float, default=0.5, help="of a trial")
    for name, trials in (("postprocess", 40), ("training", 20), ("flow", 20)):
        one = kinds.add_parser(name)
        if name == "flow":
            one.add_argument("root", type=Path)
            one.add_argument("--epochs", type=int, nargs=3, default=[100, 1000, 100], metavar=("LOW", "HIGH", "STEP"))
        one.add_argument("--trials", type=int, default=trials)
        one.add_argument("--cache", type=Path, help="where features are kept; the user's store by default")
        one.add_argument(
            "--words", nargs=argparse.REMAINDER, default=[], help="last: more words and options for mebench tune"
        )
    args = parser.parse_args()
    if args.kind == "processes":
        sys.exit(processes(args.trials, args.processes, args.seconds))
    cache = [] if args.cache is None else [f"cache={args.cache.expanduser().absolute()}"]
    low, high, step = getattr(args, "epochs", (0, 0, 0))
    what = {
        "postprocess": ["method=mean", "dataset=synthetic", "--acts", "postprocess"],
        "training": ["method=mean", "dataset=synthetic", "--param", "lr", "--param", "ratio"],
        "flow": [
            *("method=ststnet", "dataset=megc2019_flow"),
            *("--param", "lr", "--param", f"epochs={{low: {low}, high: {high}, step: {step}}}"),
        ],
    }[args.kind]
    root = [f"dataset.root={args.root.expanduser().absolute()}"] if args.kind == "flow" else []
    sys.exit(tune([*what, *root, *cache, "--trials", str(args.trials), *args.words]))


if __name__ == "__main__":
    main()
