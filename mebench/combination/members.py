"""The runs that are combined: the same people, folds and classes, with the predictions of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mebench.errors import ConfigError, refuse_if
from mebench.records.record import Record, is_record, read_record
from mebench.runs import RunFolder


@dataclass(frozen=True)
class Member:
    """A run whose predictions are combined.

    Attributes:
        record: the run, or the record of one.
        spotted: spotted intervals; None if it does not spot.
        answers: answers to annotated clips; None if it does not recognize.
        costs: costs of each fold, by the fold's name; those of a record are spread evenly.
    """

    record: Record
    spotted: pd.DataFrame | None
    answers: pd.DataFrame | None
    costs: Mapping[str, Mapping[str, float]]

    @property
    def title(self) -> str:
        """Method and settings, as tables name them."""
        return f"{self.record.method} ({self.record.settings})" if self.record.settings else self.record.method

    @property
    def folds(self) -> list[dict[str, Any]]:
        """The folds, as `folds.json` holds them."""
        return list(self.record.about["folds"])


def read_members(folders: Sequence[RunFolder]) -> list[Member]:
    """The members, after a check that they can be combined.

    Args:
        folders: finished runs, or records.

    Raises:
        ConfigError: there are fewer than two, or they are of other people, folds or classes.
        RunError: a file is missing or damaged.
    """
    if len(folders) < 2:
        raise ConfigError(f"a combination needs two runs at least, not {len(folders)}: name more")
    members = [_read_member(folder) for folder in folders]
    for member in members:
        _refuse_alone(member)
    first, *others = members
    for other in others:
        _refuse_unlike(first, other)
    keys = [member.record.key for member in members]
    for number, member in enumerate(members):
        if member.record.key in keys[:number]:
            raise ConfigError(f"run {member.record.id} is named twice, or is equal to another one: name each once")
    return members


def titles_of(members: Sequence[Member]) -> list[str]:
    """The name of each member; with its seed where members have several."""
    seeds = {member.record.seed for member in members}
    if len(seeds) == 1:
        return [member.title for member in members]
    return [f"{member.title}, seed {member.record.seed}" for member in members]


def shared_tasks(members: Sequence[Member]) -> list[str]:
    """The tasks that all members do.

    Raises:
        ConfigError: there is none.
    """
    tasks = set.intersection(*(set(member.record.about["tasks"]) for member in members))
    if not tasks:
        done = ", ".join(f"{member.record.id} ({' and '.join(member.record.about['tasks'])})" for member in members)
        raise ConfigError(f"no task is done by all runs: {done}. Combine runs that spot, or runs that recognize")
    return sorted(tasks)


def shared_kinds(members: Sequence[Member]) -> list[str]:
    """The kinds that all members spot, in the order of the first.

    Raises:
        ConfigError: they spot, and there is none.
    """
    first, *others = (member.record.about["kinds"] for member in members)
    shared = [kind for kind in first if all(kind in kinds for kinds in others)]
    if not shared and "spot" in shared_tasks(members):
        raise ConfigError("no kind of expression is spotted by all runs: combine runs of the same kinds")
    return shared


def _read_member(folder: RunFolder) -> Member:
    """A run with its predictions and costs."""
    record = read_record(folder)
    tasks = record.about["tasks"]
    folds = [fold["fold"] for fold in record.about["folds"]]
    spotted = folder.read_table("predictions.parquet") if "spot" in tasks else None
    answers = folder.read_table("clips.parquet") if "recognize" in tasks else None
    return Member(record, spotted, answers, _costs_of_folds(folder, record, folds))


def _costs_of_folds(folder: RunFolder, record: Record, folds: Sequence[str]) -> dict[str, dict[str, float]]:
    """Seconds, memory and parameters of each fold."""
    if is_record(folder):
        in_each: dict[str, float] = {}
        for name in ("fit_seconds", "predict_seconds"):
            in_each[name] = record.costs.get(name, 0.0) / len(folds)
        for name in ("peak_memory_mib", "parameters"):
            if name in record.costs:
                in_each[name] = record.costs[name]
        return {fold: dict(in_each) for fold in folds}
    table = folder.read_costs().set_index("fold")
    names = [name for name in ("fit_seconds", "predict_seconds", "peak_memory_mib", "parameters") if name in table]
    rows = table[names].to_dict("index")
    return {str(fold): {str(name): float(value) for name, value in row.items()} for fold, row in rows.items()}


def _refuse_alone(member: Member) -> None:
    """Refuse a run whose predictions cannot be combined with any other's."""
    record = member.record
    about = member.record.about
    draws = 0 if member.spotted is None or not len(member.spotted) else int(member.spotted["draw"].max())
    refuse_if(
        (
            record.config.get("audit", "guard") != "guard",
            f"run {record.id} lets tested people influence it (audit={record.config.get('audit')}): combine honest runs",
        ),
        (draws, f"run {record.id} predicts at random, in {draws + 1} draws: there is nothing to combine"),
        (
            about.get("several"),
            f"run {record.id} gives each clip several classes, which have no mean: combine runs of one class a clip",
        ),
        (
            about.get("scored_each"),
            f"protocol {about['protocol']!r} of run {record.id} scores each fold by itself, and people are tested several times: "
            "combine runs of a protocol that tests each person once",
        ),
    )


def _refuse_unlike(first: Member, other: Member) -> None:
    """Refuse two runs on different data, folds or classes."""
    facts = {
        "datasets": (first.record.dataset, other.record.dataset),
        "annotations": (first.record.annotations, other.record.annotations),
        "emotion schemes": (first.record.about["scheme"], other.record.about["scheme"]),
        "classes": (first.record.about["classes"], other.record.about["classes"]),
        "protocols": (first.record.about["protocol"], other.record.about["protocol"]),
        "degradations": (first.record.config.get("degrade", "none"), other.record.config.get("degrade", "none")),
        "folds": (_tested(first), _tested(other)),
    }
    for name, (one, another) in facts.items():
        if one != another:
            values = f" ({one} and {another})" if isinstance(one, str) else ""
            raise ConfigError(
                f"runs {first.record.id} and {other.record.id} have other {name}{values}: combine runs that test the same people "
                "in the same folds"
            )


def _tested(member: Member) -> dict[str, list[str]]:
    """The people whom each fold tests."""
    return {fold["fold"]: sorted(fold["test"]) for fold in member.folds}
