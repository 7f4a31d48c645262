"""The steps from frames to features, and the store that keeps each feature that was computed.

OpenCV, dlib and filelock are imported where a step or the store works, not here.
"""

from mebench.features.base import ImageStep, MapStep, SequenceStep, VolumeStep
from mebench.features.bi_woof import BiWoof
from mebench.features.detection import NoFaceError
from mebench.features.encode import FlowImage
from mebench.features.face_params import FaceParams
from mebench.features.faces import Crops, FaceCrop
from mebench.features.flow import Flow
from mebench.features.interpolate import Interpolate
from mebench.features.magnify import Magnify
from mebench.features.mdmo import Mdmo
from mebench.features.motion import MaskEyes, RemoveNoseMotion
from mebench.features.normalise import MinMax
from mebench.features.orientation import Hoof, OrientedFlow
from mebench.features.pipeline import ComputeCost, clip_feature, compute, frame_features, is_ready
from mebench.features.regions import BlockMeans, EyesAndMouth, Resize
from mebench.features.route import Clip
from mebench.features.store import FeatureStore
from mebench.features.strain import Strain
from mebench.features.texture import Hog, Lbp
from mebench.features.top import HigoTop, HogTop, LbpTop

__all__ = [
    "BiWoof",
    "BlockMeans",
    "Clip",
    "ComputeCost",
    "Crops",
    "EyesAndMouth",
    "FaceCrop",
    "FaceParams",
    "FeatureStore",
    "Flow",
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
    "MapStep",
    "MaskEyes",
    "Mdmo",
    "MinMax",
    "NoFaceError",
    "OrientedFlow",
    "RemoveNoseMotion",
    "Resize",
    "SequenceStep",
    "Strain",
    "VolumeStep",
    "clip_feature",
    "compute",
    "frame_features",
    "is_ready",
]
