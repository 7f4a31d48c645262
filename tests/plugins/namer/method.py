"""A recognizer that knows the emotion of each clip of `toy_places`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, ClipView, Method, Timing

from .params import Params as _Params


class Namer(Method):
    """Answers rightly where `c` is 1, else with the first class."""

    Params = _Params
    params: _Params
    tasks = frozenset({"recognize"})

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """It reads nothing."""
        assert self.params.c >= 0
        return {}

    def classify(self, clips: Sequence[ClipView]) -> NDArray[np.float64]:
        """The number of frames tells person and video, and these the emotion."""
        answers = [0 for _ in clips]
        if self.params.c == 1:
            places = [divmod(clip.video.n_frames - 100, 10) for clip in clips]
            answers = [(s * v) % 2 for s, v in places]
        return np.eye(2)[answers]


Plugin = Namer
