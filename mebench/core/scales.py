"""One spotter at several gaps between the two frames of a flow pair: its chains, its views, the mean of its scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Chain
from mebench.core.views import VideoView

V = TypeVar("V", bound=VideoView)


def gap_at(k: int, scale: float) -> int:
    """A gap of k frames times `scale`, rounded, at least 1.

    >>> gap_at(3, 1.0), gap_at(3, 0.5), gap_at(1, 0.2)
    (3, 2, 1)
    """
    return max(1, round(k * scale))


def at_scale(view: V, scale: float) -> V:
    """The view through which a method reads the features of one scale under the names that it knows."""
    if scale == 1:
        return view
    return replace(view, _frames=lambda chain: view.features(_name(chain, scale)))


def chains_at_scales(chains: Callable[[float], Mapping[str, Chain]], scales: Iterable[float]) -> dict[str, Chain]:
    """The chains of scope `frames` of a method over several multiples of a gap.

    Args:
        chains: gives them for a scale, see `gap_at`.
        scales: at 1 a chain keeps its name, at 0.5 it is called `name@0.5`.
    """
    found: dict[str, Chain] = {}
    for scale in scales:
        for name, chain in chains(scale).items():
            own = name if scale == 1 else _name(name, scale)
            found[own] = replace(chain, name=own)
    return found


def mean_over_scales(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean of the scores of each frame and kind, (n_frames, n_kinds), over the scales at which it has one; else NaN."""
    if len(scores) == 1:
        return scores[0]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.asarray(np.nanmean(np.stack(scores), axis=0))


def _name(chain: str, scale: float) -> str:
    return f"{chain}@{scale:g}"
