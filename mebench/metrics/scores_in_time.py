"""Metrics for which the length of all videos counts: false positives a minute, by place, and F1 at another density.

It imports nothing heavy.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.metric import Metric, PlacedRates, WeightedSpotting

with lazy_imports():
    from mebench.metrics import ratios

if TYPE_CHECKING:
    import numpy as np

    from mebench.metrics.ratios import Floats
else:
    np = load_lazily("numpy")

DENSITIES = {"cas_me2": (57, 300, 248_348 / 30 / 60), "samm_lv": (159, 340, 491_435 / 200 / 60)}
"""Numbers of micro- and of macro-expressions, and minutes of all videos with an expression, of two datasets of long videos.

As listed in casme2_annotation_357.csv (95 videos) and samm_annotation.csv (146 videos) of https://github.com/williamlee91/LGSNet, commit
fb38eb2. SAMM Long Videos has 147 videos and 343 macro-expressions, CAS(ME)² 98 videos: the few others are not listed there."""
TITLES = {"cas_me2": "CAS(ME)²", "samm_lv": "SAMM Long Videos"}

RATES = {"recall_at_half": 0.5, "recall_at_one": 1.0, "recall_at_two": 2.0}
"""False positives a minute at which recall is reported, by the name of the score."""
_RATE_IN_WORDS = {"recall_at_half": ".5", "recall_at_one": "1", "recall_at_two": "2"}


def fp_per_minute(spotted: WeightedSpotting) -> Floats:
    """False positives over the length of all videos; NaN where a length is unknown."""
    return ratios.safe_ratio(spotted.spotted - spotted.found, spotted.minutes, np.nan)


def recall_at_rate(name: str, spotted: WeightedSpotting) -> Floats:
    """The best recall of any threshold at one of `RATES`."""
    return spotted.recall_at(RATES[name])


def fp_per_macro(spotted: WeightedSpotting) -> Floats:
    """False positives on macro-expressions, over macro-expressions; NaN without one."""
    return spotted.placed.wrong_per_macro if spotted.placed else _undefined(spotted)


def fp_elsewhere(spotted: WeightedSpotting) -> Floats:
    """False positives on no expression, over the minutes outside of all; NaN where a length is unknown."""
    return spotted.placed.wrong_per_minute if spotted.placed else _undefined(spotted)


def f1_at_density(dataset: str, spotted: WeightedSpotting) -> Floats:
    """F1 with as many expressions a minute as one of `DENSITIES` has.

    With d micro- and D macro-expressions a minute, a spotter that finds the share R of the micro-expressions and has a false positives
    beside each, b on each macro-expression, and c a minute outside of both has F1 = 2Rd / (Rd + ad + bD + cf + d), f being the share of a
    minute outside of both; expressions are as long as here. At the density of the scored videos it is their F1, as long as no
    expressions overlap.

    Returns:
        (n_weightings,); NaN without a truth, without a macro-expression, or where a length is unknown.
    """
    return _f1_of_rates(spotted.placed, *DENSITIES[dataset]) if spotted.placed else _undefined(spotted)


def _f1_of_rates(rates: PlacedRates, n_micro: int, n_macro: int, n_minutes: float) -> Floats:
    """`f1_at_density` of so many expressions in so many minutes."""
    # d, D and f of the formula: all that follows is in one minute of that dataset.
    micros = n_micro / n_minutes
    macros = n_macro / n_minutes
    free = np.maximum(1 - micros * rates.minutes_per_micro - macros * rates.minutes_per_macro, 0)
    wrong = micros * rates.wrong_per_micro + macros * rates.wrong_per_macro + free * rates.wrong_per_minute
    return ratios.safe_ratio(2 * rates.recall * micros, rates.recall * micros + wrong + micros, np.nan)


def _undefined(spotted: WeightedSpotting) -> Floats:
    """NaN under each weighting."""
    return np.full(len(spotted.true), np.nan)


_EXAMPLES = {
    "recall_at_half": r"""
    A point of the curve below: the largest recall that any threshold of confidence gives with at most one false positive in
    two minutes. Unlike F1 it does not depend on how many expressions a minute holds. In the example a single false positive
    is three a minute already, so only the interval of confidence 0.9 counts.

    $$
    \max_c \left\{ \frac{TP_{\ge c}}{N} : \frac{FP_{\ge c}}{\text{minutes}} \le 0.5 \right\}
    $$

    ```python
    beside(1 / 3, "spotting/micro/scores/recall_at_half")
    ```
    """,
    "recall_at_one": r"""
    The same with at most one false positive a minute.

    $$
    \max_c \left\{ \frac{TP_{\ge c}}{N} : \frac{FP_{\ge c}}{\text{minutes}} \le 1 \right\}
    $$

    ```python
    beside(1 / 3, "spotting/micro/scores/recall_at_one")
    ```
    """,
    "recall_at_two": r"""
    The same with at most two false positives a minute.

    $$
    \max_c \left\{ \frac{TP_{\ge c}}{N} : \frac{FP_{\ge c}}{\text{minutes}} \le 2 \right\}
    $$

    ```python
    beside(1 / 3, "spotting/micro/scores/recall_at_two")
    ```
    """,
    "f1@cas_me2": r"""
    The same at 0.41 micro- and 2.2 macro-expressions a minute.

    $$
    \frac{2 R d}{R d + a d + b D + c f + d}
    $$

    ```python
    cas_me2 = at_density(57, 300, 248_348, 30)
    beside(cas_me2, "spotting/micro/scores/f1@cas_me2", with_macro)
    ```
    """,
    "f1@samm_lv": r"""
    F1 rises with the number of expressions a minute, and datasets differ in it. SAMM Long Videos has 3.9 micro- and 8.3
    macro-expressions a minute in the videos that hold any, by the [annotations of LGSNet's
    authors](https://github.com/williamlee91/LGSNet). The score is the F1 that the same spotter would have there, if it finds
    the same share *R* of micro-expressions, and is wrong *a* times beside each of them, *b* times on each macro-expression
    and *c* times a minute outside of both. With *d* micro- and *D* macro-expressions a minute, as long as those of the scored
    videos, and the share *f* of a minute outside of both:

    $$
    \frac{2 R d}{R d + a d + b D + c f + d}
    $$

    ```python
    def at_density(micros, macros, frames, fps):
        d, D = (n / (frames / fps / 60) for n in (micros, macros))  # a minute
        R, a, b, c = tp / 3, 1 / 3, 1, per_minute
        f = 1 - d * in_micro / 3 - D * in_macro
        return 2 * R * d / (R * d + a * d + b * D + c * f + d)


    samm_lv = at_density(159, 340, 491_435, 200)
    beside(samm_lv, "spotting/micro/scores/f1@samm_lv", with_macro)
    ```
    """,
}
"""The worked examples of metrics that differ in one number, by name."""

IN_TIME = (
    Metric(
        "fp_per_minute",
        "false positives / min",
        "spotted intervals that are wrong",
        "fp / length of all videos, with or without expressions",
        direction="lower",
        scale="positive",
        unit="per minute of video",
        kind="mean",
        of_spotted=fp_per_minute,
        timed=True,
        support="everybody",
        example=r"""
        The number of false alarms that a person has to check. The minutes are those of all videos, including those without
        expressions; the score is left out under a convention that does not count all videos.

        $$
        \frac{FP}{\sum_v n_v / (60\, r_v)}, \qquad n_v \text{ frames of video } v \text{ at } r_v \text{ a second}
        $$

        ```python
        minutes = 4 * 500 / 100 / 60
        beside(fp / minutes, "spotting/micro/scores/fp_per_minute")
        ```
        """,
    ),
    *(
        Metric(
            name,
            f"recall at {rate} FP/min",
            f"recall with at most {rate} false positives a minute",
            "largest recall of any threshold with so few false positives; a point of the curve of recall against them",
            of_spotted=partial(recall_at_rate, name),
            timed=True,
            example=_EXAMPLES[name],
        )
        for name, rate in _RATE_IN_WORDS.items()
    ),
    Metric(
        "fp_per_macro",
        "false positives / macro",
        "false positives on macro-expressions",
        "those that share a frame with a macro- and with no micro-expression / macro-expressions",
        direction="lower",
        scale="positive",
        unit="per macro-expression",
        kind="mean",
        of_spotted=fp_per_macro,
        timed=True,
        support="everybody",
        example=r"""
        Many false positives among micro-expressions are macro-expressions. This score counts those that share a frame with a
        macro-expression and with no micro-expression.

        $$
        \frac{FP_\text{macro}}{N_\text{macro}}
        $$

        Suppose that D holds a macro-expression. The interval spotted in D then lies on it:

        ```python
        macro = pd.DataFrame([("2", "D", 0, 25, 60, "happiness", 500)], columns=truth.columns)
        both = pd.concat([truth.assign(kind="micro"), macro.assign(kind="macro")])
        spotted_micros = spotted.assign(kind="micro")
        with_macro = mebench.score(predictions=spotted_micros, truth=both.dropna(subset="onset"), fps=100, bootstrap=0)
        beside(1 / 1, "spotting/micro/scores/fp_per_macro", with_macro)
        ```
        """,
    ),
    Metric(
        "fp_elsewhere",
        "false positives / min elsewhere",
        "false positives on no expression",
        "those that share no frame with an expression / minutes outside of all expressions",
        direction="lower",
        scale="positive",
        unit="per minute without expression",
        kind="mean",
        of_spotted=fp_elsewhere,
        timed=True,
        support="everybody",
        example=r"""
        Those that share a frame with no expression, micro or macro, in each minute that no expression takes up. In the example
        it is the interval spotted in C.

        $$
        \frac{FP_\text{elsewhere}}{\text{minutes} - \text{minutes of expressions}}
        $$

        ```python
        in_micro, in_macro = 3 * 20 / 100 / 60, 61 / 100 / 60  # minutes
        per_minute = 1 / (minutes - in_micro - in_macro)
        beside(per_minute, "spotting/micro/scores/fp_elsewhere", with_macro)
        ```
        """,
    ),
    *(
        Metric(
            f"f1@{dataset}",
            f"F1 at the density of {title}",
            f"F1 with as many expressions a minute as {title} has",
            "2Rd / (Rd + ad + bD + cf + d), see the function f1_at_density",
            of_spotted=partial(f1_at_density, dataset),
            timed=True,
            example=_EXAMPLES[f"f1@{dataset}"],
        )
        for dataset, title in TITLES.items()
    ),
)
