"""The audit of a run: which value saw which subjects, fold by fold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from mebench.core.types import SubjectKey, Timing
from mebench.runner.folder import RunFolder
from mebench.runner.plan import Plan

FILE = "audit.json"


def write_audit(folder: RunFolder, plan: Plan) -> None:
    """Write `audit.json` when all folds are finished.

    It holds `selection`, `transductive`, `subject_dependent` and `switch` (`guard` or `leak`) of the run; `sides`: for each
    fold number and hash of the subjects on each side, whom `folds.json` names; and `values`: for each value that shapes
    predictions its name, what it `saw` (`nobody`, `train`, `valid`, `train+valid`, `test`, `all`, or `video`: the tested
    video itself, without labels) and the value, for all folds or by fold.

    Raises:
        RunError: the record of a fold is missing or damaged.
    """
    records = {fold.key: folder.fold_record(fold.key) for fold in plan.folds}
    folder.write_json(FILE, audit_of(plan, {key: record.get("notes") or {} for key, record in records.items()}))


def audit_of(plan: Plan, notes: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """The content of `audit.json`.

    Args:
        plan: of the run.
        notes: for each fold what its method wrote down, such as a learnt threshold.
    """
    return {
        "selection": plan.selection,
        "transductive": plan.transductive,
        "subject_dependent": plan.subject_dependent,
        "switch": plan.config.audit,
        "sides": {
            fold.key: {
                side: _people(subjects)
                for side, subjects in (
                    ("train", plan.training_subjects(fold)),
                    ("valid", fold.valid if plan.selects else ()),
                    ("test", fold.test),
                )
            }
            for fold in plan.folds
        },
        "values": [*_durations(plan), *_of_methods(plan), *_notes(plan, notes), *_transductive(plan)],
    }


def _people(subjects: Iterable[SubjectKey]) -> dict[str, Any]:
    names = sorted(map(str, subjects))
    return {"subjects": len(names), "hash": hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]}


def _durations(plan: Plan) -> list[dict[str, Any]]:
    """K and k' in frames and in milliseconds."""
    timings = {fold.key: plan.timings(fold) for fold in plan.folds}
    gap = {
        group: {"frames": t.k, "ms": _ms(t.k, t)}
        for of_fold in timings.values()
        for group, t in of_fold.items()
        if t.fps
    }
    found = [{"name": "k", "saw": "nobody", "value": gap}] if gap else []
    if "spot" in plan.task.tasks:
        lengths = {
            key: {
                group: {kind: {"frames": n, "ms": _ms(n, t)} for kind, n in t.k_prime.items()}
                for group, t in of_fold.items()
            }
            for key, of_fold in timings.items()
        }
        found.append({"name": "k_prime", "saw": "all" if plan.leaks else "train", "folds": lengths})
    return found


def _ms(frames: int, timing: Timing) -> float | None:
    return round(1000 * frames / timing.fps, 3) if timing.fps else None


def _of_methods(plan: Plan) -> list[dict[str, Any]]:
    """What each method is given, what it learns, and what it chooses on."""
    found: list[dict[str, Any]] = []
    parts = plan.parts()
    for number, part in enumerate(parts):
        name = "method" if number == 0 else "recognizer"
        method = part.method()
        found.append({"name": f"{name} parameters", "saw": "nobody", "value": plan.config.values[name]})
        if learnt := sorted(method.state_dict()):
            found.append({"name": f"{name} weights and statistics", "saw": "train", "value": learnt})
        if method.holds_out(part.params):
            found.append({"name": f"choices of the {name}", "saw": "test" if plan.leaks else "valid", "value": None})
        elif plan.leaks and not plan.selects and (stages := method.stages()):
            value = {"best of epochs": {stage.name: stage.epochs for stage in stages}}
            found.append({"name": f"{name} epoch", "saw": "test", "value": value})
    return found


def _notes(plan: Plan, notes: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """What methods wrote down; where somebody is held out, it may come from them."""
    saw = ("all" if plan.leaks else "train+valid") if plan.selects else "train"
    names = sorted({name for of_fold in notes.values() for name in of_fold})
    return [
        {"name": name, "saw": saw, "folds": {key: of_fold[name] for key, of_fold in notes.items() if name in of_fold}}
        for name in names
    ]


def _transductive(plan: Plan) -> list[dict[str, Any]]:
    if plan.transductive == "none":
        return []
    return [{"name": "threshold or normalisation of a tested video", "saw": "video", "value": None}]
