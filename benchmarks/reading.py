"""How long a file of predictions takes to be read and accounted for: a million rows as CSV, and as JSON by video.

    python benchmarks/reading.py [--rows 1000000]

Processor seconds of the reader that `mebench score` uses, and the highest memory of the process, each format in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mebench.exchange.intervals import read_intervals
from mebench.exchange.text_table import Remarks

VIDEOS, PEOPLE, FRAMES = 2000, 200, 9000
FORMATS = ("csv", "json")


def write_rows(path: Path, n_rows: int) -> None:
    """Write intervals at random places with confidences."""
    rng = np.random.default_rng(0)
    video, onset = rng.integers(VIDEOS, size=n_rows).tolist(), rng.integers(FRAMES, size=n_rows).tolist()
    length, confidence = rng.integers(5, 30, size=n_rows).tolist(), rng.random(n_rows).round(6).tolist()
    rows = [(f"v{v:04d}", a, a + n, c) for v, a, n, c in zip(video, onset, length, confidence)]
    if path.suffix == ".csv":
        lines = [f"{int(name[1:]) % PEOPLE:03d},{name},{a},{b},{c}\n" for name, a, b, c in rows]
        path.write_text("subject,video,onset,offset,confidence\n" + "".join(lines), encoding="utf-8")
        return
    intervals: dict[str, list[list[float]]] = {}
    for name, a, b, c in rows:
        intervals.setdefault(name, []).append([a, b, c])
    path.write_text(json.dumps(intervals), encoding="utf-8")


def read_file(path: Path) -> None:
    """Read a file, and print the cost and whether the account is complete."""
    began, remarks = time.process_time(), Remarks()
    given = read_intervals(path, "predictions", remarks)
    seconds = time.process_time() - began
    rows = next(entry for entry in remarks.account if entry["unit"] == "row")
    assert rows["taken"] == len(given.intervals)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{path.suffix[1:]}: {len(given.intervals):,} rows in {seconds:.1f} s of processor time, {memory:.0f} MiB")


def main() -> None:
    """Write and read each format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.read is not None:
        read_file(words.read)
        return
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        for ending in FORMATS:
            path = Path(folder) / f"rows.{ending}"
            write_rows(path, words.rows)
            subprocess.run([sys.executable, __file__, "--read", str(path)], check=True)


if __name__ == "__main__":
    main()
