"""Feature difference contrast behind the contract: no training, a score for each frame, peaks above a threshold."""

from functools import partial
from operator import setitem

import numpy as np
from numpy.typing import NDArray

from mebench import spotting
from mebench.core import Chain, Kind, Method, Timing, VideoView
from mebench.core.views import at_scale, chains_at_scales, gap_at, mean_over_scales
from mebench.features import Flow, Hoof, Lbp

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
        crop = p.face()
        if p.feature == "lbp":
            return {TEXTURE: Chain(TEXTURE, (crop, Lbp(p.rows, p.cols, p.neighbours, p.radius)))}
        k, histograms = self._k(timing), Hoof(p.rows, p.cols, p.bins)

        def gaps(scale: float) -> dict[str, Chain]:
            half = gap_at(k, scale)
            return {
                name: Chain(name, (crop, Flow(p.flow, k=gap, stride=p.stride), histograms))
                for name, gap in ((TO_CENTRE, half), (TO_END, 2 * half))
            }

        return chains_at_scales(gaps, p.scales)

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The contrasted difference C of each frame, (n_frames, 1); NaN for the first and the last 2k (k without
        contrast).
        """
        return mean_over_scales([self._contrasts(video, scale)[:, None] for scale in self.params.scales])

    def _contrasts(self, video: VideoView, scale: float) -> NDArray[np.float64]:
        p, k = self.params, gap_at(self._k(video.timing), scale)
        if p.feature == "lbp":
            differences = texture_differences(video.features(TEXTURE), k, p.largest)
        else:
            own = at_scale(video, scale)
            to_centre, to_end = own.features(TO_CENTRE), own.features(TO_END)
            differences = flow_differences(to_centre, to_end, k, p.largest, video.n_frames)
        return contrasted(differences, k) if p.contrast else differences

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[spotting.Spotted]:
        """Peaks above T = C_mean + p (C_max - C_mean); in short videos only the highest frame."""
        k, window = self._k(timing), self.params.width == "window"
        return spotting.spot(
            scores,
            k if window else timing.k_prime[kind],
            rule="released_code" if window else "paper",  # [F_p - k, F_p + k], or MEAN's [F_p - k', F_p + k' - 1]
            highest_only=self.task.one_per_video,
            options=self.params,
            level=level,
            distance=self.params.distance * k,
            keep=partial(setitem, self.curves, kind),
        )

    def _k(self, timing: Timing) -> int:
        return half_window(self.params.window, timing.fps)


Plugin = LbpChi2
