"""Bi-WOOF behind the contract: one histogram for each clip, and a linear SVM."""

from mebench.training.svm import ClipSvm

from .params import Params as _Params


class BiWoofSvm(ClipSvm):
    """Two frames represent a clip: the flow from onset to apex, with its directions weighted by magnitude and by
    strain.
    """

    Params = _Params
    chain = "bi_woof"


Plugin = BiWoofSvm
