"""Kills at random moments over a small sweep: no fold may be lost, none doubled, no file damaged.

    python tools/kills.py [--kills 1000] [--seed 0] [--workers 2] [--subjects 8] [--seeds 2] [--fork]
                          [--jobs sweep tune spot merge build submit rescore repair show]

A sweep of two methods, each with some seeds, on a dataset without pictures runs again and again. At a random moment, mostly while
folds are being written, the whole program or one of its workers is killed (SIGKILL), or the program is told to stop (SIGTERM, SIGHUP).
Then every file that is there must be whole, every fold that was there must be there still, untouched; and the same command goes
on, until the sweep is finished and its predictions are those of a sweep that nobody disturbed. Then it begins anew.

Programs and workers are started as a user starts them, which takes some ten seconds of the processor a kill, most of them imports.
With `--fork` all are copies of a process that has imported everything, and a kill takes less than one; the fork
server, and MLflow, which knows runs only after their end, are left out then.

`--jobs` kills `mebench tune`, `spot`, `leaderboard merge`, `leaderboard build`, `leaderboard submit`, `rescore`, `resume` of a
damaged run and `runs show --json` (`kills_jobs.py`), always as copies, two times in three just when something new is being written:
what was finished stays as it is, every record, table and page is the former or the new one as a whole, and in the end all is as if
nobody had disturbed them.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import typer.main
from kills_jobs import JOBS, Pieces

from mebench.runs.fold_files import TABLES, whole_fold

METHODS = 2
STOPPED = (4, 129, 130, 143, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGKILL)
"""Exit codes of who was stopped, or lost a worker for good."""
FORK = multiprocessing.get_context("fork")
PARAMS = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Params:\n    {0}\n"
CONFIG = "title: For kills\nsummary: a plugin that only benchmarks use\ntasks: [spot]\n"
METHOD = '''
import time

import numpy as np
import torch
from mebench.core import Method
from mebench.methods.{name}.params import Params as _Params


class Slow(Method):
    """Random walks, each fold a tenth of a second of sleep."""

    Params = _Params
    tasks = frozenset({{"spot"}})

    def __init__(self, params, task, seed=0):
        super().__init__(params, task, seed)
        self.register_buffer("steps", torch.rand(200, dtype=torch.float64))

    def fit_closed_form(self, train, valid):
        time.sleep(0.1)

    def score_frames(self, video):
        return (self.steps[: video.n_frames] - 0.5).cumsum(0).numpy()[:, None]


Plugin = Slow
'''
DATASET = '''
from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.killed.params import Params as _Params


class Killed(Dataset):
    """One video a subject, one expression each."""

    Params = _Params
    revision = "1"
    tasks = frozenset({"spot"})
    schemes = {"native": Scheme.native(("others",))}

    def videos(self):
        expression = Expression(40, 60, "micro", 50, "others")
        return [Video("killed", f"{s:02d}", "v", 30.0, 150, (expression,)) for s in range(self.params.subjects)]


Plugin = Killed
'''


class Program(Protocol):
    """A sweep under way."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""

    def send_signal(self, number: int) -> None:
        """Kill it, or tell it to stop."""

    def wait_and_read(self) -> str:
        """Its standard error, read at its end."""


