"""Local binary patterns on three orthogonal planes behind the contract."""

from mebench.training.svm import TopRecognizer

from .params import Params as _Params


class LbpTopSvm(TopRecognizer):
    """Local binary patterns on three orthogonal planes of the clip, classified by a linear SVM."""

    Params = _Params
    chain = "lbp_top"


Plugin = LbpTopSvm
