"""Optical strain as a spotter: no training, only a score for each frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, Method, Timing, VideoView
from mebench.features import BlockMeans, EyesAndMouth, FaceCrop, Flow, MaskEyes, Strain

from .params import Params as _Params

CHAIN = "strain_of_regions"


class OpticalStrain(Method):
    """The mean strain magnitude between frames i and i + k over brows, eyes and mouth, the eyes themselves left out."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Strain magnitude, averaged over eyes and brows and over the mouth: (2, 1, 3), the last channel being strain."""
        p = self.params
        eyes = () if p.regions == "box" else (MaskEyes(p.eye_margin),)
        steps = (
            FaceCrop(),
            Flow(p.flow, k=timing.k, stride=p.stride),
            Strain(p.difference),
            *eyes,
            EyesAndMouth(p.regions),
            BlockMeans(2, 1),
        )
        return {CHAIN: Chain(CHAIN, steps)}

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Mean strain for each frame, the same for every kind: strain does not tell micro from macro. NaN for the last k."""
        strain = video.features(CHAIN)[..., 2].mean(axis=(1, 2), dtype=np.float64)
        scores = np.full((video.n_frames, len(self.task.kinds)), np.nan)
        scores[: len(strain)] = strain[:, None]
        return scores


Plugin = OpticalStrain
