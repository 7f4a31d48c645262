"""Metrics of counts of spotted intervals: precision, recall, F1. It imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.classification import f1_of_macros, macro_precision, macro_recall
from mebench.metrics.metric import Metric, WeightedSpotting
from mebench.metrics.sources import LIONG, MEGC2020

with lazy_imports():
    from mebench.metrics import ratios

if TYPE_CHECKING:
    import numpy as np

    from mebench.metrics.ratios import Floats
else:
    np = load_lazily("numpy")

EVERY_SECTION = ("spotting", "analysis", "recognition")


def precision(spotted: WeightedSpotting) -> Floats:
    """Share of the spotted intervals that are right; 0 where all is missed or all is false alarm, NaN where nothing is true or spotted."""
    return share_of_spotted(spotted.right, spotted)


def recall(spotted: WeightedSpotting) -> Floats:
    """Share of the true intervals that were spotted; NaN without a truth."""
    return ratios.safe_ratio(spotted.found, spotted.true, np.nan)


def f1(spotted: WeightedSpotting) -> Floats:
    """Harmonic mean of precision and recall; 0 where something is spotted and nothing is true, NaN where neither is."""
    return f1_of_counts(spotted.found, spotted.spotted, spotted.true)


def f1_of_counts(found: Floats, spotted: Floats, true: Floats) -> Floats:
    """2 tp / (2 tp + fp + fn) of some counts. These are true positives, spotted and true intervals; NaN where nothing is true or spotted.

    >>> import numpy
    >>> f1_of_counts(*(numpy.array([float(count)]) for count in (2, 5, 3)))
    array([0.5])
    """
    return ratios.safe_ratio(2 * found, spotted + true, np.nan)


def precision_large(spotted: WeightedSpotting) -> Floats:
    """Pairs of a spotted interval and a truth that it hits, over spotted intervals: each interval counts as often as it hits."""
    return share_of_spotted(spotted.hits, spotted)


def f1_large(spotted: WeightedSpotting) -> Floats:
    """Harmonic mean of `precision_large` and recall."""
    large = precision_large(spotted)
    found = np.nan_to_num(recall(spotted))  # without a truth F1 is 0, as precision is
    both = ratios.safe_ratio(2 * large * found, large + found)
    return np.where(np.isnan(large), np.nan, both)


def share_of_spotted(right: Floats, spotted: WeightedSpotting) -> Floats:
    """Right intervals over spotted ones: 0 where all is missed or all is false alarm, NaN where nothing is true or spotted."""
    is_defined = spotted.true + spotted.spotted > 0
    return np.where(is_defined, ratios.safe_ratio(right, spotted.spotted), np.nan)


COUNTED = (
    Metric(
        "precision",
        "precision",
        "share of the spotted intervals that are right, tp / (tp + fp)",
        "of emotions the mean over classes: of the samples named so, the share that are so; a class never named counts 0",
        f"{LIONG}, equations 15, 16 and 20",
        EVERY_SECTION,
        of_spotted=precision,
        of_classes=macro_precision,
        support="spotted",
        printed_as="recall",
        example=r"""
        The share of spotted intervals that are right. It is 0 where nothing is spotted, or where there is nothing to find and
        something is spotted; without either it is a dash.

        $$
        P = \frac{TP}{TP + FP}
        $$

        ```python
        beside(tp / (tp + fp), "spotting/micro/scores/precision")
        ```
        """,
    ),
    Metric(
        "recall",
        "recall",
        "share of the true intervals that were spotted, tp / (tp + fn)",
        "of emotions the mean over classes: of the samples that are so, the share named so",
        f"{LIONG}, equations 15, 16 and 19",
        EVERY_SECTION,
        of_spotted=recall,
        of_classes=macro_recall,
        printed_as="precision",
        mean_recall=True,
        example=r"""
        The share of true intervals that were spotted.

        $$
        R = \frac{TP}{TP + FN}
        $$

        ```python
        beside(tp / (tp + fn), "spotting/micro/scores/recall")
        ```
        """,
    ),
    Metric(
        "f1",
        "F1",
        "harmonic mean of precision and recall (in analysis, F1_a, of their class means)",
        "2 x precision x recall / (precision + recall), of spotted intervals 2 tp / (2 tp + fp + fn); 0/0 counts 0",
        f"{LIONG}, equations 15, 16 and 21",
        EVERY_SECTION,
        of_spotted=f1,
        of_classes=f1_of_macros,
        example=r"""
        The harmonic mean of both; 0/0 counts 0, so false alarms alone have 0; where nothing is true or spotted it is a dash.
        Counts of all folds are added first; F1 is never averaged over folds or videos.

        $$
        F_1 = \frac{2PR}{P + R} = \frac{2\,TP}{2\,TP + FP + FN}
        $$

        ```python
        beside(2 * tp / (2 * tp + fp + fn), "spotting/micro/scores/f1")
        ```

        In the [analysis](metrics_recognition.md#analysis) of emotions F1 is $F_{1a}$, the harmonic mean of the classes' mean
        precision and mean recall.
        """,
    ),
    Metric(
        "f1_at_iou",
        "F1 at IoU",
        "spotting f1 at each IoU from 0.05 to 0.95",
        "f1 with this intersection over union as the bound of a hit, in steps of 0.05",
        function=f1_of_counts,
        example=r"""
        F1 with another IoU for a hit than 1/2, from .05 to .95. The better the intervals fit, the later the curve falls.

        $$
        F_1(\tau) = \frac{2\,TP(\tau)}{2\,TP(\tau) + FP(\tau) + FN(\tau)}, \qquad \text{a hit being } \mathrm{IoU} \ge \tau
        $$

        With 5 intervals and 3 truths, both hits count up to 1/2, only the one in A up to its IoU of .8571, and none beyond:

        ```python
        at = {bound: score["value"] for bound, score in micro["details"]["f1_at_iou"].items()}
        for bound, hits in {"0.25": 2, "0.50": 2, "0.55": 1, "0.85": 1, "0.90": 0}.items():
            assert math.isclose(at[bound], 2 * hits / (5 + 3))
            print(f"IoU from {bound} on: {at[bound]:.4f}")
        ```
        """,
    ),
)
OF_DUPLICATES = (
    Metric(
        "precision_large",
        "precision, large",
        "precision that counts duplicate hits as right (megc2020)",
        "pairs of a spotted interval and a truth that it hits / spotted intervals",
        MEGC2020,
        of_spotted=precision_large,
        matching="any_hit",
        support="spotted",
        example=r"""
        Under [`megc2020`](conventions.md#megc2020) duplicates count as right: pairs of an interval and a truth that it hits,
        over spotted intervals. Both intervals in A and the one in B hit.

        $$
        P_\text{large} = \frac{|\{(P, T) : P \text{ hits } T\}|}{TP + FP}
        $$

        ```python
        megc2020 = mebench.score(predictions=spotted, truth=truth, fps=100, bootstrap=0, convention="megc2020")
        beside(3 / 5, "spotting/micro/details/scores/precision_large", megc2020)
        ```
        """,
    ),
    Metric(
        "f1_large",
        "F1, large",
        "f1 that counts duplicate hits as right (megc2020)",
        "harmonic mean of precision_large and recall",
        MEGC2020,
        of_spotted=f1_large,
        matching="any_hit",
        example=r"""
        $$
        \frac{2 P_\text{large} R}{P_\text{large} + R}
        $$

        ```python
        beside(2 * (3 / 5) * (2 / 3) / (3 / 5 + 2 / 3), "spotting/micro/details/scores/f1_large", megc2020)
        ```
        """,
    ),
)
