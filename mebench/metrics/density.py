"""Where false positives lie, and F1 on videos with another number of expressions a minute.

With the same recall and the same rate of false positives, a spotter has a higher F1 where a minute holds more
expressions. To compare datasets, false positives are therefore divided into those beside micro-expressions, those on
macro-expressions, and those that occur per minute elsewhere.
"""

import numpy as np
import pandas as pd

from mebench.metrics.matching import Found, ends_of, touches_truth
from mebench.metrics.ratios import Floats, per_unit, safe_ratio
from mebench.metrics.tables import lengths_of, number_groups, of_units

DENSITIES = {"cas_me2": (57, 300, 248_348 / 30 / 60), "samm_lv": (159, 340, 491_435 / 200 / 60)}
"""Numbers of micro- and of macro-expressions, and minutes of all videos with an expression, of two datasets of long videos.

As listed in casme2_annotation_357.csv (95 videos) and samm_annotation.csv (146 videos) of https://github.com/williamlee91/LGSNet, commit
fb38eb2. SAMM Long Videos has 147 videos and 343 macro-expressions, CAS(ME)² 98 videos: the few others are not listed there."""


def place_false_positives(
    truths: pd.DataFrame, macros: pd.DataFrame, predictions: pd.DataFrame, found: Found, n_units: int, by_draw: bool
) -> Floats:
    """Sort the false positives among spotted micro-expressions.

    Args:
        truths: micro-expressions, as in `Tables.ordered`.
        macros: macro-expressions of the same videos.
        predictions: spotted micro-expressions.
        found: the true positives.
        n_units: number of units.
        by_draw: units are draws, each with all expressions, instead of subjects.

    Returns:
        (6, n_units): false positives that share a frame with a micro-expression, of the others those that share one with a
        macro-expression, and the rest; number of macro-expressions; minutes of all micro- and of all macro-expressions, NaN where a frame
        rate is unknown.
    """
    wrong = found.weight - np.bincount(found.prediction, minlength=len(predictions))
    of_truths, of_macros, of_predictions = number_groups(["video"], truths, macros, predictions)
    micro = touches_truth(of_predictions, of_truths, ends_of(predictions), ends_of(truths))
    macro = touches_truth(of_predictions, of_macros, ends_of(predictions), ends_of(macros))
    unit = predictions["draw" if by_draw else "unit"].to_numpy(np.int64)
    on_micro = per_unit(unit, n_units, np.where(micro, wrong, 0))
    on_macro = per_unit(unit, n_units, np.where(macro & ~micro, wrong, 0))
    elsewhere = per_unit(unit, n_units, np.where(~micro & ~macro, wrong, 0))
    in_micro = of_units(truths, _minutes(truths), n_units, by_draw)
    in_macro = of_units(macros, _minutes(macros), n_units, by_draw)
    n_macros = of_units(macros, np.ones(len(macros)), n_units, by_draw)
    return np.stack([on_micro, on_macro, elsewhere, n_macros, in_micro, in_macro])


def _minutes(table: pd.DataFrame) -> Floats:
    """The length of each interval in minutes, (n,)."""
    return np.asarray(lengths_of(table) / table["fps"].to_numpy(np.float64) / 60, dtype=np.float64)


def by_density(of: Floats | None, weights: Floats, found: Floats, true: Floats, minutes: Floats) -> dict[str, Floats]:
    """False positives by density of macro-expressions, and F1 at each of `DENSITIES`.

    False positives are counted for a macro-expression, and for a minute elsewhere; (n_weightings,) each.

    With d micro- and D macro-expressions a minute, a spotter that finds the share R of the micro-expressions and has a false positives
    beside each, b on each macro-expression, and c a minute outside of both has F1 = 2Rd / (Rd + ad + bD + cf + d), f being the share of a
    minute outside of both; expressions are as long as here. At the density of the scored videos it is their F1, as long as no
    expressions overlap.

    Args:
        of: see `place_false_positives`; None if not needed.
        weights: (n_weightings, n_units).
        found: (n_weightings,) true positives.
        true: (n_weightings,) truths.
        minutes: (n_weightings,) length of all videos.

    Returns:
        NaN without a truth, without a macro-expression (`fp_elsewhere`: either) or where a length is unknown.
    """
    names = ("fp_per_macro", "fp_elsewhere", *(f"f1@{name}" for name in DENSITIES))
    if of is None:
        return dict.fromkeys(names, np.full(len(weights), np.nan))
    on_micro, on_macro, elsewhere, macros, in_micro, in_macro = (weights @ values for values in of)
    per_macro = safe_ratio(on_macro, macros, np.nan)
    per_minute = safe_ratio(elsewhere, np.maximum(minutes - in_micro - in_macro, 0), np.nan)
    scores = {"fp_per_macro": per_macro, "fp_elsewhere": per_minute}
    recall = safe_ratio(found, true, np.nan)
    per_micro = safe_ratio(on_micro, true, np.nan)
    minutes_of_micro = safe_ratio(in_micro, true, np.nan)
    minutes_of_macro = safe_ratio(in_macro, macros, np.nan)
    for name, (n_micro, n_macro, n_minutes) in DENSITIES.items():
        micros = n_micro / n_minutes  # in a minute, as all that follows
        macros_here = n_macro / n_minutes
        free = np.maximum(1 - micros * minutes_of_micro - macros_here * minutes_of_macro, 0)
        wrong = micros * per_micro + macros_here * per_macro + free * per_minute
        scores[f"f1@{name}"] = safe_ratio(2 * recall * micros, recall * micros + wrong + micros, np.nan)
    return scores
