"""How long scoring takes beside a plain double loop: 100,000 predictions against 20,000 truths in 2,000 videos.

    python benchmarks/scoring.py [--predictions 100000] [--truths 20000] [--videos 2000] [--subjects 200] [--draws 1000]

Three matchings of the same intervals are timed with one thread: mebench's (`mebench.metrics.match_one_to_one`); a plain double loop,
every prediction beside every truth, as public evaluators write it, timed over some of the predictions and scaled, since
all of them would take many minutes; and the better plain program, a double loop within each video, timed in full. The
loops match greedily, mebench exactly; where they disagree the number of true positives says so. Then everything: all
spotting, analysis and recognition scores with the given number of bootstrap draws.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.matching import match_one_to_one
from mebench.metrics.summary import summarize
from mebench.metrics.tables import Tables

CLASSES = ("negative", "positive", "surprise")
FRAMES = 9000
FPS = 30.0
LOOPED = 4000
"""Predictions of which the plain double loop is timed."""

Row = tuple[str, str, int, int]
T = TypeVar("T")


def draw(n_predictions: int, n_truths: int, n_videos: int, n_subjects: int, seed: int = 0) -> Tables:
    """Truths at random places; half of the predictions lie near a truth, some of them several at one."""
    rng = np.random.default_rng(seed)
    subject = np.arange(n_videos) % n_subjects
    names = np.array([f"drawn/{s:03d}/v{v:04d}" for v, s in enumerate(subject)])
    videos = pd.DataFrame(
        {
            "video": names,
            "subject": [f"drawn/{s:03d}" for s in subject],
            "dataset": "drawn",
            "n_frames": FRAMES,
            "fps": FPS,
        }
    )
    where, onset = rng.integers(n_videos, size=n_truths), rng.integers(FRAMES - 30, size=n_truths)
    offset = onset + rng.integers(6, 20, size=n_truths)
    emotion = np.array(CLASSES)[rng.integers(3, size=n_truths)]
    truths = pd.DataFrame(
        {
            "video": names[where],
            "kind": "micro",
            "onset": onset,
            "apex": (onset + offset) // 2,
            "offset": offset,
            "emotion": emotion,
        }
    )
    near = rng.integers(n_truths, size=n_predictions)
    aimed = rng.random(n_predictions) < 0.5
    begin = np.where(
        aimed, onset[near] + rng.integers(-6, 7, size=n_predictions), rng.integers(FRAMES - 30, size=n_predictions)
    )
    length = np.where(aimed, offset[near] - onset[near], 12) + rng.integers(-2, 3, size=n_predictions)
    said = np.where(
        rng.random(n_predictions) < 0.6, emotion[near], np.array(CLASSES)[rng.integers(3, size=n_predictions)]
    )
    predictions = pd.DataFrame(
        {
            "video": np.where(aimed, names[where[near]], names[rng.integers(n_videos, size=n_predictions)]),
            "kind": "micro",
            "onset": begin,
            "apex": begin + length // 2,
            "offset": begin + length,
            "confidence": rng.random(n_predictions),
            "emotion": said,
            "draw": 0,
        }
    )
    clips = pd.DataFrame(
        {
            "video": truths["video"],
            "truth": emotion,
            "predicted": np.where(rng.random(n_truths) < 0.6, emotion, "negative"),
        }
    )
    return Tables(videos, truths, predictions, clips)


def iou(prediction: Row, truth: Row) -> float:
    """Of inclusive intervals."""
    shared = min(prediction[3], truth[3]) - max(prediction[2], truth[2]) + 1
    if shared <= 0:
        return 0.0
    return shared / (prediction[3] - prediction[2] + 1 + truth[3] - truth[2] + 1 - shared)


def double_loop(predictions: Sequence[Row], truths: Sequence[Row]) -> int:
    """True positives: each prediction takes the best free truth of its video and kind, tried one by one."""
    taken: set[int] = set()
    for prediction in predictions:
        best, chosen = 0.5, -1
        for number, truth in enumerate(truths):
            if prediction[0] == truth[0] and prediction[1] == truth[1] and number not in taken:
                value = iou(prediction, truth)
                if value > best or (value == best and chosen < 0):
                    best, chosen = value, number
        if chosen >= 0:
            taken.add(chosen)
    return len(taken)


def loop_within_videos(predictions: Sequence[Row], truths: Sequence[Row]) -> int:
    """The same, video by video."""
    parts: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in predictions:
        parts[row[0]][0].append(row)
    for row in truths:
        parts[row[0]][1].append(row)
    return sum(double_loop(*part) for part in parts.values())


def timed(function: Callable[[], T], times: int = 1) -> tuple[float, T]:
    """Seconds, the fewest of some times, and what was computed."""
    best = np.inf
    for _ in range(times):
        start = time.perf_counter()
        found = function()
        best = min(best, time.perf_counter() - start)
    return float(best), found


def main() -> None:
    parser = argparse.ArgumentParser(description="Scoring beside a plain double loop.")
    for name, default in (
        ("predictions", 100_000),
        ("truths", 20_000),
        ("videos", 2_000),
        ("subjects", 200),
        ("draws", 1_000),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()

    tables = draw(args.predictions, args.truths, args.videos, args.subjects)
    print(
        f"{platform.machine()}, one thread: {args.predictions} predictions, {args.truths} truths, {args.videos} videos, "
        f"{args.subjects} subjects",
        flush=True,
    )
    with threadpool_limits(1):
        matching(tables)
        everything(tables, args.draws)


def matching(tables: Tables) -> None:
    """Time the three ways to match."""
    ordered = tables.put_in_order()
    true, spotted = ordered.truths, ordered.predictions
    assert spotted is not None
    columns = ["video", "kind", "onset", "offset"]
    truths, predictions = (list(table[columns].itertuples(index=False, name=None)) for table in (true, spotted))
    own, rows = timed(lambda: match_one_to_one(true, spotted, CONVENTIONS["strict"]), 3)
    report("matching, mebench", own, f"{int((rows >= 0).sum())} true positives")
    some = predictions[:: max(len(predictions) // LOOPED, 1)]
    seconds, _ = timed(lambda: double_loop(some, truths))
    whole = seconds * len(predictions) / len(some)
    scaled = f", scaled from {seconds:.2f} s for {len(some)} predictions" if len(some) < len(predictions) else ""
    report("matching, double loop", whole, f"mebench is {whole / own:.0f} times as fast{scaled}")
    inside, found = timed(lambda: loop_within_videos(predictions, truths))
    report(
        "matching, double loop in each video",
        inside,
        f"mebench is {inside / own:.1f} times as fast; {found} true positives",
    )


def everything(tables: Tables, draws: int) -> None:
    """Time all scores, without and with intervals."""
    for number in (0, draws):
        seconds, summary = timed(lambda: summarize(tables, kinds=["micro"], classes=CLASSES, seed=0, draws=number))  # noqa: B023
        f1 = summary["spotting"]["micro"]["scores"]["f1"]["value"]
        report(f"all scores, {number} bootstrap draws", seconds, f"F1 {f1:.4f}")


def report(what: str, seconds: float, remark: str) -> None:
    """Print one line."""
    print(f"{what:36} {seconds:9.3f} s   {remark}", flush=True)


if __name__ == "__main__":
    main()
