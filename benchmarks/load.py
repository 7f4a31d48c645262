"""Time and memory of commands where there is much: runs, records, videos, frames, predictions.

    python benchmarks/load.py runs [--sizes 250 500 1000 2000]
    python benchmarks/load.py records [--sizes 250 500 1000 2000]
    python benchmarks/load.py people [--sizes 30 250 1000]
    python benchmarks/load.py videos [--sizes 375 750 1500 3000]
    python benchmarks/load.py frames [--sizes 62500 125000 250000 500000]
    python benchmarks/load.py long [--sizes 37500 75000 150000 300000]
    python benchmarks/load.py film [--sizes 1500 3000 6000 12000]
    python benchmarks/load.py predictions [--sizes 125000 250000 500000 1000000]

Each command is a program of its own. Printed are its seconds of the processor, with all processes that it has started, and the most
memory of one of them; the last column is the exponent of the growth from the size before: 1 where twice as much takes twice as long.
Fixed costs, such as imports, make it smaller.

- `runs` copies one small finished run under other seeds, and lists, verifies, sends to MLflow and puts all into a leaderboard.
- `records` copies the committed records with other settings (as `leaderboard.py`), each a row that is compared with all others.
- `people` plans, runs, resumes, shows and scores a method without features on ten drawn videos a person, each person left out
  once, and puts the run on a board. `planning.py` has what one fold of them costs.
- `videos` runs a method without features on drawn annotations of 30 people, and describes data and run.
- `frames` does so for 100 videos of many frames, whose scores stand in the report.
- `long` runs a method whose score is the strain of flow in crops of 48x48 pixels, computed and stored, on one long video beside
  three short ones, and reports it.
- `film` spots in one film of a drawn face, 300 frames repeated, with the default model and one worker, without stored features.
- `predictions` scores a table of spotted intervals of both kinds, with emotions and confidences, in 2,000 videos of 60 people; there are a
  fifth as many truths, and half of the predictions lie near one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pandas as pd
from leaderboard import RECORDS, draw_records

sys.path.append(str(Path(__file__).parents[1]))

from mebench.runs import RunFolder
from tests.helpers.drawn_once import draw_once
from tests.helpers.own_videos import moving, write
from tests.helpers.run_folders import make_run

VIDEOS_OF_PERSON = 10
SCENE = 300
"""Frames of a film that are repeated."""
CONFIG = "title: For load\nsummary: a plugin that only a benchmark uses\ntasks: [spot]\n"
PARAMS = "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Params:\n"
PARAMS_OF_METHOD = f"{PARAMS}    p: float = 0.6\n"
PARAMS_OF_DATASET = f"{PARAMS}    videos: int = 300\n    frames: int = 300\n    people: int = 30\n"
METHOD = '''
import numpy as np
from mebench.core import Method
from mebench.methods.walk.params import Params as _Params


class Walk(Method):
    """A random walk for each video."""

    Params = _Params
    tasks = frozenset({"spot"})

    def fit_closed_form(self, train, valid):
        """There is nothing to learn."""

    def score_frames(self, video):
        steps = np.random.default_rng(video.seed).normal(size=video.n_frames)
        return (np.convolve(steps, np.ones(15) / 15, mode="same"))[:, None]


Plugin = Walk
'''
DATASET = '''
from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.many.params import Params as _Params


class Many(Dataset):
    """A micro-expression every 300 frames."""

    Params = _Params
    revision = "1"
    tasks = frozenset({"spot"})
    schemes = {"native": Scheme.native(("others",))}

    def videos(self):
        n_frames = self.params.frames
        marks = range(100, n_frames - 20, 300)
        people = self.params.people
        return [
            Video("many", f"{n % people:02d}", f"{n:05d}", 30.0, n_frames, expressions_of(n, marks))
            for n in range(self.params.videos)
        ]


def expressions_of(n, marks):
    """As long as the number of the video says, so that k' depends on who trains."""
    return tuple(Expression(i, i + 8 + n % 5, "micro", i + 5, "others") for i in marks)


Plugin = Many
'''

METHOD_OF_FEATURES = '''
import numpy as np
from mebench.core import Chain, Method
from mebench.features import BlockMeans, FaceCrop, Flow, Strain
from mebench.methods.strained.params import Params as _Params


