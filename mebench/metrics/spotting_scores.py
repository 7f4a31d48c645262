"""Scores of spotted intervals: from counts, over all thresholds of confidence and of IoU, of timing, and of frames."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mebench.core import KINDS
from mebench.metrics import counted_scores, frame_scores, ranked_scores
from mebench.metrics.bootstrap import Basis
from mebench.metrics.catalogue import COLUMNS, METRICS, find_metric
from mebench.metrics.conventions import Convention
from mebench.metrics.curve_counts import Ranking, rank_units
from mebench.metrics.density import PlacedFalsePositives, place_false_positives, rates_by_place
from mebench.metrics.interval_matches import SWEEP, THRESHOLDS, IntervalMatches, match_intervals
from mebench.metrics.li2017 import count_newly_covered
from mebench.metrics.matching import Found, Pairs as OverlapPairs, take_turns
from mebench.metrics.metric import Kind, Pairs, PlacedRates
from mebench.metrics.ranked_scores import recall_at_rates, weighted_average_precisions
from mebench.metrics.ratios import Bools, Floats, Indices, per_unit, safe_ratio, weighted_quantiles
from mebench.metrics.scores_in_time import RATES
from mebench.metrics.tables import lengths_of, number_groups, of_kinds, of_units, renumber_truths
from mebench.metrics.timing_errors import apex_error_frames
from mebench.old_names import warn_of_old_name


def apex_claims(truths: pd.DataFrame, predictions: pd.DataFrame, pairs: OverlapPairs) -> Bools:
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
        ordered: terms of each score that is a quantile of them, and the unit of each, (n_terms,) both.
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
        by_draw: units are draws, each with all truths, instead of subjects.
    """

    convention: Convention
    truths: Floats
    spotted: Floats
    true_positives: Floats
    hitting: Floats
    means: Mapping[str, tuple[Floats, Floats]]
    ordered: Mapping[str, tuple[Floats, Indices]]
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
    by_draw: bool

    def basis_of(self, units: Sequence[int], name: str) -> Basis:
        """The subjects that a score depends on, as its metric says (`Metric.support`)."""
        support = find_metric(name).support
        if support == "everybody":
            return Basis(len(units))
        intervals = self.spotted if support == "spotted" else self.truths
        return Basis(int((intervals[list(units)] > 0).sum()))

    def compute_f1(self, weights: Floats) -> Floats:
        """F1 under (n_weightings, n_units) weights; NaN where nothing is true or spotted."""
        return counted_scores.f1(self.under(weights))

    def compute_recall(self, weights: Floats) -> Floats:
        """Recall under (n_weightings, n_units) weights; NaN without a truth."""
        return counted_scores.recall(self.under(weights))

    def under(self, weights: Floats, ranked: bool = True) -> "CountsUnderWeights":
        """What the code of metrics reads, under (n_weightings, n_units) weights; without `ranked` nothing by confidences."""
        return CountsUnderWeights(self, weights, ranked)

    def compute_scores(self, weights: Floats, ranked: bool = True) -> dict[str, Floats]:
        """The scores of tables under (n_weightings, n_units) weights, (n_weightings,) each; NaN where undefined.

        What the convention does not define is NaN, and without `ranked` whatever goes by confidences, which takes the longest.
        """
        counts = self.under(weights, ranked)
        undefined = np.full(len(weights), np.nan)
        scores = {}
        for key in [*_keys_of_counts(in_columns=True), *_keys_of_columns(self.tables[0])]:
            is_defined = self.convention.defines(key)
            scores[key] = counts.score(self._computed_as(key)) if is_defined else undefined
        return scores

    def compute_details(self, weights: Floats) -> dict[str, Floats]:
        """The scores that no table shows, in the same form. They are those that the convention defines."""
        counts = self.under(weights)
        keys = [key for key in _keys_of_counts(in_columns=False) if self.convention.defines(key)]
        return {key: counts.score(key) for key in keys}

    def _computed_as(self, key: str) -> str:
        """The metric that a convention prints under a name: another one where it exchanges names."""
        if not self.convention.exchanged:
            return key
        return next((other for other, metric in METRICS.items() if metric.printed_as == key), key)

    def f1_at_iou(self, weights: Floats) -> dict[str, Floats]:
        """F1 at every IoU of `SWEEP`, by name (`0.05`), in the same form as `f1`."""
        if self.sweep is None:
            return {}
        true = weights @ self.truths
        scores = {}
        for threshold, found, spotted in zip(SWEEP, *self.sweep):
            f1 = counted_scores.f1_of_counts(weights @ found, weights @ spotted, true)
            scores[f"{float(threshold):.2f}"] = f1
        return scores

    @cached_property
    def ranking(self) -> Ranking:
        """The intervals by confidence; where the order of the rows ranks them, none are equally sure."""
        by_confidence = self.convention.order == "confidence"
        return rank_units(self.unit, len(self.truths), self.confidence if by_confidence else None)


