"""Scoring: pure functions from tables to the summary of a run. Parts are imported on use, torchmetrics among them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mebench.metrics.action_units import mean_unit_f1, unit_counts, unit_f1
    from mebench.metrics.bounds import impossibilities, uf1_upper_bound
    from mebench.metrics.chance import spotting_chance
    from mebench.metrics.classification import confusion_matrix, expected_calibration_error, reliability
    from mebench.metrics.conventions import CONVENTIONS, Convention, named
    from mebench.metrics.curves import f1_over_iou, frame_auc
    from mebench.metrics.emotions import acc_mesr
    from mebench.metrics.matching import find, match
    from mebench.metrics.spotting import SpottingCounts, precision_recall_f1
    from mebench.metrics.summary import summarize
    from mebench.metrics.tables import Tables
    from mebench.metrics.wrapper import as_torchmetric

_HOME = {
    "CONVENTIONS": "conventions",
    "Convention": "conventions",
    "SpottingCounts": "spotting",
    "Tables": "tables",
    "acc_mesr": "emotions",
    "as_torchmetric": "wrapper",
    "confusion_matrix": "classification",
    "expected_calibration_error": "classification",
    "f1_over_iou": "curves",
    "find": "matching",
    "frame_auc": "curves",
    "impossibilities": "bounds",
    "match": "matching",
    "mean_unit_f1": "action_units",
    "named": "conventions",
    "precision_recall_f1": "spotting",
    "reliability": "classification",
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
    "as_torchmetric",
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
