"""The apex in the frequency domain behind the contract: no training, an amount of fast change for each frame."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, Method, Timing, VideoView

from .params import Params as _Params
from .steps import FastChanges

CHAIN = "fast_changes"


class ApexFrequency(Method):
    """How much of the texture around a frame changes fast, in space and time."""

    Params = _Params
    tasks = frozenset({"spot"})
    transductive = "video"  # an amount is relative to the mean of the whole video
    params: _Params

    @classmethod
    def looks_at_test_video(cls, tasks: frozenset[str], params: Any = None) -> str:
        """The unlabelled test data that every setting uses: amounts are relative to the mean of the video."""
        return cls.transductive

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """One number for each frame, from the crops of the whole video."""
        p = self.params
        changes = FastChanges(p.half_window(timing.fps), p.rows, p.cols, p.variant)
        return {CHAIN: Chain(CHAIN, (p.face(), changes), scope="clips")}

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The amount of fast change of each frame, (n_frames, n_kinds); NaN in the last frame of the program."""
        last = video.n_frames - 1
        amounts = video.clip_feature(CHAIN, 0, 0, last).reshape(-1).astype(np.float64)
        if self.params.variant == "released_code":
            amounts[last:] = np.nan
        return np.repeat(amounts[:, None], len(self.task.kinds), axis=1)


Plugin = ApexFrequency
