"""What parameters are checked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest
from hypothesis import given, strategies as st

from mebench.core import Step, options
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
def test_check_ranges_names_values_outside_and_takes_None(kind, value):
    options.check_ranges(Params(None), **{kind: ("first", "second")})
    if INSIDE[kind](value):
        options.check_ranges(Params(value), **{kind: ("first", "second")})
    else:
        with pytest.raises(ConfigError, match=rf"method\.second must .*, not {re.escape(str(value))}"):
            options.check_ranges(Params(None, value), **{kind: ("first", "second")})


def test_check_ranges_says_what_is_expected():
    messages = []
    for kind in INSIDE:
        with pytest.raises(ConfigError) as error:
            options.check_ranges(Params(-0.5), **{kind: ("first",)})
        messages.append(str(error.value))
    assert messages == [
        f"method.first must {words}, not -0.5"
        for words in ("be at least 1", "be positive", "not be negative", "be in [0, 1]", "be in [0, 1)")
    ]


@dataclass(frozen=True)
class Words:
    where: Literal["brow", "mouth"] = "brow"
    weight: Literal["balanced"] | None = None
    case: Literal[1, 2] = 1
    other: str | None = "anything"
    kinds: ClassVar[Literal["no field"]] = "no field"


@dataclass(frozen=True)
class Blur(Step):
    least: ClassVar[Mapping[str, int]] = {"radius": 1, "frames": 0}

    over: Literal["space", "time"] = "space"
    radius: int = 1
    frames: int | None = None


def test_check_choices_takes_values_of_the_literal():
    for words in (Words(), Words("mouth", "balanced", 2, None), Words(other="nothing"), Blur("time")):
        options.check_choices(words)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Words("mout"), "unknown method.where 'mout'. Did you mean 'mouth'? Known: brow, mouth."),
        (Words(None), "unknown method.where 'None'. Known: brow, mouth."),
        (Words(weight="balance"), "unknown method.weight 'balance'. Did you mean 'balanced'? Known: balanced, null."),
        (Words(case=3), "unknown method.case '3'. Known: 1, 2."),
    ],
)
def test_check_choices_names_other_values(wrong, message):
    with pytest.raises(ConfigError) as refused:
        options.check_choices(wrong)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"over": "tyme"}, "unknown over of Blur 'tyme'. Did you mean 'time'? Known: space, time."),
        ({"radius": 0}, "radius of Blur must be a whole number of at least 1, not 0"),
        ({"radius": 1.0}, "radius of Blur must be a whole number of at least 1, not 1.0"),
        ({"radius": True}, "radius of Blur must be a whole number of at least 1, not True"),
        ({"frames": -1}, "frames of Blur must be a whole number of at least 0, not -1"),
    ],
)
def test_Step_checks_options_when_made(wrong, message):
    with pytest.raises(ConfigError) as refused:
        Blur(**wrong)
    assert str(refused.value) == message
