"""Counts along a curve of precision over recall, under many weightings of units.

The surest interval comes first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mebench.metrics.ratios import Bools, Floats, Indices, last_of_equals, safe_ratio

_BLOCK = 64
"""Weightings that are computed at once, at most."""
_MOST_VALUES = 1 << 16
"""Values of weightings and intervals that are computed at once, so that the working set fits into the CPU cache."""
_FEW = 1 / 8
"""Share of intervals below which taking them off all counts costs less than counting the others."""
_PART = 16
"""Values of a row in a part, of which many are raised at once."""
_LONG = 1024
"""Values of a row from which on that pays."""


@dataclass(frozen=True)
class Ranking:
    """Spotted intervals, the surest first, as curves under many weightings of their units need them.

    Attributes:
        unit: (n,) unit of each interval.
        last_as_sure: (n,) row of the last interval of the same confidence: no threshold parts the two.
        n_units: number of units.
    """

    unit: Indices
    last_as_sure: Indices
    n_units: int

    @cached_property
    def rows_of_unit(self) -> list[Indices]:
        """The rows of each unit, in order."""
        by_unit = np.argsort(self.unit, kind="stable")
        return np.split(by_unit, np.searchsorted(self.unit[by_unit], np.arange(1, self.n_units)))

    def rows_of_units(self, units: Indices) -> Indices:
        """The rows of some units, in order."""
        return np.sort(np.concatenate([np.empty(0, np.int64), *(self.rows_of_unit[unit] for unit in units.tolist())]))

    def repeat(self, times: Indices) -> "Ranking":
        """Each interval several times, (n,); all copies are equally sure."""
        last_copy = times.cumsum() - 1
        return Ranking(np.repeat(self.unit, times), np.repeat(last_copy[self.last_as_sure], times), self.n_units)


def rank_units(unit: Indices, n_units: int, confidence: Floats | None = None) -> Ranking:
    """The ranking of intervals that stand in order.

    Args:
        unit: (n,) unit of each interval, the surest first.
        n_units: number of units.
        confidence: (n,), falling. Equal confidences cannot be separated by a threshold, so their order (by video name)
            must not affect a score.
    """
    last_as_sure = np.arange(len(unit))
    if confidence is not None:
        last = last_of_equals(confidence)
        last_as_sure = np.repeat(last, np.diff(last, prepend=-1))
    return Ranking(unit, last_as_sure, n_units)


def repeat_hits(hits: Bools | Indices, ranking: Ranking) -> tuple[Bools, Ranking]:
    """Hits and ranking with an interval for each truth that one found.

    One that found several equals several that found one each: only the last can set a precision.
    """
    if hits.dtype == np.bool_:
        return np.asarray(hits, dtype=np.bool_), ranking
    times = np.maximum(hits, 1)
    return np.repeat(hits > 0, times), ranking.repeat(times)


class CountedHits:
    """The hits of a ranking, counted under blocks of weightings.

    The next block overwrites what was counted: new memory takes as long as the sums.
    """

    def __init__(self, hits: Bools, ranking: Ranking, n_at_once: int) -> None:
        rows = np.flatnonzero(hits)
        self._last_row = ranking.last_as_sure[rows]
        self._last_hit = np.searchsorted(self._last_row, self._last_row, side="right") - 1
        self._has_ties = bool((self._last_row[1:] == self._last_row[:-1]).any())
        self._sums = WeightSums(ranking.unit[rows], n_at_once)
        self._space_for_found, self._space_for_ranked = np.empty((2, n_at_once, len(rows)))

    def count(self, block: Floats, down_to_interval: Floats) -> tuple[Floats | Indices, Floats, Floats]:
        """Weights down to each hit.

        Args:
            block: (n_block, n_units) weights.
            down_to_interval: (n_block, n_intervals) weight of all intervals down to each one.

        Returns:
            The weight of each hit, of all hits at least as sure as it, and of all intervals at least as sure, (n_block, n_hits).
        """
        gained, found = self._sums.sum_up(block)
        if self._has_ties:
            found = _take_columns(found, self._last_hit, self._space_for_found)
        ranked = _take_columns(down_to_interval, self._last_row, self._space_for_ranked)
        return gained, found, ranked


class HitsWithoutSome:
    """The hits of a ranking, counted without some intervals.

    The next call overwrites what was counted: new memory takes as long as the counts.
    """

    def __init__(self, hits: Bools, ranking: Ranking) -> None:
        self._is_hit = hits
        self._number_of_hit = np.cumsum(hits) - 1
        last_row = ranking.last_as_sure[hits]
        self._n_ranked = last_row + 1.0
        self._n_found = np.searchsorted(last_row, last_row, side="right").astype(np.float64)
        # For each interval, the number of the first hit whose count includes it; the number of hits behind the last one.
        n_between = np.diff(np.concatenate([[-1], last_row, [len(hits) - 1]]))
        self._first_hit = np.repeat(np.arange(len(last_row) + 1), n_between)
        self._space_for_found, self._space_for_ranked = np.empty((2, len(last_row)))

    def count(self, rows: Indices) -> tuple[Indices, Floats, Floats]:
        """Numbers down to each hit without some intervals.

        Args:
            rows: rows of the intervals that are left out, in order.

        Returns:
            Which hits are left out; the number of the other hits at least as sure as each hit, and of the other intervals, (n_hits,).
        """
        rows_of_hits = rows[self._is_hit[rows]]
        found = np.subtract(self._n_found, self._count_down(rows_of_hits), out=self._space_for_found)
        ranked = np.subtract(self._n_ranked, self._count_down(rows), out=self._space_for_ranked)
        return self._number_of_hit[rows_of_hits], found, ranked

    def _count_down(self, rows: Indices) -> Floats:
        """(n_hits,) how many of some intervals are at least as sure as each hit."""
        ends = np.concatenate([[0], self._first_hit[rows], [len(self._n_ranked)]])
        return np.repeat(np.arange(len(rows) + 1.0), np.diff(ends))


def _take_columns(values: Floats, columns: Indices, space: Floats) -> Floats:
    """Some columns of (n_rows, n) values, written into the first rows of a space."""
    taken = space[: len(values)]
    np.take(values, columns, axis=1, out=taken, mode="clip")
    return taken


class WeightSums:
    """Weights of intervals, and their sums from the first on, under blocks of weightings.

    The next block overwrites them.
    """

    def __init__(self, unit: Indices, n_at_once: int) -> None:
        self._unit = unit
        self._whole, self._whole_sums = np.empty((2, n_at_once, len(unit)), dtype=np.int64)
        self._weights, self._sums = np.empty((2, n_at_once, len(unit)))

    def sum_up(self, block: Floats) -> tuple[Floats | Indices, Floats]:
        """The weight of each interval and the sum down to it.

        Both are (n_block, n), from (n_block, n_units) weights.
        """
        sums = self._sums[: len(block)]
        whole_block = block.astype(np.int64)
        if (whole_block != block).any():
            weights = _take_columns(block, self._unit, self._weights)
            np.cumsum(weights, axis=1, out=sums)
            return weights, sums
        # Whole numbers, as weights mostly are, are summed in an eighth of the time of others.
        whole = self._whole[: len(block)]
        np.take(whole_block, self._unit, axis=1, out=whole, mode="clip")
        whole_sums = self._whole_sums[: len(block)]
        np.cumsum(whole, axis=1, out=whole_sums)
        sums[:] = whole_sums
        return whole, sums


def number_at_once(n_weightings: int, n_intervals: int) -> int:
    """Weightings that are computed at once."""
    return min(_BLOCK, n_weightings, max(1, _MOST_VALUES // max(1, n_intervals)))


def blocks_of(n_weightings: int, n_at_once: int) -> Iterator[slice]:
    """The weightings in blocks."""
    for start in range(0, n_weightings, n_at_once):
        yield slice(start, min(start + n_at_once, n_weightings))


def rows_left_out(weights: Floats, ranking: Ranking) -> dict[int, Indices]:
    """The few rows that a weighting leaves out, by its number.

    Other weightings, which leave out many or count some twice, are absent.

    None where several weightings fit into a block: blocks cost less there.
    """
    if number_at_once(len(weights), len(ranking.unit)) > 1:
        return {}
    left_out = {}
    for number, of_units in enumerate(weights):
        others = np.flatnonzero(of_units != 1)
        if of_units[others].any():
            continue
        rows = ranking.rows_of_units(others)
        if len(rows) < _FEW * len(ranking.unit):
            left_out[number] = rows
    return left_out


def raise_to_later(values: Floats) -> None:
    """Replace each value of a row, (n_rows, n), by the largest from it on.

    >>> values = np.array([[0.5, 0.2, 0.3]])
    >>> raise_to_later(values)
    >>> values
    array([[0.5, 0.3, 0.3]])
    """
    n_before_tail = (values.shape[1] - 1) // _PART * _PART
    if n_before_tail < _LONG:
        _raise_one_by_one(values)
        return
    _raise_one_by_one(values[:, n_before_tail:])
    parts = values[:, :n_before_tail].reshape(len(values), -1, _PART)
    for place in reversed(range(_PART - 1)):  # of all parts at once
        np.maximum(parts[:, :, place], parts[:, :, place + 1], out=parts[:, :, place])
    later = np.concatenate([parts[:, 1:, 0], values[:, n_before_tail : n_before_tail + 1]], axis=1)
    _raise_one_by_one(later)
    np.maximum(parts, later[:, :, None], out=parts)


def _raise_one_by_one(values: Floats) -> None:
    """`raise_to_later`, value by value."""
    np.maximum.accumulate(values[:, ::-1], axis=1, out=values[:, ::-1])


def rates_over_confidence(
    confidence: Floats, found_frames: Floats, wrong_frames: Floats, true_frames: float, other_frames: float
) -> tuple[Floats, Floats, Floats]:
    """The receiver operating characteristic over all confidences, as the paper draws it over its threshold.

    Args:
        confidence: (n,) of the spotted intervals, in any order.
        found_frames: (n,) frames of the expressions that the interval is the surest to find.
        wrong_frames: (n,) frames of the interval if it finds nothing, else 0.
        true_frames: frames of all expressions.
        other_frames: frames without an expression.

    Returns:
        Thresholds (falling), false positive rates and true positive rates at each, (n_distinct,).

    >>> curve = rates_over_confidence(np.array([0.9, 0.2]), np.array([10.0, 0]), np.array([0.0, 30]), 10, 300)
    >>> [column.tolist() for column in curve]
    [[0.9, 0.2], [0.0, 0.1], [1.0, 1.0]]
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    last = last_of_equals(ranked)
    n_wrong = wrong_frames[order].cumsum()[last]
    n_found = found_frames[order].cumsum()[last]
    wrong_rate = safe_ratio(n_wrong, np.full(len(last), other_frames), np.nan)
    found_rate = safe_ratio(n_found, np.full(len(last), true_frames), np.nan)
    return ranked[last], wrong_rate, found_rate
