"""Metrics of the order of confidences: average precision, apex spotting rate. It imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.metric import Metric, WeightedSpotting
from mebench.metrics.sources import LIONG

with lazy_imports():
    from mebench.metrics import curve_counts, ratios

if TYPE_CHECKING:
    import numpy as np

    from mebench.metrics.curve_counts import Ranking
    from mebench.metrics.ratios import Bools, Floats, Indices
else:
    np = load_lazily("numpy")


def ap50(spotted: WeightedSpotting) -> Floats:
    """Average precision at IoU 0.5; NaN where a run that cannot be ranked has a weight."""
    return np.asarray(spotted.average_precisions[0])


def ap(spotted: WeightedSpotting) -> Floats:
    """Mean of the average precision at IoU 0.5, 0.55, ..., 0.95 (MEAN, section 4.2)."""
    return np.asarray(spotted.average_precisions.mean(axis=0))


def asr(spotted: WeightedSpotting) -> Floats:
    """Apex spotting rate; NaN where a video of a run that cannot be ranked holds more intervals than truths."""
    return spotted.claimed_apexes


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
    ranking = curve_counts.rank_units(np.zeros(len(hits), dtype=np.int64), 1, confidence)
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
        repeated = [curve_counts.repeat_hits(hits, ranking) for hits in several_hits]
        areas = np.concatenate([_areas_under_curves([hits], own_ranking, weights) for hits, own_ranking in repeated])
    true = weights @ truths
    return np.stack([ratios.safe_ratio(area, true, np.nan) for area in areas])


def _areas_under_curves(several_hits: Sequence[Bools], ranking: Ranking, weights: Floats) -> Floats:
    """Areas under precision over the weight of found truths, (n_several, n_weightings)."""
    areas = np.empty((len(several_hits), len(weights)))
    left_out = curve_counts.rows_left_out(weights, ranking)
    if left_out:
        for number, hits in enumerate(several_hits):
            curve_without_some = curve_counts.HitsWithoutSome(hits, ranking)
            for weighting, rows in left_out.items():
                areas[number, weighting] = _area_without(*curve_without_some.count(rows))
    others = np.setdiff1d(np.arange(len(weights)), [*left_out])
    if len(others):
        areas[:, others] = _areas_in_blocks(several_hits, ranking, weights[others])
    return areas


def _areas_in_blocks(several_hits: Sequence[Bools], ranking: Ranking, weights: Floats) -> Floats:
    """The same, for blocks of weightings at once."""
    n_at_once = curve_counts.number_at_once(len(weights), len(ranking.unit))
    sums = curve_counts.WeightSums(ranking.unit, n_at_once)
    curves = [curve_counts.CountedHits(hits, ranking, n_at_once) for hits in several_hits]
    areas = np.empty((len(curves), len(weights)))
    for part in curve_counts.blocks_of(len(weights), n_at_once):
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
    curve_counts.raise_to_later(precision)
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
    curve_counts.raise_to_later(precision[None])
    precision[left_out] = 0
    return float(precision.sum())


def recall_at_rates(
    hits: Bools | Indices,
    ranking: Ranking,
    truths: Floats,
    minutes: Floats,
    weights: Floats,
    rates: Iterable[float],
) -> dict[float, Floats]:
    """The best recall of any threshold, by rates of false positives a minute. No threshold has more than the rate (free-response curve).

    Args:
        hits: (n,) whether each prediction found a truth, the surest first.
        ranking: their ranks and units.
        truths: (n_units,) number of truths.
        minutes: (n_units,) length of all videos of each unit, NaN where unknown.
        weights: (n_weightings, n_units), not negative.
        rates: false positives a minute.

    Returns:
        (n_weightings,) for each rate; NaN where no truth has a weight or where a length is unknown.
    """
    allowed = weights @ minutes
    best = {rate: np.zeros(len(weights)) for rate in rates}
    if np.isnan(allowed).all():
        return {rate: np.full(len(weights), np.nan) for rate in best}
    single_hits, single_ranking = curve_counts.repeat_hits(hits, ranking)
    n_at_once = curve_counts.number_at_once(len(weights), len(single_ranking.unit))
    sums = curve_counts.WeightSums(single_ranking.unit, n_at_once)
    curve = curve_counts.CountedHits(single_hits, single_ranking, n_at_once)
    for part in curve_counts.blocks_of(len(weights), n_at_once):
        block = weights[part]
        _, sums_down = sums.sum_up(block)
        _, found, ranked = curve.count(block, sums_down)
        wrong = ranked - found
        for rate, most_found in best.items():
            few = wrong <= rate * allowed[part, None]
            most_found[part] = np.where(few, found, 0).max(axis=1, initial=0)
    true = weights @ truths
    return {
        rate: np.where(np.isnan(allowed), np.nan, ratios.safe_ratio(found, true, np.nan))
        for rate, found in best.items()
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
    sure, per_minute, recall = curve_counts.rates_over_confidence(confidence, found, wrong, n_truths, minutes)
    few = np.linspace(0, len(sure) - 1, min(points, len(sure))).round().astype(np.int64)
    return {"confidence": sure[few], "recall": recall[few], "fp_per_minute": per_minute[few]}


RANKED = (
    Metric(
        "ap50",
        "AP@.5",
        "average precision of the intervals ranked by confidence, at IoU 0.5",
        "area under the interpolated precision-recall curve, one point for each distinct confidence",
        f"{LIONG}, equation 17",
        of_spotted=ap50,
        ranked=True,
        example=r"""
        Intervals are ranked by confidence. After each, precision and recall so far are a point of a curve; AP is the area under
        the curve, with the precision at a recall replaced by the best of any later point. No threshold can separate intervals
        of one confidence, so together they are one point, and names of videos, which would order them, have no effect. AP needs
        at least two different confidences.

        $$
        AP = \sum_{n} (R_n - R_{n-1}) \max_{m \ge n} P_m
        $$

        In this order the five intervals hit, miss, miss, hit, miss: precision 1/1 at recall 1/3, and 2/4 at 2/3.

        ```python
        beside((1 / 3) * 1 + (1 / 3) * (2 / 4), "spotting/micro/scores/ap50")
        ```

        For AP, intervals take turns by falling confidence, and each takes the free truth of best IoU, as in ActivityNet's
        evaluation.
        """,
    ),
    Metric(
        "ap",
        "AP@[.5:.95]",
        "average precision, averaged over the IoU thresholds 0.5, 0.55 to 0.95",
        "mean of ten areas under the interpolated precision-recall curve",
        f"{LIONG}, section 4.2",
        of_spotted=ap,
        ranked=True,
        example=r"""
        The mean of AP at the IoU thresholds .5, .55 … .95.

        $$
        \frac{1}{10} \sum_{\tau = .5, .55, \dots, .95} AP(\tau)
        $$

        ```python
        import numpy as np

        from mebench.metrics.ranked_scores import average_precision

        ious = [iou((12, 30), (10, 29)), iou((8, 27), (10, 29)), 0, iou((50, 59), (40, 59)), 0]
        areas = []
        for threshold in np.arange(0.5, 0.96, 0.05):
            hits = np.array([value >= threshold - 1e-9 for value in ious])
            hits[1] &= not hits[0]  # the truth in A is taken by the surer one
            areas.append(average_precision(hits, n_truths=3))
        beside(np.mean(areas), "spotting/micro/scores/ap")
        ```
        """,
    ),
    Metric(
        "asr",
        "ASR",
        "apex spotting rate, true intervals with a confidently spotted apex inside",
        "intervals whose apex lies strictly inside a truth of its own, among each video's intervals of "
        "highest confidence, as many as it has truths / truths",
        f"{LIONG}, equation 13, where each video shows one expression",
        of_spotted=asr,
        ranked=True,
        example=r"""
        Apex spotting rate. From each video count the intervals of highest confidence, as many as it has truths. ASR is the
        number whose apex lies strictly inside a truth of its own, over the number of all truths. In A the first has its apex 22
        in [10, 29], in B 54 lies in [40, 59], in C 80 does not lie in [20, 39]. If intervals have no confidences, or one for
        all, and a video holds more of them than truths, the choice is not defined, and neither is ASR.

        $$
        ASR = \frac{1}{N} \sum_{i=1}^{N} \begin{cases} 1 & \text{onset}_i < \text{apex}_i < \text{offset}_i \\ 0 & \text{else} \end{cases}
        $$

        ```python
        beside(2 / 3, "spotting/micro/scores/asr")
        ```
        """,
    ),
)
CURVES = (
    Metric(
        "curve",
        "curve over confidence",
        "recall, 0 to 1, against fp_per_minute, over all confidences",
        "of the intervals from each confidence on (li2017: tpr against fpr)",
        direction=None,
        kind="curve",
        function=detection_curve,
        example=r"""
        Recall against false positives per minute, as the lowest counted confidence varies. It has no single number; figures
        show it.

        $$
        c \mapsto \left( \frac{FP_{\ge c}}{\text{minutes}},\ \frac{TP_{\ge c}}{N} \right)
        $$

        ```python
        pd.DataFrame(micro["details"]["curve"]).round(3)
        ```
        """,
    ),
)
