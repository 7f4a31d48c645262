"""The description of a run, written to its folder before the first fold.

It holds configuration, key, versions, truth and folds.
"""

import getpass
import os
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from statistics import median_high
from typing import Any

import pandas as pd

from mebench._installation import PACKAGE, ROOT, checkout_folder
from mebench.account import plain_accounts
from mebench.config import registry, settings
from mebench.config.registry import PluginInfo
from mebench.core import Dataset, Fold, Kind, Scheme, Timing, Video
from mebench.grouping import group_by
from mebench.metrics.tables import Tables
from mebench.runner.guard import accounts_of_data, find_frame_warnings, find_run_warnings
from mebench.runner.inputs import software_versions, with_absolute_places
from mebench.runner.job import Access
from mebench.runner.plan import Plan
from mebench.runner.provenance import describe_landmark_files, describe_loaded
from mebench.runner.run_data import RunData
from mebench.runner.run_features import RunFeatures
from mebench.runs.access_text import ACCESS_FILE, LANDLOCK
from mebench.runs.folder import RunFolder
from mebench.runs.origin import mark_as_own
from mebench.sandbox.confinement import SANDBOX_PARTS
from mebench.sandbox.file_view import hides_times
from mebench.sandbox.grant import Grant
from mebench.sandbox.inheritance import kept_variables


def truth_tables(data: RunData) -> Tables:
    """Tables of the tested videos and their truth, without predictions and clips."""
    return tables_of_videos(data.dataset, data.scheme, [v for v in data.videos if v.key in data.tested])


def tables_of_videos(dataset: Dataset, scheme: Scheme, chosen: Sequence[Video]) -> Tables:
    """Tables of some videos of a dataset and their annotations.

    Args:
        dataset: the dataset, opened.
        scheme: the emotion scheme.
        chosen: the videos.
    """
    return Tables(
        videos=_table_of_videos(dataset, chosen),
        truths=_table_of_truths(dataset, scheme, chosen),
        distractors=_table_of_distractors(chosen),
    )


def _table_of_videos(dataset: Dataset, chosen: Sequence[Video]) -> pd.DataFrame:
    """A row for each video; with the person where one has several ids."""
    videos = pd.DataFrame(
        [(v.key, str(v.subject_key), v.dataset, v.n_frames, v.fps, v.first, list(v.numbers)) for v in chosen],
        columns=["video", "subject", "dataset", "n_frames", "fps", "first", "numbers"],
    ).astype({"n_frames": "Int64", "fps": "Float64", "first": "int64"})
    people = [str(dataset.person(v.subject_key)) for v in chosen]
    if len(set(people)) < videos["subject"].nunique():
        videos["person"] = people
    return videos


def _table_of_truths(dataset: Dataset, scheme: Scheme, chosen: Sequence[Video]) -> pd.DataFrame:
    """A row for each annotated expression; with its intensity, and its flags and untouched video where these are known."""
    annotated = [(video, expression) for video in chosen for expression in video.expressions]
    truths = pd.DataFrame(
        [
            (
                v.key,
                e.kind,
                e.onset,
                e.apex,
                e.offset,
                scheme.class_of(e),
                e.emotion,
                "+".join(e.action_units),
                e.objective,
            )
            for v, e in annotated
        ],
        columns=["video", "kind", "onset", "apex", "offset", "emotion", "native_emotion", "action_units", "objective"],
    ).astype({"onset": "int64", "apex": "Int64", "offset": "int64"})
    intensities = [expression.intensity for _, expression in annotated]
    if any(intensity is not None for intensity in intensities):
        truths["intensity"] = pd.array(intensities, dtype="Float64")
    untouched = {video.key: dataset.untouched(video) for video in chosen}
    if any(untouched.values()):
        truths["untouched"] = [_key_beside(video, untouched[video.key]) for video, _ in annotated]
        truths["flags"] = ["+".join(expression.flags) for _, expression in annotated]
    return truths


def _key_beside(video: Video, id_: str) -> str:
    """The key of another video of the same person; empty without an id."""
    return replace(video, id=id_).key if id_ else ""


