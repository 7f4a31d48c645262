"""Scoring: pure functions from tables to the summary of a run. Parts are imported on use, torchmetrics among them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mebench.metrics.chance import spotting_chance
    from mebench.metrics.classification import confusion_matrix
    from mebench.metrics.conventions import CONVENTIONS, Convention
    from mebench.metrics.matching import match
    from mebench.metrics.summary import summarize
    from mebench.metrics.tables import Tables
    from mebench.metrics.wrapper import as_torchmetric

_HOME = {
    "CONVENTIONS": "conventions",
    "Convention": "conventions",
    "Tables": "tables",
    "as_torchmetric": "wrapper",
    "confusion_matrix": "classification",
    "match": "matching",
    "spotting_chance": "chance",
    "summarize": "summary",
}

__all__ = [
    "CONVENTIONS",
    "Convention",
    "Tables",
    "as_torchmetric",
    "confusion_matrix",
    "match",
    "spotting_chance",
    "summarize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
