"""The weights of members: equal, given, or for each fold chosen on the people who train in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.combination.class_shares import ClipShares
from mebench.combination.fused_intervals import FusedInterval, MemberInterval, Place, fuse_all
from mebench.combination.rules import CHOSEN, EQUAL, CombinationRules
from mebench.errors import ConfigError
from mebench.metrics.classification import confusion_matrices, uf1
from mebench.metrics.conventions import Convention
from mebench.metrics.matching import match_one_to_one
from mebench.metrics.tables import Tables
from mebench.runs.scoring import select_scored_clips

Floats = NDArray[np.float64]
QUARTERS = 4
"""Chosen weights are multiples of a quarter."""
MOST_CHOSEN = 6
"""Members up to which weights are chosen: 126 sets of weights are tried then."""


@dataclass(frozen=True)
class FoldWeights:
    """The weights of the members in each fold.

    Attributes:
        of_fold: (members,) by the name of the fold.
    """

    of_fold: Mapping[str, Floats]

    def of_rows(self, folds: Sequence[str]) -> Floats:
        """The weights of rows of some folds, (members, rows)."""
        return np.stack([self.of_fold[fold] for fold in folds], axis=1)

    def plain(self) -> dict[str, list[float]]:
        """The weights as plain data."""
        return {fold: [round(float(weight), 6) for weight in weights] for fold, weights in self.of_fold.items()}


def given_weights(rules: CombinationRules, n_members: int, folds: Sequence[Mapping[str, Any]]) -> FoldWeights | None:
    """Equal or given weights, the same in all folds; None where they are to be chosen.

    Raises:
        ConfigError: there are not as many weights as members, or too many members to choose among.
    """
    if rules.weights == CHOSEN:
        if n_members > MOST_CHOSEN:
            raise ConfigError(
                f"--weights chosen is for at most {MOST_CHOSEN} runs, not {n_members}: give them, or take equal"
            )
        return None
    weights = [1.0] * n_members if rules.weights == EQUAL else list(map(float, rules.weights))
    if len(weights) != n_members:
        raise ConfigError(
            f"--weights has {len(weights)} numbers for {n_members} runs: give one for each run, in their order"
        )
    shares = np.array(weights) / sum(weights)
    return FoldWeights({fold["fold"]: shares for fold in folds})


def make_candidate_weights(n_members: int) -> list[Floats]:
    """The sets of weights that are tried, the most equal first.

    >>> [weights.tolist() for weights in make_candidate_weights(2)]
    [[0.5, 0.5], [0.25, 0.75], [0.75, 0.25], [0.0, 1.0], [1.0, 0.0]]
    """
    numbers = [parts for parts in product(range(QUARTERS + 1), repeat=n_members) if sum(parts) == QUARTERS]
    equal = QUARTERS / n_members
    ordered = sorted(numbers, key=lambda parts: (sum((part - equal) ** 2 for part in parts), parts))
    return [np.array(parts) / QUARTERS for parts in ordered]


def choose_for_classes(
    shares: ClipShares,
    rules: CombinationRules,
    tables: Tables,
    classes: Sequence[str],
    folds: Sequence[Mapping[str, Any]],
) -> FoldWeights:
    """For each fold the weights of the highest UF1 over its training people.

    Each of these clips was answered by the fold that tests its person.

    Args:
        shares: class probabilities of all members.
        rules: rules of the combination.
        tables: videos and truth.
        classes: names of the classes.
        folds: folds with their people.
    """
    truth = select_scored_clips(tables.truths)[["video", "onset", "offset", "emotion"]]
    labelled = shares.clips.merge(truth, on=["video", "onset", "offset"], how="left")
    people, units = _people_of(tables.videos, labelled["video"])
    true = labelled["emotion"].tolist()
    scored = [name for name in classes if name in set(true)]

    def count(weights: Floats) -> Floats:
        mixed = shares.mix_shares(rules.classes, weights)
        predicted = [classes[number] for number in mixed.argmax(axis=1)]
        return confusion_matrices(true, predicted, units, len(people), scored).astype(np.float64)

    return _choose_weights(len(shares.shares), folds, people, count, lambda counts: float(uf1(counts)))


def choose_for_intervals(
    intervals: Mapping[Place, Sequence[MemberInterval]],
    kind: str,
    rules: CombinationRules,
    tables: Tables,
    convention: Convention,
    folds: Sequence[Mapping[str, Any]],
    n_members: int,
) -> FoldWeights:
    """For each fold the weights of the highest F1 over its training people.

    Args:
        intervals: intervals of all members.
        kind: kind that is counted.
        rules: rules of the combination.
        tables: videos and truth.
        convention: rules of matching.
        folds: folds with their people.
        n_members: number of members.
    """
    own = {place: found for place, found in intervals.items() if place[1] == kind}
    people, units = _people_of(tables.videos, tables.videos["video"])
    unit_of = dict(zip(tables.videos["video"].tolist(), units.tolist()))

    def count(weights: Floats) -> Floats:
        fused = fuse_all(own, dict.fromkeys(own, weights), rules.intervals, rules.overlap, rules.agreement)
        return _count_hits(fused, kind, tables, convention, unit_of, len(people))

    def f1(counts: Floats) -> float:
        hits, spotted, true = counts
        return float(2 * hits / max(spotted + true, 1.0))

    return _choose_weights(n_members, folds, people, count, f1)


def _choose_weights(
    n_members: int,
    folds: Sequence[Mapping[str, Any]],
    people: Sequence[str],
    count: Callable[[Floats], Floats],
    score: Callable[[Floats], float],
) -> FoldWeights:
    """For each fold the weights whose counts over its training people score highest; at ties the most equal ones.

    Args:
        n_members: number of members.
        folds: folds with their people.
        people: subjects, in the order of the counts.
        count: counts of each subject under some weights, (people, ...).
        score: score of summed counts.

    Raises:
        ConfigError: nobody who trains in a fold is tested in another.
    """
    tried = make_candidate_weights(n_members)
    counts = [count(weights) for weights in tried]
    chosen = {}
    for fold in folds:
        training = {*fold["train"], *fold["valid"]} - {*fold["test"]}
        others = np.array([person in training for person in people])
        if not others.any():
            raise ConfigError(
                f"--weights chosen needs people whom other folds test, and nobody who trains in fold {fold['fold']!r} is tested: "
                "give the weights, or take equal"
            )
        scores = [score(of_weights[others].sum(axis=0)) for of_weights in counts]
        chosen[fold["fold"]] = tried[int(np.argmax(scores))]
    return FoldWeights(chosen)


def _people_of(all_videos: pd.DataFrame, videos: pd.Series[Any]) -> tuple[list[str], NDArray[np.int64]]:
    """All subjects, and for each of some videos the number of its subject."""
    people = sorted(set(all_videos["subject"].tolist()))
    subject_of = dict(zip(all_videos["video"].tolist(), all_videos["subject"].tolist()))
    number_of = {person: number for number, person in enumerate(people)}
    return people, np.array([number_of[subject_of[video]] for video in videos.tolist()], np.int64)


def _count_hits(
    fused: Mapping[Place, Sequence[FusedInterval]],
    kind: str,
    tables: Tables,
    convention: Convention,
    unit_of: Mapping[str, int],
    n_units: int,
) -> Floats:
    """True positives, spotted and true intervals of each subject, (people, 3)."""
    rows = []
    for (video, _), intervals in fused.items():
        rows += [(video, kind, found.onset, found.apex, found.offset, found.confidence, None, 0) for found in intervals]
    columns = ["video", "kind", "onset", "apex", "offset", "confidence", "emotion", "draw"]
    predictions = pd.DataFrame(rows, columns=columns)
    truths = tables.truths[tables.truths["kind"] == kind]
    ordered = Tables(tables.videos, truths, predictions).put_in_order()
    matched = match_one_to_one(ordered.truths, ordered.spotted, convention)
    videos_of_spotted = ordered.spotted["video"].to_numpy(object)
    videos_of_hits = videos_of_spotted[matched >= 0]
    videos_of_truths = ordered.truths["video"].to_numpy(object)
    counts = np.zeros((n_units, 3))
    for column, videos in enumerate((videos_of_hits, videos_of_spotted, videos_of_truths)):
        np.add.at(counts[:, column], [unit_of[video] for video in videos.tolist()], 1.0)
    return counts
