"""The linear map from macro- to micro-expressions (Jia et al. 2018, equations 8 to 13), on plain arrays."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EVERY = 4
"""Of this many macro-expressions of a class one is held out of the pairs; in the program 300 of 1,185 are the gallery."""


def partner_shares(macro: ArrayLike, micro: ArrayLike) -> Floats:
    """The shares of micro-expressions in the partner of each macro-expression, (macro-expressions, micro-expressions).

    The clips of a class are dealt out in turn: if it has more macro-expressions, its micro-expressions come again, as in the
    paper; if it has fewer, the mean of several micro-expressions is one partner. Without partner all shares are 0.

    Args:
        macro: class of each macro-expression.
        micro: class of each micro-expression.

    >>> partner_shares([0, 1, 1, 2], [1, 0, 0])
    array([[0. , 0.5, 0.5],
           [1. , 0. , 0. ],
           [1. , 0. , 0. ],
           [0. , 0. , 0. ]])
    """
    shares = np.zeros((len(np.asarray(macro)), len(np.asarray(micro))))
    for label in np.intersect1d(macro, micro):
        of_macro, of_micro = (np.flatnonzero(np.asarray(labels) == label) for labels in (macro, micro))
        for place, clip in enumerate(of_macro):
            own = of_micro[place :: len(of_macro)]
            if not len(own):
                own = of_micro[[place % len(of_micro)]]
            shares[clip, own] = 1 / len(own)
    return shares


def held_out(labels: ArrayLike) -> NDArray[np.bool_]:
    """Whether each macro-expression is held out of the pairs: the fourth, eighth and so on of its class.

    >>> held_out([0, 0, 0, 1, 0, 0])
    array([False, False, False, False,  True, False])
    """
    classes = np.asarray(labels)
    place = np.array([np.count_nonzero(classes[:at] == label) for at, label in enumerate(classes)], np.intp)
    return np.asarray(place % EVERY == EVERY - 1)


class Subspace(NamedTuple):
    """The joint space of both kinds.

    Attributes:
        macro: Rx, (numbers of a feature, rank).
        micro: Ry, (numbers of a feature, rank).
    """

    macro: Floats
    micro: Floats


def joint_subspace(macro: Floats, micro: Floats, rank: int | None = None) -> Subspace:
    """Both halves of the pairs' left singular vectors (equations 9 and 10).

    Args:
        macro: (pairs, numbers of a feature).
        micro: the same of their partners.
        rank: number of singular values that are kept at most; those of 0 never are.
    """
    vectors, values, _ = np.linalg.svd(np.concatenate([macro.T, micro.T]), full_matrices=False)
    above = np.count_nonzero(values > values[0] * max(macro.shape) * np.finfo(np.float64).eps)
    kept = vectors[:, : above if rank is None else min(rank, above)]
    return Subspace(kept[: macro.shape[1]], kept[macro.shape[1] :])


def to_micro(subspace: Subspace, gallery: Floats, released: bool = False) -> Floats:
    """Macro-expressions as micro-expressions would look (equations 11 and 12), (n, numbers of a feature).

    Args:
        subspace: that of the pairs.
        gallery: macro-expressions, (n, numbers of a feature).
        released: whether to multiply by Rx' Rx, as the program does, whose inverse stands in equation 11. Without, the
            least point is taken where several are equally near.
    """
    if released:
        points: Floats = subspace.macro.T @ subspace.macro @ (subspace.macro.T @ gallery.T)
    else:
        points = np.asarray(np.linalg.lstsq(subspace.macro, gallery.T, rcond=None)[0], np.float64)
    return np.asarray((subspace.micro @ points).T)
