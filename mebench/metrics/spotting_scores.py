"""Scores of spotted intervals: from counts, over all thresholds of confidence and of IoU, of timing, and of frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mebench.core import KINDS
from mebench.metrics.bootstrap import Basis
from mebench.metrics.catalogue import METRICS, find_metric, metric_columns
from mebench.metrics.conventions import Convention
from mebench.metrics.curve_counts import (
    CountedHits,
    HitsWithoutSome,
    Ranking,
    WeightSums,
    blocks_of,
    number_at_once,
    raise_to_later,
    rank_units,
    repeat_hits,
    rows_left_out,
)
from mebench.metrics.density import PlacedFalsePositives, density_scores, place_false_positives
from mebench.metrics.interval_matches import SWEEP, THRESHOLDS, IntervalMatches, match_intervals
from mebench.metrics.li2017 import count_newly_covered, rates_over_confidence
from mebench.metrics.matching import Found, Pairs, take_turns
from mebench.metrics.ratios import Bools, Floats, Indices, per_unit, safe_ratio
from mebench.metrics.tables import lengths_of, number_groups, of_kinds, of_units, renumber_truths

RATES = {"recall_at_half": 0.5, "recall_at_one": 1.0, "recall_at_two": 2.0}
"""False positives a minute at which recall is reported, by the name of the score."""


def average_precision(hits: Bools, n_truths: int, confidence: Floats | None = None) -> float:
    """Area under the interpolated precision-recall curve, over all its points (MEAN, equation 17).

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        n_truths: number of truths; with none the result is NaN.
        confidence: (n,), falling: intervals of one confidence are one point; without it each is one of its own.

    >>> average_precision(np.array([True, False, True]), 4)  # precision 1 up to recall 1/4, then 2/3 up to 1/2
    0.41666666666666663
    >>> average_precision(np.array([True, False, True]), 4, np.array([0.9, 0.9, 0.5]))  # 2/3 up to 1/2: the first two are 1/2
    0.3333333333333333
    >>> average_precision(np.array([], dtype=bool), 4)
    0.0
    >>> average_precision(np.array([False]), 0)
    nan
    """
    ranking = rank_units(np.zeros(len(hits), dtype=np.int64), 1, confidence)
    truths = np.array([float(n_truths)])
    return float(weighted_average_precision(hits, ranking, truths, np.ones((1, 1)))[0])


def weighted_average_precision(hits: Bools | Indices, ranking: Ranking, truths: Floats, weights: Floats) -> Floats:
    """Average precision under many weightings of units (subjects, say) at once.

    A unit counts `weight` times.

    Weighting a subject by 2 equals duplicating it: only precisions at hits count, and of two equal copies the last has
    the higher precision.

    Args:
        hits: (n,) whether each prediction found a truth, the surest first; or how many, where one may find several.
        ranking: their ranks and units.
        truths: (n_units,) number of truths.
        weights: (n_weightings, n_units), not negative.

    Returns:
        (n_weightings,), NaN where no truth has a weight.
    """
    (of_hits,) = weighted_average_precisions([hits], ranking, truths, weights)
    return np.asarray(of_hits)


def weighted_average_precisions(
    several_hits: Sequence[Bools | Indices], ranking: Ranking, truths: Floats, weights: Floats
) -> Floats:
    """`weighted_average_precision` of several hits of one ranking, at several IoU say, (n_several, n_weightings)."""
    if all(hits.dtype == np.bool_ for hits in several_hits):
        areas = _areas_under_curves([np.asarray(hits, dtype=np.bool_) for hits in several_hits], ranking, weights)
    else:
        repeated = [repeat_hits(hits, ranking) for hits in several_hits]
        areas = np.concatenate([_areas_under_curves([hits], own_ranking, weights) for hits, own_ranking in repeated])
    true = weights @ truths
    return np.stack([safe_ratio(area, true, np.nan) for area in areas])


def _areas_under_curves(several_hits: Sequence[Bools], ranking: Ranking, weights: Floats) -> Floats:
    """Areas under precision over the weight of found truths, (n_several, n_weightings)."""
    areas = np.empty((len(several_hits), len(weights)))
    left_out = rows_left_out(weights, ranking)
    if left_out:
        for number, hits in enumerate(several_hits):
            curve_without_some = HitsWithoutSome(hits, ranking)
            for weighting, rows in left_out.items():
                areas[number, weighting] = _area_without(*curve_without_some.count(rows))
    others = np.setdiff1d(np.arange(len(weights)), [*left_out])
    if len(others):
        areas[:, others] = _areas_in_blocks(several_hits, ranking, weights[others])
    return areas


def _areas_in_blocks(several_hits: Sequence[Bools], ranking: Ranking, weights: Floats) -> Floats:
    """The same, for blocks of weightings at once."""
    n_at_once = number_at_once(len(weights), len(ranking.unit))
    sums = WeightSums(ranking.unit, n_at_once)
    curves = [CountedHits(hits, ranking, n_at_once) for hits in several_hits]
    areas = np.empty((len(curves), len(weights)))
    for part in blocks_of(len(weights), n_at_once):
        block = weights[part]
        _, ranked = sums.sum_up(block)
        for number, curve in enumerate(curves):
            areas[number, part] = _area_under_curve(*curve.count(block, ranked))
    return areas


def _area_under_curve(gained: Floats | Indices, found: Floats, ranked: Floats) -> Floats:
    """(n_block,) areas.

    Args:
        gained: (n_block, n_hits) weight of each hit.
        found: (n_block, n_hits) weight of all hits down to each.
        ranked: (n_block, n_hits) weight of all intervals down to each, which is overwritten.
    """
    # In place: of a million intervals these are hundreds of thousands of values for each weighting.
    precision = np.divide(found, ranked, out=ranked, where=ranked != 0)
    raise_to_later(precision)
    return np.asarray(np.multiply(gained, precision, out=precision).sum(axis=1))


def _area_without(left_out: Indices, found: Floats, ranked: Floats) -> float:
    """The area without some hits.

    Args:
        left_out: numbers of these hits.
        found: (n_hits,) number of the other hits down to each, rising.
        ranked: (n_hits,) number of the other intervals down to each, rising, which is overwritten.
    """
    # Where all intervals down to a hit are left out, nothing is found: any divisor will do.
    n_without_interval = np.searchsorted(ranked, 1)
    ranked[:n_without_interval] = 1
    precision = np.divide(found, ranked, out=ranked)
    raise_to_later(precision[None])
    precision[left_out] = 0
    return float(precision.sum())


def recall_at_rates(
    hits: Bools | Indices, ranking: Ranking, truths: Floats, minutes: Floats, weights: Floats
) -> dict[str, Floats]:
    """The best recall of any threshold at each of `RATES`, by name.

    It has no more false positives a minute (free-response curve).

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        ranking: their ranks and units.
        truths: (n_units,) number of truths.
        minutes: (n_units,) length of all videos of each unit, NaN where unknown.
        weights: (n_weightings, n_units), not negative.

    Returns:
        (n_weightings,) each; NaN where no truth has a weight or where a length is unknown.
    """
    allowed = weights @ minutes
    if np.isnan(allowed).all():
        return {name: np.full(len(weights), np.nan) for name in RATES}
    best = {name: np.zeros(len(weights)) for name in RATES}
    single_hits, single_ranking = repeat_hits(hits, ranking)
    n_at_once = number_at_once(len(weights), len(single_ranking.unit))
    sums = WeightSums(single_ranking.unit, n_at_once)
    curve = CountedHits(single_hits, single_ranking, n_at_once)
    for part in blocks_of(len(weights), n_at_once):
        block = weights[part]
        _, sums_down = sums.sum_up(block)
        _, found, ranked = curve.count(block, sums_down)
        wrong = ranked - found
        for name, rate in RATES.items():
            few = wrong <= rate * allowed[part, None]
            best[name][part] = np.where(few, found, 0).max(axis=1, initial=0)
    return {
        name: np.where(np.isnan(allowed), np.nan, safe_ratio(found, weights @ truths, np.nan))
        for name, found in best.items()
    }


def detection_curve(
    hits: Bools, confidence: Floats, n_truths: int, minutes: float, points: int = 200
) -> dict[str, Floats]:
    """The curve of recall against false positives a minute, over all confidences.

    Args:
        hits: (n,) whether each found a truth, the surest first.
        confidence: (n,), falling.
        n_truths: number of truths.
        minutes: length of all videos, with or without expressions.
        points: largest number of points; of more distinct confidences this number, evenly spread over their ranks from first to last.

    Returns:
        One point for each distinct confidence c, falling, (n_points,) each: the scores of all spotted intervals at least as sure as c.
        `confidence`; `recall`, 0 to 1, never falling, NaN without a truth; `fp_per_minute`, 0 or more, never falling, NaN where the length
        of the videos is unknown or 0.

    >>> curve = detection_curve(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]), n_truths=4, minutes=2.0)
    >>> [column.tolist() for column in curve.values()]
    [[0.9, 0.5], [0.25, 0.5], [0.0, 0.5]]
    """
    found = hits.astype(np.float64)
    wrong = (~hits).astype(np.float64)
    sure, per_minute, recall = rates_over_confidence(confidence, found, wrong, n_truths, minutes)
    few = np.linspace(0, len(sure) - 1, min(points, len(sure))).round().astype(np.int64)
    return {"confidence": sure[few], "recall": recall[few], "fp_per_minute": per_minute[few]}


def frame_auc(scores: ArrayLike, truth: ArrayLike) -> float:
    """Area under the receiver operating characteristic, 0 to 1, 0.5 by chance.

    The probability that a frame of an expression scores higher than another frame, ties counted half.

    Args:
        scores: (n_frames,), higher is likelier; a frame of score NaN is left out.
        truth: (n_frames,) bool, whether an expression covers the frame.

    Returns:
        NaN if all frames, or none, belong to an expression.

    >>> frame_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    >>> frame_auc([0.1, 0.4], [0, 0])
    nan
    """
    values = np.asarray(scores, dtype=np.float64)
    is_true = np.asarray(truth, dtype=np.bool_)
    known = ~np.isnan(values)
    unit = np.zeros(int(known.sum()), dtype=np.int64)
    return float(weighted_frame_auc(values[known], is_true[known], unit, np.ones((1, 1)))[0])


def frame_truth(frames: pd.DataFrame, truths: pd.DataFrame) -> Bools:
    """Whether each frame is part of an expression, onset and offset included.

    Args:
        frames: columns `video` and `frame`.
        truths: columns `video`, `onset`, `offset`, all of the kind that was scored.

    Returns:
        (n_frames,) bool.
    """
    covered = np.zeros(len(frames), dtype=np.bool_)
    rows = frames.groupby("video", sort=False).indices
    number = frames["frame"].to_numpy()
    for video, onset, offset in truths[["video", "onset", "offset"]].itertuples(index=False):
        of_video = rows.get(video, np.empty(0, dtype=np.int64))
        covered[of_video] |= (onset <= number[of_video]) & (number[of_video] <= offset)
    return covered


def weighted_frame_auc(scores: Floats, truth: Bools, unit: Indices, weights: Floats) -> Floats:
    """`frame_auc` when every unit (a subject, say) counts `weight` times, for many weightings at once.

    Every pair of units is compared once; a weighting then is a quadratic form.

    Args:
        scores: (n_frames,), none NaN.
        truth: (n_frames,) bool.
        unit: (n_frames,) unit of each frame.
        weights: (n_weightings, n_units), not negative.

    Returns:
        (n_weightings,), NaN where one of the two sides has no weight.
    """
    n_units = weights.shape[1]
    order = np.lexsort((scores, unit, truth))
    ends = np.searchsorted((unit + n_units * truth)[order], np.arange(1, 2 * n_units))
    by_truth_and_unit = np.split(scores[order], ends)
    false_of_unit = by_truth_and_unit[:n_units]
    true_of_unit = by_truth_and_unit[n_units:]
    wins = np.zeros((n_units, n_units))
    for unit_of_false, false_scores in enumerate(false_of_unit):
        for unit_of_true, true_scores in enumerate(true_of_unit):
            # An equal score wins half: it lies between those strictly below and those up to it.
            n_below = np.searchsorted(false_scores, true_scores, side="left").sum()
            n_up_to = np.searchsorted(false_scores, true_scores, side="right").sum()
            wins[unit_of_true, unit_of_false] = (n_below + n_up_to) / 2
    n_false = weights @ np.array([len(part) for part in false_of_unit], dtype=np.float64)
    n_true = weights @ np.array([len(part) for part in true_of_unit], dtype=np.float64)
    return safe_ratio(np.einsum("wi,ij,wj->w", weights, wins, weights, optimize=True), n_true * n_false, np.nan)


def timing_errors(
    truths: pd.DataFrame, predictions: pd.DataFrame, prediction: Indices, truth: Indices
) -> Mapping[str, Floats]:
    """Errors of pairs of a spotted interval and the truth that it found.

    Args:
        truths: columns `onset`, `apex` (may be missing), `offset`, in frames.
        predictions: the same and `fps`.
        prediction: (n_pairs,) rows of predictions.
        truth: (n_pairs,) rows of truths.

    Returns:
        (n_pairs,) each: `apex_mae_frames` and `apex_mae_ms`, distances of apexes, 0 or more, NaN where one is not
        marked; `onset_bias_ms` and `offset_bias_ms`, signed, positive where the spotted interval begins or ends late.
        What is in milliseconds is NaN where the frame rate is unknown.

    >>> truths = pd.DataFrame({"onset": [10], "apex": [14], "offset": [20]})
    >>> spotted = pd.DataFrame({"onset": [12], "apex": [13], "offset": [19], "fps": [100.0]})
    >>> {name: v.tolist() for name, v in timing_errors(truths, spotted, np.array([0]), np.array([0])).items()}
    {'apex_mae_frames': [1.0], 'apex_mae_ms': [10.0], 'onset_bias_ms': [20.0], 'offset_bias_ms': [-10.0]}
    """
    late = {
        column: predictions[column].to_numpy(np.float64)[prediction] - truths[column].to_numpy(np.float64)[truth]
        for column in ("onset", "apex", "offset")
    }
    ms = 1000 / predictions["fps"].to_numpy(np.float64)[prediction]
    apex = np.abs(late["apex"])
    return {
        "apex_mae_frames": apex,
        "apex_mae_ms": apex * ms,
        "onset_bias_ms": late["onset"] * ms,
        "offset_bias_ms": late["offset"] * ms,
    }


def apex_claims(truths: pd.DataFrame, predictions: pd.DataFrame, pairs: Pairs) -> Bools:
    """The predictions that spot an expression's apex, for the apex spotting rate (ASR).

    On short videos, with one expression each, the rate is the share of videos whose surest prediction has its apex
    strictly between onset and offset (MEAN, equation 13). Here the same is asked of any video: only its N surest
    predictions of a kind count, N being the number of its truths of that kind, and each may claim one truth that
    strictly contains its apex and that no surer one claimed (the earliest, if there are several). The rate is claimed
    truths / truths; with N = 1 it is equation 13.

    Returns:
        (n_predictions,) bool; rows must be in the order of `Tables.put_in_order`.
    """
    (of_predictions,) = number_groups(["video", "kind", "draw"], predictions)
    (of_truths,) = number_groups(["video", "kind"], truths)
    order = np.argsort(of_predictions, kind="stable")
    rank_in_video = np.empty_like(of_predictions)
    rank_in_video[order] = np.arange(len(order)) - np.searchsorted(of_predictions[order], of_predictions[order])
    truths_in_video = np.bincount(of_truths)[of_truths]
    apex = predictions["apex"].to_numpy(np.float64)[pairs.prediction]
    onset, offset = (truths[column].to_numpy(np.int64)[pairs.truth] for column in ("onset", "offset"))
    is_among_surest = rank_in_video[pairs.prediction] < truths_in_video[pairs.truth]
    holds_apex = (onset < apex) & (apex < offset)
    # With equal overlaps the earliest truth is taken.
    level = replace(pairs, intersection=np.ones_like(pairs.truth), union=np.ones_like(pairs.truth))
    return take_turns(level.where(is_among_surest & holds_apex), predictions["draw"].to_numpy(np.int64)) >= 0


def precision_recall_f1(tp: float, fp: float, fn: float) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts (MEAN, equations 15 and 16); 0/0 counts 0.

    >>> [round(x, 4) for x in precision_recall_f1(109, 1414, 191)]
    [0.0716, 0.3633, 0.1196]
    >>> precision_recall_f1(0, 0, 0)
    (0.0, 0.0, 0.0)
    """
    found = float(tp)
    spotted = float(tp + fp)
    true = float(tp + fn)
    precision, recall, f1 = safe_ratio(
        np.array([found, found, 2 * found]), np.array([spotted, true, spotted + true])
    ).tolist()
    return precision, recall, f1


