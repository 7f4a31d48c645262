"""Where false positives lie, and F1 on videos with another number of expressions a minute.

With the same recall and the same rate of false positives, a spotter has a higher F1 where a minute holds more
expressions. To compare datasets, false positives are therefore divided into those beside micro-expressions, those on
macro-expressions, and those that occur per minute elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mebench.metrics.matching import Found, ends_of, touches_truth
from mebench.metrics.ratios import Floats, per_unit, safe_ratio
from mebench.metrics.tables import lengths_of, number_groups, of_units

DENSITIES = {"cas_me2": (57, 300, 248_348 / 30 / 60), "samm_lv": (159, 340, 491_435 / 200 / 60)}
"""Numbers of micro- and of macro-expressions, and minutes of all videos with an expression, of two datasets of long videos.

As listed in casme2_annotation_357.csv (95 videos) and samm_annotation.csv (146 videos) of https://github.com/williamlee91/LGSNet, commit
fb38eb2. SAMM Long Videos has 147 videos and 343 macro-expressions, CAS(ME)² 98 videos: the few others are not listed there."""


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


def density_scores(
    placed: PlacedFalsePositives | None, weights: Floats, found: Floats, true: Floats, minutes: Floats
) -> dict[str, Floats]:
    """False positives for each macro-expression and each minute elsewhere, and F1 at each of `DENSITIES`.

    With d micro- and D macro-expressions a minute, a spotter that finds the share R of the micro-expressions and has a false positives
    beside each, b on each macro-expression, and c a minute outside of both has F1 = 2Rd / (Rd + ad + bD + cf + d), f being the share of a
    minute outside of both; expressions are as long as here. At the density of the scored videos it is their F1, as long as no
    expressions overlap.

    Args:
        placed: false positives by place; None gives NaN.
        weights: (n_weightings, n_units).
        found: (n_weightings,) true positives.
        true: (n_weightings,) truths.
        minutes: (n_weightings,) length of all videos.

    Returns:
        (n_weightings,) for each name; NaN without a truth, without a macro-expression (`fp_elsewhere`: either) or where a
        length is unknown.
    """
    names = ("fp_per_macro", "fp_elsewhere", *(f"f1@{name}" for name in DENSITIES))
    if placed is None:
        return dict.fromkeys(names, np.full(len(weights), np.nan))
    n_macros = weights @ placed.n_macros
    micro_minutes = weights @ placed.micro_minutes
    macro_minutes = weights @ placed.macro_minutes
    minutes_elsewhere = np.maximum(minutes - micro_minutes - macro_minutes, 0)
    # R, a, b, c of the formula, and the length of one expression of each kind.
    recall = safe_ratio(found, true, np.nan)
    wrong_per_micro = safe_ratio(weights @ placed.on_micro, true, np.nan)
    wrong_per_macro = safe_ratio(weights @ placed.on_macro, n_macros, np.nan)
    wrong_per_minute = safe_ratio(weights @ placed.elsewhere, minutes_elsewhere, np.nan)
    minutes_per_micro = safe_ratio(micro_minutes, true, np.nan)
    minutes_per_macro = safe_ratio(macro_minutes, n_macros, np.nan)
    scores = {"fp_per_macro": wrong_per_macro, "fp_elsewhere": wrong_per_minute}
    for name, (n_micro, n_macro, n_minutes) in DENSITIES.items():
        # d, D and f of the formula: all that follows is in one minute of that dataset.
        micros = n_micro / n_minutes
        macros = n_macro / n_minutes
        free = np.maximum(1 - micros * minutes_per_micro - macros * minutes_per_macro, 0)
        wrong = micros * wrong_per_micro + macros * wrong_per_macro + free * wrong_per_minute
        scores[f"f1@{name}"] = safe_ratio(2 * recall * micros, recall * micros + wrong + micros, np.nan)
    return scores
