"""Intervals that seem to count at another rate, or in milliseconds, without a word."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.names import KNOWN, plain_name
from mebench.annotations.sheets import Cells
from mebench.errors import DataError
from mebench.exchange.cell_kinds import is_rate, numbers_of_cells
from mebench.exchange.text_table import OtherColumns, Remarks
from mebench.exchange.values import IntervalFile
from mebench.lazy_imports import load_lazily
from mebench.metrics.matching import same_group
from mebench.metrics.tables import number_groups

if TYPE_CHECKING:
    import pandas as pd

    from mebench.metrics.tables import Tables
else:
    pd = load_lazily("pandas")

SAME = 0.002
"""Relative difference of two rates that are one: 29.97 and 30."""
COMMON_RATES = (24, 25, 30, 50, 60, 100, 120, 200)
"""Frames per second of the field's films and of re-encoded ones."""
MOST_PAIRS = 2_000_000
"""Most pairs of an interval and a truth of one video; with more, the check would take too long."""
FEWEST_FOUND = 3
"""Fewest truths that another rate must find."""
SHARE_FOUND = 0.25
"""Share of the truths that another rate must find."""
TIMES_MORE = 3
"""Times as many as without it."""


def judge_rates(
    truth: IntervalFile, predictions: IntervalFile, tables: Tables, fps: float | None, remarks: Remarks
) -> None:
    """Refuse intervals that count at another rate than the truth.

    An unread column says so, or the intervals are milliseconds. Another rate that no column names is a warning: intervals would find
    many truths at it.

    Args:
        truth: the file of the truth.
        predictions: the file of the intervals; one whose rate is read is carried over elsewhere, if the truth's is known.
        tables: the truths and intervals of both.
        fps: the rate that the user gives; it decides.
        remarks: list that gets the warning.

    Raises:
        DataError: so it is.
    """
    others = predictions.others
    decided = frozenset() if others is None else others.decided
    if fps is not None or {"onset", "offset"} & decided:
        return
    spotted, truths = tables.spotted, tables.truths
    if spotted.empty or truths.empty or predictions.fractional == "seconds":
        return
    of_truths, of_spotted = number_groups(["video"], truths, spotted)
    n_pairs = int(np.bincount(of_truths, minlength=int(of_spotted.max()) + 1)[of_spotted].sum())
    if n_pairs > MOST_PAIRS:
        return
    pairs = _FramePairs.of_rows(truths, spotted, *same_group(of_spotted, of_truths))
    rate_of_video = tables.videos.drop_duplicates("video").set_index("video")["fps"]
    rates = spotted["video"].map(rate_of_video).to_numpy(np.float64)
    if "fps" in predictions.columns:
        _judge_stated_rate(predictions, pairs, rates)
        return
    if others is not None:
        _judge_columns(truth, predictions, others, pairs, rates)
    _judge_milliseconds(predictions, pairs, rates)
    _warn_of_common_rates(pairs, rates, remarks)


def _judge_stated_rate(predictions: IntervalFile, pairs: _FramePairs, rates: NDArray[np.float64]) -> None:
    """Refuse intervals whose file alone states a rate, if another one finds more.

    Raises:
        DataError: so it is.
    """
    stated = predictions.rate
    if stated is None or not np.isnan(rates).all():
        return
    n_found = {rate: pairs.n_found(np.full(len(rates), rate / stated)) for rate in COMMON_RATES}
    # Of rates that find as many, the one that films are re-encoded to: 25 for 50, not 24.
    best = max(COMMON_RATES, key=lambda rate: (n_found[rate], stated % rate == 0 or rate % stated == 0))
    if best != stated and pairs.finds_more(np.full(len(rates), best / stated)):
        raise DataError(
            f"{predictions.place}: it states {stated:g} frames a second and the truth no rate, and if the truth counts at {best}, the "
            f"intervals find many more expressions: give the truth's rate with --fps {best}; if both files count the same frames, with "
            f"--fps {stated:g}"
        )


def _judge_columns(
    truth: IntervalFile,
    predictions: IntervalFile,
    others: OtherColumns,
    pairs: _FramePairs,
    rates: NDArray[np.float64],
) -> None:
    """Refuse intervals beside a column that may hold their rate: the truth has it with another number, or it finds more truths.

    Raises:
        DataError: so it is.
    """
    for name, cells in others.columns.items():
        if plain_name(name) in KNOWN or not is_rate(cells):
            continue
        own = others.at_lines(_numbers(cells), pairs.line)
        of_truth = None if truth.others is None else truth.others.columns.get(name)
        said_twice = of_truth is not None and is_rate(of_truth)
        true = rates
        if of_truth is not None and said_twice:
            true = np.where(np.isnan(rates), np.nanmedian(_numbers(of_truth)), rates)
        differs = np.abs(own - true) > SAME * true
        if not differs.any():
            continue
        if (said_twice and np.isnan(rates).all()) or pairs.finds_more(true / own):
            of_both = f" and --column truth.fps={name}" if said_twice else ""
            raise DataError(
                f"{predictions.place}: the column {name!r} is {own[differs][0]:g} where the truth counts at {true[differs][0]:g} a "
                f"second: if it holds the frame rate, add --column fps={name}{of_both}; if both files count the same frames, give "
                "their rate with --fps N"
            )