@dataclass(frozen=True)
class SpottingCounts:
    """Counts from which all spotting scores are computed, by unit, (n_units,) each.

    A unit is a subject, or a draw.

    Attributes:
        convention: rules that were followed.
        truths: annotated intervals that count.
        spotted: spotted intervals that count; under some conventions duplicates or dummies change that.
        true_positives: truths that were found.
        hitting: spotted intervals that hit any truth.
        means: sum and number of the terms of each score that is a mean over pairs or videos.
        minutes: length of all videos, with or without expressions; NaN where unknown.
        frames: numbers for the frame rates of Li et al. 2017: frames of truths found, of truths, of false positives, and of no
            truth, NaN where unknown or not asked for.
        placed: false positives of micro-expressions by place; None for other kinds.
        found: true positives.
        unit: (n_predictions,) unit of each prediction.
        hits: for each of `THRESHOLDS`, (n_predictions,) whether each found a truth by the rule of average precision, or how many
            truths where it may find several; empty where the convention defines no average precision.
        claimed: (n_predictions,) whether each found a truth so at the convention's threshold.
        sweep: true positives and spotted intervals that count at each of `SWEEP`, (2, n_thresholds, n_units); None
            where no IoU is compared.
        confidence: (n_predictions,) confidence of each prediction, NaN where unknown.
        unranked: (n_units,) truths and spotted intervals of runs that average precision cannot rank (`without_order`).
        undecided: (n_units,) number of these intervals whose rank within their video is unknown because confidences tie.
        tables: truths and predictions that count, in the order that `found`, `unit` and `hits` go by; they differ from the tables
            handed in where the convention leaves videos out, adds dummies or goes by the rows.
    """

    convention: Convention
    truths: Floats
    spotted: Floats
    true_positives: Floats
    hitting: Floats
    means: Mapping[str, tuple[Floats, Floats]]
    minutes: Floats
    frames: tuple[Floats, Floats, Floats, Floats]
    placed: PlacedFalsePositives | None
    found: Found
    unit: Indices
    hits: tuple[Bools | Indices, ...]
    claimed: Bools
    sweep: Floats | None
    confidence: Floats
    unranked: Floats
    undecided: Floats
    tables: tuple[pd.DataFrame, pd.DataFrame]

    def basis_of(self, units: Sequence[int], name: str) -> Basis:
        """The subjects that a score depends on, as its metric says (`Metric.support`)."""
        support = find_metric(name).support
        if support == "everybody":
            return Basis(len(units))
        intervals = self.spotted if support == "spotted" else self.truths
        return Basis(int((intervals[list(units)] > 0).sum()))

    def compute_f1(self, weights: Floats) -> Floats:
        """F1 under (n_weightings, n_units) weights; NaN where nothing is true or spotted."""
        found, spotted, true = (weights @ counts for counts in (self.true_positives, self.spotted, self.truths))
        return safe_ratio(2 * found, spotted + true, np.nan)

    def compute_recall(self, weights: Floats) -> Floats:
        """Recall under (n_weightings, n_units) weights; NaN without a truth."""
        return safe_ratio(weights @ self.true_positives, weights @ self.truths, np.nan)

    def compute_scores(self, weights: Floats, ranked: bool = True) -> dict[str, Floats]:
        """All scores under (n_weightings, n_units) weights, (n_weightings,) each; NaN where undefined.

        Without a truth `fp_per_minute` is defined, and precision and F1 are 0 if something is spotted. `ap50` is the average precision at
        IoU 0.5, `ap` its mean over IoU 0.5, 0.55, ..., 0.95 (MEAN, section 4.2), both NaN where a run that cannot be ranked has a weight;
        so is `asr`, where one of its
        videos holds more intervals than truths. `apex_mae_ms` needs a true positive with a marked apex. What the convention does not
        define is NaN, and without `ranked` whatever goes by confidences, which takes the longest.
        """
        undefined = np.full(len(weights), np.nan)
        if self.convention.scores == frozenset({"f1"}):  # as the many permutations of a test
            return {**dict.fromkeys(metric_columns("spotting"), undefined), "f1": self.compute_f1(weights)}
        found, spotted, true = (weights @ counts for counts in (self.true_positives, self.spotted, self.truths))
        minutes = weights @ self.minutes
        right = weights @ self.hitting if self.convention.precision == "hitting" else found
        cannot_rank = (weights @ self.unranked > 0) | (not ranked)
        average_precisions = self._average_precisions(weights, cannot_rank)
        scores = {
            "precision": _share_of_spotted(right, spotted, true),
            "recall": self.compute_recall(weights),
            "f1": self.compute_f1(weights),
            "ap50": average_precisions[0],
            "ap": average_precisions.mean(axis=0),
            "asr": np.where(weights @ self.undecided > 0, np.nan, self._mean("asr", weights)),
            "apex_mae_ms": self._mean("apex_mae_ms", weights),
            "fp_per_minute": safe_ratio(spotted - found, minutes, np.nan),
            **self._recall_at_rates(weights, cannot_rank),
            **density_scores(self.placed, weights, found, true, minutes),
        }
        if self.convention.exchanged:
            printed_as = {name: METRICS[name].printed_as for name in scores if METRICS[name].printed_as}
            scores |= {other: scores[name] for name, other in printed_as.items()}
        defined = {name: values for name, values in scores.items() if self.convention.defines(name)}
        return {name: defined.get(name, undefined) for name in scores}

    def _average_precisions(self, weights: Floats, cannot_rank: Bools) -> Floats:
        """Average precision at each of `THRESHOLDS`, (n_thresholds, n_weightings); NaN where nothing can be ranked."""
        is_defined = self.convention.defines("ap50") or self.convention.defines("ap")
        if cannot_rank.all() or not is_defined:
            return np.full((len(THRESHOLDS), len(weights)), np.nan)
        areas = weighted_average_precisions(self.hits, self._ranking, self.truths, weights)
        return np.where(cannot_rank, np.nan, areas)

    def _recall_at_rates(self, weights: Floats, cannot_rank: Bools) -> dict[str, Floats]:
        """Recall at each of `RATES`; NaN where nothing can be ranked."""
        if cannot_rank.all() or not any(map(self.convention.defines, RATES)):
            return dict.fromkeys(RATES, np.full(len(weights), np.nan))
        recalls = recall_at_rates(self.claimed, self._ranking, self.truths, self.minutes, weights)
        return {name: np.where(cannot_rank, np.nan, values) for name, values in recalls.items()}

    @cached_property
    def _ranking(self) -> Ranking:
        """The intervals by confidence; where the order of the rows ranks them, none are equally sure."""
        by_confidence = self.convention.order == "confidence"
        return rank_units(self.unit, len(self.truths), self.confidence if by_confidence else None)

    def compute_details(self, weights: Floats) -> dict[str, Floats]:
        """More scores, in the same form: `apex_mae_frames`, `onset_bias_ms`, `offset_bias_ms`, and those of a preset.

        Biases are positive where the spotted intervals begin or end late. Under `megc2020`, `precision_large` and
        `f1_large` count duplicate hits as right; under `li2017`, `tpr` and `fpr` are the frame rates of `metrics.li2017`,
        the latter cut at 1 where false positives overlap, NaN where no frame is free of expressions or a length is unknown.
        """
        timing = ("apex_mae_frames", "onset_bias_ms", "offset_bias_ms")
        scores = {name: self._mean(name, weights) for name in timing if self.convention.defines(name)}
        if self.convention.matching == "any_hit":
            spotted = weights @ self.spotted
            true = weights @ self.truths
            # Each spotted interval counts as often as it hits.
            hits = weights @ per_unit(self.unit, len(self.truths), self.found.hits)
            precision = _share_of_spotted(hits, spotted, true)
            recall = np.nan_to_num(self.compute_recall(weights))  # without a truth F1 is 0, as precision is
            f1 = safe_ratio(2 * precision * recall, precision + recall)
            scores |= {"precision_large": precision, "f1_large": np.where(np.isnan(precision), np.nan, f1)}
        if self.convention.matching == "peak":
            hit, true, wrong, free = (weights @ frames for frames in self.frames)
            scores |= {"tpr": safe_ratio(hit, true, np.nan), "fpr": np.minimum(safe_ratio(wrong, free, np.nan), 1)}
        return scores

    def f1_at_iou(self, weights: Floats) -> dict[str, Floats]:
        """F1 at every IoU of `SWEEP`, by name (`0.05`), in the same form as `f1`."""
        if self.sweep is None:
            return {}
        true = weights @ self.truths
        scores = {}
        for threshold, found, spotted in zip(SWEEP, *self.sweep):
            f1 = safe_ratio(2 * (weights @ found), weights @ spotted + true, np.nan)
            scores[f"{float(threshold):.2f}"] = f1
        return scores

    def _mean(self, name: str, weights: Floats) -> Floats:
        """A score that is a mean, from the weighted sum and number of its terms; NaN without a term."""
        total, terms = self.means[name]
        return safe_ratio(weights @ total, weights @ terms, np.nan)


