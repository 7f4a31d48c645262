"""A clip as maps in time, for networks that read sequences: its flow, or its crops."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from mebench.errors import DataError
from mebench.features.base import FeatureMap, Image, VolumeStep, resize_map
from mebench.features.flow import Flow, FlowVolume, Strain

Start = Literal["onset", "neighbour"]
FLOW_CHANNELS = 3
"""Channels of a map of flow: u, v and strain."""


@dataclass(frozen=True)
class FlowSequence(FlowVolume):
    """The flow of a clip in time, (length, size, size, 3): u, v and strain, in pixels of the crop.

    A network gets it as (length, 3, size, size). No step can follow.

    Attributes:
        length: number of maps, at equal distances in the clip.
        size: width and height of a map; the crop's maps are shrunk to means, and their values keep their unit.
        start: `onset`: each map is the flow from the onset to a later frame, so that it grows towards the apex; `neighbour`: from
            one of the chosen frames to the next.
    """

    output_unit: ClassVar[str] = "pixels; strain has none"
    least: ClassVar[Mapping[str, int]] = {"length": 1, "size": 1}

    length: int = 8
    size: int = 28
    start: Start = "onset"

    def apply(self, crops: Image) -> FeatureMap:
        """Flow of (n, H, W) gray crops, onset to offset."""
        frames = chosen_frames(len(crops), self.length + 1)
        starts = frames[:-1] if self.start == "neighbour" else [0] * self.length
        flow = Flow(self.flow)
        maps = [Strain().apply(flow.between(crops, start, end), None) for start, end in zip(starts, frames[1:])]
        return np.stack([resize_map(x, self.size, self.size, smooth=True) for x in maps])


@dataclass(frozen=True)
class CropSequence(VolumeStep):
    """The crops of a clip in time, (length, size, size, channels), values 0 to 255.

    A network gets it as (length, channels, size, size): one channel, or red, green and blue. No step can follow.

    Attributes:
        length: number of crops, at equal distances in the clip.
        size: width and height, to which the crops are shrunk by means.
        color: whether the crops are in colour, as `FaceCrop(color=True)` cuts them.
    """

    output_unit: ClassVar[str] = "gray levels, 0 to 255"
    least: ClassVar[Mapping[str, int]] = {"length": 1, "size": 1}

    length: int = 8
    size: int = 28
    color: bool = False

    @property
    def reads_color(self) -> bool:
        """As `color` says."""
        return self.color

    def apply(self, crops: Image) -> FeatureMap:
        """Crops of a clip as maps in time.

        Args:
            crops: (n, H, W) in gray, or (n, H, W, 3) as B, G, R.
        """
        chosen = [crops[frame] for frame in chosen_frames(len(crops), self.length)]
        maps = [crop[..., ::-1] if self.color else crop[..., None] for crop in chosen]
        return np.stack([resize_map(x, self.size, self.size, smooth=True) for x in maps])


def chosen_frames(n: int, length: int) -> list[int]:
    """Positions of `length` of n frames, from the first to the last at equal distances; a short clip repeats some.

    Raises:
        DataError: there is no frame.

    >>> chosen_frames(9, 5), chosen_frames(2, 4), chosen_frames(7, 1)
    ([0, 2, 4, 6, 8], [0, 0, 1, 1], [0])
    """
    if n == 0:
        raise DataError("a sequence needs at least one frame, but the clip has none: check its onset and offset")
    steps = max(length - 1, 1)
    # Halves are rounded down in whole numbers, the same on every processor.
    return [(2 * i * (n - 1) + steps - 1) // (2 * steps) for i in range(length)]