def _judge_milliseconds(predictions: IntervalFile, pairs: _FramePairs, rates: NDArray[np.float64]) -> None:
    """Refuse intervals that find many truths once they are read as milliseconds.

    Raises:
        DataError: they do.
    """
    known = rates[~np.isnan(rates)]
    likely = [rates] if len(known) == len(rates) else [np.full(len(rates), float(rate)) for rate in COMMON_RATES]
    if any(pairs.finds_more(rate / 1000) for rate in likely):
        raise DataError(
            f"{predictions.place}: read as milliseconds, the intervals find many more expressions than as frames: if they are, name "
            "their columns onset_ms and offset_ms, and give the frame rate with --fps N unless the truth states it. If they are "
            "frames, add --column onset=NAME --column offset=NAME with the names of the columns"
        )


def _warn_of_common_rates(pairs: _FramePairs, rates: NDArray[np.float64], remarks: Remarks) -> None:
    """Warn of intervals that find many truths from another common rate."""
    for rate in COMMON_RATES:
        for other in COMMON_RATES:
            is_possible = np.isnan(rates).all() or bool((np.abs(rates - rate) <= SAME * rate).all())
            if other != rate and is_possible and pairs.finds_more(np.full(len(rates), rate / other)):
                remarks.warn(
                    f"predictions: counted at {other} frames a second, and the truth at {rate}, the intervals would find many more "
                    "expressions: if so, give both files a column fps. Nothing was carried over here"
                )
                return


def _numbers(cells: Cells) -> NDArray[np.float64]:
    """The numbers of a column that holds them."""
    values = numbers_of_cells(cells)
    assert values is not None  # `is_rate` says so
    return values


@dataclass(frozen=True)
class _FramePairs:
    """Each interval beside each truth of its video.

    Attributes:
        line: (n_intervals,) line of each interval.
        onset: (n_intervals,) onsets of intervals.
        offset: (n_intervals,) offsets of intervals.
        true_onset: (n_truths,) onsets of truths.
        true_offset: (n_truths,) offsets of truths.
        interval: (n_pairs,) number of the interval.
        truth: (n_pairs,) number of the truth.
    """

    line: NDArray[np.int64]
    onset: NDArray[np.float64]
    offset: NDArray[np.float64]
    true_onset: NDArray[np.float64]
    true_offset: NDArray[np.float64]
    interval: NDArray[np.int64]
    truth: NDArray[np.int64]

    @classmethod
    def of_rows(
        cls, truths: pd.DataFrame, spotted: pd.DataFrame, interval: NDArray[np.int64], truth: NDArray[np.int64]
    ) -> _FramePairs:
        """The pairs, from the rows of truths and intervals."""
        return cls(
            line=spotted["line"].to_numpy(np.int64),
            onset=spotted["onset"].to_numpy(np.float64),
            offset=spotted["offset"].to_numpy(np.float64),
            true_onset=truths["onset"].to_numpy(np.float64),
            true_offset=truths["offset"].to_numpy(np.float64),
            interval=interval,
            truth=truth,
        )

    def finds_more(self, ratio: NDArray[np.float64]) -> bool:
        """Whether intervals find many more truths once their frames are multiplied, (n_intervals,)."""
        fewest = max(FEWEST_FOUND, SHARE_FOUND * len(self.true_onset), TIMES_MORE * self._n_found_as_they_are)
        return fewest <= len(self.true_onset) and self.n_found(ratio) >= fewest

    @cached_property
    def _n_found_as_they_are(self) -> int:
        """The number of truths that the intervals find as the file counts them."""
        return self.n_found(np.ones(len(self.onset)))

    def n_found(self, ratio: NDArray[np.float64]) -> int:
        """The number of truths that some interval overlaps with an IoU of a half."""
        onset = (self.onset * ratio)[self.interval]
        offset = (self.offset * ratio)[self.interval]
        shared = np.minimum(offset, self.true_offset[self.truth]) - np.maximum(onset, self.true_onset[self.truth]) + 1
        whole = np.maximum(offset, self.true_offset[self.truth]) - np.minimum(onset, self.true_onset[self.truth]) + 1
        return len(np.unique(self.truth[2 * shared >= whole]))
