"""Scoring: pure functions from tables to the summary of a run. Parts are imported on use; for Lightning see `torch`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mebench.metrics.action_units import mean_unit_f1, unit_counts, unit_f1
    from mebench.metrics.bounds import impossibilities, uf1_upper_bound
    from mebench.metrics.calibration import expected_calibration_error, reliability
    from mebench.metrics.chance import spotting_chance
    from mebench.metrics.classification import confusion_matrix
    from mebench.metrics.conventions import CONVENTIONS, named
    from mebench.metrics.frame_level import frame_auc
    from mebench.metrics.matching import match
    from mebench.metrics.rules import Convention
    from mebench.metrics.spotting import SpottingCounts, precision_recall_f1
    from mebench.metrics.strs import acc_mesr
    from mebench.metrics.summary import summarize
    from mebench.metrics.sweep import f1_over_iou
    from mebench.metrics.tables import Tables
    from mebench.metrics.turns import find

_HOME = {
    "CONVENTIONS": "conventions",
    "Convention": "rules",
    "SpottingCounts": "spotting",
    "Tables": "tables",
    "acc_mesr": "strs",
    "confusion_matrix": "classification",
    "expected_calibration_error": "calibration",
    "f1_over_iou": "sweep",
    "find": "turns",
    "frame_auc": "frame_level",
    "impossibilities": "bounds",
    "match": "matching",
    "mean_unit_f1": "action_units",
    "named": "conventions",
    "precision_recall_f1": "spotting",
    "reliability": "calibration",
    "spotting_chance": "chance",
    "summarize": "summary",
    "uf1_upper_bound": "bounds",
    "unit_counts": "action_units",
    "unit_f1": "action_units",
}

__all__ = [
    "CONVENTIONS",
    "Convention",
    "SpottingCounts",
    "Tables",
    "acc_mesr",
    "confusion_matrix",
    "expected_calibration_error",
    "f1_over_iou",
    "find",
    "frame_auc",
    "impossibilities",
    "match",
    "mean_unit_f1",
    "named",
    "precision_recall_f1",
    "reliability",
    "spotting_chance",
    "summarize",
    "uf1_upper_bound",
    "unit_counts",
    "unit_f1",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
