"""`mebench spot` beside a plain program of OpenCV and dlib, on films of two sizes, in turn.

    python benchmarks/spotting.py [--sizes 640x480 1280x720] [--seconds 2 12]

A drawn face, three quarters of the frame high, at 30 frames a second, as H.264. `plain_spot.py` takes the shorter film with each of its two
flows; `mebench spot`, with its default model, one worker and the flow compiled, takes both films, and the longer one again from stored
features. Printed are seconds of the processor in all processes together. The difference of the two films is the cost of a frame.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from own_video import drawn, frames_of, in_a_room

from mebench.frames.videofile import write_video

HERE = Path(__file__).resolve().parent
FPS = 30


def write_film(file: Path, size: tuple[int, int], n_frames: int) -> None:
    """A drawn face that moves, in a room."""
    dataset = drawn("dataset.seed=3", "dataset.subjects=1", "dataset.videos=1", f"dataset.fps={FPS}")
    (video, *_) = dataset.videos()
    width, height = size
    side = 3 * height // 4
    pictures = (picture for _, picture in zip(range(n_frames), frames_of(dataset, video)))
    place = ((width - side) // 2, (height - side) // 2)
    write_video(file, in_a_room(pictures, size, side, place), np.arange(n_frames) / FPS)


def spent(command: list[str], folder: Path, cache: str) -> tuple[float, str]:
    """Seconds of the processor of a program with all that it has started, and its output."""
    place = {"XDG_CACHE_HOME": str(folder / cache), "NUMBA_CACHE_DIR": str(folder / "numba"), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, cwd=folder, env=os.environ | place, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)}: {ended.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ended.stdout


def spot(folder: Path, film: str, cache: str) -> float:
    command = [sys.executable, "-m", "mebench", "spot", film, "-o", "spotted", "--workers", "1"]
    return spent(command, folder, cache)[0]


def measure(folder: Path, size: str, lengths: list[int]) -> None:
    """Print what each program takes for films of one size."""
    width, height = map(int, size.split("x"))
    few, many = lengths
    for n_frames in lengths:
        write_film(folder / f"{n_frames}.mp4", (width, height), n_frames)
    for flow in ("tvl1", "farneback"):
        command = [sys.executable, str(HERE / "plain_spot.py"), "--flow", flow, f"{few}.mp4"]
        seconds, out = spent(command, folder, "none")
        stages = json.loads(out)["stages"]
        shares = ", ".join(f"{stage} {1000 * of_stage / few:.1f}" for stage, of_stage in stages.items())
        print(f"{size}, plain, {flow}: {seconds:.1f} s for {few} frames; ms a frame: {shares}", flush=True)
    short = spot(folder, f"{few}.mp4", "first")
    first = spot(folder, f"{many}.mp4", "second")
    again = spot(folder, f"{many}.mp4", "second")
    of_frame = (first - short) / (many - few)
    of_features = (first - again) / many
    print(
        f"{size}, mebench: {short:.1f} s for {few} frames, {first:.1f} s for {many}, again {again:.1f} s; "
        f"a frame {1000 * of_frame:.1f} ms, {1000 * of_features:.1f} from the film to its features",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Spotting beside a plain program.")
    parser.add_argument("--sizes", nargs="+", default=["640x480", "1280x720"])
    parser.add_argument(
        "--seconds", nargs=2, type=float, default=[2.0, 12.0], help="of the shorter and the longer film"
    )
    args = parser.parse_args()
    lengths = [round(seconds * FPS) for seconds in args.seconds]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_film(folder / "warm.mp4", (320, 240), FPS)
        spot(folder, "warm.mp4", "warm")  # compiles the flow
        for size in args.sizes:
            (folder / size).mkdir()
            (folder / size / "numba").symlink_to(folder / "numba")
            measure(folder / size, size, lengths)


if __name__ == "__main__":
    main()
