"""What a comparison could have seen."""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student


def detectable_difference(error: float, degrees: int, level: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest true difference that a two-sided test of this level finds with this probability.

    (t_{1 - level / 2} + t_{power}) x standard error, the usual approximation (Bloom 1995, Minimum Detectable Effects);
    with many subjects 2.80 standard errors. It says what these subjects can show, whatever was found: a difference
    below it may exist and stay unseen.

    Args:
        error: standard error of the difference over subjects, paired.
        degrees: of freedom, subjects minus strata.
        level: of the test.
        power: wanted probability to find the difference.

    Returns:
        In the units of the score; None without a degree of freedom, or where nobody differs, which shows no spread.

    >>> round(detectable_difference(1.0, 10_000), 2), round(detectable_difference(1.0, 9), 2)
    (2.8, 3.15)
    """
    if not degrees or np.isnan(error) or error < 1e-12:
        return None
    return float((student.ppf(1 - level / 2, degrees) + student.ppf(power, degrees)) * error)
