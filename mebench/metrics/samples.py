"""Samples with a true and a predicted class, counted per unit, ready to be weighted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.metrics.classification import confusion_matrices
from mebench.metrics.matching import Indices
from mebench.metrics.ratios import Floats

Functions = Mapping[str, Callable[[Floats], Floats]]


@dataclass(frozen=True)
class Sample:
    """Confusion matrices of units (subjects, or draws).

    Attributes:
        matrices: (n_units, C, C + 1) as in `classification.confusion_matrix`.
        support: (n_units, C) how often each class occurs in the truth of each unit, whether it was found or not.
    """

    matrices: NDArray[np.int64]
    support: NDArray[np.int64]

    def scores(self, functions: Functions, weights: Floats) -> dict[str, Floats]:
        """Scores of the pooled matrix under (n_weightings, n_units) weights; NaN where the truth then lacks a class."""
        pooled = np.tensordot(weights, self.matrices, axes=1)
        lacking = (weights @ self.support == 0).any(axis=1)
        return {name: np.where(lacking, np.nan, function(pooled)) for name, function in functions.items()}


def of_clips(clips: pd.DataFrame, n_units: int, classes: Sequence[str]) -> Sample:
    """Annotated clips with a predicted class."""
    unit = clips["unit"].to_numpy(np.int64)
    matrices = confusion_matrices(clips["truth"].tolist(), clips["predicted"].tolist(), unit, n_units, classes)
    return Sample(matrices, matrices.sum(axis=-1))


def of_true_positives(
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    matched: Indices,
    n_units: int,
    classes: Sequence[str],
    by_draw: bool,
) -> Sample:
    """The true positives, whose truth names the class (MEAN, section 4.2); `matched` is what `match` returned."""
    hits = predictions[matched >= 0]
    unit = hits["draw" if by_draw else "unit"].to_numpy(np.int64)
    true = truths["emotion"].iloc[matched[matched >= 0]].tolist()
    matrices = confusion_matrices(true, hits["emotion"].tolist(), unit, n_units, classes)
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
    support = confusion_matrices(
        emotions, emotions, truths["unit"].to_numpy(np.int64), int(truths["unit"].max()) + 1, classes
    ).sum(axis=-1)
    if by_draw:
        return np.tile(support.sum(axis=0), (n_units, 1))
    return np.pad(support, ((0, n_units - len(support)), (0, 0)))