class Strained(Method):
    """The mean strain of each frame."""

    Params = _Params
    tasks = frozenset({"spot"})

    def chains(self, timing):
        return {"blocks": Chain("blocks", (FaceCrop(size=48), Flow("farneback", k=timing.k), Strain(), BlockMeans(2, 2)))}

    def fit_closed_form(self, train, valid):
        """There is nothing to learn."""

    def score_frames(self, video):
        scores = np.full((video.n_frames, 1), np.nan)
        strain = video.features("blocks")[..., 2].astype(np.float64)
        scores[: len(strain), 0] = strain.mean(axis=(1, 2))
        return scores


Plugin = Strained
'''
DATASET_OF_PIXELS = '''
from mebench.annotations.drawn import draw_face
from mebench.core import Dataset, Expression, Scheme, Video
from mebench.datasets.long.params import Params as _Params

SHORT = 1000


class Faces:
    """A drawn face that moves a little, in sixteen pictures."""

    def __init__(self, n, person):
        self.n, self.person = n, person
        self.pictures = [draw_face(step / 8, person, step) for step in range(8)]

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self.pictures[abs(index % 16 - 8) % 8]

    def fingerprint(self):
        return f"{self.n} pictures of {self.person}"


class Long(Dataset):
    """One long video and three short ones, with a micro-expression every 300 frames."""

    Params = _Params
    revision = "1"
    tasks = frozenset({"spot"})
    schemes = {"native": Scheme.native(("others",))}

    def videos(self):
        lengths = [self.params.frames, SHORT, SHORT, SHORT]
        return [Video("long", f"{n}", "take", 30.0, length, marks_of(length)) for n, length in enumerate(lengths)]

    def frames(self, video):
        return Faces(video.n_frames, int(video.subject))


def marks_of(length):
    return tuple(Expression(i, i + 10, "micro", i + 5, "others") for i in range(100, length - 20, 300))


