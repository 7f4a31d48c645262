"""What a run folder says about its run before the first fold: configuration, key, versions, truth, folds."""

import getpass
import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from mebench._checkout import ROOT, beside_checkout
from mebench.config import RunConfig, registry, settings
from mebench.core import Timing, Video
from mebench.core.options import learns_threshold
from mebench.errors import RunError, listed
from mebench.features.pipeline import content
from mebench.files import file_hash
from mebench.metrics.tables import Tables
from mebench.runner.features import store_of
from mebench.runner.folder import RunFolder
from mebench.runner.guard import warnings
from mebench.runner.inputs import anywhere, digest, inputs_of, versions
from mebench.runner.plan import Plan

ABSENT = "absent"
PARTS_SHOWN = 6


def truth_tables(plan: Plan) -> Tables:
    """The dataset as it is scored: the tested videos. Predictions and clips are not there yet."""
    return _tables(plan, [v for v in plan.videos if v.key in plan.tested])


def _tables(plan: Plan, chosen: Sequence[Video]) -> Tables:
    videos = pd.DataFrame(
        [(v.key, str(v.subject_key), v.dataset, v.n_frames, v.fps, v.first, list(v.numbers)) for v in chosen],
        columns=["video", "subject", "dataset", "n_frames", "fps", "first", "numbers"],
    ).astype({"n_frames": "Int64", "fps": "Float64", "first": "int64"})
    people = [str(plan.dataset.person(v.subject_key)) for v in chosen]
    if len(set(people)) < videos["subject"].nunique():  # somebody goes by several ids
        videos["person"] = people
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
    strengths = [e.intensity for v in chosen for e in v.expressions]
    if any(strength is not None for strength in strengths):
        truths["intensity"] = pd.array(strengths, dtype="Float64")
    astray = [(v.key, d.kind, d.onset, d.offset) for v in chosen for d in v.distractors]
    distractors = pd.DataFrame(astray, columns=["video", "kind", "onset", "offset"]) if astray else None
    return Tables(videos=videos, truths=truths, distractors=distractors)


def parts_of(plan: Plan, tables: Tables) -> dict[str, Any]:
    """Everything that predictions depend on, each part by its name: see `inputs_of`; chains, annotations, and what lies in files."""
    chains = [chain for group in plan.chains.values() for chain in group]
    return {
        **inputs_of(plan.config, plan.dataset),
        **{f"step {type(step).__name__}": step.version for chain in chains for step in chain.steps},
        "chains": digest(sorted(chain.fingerprint() for chain in chains)),
        "annotations": truth_of(plan, tables)[:16],
        **dict(zip(["frames or files"], content_of(plan))),
    }


def key_of(plan: Plan, tables: Tables) -> str:
    """A hash of everything that predictions depend on."""
    return digest(parts_of(plan, tables))


def training_of(plan: Plan, parts: Mapping[str, Any]) -> str | None:
    """A hash of everything that frame scores and models depend on, the key of a run's training.

    Runs which differ in how scores become intervals alone need one training. Its key is None where it depends on that, too, or where only
    a training tells what the run is asked for.

    Args:
        plan: of the run.
        parts: of it, see `parts_of`.
    """
    acting = {f"setting method.{name}" for name in plan.method.acting("postprocess")}
    if not acting or "spot" not in plan.task.tasks or not reusable(plan.config) or plan.leaks or plan.config.looks:
        return None
    return digest([{name: part for name, part in parts.items() if name not in acting}, plan.selects])


def refuse_changed(folder: RunFolder, parts: Mapping[str, Any]) -> None:
    """Say which of the parts that its folds depend on are not those with which an unfinished run began.

    Args:
        folder: of the run.
        parts: of today, see `parts_of`.

    Raises:
        RunError: some differ, or it began before runs noted them.
    """
    then, now = folder.read_json("config.json").get("parts"), json.loads(json.dumps(parts))
    if then == now:
        return
    anew = "Start it anew with: mebench run"
    if then is None:
        raise RunError(
            f"run {folder.id!r} cannot go on: it began with a mebench that did not note what its folds depend on, and they must not mix "
            f"with others. {anew}"
        )
    said = [
        f"{name} was {then.get(name, ABSENT)} and is {now.get(name, ABSENT)}"
        for name in {**now, **then}
        if then.get(name, ABSENT) != now.get(name, ABSENT)
    ]
    raise RunError(
        f"run {folder.id!r} cannot go on: {listed(said, PARTS_SHOWN)}, and its folds must not mix with others. {anew}"
    )