def _share_of_spotted(right: Floats, spotted: Floats, true: Floats) -> Floats:
    """Precision: 0 where all is missed or all is false alarm, NaN where nothing is true or spotted."""
    return np.where(true + spotted > 0, safe_ratio(right, spotted), np.nan)


def without_order(predictions: pd.DataFrame, convention: Convention) -> list[int]:
    """The runs of a pool that confidence cannot rank: of several intervals all are equally sure, or some of unknown confidence.

    Where rows give the order there are none.
    """
    if convention.order == "rows":
        return []
    run, surest = (predictions[column].to_numpy() for column in ("run", "surest"))
    return [int(number) for number in np.unique(run) if not _can_be_ranked(surest[run == number])]


def _can_be_ranked(confidence: Floats) -> bool:
    """Whether intervals of such confidences stand in an order, some before others."""
    if len(confidence) < 2:
        return True
    return not np.isnan(confidence).any() and bool((confidence != confidence[0]).any())


def in_crowded_video(truths: pd.DataFrame, predictions: pd.DataFrame) -> Bools:
    """(n_predictions,) whether a prediction's video holds more predictions than truths.

    Predictions and truths are those of its kind and draw, and there is some truth.
    """
    of_truths, of_predictions = number_groups(["video", "kind"], truths, predictions)
    (of_draws,) = number_groups(["video", "kind", "draw"], predictions)
    n_truths = np.bincount(of_truths, minlength=of_predictions.max(initial=-1) + 1)[of_predictions]
    n_predictions = np.bincount(of_draws)[of_draws]
    return np.asarray((n_truths > 0) & (n_predictions > n_truths))


