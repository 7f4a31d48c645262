"""Local phase quantisation on three orthogonal planes behind the contract."""

from mebench.training.svm import TopRecognizer

from .params import Params as _Params


class LpqTopSvm(TopRecognizer):
    """Signs of the local phase on three orthogonal planes of the clip, classified by a linear SVM."""

    Params = _Params
    chain = "lpq_top"


Plugin = LpqTopSvm
