"""Scoring: pure functions from tables to the summary of a run. Parts are imported on use; for Lightning see `torch`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mebench.metrics.chance import spotting_chance
    from mebench.metrics.classification import confusion_matrix, expected_calibration_error, reliability
    from mebench.metrics.conventions import CONVENTIONS, Convention, named
    from mebench.metrics.curves import frame_auc
    from mebench.metrics.emotions import acc_mesr
    from mebench.metrics.matching import find, match
    from mebench.metrics.spotting import SpottingCounts, precision_recall_f1
    from mebench.metrics.summary import summarize
    from mebench.metrics.tables import Tables

_HOME = {
    "CONVENTIONS": "conventions",
    "Convention": "conventions",
    "SpottingCounts": "spotting",
    "Tables": "tables",
    "acc_mesr": "emotions",
    "confusion_matrix": "classification",
    "expected_calibration_error": "classification",
    "find": "matching",
    "frame_auc": "curves",
    "match": "matching",
    "named": "conventions",
    "precision_recall_f1": "spotting",
    "reliability": "classification",
    "spotting_chance": "chance",
    "summarize": "summary",
}

__all__ = [
    "CONVENTIONS",
    "Convention",
    "SpottingCounts",
    "Tables",
    "acc_mesr",
    "confusion_matrix",
    "expected_calibration_error",
    "find",
    "frame_auc",
    "match",
    "named",
    "precision_recall_f1",
    "reliability",
    "spotting_chance",
    "summarize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
