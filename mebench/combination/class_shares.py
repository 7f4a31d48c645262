"""Classes of annotated clips by the mean or vote of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from mebench.combination.rules import ClassRule
from mebench.metrics.uncertainty import are_probabilities

Floats = NDArray[np.float64]
CLIP_OF_FOLD = ["fold", "video", "onset", "offset"]
"""The columns that name the clip of an answer."""
TIE_BREAK = 1e-3
"""Part of the mean probabilities in a vote: they decide between classes of equally many votes."""


@dataclass(frozen=True)
class ClipShares:
    """The class probabilities of each clip by each member.

    Attributes:
        clips: a row for each clip, with the columns of `CLIP_OF_FOLD`.
        shares: (members, clips, classes), NaN where a member has no answer.
        rescaled: numbers of the members whose class scores are no probabilities; their softmax is taken.
    """

    clips: pd.DataFrame
    shares: Floats
    rescaled: tuple[int, ...]

    @classmethod
    def from_members(cls, answers: Sequence[pd.DataFrame], n_classes: int) -> ClipShares:
        """The answers of all members to the same clips.

        Args:
            answers: `clips.parquet` of each member.
            n_classes: number of classes.
        """
        clips = (
            pd.concat([table[CLIP_OF_FOLD] for table in answers])
            .drop_duplicates()
            .sort_values(CLIP_OF_FOLD, ignore_index=True)
        )
        index_of_clips = pd.MultiIndex.from_frame(clips)
        shares = np.full((len(answers), len(clips), n_classes), np.nan)
        rescaled = []
        for number, table in enumerate(answers):
            scores = np.array(table["probabilities"].tolist(), np.float64).reshape(len(table), n_classes)
            if not are_probabilities(scores):
                scores = softmax(scores, axis=1)
                rescaled.append(number)
            rows = index_of_clips.get_indexer(pd.MultiIndex.from_frame(table[CLIP_OF_FOLD]))
            shares[number, rows] = scores
        return cls(clips, shares, tuple(rescaled))

    def mix_shares(self, rule: ClassRule, weights: Floats) -> Floats:
        """The class probabilities of the combination, (clips, classes).

        Args:
            rule: `mean` or `vote`.
            weights: (members,), or (members, clips).
        """
        by_clip = weights[:, None] if weights.ndim == 1 else weights
        return mix_shares(self.shares, np.broadcast_to(by_clip, self.shares.shape[:2]), rule)


def mix_shares(shares: Floats, weights: Floats, rule: ClassRule) -> Floats:
    """The weighted mean or vote of several members, (n, classes).

    A member without an answer is left out; where all that answered weigh nothing, they weigh alike.

    >>> shares = np.array([[[0.6, 0.4]], [[0.6, 0.4]], [[0.1, 0.9]]])
    >>> mix_shares(shares, np.ones((3, 1)), "mean").round(3), mix_shares(shares, np.ones((3, 1)), "vote").round(3)
    (array([[0.433, 0.567]]), array([[0.666, 0.334]]))

    Args:
        shares: (members, n, classes), NaN without an answer.
        weights: (members, n).
        rule: `mean` or `vote`.
    """
    answered = ~np.isnan(shares[:, :, 0])
    weighing = np.where(answered, weights, 0.0)
    weighing = np.where(weighing.sum(axis=0) > 0, weighing, answered.astype(np.float64))
    known = np.nan_to_num(shares)
    mean = _weighted_mean(known, weighing)
    if rule == "mean":
        return mean
    votes = np.eye(shares.shape[2])[known.argmax(axis=2)]
    return (_weighted_mean(votes, weighing) + TIE_BREAK * mean) / (1 + TIE_BREAK)


def _weighted_mean(values: Floats, weights: Floats) -> Floats:
    """The mean over members, (n, classes), of values (members, n, classes)."""
    return np.asarray((values * weights[:, :, None]).sum(axis=0) / weights.sum(axis=0)[:, None])
