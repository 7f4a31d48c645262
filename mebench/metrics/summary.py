"""The summary of a run: from tables to numbers with confidence intervals; and what other rules would make of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, get_args, get_type_hints

import numpy as np
import pandas as pd

from mebench.errors import MebenchError
from mebench.metrics import own_metrics
from mebench.metrics.bootstrap import Resampling
from mebench.metrics.catalogue import find_metric
from mebench.metrics.classification import summarize_calibration
from mebench.metrics.conventions import CONVENTIONS, RULES, Convention, changed_name, find_convention
from mebench.metrics.curve_counts import rates_over_confidence
from mebench.metrics.emotions import score_analysis, score_recognition, score_recognition_of_parts, scored_classes
from mebench.metrics.frame_scores import frame_truth, weighted_frame_auc
from mebench.metrics.interval_matches import kinds_match_apart, match_intervals
from mebench.metrics.label_sets import are_sets, score_label_sets, within_classes
from mebench.metrics.li2017 import area_under
from mebench.metrics.mistakes import number_of_draws
from mebench.metrics.ranked_scores import detection_curve
from mebench.metrics.ratios import Floats, per_unit, safe_ratio
from mebench.metrics.spotting_scores import (
    SpottingCounts,
    count_matches,
    macros_beside,
)
from mebench.metrics.tables import (
    Tables,
    in_scope,
    lengths_of,
    of_kinds,
    of_units,
    strata_of_units,
    videos_of_truth,
)
from mebench.output.terminal import format_count


def summarize(
    tables: Tables,
    *,
    kinds: Sequence[str],
    classes: Sequence[str],
    seed: int,
    convention: str | Convention = "strict",
    draws: int = 1000,
    resampling: Resampling | None = None,
) -> dict[str, Any]:
    """Score a run.

    Everything is pooled over all videos before a score is computed. A score is `{"value", "low", "high"}`: low and high
    are the ends of its 95 % interval over subjects, stratified by dataset (`metrics.bootstrap`). Where none can be believed
    they are None, and `reason` says why: a class that rests on fewer than 5 samples or 3 subjects, a single subject, or no
    spread. Replicates that lack a scored class (recognition, analysis) or any truth (spotting) are counted in
    `bootstrap.skipped`. All sections see the same subjects, so `strs` varies as a whole. For a method that predicts by chance, whose
    predictions come in several draws, every draw is scored by itself instead: value is the mean over draws, low and
    high their 2.5 and 97.5 percentiles, counts are means over draws.

    Beside the `scores` that leaderboards know, `details` holds others, F1 over a sweep of the IoU (`f1_at_iou`), the
    `curve` of recall against false positives per minute, `summarize_calibration`, and the frame-level AUC (`frames`), each where
    the tables have what it needs.

    Sections that do not apply, or that the convention does not define, are absent, and scores that it does not define
    are None; `remarks` says which and why. What is undefined (any score but `fp_per_minute` without truths,
    `apex_mae_ms` without a true positive of marked apex, `fp_per_minute` where a video's length is unknown) is None.
    Otherwise 0/0 counts 0.

    Args:
        tables: predictions and truth.
        kinds: kinds that were spotted; with more than one, `overall` pools them: counts are summed, average
            precision ranks the intervals of all kinds together, and intervals of different kinds never match.
        classes: classes of the scheme; scored are those that occur in the truth: that of the clips (of a member's clips,
            in `members`) or, for analysis, that of all annotated micro-expressions.
        seed: seed of the run.
        convention: rules, or their name in `CONVENTIONS`.
        draws: number of bootstrap draws.
        resampling: weightings of subjects to use instead of the bootstrap's.

    Returns:
        `convention` (its name), `rules` (its description), `remarks`, `bootstrap`, and `spotting`, `analysis`,
        `recognition` where they apply; with metrics of one's own their words under `own_metrics`.

    Raises:
        ConfigError: there is no such convention.
        DataError: the tables do not fit together.
    """
    ordered = tables.put_in_order()
    rule = find_convention(convention)
    subjects = resampling or Resampling.of_subjects(strata_of_units(ordered.videos), draws, seed)
    remarks: list[str] = []
    summary: dict[str, Any] = {
        "convention": rule.name,
        "rules": rule.describe(),
        "remarks": remarks,
        "bootstrap": {"draws": draws, "interval": subjects.interval, "skipped": subjects.skipped},
    }
    of_people = videos_of_truth(ordered.videos)
    n_ids = len(set(of_people["subject"].tolist()))
    n_people = len(set(of_people["unit"].tolist()))
    if n_ids > n_people:
        remarks.append(f"the {n_ids} subjects are {n_people} people: intervals and tests leave each out under all ids")
    if ordered.predictions is not None and "spotting" in rule.sections:
        units = _units_of_spotting(ordered, subjects)
        counts = _count_kinds(ordered, kinds, rule, units)
        summary["spotting"] = _spotting_of_kinds(ordered, counts, units, subjects)
        remarks += _remarks_on_spotting(ordered, counts, rule)
        if "micro" in counts:
            _add_analysis(summary, ordered, counts["micro"], classes, units)
    elif ordered.predictions is not None:
        remarks.append(f"{rule.name} defines no spotting: it is left out")
    if ordered.clips is not None:
        _add_recognition(summary, ordered.clips, classes, rule, subjects)
    if words := own_metrics.own_words():
        summary["own_metrics"] = words
    if rule.class_scores is not None and not {"analysis", "recognition"}.isdisjoint(summary):
        remarks.append(f"of analysis and recognition {rule.name} defines only {', '.join(sorted(rule.class_scores))}")
    return summary


def _units_of_spotting(ordered: Tables, subjects: Resampling) -> Resampling:
    """The units of spotting: subjects, or draws of a method that predicts by chance."""
    n_draws = number_of_draws(ordered)
    if n_draws == 1:
        return subjects
    return Resampling(np.eye(n_draws), mean=True, skipped=subjects.skipped)


def _count_kinds(
    ordered: Tables, kinds: Sequence[str], rule: Convention, units: Resampling
) -> dict[str, SpottingCounts]:
    """Counts of each kind, and under `overall` of several kinds pooled."""
    parts = {kind: [kind] for kind in kinds}
    if len(kinds) > 1:
        parts["overall"] = list(kinds)
    videos = ordered.videos
    n_frames, fps = (videos[name].to_numpy(np.float64) for name in ("n_frames", "fps"))
    minutes = of_units(videos, n_frames / fps / 60, units.n_units, units.mean)
    pool = match_intervals(ordered.truths, ordered.spotted, rule, kinds)
    counts = {}
    for name, of_part in parts.items():
        matches = pool
        if len(of_part) < len(kinds) and kinds_match_apart(rule):
            matches = pool.of_kind(name)
        elif len(of_part) < len(kinds):
            matches = match_intervals(ordered.truths, ordered.spotted, rule, of_part)
        macros = macros_beside(ordered.truths, of_part, rule)
        # A frame may hold a truth of each kind: it is counted once for each.
        frames = of_units(videos, n_frames * len(of_part), units.n_units, units.mean)
        counts[name] = count_matches(matches, macros, minutes, rule, units.mean, frames)
    return counts


def _spotting_of_kinds(
    ordered: Tables, counts: Mapping[str, SpottingCounts], units: Resampling, subjects: Resampling
) -> dict[str, Any]:
    """The section `spotting`: scores of each kind, and under `overall` of several kinds pooled."""
    section = {name: _spotting(name, counts, units) for name in counts}
    for kind, part in counts.items():
        if kind == "overall":
            continue
        frames = _frames(ordered, kind, part.convention, subjects)
        if frames:
            section[kind]["details"]["frames"] = frames
    return section


def _add_analysis(
    summary: dict[str, Any], ordered: Tables, counts: SpottingCounts, classes: Sequence[str], units: Resampling
) -> None:
    """Add the section `analysis`, or a remark why it is left out; neither without emotions of the spotted intervals.

    Args:
        summary: summary of the run so far.
        ordered: tables of the run.
        counts: counts of micro-expressions.
        classes: classes of the scheme.
        units: subjects, or draws.
    """
    rule = counts.convention
    remarks = summary["remarks"]
    spotted = of_kinds(ordered.spotted, ["micro"])
    true_labels = set(of_kinds(ordered.truths, ["micro"])["emotion"].tolist())
    spotted_labels = set(spotted["emotion"].tolist())
    if not _names_emotions(spotted, ordered) or true_labels.isdisjoint(classes):
        return
    scored = scored_classes(rule, classes, true_labels, spotted_labels)
    if not scored:
        return
    if are_sets(true_labels) or are_sets(spotted_labels):
        remarks.append("analysis is not defined where clips have several classes: it is left out")
    elif "analysis" not in rule.sections:
        remarks.append(f"{rule.name} defines no analysis: it is left out")
    else:
        summary["analysis"] = score_analysis(ordered, counts, scored, units)


def _names_emotions(spotted: pd.DataFrame, ordered: Tables) -> bool:
    """Whether each run of a pool names emotions of intervals, or spots nothing.

    A run that spots nothing recognizes.
    """
    every = set(ordered.videos["run"].tolist())
    run = spotted["run"].to_numpy()
    names_emotion = spotted["emotion"].to_numpy(object) != ""
    naming = set(run[names_emotion].tolist())
    # A recognizer that found no interval at all has an analysis of zero, not none.
    silent = every - set(run.tolist()) if ordered.clips is not None else set()
    return naming | silent == every


def _add_recognition(
    summary: dict[str, Any], clips: pd.DataFrame, classes: Sequence[str], rule: Convention, subjects: Resampling
) -> None:
    """Add the section `recognition`, or a remark why it is left out; neither without a clip of a scored class."""
    scored = clips[within_classes(clips["truth"], classes)]
    if not len(scored):
        return
    if "recognition" not in rule.sections:
        summary["remarks"].append(f"{rule.name} defines no recognition of annotated clips: it is left out")
        return
    in_folds = "part" in scored
    in_label_sets = are_sets(scored["truth"]) or are_sets(scored["predicted"])
    if in_label_sets:
        summary["recognition"] = score_label_sets(scored, classes, subjects)
    elif in_folds:
        folds = scored["part"].nunique()
        summary["remarks"].append(f"each of the {folds} folds is scored by itself; recognition is the mean over folds")
        summary["recognition"] = score_recognition_of_parts(scored, classes, rule, subjects)
    else:
        summary["recognition"] = score_recognition(scored, classes, rule, subjects)


def _spotting(name: str, counts: Mapping[str, SpottingCounts], units: Resampling) -> dict[str, Any]:
    """Counts, scores and details of a kind, or of all kinds pooled (`overall`)."""
    part = counts[name]
    tp, spotted, true = (float(column.sum()) for column in (part.true_positives, part.spotted, part.truths))
    totals = {"tp": tp, "fp": spotted - tp, "fn": true - tp}
    shown_totals: dict[str, float] = {key: int(value) for key, value in totals.items()}
    if units.mean:
        shown_totals = {key: value / units.n_units for key, value in totals.items()}
    single_kinds = [other for kind, other in counts.items() if kind != "overall"]

    def scores(weights: Floats) -> dict[str, Floats]:
        values = part.compute_scores(weights)
        if name == "overall" and part.convention.overall_ap == "mean":
            values |= _average_precision_over_kinds(single_kinds, weights)
        return values

    path = f"spotting.{name}"
    details: dict[str, Any] = {"scores": units.scores(f"{path}.details", part.compute_details, part.basis_of)}
    if part.sweep is not None:
        details["f1_at_iou"] = units.scores(f"{path}.f1_at_iou", part.f1_at_iou, part.basis_of)
    if not units.mean:
        details |= _over_confidence(part)
    scored = units.scores(path, scores, part.basis_of, partial(part.compute_scores, ranked=False))
    return {**shown_totals, "scores": scored, "details": details}


def _average_precision_over_kinds(kinds: Sequence[SpottingCounts], weights: Floats) -> dict[str, Floats]:
    """Average precision as the mean over the kinds that occur.

    ActivityNet takes it over classes in the same way.
    """
    occurs = np.array([weights @ kind.truths > 0 for kind in kinds])
    scores = [kind.compute_scores(weights) for kind in kinds]
    means = {}
    for name in ("ap50", "ap"):
        total = np.where(occurs, [of_kind[name] for of_kind in scores], 0).sum(axis=0)
        means[name] = safe_ratio(total, occurs.sum(axis=0), np.nan)
    return means


def _over_confidence(part: SpottingCounts) -> dict[str, Any]:
    """The curve over confidences, its area and calibration; empty if confidences are unknown or equal."""
    rule = part.convention
    confidence = part.confidence
    is_ranked = rule.order == "confidence" and not part.unranked.any()
    if not is_ranked or not len(confidence) or np.isnan(confidence).any() or not part.truths.sum():
        return {}
    curves: dict[str, Any] = {}
    if rule.matching == "peak":
        curves |= _curve_of_frames(part)
    elif rule.defines("fp_per_minute") and part.minutes.sum() > 0:
        curve = detection_curve(part.claimed, confidence, int(part.truths.sum()), float(part.minutes.sum()))
        curves["curve"] = {name: column.tolist() for name, column in curve.items()}
    if rule.scores is None and (reliable := summarize_calibration(confidence, part.found.matched >= 0)):
        curves["calibration"] = reliable
    return curves


def _curve_of_frames(part: SpottingCounts) -> dict[str, Any]:
    """The curve of frame rates over confidences (Li et al. 2017) and its area; empty if no frame is free of truths."""
    _, frames, _, free = (float(column.sum()) for column in part.frames)
    if not free > 0:
        return {}
    truths, predictions = part.tables
    found_frames = per_unit(part.found.prediction, len(predictions), lengths_of(truths)[part.found.truth])
    wrong_frames = np.where(part.found.hits == 0, lengths_of(predictions), 0)
    confidence, fpr, tpr = rates_over_confidence(part.confidence, found_frames, wrong_frames, frames, free)
    curve = {"confidence": confidence.tolist(), "fpr": fpr.tolist(), "tpr": tpr.tolist()}
    return {"curve": curve, "auc": area_under(fpr, tpr)}


def _frames(tables: Tables, kind: str, rule: Convention, subjects: Resampling) -> dict[str, Any] | None:
    """The frame-level AUC of a kind; None without frame scores."""
    if tables.frame_scores is None or rule.scores is not None:
        return None
    frames = of_kinds(tables.frame_scores.dropna(subset="score"), [kind])
    if not len(frames):
        return None
    covered = frame_truth(frames, of_kinds(tables.truths, [kind]))
    values = frames["score"].to_numpy(np.float64)
    unit = frames["unit"].to_numpy(np.int64)
    return subjects.scores(
        f"spotting.{kind}.frames", lambda weights: {"auc": weighted_frame_auc(values, covered, unit, weights)}
    )


def _remarks_on_spotting(tables: Tables, counts: Mapping[str, SpottingCounts], rule: Convention) -> list[str]:
    """What a convention or the tables leave out of the scores of spotting, and why."""
    remarks = []
    n_left_out = _n_truths_left_out(tables, list(counts), rule) if rule.videos == "with_result" else 0
    if n_left_out:
        remarks.append(
            f"{rule.name} leaves out {format_count(n_left_out, 'truth')}, in videos that the predictions do not list for the kind: "
            "a row with subject, video and kind but no interval lists one in which nothing was spotted"
        )
    if rule.scores is not None:
        remarks.append(f"of spotting {rule.name} defines only {', '.join(sorted(rule.scores))}")
    for name, part in counts.items():
        if rule.defines("ap") and part.unranked.any():
            remarks.append(
                f"average precision of {name} is left out: {_unranked(part.confidence)}, so nothing can be ranked"
            )
    for name, part in counts.items():
        if rule.defines("asr") and part.undecided.any():
            remarks.append(
                f"the apex spotting rate of {name} is left out: {_unranked(part.confidence)}, and a video holds more intervals than "
                "expressions, so nobody can say which are its surest"
            )
    if rule.defines("fp_per_minute") and tables.videos["n_frames"].isna().any():
        remarks.append("false positives per minute are left out: the length of some videos is unknown")
    if rule.videos != "all" and (rule.scores is None or "fp_per_minute" in rule.scores):
        remarks.append(
            "false positives per minute are left out: they need the minutes of all videos, and not all videos count"
        )
    if rule.defines("apex_mae_ms") and tables.videos["fps"].isna().any():
        remarks.append(
            "the frame rate of some videos is unknown: scores in ms or per minute leave them out or are absent"
        )
    return remarks


def _n_truths_left_out(tables: Tables, kinds: list[str], rule: Convention) -> int:
    """Number of truths in videos that do not count."""
    truths = of_kinds(tables.truths, kinds)
    predictions = of_kinds(tables.spotted, kinds)
    counted, _ = in_scope(truths, predictions, rule)
    return len(truths) - len(counted)


def _unranked(confidence: Floats) -> str:
    """Why intervals of such confidences cannot be ranked."""
    blank = int(np.isnan(confidence).sum())
    if not blank:
        return "all confidences are equal"
    if blank == len(confidence):
        return "no confidence is given"
    return f"{blank} of {len(confidence)} intervals have no confidence"


Under = Callable[[str, int], dict[str, Any]]
"""A function from a convention's name and a number of draws to the summary."""

TRIED_THRESHOLDS = ("0.3", "0.4", "0.6", "0.7")
"""Thresholds of IoU that are tried instead of a convention's own."""
LEFT_OUT = ("sections", "scores", "class_scores")
"""Rules by which a convention leaves something out on purpose; they move no number."""
_OF_EMOTIONS = (("analysis", "strs"), ("recognition", "uf1"), ("recognition", "uar"))
"""Scores for which the most influential rule is reported, in addition to the F1 of each kind."""


def scores_by_convention(under: Under) -> dict[str, Any]:
    """Counts and values under every convention; of one that asks for more than the files hold, the reason."""
    return {name: _tried(under, name) for name in CONVENTIONS}


def scores_by_rule(under: Under, convention: str) -> dict[str, Any]:
    """Counts and values under a convention, and under each change of its rules.

    A change is named `rule=value`.
    """
    rows = {convention: _tried(under, convention)}
    for field in RULES:
        default = getattr(find_convention(convention), field)
        usual = str(default).lower() if isinstance(default, bool) else default
        for value in _values_to_try(field):
            if value != usual:
                rule = f"{field}={value}"
                rows[rule] = _tried(under, changed_name(convention, [rule]))
    return rows


def _values_to_try(field: str) -> Sequence[str]:
    """The values that a rule is changed to, in the words of the command line."""
    hint = get_type_hints(Convention)[field]
    if field in LEFT_OUT:
        return ()
    if field == "threshold":
        return TRIED_THRESHOLDS
    if hint is bool:
        return ("true", "false")
    return get_args(hint)


def strongest_rules(rows: Mapping[str, Any], convention: str) -> list[str]:
    """A sentence for each main score: which rule by itself moves it most, and whether any does.

    >>> rows = {"strict": {"micro": {"f1": 0.5}}, "ends=half_open": {"micro": {"f1": 0.5}}, "reaching=false": {"micro": {"f1": 0.4}}}
    >>> strongest_rules(rows, "strict")
    ['of the rules of strict, reaching=false moves F1 of micro most, from 0.5000 to 0.4000; 1 of 2 move it at all']
    """
    kinds = [part for part in rows[convention] if part not in {"analysis", "recognition", "reason"}]
    sentences = []
    for part, name in (*((kind, "f1") for kind in kinds), *_OF_EMOTIONS):
        usual = rows[convention].get(part, {}).get(name)
        if usual is not None:
            scored = {rule: row for rule, row in rows.items() if "reason" not in row}
            values = {rule: row.get(part, {}).get(name) for rule, row in scored.items() if rule != convention}
            sentences.append(_strongest_rule(convention, f"{find_metric(name).label} of {part}", usual, values))
    return sentences


def _strongest_rule(convention: str, score: str, usual: float, values: Mapping[str, float | None]) -> str:
    """Which rule moves a score most, as a sentence.

    Args:
        convention: name of the convention.
        score: the score, in words.
        usual: its value under the convention.
        values: its value under each changed rule; None where it is undefined.
    """
    moved = {rule: value for rule, value in values.items() if value is not None and abs(value - usual) > 1e-12}
    if not moved:
        return f"no rule of {convention} by itself moves {score}"
    rule = max(moved, key=lambda rule: abs(moved[rule] - usual))
    return (
        f"of the rules of {convention}, {rule} moves {score} most, from {usual:.4f} to {moved[rule]:.4f}; "
        f"{len(moved)} of {len(values)} move it at all"
    )


def _tried(under: Under, name: str) -> dict[str, Any]:
    """Counts and values without intervals; the reason where a convention cannot be followed."""
    try:
        summary = under(name, 0)
    except MebenchError as error:
        return {"reason": str(error)}
    values = values_by_part(summary)
    if not values:
        return {"reason": f"it defines {', '.join(find_convention(name).sections)} alone, which is not here"}
    return values


def values_by_part(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Counts and values without intervals of each kind, of analysis and of recognition."""
    values: dict[str, dict[str, Any]] = {}
    for kind, part in summary.get("spotting", {}).items():
        values[kind] = {count: part[count] for count in ("tp", "fp", "fn")} | _values(part)
    if analysis := summary.get("analysis"):
        values["analysis"] = {"strs": analysis["strs"]["value"], **_values(analysis["true_positives"])}
    if recognition := summary.get("recognition"):
        values["recognition"] = {"n": recognition["n"], **_values(recognition)}
    return values


def _values(part: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the scores of a part of a summary."""
    return {name: score["value"] for name, score in part["scores"].items()}
