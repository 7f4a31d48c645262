"""Spotted intervals of several runs, joined where they overlap.

The groups are those of weighted boxes fusion (Solovyev, Wang and Gabruseva 2021) in one dimension.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.combination.rules import IntervalRule
from mebench.core.peaks import iou

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MemberInterval:
    """An interval that a member has spotted.

    Attributes:
        member: number of the member.
        onset: first frame.
        apex: frame of the peak.
        offset: last frame.
        surety: share of the member's intervals in other folds that it is at least as confident as.
        shares: class probabilities, or None.
    """

    member: int
    onset: int
    apex: int
    offset: int
    surety: float
    shares: Floats | None = None


@dataclass(frozen=True)
class FusedInterval:
    """An interval of the combination.

    Attributes:
        onset: first frame.
        apex: frame of the peak.
        offset: last frame.
        confidence: sum of weight times surety of the members in its group, divided by all weights.
        shares: class probabilities, or None.
    """

    onset: int
    apex: int
    offset: int
    confidence: float
    shares: Floats | None = None


LEAST_SURETY = 1e-3
"""An interval that no other is less sure than still counts a little for the ends of its group."""
ROUNDING = 1e-9
"""Shares of weights are sums of fractions: so much less than the least agreement is enough."""
Place = tuple[str, str]
"""A video and a kind."""


def intervals_by_place(tables: Sequence[pd.DataFrame], kinds: Iterable[str]) -> dict[Place, list[MemberInterval]]:
    """The intervals of all members by video and kind.

    Args:
        tables: `predictions.parquet` of each member.
        kinds: kinds that are combined.
    """
    found = defaultdict[Place, list[MemberInterval]](list)
    for member, table in enumerate(tables):
        for kind in kinds:
            rows = table[table["kind"] == kind]
            columns = [rows[name].tolist() for name in ("video", "onset", "apex", "offset", "probabilities")]
            for surety, video, onset, apex, offset, probabilities in zip(rank_sureties(rows), *columns):
                shares = None if probabilities is None else np.asarray(probabilities, np.float64)
                found[video, kind].append(MemberInterval(member, onset, apex, offset, surety, shares))
    return dict(found)


def rank_sureties(rows: pd.DataFrame) -> list[float]:
    """How confident each interval is among those of the other folds, from 0 to 1.

    Confidences of different methods have no common scale, so their ranks are compared; those of one fold alone among themselves.

    >>> rank_sureties(pd.DataFrame({"fold": ["a", "a", "b", "b"], "confidence": [0.2, 7.0, 0.1, 0.3]}))
    [0.5, 1.0, 0.0, 0.5]
    """
    confidences = rows["confidence"].to_numpy(np.float64)
    folds = rows["fold"].to_numpy(object)
    sureties = np.zeros(len(rows))
    for fold in dict.fromkeys(folds.tolist()):
        own = folds == fold
        others = np.sort(confidences[own] if own.all() else confidences[~own])
        sureties[own] = np.searchsorted(others, confidences[own], side="right") / len(others)
    return [float(surety) for surety in sureties]


def fuse_intervals(
    intervals: Sequence[MemberInterval], weights: Floats, rule: IntervalRule, overlap: float, agreement: float
) -> list[FusedInterval]:
    """The intervals of one video and kind, joined.

    The surest first, each joins the group that it overlaps most, unless its member is in it already; else it begins one.

    >>> found = [MemberInterval(0, 10, 14, 20, 1.0), MemberInterval(1, 12, 16, 22, 0.5), MemberInterval(1, 50, 55, 60, 1.0)]
    >>> fuse_intervals(found, np.array([0.5, 0.5]), "merged", 0.5, 0.75)
    [FusedInterval(onset=10, apex=15, offset=22, confidence=0.75, shares=None)]

    Args:
        intervals: intervals of all members.
        weights: weight of each member.
        rule: rule for the ends of a group.
        overlap: least intersection over union.
        agreement: least share of the weights in a group.
    """
    weighing = [found for found in intervals if weights[found.member] > 0]
    order = sorted(weighing, key=lambda found: (-weights[found.member] * found.surety, found.onset, found.member))
    groups: list[list[MemberInterval]] = []
    for found in order:
        overlaps = [_overlap(group, found, weights, rule) for group in groups]
        best_overlap = max(overlaps, default=0.0)
        if best_overlap >= overlap:
            groups[overlaps.index(best_overlap)].append(found)
        else:
            groups.append([found])
    least_weight = agreement * float(weights.sum()) - ROUNDING
    agreed = [group for group in groups if sum(weights[found.member] for found in group) >= least_weight]
    fused = [_fuse_group(group, weights, rule) for group in agreed]
    return sorted(fused, key=lambda found: (found.onset, found.offset))


def _overlap(group: Sequence[MemberInterval], found: MemberInterval, weights: Floats, rule: IntervalRule) -> float:
    """Intersection over union of an interval and a group; 0 if its member is in the group already."""
    if any(other.member == found.member for other in group):
        return 0.0
    fused = _fuse_group(group, weights, rule)
    return float(iou((fused.onset, fused.offset), (found.onset, found.offset)))


def _fuse_group(group: Sequence[MemberInterval], weights: Floats, rule: IntervalRule) -> FusedInterval:
    """The interval of a group."""
    onsets = np.array([found.onset for found in group], np.float64)
    apexes = np.array([found.apex for found in group], np.float64)
    offsets = np.array([found.offset for found in group], np.float64)
    shares_of_weight = np.array([weights[found.member] * max(found.surety, LEAST_SURETY) for found in group])

    def weighted_mean(frames: Floats) -> int:
        return round(float(np.average(frames, weights=shares_of_weight)))

    if rule == "merged":
        onset = int(onsets.min())
        offset = int(offsets.max())
    else:
        onset = weighted_mean(onsets)
        offset = weighted_mean(offsets)
    apex = min(max(weighted_mean(apexes), onset), offset)
    confidence = sum(weights[found.member] * found.surety for found in group) / weights.sum()
    return FusedInterval(onset, apex, offset, float(confidence), _mean_shares(group, weights))


def _mean_shares(group: Sequence[MemberInterval], weights: Floats) -> Floats | None:
    """The weighted mean of the class probabilities in a group; None if no member gives some."""
    known = [found for found in group if found.shares is not None]
    if not known:
        return None
    shares = [found.shares for found in known]
    mean: Floats = np.average(shares, axis=0, weights=[weights[found.member] for found in known])  # type: ignore[arg-type]
    return mean


def fuse_all(
    intervals: Mapping[Place, Sequence[MemberInterval]],
    weights_of: Mapping[Place, Floats],
    rule: IntervalRule,
    overlap: float,
    agreement: float,
) -> dict[Place, list[FusedInterval]]:
    """The intervals of each video and kind, joined; weights may differ between videos."""
    fused = {}
    for place, found in intervals.items():
        if found:
            fused[place] = fuse_intervals(found, weights_of[place], rule, overlap, agreement)
    return fused
