"""The features that MEAN reads, and how its networks take them."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mebench.core import Chain, Step, Timing
from mebench.core.views import chains_at_scales, gap_at
from mebench.features import EyesAndMouth, Flow, FlowImage, MaskEyes, MinMax, RemoveNoseMotion, Strain

from .apex import LargestDifference
from .params import Params

FRAMES, FRAMES_K_PRIME, CLIPS, APEX = "mean_frames", "mean_frames_k_prime", "mean_clips", "mean_apex"
WHOLE_FACE = "onset_apex_flow_28"
"""Under this name datasets provide maps of the whole face."""
SIZE = 42


def chains_of(params: Params, timing: Timing) -> dict[str, Chain]:
    """The same maps twice: between frames i and i + k, and between onset and apex (section 4.3).

    A dataset of ready-made maps has no frame rate and no frames, so there only the maps of its clips are asked for.
    """
    p, maps, clips = params, map_steps(params), clip_chain(params)
    chains: dict[str, Chain] = {}
    if timing.fps:

        def frames(name: str, k: int) -> dict[str, Chain]:
            return {name: Chain(name, (p.face(), Flow(p.flow, k=k, stride=p.stride), *maps))}

        k, scales = p.gap(timing), dict.fromkeys((*p.scales, *p.tempo))
        chains |= chains_at_scales(lambda scale: frames(FRAMES, gap_at(k, scale)), scales)
        if p.recognition_gap == "k_prime" and "micro" in timing.k_prime:
            chains |= frames(FRAMES_K_PRIME, timing.k_prime["micro"])
    chains[clips] = Chain(clips, (p.face(), Flow(p.flow), *maps), scope="clips")
    if p.apex == "paper":
        chains[APEX] = Chain(APEX, (p.face(), LargestDifference()), scope="clips")
    return chains


def clip_chain(params: Params) -> str:
    """Name of the chain of a clip's map."""
    return WHOLE_FACE if params.regions == "whole_face" else CLIPS


def map_steps(params: Params) -> tuple[Step, ...]:
    """From flow to the stored map: (42, 42, 3) u, v, strain; of the whole face (28, 28, 3) strain, v, u from 0 to 255."""
    if params.regions == "whole_face":
        return Strain("backward"), FlowImage(28)
    regions = EyesAndMouth(params.regions)
    if params.preprocessing == "softnet":
        return Strain("forward"), RemoveNoseMotion(), MaskEyes(), regions, MinMax()
    return Strain("backward"), MinMax(), regions


def network_input(maps: Tensor) -> Tensor:
    """Stored maps (n, 3, H, W) as the networks take them: u, v, strain in [0, 1], (n, 3, 42, 42).

    Maps of the whole face are recognised by their size and enlarged bilinearly.
    """
    if maps.shape[-1] == SIZE:
        return maps
    enlarged = F.interpolate(maps.flip(1) / 255, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    return enlarged.contiguous(memory_format=torch.channels_last)


def channels_first(maps: NDArray[Any]) -> Tensor:
    """(n, H, W, 3) to (n, 3, H, W) float32, channels last in memory, which the convolution is fastest with."""
    return torch.from_numpy(np.array(maps, order="C")).float().permute(0, 3, 1, 2)
