"""Training samples of MEAN: frames with pseudo-labels, and the maps of annotated clips."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mebench.core import LabelledClip, LabelledVideo
from mebench.core.views import at_scale
from mebench.training import MappedSamples, sample_negatives, window_labels

from .chains import FRAMES


def frame_samples(
    videos: Sequence[LabelledVideo],
    scales: Sequence[float],
    kinds: Sequence[str],
    ratio: float,
    rng: np.random.Generator,
) -> MappedSamples:
    """Maps of frames with pseudo-labels (equations 5 and 6), at most `ratio` outside expressions for each one inside.

    Args:
        videos: those to learn from.
        scales: multiples of the gap k over which each frame is a sample.
        kinds: those with labels of their own, a column each; what shows another is outside.
        ratio: see `sample_negatives`.
        rng: likewise.
    """
    maps, labels = [], []
    for video in videos:
        for scale in scales:
            features = at_scale(video, scale).features(FRAMES)
            maps.append(features)
            labels.append(window_labels(len(features), video.expressions, video.timing.k_prime["micro"], kinds))
    y = np.concatenate(labels)
    kept = sample_negatives(y, ratio, rng)
    return MappedSamples(maps, kept, torch.from_numpy(y[kept]))


def negatives_per_positive(y: Tensor) -> float | None:
    """The ratio that sampling reached; None without a positive."""
    positive = int((y > 0).sum())
    return (len(y) - positive) / positive if positive else None


def at_tempo(clip: LabelledClip, tempo: float) -> LabelledClip:
    """The clip of a slower or faster expression: its apex after `tempo` times the frames, one at least."""
    return replace(clip, apex=clip.onset + max(1, round(tempo * (clip.apex - clip.onset))))


def voters(case: int, apex: int, k_prime: int, last: int) -> NDArray[np.int64]:
    """Frames of a spotted interval that vote on its emotion (section 3.4).

    Args:
        case: 1: [F_p - k', F_p - 1], 2: F_p, 3: [F_p - k', F_p + k' - 1].
        apex: F_p.
        k_prime: half the mean expression length in frames.
        last: the last frame with a map; the nearest frame replaces frames before or beyond the video.

    >>> voters(1, 10, 3, 99), voters(2, 10, 3, 99), voters(3, 10, 3, 99), voters(1, 2, 4, 99)
    (array([7, 8, 9]), array([10]), array([ 7,  8,  9, 10, 11, 12]), array([0, 1]))
    """
    first, end = {1: (apex - k_prime, apex), 2: (apex, apex + 1), 3: (apex - k_prime, apex + k_prime)}[case]
    return np.unique(np.clip(np.arange(first, end), 0, last))
