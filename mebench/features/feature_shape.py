"""The shape of a chain's feature, computed once from crops that are drawn at random."""

import numpy as np

from mebench.core import Chain
from mebench.features.base import FeatureMap, Image, ImageStep, Landmarks, MapStep, SequenceStep, VolumeStep
from mebench.features.clip_sequences import FLOW_CHANNELS, FlowSequence
from mebench.features.encoder_step import Encode
from mebench.features.faces import FaceCrop
from mebench.features.flow import Flow, FlowVolume

N_CROPS, FPS = 12, 30.0
"""The drawn clip."""


def shape_of_feature(chain: Chain) -> tuple[int, ...] | None:
    """The shape of a clip's feature; None if it cannot be told before a real clip is there.

    Flow is drawn, too, since computing it takes seconds.

    >>> from mebench.features.flow import FlowImage, Strain
    >>> shape_of_feature(Chain("it", (FaceCrop(size=64), Flow(), Strain(), FlowImage(size=28)), scope="clips"))
    (28, 28, 3)
    >>> shape_of_feature(Chain("ready-made", ()))
    """
    crop_steps = chain.at("video")
    computes_flow = any(isinstance(step, FlowVolume) and not isinstance(step, FlowSequence) for step in chain.steps)
    if computes_flow or not crop_steps or not isinstance(crop_steps[0], FaceCrop):
        return None
    size = crop_steps[0].size
    generator = np.random.default_rng(0)
    channels = (3,) if crop_steps[0].color else ()
    crops = generator.integers(0, 256, (N_CROPS, size, size, *channels), dtype=np.uint8)
    flow = generator.normal(size=(size, size, 2)).astype(np.float32)
    try:
        return _computed(chain, crops, flow, _landmarks_of(size)).shape
    except Exception:  # a step that needs more than a drawn crop: its first real clip says why
        return None


def _computed(chain: Chain, crops: Image, flow: FeatureMap, landmarks: Landmarks) -> FeatureMap:
    """The feature of drawn crops."""
    feature: FeatureMap = crops[0].astype(np.float32)
    for step in chain.steps:
        if isinstance(step, SequenceStep):
            crops = step.apply(crops, FPS)
        elif isinstance(step, FlowSequence):
            feature = np.zeros((step.length, step.size, step.size, FLOW_CHANNELS), np.float32)
        elif isinstance(step, VolumeStep):
            feature = step.apply(crops)
        elif isinstance(step, ImageStep):
            feature = step.apply(crops[0])
        elif isinstance(step, Flow):
            feature = np.concatenate([flow, flow], axis=2) if step.second else flow
        elif isinstance(step, Encode):
            feature = np.zeros((step.n_pictures, 1, step.probe()), np.float32)
        elif isinstance(step, MapStep):
            feature = step.apply(feature, landmarks)
    return feature


def _landmarks_of(size: int) -> Landmarks:
    """68 points in four rows over the middle of a crop."""
    rows, columns = np.meshgrid(np.linspace(0.2, 0.8, 4), np.linspace(0.1, 0.9, 17), indexing="ij")
    return np.stack([columns.ravel(), rows.ravel()], axis=1) * size
