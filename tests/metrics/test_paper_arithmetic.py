"""The tables of MEAN (Liong, See and Chan 2023), recomputed from their own counts."""

from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from mebench.metrics import classification, confusion_matrix, emotions
from mebench.metrics.emotions import acc_mesr
from mebench.metrics.spotting_scores import precision_recall_f1


@dataclass
class Column:
    """A dataset in Table 5: totals, counts and scores of spotting and of the analysis of its true positives."""

    name: str
    truths: int
    spotting: tuple[int, int, int]
    spotting_scores: tuple[float, float, float]
    analysis: tuple[int, int, int]
    analysis_scores: tuple[float, float, float]
    uf1: float
    uar: float
    strs: float


TABLE_5 = [
    Column(
        "CASME II",
        244,
        (159, 85, 85),
        (0.6516, 0.6516, 0.6516),
        (96, 63, 63),
        (0.5983, 0.5872, 0.5927),
        0.6755,
        0.5872,
        0.3862,
    ),
    Column(
        "SMIC-E-HS",
        157,
        (60, 97, 97),
        (0.3822, 0.3822, 0.3822),
        (31, 29, 29),
        (0.5076, 0.5224, 0.5149),
        0.5000,
        0.5224,
        0.1968,
    ),
    Column(
        "SMIC-E-VIS",
        71,
        (31, 40, 40),
        (0.4366, 0.4366, 0.4366),
        (24, 7, 7),
        (0.7492, 0.7447, 0.7470),
        0.7425,
        0.7447,
        0.3261,
    ),
    Column(
        "SMIC-E-NIR",
        71,
        (22, 49, 49),
        (0.3099, 0.3099, 0.3099),
        (16, 6, 6),
        (0.6667, 0.6667, 0.6667),
        0.6667,
        0.6667,
        0.2066,
    ),
    Column(
        "CAS(ME)^2",
        57,
        (17, 206, 40),
        (0.0762, 0.2982, 0.1214),
        (4, 3, 3),
        (0.6667, 0.6667, 0.6667),
        0.5794,
        0.6667,
        0.0809,
    ),
    Column(
        "SAMMLV",
        159,
        (26, 363, 133),
        (0.0668, 0.1635, 0.0949),
        (14, 5, 5),
        (0.5882, 0.4762, 0.5263),
        0.5018,
        0.4762,
        0.0499,
    ),
]
# F1 of analysis in Table 8, of the interval that the paper chose (case 1); the rows of Table 5 again.
TABLE_8_CASE_1 = [0.5927, 0.5149, 0.7470, 0.6667, 0.6667, 0.5263]
# True positives on CASME II by emotion, counted from the authors' published predictions: disgust, happiness, others,
# repression, surprise.
CASME_2 = [[18, 2, 23, 0, 0, 0], [0, 8, 3, 1, 0, 0], [8, 6, 49, 4, 1, 0], [2, 3, 8, 4, 0, 0], [0, 0, 1, 1, 17, 0]]

columns = pytest.mark.parametrize("column", TABLE_5, ids=lambda column: column.name)


@columns
def test_precision_recall_f1_gives_columns_of_table_5(column: Column) -> None:
    tp, fp, fn = column.spotting
    assert tp + fn == column.truths
    precision, recall, f1 = precision_recall_f1(tp, fp, fn)
    assert (precision, recall, f1) == pytest.approx(column.spotting_scores, abs=5.1e-5)
    p, r, f1_a = column.analysis_scores
    assert classification.harmonic_mean(p, r) == pytest.approx(f1_a, abs=1e-4)
    assert column.uar == r
    # The paper multiplies the rounded scores.
    assert emotions.strs(round(f1, 4), f1_a) == pytest.approx(column.strs, abs=5.1e-5)
    assert sum(column.analysis[:2]) == sum(column.analysis[::2]) <= tp


@pytest.mark.parametrize(("column", "f1_a"), list(zip(TABLE_5, TABLE_8_CASE_1)), ids=lambda x: getattr(x, "name", x))
def test_table_8_repeats_table_5(column: Column, f1_a: float) -> None:
    assert column.analysis_scores[2] == f1_a


def test_classification_gives_casme2_column_but_uf1() -> None:
    column = TABLE_5[0]
    assert sum(map(sum, CASME_2)) == column.spotting[0]
    assert classification.accuracy(CASME_2) == 96 / 159
    scores = (
        classification.macro_precision(CASME_2),
        classification.macro_recall(CASME_2),
        classification.f1_of_macros(CASME_2),
    )
    assert scores == pytest.approx(column.analysis_scores, abs=5e-5)
    assert classification.uar(CASME_2) == pytest.approx(column.uar, abs=5e-5)
    assert classification.uf1(CASME_2) == pytest.approx(0.5766, abs=5e-5)
    # The released code takes the classes one by one, and agrees.
    legacy = classification.one_vs_rest(CASME_2, "dropped", "recall")
    assert legacy["uf1"] == classification.uf1(CASME_2)
    assert legacy["f1"] == classification.f1_of_macros(CASME_2)
    assert classification.one_vs_rest(CASME_2, "zero", "precision")["uar"] == classification.macro_precision(CASME_2)


labels = st.sampled_from("abc")


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=20))
def test_uf1_is_at_most_mean_of_macro_precision_and_recall(pairs: list[tuple[str, str]]) -> None:
    matrix = confusion_matrix(*zip(*pairs), "abc")
    assert (
        classification.uf1(matrix)
        <= (classification.macro_precision(matrix) + classification.macro_recall(matrix)) / 2 + 1e-12
    )


def test_table_5_uf1_of_casme2_alone_is_impossible() -> None:
    beyond = [c.name for c in TABLE_5 if c.uf1 > sum(c.analysis_scores[:2]) / 2 + 1e-4]
    assert beyond == ["CASME II"]


def test_acc_mesr_is_a_product_of_rates() -> None:
    assert acc_mesr(31 / 71, 24 / 31) == pytest.approx(24 / 71)
