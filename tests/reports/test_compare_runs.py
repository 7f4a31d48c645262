"""Conclusions of a comparison; the printed whole is in tests/cli/test_compare.py."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from mebench.metrics import RunComparison
from mebench.metrics.compared_tables import ComparedScore, compare_tables
from mebench.reports import compare_runs
from mebench.score_type import Score
from tests.helpers.plain_rules import rows, tables

ROW = ComparedScore(
    first=Score(0.4, 0.3, 0.5),
    second=Score(0.2, 0.1, 0.3),
    difference=Score(0.2, 0.1, 0.3),
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


def conclusion_on(path, **changes):
    comparison = RunComparison("strict", 9, "jackknife", 1000, 256, True, {path: replace(ROW, **changes)}, None)
    return compare_runs.draw_conclusions(comparison)[0]


def test_draw_conclusions_follow_direction_of_metric():
    assert (
        conclusion_on("spotting.micro.f1")
        == "spotting, micro: F1: A is better than B (0.4000 against 0.2000; p = 0.0100)."
    )
    assert "B is better than A" in conclusion_on("spotting.micro.f1", difference=Score(-0.2))
    assert "B is better than A (0.4 against 0.2" in conclusion_on("spotting.micro.apex_mae_ms")
    assert "B is better than A" in conclusion_on("spotting.micro.details.ece")
    assert "B is better than A" in conclusion_on("spotting.micro.details.fpr")
    assert "A is better than B" in conclusion_on("spotting.micro.details.tpr")


def test_draw_conclusions_prefer_fewer_false_positives():
    """Of 8 subjects, each with a false positive in the first run alone."""
    names = [f"d/{n}/a" for n in range(8)]
    right = [rows(name, [(10, 20)]) for name in names]
    wrong = [rows(name, [(10, 20), (500, 600)]) for name in names]
    runs = (tables(right, spotted, names) for spotted in (wrong, right))
    found = compare_tables(*runs, kinds=["micro"], classes=[], convention="li2017", metrics=["fpr"])
    (sentence,) = compare_runs.draw_conclusions(found)
    share = 101 / (3000 - 11)  # frames of the wrong interval, of those outside the truth
    assert f"false positive rate, frames: B is better than A ({share:.4f} against 0.0000; p = 0.0078)" in sentence


def test_draw_conclusions_rank_no_bias():
    assert "that of A is higher (0.4 against 0.2" in conclusion_on("spotting.micro.details.onset_bias_ms")


def test_draw_conclusions_state_detectable_difference():
    sentence = conclusion_on("analysis.strs", p=0.2, p_holm=0.4)
    assert "no difference is shown (A - B = 0.2000; p = 0.2000)" in sentence
    assert "with these 9 subjects, one test alone finds a true difference of 0.1500 in 4 of 5 cases" in sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"same": True}, "it is the same for A and B, however the subjects are exchanged"),
        ({"difference": Score(None), "p": None, "p_holm": None}, "undefined for A or B"),
        ({"p": 0.00001, "p_holm": 0.00001}, "p < 0.0001"),
        ({"p": 0.049, "p_holm": 0.049}, "A is better than B"),
        ({"p": 0.05, "p_holm": 0.05}, "no difference is shown"),  # significant is below 5 %
    ],
)
def test_draw_conclusions_of_undefined_and_equal_scores(changes, words):
    assert words in conclusion_on("recognition.uf1", **changes)


def noted(subjects, *paths, data=("", ""), code=("", "")):
    """The remarks on two runs with all exchanges of so many subjects, on so many scores."""
    two = [
        SimpleNamespace(
            record=SimpleNamespace(
                data=words,
                key=words,
                identity=name,
                seed=0,
                about={"remark": ""},
                versions={"method_plugin": code_of_method, "dataset_plugin": "d"},
                plugins={"method": ["mine"], "dataset": ["lab"]},
            ),
            tasks=["spot"],
            kinds=["micro"],
            tables=SimpleNamespace(predictions=None),
            of_study=False,
            others=(),
        )
        for name, words, code_of_method in zip("AB", data, code)
    ]
    rows = dict.fromkeys(paths, replace(ROW, subjects=subjects))
    comparison = RunComparison("strict", subjects, "jackknife", 1000, 2 ** (subjects - 1), True, rows, None)
    return compare_runs.remarks_on_comparison(comparison, *two, SimpleNamespace(describe=lambda: "strict"))


def test_remarks_on_comparison_name_too_few_subjects():
    """The least p is one of 2^(n-1) exchanges, and Holm multiplies it by the number of scores."""
    one, two = "spotting.micro.f1", "spotting.micro.recall"
    assert "with 5 subjects no p can be below 0.0625: they are too few to show any difference, however large" in noted(
        5, one
    )
    assert not any("too few" in line for line in noted(6, one))  # 1 of 32
    (line,) = (line for line in noted(6, one, two) if "too few" in line)  # 2 of 32
    assert line.startswith("with 6 subjects no p can be below 0.0312; corrected for 2 tests 0.0625:")


def test_draw_conclusions_limit_difference_of_shares():
    """An error of milliseconds may."""
    unlike = {"p": 0.2, "p_holm": 0.2, "detectable": 2.2448}
    assert conclusion_on("spotting.micro.f1", **unlike).endswith(
        "one test alone finds no true difference in 4 of 5 cases, however large."
    )
    assert "finds a true difference of 2.2 in 4 of 5 cases" in conclusion_on("spotting.micro.apex_mae_ms", **unlike)


def test_remarks_on_comparison_name_other_dataset_settings():
    lines = noted(9, "spotting.micro.f1", data=("", "size=96"))
    assert any(line.startswith("the settings of the dataset differ (A: the defaults; B: size=96)") for line in lines)
    assert not any("differ (A" in line for line in noted(9, "spotting.micro.f1", data=("size=96", "size=96")))


def test_remarks_on_comparison_name_other_code():
    lines = noted(9, "spotting.micro.f1", code=("14edf359c0", "a4f081b5aa"))
    assert "the code of the method differs (A: 14edf359; B: a4f081b5)" in lines
    assert not any("the code of" in line for line in noted(9, "spotting.micro.f1"))


def test_table_of_tests_has_dash_without_p():
    undefined = replace(ROW, p=None, p_holm=None, wilcoxon_p=None, wilcoxon_n=0)
    rows = {"spotting.micro.f1": replace(ROW, p_holm=0.03), "spotting.micro.recall": undefined}
    table = compare_runs.table_of_tests(RunComparison("strict", 9, "jackknife", 1000, 256, True, rows, None))
    cells = list(zip(*(list(column.cells) for column in table.to_terminal().columns)))
    assert [row[1:5] for row in cells] == [("0.0100", "0.0300", "0.0200", "9"), ("-", "-", "-", "0")]
