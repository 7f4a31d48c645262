"""Feature difference contrast behind the contract: no training, a score for each frame, peaks above a threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mebench import spotting
from mebench.core import Chain, Method, Prediction, Timing, VideoView
from mebench.features import FaceCrop, Flow, Hoof, Lbp

from .difference import contrasted, flow_differences, half_window, texture_differences
from .params import Params as _Params

TEXTURE, TO_CENTRE, TO_END = "lbp_blocks", "hoof_half_window", "hoof_window"


class LbpChi2(Method):
    """How much faster the texture changes at a frame than around it (Moilanen et al. 2014; Li et al. 2017)."""

    Params = _Params
    tasks = frozenset({"spot"})
    transductive = "video"  # the threshold uses the test video's own mean and maximum
    params: _Params

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Histograms of the blocks of each frame; for HOOF, of the flow over half a window and over a whole one."""
        p = self.params
        crop = FaceCrop(align=p.align, track=p.track)
        if p.feature == "lbp":
            return {TEXTURE: Chain(TEXTURE, (crop, Lbp(p.rows, p.cols, p.neighbours, p.radius)))}
        k, histograms = self._k(timing), Hoof(p.rows, p.cols, p.bins)
        return {
            name: Chain(name, (crop, Flow(p.flow, k=gap, stride=p.stride), histograms))
            for name, gap in ((TO_CENTRE, k), (TO_END, 2 * k))
        }

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The contrasted difference C of each frame, (n_frames, 1); NaN for the first and the last 2k (k without contrast)."""
        p, k = self.params, self._k(video.timing)
        if p.feature == "lbp":
            differences = texture_differences(video.features(TEXTURE), k, p.largest)
        else:
            to_centre, to_end = video.features(TO_CENTRE), video.features(TO_END)
            differences = flow_differences(to_centre, to_end, k, p.largest, video.n_frames)
        return (contrasted(differences, k) if p.contrast else differences)[:, None]

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Peaks above T = C_mean + p (C_max - C_mean); in short videos the highest frame alone. No smoothing."""
        return [self._prediction(video, peak, scores[peak, 0]) for peak in self._peaks(video, scores[:, 0])]

    def _peaks(self, video: VideoView, scores: NDArray[np.float64]) -> list[int]:
        from scipy.signal import find_peaks

        defined = np.flatnonzero(~np.isnan(scores))
        if len(defined) == 0:
            return []
        first, inner = int(defined[0]), scores[defined[0] : defined[-1] + 1]
        if self.task.one_per_video:
            return [first + int(inner.argmax())]
        apart = max(1.0, self.params.distance * self._k(video.timing))
        peaks, _ = find_peaks(inner, height=spotting.threshold(inner, self.params.p), distance=apart)
        return [first + int(peak) for peak in peaks]

    def _prediction(self, video: VideoView, peak: int, score: float) -> Prediction:
        if self.params.interval == "k_prime":
            found = spotting.interval(peak, video.timing.k_prime["micro"], float(score))
        else:
            k = self._k(video.timing)
            found = spotting.Spotted(peak - k, peak, peak + k, float(score))
        return Prediction(video.key, "micro", *found)

    def _k(self, timing: Timing) -> int:
        return half_window(self.params.window, timing.fps)


Plugin = LbpChi2
