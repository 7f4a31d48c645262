"""mebench's features and those of a plain program, from equal frames with equal settings, measured in turn.

    python benchmarks/features.py [--videos 4] [--frames 200] [--workers 2] [--rounds 1] [--size 1280x720]

Drawn faces move in JPEG frames at 200 frames per second. Each round runs `plain_features.py` and then
`mebench features compute` with an empty store, each as a whole process. Printed are frames per second, seconds of the processor in all
processes together, which other work on the machine changes less, the peak of the memory that the processes have for themselves
(USS), the median and the largest difference of the features, where the time goes, and how long it takes to read all features from the
store. README.md says what is equal and what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from memory import watch

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
FPS, K = 200.0, 20
FACE = 7 / 9
"""Side of the drawn square, in heights of the frame, in whose middle it is."""

PARAMS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Params:
    root: str
"""
CONFIG = "title: Folders\nsummary: JPEG frames of drawn faces\ntasks: [spot]\n"
DATASET = '''
from pathlib import Path

import numpy as np

from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.folders.params import Params as _Params
from mebench.frames import FolderFrames


class Folders(Dataset):
    """One subject a folder. Their expressions are of no interest here, but a plan needs some."""

    Params = _Params
    revision = "1"
    tasks = frozenset({"spot"})
    schemes = {"native": Scheme.native(("others",))}

    def videos(self):
        marks = (Expression(1, 5, "micro", 3, "others"),)
        folders = sorted(Path(self.params.root).iterdir())
        return [Video("folders", f.name, "1", 200.0, len(list((f / "frames").iterdir())), marks) for f in folders]

    def frames(self, video):
        return FolderFrames(Path(self.params.root) / video.subject / "frames", color=False)

    def landmarks(self, video):
        return np.load(Path(self.params.root) / video.subject / "frame_landmarks.npy")


Plugin = Folders
'''


