"""The summary of a run: from tables to numbers with confidence intervals; and what other rules would make of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, get_args, get_type_hints

import numpy as np

from mebench.errors import MebenchError
from mebench.metrics import catalogue, conventions, label_sets
from mebench.metrics.bootstrap import Resampling
from mebench.metrics.classification import calibration
from mebench.metrics.conventions import CONVENTIONS, Convention, named
from mebench.metrics.emotions import analysis, counted, recognition, recognition_of_parts
from mebench.metrics.li2017 import area_under, rates_over_confidence
from mebench.metrics.mistakes import number_of_draws
from mebench.metrics.ratios import Floats, per_unit, ratio
from mebench.metrics.spotting_scores import SpottingCounts, count, detection_curve, frame_truth, weighted_frame_auc
from mebench.metrics.tables import Tables, in_scope, of_kinds, of_units
from mebench.terminal import plural


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
    `curve` of recall against false positives per minute, `calibration`, and the frame-level AUC (`frames`), each where
    the tables have what it needs.

    Sections that do not apply, or that the convention does not define, are absent, and scores that it does not define
    are None; `remarks` says which and why. What is undefined (any score but `fp_per_minute` without truths,
    `apex_mae_ms` without a true positive of marked apex, `fp_per_minute` where a video's length is unknown) is None.
    Otherwise 0/0 counts 0.

    Args:
        tables: what was predicted and what is true.
        kinds: the kinds that were spotted; with more than one, `overall` pools them: counts are summed, average
            precision ranks the intervals of all kinds together, and intervals of different kinds never match.
        classes: the scheme's classes; scored are those that occur in the truth: that of the clips (of a member's clips,
            in `members`) or, for analysis, that of all annotated micro-expressions.
        seed: of the run.
        convention: the rules, or their name in `CONVENTIONS`.
        draws: number of bootstrap draws.
        resampling: the weightings of subjects to use instead of the bootstrap's.

    Returns:
        `convention` (its name), `rules` (its description), `remarks`, `bootstrap`, and `spotting`, `analysis`,
        `recognition` where they apply.

    Raises:
        ConfigError: there is no such convention.
        DataError: the tables do not fit together.
    """
    ordered, rule = tables.ordered(), named(convention)
    people = ordered.videos.drop_duplicates("unit").sort_values("unit")
    subjects = resampling or Resampling.of_subjects(people["stratum"].tolist(), draws, seed)
    remarks: list[str] = []
    summary: dict[str, Any] = {
        "convention": rule.name,
        "rules": rule.describe(),
        "remarks": remarks,
        "bootstrap": {"draws": draws, "interval": subjects.interval, "skipped": subjects.skipped},
    }
    if (ids := ordered.videos["subject"].nunique()) > len(people):
        remarks.append(f"the {ids} subjects are {len(people)} people: intervals and tests leave each out under all ids")
    if ordered.predictions is not None and "spotting" not in rule.sections:
        remarks.append(f"{rule.name} defines no spotting: it is left out")
    elif ordered.predictions is not None:
        n_draws = number_of_draws(ordered)
        units = subjects if n_draws == 1 else Resampling(np.eye(n_draws), mean=True, skipped=subjects.skipped)
        parts = {kind: [kind] for kind in kinds}
        if len(kinds) > 1:
            parts["overall"] = list(kinds)
        videos, counts = ordered.videos, {}
        n_frames, fps = (videos[name].to_numpy(np.float64) for name in ("n_frames", "fps"))
        for name, chosen in parts.items():
            # A frame may hold a truth of each kind: it is counted once for each.
            of_all, minutes = (
                of_units(videos, values, units.n_units, units.mean)
                for values in (n_frames * len(chosen), n_frames / fps / 60)
            )
            counts[name] = count(ordered.truths, ordered.predictions, minutes, rule, units.mean, of_all, chosen)
        summary["spotting"] = {name: _spotting(name, counts, units) for name in counts}
        for kind in kinds:
            if frames := _frames(ordered, kind, rule, subjects):
                summary["spotting"][kind]["details"]["frames"] = frames
        remarks += _remarks_on_spotting(ordered, counts, rule)
        spotted = of_kinds(ordered.predictions, ["micro"])
        carried, every = set(spotted["run"][spotted["emotion"] != ""]), set(ordered.videos["run"])
        # Analysis needs emotions of the spotted intervals. A recognizer that found no interval at all has one of zero, not none.
        silent = every - set(spotted["run"]) if ordered.clips is not None else set()
        true, scored = of_kinds(ordered.truths, ["micro"])["emotion"], []
        if carried | silent == every and true.isin(list(classes)).any():
            scored = counted(rule, classes, true, spotted["emotion"])
        if "micro" in counts and scored:
            if label_sets.are_sets(true) or label_sets.are_sets(spotted["emotion"]):
                remarks.append("analysis is not defined where clips have several classes: it is left out")
            elif "analysis" in rule.sections:
                summary["analysis"] = analysis(ordered, counts["micro"], scored, units)
            else:
                remarks.append(f"{rule.name} defines no analysis: it is left out")
    clips = ordered.clips
    if clips is not None and (of_classes := label_sets.within(clips["truth"], classes)).any():
        if "recognition" in rule.sections:
            known = clips[of_classes]
            if "part" in known:
                folds = known["part"].nunique()
                remarks.append(f"each of the {folds} folds is scored by itself; recognition is the mean over folds")
            of_clips = recognition_of_parts if "part" in known else recognition
            sets = label_sets.are_sets(known["truth"]) or label_sets.are_sets(known["predicted"])
            summary["recognition"] = (
                label_sets.recognition(known, classes, subjects) if sets else of_clips(known, classes, rule, subjects)
            )
        else:
            remarks.append(f"{rule.name} defines no recognition of annotated clips: it is left out")
    if rule.class_scores is not None and not {"analysis", "recognition"}.isdisjoint(summary):
        remarks.append(f"of analysis and recognition {rule.name} defines only {', '.join(sorted(rule.class_scores))}")
    return summary