@dataclass(frozen=True)
class UnitSums:
    """Sums over spotted intervals and truths for each unit: a subject, or a draw.

    Attributes:
        of_predictions: (n_predictions,) unit of each spotted interval.
        truths: the truths.
        n_units: number of units.
        by_draw: units are draws, each with all truths.
    """

    of_predictions: Indices
    truths: pd.DataFrame
    n_units: int
    by_draw: bool

    def over_predictions(self, values: Floats) -> Floats:
        """(n_units,) sums of values of all spotted intervals, (n_predictions,)."""
        return per_unit(self.of_predictions, self.n_units, values)

    def over_rows(self, rows: Indices, values: Floats | None = None) -> Floats:
        """(n_units,) sums of values of some spotted intervals, (n_rows,); without values, the number of intervals."""
        return per_unit(self.of_predictions[rows], self.n_units, values)

    def over_truths(self, values: Floats) -> Floats:
        """(n_units,) sums of values of all truths, (n_truths,)."""
        return of_units(self.truths, values, self.n_units, self.by_draw)

    def mean_terms(self, rows: Indices, values: Floats) -> tuple[Floats, Floats]:
        """Sum and number of the values that are not NaN, (n_units,) each.

        Any weighting of units gives its mean from them.
        """
        known = ~np.isnan(values)
        return self.over_rows(rows[known], values[known]), self.over_rows(rows[known])


