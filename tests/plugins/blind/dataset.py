"""Drawn faces, but of one subject frames of one dark shade, in which no face is found."""

from typing import Any

import numpy as np
from mebench.datasets.synthetic.dataset import Synthetic
from numpy.typing import NDArray

from mebench.core import Video
from mebench.core.dataset import Frames

from .params import Params as _Params


class DarkFrames:
    """As many frames as there were, of one shade."""

    def __init__(self, frames: Frames, shade: int) -> None:
        self.frames = frames
        self.shade = shade

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.frames)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """A frame without a face."""
        return np.full_like(self.frames[index], self.shade)

    def fingerprint(self) -> str:
        """Another one for each shade."""
        return f"black, shade {self.shade}"


class Blind(Synthetic):
    """`synthetic`, with a subject whose frames are dark."""

    Params = _Params
    params: _Params

    def frames(self, video: Video) -> Any:
        """The drawn frames, dark for the subject without a face."""
        frames = super().frames(video)
        if self.params.blind not in ("all", video.subject):
            return frames
        return DarkFrames(frames, int(video.subject[1:]))


Plugin = Blind
