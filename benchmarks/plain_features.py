"""MEAN's spotting features as one would write them from the paper, without mebench: the other side of `features.py`.

    python plain_features.py --k K --out OUT FOLDER [FOLDER ...]

Each FOLDER holds `frames/*.jpg` of one video in the order of their names and `landmarks.npy`, 68 points in pixels of the
face crop. The face is looked for in every frame; the rectangle of the first one crops all frames to 128x128. TV-L1 flow at
OpenCV's defaults from frame i to frame i + k, strain by shifting data frames, each channel scaled to 0 to 1, eyes and mouth
with a margin of 12 pixels, 42x42x3, in double precision. `OUT/<name of the folder>.npy` are the features; the last line of
the output is JSON: frames, seconds in all and of each stage.

Liong, See and Chan: Spot-then-Recognize: A Micro-Expression Analysis Network for Seamless Evaluation of Long Videos, Signal
Processing: Image Communication 110, 116875, 2023.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
import pandas as pd

SIZE, MARGIN = 128, 12

seconds: defaultdict[str, float] = defaultdict(float)


def timed(stage: str, function: Callable[..., Any], *args: Any) -> Any:
    begin = time.perf_counter()
    result = function(*args)
    seconds[stage] += time.perf_counter() - begin
    return result


def read_crops(folder: Path, detector: Any) -> list[np.ndarray]:
    rectangle, crops = None, []
    for file in sorted((folder / "frames").glob("*.jpg")):
        gray = timed("decode", cv2.imread, str(file), cv2.IMREAD_GRAYSCALE)
        faces = timed("detect", detector, gray, 1)
        if rectangle is None:
            if not faces:
                raise SystemExit(f"no face in {file}")
            rectangle = faces[0]
        rows = slice(max(rectangle.top(), 0), rectangle.bottom())
        columns = slice(max(rectangle.left(), 0), rectangle.right())
        crops.append(timed("crop", cv2.resize, gray[rows, columns], (SIZE, SIZE)))
    return crops


def strain_of(*flow: np.ndarray) -> np.ndarray:
    u, v = map(pd.DataFrame, flow)
    ux, uy = u - u.shift(1, axis=1), u - u.shift(1, axis=0)
    vx, vy = v - v.shift(1, axis=1), v - v.shift(1, axis=0)
    return np.asarray(np.sqrt((ux**2 + vy**2 + 0.5 * (uy + vx) ** 2).fillna(0)))


def scaled(x: np.ndarray) -> np.ndarray:
    return np.asarray((x - x.min()) / (x.max() - x.min() + 1e-12))


def regions_of(points: np.ndarray) -> list[tuple[slice, slice]]:
    (left, right), (top, low) = points[[17, 26], 0], (points[[19, 24], 1].min(), points[[41, 46], 1].max())
    boxes = [(left, top, right, low), (points[60, 0], points[50, 1], points[64, 0], points[57, 1])]
    return [
        (slice(max(y0 - MARGIN, 0), min(y1 + MARGIN, SIZE)), slice(max(x0 - MARGIN, 0), min(x1 + MARGIN, SIZE)))
        for x0, y0, x1, y1 in boxes
    ]


def features_of(crops: list[np.ndarray], points: np.ndarray, k: int) -> np.ndarray:
    tvl1, regions, features = cv2.optflow.DualTVL1OpticalFlow.create(), regions_of(points), []
    for first, second in zip(crops, crops[k:]):
        flow = timed("flow", tvl1.calc, first, second, None).astype(np.float64)
        u, v = flow[..., 0], flow[..., 1]
        begin = time.perf_counter()
        maps = np.stack([scaled(u), scaled(v), scaled(strain_of(u, v))], axis=-1)
        features.append(np.concatenate([cv2.resize(maps[region], (42, 21)) for region in regions]))
        seconds["strain, scale, regions"] += time.perf_counter() - begin
    return np.array(features)


def main() -> None:
    parser = argparse.ArgumentParser(description="MEAN's spotting features, plainly.")
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--k", type=int, required=True, help="frames between the two of a pair")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    start, frames, detector = time.perf_counter(), 0, dlib.get_frontal_face_detector()
    for folder in args.folders:
        crops = read_crops(folder, detector)
        features = features_of(crops, np.load(folder / "landmarks.npy"), args.k)
        np.save(args.out / f"{folder.name}.npy", features)
        frames += len(crops)
    print(json.dumps({"frames": frames, "seconds": time.perf_counter() - start, "stages": seconds}))


if __name__ == "__main__":
    main()