def count_spotting(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    minutes: Floats,
    convention: Convention,
    by_draw: bool = False,
    frames: Floats | None = None,
    kinds: Sequence[str] = KINDS,
) -> SpottingCounts:
    """Match and count, for each subject or for each draw.

    Args:
        truths: as in `Tables.put_in_order`. Intervals of different kinds match only where the convention says so.
        predictions: the same.
        minutes: (n_units,) length of all videos of each unit.
        convention: the rules.
        by_draw: units are draws, each with all truths, instead of subjects.
        frames: (n_units,) the same length in frames, for the frame rates of `li2017`; NaN where unknown.
        kinds: the kinds that are pooled. For micro-expressions alone, false positives that lie on macro-expressions are counted too.
    """
    matches = match_intervals(truths, predictions, convention, kinds)
    return count_matches(matches, macros_beside(truths, kinds, convention), minutes, convention, by_draw, frames)


def macros_beside(truths: pd.DataFrame, kinds: Sequence[str], convention: Convention) -> pd.DataFrame | None:
    """The macro-expressions on which false positives of micro-expressions may lie.

    None where other kinds are counted.
    """
    if list(kinds) != ["micro"]:
        return None
    return renumber_truths(of_kinds(truths, ["macro"]), convention)


def count_matches(
    matches: IntervalMatches,
    macros: pd.DataFrame | None,
    minutes: Floats,
    convention: Convention,
    by_draw: bool = False,
    frames: Floats | None = None,
) -> SpottingCounts:
    """Count what was found, for each subject or for each draw.

    Args:
        matches: intervals that count, and their true positives.
        macros: see `macros_beside`.
        minutes: see `count_spotting`, as for the others.
        convention: the rules by which they were matched.
        by_draw: units are draws.
        frames: lengths in frames.
    """
    truths, predictions, found = matches.truths, matches.predictions, matches.found
    is_counted = np.ones(len(predictions))
    if "own" in predictions:
        is_counted = predictions["own"].to_numpy(np.float64)
    unit = predictions["draw" if by_draw else "unit"].to_numpy(np.int64)
    sums = UnitSums(unit, truths, len(minutes), by_draw)

    unordered = without_order(predictions, convention)
    truth_unordered = np.isin(truths["run"].to_numpy(), unordered).astype(np.float64)
    spotted_unordered = np.isin(predictions["run"].to_numpy(), unordered).astype(np.float64)
    undecided = np.zeros(sums.n_units)
    if unordered and convention.asr == "claims":
        undecided = sums.over_predictions(spotted_unordered * in_crowded_video(truths, predictions))

    placed = None
    if macros is not None:
        placed = place_false_positives(truths, macros, predictions, found, sums.n_units, by_draw)
    return SpottingCounts(
        convention=convention,
        truths=sums.over_truths(np.ones(len(truths))),
        spotted=sums.over_predictions(found.weight * is_counted),
        true_positives=sums.over_rows(found.prediction),
        hitting=sums.over_predictions(np.minimum(found.hits, 1) * is_counted),
        means=_mean_terms(matches, convention, sums),
        minutes=minutes,
        frames=_frame_counts(matches, convention, sums, frames),
        placed=placed,
        found=found,
        unit=unit,
        hits=matches.hits,
        claimed=matches.claimed,
        sweep=_counts_over_iou(matches, is_counted, sums),
        confidence=-predictions["surest"].to_numpy(np.float64),
        unranked=sums.over_truths(truth_unordered) + sums.over_predictions(spotted_unordered),
        undecided=undecided,
        tables=(truths, predictions),
    )


