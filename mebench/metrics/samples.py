"""Samples with a true and a predicted class, counted per unit, ready to be weighted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.classification import confusion_matrices
from mebench.metrics.ratios import Floats
from mebench.metrics.turns import Found

Evaluate = Callable[[Floats], Mapping[str, Floats]]
"""From matrices (..., C, C + 1) to scores (...) by name."""


@dataclass(frozen=True)
class Sample:
    """Confusion matrices of units (subjects, or draws).

    Attributes:
        matrices: (n_units, C, C + 1) as in `classification.confusion_matrix`.
        support: (n_units, C) how often each class occurs in the truth of each unit, whether it was found or not.
    """

    matrices: NDArray[np.int64]
    support: NDArray[np.int64]

    def scores(self, evaluate: Evaluate, weights: Floats) -> dict[str, Floats]:
        """Scores of the pooled matrix under (n_weightings, n_units) weights; NaN where the truth then lacks a class."""
        pooled = np.tensordot(weights, self.matrices, axes=1)
        occurs = self.support.sum(axis=0) > 0
        lacking = (weights @ self.support[:, occurs] == 0).any(axis=1)
        return {name: np.where(lacking, np.nan, values) for name, values in evaluate(pooled).items()}


def of_clips(clips: pd.DataFrame, n_units: int, classes: Sequence[str]) -> Sample:
    """Annotated clips with a predicted class."""
    unit = clips["unit"].to_numpy(np.int64)
    matrices = confusion_matrices(clips["truth"].tolist(), clips["predicted"].tolist(), unit, n_units, classes)
    return Sample(matrices, matrices.sum(axis=-1))


def of_true_positives(
    truths: pd.DataFrame, predictions: pd.DataFrame, found: Found, n_units: int, classes: Sequence[str], by_draw: bool
) -> Sample:
    """The true positives, whose truth names the class (MEAN, section 4.2)."""
    unit = predictions["draw" if by_draw else "unit"].to_numpy(np.int64)[found.prediction]
    true = truths["emotion"].iloc[found.truth].tolist()
    said = predictions["emotion"].iloc[found.prediction].tolist()
    return Sample(confusion_matrices(true, said, unit, n_units, classes), _support(truths, n_units, classes, by_draw))


def of_shifted_true_positives(
    truths: pd.DataFrame, predictions: pd.DataFrame, found: Found, n_units: int, classes: Sequence[str], by_draw: bool
) -> Sample:
    """The same as MEAN's released code pairs them.

    It gathers the answers of all spotted intervals, in order, and beside them their truths, or "none" for a false
    positive. Where the truth is of an emotion that is not scored it fails after the answer was noted, so that from there
    on every truth is compared with the answer of an earlier interval. Without such truths this is
    `of_true_positives`.
    """
    matched = found.matched
    true = truths["emotion"].to_numpy(dtype=object)[matched] if len(truths) else np.empty(0, dtype=object)
    hit = matched >= 0
    own = predictions["draw" if by_draw else "unit"].to_numpy(np.int64)
    draw = predictions["draw"].to_numpy(np.int64)
    said = predictions["emotion"].to_numpy(dtype=object)
    noted_rows, answer_rows = [], []
    for number in np.unique(draw):
        rows = np.flatnonzero(draw == number)
        noted = rows[~hit[rows] | np.isin(true[rows], list(classes))] if len(truths) else rows
        # The n-th truth that was noted meets the n-th answer.
        noted_rows.append(noted)
        answer_rows.append(rows[: len(noted)])
    at, answers = (np.concatenate([np.empty(0, np.int64), *rows]) for rows in (noted_rows, answer_rows))
    at, answers = at[hit[at]], answers[hit[at]]
    emotions = true[at].tolist() if len(truths) else []
    matrices = confusion_matrices(emotions, said[answers].tolist(), own[at], n_units, classes)
    return Sample(matrices, _support(truths, n_units, classes, by_draw))


def of_first_intervals(
    truths: pd.DataFrame, predictions: pd.DataFrame, n_units: int, classes: Sequence[str], by_draw: bool
) -> Sample:
    """The surest interval of each video, whether it hits or not; a video without any counts as a wrong answer."""
    first = predictions.drop_duplicates(["video", "draw"])[["video", "draw", "emotion"]]
    asked = truths[["video", "unit", "emotion"]].merge(
        pd.DataFrame({"draw": range(n_units if by_draw else 1)}), how="cross"
    )
    both = asked.merge(first, on=["video", "draw"], how="left", suffixes=("", "_said"))
    unit = both["draw" if by_draw else "unit"].to_numpy(np.int64)
    matrices = confusion_matrices(both["emotion"].tolist(), both["emotion_said"].tolist(), unit, n_units, classes)
    return Sample(matrices, matrices.sum(axis=-1))


def _support(truths: pd.DataFrame, n_units: int, classes: Sequence[str], by_draw: bool) -> NDArray[np.int64]:
    emotions = truths["emotion"].tolist()
    unit = truths["unit"].to_numpy(np.int64)
    support = confusion_matrices(emotions, emotions, unit, int(unit.max(initial=-1)) + 1, classes).sum(axis=-1)
    if by_draw:
        return np.tile(support.sum(axis=0), (n_units, 1))
    return np.pad(support, ((0, n_units - len(support)), (0, 0)))
