"""Ridge regression from the motion of blocks of the face to the labels of windows."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from mebench.core import Chain, Kind, LabelledVideo, Method, Task, Timing, VideoView
from mebench.core.views import at_scale, chains_at_scales, gap_at, mean_over_scales
from mebench.features import BlockMeans, EyesAndMouth, Flow, Magnitudes, MaskEyes, RemoveNoseMotion, Strain
from mebench.training import window_labels

from .params import Params as _Params

CHAIN = "motion_of_blocks"


class LinearSpotter(Method):
    """A frame's score is a weighted sum of |u|, |v| and strain of each block: a baseline for networks."""

    Params = _Params
    tasks = frozenset({"spot"})
    kinds = ("micro", "macro")
    framewise = True
    params: _Params

    middle: torch.Tensor
    weights: torch.Tensor
    bias: torch.Tensor

    def __init__(self, params: _Params, task: Task, seed: int = 0) -> None:
        super().__init__(params, task, seed)
        numbers, kinds = 3 * params.blocks**2, len(task.kinds)
        self.register_buffer("middle", torch.zeros(numbers, dtype=torch.float64))
        self.register_buffer("weights", torch.zeros(numbers, kinds, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(kinds, dtype=torch.float64))

    def chains(self, timing: Timing) -> dict[str, Chain]:
        """|u|, |v| and strain between frames i and i + k, k = 0.1 s, averaged over blocks of eyes and mouth: (blocks,
        blocks, 3).
        """
        p = self.params
        still = () if p.regions == "box" else (RemoveNoseMotion(), MaskEyes(p.eye_margin))
        pooled = (Strain("forward"), *still, EyesAndMouth(p.regions), Magnitudes(), BlockMeans(p.blocks, p.blocks))

        def gaps(scale: float) -> dict[str, Chain]:
            flow = Flow(p.flow, k=gap_at(timing.k, scale), stride=p.stride)
            return {CHAIN: Chain(CHAIN, (p.face(), flow, *pooled))}

        return chains_at_scales(gaps, p.scales)

    def fit_closed_form(self, train: Sequence[LabelledVideo], valid: Sequence[LabelledVideo]) -> None:
        """Weights of each kind from all frames of the training videos, then thresholds if they are asked for.

        The sums that they follow from are added video by video: memory does not grow with the videos.
        """
        size, kinds = len(self.middle), self.task.kinds
        count, sum_x, sum_y = 0, np.zeros(size), np.zeros(len(kinds))
        sum_xx, sum_xy = np.zeros((size, size)), np.zeros((size, len(kinds)))
        for video in train:
            for scale in self.params.scales:
                x = _rows(at_scale(video, scale))
                y = np.stack([_labels(video, len(x), kind) for kind in kinds], axis=1)
                count, sum_x, sum_y = count + len(x), sum_x + x.sum(0), sum_y + y.sum(0)
                sum_xx, sum_xy = sum_xx + x.T @ x, sum_xy + x.T @ y
        if count:
            self.middle, self.weights, self.bias = map(
                torch.from_numpy, ridge(count, sum_x, sum_y, sum_xx, sum_xy, self.params.l2)
            )
        super().fit_closed_form(train, valid)

    def score_frames(self, video: VideoView) -> NDArray[np.float64]:
        """The weighted sum, near 1 inside an expression and near 0 elsewhere; NaN for the last k frames, which have no
        partner.
        """
        return mean_over_scales([self._scores(at_scale(video, scale)) for scale in self.params.scales])

    def _scores(self, video: VideoView) -> NDArray[np.float64]:
        scores = (_rows(video) - self.middle.numpy()) @ self.weights.numpy() + self.bias.numpy()
        return np.pad(scores, ((0, video.n_frames - len(scores)), (0, 0)), constant_values=np.nan)

    def score_lead(self, timing: Timing, kind: Kind) -> int:
        """Labels begin k' - 1 frames before the onset."""
        return timing.k_prime[kind] - 1


Floats = NDArray[np.float64]


def ridge(
    count: int, sum_x: Floats, sum_y: Floats, sum_xx: Floats, sum_xy: Floats, l2: float
) -> tuple[Floats, Floats, Floats]:
    """The least mean squared error plus l2 times the squared weights, from sums over samples.

    Features are brought to mean 0 and variance 1 first, and the weights then back to their own units; a feature that never
    changes (0/0) has weight 0.

    Args:
        count: samples.
        sum_x: (size,).
        sum_y: (targets,).
        sum_xx: (size, size) of products of features.
        sum_xy: (size, targets) of features times targets.
        l2: above 0.

    Returns:
        Means of the features (size,), weights (size, targets) and biases (targets,): (x - mean) @ weights + bias.
    """
    mean, bias = sum_x / count, sum_y / count
    covariance = sum_xx / count - np.outer(mean, mean)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0))
    # Rounding errors of a constant feature do not count as variance.
    changes = deviation > 1e-6 * np.sqrt(np.diag(sum_xx) / count)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=changes)
    correlation = covariance * np.outer(scale, scale)
    weights = np.linalg.solve(
        correlation + l2 * np.eye(len(mean)), (sum_xy / count - np.outer(mean, bias)) * scale[:, None]
    )
    return mean, weights * scale[:, None], bias


def _rows(video: VideoView) -> Floats:
    """The motion of each frame, (n, 3 blocks^2)."""
    features = video.features(CHAIN)
    return np.asarray(features, np.float64).reshape(len(features), int(np.prod(features.shape[1:])))


def _labels(video: LabelledVideo, n: int, kind: Kind) -> NDArray[np.float32]:
    """MEAN's pseudo-labels of one kind."""
    return window_labels(n, [e for e in video.expressions if e.kind == kind], video.timing.k_prime[kind])


Plugin = LinearSpotter
