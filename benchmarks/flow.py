"""Every algorithm of optical flow against motion that is known, and how long a pair of 128x128 pixels takes it.

    python benchmarks/flow.py [--seeds 3] [--pairs 4] [--rounds 3] [--spotting 0]

Motion: the whole image shifted; a local bump of .1 to 2 pixels at its peak; a turn; faces of the synthetic dataset whose muscles
push the skin, where the generator knows by how much. Each pair is shown clean but for a sensor's noise, and with strong noise,
JPEG compression, and other light. Printed are mean lengths of the error in pixels where it moves (a tenth of the largest motion or
more) and where nothing moves (less than a hundredth of a pixel; the flow found there), and the mean error of the strain, over all
kinds of motion or for each; and milliseconds of the processor for a pair of drawn faces, by one thread, algorithm after algorithm
in each round; `tvl1_warm` computes the pairs of a video up to that one, and for the errors the flow after nine tenths of the motion first.
mebench's TV-L1 is also compared with OpenCV's: its flow of the same pairs, beside OpenCV's own flow of the same
images with a ten-thousandth of a gray level of noise, and its errors, pair by pair. Last, how much of a map is left when the same
frames, three apart, get a thousandth of a gray level of noise and the map is then brought to [0, 1] as MEAN does. `--spotting N`
adds the F1 of spotting micro-expressions with `optical_strain` on N drawn subjects (minutes).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.ndimage import map_coordinates

from mebench.features import Algorithm, FaceCrop, Flow, MinMax, Strain

SIZE, AROUND = 128, 64
Picture = NDArray[np.float64]
Motion = NDArray[np.float64]
Pair = tuple[str, Picture, Picture, Picture, Motion]
"""A kind of motion, the first picture, that after nine tenths of the motion, that after all of it, and the motion."""
Errors = dict[str, dict[str, dict[Algorithm, list[float]]]]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)
OURS: dict[Algorithm, Algorithm] = {
    "tvl1": "tvl1_opencv",
    "tvl1_eps05": "tvl1_opencv_eps05",
    "tvl1_warm": "tvl1_opencv",
}
WARM = 32
"""Pairs in a row that `tvl1_warm` computes: one that begins with no flow, as often as in a video, and those after it."""
NOISE = 1e-4
"""Gray levels: as good as none."""
BOX = (36, 36, 156, 156)
"""Of a drawn face in its frame of 192 pixels."""


def textures(seed: int) -> Picture:
    """Detail of two sizes, with `AROUND` pixels more on each side."""
    noise, side = np.random.default_rng(seed), SIZE + 2 * AROUND
    fine, coarse = (cv2.GaussianBlur(noise.normal(size=(side, side)), (0, 0), sigma) * sigma for sigma in (1.5, 5.0))
    return np.asarray(128 + 110 * fine + 90 * coarse)


def moved(texture: Picture, motion: Motion) -> Picture:
    """The image after each pixel of the first one has moved."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    from_x, from_y = x, y
    for _ in range(30):  # the place that leads here
        u, v = (map_coordinates(motion[..., k], [from_y, from_x], order=1, mode="nearest") for k in (0, 1))
        from_x, from_y = x - u, y - v
    return np.asarray(map_coordinates(texture, [from_y + AROUND, from_x + AROUND], order=5))


def motions() -> Iterator[tuple[str, Motion]]:
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    still, one = np.zeros((SIZE, SIZE)), np.ones((SIZE, SIZE))
    yield "shift .36 px", np.stack([0.3 * one, -0.2 * one], axis=-1)
    yield "shift 1.5 px", np.stack([1.2 * one, 0.9 * one], axis=-1)
    for peak in (0.1, 0.25, 0.5, 1.0, 2.0):
        bump = peak * np.exp(-((x - 60) ** 2 + (y - 72) ** 2) / (2 * 10.0**2))
        yield f"bump {peak:g} px", np.stack([0.8 * bump, -0.6 * bump], axis=-1)
    yield "turn 1 degree", np.radians(1.0) * np.stack([SIZE / 2 - y, x - SIZE / 2], axis=-1)
    yield "nothing", np.stack([still, still], axis=-1)


