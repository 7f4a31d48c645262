"""A dry run: the work of a run, and its duration as estimated from an earlier run. PyTorch is loaded once for each method."""

import csv
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from importlib import import_module
from math import fsum
from pathlib import Path
from statistics import fmean
from typing import Any

from mebench._installation import ROOT
from mebench.atomic import replace_file
from mebench.config import RunConfig, flatten_keys, shaping_settings
from mebench.config.settings import shaping_values
from mebench.core import Chain, Video
from mebench.core.types import Fold
from mebench.errors import MebenchError, list_first
from mebench.features import processor
from mebench.files import code_hash, file_hash
from mebench.output.terminal import format_count, format_duration, print_lines
from mebench.runner.choices import Ability, find_abilities
from mebench.runner.guard import find_frame_warnings, find_run_warnings
from mebench.runner.identity import by_training, hash_annotations, identity_of, run_name, training_key
from mebench.runner.inputs import code_and_settings, instructions_of_folds, package_versions, short_hash
from mebench.runner.plan import Plan, create_weightless, make_plan
from mebench.runner.prepare import clips_of, missing_videos
from mebench.runner.requirements import check_requirements
from mebench.runner.run_data import RunData
from mebench.runner.run_features import RunFeatures
from mebench.runner.workers import default_workers
from mebench.runs.folder import RunFolder

MOST_FOLDS = 20


@dataclass(frozen=True)
class Earlier:
    """The cost of a finished run of a method on a dataset.

    Attributes:
        id: id of the run.
        features: seconds by key of the video; of those that it found in the store 0.
        folds: seconds by key of the fold: `fit_seconds`, `predict_seconds`.
        other: settings that shape predictions and differ from those of the planned run.
    """

    id: str
    features: dict[str, float]
    folds: dict[str, dict[str, float]]
    other: tuple[str, ...]


def dry_run(config: RunConfig, quiet: bool = False, trained: set[str] | None = None) -> dict[str, Any]:
    """Print folds, work and estimated time of a run on standard output, unless `quiet`. It makes no run folder and
    stores nothing but the methods' descriptions (see `plan_of`).

    Args:
        config: configuration of the run.
        quiet: print nothing.
        trained: trainings of earlier runs of the sweep (`identity.training_key`), which this run reuses; its own
            training is added.

    Returns:
        `folds`, `subjects`, `videos`, `work` (see `Work`), `chains` (cards by dataset), `workers`, `seconds`: `features`,
        `training` and `prediction` of one core, and `total` with all workers, each None where no earlier run tells; and
        `seconds_from`: the id of that run, or None.

    Raises:
        MebenchError: anything that would stop the run, such as a wrong word, missing data or a read-only folder.
    """
    check_requirements(config)
    plan, epochs, instructions = plan_of(config)
    workers = config.workers or default_workers()
    missing = missing_videos(plan.features)
    left = _untrained(plan, trained, instructions)
    work: dict[str, Any] = {
        "missing_videos": len(missing),
        "missing_frames": sum(v.n_frames or 0 for v in missing),
        "missing_clips": sum(len(clips_of(plan.data, v)) for v in missing),
        "trainings": len(left) * len(epochs),
        "epochs": epochs,
    }
    earlier = earlier_run(config)
    seconds = _seconds(missing, left, workers, earlier)
    if not quiet:
        _print_folds(_title(config), plan.data)
        _print_features(plan.features, work)
        print_lines(*map(str, find_run_warnings(plan.data, plan.access)))
        print_lines(*map(str, find_frame_warnings(plan.features)))
        _print_trainings(work, len(left))
        _print_time(config, seconds, workers, earlier)
    return {
        "folds": len(plan.data.folds),
        "subjects": len({v.subject_key for v in plan.data.videos}),
        "videos": len(plan.data.videos),
        "work": work,
        "chains": plan.features.write_cards(),
        "workers": workers,
        "seconds": seconds,
        "seconds_from": None if earlier is None else earlier.id,
    }


