"""What is said about a comparison; the printed whole is in tests/cli/test_compare.py."""

from dataclasses import replace

import pytest

from mebench.metrics.comparison import ComparedScore, Comparison
from mebench.report.compare_table import conclusions


def score(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


ROW = ComparedScore(
    first=score(0.4, 0.3, 0.5),
    second=score(0.2, 0.1, 0.3),
    difference=score(0.2, 0.1, 0.3),
    p=0.01,
    p_holm=0.01,
    wilcoxon_n=9,
    wilcoxon_p=0.02,
    rank_biserial=0.7,
    detectable=0.15,
    subjects=9,
    skipped=0,
    same=False,
)


def said(path, **changes):
    comparison = Comparison("strict", 9, "jackknife", 1000, 256, True, {path: replace(ROW, **changes)}, None)
    return conclusions(comparison)[0]


def test_the_higher_share_is_better_and_the_lower_error():
    assert said("spotting.micro.f1") == "spotting, micro: F1: A is better than B (0.4000 against 0.2000; p = 0.0100)."
    assert "B is better than A" in said("spotting.micro.f1", difference=score(-0.2))
    assert "B is better than A (0.4 against 0.2" in said("spotting.micro.apex_mae_ms")
    assert "B is better than A" in said("spotting.micro.details.ece")
    assert "B is better than A" in said("spotting.micro.details.fpr")
    assert "A is better than B" in said("spotting.micro.details.tpr")


def test_a_bias_is_higher_but_nobody_is_better():
    assert "that of A is higher (0.4 against 0.2" in said("spotting.micro.details.onset_bias_ms")


def test_without_a_difference_it_says_what_could_have_been_seen():
    sentence = said("analysis.strs", p=0.2, p_holm=0.4)
    assert "no difference is shown (A - B = 0.2000; p = 0.2000)" in sentence
    assert "with these 9 subjects, one test alone finds a true difference of 0.1500 in 4 of 5 cases" in sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"same": True}, "nothing that this score sees differs"),
        ({"difference": score(None), "p": None, "p_holm": None}, "undefined for at least one of the runs"),
        ({"p": 0.00001, "p_holm": 0.00001}, "p < 0.0001"),
    ],
)
def test_corners(changes, words):
    assert words in said("recognition.uf1", **changes)
