"""Frames a second that MEAN scores, features excluded, beside the 714 of its paper (section 4.3: 0.0014 s on a GTX 1080 Ti).

    python benchmarks/mean_inference.py [--frames 20000] [--rounds 5]

Drawn maps, (42, 42, 3) in half precision as the store keeps them, go through `score_frames` (spotting alone); with `both heads`
each frame is named as well, in a second pass, which a run asks only of the frames that vote. Threads are PyTorch's;
`2 processes` is how a run uses two cores: one thread each. The median over rounds, with the slowest and the fastest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch
from mebench.methods.mean.method import MEAN
from mebench.methods.mean.params import Params

from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.output.terminal import format_count

PAPER = 714


def method() -> MEAN:
    torch.manual_seed(0)
    task = Task(frozenset({"spot", "recognize"}), ("micro",), ("negative", "positive", "surprise"))
    network: MEAN = MEAN(Params(), task).eval()
    return network


def rates(threads: int, frames: int, rounds: int, both: bool = False) -> list[float]:
    """Frames a second of each round; one round before them warms up."""
    torch.set_num_threads(threads)
    maps = np.random.default_rng(0).random((frames, 42, 42, 3), np.float32).astype(np.float16)
    timing = Timing(200.0, 20, {"micro": 34})
    view = VideoView("d/s/v", SubjectKey("d", "s"), 200.0, frames + 20, timing, lambda _: maps, lambda *_: maps)
    m = method()

    def work() -> None:
        m.score_frames(view)
        if both:
            m._probabilities(maps)

    return [frames / seconds(work) for _ in range(rounds + 1)][1:]


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    rows = {}
    for both in (False, True):
        what = "both heads" if both else "spotting"
        for threads in (1, 2):
            name = f"{what}, {format_count(threads, 'thread')}"
            rows[name] = rates(threads, asked.frames, asked.rounds, both)
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            parts = [pool.submit(rates, 1, asked.frames // 2, asked.rounds, both) for _ in range(2)]
            rows[f"{what}, 2 processes"] = [sum(pair) for pair in zip(*(part.result() for part in parts))]
    for name, found in rows.items():
        middle = statistics.median(found)
        print(
            f"{name:24} {middle:8,.0f} frames/s ({min(found):,.0f} to {max(found):,.0f}), {middle / PAPER:.1f} x the paper's"
        )


if __name__ == "__main__":
    main()
