"""Frame scores -> smoothing -> threshold -> peaks -> intervals, on plain arrays.

All functions take the scores of one video and one kind and answer in its frames. Nothing here sees a label, but for
`learnt_threshold`, which is fitted to training subjects.
"""

from mebench.spotting.absolute import learnt_threshold
from mebench.spotting.chance import place_randomly
from mebench.spotting.intervals import Spotted, hits, interval, iou, overlap, score_curve, suppress
from mebench.spotting.params import SpottingParams
from mebench.spotting.peaks import peaks_of, threshold
from mebench.spotting.pipeline import spot
from mebench.spotting.smoothing import smooth
from mebench.spotting.words import INTERVALS, RULES, SMOOTHINGS, THRESHOLDS, Interval, Rule, Smoothing, Threshold

__all__ = [
    "INTERVALS",
    "RULES",
    "SMOOTHINGS",
    "THRESHOLDS",
    "Interval",
    "Rule",
    "Smoothing",
    "Spotted",
    "SpottingParams",
    "Threshold",
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