def by_training(runs: Path) -> dict[str, list[RunFolder]]:
    """The runs of a folder by the key of their training, see `training_of`."""
    found = dict[str, list[RunFolder]]()
    for run in RunFolder.all(runs):
        with suppress(RunError, AttributeError):  # of another program, or damaged
            if (trained := run.read_json("config.json").get("trained")) is not None:
                found.setdefault(str(trained), []).append(run)
    return found


def reusable(config: RunConfig) -> bool:
    """Whether what was learnt does not depend on how frame scores become intervals; a learnt threshold does."""
    return not learns_threshold(config.method_params)


def content_of(plan: Plan) -> list[str]:
    """One hash of the frames and landmark files that features are computed from, and of the files among the parameters of methods, such
    as weights, wherever they lie; none where there are none. What a dataset draws or brings ready-made its revision tells.

    Frames are not decoded; 50 000 files take a second.
    """
    store, found = store_of(plan.config), dict[str, Sequence[str]]()
    for video in plan.videos:
        dataset, id_ = plan.home(video)
        if getattr(dataset.params, "root", None) is not None and (chains := plan.computed.get(plan.groups[video.key])):
            found[video.key] = content(store, dataset, id_, video, chains)
    values = [getattr(part.params, own.name) for part in plan.parts() for own in fields(part.params)]
    files = [value for value in values if isinstance(value, Path) and value.is_file()]
    return [digest([found, [file_hash(file) for file in files]])] if found or files else []


def truth_of(plan: Plan, tables: Tables | None = None) -> str:
    """What the annotations say of all videos of a run, as a hash.

    Args:
        plan: of the run.
        tables: those of its tested videos, where somebody has them already.
    """
    if tables is None or len(plan.tested) < len(plan.videos):  # those who only train shape predictions too
        tables = _tables(plan, plan.videos)
    return hashlib.sha256((tables.videos.to_csv() + tables.truths.to_csv()).encode()).hexdigest()


def name_of(config: RunConfig) -> str:
    """What a run is called; its folder adds the start of the key."""
    method = "+".join(filter(None, [config.method, config.recognizer]))
    leak = "" if config.audit == "guard" else f"-{config.audit.replace('_', '-')}"
    return f"{method}-{config.dataset}-{config.protocol}-seed{config.seed}{leak}"


def describe(
    folder: RunFolder,
    plan: Plan,
    tables: Tables,
    key: str,
    trained: str | None = None,
    parts: Mapping[str, Any] | None = None,
) -> None:
    """Write down what is run before it begins: its key, that of its training (`training_of`), and the parts that both are made of."""
    folder.write_json(
        "config.json",
        {
            **{"key": key, "trained": trained, "config": anywhere(plan.config.values)},
            **{"origins": plan.config.origins, "source": made_by(), "parts": parts},
        },
    )
    folder.write_json("versions.json", {**versions(), **_revisions(plan), "steps": _steps(plan)})
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


def _steps(plan: Plan) -> str:
    """The steps whose features the run reads, with their versions, `FaceCrop 2, Flow 2`; empty if it computes none."""
    computed = [chain for chains in plan.computed.values() for chain in chains]
    named = {f"{type(step).__name__} {step.version}" for chain in computed for step in chain.steps}
    return ", ".join(sorted(named))


def _revisions(plan: Plan) -> dict[str, str]:
    """Content of the plugins, and of the dataset."""
    hashes: dict[str, list[str]] = {}
    for info in settings.plugins_of(plan.config):
        hashes.setdefault(f"{info.kind}_plugin", []).append(registry.content_hash(info))
    return {**{name: "+".join(found) for name, found in hashes.items()}, "dataset_revision": plan.dataset.revision}