def plan_of(config: RunConfig) -> tuple[Plan, dict[str, int], str]:
    """A plan that knows its chains, the epochs of its stages, and the processor's instructions.

    These come from the methods' classes, whose import brings PyTorch and Lightning and takes several times as long as
    all else. They are therefore cached in the feature store, by code, settings and annotations.
    """
    code = code_and_settings(config, _hash_of_source)
    name = short_hash([code, package_versions(), processor()])
    file = Path(config.cache).expanduser() / "plans" / f"{name}.json"
    stored = _stored_plan(config, file)
    if stored is not None:
        return stored
    methods = find_abilities(config.methods, config.trainer)
    plan = make_plan(config, methods)
    epochs = _epochs_of_stages(plan)
    _store_plan(file, plan, methods, epochs)
    return plan, epochs, instructions_of_folds()


def _hash_of_source(file: Path) -> str:
    """The user's code counts without comments; mebench's own by its bytes, which takes a tenth of the time."""
    return file_hash(file) if ROOT in file.parents else code_hash(file)


def _stored_plan(config: RunConfig, file: Path) -> tuple[Plan, dict[str, int], str] | None:
    """The plan in a file; None if it cannot be read, or the annotations have changed since."""
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError, ImportError):
        stored = json.loads(file.read_text(encoding="utf-8"))
        methods = tuple(Ability(frozenset(tasks), tuple(kinds), selects) for tasks, kinds, selects in stored["methods"])
        plan = make_plan(config, methods)
        if stored["truth"] == hash_annotations(plan.data):
            return replace(plan, known=_chains_of_groups(stored["chains"])), stored["epochs"], stored["processor"]
    return None


def _epochs_of_stages(plan: Plan) -> dict[str, int]:
    """The epochs of each stage of the methods, by name."""
    epochs = {}
    for part in plan.methods:
        is_recognizer = plan.config.recognizer is not None and part.task.tasks == {"recognize"}
        prefix = "recognizer: " if is_recognizer else ""
        for stage in create_weightless(part).stages():
            epochs[f"{prefix}{stage.name}"] = stage.epochs
    return epochs


def _store_plan(file: Path, plan: Plan, methods: Sequence[Ability], epochs: Mapping[str, int]) -> None:
    """Store a plan for `_stored_plan`.

    It is not stored if the file cannot be written, or if JSON lacks values of a plugin's step.
    """
    chains = {group: [_plain(chain) for chain in some] for group, some in plan.features.chains.items()}
    with suppress(OSError, TypeError, ValueError):
        text = json.dumps(
            {
                "methods": [[sorted(able.tasks), able.kinds, able.selects] for able in methods],
                "truth": hash_annotations(plan.data),
                "epochs": epochs,
                "processor": instructions_of_folds(),
                "chains": chains,
            }
        )
        read_again = _chains_of_groups(json.loads(text)["chains"])
        if read_again == plan.features.chains:
            replace_file(file, text)


def _chains_of_groups(plain: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, tuple[Chain, ...]]:
    """The chains of each group of videos, from plain data."""
    return {group: tuple(map(_chain, chains)) for group, chains in plain.items()}


def _plain(chain: Chain) -> dict[str, Any]:
    """A chain as plain data."""
    steps = [
        [type(s).__module__, type(s).__qualname__, {f.name: getattr(s, f.name) for f in fields(s)}] for s in chain.steps
    ]
    return {"name": chain.name, "steps": steps, "scope": chain.scope, "advice": chain.advice}


def _chain(plain: Mapping[str, Any]) -> Chain:
    """The chain that `_plain` turned into plain data."""
    steps = []
    for module, name, values in plain["steps"]:
        tuples = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        steps.append(getattr(import_module(module), name)(**{**values, **tuples}))
    return Chain(plain["name"], tuple(steps), plain["scope"], plain["advice"])


