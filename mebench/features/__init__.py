"""The steps from frames to features, and the store that keeps each feature that was computed.

OpenCV, dlib and filelock are imported where a step or the store works, not here.
"""

from mebench.features.alignment import Crops
from mebench.features.base import ImageStep, MapStep, SequenceStep, VolumeStep, processor
from mebench.features.detection import NoFaceError
from mebench.features.faces import FaceCrop, FaceParams
from mebench.features.flow import (
    Algorithm,
    Difference,
    Flow,
    FlowDirection,
    FlowImage,
    MaskEyes,
    RemoveNoseMotion,
    Strain,
)
from mebench.features.orientation import BiWoof, Hoof, MainDirectionDifference, OrientedFlow
from mebench.features.pipeline import ComputeCost, clip_feature, compute, frame_features, is_ready
from mebench.features.regions import BlockMeans, EyesAndMouth, Magnitudes, MinMax, RegionMotion, Regions, Resize
from mebench.features.sequence import Interpolate, Magnify
from mebench.features.source import Clip
from mebench.features.store import FeatureStore
from mebench.features.texture import Hog, Lbp
from mebench.features.top import HigoTop, HogTop, LbpTop

__all__ = [
    "Algorithm",
    "BiWoof",
    "BlockMeans",
    "Clip",
    "ComputeCost",
    "Crops",
    "Difference",
    "EyesAndMouth",
    "FaceCrop",
    "FaceParams",
    "FeatureStore",
    "Flow",
    "FlowDirection",
    "FlowImage",
    "HigoTop",
    "Hog",
    "HogTop",
    "Hoof",
    "ImageStep",
    "Interpolate",
    "Lbp",
    "LbpTop",
    "Magnify",
    "Magnitudes",
    "MainDirectionDifference",
    "MapStep",
    "MaskEyes",
    "MinMax",
    "NoFaceError",
    "OrientedFlow",
    "RegionMotion",
    "Regions",
    "RemoveNoseMotion",
    "Resize",
    "SequenceStep",
    "Strain",
    "VolumeStep",
    "clip_feature",
    "compute",
    "frame_features",
    "is_ready",
    "processor",
]
