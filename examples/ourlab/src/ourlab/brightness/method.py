"""A score for each frame from how much brighter or darker a block is k frames later."""

import numpy as np

from mebench.core import Chain, Method
from mebench.features import FaceCrop
from ourlab.steps import BlockBrightness

from .params import Params as _Params

CHAIN = "ourlab_brightness"


class Brightness(Method):
    """Nothing is learnt."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")

    def chains(self, timing):
        """What is computed of each frame."""
        return {CHAIN: Chain(CHAIN, (FaceCrop(), BlockBrightness(self.params.blocks)))}

    def score_frames(self, video):
        """The largest change between frames i and i + k, (n_frames, n_kinds); NaN for the last k frames."""
        bright, k = np.asarray(video.features(CHAIN), dtype=np.float64), video.timing.k
        change = np.abs(bright[k:] - bright[:-k]).max(axis=(1, 2, 3))
        scores = np.full((video.n_frames, len(self.task.kinds)), np.nan)
        scores[: len(change)] = change[:, None]
        return scores


Plugin = Brightness
