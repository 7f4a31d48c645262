"""One's own video by the shipped model: memory and speed on a long one, delay and drops live, and whether the card holds.

    python benchmarks/own_video.py [--minutes 10] [--height 720] [--live 60] [--people 4] [--seed 3] [--folder DIR]

Drawn people whom no model has seen are written as H.264 files, off centre in a room, and go the whole way of `mebench spot`: F1 and false
positives a minute in videos without an expression stand beside those of the model's card, which were measured on the drawn pictures
alone, sent through the same encoder. The long video has 30 frames a second, twenty seconds repeated; its memory is what all
processes have for themselves (USS). Exit code 1 if that was ever above 2 GiB, if the intervals of F1 and of the card's do not meet, or if
so many false positives beside the card's would be a rarity (below one in a hundred, two Poisson counts).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
from memory import GIB, watch
from numpy.typing import NDArray
from scipy.stats import binomtest

import mebench
from mebench.config import registry, resolve_dataset
from mebench.core import Dataset, Video
from mebench.frames.videofile import write_video

LIMIT = 2.0
"""GiB."""
RARE = 0.01
"""Two counts of false positives less alike than this do not come of one rate."""
SCENE = 20.0
"""Seconds that the long video repeats."""
CALM = ("dataset.micros=null", "dataset.micro_max=0", "dataset.macros=0")
FIELD = ("dataset=synthetic", "dataset.preset=field")


def drawn(*words: str) -> Dataset:
    chosen = resolve_dataset([*FIELD, *words])
    made: Dataset = registry.load_plugin("dataset", "synthetic")(chosen.dataset_params["synthetic"])
    return made


def in_a_room(
    pictures: Iterator[NDArray[np.uint8]], size: tuple[int, int], wide: int, place: tuple[int, int]
) -> Iterator[NDArray[np.uint8]]:
    """Each picture, `wide` pixels, in a larger one."""
    width, height = size
    room = np.full((height, width, 3), 110, np.uint8)
    room[:] = np.linspace(90, 130, width, dtype=np.uint8)[None, :, None]
    for picture in pictures:
        frame, (x, y) = room.copy(), place
        frame[y : y + wide, x : x + wide] = cv2.resize(picture, (wide, wide), interpolation=cv2.INTER_LINEAR)
        yield frame


def frames_of(dataset: Dataset, video: Video) -> Iterator[NDArray[np.uint8]]:
    frames = dataset.frames(video)
    return (frames[index] for index in range(len(frames)))


def films(dataset: Dataset, folder: Path) -> tuple[list[Path], pd.DataFrame]:
    """Each video as a file in a folder of its person, and what is true of them."""
    paths, truth = [], []
    for video in dataset.videos():
        name = f"{video.subject}_{video.id}"
        path = folder / f"{name}.mp4"
        times = np.arange(video.n_frames or 0) / (video.fps or 25.0)
        write_video(path, in_a_room(frames_of(dataset, video), (360, 270), 192, (130, 40)), times)
        paths.append(path)
        rows: list[tuple[Any, ...]] = [(e.onset, e.offset, e.kind) for e in video.expressions]
        truth += [(video.subject, name, *row) for row in rows or [(None, None, None)]]
    return paths, pd.DataFrame(truth, columns=["subject", "video", "onset", "offset", "kind"])


def card_holds(name: str, people: int, seed: int, folder: Path) -> bool:
    """Print F1 and false positives beside the card's; whether the intervals of F1 meet and both counts may come of one rate."""
    model = mebench.load_model(name)
    loud, truth = films(drawn(f"dataset.seed={seed}", f"dataset.subjects={people}"), folder)
    found = mebench.spot(loud, model).predictions
    found["subject"] = found["video"].str.partition("_")[0]
    bare = pd.DataFrame({"subject": [p.stem.partition("_")[0] for p in loud], "video": [p.stem for p in loud]})
    mine = pd.concat([found, bare[~bare["video"].isin(found["video"])]], ignore_index=True)
    columns = ["subject", "video", "onset", "offset", "kind", "confidence"]
    score = mebench.score(predictions=mine[columns], truth=truth).summary["spotting"]["micro"]["scores"]["f1"]
    (folder / "calm").mkdir()
    calm, _ = films(
        drawn(f"dataset.seed={seed + 1}", f"dataset.subjects={people}", *CALM),
        folder / "calm",
    )
    quiet = mebench.spot(calm, model)
    minutes = sum(video.seconds for video in quiet.spotted.videos) / 60
    count = int((quiet.predictions["kind"] == "micro").sum())
    scores = model.about["scores"]
    low, high = stated(r"^- micro: f1 \S+ \[([\d.]+), ([\d.]+)\]", model)
    rate, length = stated(r"^- micro: ([\d.]+) false positives a minute in ([\d.]+) minutes", model)
    usual = round(rate * length)
    alike = binomtest(count, count + usual, minutes / (minutes + length)).pvalue if count + usual else 1.0
    print(
        f"{name}: F1 of micro-expressions {score['value']:.3f} [{score['low']}, {score['high']}] on {len(loud)} files of {people} people, "
        f"card {scores['spotting.micro.f1']:.3f} [{low}, {high}]"
    )
    print(
        f"{name}: {count / minutes:.2f} false positives a minute in {minutes:.1f} minutes without an expression, "
        f"card {rate:.2f} in {length:.1f} minutes; p {alike:.3f}"
    )
    own = (score["low"] or 0.0, score["high"] or 1.0)
    return own[0] <= high and low <= own[1] and alike >= RARE


