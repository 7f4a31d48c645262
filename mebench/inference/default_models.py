"""The included models that are taken where none is named."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mebench.errors import RunError
from mebench.inference.alarm_rates import real_rate_on_card, recovered_by_scores
from mebench.inference.models import included_models

MOST_ALARMS = 5.0
"""Alarms a minute in films of real people above which a model spots only if it is named."""
DRAWN_F1 = "spotting.micro.f1"
"""The score of a card by which models are compared if no card tells what they find in films of real people."""
NAMING_UF1 = "recognition.uf1"
"""The score of a card by which models that name emotions are compared."""


def default_spotter_file() -> Path:
    """The file of the model that spots by default.

    Among the included models with at most `MOST_ALARMS` alarms a minute in films of real people it is the one that found the largest share
    of strong injections there: alarms and finds are judged together, by their cards. If no card tells both, it is the one with the best F1
    of micro-expressions on drawn people.

    Raises:
        RunError: none is included.
    """
    measured = {}
    for file, header in included_models().items():
        found, alarms = recovered_share(header.scores), real_rate_on_card(header.scores, "micro")
        if found is not None and alarms is not None and alarms.per_minute <= MOST_ALARMS:
            measured[file] = found
    if measured:
        return max(measured, key=lambda file: measured[file])
    return _best_included(DRAWN_F1, "--model, or a finished run with --run")


def default_naming_file() -> Path:
    """The file of the model that names emotions where the spotting one does not.

    It is the included one with the best UF1 on its card.

    Raises:
        RunError: none is included.
    """
    return _best_included(NAMING_UF1, "--model that recognizes, or leave --emotions out")


def recovered_share(scores: Mapping[str, float | None]) -> float | None:
    """The share of strong injections into films of real people that a model found. None if its card does not tell."""
    counts = recovered_by_scores(scores).values()
    if not counts:
        return None
    return sum(found for found, _ in counts) / sum(of for _, of in counts)


def _best_included(score: str, otherwise: str) -> Path:
    """The file of the included model with the best score on its card.

    Raises:
        RunError: none has this score.
    """
    scores = {file: header.scores.get(score) for file, header in included_models().items()}
    known = {file: value for file, value in scores.items() if value is not None}
    if not known:
        raise RunError(f"this mebench includes no model with {score} on its card: name one with {otherwise}")
    return max(known, key=lambda file: known[file])
