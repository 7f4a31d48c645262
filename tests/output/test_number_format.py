"""How scores and their intervals are written."""

from dataclasses import replace

import pytest

from mebench.output.number_format import (
    format_ends,
    format_interval,
    format_mean_count,
    format_number,
    format_score,
    format_table_number,
)
from mebench.score_type import Score

ALL = Score(0.5, 0.25, 0.75)
NO_ENDS = Score(0.5)
NOTHING = Score()


def test_interval_untrusted_is_stroke_and_unasked_is_empty():
    assert format_interval(ALL) == "[0.2500, 0.7500]"
    assert format_interval(NO_ENDS) == ""
    assert format_interval(replace(NO_ENDS, reason="one subject")) == "-"
    assert format_ends(replace(NO_ENDS, reason="one subject")) == ""
    assert format_ends(ALL) == "[0.250, 0.750]"


def test_format_score_puts_score_before_interval():
    assert [format_score(score, 2) for score in (ALL, NO_ENDS, NOTHING)] == ["0.50 [0.25, 0.75]", "0.50", "–"]
    assert format_score(replace(NO_ENDS, reason="one subject"), 2) == "0.50"


@pytest.mark.parametrize(("value", "text"), [(0.0, "+0.000"), (-0.5, "-0.500"), (12.3456, "+12.346"), (None, "-")])
def test_format_number_of_difference_has_sign(value, text):
    assert format_number(value, 3, sign="+") == text


def test_interval_ends_from_ten_have_one_digit():
    assert format_ends(Score(12.0, 9.5, 14.25)) == "[9.500, 14.2]"
    assert format_table_number(-10.0) == "-10.0"


def test_format_mean_count_has_digits():
    assert [format_mean_count(7.0), format_mean_count(7.25), format_mean_count(7.25, 2)] == ["7", "7.2", "7.25"]
