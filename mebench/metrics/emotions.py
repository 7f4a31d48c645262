"""The parts of a summary that score emotions: analysis of spotted intervals, recognition of annotated clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mebench.core.types import ABSENT
from mebench.metrics import samples
from mebench.metrics.bootstrap import Resampling
from mebench.metrics.calibration import calibration
from mebench.metrics.catalogue import METRICS, columns
from mebench.metrics.classification import SCORES
from mebench.metrics.one_vs_rest import one_vs_rest
from mebench.metrics.ratios import Floats
from mebench.metrics.rules import Convention
from mebench.metrics.samples import Evaluate, Sample
from mebench.metrics.spotting import SpottingCounts
from mebench.metrics.strs import acc_mesr, strs
from mebench.metrics.tables import Tables, of_kinds


def shown(section: str, of_unit: bool = False) -> list[str]:
    """The class scores of a section that tables show, as a summary orders them."""
    return [name for name in SCORES if name in columns(section, of_unit)]


def further(names: Sequence[str], convention: Convention) -> list[str]:
    """The class scores besides these that a convention defines for any classes."""
    return [n for n in SCORES if n not in names and not METRICS[n].of_unit and convention.defines_of_classes(n)]


def class_scores(convention: Convention, names: Sequence[str]) -> Evaluate:
    """Scores of confusion matrices under a convention, by name; NaN where it does not define one."""

    def evaluate(matrices: Floats) -> Mapping[str, Floats]:
        if convention.degenerate == "kept":
            found = {name: SCORES[name](matrices) for name in names}
        else:
            found = one_vs_rest(matrices, convention.degenerate, convention.uar)
        nothing = np.full(matrices.shape[:-2], np.nan)
        return {name: found[name] if convention.defines_of_classes(name) else nothing for name in names}

    return evaluate


def occurring(classes: Sequence[str], truth: pd.Series) -> list[str]:
    """The classes that occur in the truth, in their own order."""
    seen = set(truth)
    return [name for name in classes if name in seen]


def analysis(tables: Tables, counts: SpottingCounts, classes: Sequence[str], units: Resampling) -> dict[str, Any]:
    """STRS (MEAN, equation 24), true positives (Tables 5 and 8), all intervals of short videos (Tables 2 and 10).

    Args:
        tables: in order.
        counts: of micro-expressions.
        classes: that are scored.
        units: subjects, or draws.
    """
    rule, (truths, predictions) = counts.convention, counts.tables
    pairing = samples.of_shifted_true_positives if rule.pairing == "shifted" else samples.of_true_positives
    found = pairing(truths, predictions, counts.found, units.n_units, classes, units.mean)
    inner = class_scores(rule, ("accuracy", "f1"))

    def both(weights: Floats) -> dict[str, Floats]:
        right = found.scores(inner, weights)
        rate = counts.details(weights)["tpr"] if rule.matching == "peak" else counts.recall(weights)
        scores = {"strs": strs(counts.f1(weights), right["f1"]), "acc_mesr": acc_mesr(rate, right["accuracy"])}
        return {
            name: v if rule.defines_of_classes(name) else np.full(len(weights), np.nan) for name, v in scores.items()
        }

    section = {
        **units.scores("analysis.strs", both),
        "true_positives": _part("analysis.true_positives", found, rule, shown("analysis"), units),
    }
    # Short videos: whoever shows anything shows one micro-expression and nothing else.
    every = of_kinds(tables.truths, ["micro"])
    if len(every) == len(tables.truths) and not every["video"].duplicated().any():
        first = samples.of_first_intervals(truths, predictions, units.n_units, classes, units.mean)
        section["all_intervals"] = _part("analysis.all_intervals", first, rule, shown("analysis"), units)
    return section


def recognition(
    clips: pd.DataFrame, classes: Sequence[str], convention: Convention, subjects: Resampling
) -> dict[str, Any]:
    """Scores of annotated clips, and of each member of a composite under `members`.

    `unit_f1` is among them where the clips show an action unit or do not.

    Args:
        clips: in order, all of a class that is scored.
        classes: of the scheme.
        convention: the rules.
        subjects: all of them.
    """

    def part(path: str, chosen: pd.DataFrame, units: Resampling) -> dict[str, Any]:
        named = list(classes) if convention.classes == "all" else occurring(classes, chosen["truth"])
        detected = len(named) == 2 and named[0] == ABSENT and convention.class_scores is None
        sample = samples.of_clips(chosen, units.n_units, named)
        section = _part(path, sample, convention, shown("recognition", detected), units)
        if "probability" in chosen and convention.class_scores is None:
            right = (chosen["truth"] == chosen["predicted"]).to_numpy()
            if reliable := calibration(chosen["probability"].to_numpy(np.float64), right):
                section["details"]["calibration"] = reliable
        return section

    section = part("recognition", clips, subjects)
    members = sorted(set(clips["dataset"]))
    if len(members) > 1:
        section["members"] = {
            name: part(f"recognition.members.{name}", clips[clips["dataset"] == name], subjects.within(name))
            for name in members
        }
    return section


def _part(path: str, sample: Sample, convention: Convention, names: Sequence[str], units: Resampling) -> dict[str, Any]:
    n = int(sample.matrices.sum())
    scores = units.scores(path, lambda weights: sample.scores(class_scores(convention, names), weights))
    more = class_scores(convention, further(names, convention))
    details = units.scores(f"{path}.details", lambda weights: sample.scores(more, weights))
    return {"n": n / units.n_units if units.mean else n, "scores": scores, "details": {"scores": details}}