def stated(pattern: str, model: mebench.TrainedModel) -> tuple[float, float]:
    """Two numbers of a model's card."""
    found = re.search(pattern, model.card, re.MULTILINE)
    if found is None:
        raise SystemExit(f"the card of {model.about['name']} has no line like {pattern}")
    return float(found[1]), float(found[2])


def long_video(path: Path, minutes: float, seed: int, height: int) -> int:
    """Write the scene, and repeat its packets; the number of frames."""
    fps, size = 30, (height * 16 // 9, height)
    dataset = drawn(
        f"dataset.seed={seed}", "dataset.subjects=1", f"dataset.fps={fps}", f"dataset.frames={int(SCENE * fps)}"
    )
    scene, (video, *_) = path.with_name("scene.mp4"), dataset.videos()
    write_video(
        scene,
        in_a_room(frames_of(dataset, video), size, height * 2 // 3, (height * 5 // 12, height * 5 // 24)),
        np.arange(int(SCENE * fps)) / fps,
    )
    count = 0
    with av.open(str(path), "w") as out:
        stream = None
        for turn in range(max(1, round(minutes * 60 / SCENE))):
            with av.open(str(scene)) as source:
                own = source.streams.video[0]
                stream = stream or out.add_stream_from_template(own)
                assert own.time_base is not None
                shift = round(turn * SCENE / own.time_base)
                for packet in source.demux(own):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        out.mux(packet)
                        count += 1
    return count


def processor_seconds() -> float:
    """Of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def spotted(path: Path, folder: Path, what: str, frames: int) -> float:
    """Run `mebench spot` in a process of its own; print its speed, and return its peak in bytes."""
    command = [sys.executable, "-m", "mebench", "spot", str(path), "-o", str(folder / "spotted")]
    begin, before = time.monotonic(), processor_seconds()
    config = folder / "config.yaml"
    config.write_text(f"cache: {folder / 'cache'}\n", encoding="utf-8")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "MEBENCH_CONFIG": str(config)})
    peak, parts = watch(process)
    seconds, own = time.monotonic() - begin, processor_seconds() - before
    shown = " + ".join(f"{part / GIB:.2f}" for part in parts)
    print(
        f"{what}: {frames} frames in {seconds:.0f} s, {frames / seconds:.1f} frames a second, start-up included; "
        f"{own:.0f} s of the processor, {frames / own:.1f} frames a second of it; "
        f"peak {peak / GIB:.2f} GiB ({shown})"
    )
    if process.returncode:
        raise SystemExit(f"mebench spot ended with {process.returncode}")
    return peak


def live(path: Path, seconds: float, folder: Path) -> None:
    lines = folder / "live.jsonl"
    command = [
        sys.executable,
        "-m",
        "mebench",
        "spot",
        "--live",
        str(path),
        "--seconds",
        str(seconds),
        "--json",
        str(lines),
    ]
    before = processor_seconds()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    own = processor_seconds() - before
    start, *_, end = map(json.loads, lines.read_text(encoding="utf-8").splitlines())
    print(
        f"live: {end['seconds']:.0f} s at {start['fps']:g} frames a second, {end['dropped']} dropped, delay stated {start['delay_ms']}, "
        f"measured {end['delay_ms']}, ms; {end['intervals']} intervals; {own:.0f} s of the processor"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="One's own video by the shipped model.")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the long video; 0 leaves it out")
    parser.add_argument("--height", type=int, default=720, help="of the long video in pixels; it is 16 to 9")
    parser.add_argument("--live", type=float, default=60.0, help="seconds; 0 leaves it out")
    parser.add_argument("--people", type=int, default=4, help="unseen ones; 0 leaves them out")
    parser.add_argument("--seed", type=int, default=3, help="of the unseen people")
    parser.add_argument("--models", nargs="+", default=["mean", "linear_spotter"])
    parser.add_argument("--folder", type=Path, help="for what is drawn; a temporary one by default")
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(dir=args.folder) as place:
        folder = Path(place)
        for name in args.models if args.people else ():
            (folder / name).mkdir()
            good &= card_holds(name, args.people, args.seed, folder / name)
        if args.minutes or args.live:
            frames = long_video(folder / "long.mp4", max(args.minutes, args.live / 60), args.seed, args.height)
        if args.minutes:
            peaks = [
                spotted(folder / "long.mp4", folder, what, frames) for what in ("without features", "with features")
            ]
            good &= max(peaks) <= LIMIT * GIB
        if args.live:
            live(folder / "long.mp4", args.live, folder)
    sys.exit(not good)


if __name__ == "__main__":
    main()
