"""Main directional mean optical flow behind the contract."""

from mebench.training.svm import ClipSvm

from .params import Params as _Params


class MdmoSvm(ClipSvm):
    """The main motion of 36 regions of the face since the onset, classified by a linear SVM."""

    Params = _Params
    chain = "mdmo"


Plugin = MdmoSvm
