"""The summary of a run: from tables to numbers with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mebench.metrics import classification, samples
from mebench.metrics.bootstrap import Resampling, subject_weights
from mebench.metrics.conventions import Convention, named
from mebench.metrics.ratios import Floats
from mebench.metrics.samples import Functions, Sample
from mebench.metrics.spotting import SpottingCounts, count
from mebench.metrics.tables import Tables, of_kinds

RECOGNITION: Functions = {
    "accuracy": classification.accuracy,
    "wf1": classification.weighted_f1,
    "uf1": classification.uf1,
    "uar": classification.uar,
}
ANALYSIS: Functions = {
    "accuracy": classification.accuracy,
    "precision": classification.macro_precision,
    "recall": classification.macro_recall,
    "f1": classification.f1_of_macros,
    "uf1": classification.uf1,
    "uar": classification.uar,
}


def summarize(
    tables: Tables,
    *,
    kinds: Sequence[str],
    classes: Sequence[str],
    seed: int,
    convention: str = "strict",
    draws: int = 1000,
) -> dict[str, Any]:
    """Score a run.

    Everything is pooled over all videos before a score is computed. A score is `{"value", "low", "high"}`: low and high
    are the 95 % percentile interval over bootstrap draws of subjects, stratified by dataset. A bootstrap draw that
    lacks a scored class (recognition, analysis) or any truth (spotting) is left out and counted in `bootstrap.skipped`.
    All sections see the same draws, so `strs` is resampled jointly. For a method that predicts by chance, whose
    predictions come in several draws, every draw is scored by itself instead: value is the mean over draws, low and
    high their 2.5 and 97.5 percentiles, counts are means over draws.

    Sections that do not apply are absent. What is undefined (any score but `fp_per_minute` without truths,
    `apex_mae_ms` without a true positive of marked apex, `fp_per_minute` where a video's length is unknown) is None.
    Otherwise 0/0 counts 0.

    Args:
        tables: what was predicted and what is true.
        kinds: the kinds that were spotted; with more than one, `overall` pools them: counts are summed, average
            precision ranks the intervals of all kinds together, and intervals of different kinds never match.
        classes: the scheme's classes; scored are those that occur in the truth: that of the clips (of a member's clips,
            in `members`) or, for analysis, that of all annotated micro-expressions.
        seed: of the run.
        convention: name of the convention.
        draws: number of bootstrap draws.

    Returns:
        `convention`, `bootstrap`, and `spotting`, `analysis`, `recognition` where they apply.

    Raises:
        ConfigError: there is no such convention.
        DataError: the tables do not fit together.
    """
    ordered, rule = tables.ordered(), named(convention)
    people = ordered.videos.drop_duplicates("unit").sort_values("unit")
    subjects = Resampling(subject_weights(people["dataset"].tolist(), draws, seed))
    summary: dict[str, Any] = {"convention": rule.name, "bootstrap": {"draws": draws, "skipped": subjects.skipped}}
    if ordered.predictions is not None:
        n_draws = int(ordered.predictions["draw"].max()) + 1 if len(ordered.predictions) else 1
        units = subjects if n_draws == 1 else Resampling(np.eye(n_draws), mean=True, skipped=subjects.skipped)
        parts = {kind: [kind] for kind in kinds}
        if len(kinds) > 1:
            parts["overall"] = list(kinds)
        counts = {name: _count(ordered, chosen, rule, units) for name, chosen in parts.items()}
        summary["spotting"] = {name: _spotting(name, part, units) for name, part in counts.items()}
        scored = _emotions(ordered, classes)
        if "micro" in counts and scored:
            summary["analysis"] = _analysis(ordered, counts["micro"], scored, units)
    clips = ordered.clips
    if clips is not None and clips["truth"].isin(list(classes)).any():
        summary["recognition"] = _recognition(clips[clips["truth"].isin(list(classes))], classes, subjects)
    return summary


def _count(tables: Tables, kinds: Sequence[str], convention: Convention, units: Resampling) -> SpottingCounts:
    assert tables.predictions is not None
    videos = tables.videos
    length = (videos["n_frames"] / videos["fps"] / 60).to_numpy(np.float64)
    if units.mean:
        minutes = np.full(units.n_units, length.sum())
    else:
        minutes = np.bincount(videos["unit"].to_numpy(np.int64), weights=length, minlength=units.n_units)
    return count(of_kinds(tables.truths, kinds), of_kinds(tables.predictions, kinds), minutes, convention, units.mean)


def _spotting(name: str, counts: SpottingCounts, units: Resampling) -> dict[str, Any]:
    tp, spotted, true = (float(column.sum()) for column in (counts.found, counts.spotted, counts.truths))
    totals = {"tp": tp, "fp": spotted - tp, "fn": true - tp}
    mean = {key: value / units.n_units if units.mean else int(value) for key, value in totals.items()}
    return {**mean, "scores": units.scores(f"spotting.{name}", counts.scores)}


def _emotions(tables: Tables, classes: Sequence[str]) -> list[str]:
    """The classes that analysis scores; none if the spotted intervals carry no emotion."""
    assert tables.predictions is not None
    spotted = of_kinds(tables.predictions, ["micro"])["emotion"]
    # A recognizer that found no interval at all has an analysis of zero, not none.
    carried = (spotted != "").any() or (not len(spotted) and tables.clips is not None)
    return _occurring(classes, of_kinds(tables.truths, ["micro"])["emotion"]) if carried else []


def _occurring(classes: Sequence[str], truth: pd.Series) -> list[str]:
    seen = set(truth)
    return [name for name in classes if name in seen]


def _analysis(tables: Tables, counts: SpottingCounts, classes: Sequence[str], units: Resampling) -> dict[str, Any]:
    """STRS (MEAN, equation 24), true positives (Tables 5 and 8), all intervals of short videos (Tables 2 and 10)."""
    assert tables.predictions is not None
    truths, predictions = of_kinds(tables.truths, ["micro"]), of_kinds(tables.predictions, ["micro"])
    found = samples.of_true_positives(truths, predictions, counts.matched, units.n_units, classes, units.mean)

    def strs(weights: Floats) -> dict[str, Floats]:
        return {"strs": counts.f1(weights) * found.scores({"f1": classification.f1_of_macros}, weights)["f1"]}

    section = {
        **units.scores("analysis.strs", strs),
        "true_positives": _named("analysis.true_positives", found, ANALYSIS, units),
    }
    # Short videos: whoever shows anything shows one micro-expression and nothing else.
    if len(truths) == len(tables.truths) and not truths["video"].duplicated().any():
        first = samples.of_first_intervals(truths, predictions, units.n_units, classes, units.mean)
        section["all_intervals"] = _named("analysis.all_intervals", first, ANALYSIS, units)
    return section


def _recognition(clips: pd.DataFrame, classes: Sequence[str], subjects: Resampling) -> dict[str, Any]:
    def part(path: str, chosen: pd.DataFrame) -> dict[str, Any]:
        sample = samples.of_clips(chosen, subjects.n_units, _occurring(classes, chosen["truth"]))
        return _named(path, sample, RECOGNITION, subjects)

    section = part("recognition", clips)
    members = sorted(set(clips["dataset"]))
    if len(members) > 1:
        section["members"] = {
            name: part(f"recognition.members.{name}", clips[clips["dataset"] == name]) for name in members
        }
    return section


def _named(path: str, sample: Sample, functions: Functions, units: Resampling) -> dict[str, Any]:
    n = int(sample.matrices.sum())
    scores = units.scores(path, lambda weights: sample.scores(functions, weights))
    return {"n": n / units.n_units if units.mean else n, "scores": scores}
