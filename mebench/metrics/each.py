"""Recognition where each fold is an experiment of its own, such as from one database to another: their mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mebench.metrics.bootstrap import Resampling
from mebench.metrics.conventions import named
from mebench.metrics.emotions import class_scores, further, occurring, recognition, shown
from mebench.metrics.ratios import Floats
from mebench.metrics.samples import of_clips
from mebench.metrics.tables import Tables


def summarize_each(
    folds: Mapping[str, Tables],
    *,
    classes: Sequence[str],
    seed: int,
    convention: str = "strict",
    draws: int = 1000,
) -> dict[str, Any]:
    """Score each fold by itself, over its own clips and the classes that occur in them, and take the mean over folds.

    Intervals come from resampling all subjects at once, so that a subject whom several folds test weighs the same in all.

    Args:
        folds: for each fold its clips, beside the videos of all folds.
        classes: of the scheme.
        seed: of the run.
        convention: name of the rules.
        draws: number of bootstrap draws.

    Returns:
        As `summarize`; `recognition` holds the means, the number of all answers, and the sections of the folds in `folds`.
    """
    rule = named(convention)
    ordered = {name: tables.ordered() for name, tables in folds.items()}
    people = next(iter(ordered.values())).videos.drop_duplicates("unit").sort_values("unit")
    subjects = Resampling.of_subjects(people["dataset"].tolist(), draws, seed)
    summary: dict[str, Any] = {
        "convention": rule.name,
        "rules": rule.describe(),
        "remarks": [f"each of the {len(folds)} folds is scored by itself; recognition is the mean over folds"],
        "bootstrap": {"draws": draws, "interval": subjects.interval, "skipped": subjects.skipped},
    }
    if "recognition" not in rule.sections:
        summary["remarks"].append(f"{rule.name} defines no recognition of annotated clips: it is left out")
        return summary
    samples, parts = [], {}
    for name, tables in ordered.items():
        assert tables.clips is not None
        clips = tables.clips[tables.clips["truth"].isin(list(classes))]
        own = list(classes) if rule.classes == "all" else occurring(classes, clips["truth"])
        samples.append(of_clips(clips, subjects.n_units, own))
        units = tuple(sorted(set(clips["unit"].tolist())))
        parts[name] = recognition(clips, classes, rule, replace(subjects, chosen=units, skipped={}))

    def mean(names: Sequence[str]) -> Callable[[Floats], dict[str, Floats]]:
        def evaluate(weights: Floats) -> dict[str, Floats]:
            found = [sample.scores(class_scores(rule, names), weights) for sample in samples]
            return {name: np.mean([of_fold[name] for of_fold in found], axis=0) for name in names}

        return evaluate

    names = shown("recognition")
    summary["recognition"] = {
        "n": sum(part["n"] for part in parts.values()),
        "scores": subjects.scores("recognition", mean(names)),
        "details": {"scores": subjects.scores("recognition.details", mean(further(names, rule)))},
        "folds": parts,
    }
    return summary
