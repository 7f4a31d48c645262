"""Scores of spotted intervals, over counts and over all thresholds: how far apexes and ends lie off, average precision, recall against
false positives, F1 over the IoU, one score a frame.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mebench.core import KINDS
from mebench.metrics.bootstrap import Basis
from mebench.metrics.catalogue import columns
from mebench.metrics.conventions import Convention
from mebench.metrics.density import by_density, places
from mebench.metrics.li2017 import newly_covered, rates_over_confidence
from mebench.metrics.matching import Found, Pairs, find, largest, pair, take_turns
from mebench.metrics.ratios import Bools, Floats, Indices, last_of_equals, per_unit, ratio
from mebench.metrics.tables import groups, in_scope, of_kinds, of_units, renumbered

_BLOCK = 64
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
    unit, truths = np.zeros(len(hits), dtype=np.int64), np.array([float(n_truths)])
    return float(weighted_average_precision(hits, unit, truths, np.ones((1, 1)), confidence)[0])


def weighted_average_precision(
    hits: Bools | Indices, unit: Indices, truths: Floats, weights: Floats, confidence: Floats | None = None
) -> Floats:
    """Average precision when every unit (a subject, say) counts `weight` times, for many weightings at once.

    A weight of 2 is the same as two copies of the subject, for only precisions at hits enter, and the last of equal
    copies has the highest.

    Args:
        hits: (n,) whether each prediction found a truth, the surest first; or how many, where one may find several.
        unit: (n,) unit of each prediction.
        truths: (n_units,) number of truths.
        weights: (n_weightings, n_units), not negative.
        confidence: (n,), falling: as of `average_precision`. No threshold parts equal ones, and what parted them here, the names of
            their videos, must not move a score.

    Returns:
        (n_weightings,), NaN where no truth has a weight.
    """
    area = np.empty(len(weights))
    for part, gained, found, ranked in _at_hits(hits, unit, weights, confidence):
        envelope = np.maximum.accumulate(ratio(found, ranked)[:, ::-1], axis=1)[:, ::-1]
        area[part] = (gained * envelope).sum(axis=1)
    return ratio(area, weights @ truths, np.nan)


def recall_at_rates(
    hits: Bools | Indices,
    unit: Indices,
    truths: Floats,
    minutes: Floats,
    weights: Floats,
    confidence: Floats | None = None,
) -> dict[str, Floats]:
    """The best recall of any threshold with no more false positives a minute than each of `RATES`, by name (free-response curve).

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        unit: (n,) unit of each prediction.
        truths: (n_units,) number of truths.
        minutes: (n_units,) length of all videos of each unit, NaN where unknown.
        weights: (n_weightings, n_units), not negative.
        confidence: (n,), falling: as of `average_precision`.

    Returns:
        (n_weightings,) each; NaN where no truth has a weight or where a length is unknown.
    """
    best = {name: np.zeros(len(weights)) for name in RATES}
    allowed = weights @ minutes
    for part, _, found, ranked in _at_hits(hits, unit, weights, confidence):
        for name, rate in RATES.items():
            few = ranked - found <= rate * allowed[part, None]
            best[name][part] = np.where(few, found, 0).max(axis=1, initial=0)
    return {
        name: np.where(np.isnan(allowed), np.nan, ratio(found, weights @ truths, np.nan))
        for name, found in best.items()
    }


def _at_hits(
    hits: Bools | Indices, unit: Indices, weights: Floats, confidence: Floats | None
) -> Iterator[tuple[slice, Floats, Floats, Floats]]:
    """Weighted counts down to each hit, in blocks of weightings, so that what is at work fits into the processor's cache.

    Yields:
        The block; its weight of each hit, of all hits at least as sure as it, and of all intervals at least as sure, (n_block, n_hits).
    """
    if (
        hits.dtype != np.bool_
    ):  # one that found several is as several that found one each: only the last can set a precision
        times = np.maximum(hits, 1)
        hits, unit = np.repeat(hits > 0, times), np.repeat(unit, times)
        confidence = None if confidence is None else np.repeat(confidence, times)
    n_units, where = weights.shape[1], np.flatnonzero(hits)
    ends = where if confidence is None else (last := last_of_equals(confidence))[np.searchsorted(last, where)]
    # Predictions of each unit up to each hit and those as sure; those after the last of them do not matter.
    bins = np.searchsorted(ends, np.arange(len(hits)))
    before = bins < len(where)
    counts = np.bincount(unit[before] * len(where) + bins[before], minlength=n_units * len(where))
    ranked = counts.reshape(n_units, len(where)).cumsum(axis=1).astype(np.float64)
    whole = np.searchsorted(ends, ends, side="right") - 1  # the last hit as sure as each
    tied = (whole > np.arange(len(where))).any()
    for start in range(0, len(weights), _BLOCK):
        part = slice(start, start + _BLOCK)
        block = weights[part]  # once: of sparse weights it is made here
        gained = block[:, unit[where]]
        found = gained.cumsum(axis=1)
        yield part, gained, found[:, whole] if tied else found, block @ ranked


def detection_curve(
    hits: Bools, confidence: Floats, n_truths: int, minutes: float, points: int = 200
) -> dict[str, Floats]:
    """The curve of spotted intervals that find truths the surest first, as for average precision.

    Args:
        hits: (n,) whether each found a truth, the surest first.
        confidence: (n,), falling.
        n_truths: number of truths.
        minutes: length of all videos, with or without expressions.
        points: of more distinct confidences so many, evenly spread over their ranks, first and last among them.

    Returns:
        One point for each distinct confidence c, falling, (n_points,) each: the scores of all spotted intervals at least as sure as c.
        `confidence`; `recall`, 0 to 1, never falling, NaN without a truth; `fp_per_minute`, 0 or more, never falling, NaN where the length
        of the videos is unknown or 0.

    >>> curve = detection_curve(np.array([True, False, True]), np.array([0.9, 0.5, 0.5]), n_truths=4, minutes=2.0)
    >>> [column.tolist() for column in curve.values()]
    [[0.9, 0.5], [0.25, 0.5], [0.0, 0.5]]
    """
    found, wrong = hits.astype(np.float64), (~hits).astype(np.float64)
    sure, per_minute, recall = rates_over_confidence(confidence, found, wrong, n_truths, minutes)
    few = np.linspace(0, len(sure) - 1, min(points, len(sure))).round().astype(np.int64)
    return {"confidence": sure[few], "recall": recall[few], "fp_per_minute": per_minute[few]}


SWEEP = tuple(Fraction(percent, 100) for percent in range(5, 100, 5))


def found_over_iou(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    convention: Convention,
    pairs: Pairs,
) -> list[tuple[Indices, Floats]]:
    """At every threshold of `SWEEP`, the prediction of each true positive, and how much each prediction counts (`Found.weight`).

    Under `maximum` matching any matching of most pairs will do, for F1 depends on their number alone.
    """
    if convention.matching != "maximum":
        found = [find(truths, predictions, replace(convention, threshold=t), pairs) for t in SWEEP]
        return [(part.prediction, part.weight) for part in found]
    draw, weight = predictions["draw"].to_numpy(np.int64), np.ones(len(predictions))
    whole = replace(pairs, truth=draw[pairs.prediction] * max(len(truths), 1) + pairs.truth)
    matched: list[Indices] = []
    for threshold in SWEEP:  # rising, so that as many pairs as before are the same pairs
        near = whole.hits(threshold, convention.reaching)
        same = matched and len(near.truth) == len(whole.truth)
        matched.append(matched[-1] if same else largest(near.prediction, near.truth))
        whole = near
    return [(rows, weight) for rows in matched]


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
    values, is_true = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.bool_)
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
    each = np.split(scores[order], ends)
    parts = each[:n_units], each[n_units:]
    wins = np.zeros((n_units, n_units))
    for of_false, others in enumerate(parts[0]):
        for of_true, scores_of_true in enumerate(parts[1]):
            # An equal score wins half: it lies between those strictly below and those up to it.
            below, upto = (np.searchsorted(others, scores_of_true, side=side).sum() for side in ("left", "right"))
            wins[of_true, of_false] = (below + upto) / 2
    n_false, n_true = (weights @ np.array([len(part) for part in side], dtype=np.float64) for side in parts)
    return ratio(np.einsum("wi,ij,wj->w", weights, wins, weights, optimize=True), n_true * n_false, np.nan)


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
        (n_predictions,) bool; rows must be in the order of `Tables.ordered`.
    """
    (of_predictions,), (of_truths,) = groups(["video", "kind", "draw"], predictions), groups(["video", "kind"], truths)
    order, place = np.argsort(of_predictions, kind="stable"), np.empty_like(of_predictions)
    place[order] = np.arange(len(order)) - np.searchsorted(of_predictions[order], of_predictions[order])
    per_group = np.bincount(of_truths)[of_truths]
    apex = predictions["apex"].to_numpy(np.float64)[pairs.prediction]
    onset, offset = (truths[column].to_numpy(np.int64)[pairs.truth] for column in ("onset", "offset"))
    allowed = (place[pairs.prediction] < per_group[pairs.truth]) & (onset < apex) & (apex < offset)
    # With equal overlaps the earliest truth is taken.
    level = replace(pairs, intersection=np.ones_like(pairs.truth), union=np.ones_like(pairs.truth))
    return take_turns(level.where(allowed), predictions["draw"].to_numpy(np.int64)) >= 0


