"""Scores of a confusion matrix, over any leading axes. Wherever a ratio is 0/0 it counts 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mebench.metrics.ratios import Floats, ratio


def confusion_matrix(
    truth: Sequence[object], predicted: Sequence[object], classes: Sequence[object]
) -> NDArray[np.int64]:
    """Count pairs of true and predicted class.

    Args:
        truth: (n,) true classes; a sample whose truth is not in `classes` is left out.
        predicted: (n,) predicted classes; None is allowed.
        classes: the classes that are scored.

    Returns:
        (C, C + 1): rows are true classes, columns predicted ones; the last column counts predictions of anything else,
        which are wrong for the true class without being anyone's false positive.

    >>> confusion_matrix(["joy", "joy", "fear", "awe"], ["joy", "fear", None, "joy"], ["fear", "joy"])
    array([[0, 0, 1],
           [1, 1, 0]])
    """
    one = np.zeros(len(truth), dtype=np.int64)
    matrix: NDArray[np.int64] = confusion_matrices(truth, predicted, one, 1, classes)[0]
    return matrix


def confusion_matrices(
    truth: Sequence[object],
    predicted: Sequence[object],
    unit: NDArray[np.int64],
    n_units: int,
    classes: Sequence[object],
) -> NDArray[np.int64]:
    """One `confusion_matrix` for each unit (a subject, say), (n_units, C, C + 1); `unit` is each sample's, (n,)."""
    number = {label: index for index, label in enumerate(classes)}
    matrices = np.zeros((n_units, len(classes), len(classes) + 1), dtype=np.int64)
    for true, said, where in zip(truth, predicted, unit.tolist(), strict=True):
        if true in number:
            matrices[where, number[true], number.get(said, len(classes))] += 1
    return matrices


def counts_of(matrix: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Per class, (..., C): true positives, samples predicted so, samples truly so."""
    m = np.asarray(matrix, dtype=np.float64)
    c = m.shape[-2]
    return np.diagonal(m, axis1=-2, axis2=-1), m.sum(axis=-2)[..., :c], m.sum(axis=-1)


def _mean(per_class: Floats) -> Floats:
    return np.asarray(per_class.mean(axis=-1), dtype=np.float64)


def accuracy(matrix: ArrayLike) -> Floats:
    """Share of right predictions (MEAN, equation 18).

    >>> float(accuracy([[3, 1, 0], [0, 4, 0]])), float(accuracy([[0, 0, 0], [0, 0, 0]]))
    (0.875, 0.0)
    """
    true, _, support = counts_of(matrix)
    return ratio(true.sum(axis=-1), support.sum(axis=-1))


def macro_precision(matrix: ArrayLike) -> Floats:
    """Mean over classes of TP / (TP + FP) (MEAN, equation 20); a class never predicted counts 0.

    >>> float(macro_precision([[3, 1, 0], [0, 4, 0]])), float(macro_precision([[4, 0, 0], [4, 0, 0]]))
    (0.9, 0.25)
    """
    true, said, _ = counts_of(matrix)
    return _mean(ratio(true, said))


def macro_recall(matrix: ArrayLike) -> Floats:
    """Mean over classes of TP / (TP + FN) (MEAN, equation 19); a class without samples counts 0.

    >>> float(macro_recall([[3, 1, 0], [0, 4, 0]])), float(macro_recall([[4, 0, 0], [0, 0, 0]]))
    (0.875, 0.5)
    """
    true, _, support = counts_of(matrix)
    return _mean(ratio(true, support))


def uar(matrix: ArrayLike) -> Floats:
    """Unweighted average recall (MEAN, equation 23): another name of `macro_recall`.

    >>> float(uar([[3, 1, 0], [0, 4, 0]]))
    0.875
    """
    return macro_recall(matrix)


def f1_of_macros(matrix: ArrayLike) -> Floats:
    """Harmonic mean of macro precision and macro recall (MEAN, equation 21). This is not the mean of the classes' F1.

    >>> round(float(f1_of_macros([[3, 1, 0], [0, 4, 0]])), 4), float(f1_of_macros([[0, 4, 0], [4, 0, 0]]))
    (0.8873, 0.0)
    """
    return harmonic_mean(macro_precision(matrix), macro_recall(matrix))


def harmonic_mean(precision: ArrayLike, recall: ArrayLike) -> Floats:
    """2 P R / (P + R).

    >>> round(float(harmonic_mean(0.5983, 0.5872)), 4), float(harmonic_mean(0, 0))
    (0.5927, 0.0)
    """
    p, r = np.asarray(precision, dtype=np.float64), np.asarray(recall, dtype=np.float64)
    return ratio(2 * p * r, p + r)


def class_f1(matrix: ArrayLike) -> Floats:
    """2 TP / (2 TP + FP + FN) of every class, (..., C).

    >>> class_f1([[3, 1, 0], [0, 4, 0]]).round(3), class_f1([[0, 0, 0], [0, 4, 0]])
    (array([0.857, 0.889]), array([0., 1.]))
    """
    true, said, support = counts_of(matrix)
    return ratio(2 * true, said + support)


def shown_f1(matrix: ArrayLike) -> Floats:
    """F1 of the second of two classes, where the first says that something is absent (an action unit).

    >>> float(shown_f1([[5, 1, 0], [2, 2, 0]])), float(shown_f1([[6, 0, 0], [0, 0, 0]]))
    (0.5714285714285714, 0.0)
    """
    return np.asarray(class_f1(matrix)[..., 1], dtype=np.float64)


def uf1(matrix: ArrayLike) -> Floats:
    """Unweighted mean of the classes' F1 (MEAN, equation 22).

    >>> round(float(uf1([[3, 1, 0], [0, 4, 0]])), 4), float(uf1([[4, 0, 0], [0, 0, 0]]))
    (0.873, 0.5)
    """
    return _mean(class_f1(matrix))


def weighted_f1(matrix: ArrayLike) -> Floats:
    """Mean of the classes' F1, each weighted by its number of true samples.

    >>> round(float(weighted_f1([[3, 1, 0], [0, 4, 0]])), 4), float(weighted_f1([[0, 0, 0], [0, 0, 0]]))
    (0.873, 0.0)
    """
    _, _, support = counts_of(matrix)
    return ratio((class_f1(matrix) * support).sum(axis=-1), support.sum(axis=-1))


def weighted_recall(matrix: ArrayLike) -> Floats:
    """Mean of the classes' recall, each weighted by its number of true samples: another name of `accuracy`.

    >>> float(weighted_recall([[3, 1, 0], [0, 4, 0]])), float(weighted_recall([[0, 0, 0], [0, 0, 0]]))
    (0.875, 0.0)
    """
    return accuracy(matrix)


SCORES = {
    "unit_f1": shown_f1,
    "accuracy": accuracy,
    "wf1": weighted_f1,
    "precision": macro_precision,
    "recall": macro_recall,
    "f1": f1_of_macros,
    "uf1": uf1,
    "uar": uar,
    "wr": weighted_recall,
}
"""By the names of the catalogue, in the order of a summary."""
