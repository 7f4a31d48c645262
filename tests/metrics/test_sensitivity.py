"""Which rule moves a number most, on an example small enough to see it."""

import pytest

from mebench.metrics import summary
from mebench.metrics.summary import summarize
from tests.helpers.plain_rules import rows, tables

A, B = "d/1/a", "d/2/b"


@pytest.mark.parametrize(
    ("spotted", "rule"),
    [
        # 5 frames of 10: an IoU of a half, which half-open ends make 4 of 9; a strict bound loses it as well.
        ([rows(A, [(0, 4)])], "ends=half_open moves F1 of micro most, from 1.0000 to 0.0000"),
        (
            [rows(A, [(0, 9)]), rows(B, [(50, 59)] * 3)],
            "videos=with_truth moves F1 of micro most, from 0.4000 to 1.0000",
        ),
        ([rows(A, [(50, 59)])], "no rule of strict by itself moves F1 of micro"),
    ],
)
def test_strongest_rules_names_the_rule_that_moves_most(spotted, rule):
    run = tables([rows(A, [(0, 9)])], spotted, [A, B])

    def under(convention, draws):
        return summarize(run, kinds=["micro"], classes=[], seed=0, convention=convention, draws=draws)

    found = summary.scores_by_rule(under, "strict")
    assert (
        found["strict"]["micro"]["f1"]
        == summarize(run, kinds=["micro"], classes=[], seed=0)["spotting"]["micro"]["scores"]["f1"]["value"]
    )
    assert any(rule in sentence for sentence in summary.strongest_rules(found, "strict")), summary.strongest_rules(
        found, "strict"
    )