def faces(pairs: int) -> Iterator[Pair]:
    """Drawn faces before and at the apex of an expression that moves nothing but the skin."""
    from mebench.datasets.synthetic import render
    from mebench.datasets.synthetic.dataset import Synthetic, SyntheticFrames
    from mebench.datasets.synthetic.params import Params

    from mebench.features.action_units import PARTS_LIPS, UNITS

    params = Params(subjects=pairs, videos=1, head=0.0, rotation=0.0, yaw=0.0, noise=0.0, blinks=0.0)
    scale = SIZE / (BOX[2] - BOX[0])
    for subject, video in enumerate(Synthetic(params).videos()):
        micro = [e for e in video.expressions if e.kind == "micro"]
        if not micro:
            continue
        drawn = SyntheticFrames(params, subject, 0)
        state, face = drawn.state(micro[0].peak), drawn.subject()
        parts = [n for n, unit in enumerate(UNITS) if unit in PARTS_LIPS]
        strengths = state.strengths.copy()
        strengths[parts] = 0
        pose = np.array([[1.0, 0, 0], [0, 1.0, 0]])
        apex = replace(state, strengths=strengths, blink=0.0, pose=pose, yaw=0.0, pitch=0.0, gain=1.0, tilt=0.0)
        still, almost = (replace(apex, strengths=part * strengths) for part in (0.0, 0.9))
        seen = [render.draw(face, s).mean(axis=2).clip(0, 255) for s in (still, almost, apex)]
        push, _, _ = render._summed(face, face.strengths(strengths))
        assert push is not None
        y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
        places = np.stack([(x + 0.5) / scale - 0.5 + BOX[0], (y + 0.5) / scale - 0.5 + BOX[1]], axis=-1).reshape(-1, 2)
        motion = (render._carried(places, push) - places).reshape(SIZE, SIZE, 2) * scale
        a, b, c = (cv2.resize(p[BOX[1] : BOX[3], BOX[0] : BOX[2]], (SIZE, SIZE)).astype(np.float64) for p in seen)
        yield "drawn faces", a, b, c, motion


def shown(picture: Picture, how: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """The picture as a camera records it."""
    noise = 4.0 if how == "strong noise" else 1.0
    gray: NDArray[np.uint8] = np.rint(picture + random.normal(0, noise, picture.shape)).clip(0, 255).astype(np.uint8)
    if how == "compression":
        packed = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, 75])[1]
        gray = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    return gray


CONDITIONS = ("clean", "strong noise", "compression", "other light")


def pairs_of(seeds: int, drawn: int) -> Iterator[Pair]:
    for seed in range(seeds):
        texture = textures(seed)
        first = texture[AROUND:-AROUND, AROUND:-AROUND]
        for name, motion in motions():
            yield name, first, moved(texture, 0.9 * motion), moved(texture, motion), motion
    yield from faces(drawn)


def strain(motion: NDArray[Any]) -> NDArray[Any]:
    return Strain("central").apply(motion, None)[..., 2]


def accuracy(seeds: int, drawn: int) -> Errors:
    """By measure and by kind of motion, or of condition, the errors of each algorithm."""
    found: Errors = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    across = 1 + 0.06 * np.linspace(-1, 1, SIZE)[None, :]
    for number, (name, a, earlier, b, motion) in enumerate(pairs_of(seeds, drawn)):
        length = np.linalg.norm(motion, axis=-1)
        moves, still = length > max(0.1 * length.max(), 0.01), length < 0.01
        for how in CONDITIONS:
            random = np.random.default_rng([number, CONDITIONS.index(how)])
            second = b * 1.04 * across + 3 if how == "other light" else b
            images = shown(a, how, random), shown(second, how, random)
            before = earlier * 1.04 * across + 3 if how == "other light" else earlier
            video = shown(a, how, random), images[0], shown(before, how, random), images[1]
            for algorithm in ALGORITHMS:
                *_, flow = Flow(algorithm, k=2).maps(video) if "warm" in algorithm else [Flow(algorithm).pair(*images)]
                error = np.linalg.norm(flow - motion, axis=-1)
                # Light that changes outweighs all else: it has a row of its own.
                for key in (how,) if how == "other light" else (name, how):
                    if moves.any():
                        found["where it moves"][key][algorithm].append(float(error[moves].mean()))
                        found["strain"][key][algorithm].append(float(np.abs(strain(flow) - strain(motion)).mean()))
                    if still.any():
                        found["where nothing moves"][key][algorithm].append(float(error[still].mean()))
    return found