class Started(subprocess.Popen[str]):
    """A program as a shell starts it."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        super().__init__(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait_and_read(self) -> str:
        return str(self.communicate(timeout=600)[1])


class Forked:
    """The same program as a copy of this process."""

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        self.errors = folder / "errors.txt"
        self.process = FORK.Process(target=_mebench, args=(words, folder, self.errors))
        self.process.start()
        self.pid = int(self.process.pid or 0)

    def poll(self) -> int | None:
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait_and_read(self) -> str:
        self.process.join(600)
        return self.errors.read_text()


def _mebench(words: Sequence[str], folder: Path, errors: Path) -> None:
    from mebench import tracking
    from mebench.cli import main
    from mebench.sandbox import isolation

    os.chdir(folder)
    with Path(os.devnull).open("w") as nowhere, errors.open("w") as file:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(file.fileno(), 2)
    multiprocessing.get_context = lambda _=None: FORK  # type: ignore[assignment]
    isolation.ForkServer.warm_up = lambda *_: None  # type: ignore[method-assign]
    tracking.send_all = lambda folders, *_, **__: tracking.Synced("MLflow", "nowhere", tuple(f.id for f in folders))
    sys.argv = ["mebench", *words]
    code = 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    os._exit(code)  # multiprocessing would wait for its children, and may fail where they have just been killed


def import_all(jobs: Sequence[str]) -> None:
    """Import all that programs and workers import sooner or later. No thread starts, for a copy would lack it."""
    from mebench import cli
    from mebench._fast_imports import speed_up_imports
    from mebench.cli import verbs
    from mebench.files import code_hash
    from mebench.runner.inputs import code_of

    speed_up_imports()
    for name in (
        "mebench.cli",
        "mebench.cli.run",
        "mebench.core.method",
        "mebench.runner.execute",
        "mebench.tracking.send",
        "mebench.runs.scoring",
        "mebench.training",
        "mebench.runner.fold",
        "mebench.features.tvl1",
        "cv2",
        "safetensors.torch",
        "scipy.signal",
    ):
        importlib.import_module(name)
    if [*jobs] != ["sweep"]:
        for name in (
            "mebench.boards.site.site_pages",
            "mebench.api.boards",
            "mebench.intake.accept",
            "mebench.reproduction.rescore",
            "mebench.tuning",
            "mebench.inference.spotted",
            "matplotlib.pyplot",
            "sklearn.metrics",
        ):
            importlib.import_module(name)
    # What each program works out for itself: its commands, and the hash of its code.
    typer.main.get_command = functools.cache(typer.main.get_command)
    typer.main.get_command(cli.app)
    for verb in verbs.VERBS:
        verbs.load_verb(verb)
    code_of((), code_hash)
    gc.freeze()  # or the first collection of each copy would copy all memory


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Its answer from a process of its own, since reading tables starts threads."""
    with ProcessPoolExecutor(1, FORK) as pool:
        return pool.submit(function, *arguments).result()


def write_plugins(root: Path, subjects: int) -> Path:
    """Two methods and a dataset of so many subjects, each of whom is a fold, as plugin folders."""
    plugins = {
        "methods/one_walk": (METHOD.format(name="one_walk"), PARAMS.format("p: float = 0.5")),
        "methods/two_walk": (METHOD.format(name="two_walk"), PARAMS.format("p: float = 0.6")),
        "datasets/killed": (DATASET, PARAMS.format(f"subjects: int = {subjects}")),
    }
    for place, (code, params) in plugins.items():
        folder = root / place
        folder.mkdir(parents=True)
        name = "method.py" if place.startswith("methods") else "dataset.py"
        for file, content in {"__init__.py": "", "config.yaml": CONFIG, "params.py": params, name: code}.items():
            (folder / file).write_text(content)
    return root


@dataclass(frozen=True)
class Sweep:
    """The sweep that is killed.

    Attributes:
        root: folder of plugins, store and tracking.
        workers: number of worker processes.
        seeds: number of seeds of each method.
        fork: whether programs are copies of this process.
    """

    root: Path
    workers: int
    seeds: int
    fork: bool

    def words(self, runs: Path) -> list[str]:
        """The words of `mebench` whose runs go into a folder."""
        return [
            *("run", "-m", "method=one_walk,two_walk", "dataset=killed", f"seeds=0..{self.seeds - 1}", "bootstrap=0"),
            *(f"workers={self.workers}", f"plugins={self.root / 'plugins'}", f"runs={runs}"),
            *(f"cache={self.root / 'cache'}", f"tracking=sqlite:///{self.root / 'no.db'}"),
        ]

    def begin(self, runs: Path) -> Program:
        """Start it, or let it go on."""
        words = self.words(runs)
        if self.fork:
            return Forked(words, self.root)
        return Started([sys.executable, "-c", "from mebench.cli import main; main()", *words], self.root)


def check(runs: Path) -> dict[Path, int]:
    """The finished folds and when each was written; raises where something is damaged, lost or doubled."""
    folds: dict[Path, int] = {}
    for folder in runs.glob("*/folds/[!.]*"):
        key = whole_fold(folder)
        if key is None:
            raise SystemExit(f"{folder} is damaged")
        folds[folder] = folder.stat().st_mtime_ns
    for run in runs.glob("*"):
        keys = Counter(json.loads(file.read_text())["fold"] for file in run.glob("folds/[!.]*/fold.json"))
        if doubled := [key for key, count in keys.items() if count > 1]:
            raise SystemExit(f"{run} holds {doubled} twice")
        for file in run.glob("[!.]*"):
            if file.suffix == ".json":
                json.loads(file.read_text())
            elif file.suffix == ".parquet":
                pd.read_parquet(file)
    return folds


