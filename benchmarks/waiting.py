"""Waiting times of people, in seconds of the clock and of the processor, all processes together.

    python benchmarks/waiting.py [first] [spot] [small] [build] [--records 183] [--maps ROOT]

`first`: README's first run with nothing in the caches of mebench and numba. `spot`: a film of 7 s and 1280x720 by the shipped model, the
first after an installation, another one, and the same again. `small`: all 68 folds of `logistic` and of `flow_svm` on the flow maps in
ROOT. `build`: a leaderboard of so many records from nothing, then with nothing new, then with one record more, and the tables alone
from nothing. Measure on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from leaderboard import RECORDS, draw_records
from own_video import drawn, frames_of, in_a_room

from mebench.frames.videofile import write_video

FIRST = Path(__file__).parents[1] / "examples" / "first_run.yaml"
FRAMES = 210


def show(what: str, folder: Path, *words: str) -> None:
    """Run `mebench` in a folder with caches of its own, and print what it took."""
    env = os.environ | {"XDG_CACHE_HOME": str(folder / "cache"), "NUMBA_CACHE_DIR": str(folder / "numba")}
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "mebench", *words], cwd=folder, env=env, check=True, capture_output=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what}: {seconds:.1f} s, {spent:.1f} s of the processor", flush=True)


def first(folder: Path) -> None:
    show("first run", folder, "run", "-c", str(FIRST))


def spot(folder: Path) -> None:
    films = drawn("dataset.seed=3", "dataset.subjects=2", "dataset.videos=1", "dataset.fps=30")
    for name, video in zip(("one", "two"), films.videos()):
        pictures = (picture for _, picture in zip(range(FRAMES), frames_of(films, video)))
        write_video(folder / f"{name}.mp4", in_a_room(pictures, (1280, 720), 560, (360, 80)), np.arange(FRAMES) / 30)
    for what, name in (("first film", "one"), ("another", "two"), ("the same again", "two")):
        show(f"spot, {what}", folder, "spot", f"{name}.mp4")


def small(folder: Path, maps: str) -> None:
    for method in ("logistic", "flow_svm"):
        where = ("dataset=megc2019_flow", f"dataset.root={maps}", "tracking=off")
        show(f"{method}, 68 folds", folder, "run", f"method={method}", *where)


def build(folder: Path, n: int) -> None:
    out, late = folder / "board", folder / "late"
    draw_records(n, out / "records")
    for file in ("published.csv", "beside.yaml"):
        if (RECORDS.parent / file).is_file():
            shutil.copy(RECORDS.parent / file, out)
    held = sorted((out / "records").iterdir())[n // 2]
    held.rename(late)
    show(f"board of {n - 1} records, from nothing", folder, "leaderboard", "build", "--out", str(out))
    show("the same again", folder, "leaderboard", "build", "--out", str(out))
    late.rename(held)
    show("with one record more", folder, "leaderboard", "build", "--out", str(out))
    shutil.rmtree(folder / "cache")
    show("tables alone, from nothing", folder, "leaderboard", "build", "--out", str(out), "--tables-only")


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds that people wait for.")
    parser.add_argument(
        "parts", nargs="*", choices=("first", "spot", "small", "build"), default=["first", "spot", "build"]
    )
    parser.add_argument("--records", type=int, default=183)
    parser.add_argument("--maps", default="", help="root of megc2019_flow")
    args = parser.parse_args()
    for part in args.parts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            match part:
                case "first":
                    first(folder)
                case "spot":
                    spot(folder)
                case "small":
                    small(folder, args.maps)
                case "build":
                    build(folder, args.records)


if __name__ == "__main__":
    main()
