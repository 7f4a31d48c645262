"""Spotting scores from matched intervals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.average_precision import claim, weighted_average_precision
from mebench.metrics.conventions import Convention
from mebench.metrics.matching import Indices, Pairs, match, pair
from mebench.metrics.ratios import Floats, ratio

THRESHOLDS = tuple(Fraction(percent, 100) for percent in range(50, 100, 5))


def precision_recall_f1(tp: float, fp: float, fn: float) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts (MEAN, equations 15 and 16); 0/0 counts 0.

    >>> [round(x, 4) for x in precision_recall_f1(109, 1414, 191)]
    [0.0716, 0.3633, 0.1196]
    >>> precision_recall_f1(0, 0, 0)
    (0.0, 0.0, 0.0)
    """
    precision, recall, f1 = _precision_recall_f1(*(np.array([float(count)]) for count in (tp, tp + fp, tp + fn)))
    return float(precision[0]), float(recall[0]), float(f1[0])


def _precision_recall_f1(found: Floats, spotted: Floats, true: Floats) -> tuple[Floats, Floats, Floats]:
    return ratio(found, spotted), ratio(found, true), ratio(2 * found, spotted + true)


@dataclass(frozen=True)
class SpottingCounts:
    """What all spotting scores are computed from, for each unit (a subject, or a draw), (n_units,) each.

    Attributes:
        truths: annotated intervals.
        spotted: spotted intervals.
        found: true positives.
        claimed: truths whose apex is spotted (`apex_claims`).
        apex_error: summed distance of apexes in ms, over the true positives with a marked apex.
        apex_pairs: how many those are.
        minutes: length of all videos, with or without expressions; NaN where unknown.
        matched: (n_predictions,) row of the matched truth, or -1, the surest first.
        unit: (n_predictions,) unit of each prediction.
        hits: for each of `THRESHOLDS`, (n_predictions,) whether it found a truth by the rule of average precision.
    """

    truths: Floats
    spotted: Floats
    found: Floats
    claimed: Floats
    apex_error: Floats
    apex_pairs: Floats
    minutes: Floats
    matched: Indices
    unit: Indices
    hits: tuple[NDArray[np.bool_], ...]

    def f1(self, weights: Floats) -> Floats:
        """F1 under (n_weightings, n_units) weights; NaN without a truth."""
        found, spotted, true = (weights @ counts for counts in (self.found, self.spotted, self.truths))
        return np.where(true > 0, ratio(2 * found, spotted + true), np.nan)

    def scores(self, weights: Floats) -> dict[str, Floats]:
        """All scores under (n_weightings, n_units) weights, (n_weightings,) each; NaN where undefined.

        Without a truth only `fp_per_minute` is defined. `ap50` is the average precision at IoU 0.5, `ap` its mean over
        IoU 0.5, 0.55, ..., 0.95 (MEAN, section 4.2). `apex_mae_ms` needs a true positive with a marked apex.
        """
        found, spotted, true = (weights @ counts for counts in (self.found, self.spotted, self.truths))
        precision, recall, _ = _precision_recall_f1(found, spotted, true)
        areas = np.stack([weighted_average_precision(hits, self.unit, self.truths, weights) for hits in self.hits])
        some = true > 0
        return {
            "precision": np.where(some, precision, np.nan),
            "recall": np.where(some, recall, np.nan),
            "f1": self.f1(weights),
            "ap50": areas[0],
            "ap": areas.mean(axis=0),
            "asr": ratio(weights @ self.claimed, true, np.nan),
            "apex_mae_ms": ratio(weights @ self.apex_error, weights @ self.apex_pairs, np.nan),
            "fp_per_minute": ratio(spotted - found, weights @ self.minutes, np.nan),
        }


def count(
    truths: pd.DataFrame, predictions: pd.DataFrame, minutes: Floats, convention: Convention, by_draw: bool = False
) -> SpottingCounts:
    """Match and count, for each subject or for each draw.

    Args:
        truths: as in `Tables.ordered`, of the kinds that are pooled. Intervals of different kinds never match.
        predictions: the same.
        minutes: (n_units,) length of all videos of each unit.
        convention: the rules.
        by_draw: units are draws, each with all truths, instead of subjects.
    """
    n_units = len(minutes)
    draw = predictions["draw"].to_numpy(np.int64)
    unit = draw if by_draw else predictions["unit"].to_numpy(np.int64)
    pairs = pair(truths, predictions, convention)
    matched = match(truths, predictions, convention, pairs)
    hit = matched >= 0
    fps = predictions["fps"].to_numpy(np.float64)[hit]
    marked = truths["apex"].to_numpy(np.float64)[matched[hit]]
    error = np.abs(predictions["apex"].to_numpy(np.float64)[hit] - marked) / fps * 1000
    known = ~np.isnan(error)

    def per_unit(units: Indices, values: Floats | None = None) -> Floats:
        return np.bincount(units, weights=values, minlength=n_units).astype(np.float64)

    return SpottingCounts(
        truths=np.full(n_units, float(len(truths))) if by_draw else per_unit(truths["unit"].to_numpy(np.int64)),
        spotted=per_unit(unit),
        found=per_unit(unit[hit]),
        claimed=per_unit(unit[apex_claims(truths, predictions, pairs)]),
        apex_error=per_unit(unit[hit][known], error[known]),
        apex_pairs=per_unit(unit[hit][known]),
        minutes=minutes,
        matched=matched,
        unit=unit,
        hits=tuple(claim(pairs.hits(threshold, convention.reaching), draw) for threshold in THRESHOLDS),
    )


def apex_claims(truths: pd.DataFrame, predictions: pd.DataFrame, pairs: Pairs) -> NDArray[np.bool_]:
    """Which predictions spot the apex of an expression, for the apex spotting rate (ASR).

    On short videos, with one expression each, the rate is the share of videos whose surest prediction has its apex
    strictly between onset and offset (MEAN, equation 13). Here the same is asked of any video: only its N surest
    predictions of a kind count, N being the number of its truths of that kind, and each may claim one truth that
    strictly contains its apex and that no surer one claimed (the earliest, if there are several). The rate is claimed
    truths / truths; with N = 1 it is equation 13.

    Returns:
        (n_predictions,) bool; rows must be in the order of `Tables.ordered`.
    """
    place = predictions.groupby(["video", "kind", "draw"], sort=False).cumcount().to_numpy()
    per_group = truths.groupby(["video", "kind"], sort=False)["onset"].transform("size").to_numpy(np.int64)
    apex = predictions["apex"].to_numpy(np.float64)[pairs.prediction]
    onset, offset = (truths[column].to_numpy(np.int64)[pairs.truth] for column in ("onset", "offset"))
    allowed = (place[pairs.prediction] < per_group[pairs.truth]) & (onset < apex) & (apex < offset)
    some = pairs.where(allowed)
    # With equal overlaps `claim` takes the earliest truth.
    level = np.ones_like(some.truth)
    return claim(Pairs(some.prediction, some.truth, level, level), predictions["draw"].to_numpy(np.int64))
