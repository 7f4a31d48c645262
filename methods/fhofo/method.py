"""Fuzzy histograms of optical flow orientations behind the contract."""

from mebench.training.svm import ClipSvm

from .params import Params as _Params


class FhofoSvm(ClipSvm):
    """Directions of the flow from frame to frame in blocks of the face, classified by a linear SVM."""

    Params = _Params
    chain = "fhofo"


Plugin = FhofoSvm