def beside_opencv(found: Errors) -> None:
    """Whether mebench's TV-L1 errs more than OpenCV's: the mean difference of a pair's error, all conditions together."""
    print(
        "\n| mebench's error less OpenCV's, px | mean of all pairs | 95 % interval | largest of a pair |\n|---|---|---|---|"
    )
    for measure, kinds in found.items():
        for own, other in OURS.items():
            more = [np.subtract(kinds[how][own], kinds[how][other]) for how in CONDITIONS]
            of_pairs = np.mean(more, axis=0)
            mean, half = of_pairs.mean(), stats.t.ppf(0.975, len(of_pairs) - 1) * stats.sem(of_pairs)
            around = f"[{mean - half:+.5f}, {mean + half:+.5f}]"
            print(f"| {measure}: `{own}` | {mean:+.5f} | {around} | {of_pairs.max():+.5f} |")


def crops(n: int) -> list[tuple[NDArray[np.uint8], int]]:
    """Videos of drawn faces as a run crops them, from up to `WARM` pairs before onset and apex to these; the gap between the two."""
    from mebench.datasets.synthetic.dataset import Synthetic
    from mebench.datasets.synthetic.params import Params

    dataset, found = Synthetic(Params(subjects=n, videos=1)), []
    for video in dataset.videos():
        frames = dataset.frames(video)
        for expression in [e for e in video.expressions if e.kind == "micro"][-1:]:
            some = [frames[i] for i in range(max(expression.onset - WARM + 1, 0), expression.peak + 1)]
            found.append((np.array(list(FaceCrop().cut(iter(some), BOX))), expression.peak - expression.onset))
    return found


def speed(n: int, rounds: int) -> None:
    videos = crops(n)
    pairs = [(video[-1 - gap], video[-1]) for video, gap in videos]
    cv2.setNumThreads(1)
    spent: dict[Algorithm, list[float]] = {algorithm: [] for algorithm in ALGORITHMS}
    flows: dict[Algorithm, list[NDArray[np.float32]]] = {}
    for algorithm in ALGORITHMS:
        Flow(algorithm).pair(*pairs[0])  # compiled
    for _ in range(rounds):
        for algorithm in ALGORITHMS:
            flow, begin = Flow(algorithm), time.process_time()
            if "warm" in algorithm:
                found = [list(Flow(algorithm, k=gap).maps(video)) for video, gap in videos]
            else:
                found = [[flow.pair(*pair)] for pair in pairs]
            spent[algorithm].append((time.process_time() - begin) / sum(map(len, found)) * 1000)
            flows[algorithm] = [of_video[-1] for of_video in found]
    print(
        "| | ms a pair | times as fast as OpenCV's | its difference to OpenCV's, px: median, p95, p99 | OpenCV's to itself |"
    )
    print("|---|---|---|---|---|")
    random = np.random.default_rng(0)
    for algorithm in ALGORITHMS:
        line = [f"`{algorithm}`", f"{np.median(spent[algorithm]):.2f}"]
        if algorithm in OURS:
            other = OURS[algorithm]
            ratio = np.median(np.array(spent[other]) / spent[algorithm])
            theirs = cv2.optflow.DualTVL1OpticalFlow.create(epsilon=0.05 if "eps05" in other else 0.01)
            noisy = (
                [((i + random.normal(0, NOISE, i.shape)) / 255).astype(np.float32) for i in pair] for pair in pairs
            )
            again = [theirs.calc(first, second, None) for first, second in noisy]
            line += [f"{ratio:.1f}", spread(flows[algorithm], flows[other]), spread(again, flows[other])]
        print(f"| {' | '.join(line + [''] * (5 - len(line)))} |")
    print(f"`tvl1_warm` to `tvl1`, px: median, p95, p99: {spread(flows['tvl1_warm'], flows['tvl1'])}", flush=True)


def spread(some: list[NDArray[Any]], others: list[NDArray[Any]]) -> str:
    lengths = np.linalg.norm(np.array(some) - np.array(others), axis=-1)
    return ", ".join(f"{np.percentile(lengths, p):.4f}" for p in (50, 95, 99))


