"""Histograms of oriented optical flow behind the contract."""

from mebench.training.svm import ClipSvm

from .params import Params as _Params


class HoofSvm(ClipSvm):
    """Directions of the flow from onset to apex in blocks of the face, classified by a linear SVM."""

    Params = _Params
    chain = "hoof"


Plugin = HoofSvm
