"""Histograms of oriented gradients on three orthogonal planes behind the contract."""

from mebench.training.svm import TopRecognizer

from .params import Params as _Params


class HogTopSvm(TopRecognizer):
    """Histograms of oriented gradients on three orthogonal planes of the clip, classified by a linear SVM."""

    Params = _Params
    chain = "hog_top"


Plugin = HogTopSvm