THRESHOLDS = tuple(Fraction(percent, 100) for percent in range(50, 100, 5))


def precision_recall_f1(tp: float, fp: float, fn: float) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts (MEAN, equations 15 and 16); 0/0 counts 0.

    >>> [round(x, 4) for x in precision_recall_f1(109, 1414, 191)]
    [0.0716, 0.3633, 0.1196]
    >>> precision_recall_f1(0, 0, 0)
    (0.0, 0.0, 0.0)
    """
    found, spotted, true = float(tp), float(tp + fp), float(tp + fn)
    precision, recall, f1 = ratio(
        np.array([found, found, 2 * found]), np.array([spotted, true, spotted + true])
    ).tolist()
    return precision, recall, f1


@dataclass(frozen=True)
class SpottingCounts:
    """Counts from which all spotting scores are computed, per unit (a subject, or a draw), (n_units,) each.

    Attributes:
        convention: the rules that were followed.
        truths: annotated intervals that count.
        spotted: spotted intervals that count; under some conventions duplicates or dummies change that.
        true_positives: truths that were found.
        hitting: spotted intervals that hit any truth.
        means: for each score that is a mean over pairs or videos, its sum and the number of terms.
        minutes: length of all videos, with or without expressions; NaN where unknown.
        frames: for the frame rates of Li et al. 2017: frames of truths found, of truths, of false positives, and those of videos
            without a truth, NaN where unknown or not asked for.
        where: where the false positives lie, of micro-expressions, see `places`; None for other kinds.
        found: who found what.
        unit: (n_predictions,) unit of each prediction.
        hits: for each of `THRESHOLDS`, (n_predictions,) whether it found a truth by the rule of average precision, or how many truths
            where it may find several; none where the convention defines none.
        claimed: (n_predictions,) the same at the convention's threshold.
        sweep: at each of `SWEEP`, true positives and spotted intervals that count, (2, n_thresholds, n_units); None
            where no IoU is compared.
        confidence: (n_predictions,) NaN where unknown.
        unranked: (n_units,) truths and spotted intervals of runs that average precision cannot rank (`without_order`).
        undecided: (n_units,) of these the intervals of which it cannot be told whether they are among the surest of their video.
        tables: the truths and the predictions that count, in the order that `found`, `unit` and `hits` go by; not those
            that were handed in where the convention leaves videos out, adds dummies or goes by the rows.
    """

    convention: Convention
    truths: Floats
    spotted: Floats
    true_positives: Floats
    hitting: Floats
    means: Mapping[str, tuple[Floats, Floats]]
    minutes: Floats
    frames: tuple[Floats, Floats, Floats, Floats]
    where: Floats | None
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
        """The subjects behind a score: with a spotted interval for precision, all for false positives, with a truth for everything else."""
        if name.startswith("fp"):
            return Basis(len(units))
        counted = self.spotted if name.startswith("precision") else self.truths
        return Basis(int((counted[list(units)] > 0).sum()))

    def f1(self, weights: Floats) -> Floats:
        """F1 under (n_weightings, n_units) weights; NaN without a truth."""
        found, spotted, true = (weights @ counts for counts in (self.true_positives, self.spotted, self.truths))
        return np.where(true > 0, ratio(2 * found, spotted + true), np.nan)

    def recall(self, weights: Floats) -> Floats:
        """Recall under (n_weightings, n_units) weights; NaN without a truth."""
        return ratio(weights @ self.true_positives, weights @ self.truths, np.nan)

    def scores(self, weights: Floats, ranked: bool = True) -> dict[str, Floats]:
        """All scores under (n_weightings, n_units) weights, (n_weightings,) each; NaN where undefined.

        Without a truth only `fp_per_minute` is defined. `ap50` is the average precision at IoU 0.5, `ap` its mean over
        IoU 0.5, 0.55, ..., 0.95 (MEAN, section 4.2), both NaN where a run that cannot be ranked has a weight; so is `asr`, where one of its
        videos holds more intervals than truths. `apex_mae_ms` needs a true positive with a marked apex. What the convention does not
        define is NaN, and without `ranked` whatever goes by confidences, which takes the longest.
        """
        defines, nothing = self.convention.defines, np.full(len(weights), np.nan)
        if self.convention.scores == frozenset({"f1"}):  # as the many permutations of a test
            return {**dict.fromkeys(columns("spotting"), nothing), "f1": self.f1(weights)}
        found, spotted, true = (weights @ counts for counts in (self.true_positives, self.spotted, self.truths))
        minutes = weights @ self.minutes
        right = weights @ self.hitting if self.convention.precision == "hitting" else found
        blind = (weights @ self.unranked > 0) | (not ranked)
        areas, at_rates = np.full((len(THRESHOLDS), len(weights)), np.nan), dict.fromkeys(RATES, nothing)
        sure = self.confidence if self.convention.order == "confidence" else None
        if not blind.all() and any(map(defines, RATES)):
            at = recall_at_rates(self.claimed, self.unit, self.truths, self.minutes, weights, sure)
            at_rates = {name: np.where(blind, np.nan, values) for name, values in at.items()}
        if not blind.all() and any(map(defines, ("ap50", "ap"))):
            each = [weighted_average_precision(hits, self.unit, self.truths, weights, sure) for hits in self.hits]
            areas = np.where(blind, np.nan, np.stack(each))
        scores = {
            "precision": np.where(true > 0, ratio(right, spotted), np.nan),
            "recall": self.recall(weights),
            "f1": self.f1(weights),
            "ap50": areas[0],
            "ap": areas.mean(axis=0),
            "asr": np.where(weights @ self.undecided > 0, np.nan, self._mean("asr", weights)),
            "apex_mae_ms": self._mean("apex_mae_ms", weights),
            "fp_per_minute": ratio(spotted - found, minutes, np.nan),
            **at_rates,
            **by_density(self.where, weights, found, true, minutes),
        }
        if self.convention.exchanged:
            scores |= {"precision": scores["recall"], "recall": scores["precision"]}
        return {name: v if defines(name) else nothing for name, v in scores.items()}

    def details(self, weights: Floats) -> dict[str, Floats]:
        """More scores, in the same form: `apex_mae_frames`, `onset_bias_ms`, `offset_bias_ms`, and those of a preset.

        Biases are positive where the spotted intervals begin or end late. Under `megc2020`, `precision_large` and
        `f1_large` count duplicate hits as right; under `li2017`, `tpr` and `fpr` are the frame rates of `metrics.li2017`,
        the latter cut at 1 where false positives overlap, NaN where no frame is free of expressions or a length is unknown.
        """
        names = filter(self.convention.defines, ("apex_mae_frames", "onset_bias_ms", "offset_bias_ms"))
        scores = {name: self._mean(name, weights) for name in names}
        if self.convention.matching == "any_hit":
            spotted, true = weights @ self.spotted, weights @ self.truths
            hits = weights @ per_unit(self.unit, len(self.truths), self.found.hits)  # each as often as it hits
            precision = np.where(true > 0, ratio(hits, spotted), np.nan)
            recall = self.recall(weights)
            f1 = ratio(2 * precision * recall, precision + recall)
            scores |= {"precision_large": precision, "f1_large": np.where(true > 0, f1, np.nan)}
        if self.convention.matching == "peak":
            hit, true, wrong, free = (weights @ frames for frames in self.frames)
            scores |= {"tpr": ratio(hit, true, np.nan), "fpr": np.minimum(ratio(wrong, free, np.nan), 1)}
        return scores

    def f1_at_iou(self, weights: Floats) -> dict[str, Floats]:
        """F1 at every IoU of `SWEEP`, by name (`0.05`), in the same form; NaN without a truth."""
        if self.sweep is None:
            return {}
        true = weights @ self.truths
        return {
            f"{float(threshold):.2f}": np.where(
                true > 0, ratio(2 * (weights @ found), weights @ spotted + true), np.nan
            )
            for threshold, found, spotted in zip(SWEEP, *self.sweep)
        }

    def _mean(self, name: str, weights: Floats) -> Floats:
        total, terms = self.means[name]
        return ratio(weights @ total, weights @ terms, np.nan)


def without_order(predictions: pd.DataFrame, convention: Convention) -> list[int]:
    """The runs of a pool whose several intervals are all equally sure, or some of no known confidence; none where rows give the order."""
    if convention.order == "rows":
        return []
    run, surest = (predictions[column].to_numpy() for column in ("run", "surest"))
    of_runs = {int(number): surest[run == number] for number in np.unique(run)}
    return [
        number
        for number, sure in of_runs.items()
        if len(sure) > 1 and (np.isnan(sure).any() or not (sure != sure[0]).any())
    ]


def crowded(truths: pd.DataFrame, predictions: pd.DataFrame) -> Bools:
    """(n_predictions,) whether a prediction's video holds more of its kind and draw than truths, and a truth at least."""
    of_truths, of_predictions = groups(["video", "kind"], truths, predictions)
    (of_draws,) = groups(["video", "kind", "draw"], predictions)
    true = np.bincount(of_truths, minlength=of_predictions.max(initial=-1) + 1)[of_predictions]
    return np.asarray((true > 0) & (np.bincount(of_draws)[of_draws] > true))


