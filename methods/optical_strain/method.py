"""Optical strain as a spotter: no training, only a score for each frame and what follows from its curve."""

import numpy as np
from numpy.typing import NDArray

from mebench import spotting
from mebench.core import Chain, Method, Prediction, Timing, VideoView
from mebench.core.views import at_scale, chains_at_scales, gap_at, mean_over_scales
from mebench.features import BlockMeans, EyesAndMouth, Flow, MaskEyes, Strain

from .curves import divide_and_conquer, relative_strain, strained_intervals
from .params import Params as _Params

CHAIN = "strain_of_regions"


class OpticalStrain(Method):
    """The strain magnitude between frames i and i + k over regions of the face, the eyes themselves left out."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")
    transductive = "video"  # thresholds and halves come from the test video's own curve
    params: _Params

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """Strain magnitude averaged over regions, the last of three channels.

        (4, 2, 3) for `shreve`: forehead, cheeks with eyes, mouth and chin, left and right. (2, 1, 3) for the others: eyes with
        brows, and mouth.
        """
        p = self.params
        eyes = () if p.regions == "box" else (MaskEyes(p.eye_margin),)
        regions = (BlockMeans(4, 2),) if p.variant == "shreve" else (EyesAndMouth(p.regions), BlockMeans(2, 1))

        def maps(scale: float) -> dict[str, Chain]:
            flow = Flow(p.flow, k=gap_at(timing.k, scale), stride=p.stride)
            return {CHAIN: Chain(CHAIN, (p.face(), flow, Strain(p.difference), *eyes, *regions))}

        return chains_at_scales(maps, p.scales)

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """Strain of each frame, (n_frames, n_kinds); NaN at both ends where undefined.

        `shreve`: smoothed, 0 at the video's mean and 1 at its maximum; a macro-expression strains the whole face, so
        its score covers all regions together; a micro-expression is local, so its score is that of the region nearest
        to its own maximum. Otherwise the mean strain of the regions, the same for every kind. The strain between the
        frames i and i + k is the score of frame i (`peaks`), of the middle (`shreve`) or of frame i + k (`liong2016`).
        """
        k = video.timing.k
        return mean_over_scales(
            [self._scores(at_scale(video, scale), gap_at(k, scale)) for scale in self.params.scales]
        )

    def _scores(self, video: VideoView, gap: int) -> NDArray[np.float64]:
        """Of flow over `gap` frames; smoothing is over k frames to both sides at every gap."""
        k, scores = video.timing.k, np.full((video.n_frames, len(self.task.kinds)), np.nan)
        strain = video.features(CHAIN)[..., 2].astype(np.float64)
        strain = strain.reshape(len(strain), int(np.prod(strain.shape[1:])))
        if self.params.variant == "shreve":
            local = relative_strain(strain, k).max(axis=1)
            whole = relative_strain(strain.mean(axis=1, keepdims=True), k)[:, 0]
            columns, first = [local if kind == "micro" else whole for kind in self.task.kinds], gap // 2 + k
        else:
            columns = [strain.mean(axis=1)] * len(self.task.kinds)
            first = gap if self.params.variant == "liong2016" else 0
        for column, values in enumerate(columns):
            scores[first : first + len(values), column] = values
        return scores

    def propose(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Spotted intervals by the rule of the variant; in videos of one expression one for each kind."""
        rules = {"shreve": self._strained, "liong2016": self._single_apex}
        rule = rules.get(self.params.variant)
        return rule(video, scores) if rule else super().propose(video, scores)

    def _strained(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """Stretches of high strain: short ones are micro-expressions, long ones macro-expressions.

        Between the rise and the fall of an expression, its strain may be low for k' / 2 frames, a quarter of its mean length.
        """
        limit = int(self.params.micro_seconds * video.timing.fps)
        lengths = {"micro": range(1, limit + 1), "macro": range(limit + 1, video.n_frames + 1)}
        found = []
        for column, kind in enumerate(self.task.kinds):
            kept, bridge = None if self.task.one_per_video else lengths[kind], video.timing.k_prime[kind] // 2
            intervals = strained_intervals(scores[:, column], self.params.p, bridge, kept)
            found += [Prediction(video.key, kind, *interval) for interval in intervals]
        return found

    def _single_apex(self, video: VideoView, scores: NDArray[np.float64]) -> list[Prediction]:
        """One apex per video, and the fixed interval [F_p - k', F_p + k' - 1] around it."""
        found = []
        for column, kind in enumerate(self.task.kinds):
            apex = divide_and_conquer(scores[:, column])
            if apex is not None:
                strain = float(scores[apex, column])
                found.append(Prediction(video.key, kind, *spotting.interval(apex, video.timing.k_prime[kind], strain)))
        return found


Plugin = OpticalStrain
