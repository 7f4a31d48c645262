"""Local binary patterns with six intersection points behind the contract."""

from mebench.training.svm import ClipSvm

from .params import Params as _Params


class LbpSipSvm(ClipSvm):
    """Patterns of four neighbours in the image and two in time, classified by a linear SVM."""

    Params = _Params
    chain = "lbp_sip"


Plugin = LbpSipSvm