def draw(root: Path, videos: int, frames: int, width: int, height: int) -> None:
    """The frames, their landmarks in pixels of the first frame, and those in pixels of the face crop."""
    from mebench.datasets.synthetic.dataset import Synthetic
    from mebench.datasets.synthetic.params import Params

    from mebench.features import FaceCrop
    from mebench.features.faces import box_to_crop, map_points
    from mebench.frames import FolderFrames

    side = round(FACE * height)
    dataset = Synthetic(Params(subjects=videos, videos=1, frames=max(frames, 300), fps=FPS, size=side))
    x, y = (width - side) // 2, (height - side) // 2
    room = cv2.GaussianBlur(np.random.default_rng(0).normal(90, 60, (height, width, 3)), (0, 0), 9)
    for video in dataset.videos():
        folder = root / video.subject
        (folder / "frames").mkdir(parents=True)
        drawn = dataset.frames(video)
        for index in range(frames):
            frame = room.clip(0, 255).astype(np.uint8)
            frame[y : y + side, x : x + side] = drawn[index]
            cv2.imwrite(str(folder / "frames" / f"{index:05d}.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, 95])
        points = np.asarray(dataset.landmarks(video)) + np.array([x, y])
        np.save(folder / "frame_landmarks.npy", points)
        box = FaceCrop().locate(FolderFrames(folder / "frames", color=False)).box
        np.save(folder / "landmarks.npy", np.rint(map_points(points, box_to_crop(box, 128))).astype(int))


def write_plugin(root: Path) -> Path:
    folder = root / "datasets" / "folders"
    folder.mkdir(parents=True)
    files = {"__init__.py": "", "params.py": PARAMS, "config.yaml": CONFIG, "dataset.py": DATASET}
    for name, content in files.items():
        (folder / name).write_text(content)
    return root


def measured(command: list[str], folder: Path) -> tuple[float, float, float, str]:
    """Wall seconds, seconds of the processor, peak memory in bytes and standard output of a process and its children."""
    start, spent = time.perf_counter(), sum(os.times()[2:4])
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said)
        peak, _ = watch(process)
        seconds, spent = time.perf_counter() - start, sum(os.times()[2:4]) - spent
        if process.returncode:
            raise SystemExit(f"{command[1]} failed with exit code {process.returncode}")
        said.seek(0)
        return seconds, spent, peak, said.read()


def words_of(data: Path, plugins: Path, cache: Path, workers: int) -> list[str]:
    settings = ["method.flow=tvl1", "method.stride=1", "method.regions=released_code", f"workers={workers}"]
    return ["method=mean", *settings, "dataset=folders", f"dataset.root={data}", f"plugins={plugins}", f"cache={cache}"]


def read_all(words: list[str]) -> tuple[dict[str, np.ndarray], float]:
    """The features of each video, and the seconds to open the store, check them and read every number."""
    from mebench.config import resolve
    from mebench.features.pipeline import video_source
    from mebench.runner.plan import make_plan

    plan = make_plan(resolve(words))
    chain = next(c for c in plan.features.chains["folders"] if c.scope == "frames")
    start, found = time.perf_counter(), {}
    store = plan.features.store
    for video in plan.data.videos:
        found[video.subject] = np.array(
            video_source(store, plan.data.dataset, plan.config.dataset, video).frame_features(chain)
        )
    return found, time.perf_counter() - start


def stages(words: list[str], cache: Path) -> dict[str, float]:
    """Seconds of the processor of one process in each stage of one video, in a store of its own."""
    from mebench.config import resolve
    from mebench.features import FeatureStore, tvl1
    from mebench.features.faces import FaceCrop
    from mebench.features.pipeline import VideoSource
    from mebench.runner.plan import make_plan

    plan = make_plan(resolve(words))
    chain = next(c for c in plan.features.chains["folders"] if c.scope == "frames")
    source = VideoSource(FeatureStore(cache), plan.data.dataset, plan.config.dataset, plan.data.videos[0])
    spent: defaultdict[str, float] = defaultdict(float)
    locate, flow = FaceCrop.locate, tvl1.tvl1
    tvl1.load_compiled_flow()

    def timed(stage: str, function: Callable[..., Any], *args: Any) -> Any:
        start = time.process_time()
        result = function(*args)
        spent[stage] += time.process_time() - start
        return result

    with mock.patch.object(FaceCrop, "locate", lambda self, *args: timed("detect", locate, self, *args)):
        timed("decode, crop, write", source.make_crops, chain)
    spent["decode, crop, write"] -= spent["detect"]
    with mock.patch.object(tvl1, "tvl1", lambda *args: timed("flow", flow, *args)):
        timed("strain, scale, regions, write", source.feature, chain, None)
    spent["strain, scale, regions, write"] -= spent["flow"]
    return dict(spent)


def told(number: int, who: str, frames: int, seconds: float, spent: float, peak: float) -> str:
    return (
        f"round {number}: {who:8}{frames / seconds:7.2f} frames/s, {spent:.1f} s of the processor, {peak / MIB:.0f} MiB"
    )


def shares(spent: dict[str, float], frames: int) -> str:
    whole = sum(spent.values())
    return ", ".join(f"{name} {1000 * s / frames:.1f} ms a frame ({s / whole:.0%})" for name, s in spent.items())


def main() -> None:
    parser = argparse.ArgumentParser(description="mebench's features against a plain program, in turn.")
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--frames", type=int, default=200, help="of each video; more than 20")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--size", default="1280x720", help="width and height of the frames")
    args = parser.parse_args()

    frames = args.videos * args.frames
    cores = len(os.sched_getaffinity(0))
    print(
        f"{platform.machine()}, {cores} cores; {args.videos} videos of {args.frames} frames, {args.size}",
        flush=True,
    )
    ratios, of_processor, warm_ratios = [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        data, out = root / "data", root / "plain"
        out.mkdir()
        draw(data, args.videos, args.frames, *map(int, args.size.split("x")))
        plugins = write_plugin(root / "plugins")
        for number in range(1, args.rounds + 1):
            plain = [sys.executable, str(HERE / "plain_features.py"), f"--k={K}", f"--out={out}"]
            one, one_spent, one_peak, said = measured([*plain, *map(str, sorted(data.iterdir()))], root)
            print(told(number, "plain", frames, one, one_spent, one_peak), flush=True)
            print(f"  where the time goes: {shares(json.loads(said.splitlines()[-1])['stages'], frames)}", flush=True)

            words = words_of(data, plugins, root / f"store{number}", args.workers)
            compute = [sys.executable, "-m", "mebench", "features", "compute", *words]
            two, two_spent, two_peak, _ = measured(compute, root)
            print(told(number, "mebench", frames, two, two_spent, two_peak), flush=True)
            features, warm = read_all(words)
            differences = [
                np.abs(np.load(out / f"{name}.npy") - mine.astype(np.float64)) for name, mine in features.items()
            ]
            median, largest = (float(f(np.concatenate(differences))) for f in (np.median, np.max))
            print(
                f"  from the store {frames / warm:,.0f} frames/s; difference of the features: median {median:.4f}, "
                f"largest {largest:.4f}"
            )
            ratios.append(one / two)
            of_processor.append(one_spent / two_spent)
            warm_ratios.append(two / warm)
        spent = stages(words, root / "stages")
        print(f"  where the time of one worker goes: {shares(spent, args.frames)}")
    print(
        f"mebench is {statistics.median(ratios):.2f} times as fast, takes {statistics.median(of_processor):.2f} times less of the "
        f"processor, and is {statistics.median(warm_ratios):,.0f} times faster once stored (median of {len(ratios)})"
    )


if __name__ == "__main__":
    main()
