"""A run made of the stored predictions of several runs.

Its folder is that of any run, and names its members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mebench.combination.class_shares import ClipShares
from mebench.combination.fused_intervals import fuse_all, intervals_by_place
from mebench.combination.member_weights import FoldWeights, choose_for_classes, choose_for_intervals, given_weights
from mebench.combination.members import Member, read_members, shared_kinds, shared_tasks, titles_of
from mebench.combination.rules import CombinationRules
from mebench.config import COMMAND_LINE, registry
from mebench.core import Prediction
from mebench.errors import ConfigError, RunError
from mebench.metrics import find_convention
from mebench.metrics.tables import Tables
from mebench.records.record import is_record
from mebench.runner.inputs import describe_people, short_hash, software_versions
from mebench.runs import ClipPrediction, FoldResult, RunFolder
from mebench.runs.access_text import ACCESS_FILE
from mebench.runs.folder import first_id
from mebench.runs.origin import mark_as_own
from mebench.runs.scoring import read_tables, score_run

if TYPE_CHECKING:
    import pandas as pd

SELECTIONS = ("fixed", "inner", "test")
"""Words for the data that a selection may have seen, the most honest first."""
TRANSDUCTIVE = ("none", "video", "database")
"""The unlabelled test data that a method may use, the least first."""
SETTINGS_OF_MEMBERS = {"method", "recognizer", "trainer", "pretrained", "tuned_on", "looks", "devices"}
"""Sections of settings that belong to one member; all others are those of the data and of scoring."""
COSTS = ("fit_seconds", "predict_seconds", "parameters")
"""The costs of members that add up."""


@dataclass(frozen=True)
class CombinedRun:
    """A combination.

    Attributes:
        folder: folder of the run.
        summary: scores of the run.
        remarks: sentences on how it was made.
        fresh: whether the run is new, not an earlier equal one.
    """

    folder: RunFolder
    summary: dict[str, Any]
    remarks: list[str]
    fresh: bool


def combine_runs(folders: Sequence[RunFolder], rules: CombinationRules, runs: str | Path) -> CombinedRun:
    """Combine the predictions of finished runs, or of records, into a run.

    An equal combination that is there already is given as it is.

    Args:
        folders: runs on the same people and folds.
        rules: rules of the combination.
        runs: folder of runs that receives it.

    Raises:
        ConfigError: the runs cannot be combined, or the name is that of a method.
        RunError: a file is missing or damaged.
    """
    if rules.name in registry.list_plugins("method"):
        raise ConfigError(f"--name {rules.name} is a method of its own: choose another name")
    members = read_members(folders)
    tasks = shared_tasks(members)
    kinds = shared_kinds(members)
    weights = given_weights(rules, len(members), members[0].folds)
    settings = rules.plain("spot" in tasks, "recognize" in tasks)
    config = _config_of(members, rules.name, settings, kinds)
    parts = _parts_of_key(members, config)
    key = short_hash(parts)
    name = f"{rules.name}-{config['dataset']['name']}-{config['protocol']['name']}-seed{config['seed']}"
    folder = RunFolder(Path(runs).expanduser() / first_id(name, key))
    remarks = _remarks_on_left_out_tasks(members, tasks)
    if folder.done:
        return CombinedRun(folder, folder.read_json("summary.json"), remarks, fresh=False)
    folder.path.mkdir(parents=True, exist_ok=True)
    lock = folder.lock()
    if lock is None:
        raise RunError(f"another process is making {folder.path}: wait for it")
    try:
        summary = _write_combination(folder, folders[0], members, rules, weights, config, parts)
    finally:
        lock.release()
    return CombinedRun(folder, summary, remarks, fresh=True)


def _write_combination(
    folder: RunFolder,
    source: RunFolder,
    members: Sequence[Member],
    rules: CombinationRules,
    weights: FoldWeights | None,
    config: Mapping[str, Any],
    parts: Mapping[str, Any],
) -> dict[str, Any]:
    """Combine, write everything into the folder, and give the summary.

    Args:
        folder: folder of the combination.
        source: folder of the first member, whose truth it takes.
        members: the members.
        rules: rules of the combination.
        weights: weights of the members; None to choose them.
        config: its configuration.
        parts: values that its key depends on.
    """
    tasks = shared_tasks(members)
    kinds = shared_kinds(members)
    truth = read_tables(source)
    answers = _combine_answers(members, rules, weights, truth, tasks, kinds)
    _write_description(folder, source, members, config, parts)
    for fold in members[0].folds:
        folder.write_fold(_result_of_fold(fold["fold"], members, answers), kinds)
    folder.merge_folds([fold["fold"] for fold in members[0].folds])
    scored = score_run(folder, config["seed"], config["bootstrap"], config["convention"])
    summary = {"run_id": folder.id, "seconds": 0.0, **scored}
    folder.write_json("summary.json", summary)
    about = folder.read_json("folds.json")
    folder.write_json("audit.json", _audit_of(members, about, answers.weights, are_chosen=weights is None))
    folder.finish()
    return summary


@dataclass(frozen=True)
class _Answers:
    """The answers of a combination.

    Attributes:
        clips: answers to annotated clips, by fold.
        intervals: spotted intervals, by fold.
        weights: weights of the members in each fold, by what they weigh: `classes`, or a kind.
    """

    clips: Mapping[str, list[ClipPrediction]]
    intervals: Mapping[str, list[Prediction]]
    weights: Mapping[str, FoldWeights]


def _combine_answers(
    members: Sequence[Member],
    rules: CombinationRules,
    weights: FoldWeights | None,
    truth: Tables,
    tasks: Sequence[str],
    kinds: Sequence[str],
) -> _Answers:
    """The answers to all clips and videos, with the weights of each fold."""
    folds = [fold["fold"] for fold in members[0].folds]
    classes = members[0].record.about["classes"]
    clips: dict[str, list[ClipPrediction]] = {fold: [] for fold in folds}
    intervals: dict[str, list[Prediction]] = {fold: [] for fold in folds}
    used: dict[str, FoldWeights] = {}
    if "recognize" in tasks:
        tables = [member.answers for member in members if member.answers is not None]
        shares = ClipShares.from_members(tables, len(classes))
        used["classes"] = weights or choose_for_classes(shares, rules, truth, classes, members[0].folds)
        for fold, clip in _named_clips(shares, rules, used["classes"], classes):
            clips[fold].append(clip)
    if "spot" in tasks:
        used |= _weights_of_kinds(members, rules, weights, truth, kinds)
        for fold, found in _fused_intervals(members, rules, used, kinds):
            intervals[fold].append(found)
    return _Answers(clips, intervals, used)


def _named_clips(
    shares: ClipShares, rules: CombinationRules, weights: FoldWeights, classes: Sequence[str]
) -> list[tuple[str, ClipPrediction]]:
    """The fold of each clip, and the answer to it."""
    folds = shares.clips["fold"].tolist()
    mixed = shares.mix_shares(rules.classes, weights.of_rows(folds)) if folds else np.zeros((0, len(classes)))
    named = []
    columns = (shares.clips[name].tolist() for name in ("video", "onset", "offset"))
    for fold, video, onset, offset, row in zip(folds, *columns, mixed):
        answer = ClipPrediction(video, onset, offset, classes[int(row.argmax())], tuple(row.tolist()))
        named.append((fold, answer))
    return named


def _spotted_tables(members: Sequence[Member]) -> list[pd.DataFrame]:
    """The spotted intervals of each member."""
    return [member.spotted for member in members if member.spotted is not None]


def _weights_of_kinds(
    members: Sequence[Member],
    rules: CombinationRules,
    weights: FoldWeights | None,
    truth: Tables,
    kinds: Sequence[str],
) -> dict[str, FoldWeights]:
    """The weights of the members for each kind: the given ones, else chosen."""
    if weights is not None:
        return dict.fromkeys(kinds, weights)
    intervals = intervals_by_place(_spotted_tables(members), kinds)
    folds = members[0].folds
    convention = find_convention("strict")
    chosen = {}
    for kind in kinds:
        chosen[kind] = choose_for_intervals(intervals, kind, rules, truth, convention, folds, len(members))
    return chosen


def _fused_intervals(
    members: Sequence[Member], rules: CombinationRules, weights: Mapping[str, FoldWeights], kinds: Sequence[str]
) -> list[tuple[str, Prediction]]:
    """The fold of each interval of the combination, and the interval.

    Args:
        members: runs that spot.
        rules: rules of the combination.
        weights: weights of the members by kind.
        kinds: kinds that are combined.
    """
    tables = _spotted_tables(members)
    intervals = intervals_by_place(tables, kinds)
    fold_of: dict[str, str] = {}
    for table in tables:
        fold_of |= dict(zip(table["video"], table["fold"]))
    weights_of = {(video, kind): weights[kind].of_fold[fold_of[video]] for video, kind in intervals}
    fused = fuse_all(intervals, weights_of, rules.intervals, rules.overlap, rules.agreement)
    classes = members[0].record.about["classes"]
    found = []
    for (video, kind), intervals_of_video in fused.items():
        for interval in intervals_of_video:
            emotion = None
            shares = None
            if interval.shares is not None:
                emotion = classes[int(interval.shares.argmax())]
                shares = tuple(interval.shares.tolist())
            place = (video, kind, interval.onset, interval.apex, interval.offset)
            prediction = Prediction(*place, interval.confidence, emotion, shares)  # type: ignore[arg-type]
            found.append((fold_of[video], prediction))
    return found


def _result_of_fold(fold: str, members: Sequence[Member], answers: _Answers) -> FoldResult:
    """The answers of one fold, at the cost of all members."""
    costs_of_members = [member.costs.get(fold, {}) for member in members]
    costs = {name: sum(of_member.get(name, 0.0) for of_member in costs_of_members) for name in COSTS}
    peaks = [of_member["peak_memory_mib"] for of_member in costs_of_members if "peak_memory_mib" in of_member]
    if len(peaks) == len(members):
        costs["peak_memory_mib"] = max(peaks)
    notes: dict[str, float] = {}
    titles = titles_of(members)
    for what, weights in answers.weights.items():
        for title, weight in zip(titles, weights.of_fold[fold]):
            notes[f"weight of {title} ({what})"] = float(weight)
    return FoldResult(
        key=fold,
        predictions=answers.intervals[fold],
        clips=answers.clips[fold],
        frame_scores={},
        timings={},
        seed=0,
        costs=costs,
        notes=notes,
    )


def _config_of(
    members: Sequence[Member], name: str, settings: Mapping[str, Any], kinds: Sequence[str]
) -> dict[str, Any]:
    """The configuration: the rules as settings of the method, and what all members have alike."""
    first, *others = (member.record.config for member in members)
    config: dict[str, Any] = {
        "method": {"name": name, "members": titles_of(members), **settings},
        "dataset": _name_and_settings(first, "dataset"),
        "protocol": _name_and_settings(first, "protocol"),
    }
    for key, value in first.items():
        section, _, _ = key.partition(".")
        is_shared = all(other.get(key) == value for other in others)
        if is_shared and section not in SETTINGS_OF_MEMBERS and section not in ("dataset", "protocol"):
            config[key] = value
    seeds = {member.record.seed for member in members}
    config["seed"] = seeds.pop() if len(seeds) == 1 else 0
    config["bootstrap"] = first.get("bootstrap", 1000)
    config["convention"] = first.get("convention", "strict")
    if kinds:
        config["kinds"] = list(kinds)
    return config


def _name_and_settings(config: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Name and settings of the dataset or protocol."""
    own = {key.partition(".")[2]: value for key, value in config.items() if key.startswith(f"{part}.")}
    return {"name": config[part], **own}