def _table_of_distractors(chosen: Sequence[Video]) -> pd.DataFrame | None:
    """A row for each annotated movement that is no expression; None if nothing is annotated."""
    rows = [(video.key, d.kind, d.onset, d.offset) for video in chosen for d in video.distractors]
    return pd.DataFrame(rows, columns=["video", "kind", "onset", "offset"]) if rows else None


def describe_run(
    folder: RunFolder,
    plan: Plan,
    tables: Tables,
    key: str,
    key_of_training: str | None = None,
    parts: Mapping[str, Any] | None = None,
) -> None:
    """Write what is known of a run into its folder before it begins.

    Args:
        folder: folder of the run.
        plan: the planned run.
        tables: tables of its tested videos and their truth.
        key: key of the run.
        key_of_training: key of its training, see `training_key`.
        parts: everything that both keys depend on, see `identity_of`.
    """
    config = plan.config
    folder.write_json(
        "config.json",
        {
            "key": key,
            "trained": key_of_training,
            "config": with_absolute_places(config.values),
            "origins": config.origins,
            "source": made_by(),
            "parts": parts,
        },
    )
    mark_as_own(folder, with_absolute_places(config.values))
    folder.write_json("versions.json", _versions_of(settings.plugins_of(config), plan.features))
    folder.write_json(ACCESS_FILE, {"asked": config.sandbox, **_access_of(plan.access, plan.grant)})
    folder.write_table("videos.parquet", tables.videos)
    folder.write_table("truth.parquet", tables.truths)
    if tables.distractors is not None:
        folder.write_table("distractors.parquet", tables.distractors)
    about = _task_and_folds(plan.features, plan.access, plan.selection, plan.transductive, config.pretrained)
    folder.write_json("folds.json", about)


def _versions_of(infos: Iterable[PluginInfo], features: RunFeatures) -> dict[str, Any]:
    """The versions of software, plugins, dataset and steps; no step where all features are ready-made."""
    plugins = group_by(infos, key=attrgetter("kind"))
    chains = [chain for of_group in features.computed.values() for chain in of_group]
    steps = {f"{type(step).__name__} {step.version}" for chain in chains for step in chain.steps}
    return {
        **software_versions(),
        **{f"{kind}_plugin": "+".join(map(registry.content_hash, of_kind)) for kind, of_kind in plugins.items()},
        "dataset_revision": features.data.dataset.revision,
        "steps": ", ".join(sorted(steps)),
    }


def _access_of(access: Access, granted: Grant | None) -> dict[str, Any]:
    """The access of a fold's process, and the missing parts of the sandbox; None is granted without a sandbox."""
    grant = granted or Grant((), lacks=SANDBOX_PARTS)
    isolation = access.isolation
    return {
        "lacks": grant.lacks,
        **({"by": isolation.by} if isolation is not None and isolation.by else {}),
        **({"reason": isolation.reason} if isolation is not None and isolation.reason else {}),
        "reads": [*map(str, access.reads)],
        "devices": [*map(str, grant.devices)],
        "view": grant.view,
        **({"times": True} if _shows_times(access, grant) else {}),
        **({} if granted is None else _unasked_access(access, granted)),
    }


def _shows_times(access: Access, grant: Grant) -> bool:
    """Whether folds saw when files that they share were read."""
    by_landlock = access.isolation is not None and access.isolation.by == LANDLOCK
    return by_landlock and not (grant.view and hides_times())


def _unasked_access(access: Access, grant: Grant) -> dict[str, list[str]]:
    """What a confined fold may read unasked, and the variables that it inherits."""
    plugins = {str(files.plugin.folder): None for files in access.methods}
    modules = {str(folder): None for folder in grant.modules}
    return {
        "given": [
            "Python, its packages and the system's libraries",
            f"mebench ({PACKAGE})",
            *(f"the method's folder {folder}" for folder in plugins),
            *(f"modules of {folder}" for folder in modules),
        ],
        "inherited": sorted(kept_variables(os.environ)),
    }


