"""Run folders for tests, written from tables instead of trained: small, complete, and in the runner's own format."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.core import Prediction, Timing
from mebench.metrics.catalogue import METRICS
from mebench.runs import ClipPrediction, FoldResult, RunFolder
from mebench.runs.fold_files import safe_name
from mebench.runs.scoring import score_run
from tests.helpers.drawn_once import once

CLASSES = ("negative", "positive", "surprise")
SUBJECTS = 4
N_FRAMES = 300
FPS = 30.0
FIRST = 1
"""File number of the first frame of each video."""
VERSIONS = {
    "mebench": "0.1.0",
    "python": "3.11.9",
    "platform": "Linux-host-of-ann",
    "torch": "2.13.0",
    "method_plugin": "aed6cdb4",
    "dataset_plugin": "74d0f874",
    "dataset_revision": "1",
}
CONFIG: dict[str, Any] = {
    "method": {"name": "spotter", "preset": None, "p": 0.5, "model": "/home/ann/weights/face.dat"},
    "dataset": {"name": "drawn", "preset": "default", "root": "/data/ann", "noise": 1.0},
    "protocol": "loso",
    "seed": 0,
    "workers": 3,
    "scheme": None,
    "kinds": None,
    "runs": "/home/ann/runs",
    "cache": "/home/ann/.cache/mebench",
    "tracking": None,
    "bootstrap": 50,
    "accelerator": "cpu",
    "validation": 0.2,
    "plugins": ["/home/ann/plugins"],
}
ORIGINS = {
    "method": "command line",
    "method.preset": "default",
    "method.p": "default (methods/spotter/params.py)",
    "method.model": "default (methods/spotter/params.py)",
    "dataset": "command line",
    "dataset.preset": "datasets/drawn/config.yaml",
    "dataset.root": "/home/ann/.config/mebench/config.yaml",
    "dataset.noise": "preset default (datasets/drawn/config.yaml)",
}


def make_run(runs: Path, run_id: str = "", sealed: bool = False, **contents: Any) -> RunFolder:
    """A run of two videos for each subject, with micro-expressions at 50 and 200, a macro-expression between.

    Equal ones are made once by all test processes and copied.

    Args:
        runs: where it goes.
        run_id: its name; by default that of its settings.
        sealed: whether it keeps the hashes of its files, as runs do: then none of them can be changed any more.
        contents: see `_make`.
    """
    name = hashlib.sha256(repr((run_id, sorted(contents.items()))).encode()).hexdigest()
    (made,) = once(f"runs/{name}", lambda folder: _make(folder, run_id, **contents)).iterdir()
    own = RunFolder(_copy(made, runs / made.name))
    if own.done and not sealed:
        (own.path / "DONE").write_text("")
    return own


def make_runs_on_two_datasets(runs: Path, shifts: Mapping[str, int]) -> None:
    """A spotting run of each method on the datasets `one`, of 4 people, and `two`, of 9.

    Args:
        runs: where they go.
        shifts: frames by which the answers of each method lie beside the truth.
    """
    for dataset, people in (("one", 4), ("two", 9)):
        for method, shift in shifts.items():
            make_run(
                runs, method=method, dataset=dataset, members=(dataset,), subjects=people, shift=shift, tasks=("spot",)
            )


def _copy(made: Path, place: Path) -> Path:
    return Path(shutil.copytree(made, place, copy_function=shutil.copyfile))


def call_fold(folder: RunFolder, former: str, name: str) -> RunFolder:
    """The run, a fold of which now has another name."""
    about = folder.read_json("folds.json")
    for fold in about["folds"]:
        fold["fold"] = name if fold["fold"] == former else fold["fold"]
    folder.write_json("folds.json", about)
    place = folder.path / "folds"
    (place / safe_name(former)).rename(place / safe_name(name))
    for table in ("predictions.parquet", "clips.parquet"):
        folder.write_table(table, folder.read_table(table).replace({"fold": {former: name}}))
    folder.write_table("costs.csv", pd.read_csv(folder.path / "costs.csv").replace({"fold": {former: name}}))
    return folder


def _make(
    runs: Path,
    run_id: str,
    *,
    seed: int = 0,
    method: str = "spotter",
    dataset: str = "drawn",
    tasks: tuple[str, ...] = ("recognize", "spot"),
    kinds: tuple[str, ...] = ("micro",),
    shift: int = 0,
    wrong_every: int = 3,
    subjects: int = SUBJECTS,
    members: tuple[str, ...] = ("drawn",),
    settings: Mapping[str, Any] | None = None,
    origins: Mapping[str, str] | None = None,
    key: str = "",
    done: bool = True,
    **about: Any,
) -> None:
    """Write a run.

    Args:
        shift: frames by which every spotted interval is late: 0 finds all, 100 none.
        wrong_every: every so-manieth answer of the recognizer names the next class.
        members: the datasets of the subjects, in turn; more than one makes a composite.
        settings: flat keys that differ from `CONFIG`, with their `origins`, the command line by default.
        about: what `folds.json` says otherwise.
    """
    config: dict[str, Any] = {k: dict(v) if isinstance(v, dict) else v for k, v in CONFIG.items()}
    config["seed"], config["method"]["name"], config["dataset"]["name"] = seed, method, dataset
    where = dict(ORIGINS) | dict.fromkeys(settings or {}, "command line") | dict(origins or {})
    for name, value in (settings or {}).items():
        part, _, last = name.rpartition(".")
        (config[part] if part else config)[last] = value
    parts = (method, dataset, seed, tasks, kinds, shift, wrong_every, settings, about)
    key = key or hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    folder = RunFolder(runs / (run_id or f"{method}-{dataset}-loso-seed{seed}-{key[:8]}"))
    answers = tasks, kinds, shift, wrong_every, subjects, members, done
    name = hashlib.sha256(repr(answers).encode()).hexdigest()
    _copy(once(f"answers/{name}", lambda place: _answers(RunFolder(place), *answers)), folder.path)
    folder.write_json("config.json", {"key": key, "config": config, "origins": where})
    folder.write_json("versions.json", VERSIONS)
    people = sorted(f"{members[number % len(members)]}/{number:02d}" for number in range(subjects))
    described: dict[str, Any] = {
        "protocol": "loso",
        "tasks": sorted(tasks),
        "kinds": list(kinds),
        "classes": list(CLASSES),
        "one_per_video": False,
        "scheme": "three",
        "left_out": {},
        "selects": False,
        "transductive": "none",
        "repairs": ["row 7 of /data/ann/coding.xlsx was repaired"],
        "comparable": True,
        "remark": "",
        "k_prime": {m: {"micro": 6, "macro": 20} for m in members} if "spot" in tasks else {},
        "folds": [{"fold": s, "train": [p for p in people if p != s], "valid": [], "test": [s]} for s in people],
    }
    folder.write_json("folds.json", described | about)
    if done:
        folder.write_json("features.json", {"seconds": 0.0, "chains": {}})
        scored = _scored(folder, seed, config["bootstrap"])
        folder.write_json("summary.json", {"run_id": folder.id, "seconds": 1.5, **scored})
        folder.finish()


def _answers(
    folder: RunFolder,
    tasks: tuple[str, ...],
    kinds: tuple[str, ...],
    shift: int,
    wrong_every: int,
    subjects: int,
    members: tuple[str, ...],
    merged: bool,
) -> None:
    """Write what runs of several names and settings have in common: videos, truths and answers."""
    videos, truths = truth_tables(subjects, members)
    folder.write_table("videos.parquet", videos)
    folder.write_table("truth.parquet", truths)
    people = sorted(set(videos["subject"]))
    rows = (videos.to_dict("records"), truths.to_dict("records"))
    for number, subject in enumerate(people):
        result = _fold(subject, *rows, tasks, kinds, shift, wrong_every, number)
        folder.write_fold(result, kinds)
    if merged:
        folder.merge_folds(people)


def truth_tables(subjects: int, members: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Videos and annotations, as the runner writes them."""
    videos, truths = [], []
    for s in range(subjects):
        member = members[s % len(members)]
        for v in range(2):
            key = f"{member}/{s:02d}/v{v}"
            videos.append((key, f"{member}/{s:02d}", member, N_FRAMES, FPS, FIRST, []))
            for n, onset in enumerate((50, 200)):
                emotion = CLASSES[(s + v + n) % 3]
                truths.append((key, "micro", onset, onset + 5, onset + 12, emotion, emotion, "4+L10", None))
            truths.append((key, "macro", 110, None, 160, None, None, "", None))
    return (
        pd.DataFrame(videos, columns=["video", "subject", "dataset", "n_frames", "fps", "first", "numbers"]).astype(
            {"n_frames": "Int64", "fps": "Float64"}
        ),
        pd.DataFrame(
            truths,
            columns=[
                "video",
                "kind",
                "onset",
                "apex",
                "offset",
                "emotion",
                "native_emotion",
                "action_units",
                "objective",
            ],
        ).astype({"onset": "int64", "apex": "Int64", "offset": "int64"}),
    )


