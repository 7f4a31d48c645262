"""Spotting in a film as one would write it with OpenCV and dlib, without mebench: the other side of `spotting.py`.

    python plain_spot.py [--flow tvl1|farneback] [--gap .1] FILM

dlib's detector finds the face in every frame, upsampled once as its examples do; the first rectangle crops all frames to 128x128. Flow
at OpenCV's defaults goes from each frame to the one a gap of seconds later. The score of a frame is the mean length of its flow without
the median, smoothed by the gap; peaks above the mean and half of the way to the largest score are spotted, a gap to both sides. The
output is JSON: frames, intervals, seconds of the processor in all and of each stage.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import cv2
import dlib
import numpy as np
from scipy.signal import find_peaks

SIZE = 128

seconds: defaultdict[str, float] = defaultdict(float)


def timed(stage: str, function: Callable[..., Any], *args: Any) -> Any:
    begin = time.process_time()
    result = function(*args)
    seconds[stage] += time.process_time() - begin
    return result


def read_crops(film: str) -> tuple[list[np.ndarray], float]:
    """The face in each frame, and the frames a second."""
    video = cv2.VideoCapture(film)
    detector = dlib.get_frontal_face_detector()
    crops: list[np.ndarray] = []
    rectangle = None
    while True:
        is_frame, frame = timed("decode", video.read)
        if not is_frame:
            return crops, video.get(cv2.CAP_PROP_FPS)
        gray = timed("crop", cv2.cvtColor, frame, cv2.COLOR_BGR2GRAY)
        faces = timed("detect", detector, gray, 1)
        if rectangle is None:
            if not faces:
                raise SystemExit(f"no face in the first frame of {film}")
            rectangle = faces[0]
        rows = slice(max(rectangle.top(), 0), rectangle.bottom())
        columns = slice(max(rectangle.left(), 0), rectangle.right())
        crops.append(timed("crop", cv2.resize, gray[rows, columns], (SIZE, SIZE)))


def flow_by(name: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    if name == "tvl1":
        dual = cv2.optflow.DualTVL1OpticalFlow.create()
        return lambda first, second: dual.calc(first, second, None)
    return lambda first, second: cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 3, 15, 3, 5, 1.2, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Intervals of a film by OpenCV and dlib.")
    parser.add_argument("film")
    parser.add_argument("--flow", choices=("tvl1", "farneback"), default="tvl1")
    parser.add_argument("--gap", type=float, default=0.1, help="seconds between the two frames of a flow")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    crops, fps = read_crops(args.film)
    k = max(1, round(args.gap * fps))
    compute = flow_by(args.flow)
    scores = []
    for first, second in zip(crops, crops[k:]):
        flow = timed("flow", compute, first, second)
        length = np.linalg.norm(flow - np.median(flow, axis=(0, 1)), axis=2)
        scores.append(float(length.mean()))
    smooth = np.convolve(scores, np.ones(k) / k, mode="same")
    level = smooth.mean() + (smooth.max() - smooth.mean()) / 2
    peaks, _ = find_peaks(smooth, height=level, distance=k)
    intervals = [[int(peak) - k, int(peak) + k] for peak in peaks]
    found = {"frames": len(crops), "intervals": intervals, "seconds": time.process_time(), "stages": dict(seconds)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
