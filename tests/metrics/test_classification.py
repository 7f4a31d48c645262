"""Classification scores against scikit-learn and the MEAN paper."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn import metrics as reference

from mebench.metrics import classification, confusion_matrix
from mebench.metrics.catalogue import METRICS

CLASSES = ["negative", "positive", "surprise"]
# Table 5 of MEAN (Liong, See and Chan 2023): analysis precision, recall and F1 of CASME II, SMIC-E-HS, SMIC-E-VIS,
# SMIC-E-NIR, CAS(ME)^2 and SAMMLV.
TABLE_5 = [
    (0.5983, 0.5872, 0.5927),
    (0.5076, 0.5224, 0.5149),
    (0.7492, 0.7447, 0.7470),
    (0.6667, 0.6667, 0.6667),
    (0.6667, 0.6667, 0.6667),
    (0.5882, 0.4762, 0.5263),
]
# Confusion matrices of three classes that have the totals of Table 5 and reproduce its four scores of the long videos.
CAS_ME_2 = [[1, 0, 0, 0], [1, 2, 0, 0], [0, 2, 1, 0]]
SAMM_LV = [[13, 0, 1, 0], [1, 1, 0, 0], [3, 0, 0, 0]]

labels = st.sampled_from(CLASSES)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.of_classes])
def test_classification_scores_take_counts_for_matrices(name: str) -> None:
    matrices = np.random.default_rng(1).integers(0, 5, (7, 2, 3))
    counts = classification.ClassCounts(
        true=np.stack([matrices[:, 0, 0], matrices[:, 1, 1]], axis=1).astype(float),
        predicted=matrices[:, :, :2].sum(axis=1).astype(float),
        support=matrices.sum(axis=2).astype(float),
    )
    score = METRICS[name].of_classes
    assert score(counts).tolist() == score(matrices).tolist()


@given(st.lists(st.tuples(labels, st.one_of(labels, st.just("other"))), min_size=1, max_size=30))
def test_classification_scores_equal_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    truth, predicted = (list(column) for column in zip(*pairs))
    matrix = confusion_matrix(truth, predicted, CLASSES)

    def sklearn(score: str, average: str) -> float:
        function = getattr(reference, f"{score}_score")
        return float(function(truth, predicted, labels=CLASSES, average=average, zero_division=0))

    assert classification.accuracy(matrix) == pytest.approx(reference.accuracy_score(truth, predicted))
    assert classification.macro_precision(matrix) == pytest.approx(sklearn("precision", "macro"))
    assert (
        classification.macro_recall(matrix) == classification.uar(matrix) == pytest.approx(sklearn("recall", "macro"))
    )
    assert classification.uf1(matrix) == pytest.approx(sklearn("f1", "macro"))
    assert classification.weighted_f1(matrix) == pytest.approx(sklearn("f1", "weighted"))
    everything = reference.confusion_matrix(truth, predicted, labels=[*CLASSES, "other"])
    np.testing.assert_array_equal(matrix, everything[:3])


@pytest.mark.parametrize(("precision", "recall", "f1"), TABLE_5)
def test_harmonic_mean_gives_f1_of_table_5(precision: float, recall: float, f1: float) -> None:
    assert classification.harmonic_mean(precision, recall) == pytest.approx(f1, abs=1e-4)


@pytest.mark.parametrize(
    ("matrix", "precision", "recall", "f1", "mean_of_f1"),
    [(CAS_ME_2, 0.6667, 0.6667, 0.6667, 0.5794), (SAMM_LV, 0.5882, 0.4762, 0.5263, 0.5018)],
)
def test_f1_of_macros_is_not_uf1(
    matrix: list[list[int]], precision: float, recall: float, f1: float, mean_of_f1: float
) -> None:
    assert classification.macro_precision(matrix) == pytest.approx(precision, abs=5e-5)
    assert classification.macro_recall(matrix) == pytest.approx(recall, abs=5e-5)
    assert classification.f1_of_macros(matrix) == pytest.approx(f1, abs=5e-5)
    assert classification.uf1(matrix) == pytest.approx(mean_of_f1, abs=5e-5)


def test_class_f1_of_a_class_without_samples_is_zero() -> None:
    matrix = confusion_matrix(["positive"], ["positive"], CLASSES)
    assert classification.class_f1(matrix).tolist() == [0, 1, 0]
    assert (
        classification.uf1(matrix)
        == classification.uar(matrix)
        == classification.macro_precision(matrix)
        == pytest.approx(1 / 3)
    )


def test_classification_scores_take_leading_axes() -> None:
    both = np.array([CAS_ME_2, SAMM_LV])
    for function in (
        classification.accuracy,
        classification.macro_precision,
        classification.macro_recall,
        classification.f1_of_macros,
        classification.uf1,
        classification.weighted_f1,
    ):
        assert function(both).tolist() == [float(function(CAS_ME_2)), float(function(SAMM_LV))]


def test_confusion_matrices_sum_to_confusion_matrix() -> None:
    truth, predicted = ["negative", "positive", "positive", "awe"], ["positive", "positive", None, "positive"]
    parts = classification.confusion_matrices(truth, predicted, np.array([0, 2, 2, 1]), 3, CLASSES)
    np.testing.assert_array_equal(parts.sum(axis=0), confusion_matrix(truth, predicted, CLASSES))
    assert parts.sum(axis=(1, 2)).tolist() == [1, 0, 2]