def _parts_of_key(members: Sequence[Member], config: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that the predictions depend on: the rules, and the keys of the members."""
    method = {f"setting method.{name}": value for name, value in config["method"].items() if name != "name"}
    return {
        "setting method": config["method"]["name"],
        **method,
        "setting seed": config["seed"],
        "members": {member.record.id: member.record.key for member in members},
        "annotations": members[0].record.annotations[1],
    }


def _write_description(
    folder: RunFolder,
    source: RunFolder,
    members: Sequence[Member],
    config: Mapping[str, Any],
    parts: Mapping[str, Any],
) -> None:
    """Write configuration, versions, truth and folds of a combination.

    Args:
        folder: folder of the combination.
        source: folder of the first member, whose truth it takes.
        members: members of the combination.
        config: configuration of the combination.
        parts: values that its key depends on.
    """
    origins = dict.fromkeys(["method", *(f"method.{name}" for name in config["method"])], COMMAND_LINE)
    origins |= _origins_of_data(source, members[0])
    folder.write_json(
        "config.json",
        {"key": short_hash(parts), "config": dict(config), "origins": origins, "parts": dict(parts)},
    )
    mark_as_own(folder, config)
    folder.write_json("versions.json", _versions_of(members))
    access = [member.record.isolation for member in members]
    if all(access):
        folder.write_json(ACCESS_FILE, _least_isolated(access))
    for table in ("videos", "truth", "distractors"):
        if (source.path / f"{table}.parquet").is_file():
            folder.write_table(f"{table}.parquet", source.read_table(f"{table}.parquet"))
    folder.write_json("features.json", {"seconds": 0.0, "videos": {}, "chains": {}})
    folder.write_json("folds.json", _joined_facts_of_folds(members))


def _origins_of_data(source: RunFolder, member: Member) -> dict[str, str]:
    """The origins of the settings of dataset and protocol, as those of a member.

    So tables name the data as they do for the member. A record has no origins: its words say which settings are not the defaults.
    """
    if not is_record(source):
        origins = source.read_json("config.json")["origins"]
        sections = ("dataset", "protocol", "degrade")
        return {key: origin for key, origin in origins.items() if key.split(".")[0] in sections}
    words = member.record.data
    found = {}
    for section in ("dataset", "protocol"):
        for key, value in member.record.config.items():
            if not key.startswith(f"{section}."):
                continue
            setting = key.removeprefix(f"{section}.")
            is_named_preset = setting == "preset" and value is not None and f"preset {value}" in words
            if is_named_preset or f"{setting}=" in words:
                found[key] = COMMAND_LINE
    return found


def _versions_of(members: Sequence[Member]) -> dict[str, str]:
    """The versions of this program, and of the members' plugins and steps."""
    versions = [member.record.versions for member in members]
    steps: dict[str, str] = {}
    for of_member in versions:
        for text in filter(None, of_member.get("steps", "").split(", ")):
            step, _, version = text.partition(" ")
            steps[step] = min(version, steps.get(step, version))
    return {
        **software_versions(),
        "method_plugin": short_hash([of_member.get("method_plugin", "") for of_member in versions])[:8],
        "dataset_plugin": versions[0].get("dataset_plugin", ""),
        "dataset_revision": versions[0].get("dataset_revision", ""),
        "steps": ", ".join(f"{step} {version}" for step, version in sorted(steps.items())),
    }


def _least_isolated(access: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The access of all members' folds together."""
    has_view = all(of_member.get("view", True) for of_member in access)
    joined: dict[str, Any] = {"asked": access[0]["asked"], "view": has_view}
    if any(of_member.get("times") for of_member in access):
        joined["times"] = True
    for name in ("lacks", "reads", "devices"):
        joined[name] = sorted({place for of_member in access for place in of_member.get(name, ())})
    kinds = {of_member.get("by", "") for of_member in access}
    if len(kinds) == 1 and "" not in kinds:
        joined["by"] = kinds.pop()
    reasons = [of_member["reason"] for of_member in access if of_member.get("reason")]
    if reasons:
        joined["reason"] = reasons[0]
    return joined


def _joined_facts_of_folds(members: Sequence[Member]) -> dict[str, Any]:
    """The content of `folds.json`: that of the first member, with the least honest facts of all.

    A fold's training people are those of any member.
    """
    abouts = [member.record.about for member in members]
    first = abouts[0]
    tasks = shared_tasks(members)
    loaded = [entry for about in abouts for entry in about.get("loaded", ())]
    joined = {
        **first,
        "tasks": tasks,
        "kinds": shared_kinds(members),
        "selects": any(about["selects"] for about in abouts),
        "selection": _least_honest(SELECTIONS, [about.get("selection", "fixed") for about in abouts]),
        "transductive": _least_honest(TRANSDUCTIVE, [about["transductive"] for about in abouts]),
        "subject_dependent": any(about.get("subject_dependent", False) for about in abouts),
        "comparable": all(about["comparable"] for about in abouts),
        "warnings": list(dict.fromkeys(line for about in abouts for line in about.get("warnings", ()))),
        "folds": [_joined_fold(number, abouts) for number in range(len(first["folds"]))],
        "k_prime": first["k_prime"] if "spot" in tasks else {},
    }
    stated = [about["pretrained"] for about in abouts if "pretrained" in about]
    if loaded or stated:
        joined |= {"loaded": loaded, "pretrained": _joined_training(stated)}
    return joined


def _least_honest(order: Sequence[str], found: Sequence[str]) -> str:
    """The last of some words in an order from the most honest on."""
    return max(found, key=order.index)


def _joined_training(stated: Sequence[Any]) -> Any:
    """The data on which the weights that members load were trained."""
    if "unknown" in stated:
        return "unknown"
    lists = [names for names in stated if not isinstance(names, str)]
    datasets = sorted({name for names in lists for name in names})
    return datasets or "none"


def _joined_fold(number: int, abouts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A fold with the training people of all members; who validates in one and trains in another counts as training."""
    name = abouts[0]["folds"][number]["fold"]
    same = [next(fold for fold in about["folds"] if fold["fold"] == name) for about in abouts]
    train = sorted({person for fold in same for person in fold["train"]})
    valid = sorted({person for fold in same for person in fold["valid"]} - set(train))
    return {**same[0], "train": train, "valid": valid}


def _audit_of(
    members: Sequence[Member], about: Mapping[str, Any], weights: Mapping[str, FoldWeights], are_chosen: bool
) -> dict[str, Any]:
    """The content of `audit.json`: what each value saw that shapes the answers."""
    saw = "train" if are_chosen else "nobody"
    values = []
    for what, of_what in weights.items():
        values.append({"name": f"weights of the members ({what})", "saw": saw, "folds": of_what.plain()})
    for member in members:
        named = member.record.audit.get("values", ())
        values += [{**value, "name": f"{value['name']} of {member.record.id}"} for value in named]
    sides = {}
    for fold in about["folds"]:
        sides[fold["fold"]] = {side: describe_people(fold[side]) for side in ("train", "valid", "test")}
    return {
        "selection": about["selection"],
        "transductive": about["transductive"],
        "subject_dependent": about["subject_dependent"],
        "switch": "guard",
        "sides": sides,
        "values": values,
    }


def _remarks_on_left_out_tasks(members: Sequence[Member], tasks: Sequence[str]) -> list[str]:
    """A sentence on the tasks that only some members do; none where all do the same."""
    tasks_of_members = {task for member in members for task in member.record.about["tasks"]}
    left_out = sorted(tasks_of_members - set(tasks))
    if not left_out:
        return []
    nouns = {"spot": "spotting", "recognize": "recognition"}
    named = " and ".join(nouns[task] for task in left_out)
    return [f"not every run does {named}: it is left out"]
