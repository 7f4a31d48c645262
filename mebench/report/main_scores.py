"""The few scores by which a run is told from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mebench.metrics.catalogue import METRICS

Score = Mapping[str, float | None]


def main_scores(summary: Mapping[str, Any]) -> dict[str, Score]:
    """Name and `value`, `low`, `high` of the main scores of each task: F1 of each kind, STRS, F1 of an action unit, UF1
    and UAR.

    >>> undefined = {"value": None, "low": None, "high": None}
    >>> list(main_scores({"recognition": {"n": 1, "scores": {"uf1": undefined, "uar": undefined, "wf1": undefined}}}))
    ['UF1', 'UAR']
    """
    found: dict[str, Score] = {}
    for kind, part in summary.get("spotting", {}).items():
        found[f"{METRICS['f1'].label} {kind}"] = part["scores"]["f1"]
    if analysis := summary.get("analysis"):
        found[METRICS["strs"].label] = analysis["strs"]
    if recognition := summary.get("recognition"):
        scores = recognition["scores"]
        found |= {METRICS[name].label: scores[name] for name in ("unit_f1", "uf1", "uar") if name in scores}
    return found
