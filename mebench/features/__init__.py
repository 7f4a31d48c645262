"""The steps from frames to features, and the store that keeps each feature that was computed.

OpenCV, dlib and filelock are imported where a step or the store works, not here.
"""

from mebench.features.base import MapStep
from mebench.features.encode import FlowImage
from mebench.features.faces import Crops, FaceCrop
from mebench.features.flow import Flow
from mebench.features.motion import MaskEyes, RemoveNoseMotion
from mebench.features.normalise import MinMax
from mebench.features.pipeline import ComputeCost, clip_feature, compute, frame_features, is_ready
from mebench.features.regions import BlockMeans, EyesAndMouth, Resize
from mebench.features.store import FeatureStore, StoreInfo
from mebench.features.strain import Strain

__all__ = [
    "BlockMeans",
    "ComputeCost",
    "Crops",
    "EyesAndMouth",
    "FaceCrop",
    "FeatureStore",
    "Flow",
    "FlowImage",
    "MapStep",
    "MaskEyes",
    "MinMax",
    "RemoveNoseMotion",
    "Resize",
    "StoreInfo",
    "Strain",
    "clip_feature",
    "compute",
    "frame_features",
    "is_ready",
]
