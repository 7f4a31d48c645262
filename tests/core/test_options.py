"""What parameters are checked for."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.core.options import check_ranges
from mebench.errors import ConfigError

INSIDE = {
    "at_least_one": lambda x: x >= 1,
    "positive": lambda x: x > 0,
    "not_negative": lambda x: x >= 0,
    "shares": lambda x: 0 <= x <= 1,
    "below_one": lambda x: 0 <= x < 1,
}


@dataclass(frozen=True)
class Params:
    first: float | None
    second: float | None = None


@pytest.mark.parametrize("kind", INSIDE)
@given(value=st.floats() | st.sampled_from([-1, 0, 1, 1.0, float("nan")]))
def test_a_number_outside_of_its_range_is_named_and_null_is_none(kind, value):
    check_ranges(Params(None), **{kind: ("first", "second")})
    if INSIDE[kind](value):
        check_ranges(Params(value), **{kind: ("first", "second")})
    else:
        with pytest.raises(ConfigError, match=rf"method\.second must .*, not {re.escape(str(value))}"):
            check_ranges(Params(None, value), **{kind: ("first", "second")})


def test_the_words_say_what_is_expected():
    told = []
    for kind in INSIDE:
        with pytest.raises(ConfigError) as error:
            check_ranges(Params(-0.5), **{kind: ("first",)})
        told.append(str(error.value))
    assert told == [
        f"method.first must {words}, not -0.5"
        for words in ("be at least 1", "be positive", "not be negative", "be in [0, 1]", "be in [0, 1)")
    ]
