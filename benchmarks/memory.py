"""Memory of a training and prediction on many frames that stay on disk, summed over the process tree.

    python benchmarks/memory.py [--frames 500000] [--videos 100] [--subjects 10] [--workers 2] [--limit 4.0] [--folder DIR]

Random features of 42x42x3 numbers are written in the format of the feature store; MEAN is then trained for one epoch on all
frames of all subjects but one, and predicts the videos of that one, in two folds by so many workers. What counts is the
memory that a process has for itself (USS): pages of a file that the system's cache holds anyway are no cost. Exit code 1 if
the sum over all processes was ever above the limit (GiB).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np

GIB = 1 << 30
BLOCK = 500
"""Frames written at once."""

PARAMS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Params:
    subjects: int = 10
    videos: int = 10
    frames: int = 5000
"""
CONFIG = "title: Generated\nsummary: features without pictures\ntasks: [spot]\n"
DATASET = '''
import numpy as np

from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.generated.params import Params as _Params


class NoPictures:
    """Frames that nobody may look at, since their features are stored; but for the first, which tells recordings apart."""

    def __init__(self, n, name):
        self.n, self.name = n, name

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        if index == 0:
            return np.frombuffer(self.name.encode().ljust(64), np.uint8).reshape(8, 8)
        raise AssertionError(f"frame {index} of {self.name} was decoded")

    def fingerprint(self):
        return f"{self.name} with {self.n} frames"


class Generated(Dataset):
    """A micro-expression every 500 frames."""

    Params = _Params
    revision = "1"
    tasks = frozenset({"spot"})
    schemes = {"native": Scheme.native(("others",))}

    def videos(self):
        p = self.params
        marks = range(100, p.frames - 20, 500)
        expressions = tuple(Expression(i, i + 10, "micro", i + 5, "others") for i in marks)
        return [
            Video("generated", f"{s:03d}", f"{v:03d}", 30.0, p.frames, expressions)
            for s in range(p.subjects)
            for v in range(p.videos)
        ]

    def frames(self, video):
        return NoPictures(video.n_frames, video.key)

    def landmarks(self, video):
        return np.full((68, 2), 64.0)


Plugin = Generated
'''


def write_plugin(root: Path) -> Path:
    folder = root / "plugins" / "datasets" / "generated"
    folder.mkdir(parents=True)
    files = {"__init__.py": "", "params.py": PARAMS, "config.yaml": CONFIG, "dataset.py": DATASET}
    for name, content in files.items():
        (folder / name).write_text(content)
    return root / "plugins"


def words_of(root: Path, subjects: int, videos: int, frames: int, workers: int) -> list[str]:
    return [
        "method=mean",
        "method.epochs_spot=1",
        "method.ratio=1e9",  # every frame is a sample
        "method.batch_size=128",
        "dataset=generated",
        f"dataset.subjects={subjects}",
        f"dataset.videos={videos // subjects}",
        f"dataset.frames={frames // videos}",
        f"plugins={root / 'plugins'}",
        f"cache={root / 'store'}",
        f"runs={root / 'runs'}",
        f"tracking=sqlite:///{root / 'mlflow.db'}",
        f"workers={workers}",
        "bootstrap=0",
    ]


def fill(words: list[str]) -> int:
    """Write the features that the run will read; their bytes."""
    from mebench.config import resolve
    from mebench.features.pipeline import VideoSource
    from mebench.features.store import Draft
    from mebench.runner.plan import make_plan

    plan = make_plan(resolve(words))
    store, written = plan.features.store, 0
    block = np.random.default_rng(0).random((BLOCK, 42, 42, 3)).astype(np.float16)
    (chains,) = plan.features.chains.values()
    for video in plan.data.videos:
        source = VideoSource(store, plan.data.dataset, plan.config.dataset, video)
        for chain in (c for c in chains if c.scope == "frames"):
            n = (video.n_frames or 0) - next(s.k for s in chain.steps if hasattr(s, "k"))
            blocks = (block[: min(BLOCK, n - start)] for start in range(0, n, BLOCK))
            draft = partial(Draft, (n, 42, 42, 3), np.float16, blocks)
            entry = store.fetch(source.key("feature", chain, None), draft)
            written += entry.array.nbytes
        for chain in (c for c in chains if c.scope == "clips"):  # its crops must be there, and nobody reads them
            store.fetch(source.key("crops", chain, None), partial(Draft, (0, 128, 128), np.uint8, ()))
    return written


def run_two_folds(words: list[str], summary: str) -> None:
    """The ordinary run, of the first two folds alone; the workers plan anew and train on everybody else."""
    from mebench.cli.run import run_command
    from mebench.config import RunConfig
    from mebench.runner import execute
    from mebench.runner.plan import Plan, make_plan

    def plan_of_two(config: RunConfig) -> Plan:
        plan = make_plan(config)
        tested = {subject for fold in plan.data.folds[:2] for subject in fold.test}
        videos = tuple(video for video in plan.data.videos if video.subject_key in tested)
        return replace(plan, data=replace(plan.data, folds=plan.data.folds[:2], videos=videos))

    with mock.patch.object(execute, "make_plan", plan_of_two):
        run_command(words, json=summary)


def own_bytes(pid: int) -> int:
    """Memory that a process has for itself (USS): pages that no other process maps."""
    about = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return 1024 * sum(int(kib) for kib in re.findall(r"^Private_\w+:\s+(\d+) kB$", about, re.MULTILINE))


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    children = (file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(member for names in children for name in names for member in family(int(name)))]


def watch(process: subprocess.Popen[bytes]) -> tuple[float, list[int]]:
    """Peak of the summed USS in bytes, and its parts, until a process ends."""
    peak, parts = 0.0, []
    while process.poll() is None:
        now = []
        with suppress(FileNotFoundError, ProcessLookupError):  # one of them ended meanwhile
            now = [own_bytes(member) for member in family(process.pid)]
        if sum(now) > peak:
            peak, parts = sum(now), now
        time.sleep(0.2)
    return peak, parts


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of training and prediction on many frames.")
    parser.add_argument("--frames", type=int, default=500_000, help="of all videos together")
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--subjects", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=4.0, help="GiB")
    parser.add_argument("--folder", type=Path, help="where the features are written; a temporary folder by default")
    parser.add_argument("--two-folds", nargs="+", help=argparse.SUPPRESS)  # what the measured process does
    args = parser.parse_args()
    if args.two_folds:
        summary, *words = args.two_folds
        run_two_folds(words, summary)
        return

    with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
        root = Path(scratch)
        write_plugin(root)
        words = words_of(root, args.subjects, args.videos, args.frames, args.workers)
        written = fill(words)
        print(f"{args.frames} frames in {args.videos} videos, {written / GIB:.2f} GiB of features", flush=True)
        start = time.perf_counter()
        command = [sys.executable, __file__, "--two-folds", str(root / "summary.json"), *words]
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
        peak, parts = watch(process)
        if process.returncode:
            raise SystemExit(f"the run failed with exit code {process.returncode}")
        assert json.loads((root / "summary.json").read_text())["spotting"]
        seconds = time.perf_counter() - start
    each = ", ".join(f"{part / GIB:.2f}" for part in parts)
    print(f"peak of the process tree's own memory {peak / GIB:.2f} GiB ({each}) in {seconds:.0f} s")
    if peak > args.limit * GIB:
        raise SystemExit(f"that is more than {args.limit} GiB")


if __name__ == "__main__":
    main()