def conditioning(n: int) -> None:
    """The effect of min-max scaling on OpenCV's flow and strain under noise, and the pixels that it depends on."""
    from mebench.datasets.synthetic.dataset import Synthetic
    from mebench.datasets.synthetic.params import Params

    dataset, random = Synthetic(Params(subjects=n, videos=1)), np.random.default_rng(0)
    names = (
        "correlation",
        "without 8 pixels of edge",
        "change of u's range",
        "extremes of u and v within 8 pixels of the edge",
        "part of u's range inside",
    )
    print(f"\n| min-max | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    inner, scale = (slice(8, -8), slice(8, -8)), MinMax()
    for algorithm, epsilon in (("tvl1_opencv", 0.01), ("tvl1_opencv_eps05", 0.05)):
        theirs, rows = cv2.optflow.DualTVL1OpticalFlow.create(epsilon=epsilon), []
        for video in dataset.videos():
            frames = dataset.frames(video)
            for first in (20, 90, 150, 210):
                pair = list(FaceCrop().cut(iter([frames[first], frames[first + 3]]), BOX))
                noisy = [((image + random.normal(0, 1e-3, image.shape)) / 255).astype(np.float32) for image in pair]
                a, b = (Strain().apply(theirs.calc(one, other, None), None) for one, other in (pair, noisy))
                whole, within = (
                    np.corrcoef(scale.apply(a[at], None).ravel(), scale.apply(b[at], None).ravel())[0, 1]
                    for at in (..., inner)
                )
                places = [np.unravel_index(at(a[..., k]), a.shape[:2]) for k in (0, 1) for at in (np.argmin, np.argmax)]
                edge = [min(y, x, SIZE - 1 - y, SIZE - 1 - x) < 8 for y, x in places]
                ranges = np.ptp(a[..., 0]), np.ptp(b[..., 0]), np.ptp(a[inner][..., 0])
                rows.append([whole, within, abs(ranges[1] / ranges[0] - 1), np.mean(edge), ranges[2] / ranges[0]])
        print(f"| `{algorithm}` | {' | '.join(f'{value:.3f}' for value in np.mean(rows, axis=0))} |")


def spotting(subjects: int) -> None:
    """F1 of `optical_strain` with each flow, at every third frame."""
    print("\n| | F1 of spotting micro-expressions |\n|---|---|")
    for algorithm in ALGORITHMS:
        with tempfile.TemporaryDirectory() as folder:
            words = ["method=optical_strain", "method.variant=peaks", f"method.flow={algorithm}", "method.stride=3"]
            words += ["dataset=synthetic", f"dataset.subjects={subjects}", "bootstrap=0", f"cache={folder}/store"]
            run = [
                sys.executable,
                "-m",
                "mebench",
                "run",
                *words,
                f"runs={folder}/runs",
                "--json",
                f"{folder}/out.json",
            ]
            subprocess.run(run, cwd=folder, check=True, capture_output=True)
            summary = json.loads((Path(folder) / "out.json").read_text())
        f1 = summary["spotting"]["micro"]["scores"]["f1"]
        print(f"| `{algorithm}` | {f1['value'] if isinstance(f1, dict) else f1:.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Optical flow against motion that is known.")
    parser.add_argument("--seeds", type=int, default=3, help="textures")
    parser.add_argument("--pairs", type=int, default=4, help="drawn faces")
    parser.add_argument("--rounds", type=int, default=3, help="of the clock")
    parser.add_argument("--spotting", type=int, default=0, help="drawn subjects to spot on")
    args = parser.parse_args()
    speed(args.pairs, args.rounds)
    found = accuracy(args.seeds, args.pairs)
    for measure, kinds in found.items():
        print(f"\n| {measure}, px | {' | '.join(f'`{a}`' for a in ALGORITHMS)} |\n|---|{'---|' * len(ALGORITHMS)}")
        for name, errors in kinds.items():
            print(f"| {name} | {' | '.join(f'{np.mean(errors[a]):.3f}' for a in ALGORITHMS)} |")
    beside_opencv(found)
    conditioning(5)
    if args.spotting:
        spotting(args.spotting)


if __name__ == "__main__":
    main()