def _scored(folder: RunFolder, seed: int, draws: int) -> dict[str, Any]:
    """The run's scores, reckoned once for runs that differ in name and settings alone, and again where a test adds a metric."""
    files = sorted(f for f in folder.path.iterdir() if f.name == "folds.json" or f.suffix == ".parquet")
    shaping = seed, draws, list(METRICS), [(f.name, f.read_bytes()) for f in files]
    content = hashlib.sha256(repr(shaping).encode()).hexdigest()
    place = once(
        f"scores/{content}", lambda place: RunFolder(place).write_json("scores.json", score_run(folder, seed, draws))
    )
    found: dict[str, Any] = RunFolder(place).read_json("scores.json")
    return found


def _fold(
    subject: str,
    videos: list[dict[str, Any]],
    truths: list[dict[str, Any]],
    tasks: tuple[str, ...],
    kinds: tuple[str, ...],
    shift: int,
    wrong_every: int,
    number: int,
) -> FoldResult:
    predictions = []
    clips = []
    scores = {}
    for video in (v["video"] for v in videos if v["subject"] == subject):
        rng = np.random.default_rng(len(video) + number)
        own = [t for t in truths if t["video"] == video]
        for t in (t for t in own if t["kind"] in kinds):
            if "spot" in tasks:
                onset, offset = t["onset"] + shift, t["offset"] + shift
                emotion = None if pd.isna(t["emotion"]) else t["emotion"]
                named = (emotion, _shares(emotion, rng)) if "recognize" in tasks else (None, None)
                confidence = float(rng.random())
                predictions.append(
                    Prediction(video, t["kind"], onset, (onset + offset) // 2, offset, confidence, *named)
                )
        for n, t in enumerate(t for t in own if t["kind"] == "micro"):
            if "recognize" in tasks:
                right = (number + n) % wrong_every != 0
                emotion = t["emotion"]
                emotion = emotion if right else CLASSES[(CLASSES.index(emotion) + 1) % 3]
                answer = tuple(float(emotion == c) for c in CLASSES)
                clips.append(ClipPrediction(video, t["onset"], t["offset"], emotion, answer))
        if "spot" in tasks:
            scores[video] = _curves(own, kinds, rng)
    costs = {"fit_seconds": 2.0, "predict_seconds": 0.25, "peak_memory_mib": 300.0 + number, "parameters": 1234}
    timing = Timing(FPS, 3, {"micro": 6, "macro": 20})
    return FoldResult(subject, predictions, clips, scores, {subject.split("/")[0]: timing}, 7, costs, b"")


def _shares(answer: str | None, rng: np.random.Generator) -> tuple[float, ...] | None:
    """Random ones, the largest of them that of the answer; none without an answer."""
    shares = sorted(map(float, rng.random(len(CLASSES))))
    if answer is None:
        return None
    own = CLASSES.index(answer)
    return tuple(shares[(place - own - 1) % len(CLASSES)] for place in range(len(CLASSES)))


def _curves(truths: list[dict[str, Any]], kinds: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise with a bump at each expression; the last frames are undefined."""
    frames = np.arange(N_FRAMES)
    columns = []
    for kind in kinds:
        curve = np.convolve(rng.normal(0, 0.25, N_FRAMES), np.ones(7) / 7, mode="same")
        for onset, offset in ((t["onset"], t["offset"]) for t in truths if t["kind"] == kind):
            curve += np.exp(-0.5 * ((frames - (onset + offset) / 2) / (0.4 * (offset - onset))) ** 2)
        curve[-3:] = np.nan
        columns.append(curve)
    return np.stack(columns, axis=1)
