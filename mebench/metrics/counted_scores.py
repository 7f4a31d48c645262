"""Metrics of counts of spotted intervals: precision, recall, F1. It imports nothing heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.lazy_imports import lazy_imports, load_lazily
from mebench.metrics.metric import Metric, WeightedSpotting
from mebench.metrics.sources import LIONG, MEGC2020

with lazy_imports():
    from mebench.metrics import classification, ratios

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
    """2 tp / (2 tp + fp + fn) of true positives, spotted and true intervals; NaN where nothing is true or spotted.

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
        of_classes=lambda clips: classification.macro_precision(clips),
        support="spotted",
        printed_as="recall",
    ),
    Metric(
        "recall",
        "recall",
        "share of the true intervals that were spotted, tp / (tp + fn)",
        "of emotions the mean over classes: of the samples that are so, the share named so",
        f"{LIONG}, equations 15, 16 and 19",
        EVERY_SECTION,
        of_spotted=recall,
        of_classes=lambda clips: classification.macro_recall(clips),
        printed_as="precision",
        mean_recall=True,
    ),
    Metric(
        "f1",
        "F1",
        "harmonic mean of precision and recall (in analysis, F1_a, of their class means)",
        "2 x precision x recall / (precision + recall), of spotted intervals 2 tp / (2 tp + fp + fn); 0/0 counts 0",
        f"{LIONG}, equations 15, 16 and 21",
        EVERY_SECTION,
        of_spotted=f1,
        of_classes=lambda clips: classification.f1_of_macros(clips),
    ),
    Metric(
        "f1_at_iou",
        "F1 at IoU",
        "spotting f1 at each IoU from 0.05 to 0.95",
        "f1 with this intersection over union as the bound of a hit, in steps of 0.05",
        function=f1_of_counts,
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
    ),
    Metric(
        "f1_large",
        "F1, large",
        "f1 that counts duplicate hits as right (megc2020)",
        "harmonic mean of precision_large and recall",
        MEGC2020,
        of_spotted=f1_large,
        matching="any_hit",
    ),
)
