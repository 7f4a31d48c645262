"""What plugins take of spotting: frame scores -> smoothing -> peaks -> threshold -> intervals, on plain arrays.

All functions take the scores of one video and one kind and answer in its frames. Nothing here sees a label, but for
`learnt_threshold`, which is fitted to training subjects.
"""

from mebench.core.options import (
    ANCHORS,
    INTERVALS,
    RULES,
    SMOOTHINGS,
    THRESHOLDS,
    Anchor,
    Interval,
    Rule,
    Smoothing,
    SpottingParams,
    Threshold,
)
from mebench.core.spotting import (
    Spotted,
    anchored,
    hits,
    interval,
    iou,
    learnt_threshold,
    overlap,
    peaks_of,
    place_randomly,
    score_curve,
    smooth,
    spot,
    suppress,
    threshold,
)

__all__ = [
    "ANCHORS",
    "INTERVALS",
    "RULES",
    "SMOOTHINGS",
    "THRESHOLDS",
    "Anchor",
    "Interval",
    "Rule",
    "Smoothing",
    "Spotted",
    "SpottingParams",
    "Threshold",
    "anchored",
    "hits",
    "interval",
    "iou",
    "learnt_threshold",
    "overlap",
    "peaks_of",
    "place_randomly",
    "score_curve",
    "smooth",
    "spot",
    "suppress",
    "threshold",
]
