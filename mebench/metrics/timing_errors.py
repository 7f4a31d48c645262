"""How far spotted apexes, onsets and offsets lie from the true ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mebench.metrics.matching import Indices
from mebench.metrics.ratios import Floats


def timing_errors(
    truths: pd.DataFrame, predictions: pd.DataFrame, prediction: Indices, truth: Indices
) -> Mapping[str, Floats]:
    """Errors of pairs of a spotted interval and the truth that it found.

    Args:
        truths: columns `onset`, `apex` (may be missing), `offset`, in frames.
        predictions: the same and `fps`.
        prediction: (n_pairs,) rows of predictions.
        truth: (n_pairs,) rows of truths.

    Returns:
        (n_pairs,) each: `apex_mae_frames` and `apex_mae_ms`, distances of apexes, 0 or more, NaN where one is not
        marked; `onset_bias_ms` and `offset_bias_ms`, signed, positive where the spotted interval begins or ends late.
        What is in milliseconds is NaN where the frame rate is unknown.

    >>> truths = pd.DataFrame({"onset": [10], "apex": [14], "offset": [20]})
    >>> spotted = pd.DataFrame({"onset": [12], "apex": [13], "offset": [19], "fps": [100.0]})
    >>> {name: v.tolist() for name, v in timing_errors(truths, spotted, np.array([0]), np.array([0])).items()}
    {'apex_mae_frames': [1.0], 'apex_mae_ms': [10.0], 'onset_bias_ms': [20.0], 'offset_bias_ms': [-10.0]}
    """
    late = {
        column: predictions[column].to_numpy(np.float64)[prediction] - truths[column].to_numpy(np.float64)[truth]
        for column in ("onset", "apex", "offset")
    }
    ms = 1000 / predictions["fps"].to_numpy(np.float64)[prediction]
    apex = np.abs(late["apex"])
    return {
        "apex_mae_frames": apex,
        "apex_mae_ms": apex * ms,
        "onset_bias_ms": late["onset"] * ms,
        "offset_bias_ms": late["offset"] * ms,
    }