def _mean_terms(matches: IntervalMatches, convention: Convention, sums: UnitSums) -> dict[str, tuple[Floats, Floats]]:
    """`SpottingCounts.means`: the timing errors of the true positives, and the apex spotting rate."""
    truths, predictions, found = matches.truths, matches.predictions, matches.found
    errors = timing_errors(truths, predictions, found.prediction, found.truth)
    means = {name: sums.mean_terms(found.prediction, values) for name, values in errors.items()}
    if convention.asr == "claims":
        claims = np.flatnonzero(apex_claims(truths, predictions, matches.pairs))
        means["asr"] = sums.over_rows(claims), sums.over_truths(np.ones(len(truths)))
        return means

    # MEAN's released code compares the first interval of each video with its first truth, also in apex_mae_frames.
    prediction, truth, is_first_truth = _first_of_each_video(truths, predictions)
    apex = predictions["apex"].to_numpy(np.float64)[prediction]
    onset, offset = truths["onset"].to_numpy()[truth], truths["offset"].to_numpy()[truth]
    inside = (onset < apex) & (apex < offset)
    means["asr"] = sums.over_rows(prediction[inside]), sums.over_truths(is_first_truth.astype(np.float64))
    first_errors = timing_errors(truths, predictions, prediction, truth)
    means["apex_mae_frames"] = sums.mean_terms(prediction, first_errors["apex_mae_frames"])
    return means