def _task_and_folds(
    features: RunFeatures, access: Access, selection: str, transductive: str, pretrained: Sequence[str]
) -> dict[str, Any]:
    """The content of `folds.json`: the task, what readers must know of the data, and the folds.

    Args:
        features: features of the run, with its data.
        access: files that its methods read.
        selection: see `Plan`.
        transductive: see `Plan`.
        pretrained: see `ScoringSettings`.
    """
    data = features.data
    task = data.task
    dataset = data.dataset
    several = {"several": True} if task.several else {}
    warnings = [*find_run_warnings(data, access), *find_frame_warnings(features)]
    remarks = [dataset.remark, dataset.unlike_published()]
    return {
        "protocol": data.protocol.name,
        "tasks": sorted(task.tasks),
        "kinds": list(task.kinds),
        "classes": list(task.classes),
        "one_per_video": task.one_per_video,
        "scheme": data.scheme.name,
        **several,
        "left_out": dict(sorted(data.left_out().items())),
        "account": plain_accounts(accounts_of_data(data)),
        **_persons_with_several_ids(dataset, data.videos),
        "selects": data.selects,
        "selection": selection,
        "subject_dependent": data.subject_dependent,
        "scored_each": data.scored_each,
        "card": data.protocol.card.lines(),
        "warnings": [*map(str, warnings)],
        "transductive": transductive,
        **describe_loaded(access.methods, pretrained),
        **describe_landmark_files(access.methods),
        "repairs": list(dataset.repairs()),
        "comparable": dataset.comparable,
        "remark": "; ".join(filter(None, remarks)),
        "k_prime": _median_k_primes(data),
        "folds": [_subjects_of(data, fold) for fold in data.folds],
    }


def _persons_with_several_ids(dataset: Dataset, videos: Sequence[Video]) -> dict[str, dict[str, str]]:
    """`persons`: the person behind each subject; empty where each subject is a person."""
    subjects = sorted({video.subject_key for video in videos})
    persons = {str(subject): str(dataset.person(subject)) for subject in subjects}
    return {"persons": persons} if len(set(persons.values())) < len(persons) else {}


def _median_k_primes(data: RunData) -> dict[str, dict[Kind, int]]:
    """The median k' over the folds, by group and kind: the width of chance's intervals."""
    if "spot" not in data.task.tasks:
        return {}
    timings = defaultdict[str, list[Timing]](list)
    for fold in data.folds:
        for group in data.find_groups(data.table.find_tested(fold)):
            timings[group].append(data.find_timings(fold)[group])
    return {
        group: {kind: median_high(timing.k_prime[kind] for timing in timings[group]) for kind in data.task.kinds}
        for group in sorted(timings)
    }


def _subjects_of(data: RunData, fold: Fold) -> dict[str, Any]:
    """The subjects on each side of a fold; with tested videos if others of them train."""
    videos = {"videos": list(fold.videos)} if fold.videos else {}
    return {
        "fold": fold.key,
        "train": [*map(str, data.training_subjects(fold))],
        "valid": [*map(str, fold.valid)] if data.selects else [],
        "test": [*map(str, fold.test)],
        **videos,
    }


def made_by() -> dict[str, str]:
    """Who runs which code; unknown values are absent.

    Returns:
        `user` of this process; `commit` of the checkout that mebench runs from, or of the working folder; `dirty`, `true`
        where files differ from it.
    """
    facts = {}
    with suppress(OSError, KeyError):  # no such user in a container
        facts["user"] = getpass.getuser()
    place = ROOT if checkout_folder("methods") else Path.cwd()
    with suppress(OSError, subprocess.SubprocessError):
        words = ("git", "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no")
        lines = subprocess.run(
            words, cwd=place, capture_output=True, text=True, check=True, timeout=5
        ).stdout.splitlines()
        commit = lines[0].rpartition(" ")[2]
        has_changes = not all(line.startswith("#") for line in lines)
        if commit != "(initial)":
            facts["commit"] = commit
        if commit != "(initial)" and has_changes:
            facts["dirty"] = "true"
    return facts
