"""From two face crops to the optical flow between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Level, Step
from mebench.features.base import check_choice, check_integer

Algorithm = Literal["tvl1", "tvl1_eps05", "farneback", "dis"]
Image = NDArray[np.uint8]
FlowMap = NDArray[np.float32]


@dataclass(frozen=True)
class Flow(Step):
    """Optical flow in pixels, (H, W, 2): u to the right, then v downwards.

    The algorithms are different features, never substitutes of one another.

    Attributes:
        algorithm: `tvl1` is duality-based TV-L1 (Zach et al. 2007) at OpenCV's defaults, the flow of MEAN and SOFTNet: tau .25,
            lambda .15, theta .3, 5 scales of factor .8, 5 warps, 10 outer and 30 inner iterations, median filter 5, epsilon .01;
            `tvl1_eps05` is TV-L1 (Zach et al. 2007) at these settings but for an epsilon of .05, which stops it sooner;
            `farneback` is polynomial expansion (Farneback 2003) with 3 levels of factor .5, windows of 15, 5 iterations,
            neighbourhoods of 7 and sigma 1.5; `dis` is dense inverse search (Kroeger et al. 2016) at OpenCV's medium preset.
        k: gap in frames between the two crops of a pair (MEAN, section 3.1), for chains of scope `frames`; None for
            scope `clips`, where the pair is onset and apex.
        stride: compute the flow at every `stride`-th start frame and at the last one, and interpolate linearly between.
    """

    level: ClassVar[Level] = "pair"

    algorithm: Algorithm = "tvl1"
    k: int | None = None
    stride: int = 1

    def __post_init__(self) -> None:
        check_choice(self, "algorithm", get_args(Algorithm))
        check_integer(self, "stride", 1)
        if self.k is not None:
            check_integer(self, "k", 1)

    def pair(self, a: Image, b: Image) -> FlowMap:
        """Flow from crop `a` to crop `b`, both (H, W) uint8: (H, W, 2) float32."""
        return _calculator(self.algorithm)(a, b)

    def between(self, images: Image, onset: int, apex: int) -> FlowMap:
        """Flow from frame `onset` to frame `apex` of (n, H, W) crops; exactly zero if they are the same frame."""
        if onset == apex:
            return np.zeros((*images.shape[1:], 2), np.float32)
        return self.pair(images[onset], images[apex])

    def maps(self, images: Image) -> Iterator[FlowMap]:
        """Flow from frame i to frame i + k of (n, H, W) crops, for each i below n - k, one by one.

        Nothing comes out of a video of k frames or fewer.
        """
        if self.k is None:
            raise ValueError("Flow.maps needs a gap k")
        calculate, k = _calculator(self.algorithm), self.k
        last = len(images) - k - 1
        if last < 0:
            return
        starts = [*range(0, last, self.stride), last]
        here = calculate(images[0], images[k])
        for start, end in pairwise(starts):
            there = calculate(images[end], images[end + k])
            yield here
            for i in range(start + 1, end):
                part = np.float32((i - start) / (end - start))
                yield (1 - part) * here + part * there
            here = there
        yield here


def _calculator(algorithm: Algorithm) -> Callable[[Image, Image], FlowMap]:
    """A function from two crops to their flow; not to be shared between threads."""
    import cv2

    if algorithm == "farneback":
        return lambda a, b: cv2.calcOpticalFlowFarneback(
            a, b, None, pyr_scale=0.5, levels=3, winsize=15, iterations=5, poly_n=7, poly_sigma=1.5, flags=0
        )
    if algorithm == "dis":
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        return lambda a, b: dis.calc(a, b, None)
    tvl1 = cv2.optflow.DualTVL1OpticalFlow.create()
    if algorithm == "tvl1_eps05":
        tvl1.setEpsilon(0.05)
    return lambda a, b: tvl1.calc(a, b, None)