def count(
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
        truths: as in `Tables.ordered`. Intervals of different kinds match only where the convention says so.
        predictions: the same.
        minutes: (n_units,) length of all videos of each unit.
        convention: the rules.
        by_draw: units are draws, each with all truths, instead of subjects.
        frames: (n_units,) the same in frames, for the frame rates of `li2017`; NaN where unknown.
        kinds: that are pooled. Of micro-expressions alone it is noted, too, which false positives lie on macro-expressions.
    """
    macros = renumbered(of_kinds(truths, ["macro"]), convention) if [*kinds] == ["micro"] else None
    if convention.kinds != "of_truth":
        truths, predictions = (of_kinds(table, kinds) for table in (truths, predictions))
    if convention.kinds != "own":
        masks = [table["kind"].isin(kinds) for table in (truths, predictions)]
        truths, predictions = (table.assign(kind="any", own=m) for table, m in zip((truths, predictions), masks))
    truths, predictions = in_scope(truths, predictions, convention)
    if convention.kinds == "of_truth":
        truths = truths[truths["own"]].reset_index(drop=True)
    counted = predictions["own"].to_numpy(np.float64) if "own" in predictions else np.ones(len(predictions))
    n_units, draw = len(minutes), predictions["draw"].to_numpy(np.int64)
    unit = draw if by_draw else predictions["unit"].to_numpy(np.int64)
    pairs = pair(truths, predictions, convention, near=convention.matching != "peak")
    found = find(truths, predictions, convention, pairs)

    def summed(units: Indices, values: Floats | None = None) -> Floats:
        return per_unit(units, n_units, values)

    of_truths = partial(of_units, truths, n_units=n_units, by_draw=by_draw)

    # A mean is kept as sum and count of each unit, so that any weighting of units gives the mean it stands for.
    def mean_terms(units: Indices, values: Floats) -> tuple[Floats, Floats]:
        known = ~np.isnan(values)
        return summed(units[known], values[known]), summed(units[known])

    errors = timing_errors(truths, predictions, found.prediction, found.truth)
    means = {name: mean_terms(unit[found.prediction], values) for name, values in errors.items()}
    if convention.asr == "first":
        # MEAN's released code looks at the first interval of each video beside its first truth: rows are in order.
        keys = ["video", "kind"]
        is_first = (~truths.duplicated(keys)).to_numpy()
        true = truths.loc[is_first, [*keys, "onset", "offset"]].assign(truth=np.flatnonzero(is_first))
        spotted = predictions.loc[~predictions.duplicated([*keys, "draw"]), [*keys, "apex"]]
        both = spotted.assign(prediction=spotted.index).merge(true, on=keys)
        inside = ((both["onset"] < both["apex"]) & (both["apex"] < both["offset"])).to_numpy(np.bool_)
        prediction, truth = (both[name].to_numpy(np.int64) for name in ("prediction", "truth"))
        means["asr"] = summed(unit[prediction[inside]]), of_truths(is_first.astype(np.float64))
        apex_errors = timing_errors(truths, predictions, prediction, truth)["apex_mae_frames"]
        means["apex_mae_frames"] = mean_terms(unit[prediction], apex_errors)
    else:
        means["asr"] = summed(unit[apex_claims(truths, predictions, pairs)]), of_truths(np.ones(len(truths)))
    lengths = [(table["offset"] - table["onset"] + 1).to_numpy(np.float64) for table in (truths, predictions)]
    wrong = found.hits == 0
    sweep = None
    if convention.matching != "peak":
        parts = found_over_iou(truths, predictions, convention, pairs)
        weights = [weight * counted for _, weight in parts]
        sweep = np.stack([[summed(unit[rows]) for rows, _ in parts], [summed(unit, weight) for weight in weights]])

    def claims(threshold: Fraction) -> Bools:
        return take_turns(pairs.hits(threshold, convention.reaching), draw, convention.ties) >= 0

    def counts(threshold: Fraction) -> Indices:
        return np.bincount(pairs.hits(threshold, convention.reaching).prediction, minlength=len(predictions))

    ranked: Callable[[Fraction], Bools | Indices] = counts if convention.matching == "every_hit" else claims
    hits = tuple(map(ranked, THRESHOLDS)) if any(map(convention.defines, ("ap50", "ap"))) else ()
    unordered = without_order(predictions, convention)
    of_unordered = [np.isin(table["run"], unordered).astype(np.float64) for table in (truths, predictions)]
    return SpottingCounts(
        convention=convention,
        truths=of_truths(np.ones(len(truths))),
        spotted=summed(unit, found.weight * counted),
        true_positives=summed(unit[found.prediction]),
        hitting=summed(unit, np.minimum(found.hits, 1) * counted),
        means=means,
        minutes=minutes,
        frames=(
            summed(unit[found.prediction], lengths[0][found.truth]),
            of_truths(lengths[0]),
            summed(unit[wrong], lengths[1][wrong]),
            np.full(n_units, np.nan)
            if frames is None or convention.matching != "peak"
            else frames - of_truths(newly_covered(truths)),
        ),
        where=None if macros is None else places(truths, macros, predictions, found, n_units, by_draw),
        found=found,
        unit=unit,
        hits=hits,
        claimed=claims(convention.threshold),
        sweep=sweep,
        confidence=-predictions["surest"].to_numpy(np.float64),
        unranked=of_truths(of_unordered[0]) + summed(unit, of_unordered[1]),
        undecided=(
            summed(unit, of_unordered[1] * crowded(truths, predictions))
            if unordered and convention.asr == "claims"
            else np.zeros(n_units)
        ),
        tables=(truths, predictions),
    )