def _keys_of_columns(truths: pd.DataFrame) -> list[str]:
    """The metrics that exist only with an optional column of the truths, which is there."""
    return [key for key, metric in METRICS.items() if metric.column and metric.column in truths]


def _keys_of_counts(in_columns: bool) -> list[str]:
    """The metrics that go by spotted intervals of any truths: those with a column in tables, or the others."""
    keys = [key for key, metric in METRICS.items() if (metric.of_spotted or metric.of_pairs) and not metric.column]
    return [key for key in keys if (key in COLUMNS["spotting"]) == in_columns]


class CountsUnderWeights:
    """Counts of spotting where each unit counts by a weight, as `metrics.metric.WeightedSpotting` promises; each is summed once."""

    def __init__(self, counts: SpottingCounts, weights: Floats, ranked: bool) -> None:
        self.counts = counts
        self.weights = weights
        self.ranked = ranked
        self._recalls: dict[float, Floats] = {}

    def score(self, key: str) -> Floats:
        """The score of a metric, (n_weightings,)."""
        metric = METRICS[key]
        if metric.of_spotted:
            return metric.of_spotted(self)
        if metric.kind == "order":
            return self._quantile(key, metric.quantile)
        return self._mean(key)

    def _mean(self, key: str) -> Floats:
        """The mean of the terms of a metric; NaN without one."""
        total, terms = self.counts.means[key]
        return safe_ratio(self.weights @ total, self.weights @ terms, np.nan)

    def _quantile(self, key: str, share: float) -> Floats:
        """A quantile of the terms of a metric; NaN without one."""
        values, unit = self.counts.ordered[key]
        return weighted_quantiles(values, self.weights[:, unit], share)

    @cached_property
    def found(self) -> Floats:
        """True positives."""
        return np.asarray(self.weights @ self.counts.true_positives)

    @cached_property
    def right(self) -> Floats:
        """Spotted intervals that precision counts as right."""
        if self.counts.convention.precision == "hitting":
            return np.asarray(self.weights @ self.counts.hitting)
        return self.found

    @cached_property
    def spotted(self) -> Floats:
        """Spotted intervals."""
        return np.asarray(self.weights @ self.counts.spotted)

    @cached_property
    def true(self) -> Floats:
        """Annotated intervals."""
        return np.asarray(self.weights @ self.counts.truths)

    @cached_property
    def minutes(self) -> Floats:
        """Length of all videos; NaN where unknown."""
        return np.asarray(self.weights @ self.counts.minutes)

    @cached_property
    def hits(self) -> Floats:
        """Pairs of a spotted interval and a truth that it hits."""
        return self.sum_over_predictions(self.counts.found.hits.astype(np.float64))

    @cached_property
    def claimed_apexes(self) -> Floats:
        """Share of the truths whose apex was spotted; NaN where the surest intervals of a video are unknown."""
        return np.where(self.weights @ self.counts.undecided > 0, np.nan, self._mean("asr"))

    @cached_property
    def frames(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Frames of found truths, of all truths, of false positives, and of no truth."""
        found, true, wrong, free = (self.weights @ frames for frames in self.counts.frames)
        return found, true, wrong, free

    @cached_property
    def placed(self) -> PlacedRates | None:
        """False positives by place; None for other kinds than micro-expressions."""
        if self.counts.placed is None:
            return None
        return rates_by_place(self.counts.placed, self.weights, self.found, self.true, self.minutes)

    @cached_property
    def average_precisions(self) -> Floats:
        """Average precision at each of `THRESHOLDS`, (n_thresholds, n_weightings); NaN where nothing can be ranked."""
        if self._cannot_rank.all() or not self.counts.hits:
            return np.full((len(THRESHOLDS), len(self.weights)), np.nan)
        counts = self.counts
        areas = weighted_average_precisions(counts.hits, counts.ranking, counts.truths, self.weights)
        return np.asarray(np.where(self._cannot_rank, np.nan, areas))

    def recall_at(self, rate: float) -> Floats:
        """The best recall of any threshold with at most `rate` false positives a minute; NaN where nothing can be ranked."""
        if self._cannot_rank.all():
            return np.full(len(self.weights), np.nan)
        if rate not in self._recalls:
            counts = self.counts
            rates = {*RATES.values(), rate}  # all at once take little longer than one
            self._recalls |= recall_at_rates(
                counts.claimed, counts.ranking, counts.truths, counts.minutes, self.weights, rates
            )
        return np.where(self._cannot_rank, np.nan, self._recalls[rate])

    @cached_property
    def _cannot_rank(self) -> Bools:
        """(n_weightings,) whether a run that cannot be ranked has a weight."""
        return np.asarray((self.weights @ self.counts.unranked > 0) | (not self.ranked))

    @property
    def truths(self) -> pd.DataFrame:
        """The annotated intervals."""
        return self.counts.tables[0]

    @property
    def predictions(self) -> pd.DataFrame:
        """The spotted intervals."""
        return self.counts.tables[1]

    def sum_over_predictions(self, values: Floats) -> Floats:
        """Sum of a value of each spotted interval, (n_predictions,), under each weighting."""
        return np.asarray(self.weights @ per_unit(self.counts.unit, len(self.counts.truths), values))

    def sum_over_truths(self, values: Floats) -> Floats:
        """Sum of a value of each annotated interval, (n_truths,), under each weighting."""
        counts = self.counts
        return np.asarray(self.weights @ of_units(self.truths, values, len(counts.truths), counts.by_draw))


class FoundPairs:
    """Pairs of a spotted interval and the truth that it found, as `metrics.metric.Pairs` promises."""

    def __init__(self, tables: tuple[pd.DataFrame, pd.DataFrame], prediction: Indices, truth: Indices) -> None:
        self._truths, self._predictions = tables
        self._prediction = prediction
        self._truth = truth

    def late(self, column: str) -> Floats:
        """Frames by which the spotted one comes after the true one; NaN where an apex is not marked."""
        spotted = self._predictions[column].to_numpy(np.float64)[self._prediction]
        true = self._truths[column].to_numpy(np.float64)[self._truth]
        return np.asarray(spotted - true)

    @cached_property
    def ms(self) -> Floats:
        """Milliseconds of a frame; NaN where the frame rate is unknown."""
        return np.asarray(1000 / self._predictions["fps"].to_numpy(np.float64)[self._prediction])

    @cached_property
    def truths(self) -> pd.DataFrame:
        """The truths that were found, a row for each pair."""
        return self._truths.take(self._truth).reset_index(drop=True)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """The intervals that found them, a row for each pair."""
        return self._predictions.take(self._prediction).reset_index(drop=True)


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
        ordered=_ordered_terms(matches, unit),
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
        by_draw=by_draw,
    )


def _mean_terms(matches: IntervalMatches, convention: Convention, sums: UnitSums) -> dict[str, tuple[Floats, Floats]]:
    """`SpottingCounts.means`: the means over true positives, and the apex spotting rate."""
    truths, predictions, found = matches.truths, matches.predictions, matches.found
    pairs = FoundPairs((truths, predictions), found.prediction, found.truth)
    means = {}
    for key, terms_of in _terms_of_pairs("mean").items():
        means[key] = sums.mean_terms(found.prediction, terms_of(pairs))
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
    first_pairs = FoundPairs((truths, predictions), prediction, truth)
    means["apex_mae_frames"] = sums.mean_terms(prediction, apex_error_frames(first_pairs))
    return means


def _ordered_terms(matches: IntervalMatches, unit: Indices) -> dict[str, tuple[Floats, Indices]]:
    """`SpottingCounts.ordered`: the terms of quantiles over true positives."""
    found = matches.found
    pairs = FoundPairs((matches.truths, matches.predictions), found.prediction, found.truth)
    ordered = {}
    for key, terms_of in _terms_of_pairs("order").items():
        values = np.asarray(terms_of(pairs), dtype=np.float64)
        known = ~np.isnan(values)
        ordered[key] = values[known], unit[found.prediction[known]]
    return ordered


def _terms_of_pairs(kind: Kind) -> dict[str, Callable[[Pairs], Floats]]:
    """The code of the metrics of a kind that go by true positives."""
    return {key: metric.of_pairs for key, metric in METRICS.items() if metric.of_pairs and metric.kind == kind}


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


def __getattr__(name: str) -> Any:
    """Functions that users found here before each family had a file of its own; with a warning."""
    moved = {"average_precision": ranked_scores.average_precision, "frame_auc": frame_scores.frame_auc}
    if name not in moved:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warn_of_old_name(f"{__name__}.{name}", f"{moved[name].__module__}.{name}", "0.5")
    return moved[name]
