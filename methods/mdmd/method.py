"""Main directional maximal difference behind the contract: no training, a score for each frame, stretches above a
threshold.
"""

import numpy as np
from numpy.typing import NDArray

from mebench.core import KINDS, Chain, Kind, Method, Timing, VideoView
from mebench.features import Flow, MainDirectionDifference
from mebench.spotting import Spotted, high_intervals, threshold

from .params import Params as _Params


class MDMD(Method):
    """How much more the face differs from k frames before than from k frames later, relative to the neighbouring
    frames.
    """

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = KINDS
    transductive = "video"  # the threshold uses the test video's own mean and maximum
    params: _Params

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """One number for each frame i: of the flow from i to i + k and to i + 2k, each kind with its own k."""
        p, found = self.params, {}
        for kind in self.task.kinds:
            k = p.k(kind, timing.fps)
            flow = Flow(p.flow, k=k, stride=p.stride, second=2 * k)
            steps = (p.face(), flow, MainDirectionDifference(p.rows, p.cols, p.directions))
            found[_chain(kind)] = Chain(_chain(kind), steps)
        return found

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The contrast of each frame and kind, (n_frames, n_kinds); NaN for the first and last 2k - 1."""
        scores = np.full((video.n_frames, len(self.task.kinds)), np.nan)
        for column, kind in enumerate(self.task.kinds):
            k, differences = self.params.k(kind, video.timing.fps), video.features(_chain(kind))
            contrasts = contrast(differences.reshape(-1).astype(np.float64), k - 1)
            scores[2 * k - 1 : 2 * k - 1 + len(contrasts), column] = contrasts
        return scores

    def spotted(
        self, timing: Timing, kind: Kind, scores: NDArray[np.float64], level: float | None = None
    ) -> list[Spotted]:
        """Stretches of frames above the threshold that last as long as an expression of this kind; in short videos the
        highest.
        """
        lengths = None if self.task.one_per_video else self.params.lengths(kind, timing.fps, len(scores))
        return high_stretches(scores, self.params.p, lengths)


def contrast(values: NDArray[np.float64], m: int) -> NDArray[np.float64]:
    """Each value less the mean of those m before and m after it; (n - 2m,), nothing if there are fewer."""
    if len(values) <= 2 * m:
        return np.empty(0)
    return values[m:-m] - (values[: -2 * m] + values[2 * m :]) / 2


def high_stretches(scores: NDArray[np.float64], p: float, lengths: range | None) -> list[Spotted]:
    """Stretches of frames above T = mean + p (max - mean).

    Args:
        scores: (n,); NaN is ignored.
        p: place of the threshold.
        lengths: numbers of frames that a stretch may have; None keeps the one with the highest score, at any length.

    Returns:
        By time, both ends inclusive; the apex is the highest frame, the confidence its score.
    """
    defined = scores[~np.isnan(scores)]
    if not len(defined):
        return []
    return high_intervals(scores, scores > threshold(defined, p), lengths)


def _chain(kind: str) -> str:
    """Name of the chain with the flow gaps of this kind."""
    return f"mdmd_{kind}"


Plugin = MDMD
