"""What went wrong in spotting, in a line for each kind, below the scores of a run."""

from __future__ import annotations

from collections.abc import Mapping

TITLES = {"false_positive": "false positives", "miss": "misses"}


def mistakes_lines(mistakes: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """The mistakes of a run's summary, those that did not happen left out.

    >>> mistakes_lines({"micro": {"false_positive": {"background": 3, "duplicate": 0}, "miss": {"kind_confusion": 0.5}}})
    ['mistakes, micro: false positives 3 background; misses 0.5 kind confusion']
    """
    return [
        f"mistakes, {kind}: " + "; ".join(f"{TITLES[mistake]} {_listed(causes)}" for mistake, causes in parts.items())
        for kind, parts in mistakes.items()
    ]


def _listed(causes: Mapping[str, float]) -> str:
    return ", ".join(f"{round(n, 2):g} {cause.replace('_', ' ')}" for cause, n in causes.items() if n) or "none"
