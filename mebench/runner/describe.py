"""The description of a run, written to its folder before the first fold: configuration, key, versions, truth, folds."""

import getpass
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import attrgetter, itemgetter
from pathlib import Path
from statistics import median_high
from typing import Any

import pandas as pd

from mebench._installation import ROOT, checkout_folder
from mebench.config import registry, settings
from mebench.core import Dataset, Scheme, Video
from mebench.grouping import grouped
from mebench.metrics.tables import Tables
from mebench.runner import sandbox
from mebench.runner.guard import find_plan_warnings
from mebench.runner.inputs import software_versions, with_absolute_places
from mebench.runner.job import reads_of
from mebench.runner.plan import Plan
from mebench.runner.provenance import describe_loaded
from mebench.runs.folder import RunFolder


def truth_tables(plan: Plan) -> Tables:
    """Tables of the tested videos and their truth, still without predictions and clips."""
    return tables_of_videos(plan.dataset, plan.scheme, [v for v in plan.videos if v.key in plan.tested])


def tables_of_videos(dataset: Dataset, scheme: Scheme, chosen: Sequence[Video]) -> Tables:
    """Tables of some videos of a dataset and their annotations.

    Args:
        dataset: opened.
        scheme: of emotions.
        chosen: the videos.
    """
    videos = pd.DataFrame(
        [(v.key, str(v.subject_key), v.dataset, v.n_frames, v.fps, v.first, list(v.numbers)) for v in chosen],
        columns=["video", "subject", "dataset", "n_frames", "fps", "first", "numbers"],
    ).astype({"n_frames": "Int64", "fps": "Float64", "first": "int64"})
    people = [str(dataset.person(v.subject_key)) for v in chosen]
    if len(set(people)) < videos["subject"].nunique():  # a person has several ids
        videos["person"] = people
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


def describe_run(
    folder: RunFolder,
    plan: Plan,
    tables: Tables,
    key: str,
    trained: str | None = None,
    parts: Mapping[str, Any] | None = None,
) -> None:
    """Describe the run in its folder before it begins: its key, the key of its training (`training_key`), and the parts of both."""
    folder.write_json(
        "config.json",
        {
            "key": key,
            "trained": trained,
            "config": with_absolute_places(plan.config.values),
            "origins": plan.config.origins,
            "source": made_by(),
            "parts": parts,
        },
    )
    plugins = grouped(settings.plugins_of(plan.config), key=attrgetter("kind"))
    steps = [step for chains in plan.computed.values() for chain in chains for step in chain.steps]
    folder.write_json(
        "versions.json",
        {
            **software_versions(),
            **{f"{kind}_plugin": "+".join(map(registry.content_hash, infos)) for kind, infos in plugins.items()},
            "dataset_revision": plan.dataset.revision,
            "steps": ", ".join(
                sorted({f"{type(step).__name__} {step.version}" for step in steps})
            ),  # none if all is ready-made
        },
    )
    grant = plan.grant or sandbox.Grant((), lacks=sandbox.PARTS)
    closed = {"lacks": grant.lacks, "reads": [*map(str, reads_of(plan.parts))], "devices": [*map(str, grant.devices)]}
    folder.write_json("sandbox.json", {"asked": plan.config.sandbox, **closed})
    folder.write_table("videos.parquet", tables.videos)
    folder.write_table("truth.parquet", tables.truths)
    if tables.distractors is not None:
        folder.write_table("distractors.parquet", tables.distractors)
    persons = {str(s): str(plan.dataset.person(s)) for s in sorted({video.subject_key for video in plan.videos})}
    timings = [
        (group, plan.timings(fold)[group])
        for fold in plan.folds
        if "spot" in plan.task.tasks
        for group in {plan.groups[video.key] for video in plan.sides(fold).test}
    ]
    folder.write_json(
        "folds.json",
        {
            "protocol": plan.config.protocol,
            "tasks": sorted(plan.task.tasks),
            "kinds": list(plan.task.kinds),
            "classes": list(plan.task.classes),
            "one_per_video": plan.task.one_per_video,
            "scheme": plan.scheme.name,
            **({"several": True} if plan.task.several else {}),
            "left_out": dict(sorted(plan.left_out().items())),
            **({"persons": persons} if len(set(persons.values())) < len(persons) else {}),  # a person has several ids
            "selects": plan.selects,
            "selection": plan.selection,
            "subject_dependent": plan.subject_dependent,
            "scored_each": plan.scored_each,
            "card": plan.protocol.card.lines(),
            "warnings": [str(finding) for finding in find_plan_warnings(plan)],
            "transductive": plan.transductive,
            **describe_loaded(plan),
            "repairs": list(plan.dataset.repairs()),
            "comparable": plan.dataset.comparable,
            "remark": "; ".join(filter(None, [plan.dataset.remark, plan.dataset.unlike_published()])),
            "k_prime": {  # the median over the folds: the width of the intervals that chance is given
                group: {kind: median_high(timing.k_prime[kind] for _, timing in of_group) for kind in plan.task.kinds}
                for group, of_group in sorted(grouped(timings, key=itemgetter(0)).items())
            },
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
    """`user`: of this process; `commit`: of the checkout that mebench runs from, or of the working folder;
    `dirty`: `true` where files differ from it. Unknown values are absent.
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
        if (commit := lines[0].rpartition(" ")[2]) != "(initial)":
            facts |= {"commit": commit} | ({} if all(line.startswith("#") for line in lines) else {"dirty": "true"})
    return facts
