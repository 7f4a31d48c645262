"""Identity of a run: everything its predictions depend on, its key, and the key of its training. Imports no pandas."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mebench._installation import VERSION
from mebench.config import RunConfig
from mebench.core.options import learns_threshold
from mebench.errors import ConfigError, RunError, list_first
from mebench.features.pipeline import video_source
from mebench.files import file_hash
from mebench.runner.inputs import PACKAGES, inputs_of, short_hash
from mebench.runner.job import MethodFiles
from mebench.runner.plan import Plan
from mebench.runner.run_data import RunData
from mebench.runner.run_features import RunFeatures
from mebench.runs.folder import RunFolder

ABSENT = "absent"


def identity_of(plan: Plan, instructions: str | None = None) -> dict[str, Any]:
    """Everything that predictions depend on, each part by its name: see `inputs_of`; chains, annotations, and the content of files.

    Args:
        plan: plan of the run.
        instructions: instructions of the processor, see `inputs_of`.
    """
    chains = [chain for group in plan.features.chains.values() for chain in group]
    parts = {
        **inputs_of(plan.config, plan.data.dataset, instructions),
        **{f"step {type(step).__name__}": step.version for chain in chains for step in chain.steps},
        "chains": short_hash(sorted(chain.fingerprint() for chain in chains)),
        "annotations": hash_annotations(plan.data),
    }
    for content_hash in hash_contents(plan.features, plan.access.methods):  # none or one
        parts["frames or files"] = content_hash
    return parts


def run_key(plan: Plan) -> str:
    """A hash of everything that predictions depend on."""
    return short_hash(identity_of(plan))


def training_key(plan: Plan, parts: Mapping[str, Any]) -> str | None:
    """The key of a run's training: a hash of everything that it depends on.

    Runs that differ in spotting alone share one training. The key is None where the training itself depends on
    spotting, or where the outcome asked for exists only during training.

    Args:
        plan: plan of the run.
        parts: everything that it depends on, see `identity_of`.
    """
    acting = {f"setting method.{name}" for name in plan.methods[0].plugin.search_of_step("postprocess")}
    if (
        not acting
        or "spot" not in plan.data.task.tasks
        or not has_reusable_training(plan.config)
        or plan.data.leak
        or plan.config.looks
    ):
        return None
    return short_hash([{name: part for name, part in parts.items() if name not in acting}, plan.data.selects])


def has_reusable_training(config: RunConfig) -> bool:
    """Whether the learnt weights are independent of the settings of spotting; a learnt threshold is not."""
    return not learns_threshold(config.method_params)


def hash_contents(features: RunFeatures, methods: Sequence[MethodFiles]) -> list[str]:
    """One hash of the files that features and methods read; no hash if they read none.

    These are frames and landmark files, and files among the parameters of methods, such as weights. Drawn data and
    ready-made features count by the dataset's revision.

    Frames are not decoded; 50 000 files take a second.

    Args:
        features: features of the run.
        methods: files of each of its methods.

    Raises:
        ConfigError: the `weights` of a method do not exist.
    """
    contents = _contents_of_videos(features)
    _refuse_missing_weights(methods)
    places = [place for method in methods for place in method.of_settings.values()]
    files = [place for place in places if place.is_file()]
    if not contents and not files:
        return []
    return [short_hash([contents, [file_hash(file) for file in files]])]


def _contents_of_videos(features: RunFeatures) -> dict[str, Sequence[str]]:
    """Hashes of the files from which features are computed, by key of the video."""
    data = features.data
    contents: dict[str, Sequence[str]] = {}
    for video in data.videos:
        dataset, id_ = data.find_home(video)
        lies_in_folder = getattr(dataset.params, "root", None) is not None
        chains = features.computed.get(data.groups[video.key]) if lies_in_folder else None
        if chains:
            contents[video.key] = video_source(features.store, dataset, id_, video, again=True).hash_content(chains)
    return contents


def _refuse_missing_weights(methods: Sequence[MethodFiles]) -> None:
    """Refuse a method whose file or folder of weights does not exist; a method may write to other places.

    Raises:
        ConfigError: one does not exist.
    """
    for part, method in zip(("method", "recognizer"), methods):
        file = method.of_settings.get("weights")
        if file is not None and not file.exists():
            key = f"{part}.weights"
            raise ConfigError(f"{key}={file} does not exist: check the path", settings=[key])


def hash_annotations(data: RunData) -> str:
    """A hash of the annotations of all videos, with their classes and people.

    Blinks and other distractors are left out: they shape no prediction.
    """
    return short_hash(
        [
            (
                repr(replace(video, distractors=())),
                str(data.dataset.person(video.subject_key)),
                [data.scheme.class_of(expression) for expression in video.expressions],
            )
            for video in data.videos
        ]
    )


def refuse_changed(folder: RunFolder, parts: Mapping[str, Any]) -> None:
    """Refuse to resume a run whose inputs have changed, and name the parts that differ.

    Args:
        folder: folder of the run.
        parts: its inputs today, see `identity_of`.

    Raises:
        RunError: some differ, or the run is older than this record of parts.
    """
    then = folder.read_json("config.json").get("parts")
    now = json.loads(json.dumps(parts))
    if then == now:
        return
    remedy = "Start a new run with: mebench run"
    if not isinstance(then, dict):
        recorded = _recorded_versions(folder)
        changes = _changes(recorded, {name: {**now, "mebench": VERSION}.get(name, ABSENT) for name in recorded})
        raise RunError(
            f"run {folder.id!r} cannot continue: it began with a version of mebench that did not record all that its "
            f"folds depend on ({list_first(changes, 6)}), and they must not mix with others. {remedy}"
        )
    changes = _changes(then, now)
    raise RunError(
        f"run {folder.id!r} cannot continue: {list_first(changes, 6)}, and its folds must not mix with others. {remedy}"
    )


def _changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The parts that differ, each with both values."""
    return [
        f"{name} was {then.get(name, ABSENT)} and is {now.get(name, ABSENT)}"
        for name in {**now, **then}
        if then.get(name, ABSENT) != now.get(name, ABSENT)
    ]


def _recorded_versions(folder: RunFolder) -> dict[str, Any]:
    """The versions that a run without parts recorded, by the names of parts."""
    versions = folder.read_json("versions.json")
    packages = {f"package {name}": versions[name] for name in PACKAGES if name in versions}
    steps = dict(text.split() for text in versions.get("steps", "").split(", ") if text)
    return {
        "mebench": versions.get("mebench"),
        "revision of the dataset": versions.get("dataset_revision"),
        **packages,
        **{f"step {name}": int(version) for name, version in steps.items()},
    }


def by_training(runs: Path) -> dict[str, list[RunFolder]]:
    """The runs of a folder by the key of their training, see `training_key`."""
    runs_of = dict[str, list[RunFolder]]()
    for run in RunFolder.list_runs(runs):
        with suppress(RunError, AttributeError):  # of another program, or damaged
            if (trained := run.read_json("config.json").get("trained")) is not None:
                runs_of.setdefault(str(trained), []).append(run)
    return runs_of


def run_name(config: RunConfig) -> str:
    """The name of a run; its folder adds the start of the key."""
    method = "+".join(filter(None, [config.method, config.recognizer]))
    leak = "" if config.audit == "guard" else f"-{config.audit.replace('_', '-')}"
    degraded = "" if config.degrade == "none" else f"-{'-'.join(config.degrade.split(':')[:2])}"
    return f"{method}-{config.dataset}-{config.protocol}-seed{config.seed}{leak}{degraded}"
