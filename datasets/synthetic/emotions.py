"""Emotions, their action units, and the objective classes."""

from collections.abc import Mapping

import numpy as np

from mebench.core import Scheme

RECRUITED: Mapping[str, Mapping[int, float]] = {
    "happiness": {12: 1.0, 6: 0.6},
    "surprise": {1: 0.9, 2: 0.9, 5: 0.4, 25: 0.3, 26: 0.2},
    "disgust": {4: 0.6, 9: 0.6, 10: 0.7, 7: 0.4, 17: 0.2},
    "repression": {15: 0.5, 17: 0.6, 14: 0.5, 24: 0.3},
    "sadness": {1: 0.8, 4: 0.6, 15: 0.7},
}
"""Probability that an emotion recruits an action unit, in the manner of the expert table of MiE-X (Liu et al. 2022,
arXiv 2112.01730). The overlaps (1, 4, 15, 17) are what makes recognition imperfect."""

EMOTIONS = tuple(RECRUITED)

ONE_SIDED = frozenset({2, 5, 6, 7, 9, 10, 12, 14, 15})
"""Action units that can appear on one half of the face; the others move the midline or the jaw."""

SCHEMES: Mapping[str, Scheme] = {
    "native": Scheme.native(EMOTIONS),
    "megc2019": Scheme(
        "megc2019",
        ("negative", "positive", "surprise"),
        {
            "disgust": "negative",
            "repression": "negative",
            "sadness": "negative",
            "happiness": "positive",
            "surprise": "surprise",
        },
    ),
}
"""The three classes are those of See et al., MEGC 2019 (doi 10.1109/FG.2019.8756611)."""


def recruit(emotion: str, random: np.random.RandomState) -> tuple[int, ...]:
    """Draw the action units of one expression, ascending, at least one."""
    chances = RECRUITED[emotion]
    chosen = sorted(unit for unit, chance in chances.items() if random.rand() < chance)
    return tuple(chosen) or (max(chances, key=lambda unit: chances[unit]),)
