"""The parts of a summary that hold scores: kinds of spotting, parts of analysis, members of recognition."""

from collections.abc import Iterator, Mapping
from typing import Any

from mebench.metrics.catalogue import JOINT


def scored_parts(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Task, name and content of each part; the name of recognition as a whole is empty.

    Scores over both sections, such as `strs`, precede the scores of the true positives.

    >>> summary = {"spotting": {"micro": {"tp": 3}}, "recognition": {"n": 5, "members": {"samm": {"n": 2}}}}
    >>> [(task, name) for task, name, _ in scored_parts(summary)]
    [('spotting', 'micro'), ('recognition', ''), ('recognition', 'samm')]
    """
    for kind, part in summary.get("spotting", {}).items():
        yield "spotting", kind, part
    analysis = summary.get("analysis", {})
    if part := analysis.get("true_positives"):
        joint = {name: score for name, score in analysis.items() if name in JOINT}
        yield "analysis", "true positives", {**part, "scores": {**joint, **part["scores"]}}
    if part := analysis.get("all_intervals"):
        yield "analysis", "all intervals", part
    if recognition := summary.get("recognition"):
        yield "recognition", "", recognition
        for member, part in recognition.get("members", {}).items():
            yield "recognition", member, part
