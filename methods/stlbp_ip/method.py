"""Spatiotemporal local binary patterns with integral projection behind the contract."""

from mebench.training.svm import ClipSvm

from .params import Params as _Params


class StlbpIpSvm(ClipSvm):
    """Patterns of what moved, projected onto rows and columns of each block, classified by a linear SVM."""

    Params = _Params
    chain = "stlbp_ip"


Plugin = StlbpIpSvm