def _untrained(plan: Plan, before: set[str] | None, instructions: str) -> tuple[Fold, ...]:
    """The folds still to be trained: no run that differs only in spotting has trained them."""
    runs = Path(plan.config.runs).expanduser()
    if before is None and not any(runs.glob("*/config.json")):
        return plan.data.folds
    parts = identity_of(plan, instructions)
    key = training_key(plan, parts)
    runs_of_identity = RunFolder.all_finished(runs, run_name(plan.config), short_hash(parts))
    if key is None or runs_of_identity:  # a finished run of the same identity is run again
        return plan.data.folds
    if before is not None:
        if key in before:
            return ()
        before.add(key)
    trained_elsewhere = [run.finished_folds() for run in by_training(runs).get(key, ())]
    return tuple(fold for fold in plan.data.folds if fold.key not in set().union(*trained_elsewhere))


def earlier_run(config: RunConfig) -> Earlier | None:
    """The finished run of method and dataset with the most similar settings, or None.

    Of several it is the latest.

    """
    settings = shaping_settings(config)
    candidates: list[tuple[int, float, Earlier]] = []
    for run in RunFolder.list_runs(config.runs):
        with suppress(MebenchError, OSError, ValueError, LookupError, TypeError, AttributeError):  # damaged, or too old
            earlier = _read_earlier(run, settings)
            if earlier is not None:
                finished_at = (run.path / "DONE").stat().st_mtime
                candidates.append((-len(earlier.other), finished_at, earlier))
    if not candidates:
        return None
    _, _, most_similar = max(candidates, key=lambda candidate: candidate[:2])
    return most_similar


def _read_earlier(run: RunFolder, settings: Mapping[str, Any]) -> Earlier | None:
    """The costs of a run; None if it is not finished, or of another method or dataset than the planned one."""
    stored = flatten_keys(run.read_json("config.json")["config"])
    is_alike = all(stored.get(name) == settings.get(name) for name in ("method", "recognizer", "dataset"))
    if not run.done or not is_alike:
        return None
    its_settings = shaping_values(stored)
    names = sorted({*settings, *its_settings} - {"seed"})
    differing = tuple(name for name in names if settings.get(name) != its_settings.get(name))
    with (run.path / "costs.csv").open(encoding="utf-8", newline="") as file:
        folds = {row["fold"]: _seconds_of_fold(row) for row in csv.DictReader(file)}
    return Earlier(run.id, run.read_json("features.json")["videos"], folds, differing)


def _seconds_of_fold(row: Mapping[str, str]) -> dict[str, float]:
    """The seconds of training and of prediction in a row of `costs.csv`."""
    return {name: float(row[name]) for name in ("fit_seconds", "predict_seconds")}


def _seconds(
    missing: list[Video], left: tuple[Fold, ...], workers: int, earlier: Earlier | None
) -> dict[str, float | None]:
    """Estimated seconds of each part on one core, and in all with all workers."""
    features = _feature_seconds(missing, earlier)
    training = _fold_seconds(left, earlier, "fit_seconds")
    prediction = _fold_seconds(left, earlier, "predict_seconds")
    total = None
    if features is not None and training is not None and prediction is not None:
        folds = [fit + predict for fit, predict in zip(training, prediction)]
        # No fold is split over workers, so the last ones may leave some idle.
        of_folds = max(sum(folds) / max(min(workers, len(folds)), 1), max(folds, default=0.0))
        total = features / min(workers, max(len(missing), 1)) + of_folds
    return {
        "features": features,
        "training": None if training is None else fsum(training),
        "prediction": None if prediction is None else fsum(prediction),
        "total": total,
    }


def _feature_seconds(missing: list[Video], earlier: Earlier | None) -> float | None:
    """The seconds of the missing features: an unknown video takes the mean of the others. None if nothing is known."""
    took = {} if earlier is None else {video: s for video, s in earlier.features.items() if s > 0}
    if took:
        mean = fmean(took.values())
        return fsum(took.get(video.key, mean) for video in missing)
    return None if missing else 0.0


