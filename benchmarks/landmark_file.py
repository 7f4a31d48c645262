"""What a landmark file that knows the tested people's labels is worth, on drawn faces.

    python benchmarks/landmark_file.py [--people 4] [--videos 5]

A predictor of dlib's format is fitted to the first frames of all videos: its 68 points are those of dlib's own file, turned about their
middle by an angle that is the emotion's. `method=logistic method.align=eyes` levels the eyes, so the face that a fold sees is turned by
the label. Printed are UF1 under LOSO with dlib's file and with this one, and what the row says. Needs the extra `landmarks`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import dlib
import numpy as np

from mebench.config import resolve
from mebench.features.face_detection import detect_faces
from mebench.features.gray_frames import to_gray
from mebench.features.landmarks import find_predictor, predicted_landmarks
from mebench.output.progress import Silent
from mebench.records.record import read_record
from mebench.runner.execute import execute_run
from mebench.runner.plan import Plan, make_plan

CONFIG = "title: Drawn faces without landmarks\nsummary: a plugin that only a benchmark uses\ntasks: [recognize]\n"
PARAMS = "from mebench.datasets.synthetic.params import Params\n\n__all__ = ['Params']\n"
DATASET = '''
from mebench.datasets.synthetic.dataset import Synthetic


class Unmarked(Synthetic):
    """Drawn people, of whom no landmarks are published."""

    def landmarks(self, video):
        return None


Plugin = Unmarked
'''


def write_dataset(root: Path) -> None:
    """Write the dataset's plugin."""
    folder = root / "datasets" / "unmarked"
    folder.mkdir(parents=True)
    for file, content in {"__init__.py": "", "config.yaml": CONFIG, "params.py": PARAMS, "dataset.py": DATASET}.items():
        (folder / file).write_text(content)


def fit_predictor(plan: Plan, file: Path) -> int:
    """Fit a predictor whose points are turned by the emotion; the number of faces that it has learnt."""
    honest = find_predictor()
    if honest is None:
        raise SystemExit('dlib\'s landmark file is missing: pip install "mebench[landmarks]"')
    data = plan.data
    images, faces = [], []
    for video in data.videos:
        (label,) = {data.scheme.of(expression) for expression in data.scheme.scored(video)}
        assert label is not None
        gray = np.ascontiguousarray(to_gray(data.find_home(video)[0].frames(video)[0], 0, video.key))
        box = detect_faces(gray, 1)[0]
        points = turned(predicted_landmarks(honest, gray, box), 2 * math.pi * label / len(data.scheme.classes))
        images.append(gray)
        faces.append([dlib.full_object_detection(dlib.rectangle(*box), [dlib.point(x, y) for x, y in points])])
    options = dlib.shape_predictor_training_options()
    options.oversampling_amount, options.nu, options.tree_depth = 20, 0.5, 5
    options.num_threads = 1
    dlib.train_shape_predictor(images, faces, options).save(str(file))
    return len(images)


def turned(points: Any, angle: float) -> list[tuple[int, int]]:
    """Points turned about their middle, in whole pixels."""
    middle = points.mean(axis=0)
    c, s = math.cos(angle), math.sin(angle)
    moved = (points - middle) @ np.array([[c, s], [-s, c]]) + middle
    return [(round(x), round(y)) for x, y in moved.tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(description="What a landmark file that knows labels is worth.")
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--videos", type=int, default=5, help="of each person, one expression each")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mebench-landmarks-") as scratch:
        write_dataset(Path(scratch, "plugins"))
        words = ["method=logistic", "method.align=eyes", "dataset=unmarked", "dataset.short_videos=true"]
        words += [f"dataset.subjects={args.people}", f"dataset.videos={args.videos}", "dataset.frames=60"]
        words += [f"plugins={scratch}/plugins", f"runs={scratch}/runs", f"cache={scratch}/cache", "bootstrap=0"]
        own = Path(scratch, "own.dat")
        n_faces = fit_predictor(make_plan(resolve(words)), own)
        print(f"fitted to {n_faces} faces, {own.stat().st_size >> 10} KiB")
        for name, more in (("dlib's file", []), ("a file that knows the labels", [f"method.landmarks={own}"])):
            outcome = execute_run(resolve([*words, *more]), Silent())
            uf1 = outcome.summary["recognition"]["scores"]["uf1"]["value"]
            record = read_record(outcome.folder)
            print(f"| {name} | {uf1:.4f} | landmark files: {', '.join(record.landmark_files) or '-'} |", flush=True)


if __name__ == "__main__":
    main()
