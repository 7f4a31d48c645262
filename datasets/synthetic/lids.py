"""The lids of the drawn eye: layers above the eyeball, moved by action units and blinks."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mebench.features.action_units import UNITS

LIDS: Mapping[int, tuple[float, float]] = {5: (-0.45, 0.0), 6: (0.0, -0.22), 7: (0.15, -0.35)}
"""How far the edges of the upper and the lower lid go down at full strength, in openings of the eye."""


def lids(strengths: NDArray[np.float64], blink: float) -> NDArray[np.float64]:
    """Places of the lids, (2 eyes, 2 lids), in openings below the edge of the resting upper lid: (0, 1) at rest."""
    upper, lower = np.zeros(2), np.ones(2)
    for unit, (of_upper, of_lower) in LIDS.items():
        upper += of_upper * strengths[UNITS.index(unit)]
        lower += of_lower * strengths[UNITS.index(unit)]
    lower = np.maximum(lower, 0.5)
    return np.stack([upper + (1.05 * lower - upper) * blink, lower], axis=1)