def flat_scores(summary: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a summary by dotted name; None is left out, and so are the words and the bootstrap's book-keeping.

    >>> flat_scores({"spotting": {"micro": {"tp": 3, "scores": {"f1": {"value": 0.5, "low": 0.4, "high": None}}}}})
    {'spotting.micro.tp': 3.0, 'spotting.micro.f1': 0.5, 'spotting.micro.f1.low': 0.4}
    """
    flat: dict[str, float] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            if prefix or key != "bootstrap":
                flat |= flat_scores(value, prefix if key == "scores" else f"{prefix}{key}.")
        elif isinstance(value, int | float):
            flat[prefix.rstrip(".") if key == "value" else f"{prefix}{key}"] = float(value)
    return flat


def scores_of(summary: Mapping[str, Any], prefix: str = "") -> dict[str, dict[str, Any]]:
    """The scores of a summary by dotted name, each as it is there, undefined ones too.

    >>> scores_of({"spotting": {"micro": {"tp": 3, "scores": {"f1": {"value": 0.5, "low": 0.4, "high": None}}}}})
    {'spotting.micro.f1': {'value': 0.5, 'low': 0.4, 'high': None}}
    """
    scores: dict[str, dict[str, Any]] = {}
    for key, value in summary.items():
        if isinstance(value, Mapping):
            name = f"{prefix}{key}"
            scores |= (
                {name: dict(value)} if "value" in value else scores_of(value, prefix if key == "scores" else f"{name}.")
            )
    return scores


def _spotting(name: str, counts: Mapping[str, SpottingCounts], units: Resampling) -> dict[str, Any]:
    part = counts[name]
    tp, spotted, true = (float(column.sum()) for column in (part.true_positives, part.spotted, part.truths))
    totals = {"tp": tp, "fp": spotted - tp, "fn": true - tp}
    mean = {key: value / units.n_units if units.mean else int(value) for key, value in totals.items()}

    def scores(weights: Floats) -> dict[str, Floats]:
        values = part.scores(weights)
        if name == "overall" and part.convention.overall_ap == "mean":
            single = [other for kind, other in counts.items() if kind != "overall"]
            # As there, the mean is taken over the kinds that occur in the truth.
            occurs = np.array([weights @ other.truths > 0 for other in single])
            of_kinds = [other.scores(weights) for other in single]
            for ap in ("ap50", "ap"):
                total = np.where(occurs, [kind[ap] for kind in of_kinds], 0).sum(axis=0)
                values[ap] = ratio(total, occurs.sum(axis=0), np.nan)
        return values

    path = f"spotting.{name}"
    details: dict[str, Any] = {"scores": units.scores(f"{path}.details", part.details, part.basis_of)}
    if part.sweep is not None:
        details["f1_at_iou"] = units.scores(f"{path}.f1_at_iou", part.f1_at_iou, part.basis_of)
    if not units.mean:
        details |= _over_confidence(part)
    scored = units.scores(path, scores, part.basis_of, partial(part.scores, ranked=False))
    return {**mean, "scores": scored, "details": details}


def _over_confidence(part: SpottingCounts) -> dict[str, Any]:
    """The scores that need confidences, the curve and calibration; nothing if these are unknown or equal."""
    rule, sure, true = part.convention, part.confidence, float(part.truths.sum())
    if rule.order != "confidence" or part.unranked.any() or not len(sure) or np.isnan(sure).any() or not true:
        return {}
    curves: dict[str, Any] = {}
    minutes = float(part.minutes.sum())
    if rule.matching == "peak":
        _, frames, _, free = (column.sum() for column in part.frames)
        if free > 0:
            lengths = [(table["offset"] - table["onset"] + 1).to_numpy(np.float64) for table in part.tables]
            first = per_unit(part.found.prediction, len(sure), lengths[0][part.found.truth])
            wrong = np.where(part.found.hits == 0, lengths[1], 0)
            confidence, fpr, tpr = rates_over_confidence(sure, first, wrong, float(frames), float(free))
            curves["curve"] = {"confidence": confidence.tolist(), "fpr": fpr.tolist(), "tpr": tpr.tolist()}
            curves["auc"] = area_under(fpr, tpr)
    elif rule.defines("fp_per_minute") and minutes > 0:
        curve = detection_curve(part.claimed, sure, int(true), minutes)
        curves["curve"] = {name: column.tolist() for name, column in curve.items()}
    if rule.scores is None and (reliable := calibration(sure, part.found.matched >= 0)):
        curves["calibration"] = reliable
    return curves


def _frames(tables: Tables, kind: str, rule: Convention, subjects: Resampling) -> dict[str, Any] | None:
    """The frame-level AUC of a kind, where frame scores are at hand."""
    if tables.frame_scores is None or rule.scores is not None:
        return None
    frames = of_kinds(tables.frame_scores.dropna(subset="score"), [kind])
    if not len(frames):
        return None
    covered = frame_truth(frames, of_kinds(tables.truths, [kind]))
    values, unit = frames["score"].to_numpy(np.float64), frames["unit"].to_numpy(np.int64)
    return subjects.scores(
        f"spotting.{kind}.frames", lambda weights: {"auc": weighted_frame_auc(values, covered, unit, weights)}
    )


def _remarks_on_spotting(tables: Tables, counts: Mapping[str, SpottingCounts], rule: Convention) -> list[str]:
    reasons = {
        name: _unranked(part.confidence) for name, part in counts.items() if rule.defines("ap") and part.unranked.any()
    }
    truths, predictions = (of_kinds(table, list(counts)) for table in (tables.truths, tables.spotted))
    left_out = len(truths) - len(in_scope(truths, predictions, rule)[0]) if rule.videos == "with_result" else 0
    sentences = {
        f"{rule.name} leaves out {plural(left_out, 'truth')}, in videos that the predictions do not list for the kind: a row with "
        "subject, video and kind but no interval lists one in which nothing was spotted": (
            rule.videos == "with_result" and left_out > 0
        ),
        f"of spotting {rule.name} defines only {', '.join(sorted(rule.scores or ()))}": rule.scores is not None,
        **{
            f"average precision of {name} is left out: {reason}, so nothing can be ranked": True
            for name, reason in reasons.items()
        },
        **{
            f"the apex spotting rate of {name} is left out: {_unranked(part.confidence)}, and a video holds more intervals than "
            "expressions, so nobody can say which are its surest": rule.defines("asr") and bool(part.undecided.any())
            for name, part in counts.items()
        },
        "false positives per minute are left out: the length of some videos is unknown": (
            rule.defines("fp_per_minute") and tables.videos["n_frames"].isna().any()
        ),
        "false positives per minute are left out: they need the minutes of all videos, and not all videos count": (
            rule.videos != "all" and (rule.scores is None or "fp_per_minute" in rule.scores)
        ),
        "the frame rate of some videos is unknown: scores in ms or per minute leave them out or are absent": (
            rule.defines("apex_mae_ms") and tables.videos["fps"].isna().any()
        ),
    }
    return [sentence for sentence, holds in sentences.items() if holds]


def _unranked(confidence: Floats) -> str:
    """Why intervals of such confidences cannot be ranked."""
    blank = int(np.isnan(confidence).sum())
    if blank in (0, len(confidence)):
        return "no confidence is given" if blank else "all confidences are equal"
    return f"{blank} of {len(confidence)} intervals have no confidence"


Under = Callable[[str, int], dict[str, Any]]
"""The summary under a convention's name with so many draws."""

THRESHOLDS = ("0.3", "0.4", "0.6", "0.7")
_OF_EMOTIONS = (("analysis", "strs"), ("recognition", "uf1"), ("recognition", "uar"))
"""The scores of which it is said what moves them, besides F1 of every kind."""


def of_conventions(under: Under) -> dict[str, Any]:
    """Counts and values under every convention; of one that asks for more than the files hold, the reason."""
    return {name: _tried(under, name) for name in CONVENTIONS}


def of_rules(under: Under, convention: str) -> dict[str, Any]:
    """Counts and values under a convention, and with each other value of each of its rules, by `rule=value`.

    What a convention leaves out on purpose (`sections`, `scores`) is no rule that moves a number.
    """
    hints, rows = get_type_hints(Convention), {convention: _tried(under, convention)}
    for field in conventions.RULES:
        values = get_args(hints[field]) if field not in ("sections", "scores", "class_scores") else ()
        values = THRESHOLDS if field == "threshold" else ("true", "false") if hints[field] is bool else values
        default = getattr(named(convention), field)
        for value in values:
            if value != (str(default).lower() if isinstance(default, bool) else default):
                rule = f"{field}={value}"
                rows[rule] = _tried(under, conventions.changed(convention, [rule]))
    return rows


def strongest(rows: Mapping[str, Any], convention: str) -> list[str]:
    """A sentence for each main score: which rule by itself moves it most, and whether any does.

    >>> rows = {"strict": {"micro": {"f1": 0.5}}, "ends=half_open": {"micro": {"f1": 0.5}}, "reaching=false": {"micro": {"f1": 0.4}}}
    >>> strongest(rows, "strict")
    ['of the rules of strict, reaching=false moves F1 of micro most, from 0.5000 to 0.4000; 1 of 2 move it at all']
    """
    sentences = []
    of_spotting = [(part, "f1") for part in rows[convention] if part not in {"analysis", "recognition", "reason"}]
    for part, name in (*of_spotting, *_OF_EMOTIONS):
        usual = rows[convention].get(part, {}).get(name)
        if usual is None:
            continue
        others = {
            rule: row.get(part, {}).get(name)
            for rule, row in rows.items()
            if rule != convention and "reason" not in row
        }
        moves = {rule: value for rule, value in others.items() if value is not None and abs(value - usual) > 1e-12}
        score = f"{catalogue.find(name).label} of {part}"
        if moves:
            rule = max(moves, key=lambda rule: abs(moves[rule] - usual))
            sentences.append(
                f"of the rules of {convention}, {rule} moves {score} most, from {usual:.4f} to {moves[rule]:.4f}; "
                f"{len(moves)} of {len(others)} move it at all"
            )
        else:
            sentences.append(f"no rule of {convention} by itself moves {score}")
    return sentences


def _tried(under: Under, name: str) -> dict[str, Any]:
    """Counts and values without intervals."""
    try:
        summary = under(name, 0)
    except MebenchError as error:
        return {"reason": str(error)}
    values: dict[str, Any] = {
        kind: {count: part[count] for count in ("tp", "fp", "fn")} | _values(part)
        for kind, part in summary.get("spotting", {}).items()
    }
    if analysis := summary.get("analysis"):
        values["analysis"] = {"strs": analysis["strs"]["value"], **_values(analysis["true_positives"])}
    if recognition := summary.get("recognition"):
        values["recognition"] = {"n": recognition["n"], **_values(recognition)}
    return values or {"reason": f"it defines {', '.join(named(name).sections)} alone, which is not here"}


def _values(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: score["value"] for name, score in part["scores"].items()}
