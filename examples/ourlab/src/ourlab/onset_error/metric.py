"""Median onset error: a metric of spotted intervals."""

import numpy as np
from numpy.typing import NDArray

from mebench.metrics.metric import Metric, Pairs


def onset_error_ms(pairs: Pairs) -> NDArray[np.float64]:
    """Distance of the spotted from the true onset of each true positive, in milliseconds; NaN where the frame rate is unknown."""
    return abs(pairs.late("onset")) * pairs.ms


METRIC = Metric(
    "ourlab_onset_error",
    "median onset error, ms",
    "median distance of spotted from true onsets",
    formula="median over true positives of |spotted onset - true onset| / frames per second x 1000",
    direction="lower",
    scale="positive",
    unit="milliseconds",
    kind="order",  # a median: its interval comes from the bootstrap over people
    of_pairs=onset_error_ms,
)
