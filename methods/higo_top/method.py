"""Histograms of image gradient orientation on three orthogonal planes behind the contract."""

from mebench.training.svm import TopRecognizer

from .params import Params as _Params


class HigoTopSvm(TopRecognizer):
    """Histograms of image gradient orientation on three orthogonal planes of the clip, classified by a linear SVM."""

    Params = _Params
    chain = "higo_top"


Plugin = HigoTopSvm
