"""A sweep over degradations as table and figure."""

import pytest

from mebench.inference import robustness_page
from mebench.reports.findings import Floor
from mebench.score_type import Score

PATH = "spotting.micro.f1"


def row(kind, strength, value):
    score = {"value": value, "low": value - 0.1, "high": value + 0.1}
    lost = {"value": value - 0.6, "low": value - 0.7, "high": value - 0.5}
    scores = {PATH: {"score": score, "difference": lost, "drop": (0.6 - value) / 0.6}}
    return {"kind": kind, "strength": strength, "error": None, "scores": scores}


ROWS = [
    *(row("blur", strength, 0.6 - 0.1 * strength) for strength in range(3)),
    *(row("jpeg", strength, 0.6) for strength in range(3)),
    {"kind": "h264", "strength": 3, "error": "none of the 3 videos shows a face"},
    {"kind": "mirror", "strength": 3, "error": None, "violations": {"n": 3, "of": 40}},
]


def test_robustness_figure_has_curve_for_each_kind():
    axes = robustness_page.draw_robustness(ROWS, PATH).axes
    visible = [one for one in axes if one.get_visible()]
    assert [one.get_title("left") for one in visible] == ["blur", "jpeg"]
    curve, *intervals = axes[0].lines
    assert curve.get_xydata().round(2).tolist() == [[0, 0.6], [1, 0.5], [2, 0.4]]
    assert [line.get_ydata()[0] for line in intervals] == pytest.approx([0.5, 0.4, 0.3])


def test_robustness_tables_of_scores_and_relations():
    scores, relations = robustness_page.tables_of_robustness(ROWS)
    assert len(scores.rows) == 6
    assert "33.3 %" in scores.to_markdown()
    assert "[0.3000, 0.5000]" in scores.to_markdown()
    assert relations.plain() == [
        {"relation": "mirror", "change": "left and right change places", "violations": 3, "of": 40}
    ]
    assert [table.title for table in robustness_page.tables_of_robustness(ROWS[:2])] == ["scores on degraded videos"]


def test_losses_of_score_puts_the_greatest_first():
    """At strength 1 the interval of the difference ends at 0, at 2 it lies below."""
    blur, jpeg = robustness_page.losses_of_score(ROWS, PATH)
    assert (blur.kind, blur.strength, blur.falls_from) == ("blur", 2, 2)
    assert (jpeg.kind, jpeg.falls_from) == ("jpeg", None)


@pytest.mark.parametrize(
    ("rows", "level", "sentence"),
    [
        (
            ROWS,
            0.1,
            "Spotting, micro: F1 falls under 1 of 2 degradations, furthest under blur at strength 2: to 0.400, "
            "0.200 [0.100, 0.300] below the clean run.",
        ),
        (ROWS, 0.35, "below the clean run; that is not above the 0.350 of random intervals."),
        (ROWS[3:6], 0.1, "none of 1 degradation is shown to lower it; each interval of a difference reaches 0."),
        ([], None, "no degradation could be compared"),
    ],
)
def test_describe_losses_claims_what_intervals_show(rows, level, sentence):
    floor = Floor("random intervals", {"f1": Score(level)}) if level else None
    losses = robustness_page.losses_of_score(rows, PATH)
    assert sentence in robustness_page.describe_losses(robustness_page.ScoreOnPage(PATH, floor, losses))
