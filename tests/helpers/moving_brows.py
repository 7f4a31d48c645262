"""A video in which the brows move, and nothing else does."""

import numpy as np

from mebench.core import Expression, LabelledVideo, SubjectKey, Timing
from mebench.features import maps

TIMING = Timing(30.0, 3, {"micro": 6})


def video(seed, onset, n=120):
    """The brows move up for five frames and down for five: a micro-expression from `onset` to ten frames later."""
    x = np.random.default_rng(seed).normal(0, 0.02, (n - 1, 12, 1, 2)).astype(np.float16)
    x[onset : onset + 5, :6, 0, 1] -= 0.5
    x[onset + 5 : onset + 10, :6, 0, 1] += 0.5
    e = Expression(onset, onset + 10, apex=onset + 5)
    return LabelledVideo(
        "d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, {maps.MOTION: x}.__getitem__, None, (e,), (None,)
    )