def _fold_seconds(left: tuple[Fold, ...], earlier: Earlier | None, name: str) -> list[float] | None:
    """The seconds of each fold: an unknown one takes the mean of the others. None if nothing is known."""
    took = {} if earlier is None else {fold: seconds[name] for fold, seconds in earlier.folds.items()}
    if took:
        mean = fmean(took.values())
        return [took.get(fold.key, mean) for fold in left]
    return None if left else []


# -- what is printed --------------------------------------------------------------------------------------------------------


def _title(config: RunConfig) -> str:
    """Methods, dataset and protocol of a run."""
    methods = " with ".join(filter(None, (config.method, config.recognizer)))
    return f"{methods} on {config.dataset}, {config.protocol}"


def _print_folds(title: str, data: RunData) -> None:
    """The run in one line, and its first folds."""
    subjects = len({v.subject_key for v in data.videos})
    print_lines(f"{title}: {len(data.folds)} folds, {subjects} subjects, {len(data.videos)} videos")
    for fold in data.folds[:MOST_FOLDS]:
        tested = data.split_videos(fold).test
        expressions = sum(len(v.expressions) for v in tested)
        validate = f", {len(fold.valid)} validate" if data.selects else ""
        print_lines(
            f"  {fold.key}: tests {', '.join(map(str, fold.test))} ({format_count(len(tested), 'video')}, "
            f"{format_count(expressions, 'expression')}), {format_count(len(data.training_subjects(fold)), 'subject')} train{validate}"
        )
    if len(data.folds) > MOST_FOLDS:
        print_lines(f"  … and {len(data.folds) - MOST_FOLDS} more")


def _print_features(features: RunFeatures, work: Mapping[str, Any]) -> None:
    """How many features are missing, and the chains."""
    clips = f", {work['missing_clips']} clips" if work["missing_clips"] else ""
    stored = "all are stored"
    if work["missing_videos"]:
        of = len(features.data.videos)
        stored = f"{work['missing_videos']} of {of} videos to compute ({work['missing_frames']} frames{clips})"
    print_lines(f"features: {stored}")
    distinct = {chain.fingerprint() + chain.name: chain for group in features.chains.values() for chain in group}
    for chain in sorted(distinct.values(), key=lambda chain: chain.name):
        print_lines(*(f"  {line}" for line in chain.card().split("\n")))


def _print_trainings(work: Mapping[str, Any], n_folds: int) -> None:
    """How much is trained.

    Args:
        work: see `dry_run`.
        n_folds: number of the folds that no other run has trained.
    """
    stages = ", ".join(f"{name} ({n} epochs)" for name, n in work["epochs"].items())
    if not n_folds:
        print_lines("training: shared with a run that differs only in the way from frame scores to intervals")
    elif work["trainings"]:
        print_lines(f"training: {work['trainings']} trainings, {n_folds} folds x {stages}")
    else:
        print_lines("training: none")


def _print_time(config: RunConfig, seconds: Mapping[str, float | None], workers: int, earlier: Earlier | None) -> None:
    """Print how long a run will take, from the costs of an earlier one."""
    total = seconds["total"]
    if earlier is None:
        print_lines(
            f"estimated time: unknown, since {config.runs} holds no finished run of {config.method} on "
            f"{config.dataset}; a run estimates it after its first fold"
        )
        return
    about = "unknown" if total is None else f"about {format_duration(total)} with {format_count(workers, 'worker')}"
    with_other = f", which had other settings: {list_first(earlier.other, 5)}" if earlier.other else ""
    print_lines(f"estimated time: {about}, from the costs of run {earlier.id}{with_other}")
    parts = [f"{name} {_duration_or_unknown(seconds[name])}" for name in ("features", "training", "prediction")]
    print_lines(f"  of one core: {', '.join(parts)}")


def _duration_or_unknown(seconds: float | None) -> str:
    """A duration in words; `unknown` without one."""
    return "unknown" if seconds is None else format_duration(seconds)
