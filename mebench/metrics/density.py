"""Where false positives lie, and F1 on videos with another number of expressions a minute.

With the same recall and the same rate of false positives, a spotter has a higher F1 where a minute holds more
expressions. To compare datasets, false positives are therefore divided into those beside micro-expressions, those on
macro-expressions, and those that occur per minute elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mebench.metrics.matching import Found, ends_of, touches_truth
from mebench.metrics.metric import PlacedRates
from mebench.metrics.ratios import Floats, per_unit, safe_ratio
from mebench.metrics.tables import lengths_of, number_groups, of_units


@dataclass(frozen=True)
class PlacedFalsePositives:
    """False positives among spotted micro-expressions by place, and the size of each place.

    All are (n_units,).

    Attributes:
        on_micro: false positives that share a frame with a micro-expression.
        on_macro: number of the others that share a frame with a macro-expression.
        elsewhere: the rest.
        n_macros: number of macro-expressions.
        micro_minutes: minutes of all micro-expressions, NaN where a frame rate is unknown.
        macro_minutes: minutes of all macro-expressions, NaN where a frame rate is unknown.
    """

    on_micro: Floats
    on_macro: Floats
    elsewhere: Floats
    n_macros: Floats
    micro_minutes: Floats
    macro_minutes: Floats


def place_false_positives(
    truths: pd.DataFrame, macros: pd.DataFrame, predictions: pd.DataFrame, found: Found, n_units: int, by_draw: bool
) -> PlacedFalsePositives:
    """Sort the false positives among spotted micro-expressions.

    Args:
        truths: micro-expressions, as in `Tables.put_in_order`.
        macros: macro-expressions of the same videos.
        predictions: spotted micro-expressions.
        found: the true positives.
        n_units: number of units.
        by_draw: units are draws, each with all expressions, instead of subjects.
    """
    wrong = found.weight - np.bincount(found.prediction, minlength=len(predictions))
    of_truths, of_macros, of_predictions = number_groups(["video"], truths, macros, predictions)
    on_micro = touches_truth(of_predictions, of_truths, ends_of(predictions), ends_of(truths))
    on_macro = touches_truth(of_predictions, of_macros, ends_of(predictions), ends_of(macros))
    unit = predictions["draw" if by_draw else "unit"].to_numpy(np.int64)
    return PlacedFalsePositives(
        on_micro=per_unit(unit, n_units, np.where(on_micro, wrong, 0)),
        on_macro=per_unit(unit, n_units, np.where(on_macro & ~on_micro, wrong, 0)),
        elsewhere=per_unit(unit, n_units, np.where(~on_micro & ~on_macro, wrong, 0)),
        n_macros=of_units(macros, np.ones(len(macros)), n_units, by_draw),
        micro_minutes=of_units(truths, _minutes(truths), n_units, by_draw),
        macro_minutes=of_units(macros, _minutes(macros), n_units, by_draw),
    )


def _minutes(table: pd.DataFrame) -> Floats:
    """The length of each interval in minutes, (n,)."""
    return np.asarray(lengths_of(table) / table["fps"].to_numpy(np.float64) / 60, dtype=np.float64)


def rates_by_place(
    placed: PlacedFalsePositives, weights: Floats, found: Floats, true: Floats, minutes: Floats
) -> PlacedRates:
    """False positives of each place over its size.

    Args:
        placed: false positives by place.
        weights: (n_weightings, n_units).
        found: (n_weightings,) true positives.
        true: (n_weightings,) truths.
        minutes: (n_weightings,) length of all videos.
    """
    n_macros = weights @ placed.n_macros
    micro_minutes = weights @ placed.micro_minutes
    macro_minutes = weights @ placed.macro_minutes
    minutes_elsewhere = np.maximum(minutes - micro_minutes - macro_minutes, 0)
    return PlacedRates(
        recall=safe_ratio(found, true, np.nan),
        wrong_per_micro=safe_ratio(weights @ placed.on_micro, true, np.nan),
        wrong_per_macro=safe_ratio(weights @ placed.on_macro, n_macros, np.nan),
        wrong_per_minute=safe_ratio(weights @ placed.elsewhere, minutes_elsewhere, np.nan),
        minutes_per_micro=safe_ratio(micro_minutes, true, np.nan),
        minutes_per_macro=safe_ratio(macro_minutes, n_macros, np.nan),
    )