def answers(runs: Path) -> dict[str, pd.DataFrame]:
    """The merged tables of all runs."""
    return {f"{run.name}/{name}": pd.read_parquet(run / name) for run in sorted(runs.glob("*")) for name in TABLES}


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    children = (file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    below = [int(name) for names in children for name in names]
    return [*below, *(p for child in below for p in descendants(child))]


def disturb(process: Program, dice: random.Random, workers: bool = True) -> str:
    """Kill something of a running program; what it was."""
    choice = dice.choice(
        ("program", "worker", "worker", "stop", "hangup") if workers else ("program", "stop", "hangup")
    )
    signals = {"program": signal.SIGKILL, "stop": signal.SIGTERM, "hangup": signal.SIGHUP}
    try:
        if choice in signals:
            process.send_signal(signals[choice])
        else:
            below = descendants(process.pid)
            if not below:
                return ""
            os.kill(dice.choice(below), signal.SIGKILL)
    except (ProcessLookupError, FileNotFoundError):
        return ""
    return choice


def wait_for_a_moment(process: Program, runs: Path, dice: random.Random, seconds: float) -> None:
    """One time in five any moment within so many seconds, else one shortly after some more folds are written."""
    end = time.monotonic() + dice.uniform(0, seconds)
    folds = n_folds(runs) + dice.randint(1, 6) if dice.random() < 4 / 5 else None
    while process.poll() is None and (time.monotonic() < end if folds is None else n_folds(runs) < folds):
        time.sleep(0.01)
    if folds is not None:
        time.sleep(dice.uniform(0, 0.2))


def n_folds(runs: Path) -> int:
    """How many folds are finished, and how many are just being written."""
    return sum(1 for _ in runs.glob("*/folds/*"))


def finish_sweep(sweep: Sweep, runs: Path, dice: random.Random, most: int, seconds: float) -> Counter[str]:
    """Run the sweep until it is finished, with at most `most` kills on the way; the number of each kind of kill."""
    counts: Counter[str] = Counter()
    known: dict[Path, int] = {}
    for _ in range(10 * most + 50):
        process = sweep.begin(runs)
        while sum(counts.values()) < most and process.poll() is None:
            wait_for_a_moment(process, runs, dice, seconds)
            if process.poll() is None and (what := disturb(process, dice)):
                counts[what] += 1
                if what != "worker":
                    break
        said = process.wait_and_read()
        found = apart(check, runs) if sweep.fork else check(runs)
        if lost := [folder for folder, written in known.items() if found.get(folder) != written]:
            raise SystemExit(f"lost or written again: {lost[0]} and {len(lost) - 1} others")
        known = found
        if process.poll() == 0 or len(list(runs.glob("*/DONE"))) == METHODS * sweep.seeds:
            return counts
        if process.poll() not in STOPPED:
            raise SystemExit(f"exit code {process.poll()}: {said}")
    raise SystemExit("the sweep never came to its end")


def finish_job(name: str, root: Path, out: Path, dice: random.Random, most: int, seconds: float) -> Counter[str]:
    """Give a command until it comes to its end, with at most `most` kills on the way; the number of each kind of kill."""
    job = JOBS[name]
    counts: Counter[str] = Counter()
    known: Pieces = {}
    job.prepare(root, out)
    for _ in range(10 * most + 50):
        process = Forked(job.words(root, out), root)
        while sum(counts.values()) < most and process.poll() is None:
            wait_for_a_file(process, out, dice, seconds)
            if process.poll() is None and (what := disturb(process, dice, workers=name == "tune")):
                counts[what] += 1
                if what != "worker":
                    break
        said = process.wait_and_read()
        found = job.pieces(root, out)
        if lost := [piece for piece, content in known.items() if found.get(piece) != content]:
            raise SystemExit(f"{name}: lost or changed: {lost[0]} and {len(lost) - 1} others")
        known = found
        if process.poll() == 0:
            return counts
        if process.poll() not in STOPPED:
            raise SystemExit(f"{name}: exit code {process.poll()}: {said}")
    raise SystemExit(f"{name} never came to its end")


def wait_for_a_file(process: Program, out: Path, dice: random.Random, seconds: float) -> None:
    """One time in three any moment within so many seconds, else one just after something new is being written."""
    end, before = time.monotonic() + dice.uniform(0, seconds), everything(out)
    any_moment = dice.random() < 1 / 3
    while process.poll() is None and time.monotonic() < end + (0 if any_moment else 10 * seconds):
        if not any_moment and everything(out) - before:
            break
        time.sleep(0.002)
    time.sleep(0 if any_moment else dice.choice((0, 0.002, 0.01, 0.05, 0.2)))


def everything(folder: Path) -> set[str]:
    """Files and folders below one, while others come and go."""
    return {f"{place}/{name}" for place, folders, files in os.walk(folder) for name in (*folders, *files)}


def kill_job(name: str, root: Path, kills: int, dice: random.Random) -> None:
    """Kill a command `kills` times, over and over; what it makes is what it makes undisturbed."""
    job = JOBS[name]
    counts = Counter[str]()
    rounds = 0
    quiet = root / f"quiet-{name}"
    if name == "build":  # a page of fewer records is there before
        finish_job(name, root, quiet, dice, 0, 1.0)
        shutil.rmtree(quiet / "records")
        quiet.rename(root / "former")
        (root / "more").mkdir()
    began = time.perf_counter()
    finish_job(name, root, quiet, dice, 0, 1.0)
    seconds = time.perf_counter() - began
    expected = job.answer(quiet)
    print(f"{name}, undisturbed: {seconds:.1f} s", flush=True)
    while sum(counts.values()) < kills:
        out = root / f"{name}{rounds}"
        counts += finish_job(name, root, out, dice, min(10, kills - sum(counts.values())), seconds)
        rounds += 1
        if (found := job.answer(out)) != expected:
            odd = [key for key in {*found, *expected} if found.get(key) != expected.get(key)]
            raise SystemExit(f"{name} made something else: {odd[:3]} in {out}")
        shutil.rmtree(out)
        print(f"{name}: {sum(counts.values())} kills {dict(counts)}, {rounds} rounds as if undisturbed", flush=True)


def kill_sweep(sweep: Sweep, kills: int, dice: random.Random) -> None:
    """Kill the sweep `kills` times, over and over; its predictions are those of an undisturbed one."""
    counts = Counter[str]()
    sweeps = 0
    quiet = sweep.root / "quiet"
    began = time.perf_counter()
    finish_sweep(sweep, quiet, dice, 0, 1.0)
    seconds = time.perf_counter() - began
    expected = apart(answers, quiet)
    print(f"undisturbed: {seconds:.1f} s, {sum(map(len, expected.values()))} rows", flush=True)
    while sum(counts.values()) < kills:
        runs = sweep.root / f"runs{sweeps}"
        counts += finish_sweep(sweep, runs, dice, min(10, kills - sum(counts.values())), seconds)
        sweeps += 1
        for name, table in apart(answers, runs).items():
            pd.testing.assert_frame_equal(table, expected[name], check_exact=True)
        if leftovers := list(runs.glob("*/**/.writing-*")):
            raise SystemExit(f"left behind: {leftovers[0]}")
        print(f"{sum(counts.values())} kills {dict(counts)}, {sweeps} sweeps as if undisturbed", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill a sweep at random moments; nothing may be lost.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--subjects", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--fork", action="store_true", help="copies of one process instead of new ones")
    parser.add_argument("--jobs", nargs="+", choices=["sweep", *JOBS], default=["sweep"], help="each killed so often")
    args = parser.parse_args()
    if args.fork or args.jobs != ["sweep"]:
        import_all(args.jobs)

    dice = random.Random(args.seed)
    with tempfile.TemporaryDirectory(prefix="mebench-kills-") as scratch:
        root = Path(scratch)
        write_plugins(root / "plugins", args.subjects)
        for name in [name for name in args.jobs if name != "sweep"]:
            kill_job(name, root, args.kills, dice)
        if "sweep" in args.jobs:
            kill_sweep(Sweep(root, args.workers, args.seeds, args.fork), args.kills, dice)


if __name__ == "__main__":
    main()