Plugin = Long
'''


class Spent(NamedTuple):
    """What a program has used: seconds of the processor, and the most MiB of one process."""

    seconds: float
    mib: float


def program(folder: Path, *words: str) -> Spent:
    """What a command of mebench uses, in a folder. Features are stored there, too, where no setting says otherwise.

    Raises:
        SystemExit: the command fails.
    """
    with (folder / "errors.txt").open("w") as errors:
        started = subprocess.Popen(
            [sys.executable, "-m", "mebench", *words],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "XDG_CACHE_HOME": str(folder / "home")},
        )
        _, status, used = os.wait4(started.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"mebench {' '.join(words)} ended with {code}: {(folder / 'errors.txt').read_text()}")
    return Spent(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def of_runs(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """Commands that read all runs of a folder."""
    runs = folder / "runs"
    made = make_run(folder / "one", sealed=True)
    for seed in range(n):
        copy = RunFolder(Path(shutil.copytree(made.path, runs / f"spotter-{seed:05d}")))
        (copy.path / "DONE").unlink()
        stored = copy.read_json("config.json")
        stored["config"]["method"]["p"] = round(0.1 + seed / 1e5, 5)
        copy.write_json("config.json", {**stored, "key": f"{seed:016x}"})
        copy.finish()
    yield "runs list", program(folder, "runs", "list", "--runs", "runs")
    yield "runs show of one", program(folder, "runs", "show", "spotter-00000", "--runs", "runs")
    yield "runs verify of one", program(folder, "runs", "verify", "spotter-00000", "--runs", "runs")
    tracking = ("track", "sync", "--runs", "runs", "--tracking", "sqlite:///mlflow.db")
    yield "track sync", program(folder, *tracking)
    yield "track sync again", program(folder, *tracking)


def of_records(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """Commands that read all records of a folder."""
    draw_records(n, folder / "board" / "records")
    for file in ("published.csv", "beside.yaml"):
        shutil.copy(RECORDS.parent / file, folder / "board")
    known = json.loads((RECORDS.parent / "registry.json").read_text(encoding="utf-8"))
    known["records"] = {record.name: "" for record in (folder / "board" / "records").iterdir()}  # else none has a rank
    (folder / "board" / "registry.json").write_text(json.dumps(known), encoding="utf-8")
    build = ("leaderboard", "build", "--runs", "none", "--out", "board")
    yield "leaderboard build", program(folder, *build)
    yield "leaderboard build again", program(folder, *build)


def of_people(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """Commands whose work follows the number of people: each is left out once."""
    write_plugins(folder / "plugins")
    words = ["method=walk", "dataset=many", f"dataset.people={n}", f"dataset.videos={VIDEOS_OF_PERSON * n}"]
    words += ["--plugins", "plugins", "runs=runs", f"cache={folder / 'cache'}"]
    yield "run --dry-run", program(folder, "run", "--dry-run", *words)
    yield "run", program(folder, "run", *words, "tracking=off", "workers=2")
    (run,) = RunFolder.list_runs(folder / "runs")
    truth, predictions = folder / "truth.csv", folder / "predictions.csv"
    subjects = run.read_table("videos.parquet").set_index("video")["subject"]
    for name, file in (("truth.parquet", truth), ("predictions.parquet", predictions)):
        table = run.read_table(name)
        table.assign(subject=table["video"].map(subjects)).drop(columns="probabilities", errors="ignore").to_csv(file)
    yield "runs show", program(folder, "runs", "show", run.id, "--runs", "runs")
    yield "score", program(folder, "score", "--truth", str(truth), "--predictions", str(predictions))
    yield "leaderboard build", program(folder, "leaderboard", "build", "--runs", "runs", "--out", "board")
    (run.path / "DONE").unlink()
    for fold in sorted(run.path.glob("folds/*"))[: n // 2]:
        shutil.rmtree(fold)
    yield "resume of half", program(folder, "resume", run.id, "--runs", "runs", "tracking=off", "workers=2")


def of_videos(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """Commands that read all annotations, or all answers."""
    words = ["dataset=many", f"dataset.videos={n}", "dataset.frames=300"]
    yield from _of_walk(folder, words)


def of_frames(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """The same, of a hundred long videos."""
    yield from _of_walk(folder, ["dataset=many", "dataset.videos=100", f"dataset.frames={n // 100}"])


def of_long(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """A run whose features come from the pixels of one long video, with these stored, and its report."""
    write_plugins(folder / "plugins")
    words = ["method=strained", "dataset=long", f"dataset.frames={n}", "--plugins", "plugins"]
    places = ("runs=runs", f"cache={folder / 'cache'}", "tracking=off", "workers=2")
    yield "run", program(folder, "run", *words, *places)
    yield "run again, features stored", program(folder, "run", *words, *places, "seed=1")
    yield "report", program(folder, "report", "strained", "--runs", "runs", "-o", "report.html")


def of_film(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """Intervals of one film."""
    _repeat_film(folder / "film.mp4", n)
    yield "spot", program(folder, "spot", "film.mp4", "-o", "spotted", "--workers", "1")


def _repeat_film(file: Path, n: int) -> None:
    """A film of a drawn face, its first 300 frames repeated without encoding them again."""
    scene = file.with_name("scene.mp4")
    face = moving(3, 150, (40, 10), ((60, 64, 70), (180, 186, 192)))
    write(scene, face, frames=SCENE, size=(240, 180), fps=25)
    with av.open(str(scene)) as source, av.open(str(file), "w") as film:
        stream = source.streams.video[0]
        own = film.add_stream_from_template(stream)
        packets: list[Any] = [packet for packet in source.demux(stream) if packet.pts is not None]
        parts = [(bytes(packet), int(packet.pts), int(packet.dts), packet.is_keyframe) for packet in packets]
        time_base: Any = stream.time_base  # known of a stream that was written
        span = SCENE * (max(pts for _, pts, _, _ in parts) - min(pts for _, pts, _, _ in parts)) // (SCENE - 1)
        for scene_number in range(n // SCENE):
            for content, pts, dts, is_key in parts:
                packet = av.Packet(content)
                packet.pts, packet.dts = pts + scene_number * span, dts + scene_number * span
                packet.time_base, packet.stream, packet.is_keyframe = time_base, own, is_key
                film.mux(packet)


def of_predictions(folder: Path, n: int) -> Iterator[tuple[str, Spent]]:
    """Scores of one table of spotted intervals."""
    rng = np.random.default_rng(0)
    truths = _draw_intervals(n // 5, rng)
    truths.to_csv(folder / "truth.csv", index=False)
    spotted = _draw_intervals(n, rng)
    near = truths.iloc[rng.integers(0, len(truths), n // 2)]
    for column in ("subject", "video", "kind", "emotion"):
        spotted.loc[: n // 2 - 1, column] = near[column].to_numpy()
    for column in ("onset", "offset"):
        spotted.loc[: n // 2 - 1, column] = near[column].to_numpy() + rng.integers(-3, 4, n // 2)
    spotted["score"] = rng.random(n).round(5)
    spotted.to_csv(folder / "spotted.csv", index=False)
    files = ("--truth", "truth.csv", "--predictions", "spotted.csv")
    yield "score", program(folder, "score", *files)
    yield "score --bootstrap 0", program(folder, "score", *files, "--bootstrap", "0")


def _draw_intervals(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Intervals of 9 to 30 frames at random places of 2,000 long videos."""
    video = rng.integers(0, 2_000, n)
    onset = rng.integers(10, 200_000, n)
    return pd.DataFrame(
        {
            "subject": [f"s{number % 60:02d}" for number in video],
            "video": [f"v{number:05d}" for number in video],
            "onset": onset,
            "offset": onset + rng.integers(8, 30, n),
            "kind": rng.choice(["micro", "macro"], n, p=[0.7, 0.3]),
            "emotion": rng.choice(["negative", "positive", "surprise"], n),
        }
    )


def _of_walk(folder: Path, words: Sequence[str]) -> Iterator[tuple[str, Spent]]:
    write_plugins(folder / "plugins")
    more = ("--plugins", "plugins")
    yield "data summary", program(folder, "data", "summary", *words, *more)
    places = ("runs=runs", f"cache={folder / 'cache'}", "tracking=off", "workers=2")
    yield "run", program(folder, "run", "method=walk", *words, *places, *more)
    yield "runs show", program(folder, "runs", "show", "walk", "--runs", "runs")
    yield "report", program(folder, "report", "walk", "--runs", "runs", "-o", "report.html")


def write_plugins(root: Path) -> None:
    """Write the method and the dataset."""
    plugins = {
        "methods/walk": ("method.py", METHOD, PARAMS_OF_METHOD),
        "methods/strained": ("method.py", METHOD_OF_FEATURES, PARAMS_OF_METHOD),
        "datasets/long": ("dataset.py", DATASET_OF_PIXELS, PARAMS_OF_DATASET),
        "datasets/many": ("dataset.py", DATASET, PARAMS_OF_DATASET),
    }
    for place, (name, code, params) in plugins.items():
        (root / place).mkdir(parents=True)
        for file, content in {"__init__.py": "", "config.yaml": CONFIG, "params.py": params, name: code}.items():
            (root / place / file).write_text(content)


KINDS: dict[str, tuple[Callable[[Path, int], Iterator[tuple[str, Spent]]], tuple[int, ...]]] = {
    "runs": (of_runs, (250, 500, 1000, 2000)),
    "records": (of_records, (250, 500, 1000, 2000)),
    "people": (of_people, (30, 250, 1000)),
    "videos": (of_videos, (375, 750, 1500, 3000)),
    "frames": (of_frames, (62_500, 125_000, 250_000, 500_000)),
    "long": (of_long, (37_500, 75_000, 150_000, 300_000)),
    "film": (of_film, (1_500, 3_000, 6_000, 12_000)),
    "predictions": (of_predictions, (125_000, 250_000, 500_000, 1_000_000)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of commands where there is much.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--sizes", type=int, nargs="+")
    args = parser.parse_args()
    draw_once()
    measure, usual = KINDS[args.kind]
    before: dict[str, tuple[int, Spent]] = {}
    print(f"| {args.kind} | command | seconds | MiB | growth |\n|---|---|---|---|---|")
    for size in args.sizes or usual:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="mebench-load-") as scratch:
            for name, spent in measure(Path(scratch), size):
                growth = ""
                if name in before:
                    n, then = before[name]
                    growth = f"{math.log(spent.seconds / then.seconds) / math.log(size / n):.2f}"
                before[name] = size, spent
                print(f"| {size} | `{name}` | {spent.seconds:.1f} | {spent.mib:.0f} | {growth} |", flush=True)
        print(f"<!-- {time.perf_counter() - began:.0f} s on the clock -->", flush=True)


if __name__ == "__main__":
    main()
