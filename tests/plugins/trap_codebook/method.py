"""A spotter for `toy_places`: the right answers for one person, whom a parameter names."""

import numpy as np
from numpy.typing import NDArray

from mebench.core import Method, Prediction, VideoView

from .params import Params as _Params


class TrapCodebook(Method):
    """Answers rightly for one person, and wrongly for all others."""

    Params = _Params
    params: _Params
    tasks = frozenset({"spot"})

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Zeros."""
        return np.zeros((video.n_frames, 1))

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """The annotated interval of the person, or the first frames."""
        s, v = divmod(video.n_frames - 100, 10)
        onset = 10 + (37 * s + 23 * v) % 60 if int(self.params.subject) == s else 0
        return [Prediction(video.key, "micro", onset, onset, onset + 9, 1.0)]


Plugin = TrapCodebook
