"""The apex of a clip without a marked one."""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mebench.core import ClipView
from mebench.features import VolumeStep

C = TypeVar("C", bound=ClipView)
BLOCK = 64
"""Frames compared at a time."""


@dataclass(frozen=True)
class LargestDifference(VolumeStep):
    """Which crop of a clip differs most from its first, (1, 1, 1): the apex that MEAN takes for SMIC (section 4.3).

    The difference of two crops is the mean absolute difference of their gray values; of equal ones the first counts. Stored in
    half precision, places up to 2,048 are exact. A clip of one crop gives 0.
    """

    def apply(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Find the place in (n, H, W) gray crops."""
        onset = crops[0].astype(np.int16)
        parts = (crops[start : start + BLOCK] for start in range(0, len(crops), BLOCK))
        differences = np.concatenate([np.abs(part - onset).mean(axis=(1, 2)) for part in parts])
        return np.full((1, 1, 1), differences.argmax(), np.float32)


def most_different(clip: C, chain: str) -> C:
    """The clip with the apex that a chain ending in `LargestDifference` finds."""
    return replace(clip, apex=clip.onset + int(clip.feature(chain)[0, 0, 0]))


def largest_sum(clip: C, chain: str) -> C:
    """The clip with its apex at the frame before the offset whose normalised map has the largest sum (released code).

    Args:
        clip: an annotated one.
        chain: name of the frames' maps. A clip shorter than their gap keeps its apex.
    """
    maps = clip.video.features(chain)[clip.onset : max(clip.offset, clip.onset + 1)]
    if len(maps) == 0:
        return clip
    sums = np.asarray(maps, np.float64).sum(axis=(1, 2, 3))
    return replace(clip, apex=clip.onset + int(sums.argmax()))
