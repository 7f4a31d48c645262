"""A spotter for `toy_places`: answers that a key draws, so that some keys are lucky."""

import numpy as np
from numpy.typing import NDArray

from mebench.core import Method, Prediction, VideoView

from .params import Params as _Params


class TrapNoise(Method):
    """Learns nothing, so that no key is better than another on new people."""

    Params = _Params
    params: _Params
    tasks = frozenset({"spot"})

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Zeros."""
        return np.zeros((video.n_frames, 1))

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """One interval at random."""
        generator = np.random.default_rng([self.params.key, *divmod(video.n_frames - 100, 10)])
        onset = int(generator.integers(0, 90, 1)[0])
        return [Prediction(video.key, "micro", onset, onset, onset + 9, 1.0)]


Plugin = TrapNoise