def _first_of_each_video(truths: pd.DataFrame, predictions: pd.DataFrame) -> tuple[Indices, Indices, Bools]:
    """Pairs of the first spotted interval and the first truth of each video and kind; rows are in order.

    Returns:
        Rows of predictions and of truths, (n_pairs,) each; (n_truths,) whether a truth is the first of its video.
    """
    keys = ["video", "kind"]
    is_first_truth = (~truths.duplicated(keys)).to_numpy()
    is_first_spotted = (~predictions.duplicated([*keys, "draw"])).to_numpy()
    first_truths = truths.loc[is_first_truth, keys].assign(truth=np.flatnonzero(is_first_truth))
    first_spotted = predictions.loc[is_first_spotted, keys].assign(prediction=np.flatnonzero(is_first_spotted))
    both = first_spotted.merge(first_truths, on=keys)
    return both["prediction"].to_numpy(np.int64), both["truth"].to_numpy(np.int64), is_first_truth


def _frame_counts(
    matches: IntervalMatches, convention: Convention, sums: UnitSums, frames: Floats | None
) -> tuple[Floats, Floats, Floats, Floats]:
    """`SpottingCounts.frames`."""
    truths, predictions, found = matches.truths, matches.predictions, matches.found
    truth_lengths = lengths_of(truths)
    spotted_lengths = lengths_of(predictions)
    wrong = np.flatnonzero(found.hits == 0)
    free = np.full(sums.n_units, np.nan)
    if frames is not None and convention.matching == "peak":
        free = frames - sums.over_truths(count_newly_covered(truths))
    return (
        sums.over_rows(found.prediction, truth_lengths[found.truth]),
        sums.over_truths(truth_lengths),
        sums.over_rows(wrong, spotted_lengths[wrong]),
        free,
    )


def _counts_over_iou(matches: IntervalMatches, is_counted: Floats, sums: UnitSums) -> Floats | None:
    """`SpottingCounts.sweep`."""
    if not matches.over_iou:
        return None
    true_positives = []
    spotted = []
    for rows, weight in matches.over_iou:
        true_positives.append(sums.over_rows(rows))
        spotted.append(sums.over_predictions(weight * is_counted))
    return np.stack([true_positives, spotted])
