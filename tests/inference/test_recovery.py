"""Counts of recovered injections, their intervals and sentences."""

from math import inf

import numpy as np
import pytest
from scipy.stats import binomtest

from mebench.core import Prediction, Timing
from mebench.core.peaks import ScoreCurve
from mebench.features.injection import Injection
from mebench.inference.predict import Answer
from mebench.inference.recovery import (
    Alarms,
    Recovery,
    Share,
    Trial,
    copies_for,
    count_alarms,
    is_found,
    strength_of_half,
)


def trial(found, strength=8.0, activity="still", before=False):
    return Trial(Injection("4", None, strength, 30, 34, 40, activity), found, before)


@pytest.mark.parametrize(("found", "of"), [(0, 22), (17, 40), (5, 5), (1, 3)])
def test_Share_has_the_interval_of_wilson(found, of):
    expected = binomtest(found, of).proportion_ci(0.95, "wilson")
    assert Share(found, of).interval == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_Share_of_nothing_says_nothing():
    assert Share(0, 0).interval == (0.0, 1.0)


@pytest.mark.parametrize(
    ("strengths", "found", "expected"),
    [
        ([1, 1, 4, 4], [0, 0, 1, 1], 2.0),
        ([1, 2, 4, 8], [0, 0, 0, 0], inf),
        ([4, 4, 8, 8], [1, 1, 1, 1], 4.0),
        ([2, 4, 4, 8], [1, 0, 1, 1], 3.0),
    ],
)
def test_strength_of_half_crosses_where_a_rising_share_does(strengths, found, expected):
    value = strength_of_half(np.array(strengths, float), np.array(found, float))
    assert value == pytest.approx(expected, rel=0.5 if expected == 3.0 else 1e-9)


def test_is_found_takes_a_peak_inside_with_a_frame_of_grace():
    one = Injection("4", None, 8.0, 30, 34, 40)
    peaks = {apex: is_found(one, [Prediction("v", "micro", 0, apex, 99, 0.5)]) for apex in (28, 29, 35, 41, 42)}
    assert peaks == {28: False, 29: True, 35: True, 41: True, 42: False}
    assert not is_found(one, [Prediction("v", "macro", 0, 35, 99, 0.5)])


def made(trials, shams=()):
    alarms = {"still": Alarms(1, 20.0), "speech": Alarms(0, 30.0), "turning": Alarms(0, 0.0)}
    return Recovery(tuple(trials), tuple(shams), alarms, 2)


def test_Recovery_says_what_was_found_where():
    trials = [trial(n < 17, 8.0, "still", before=n < 4) for n in range(18)] + [trial(False, 16.0, "speech")] * 22
    words = made(trials, [trial(False)] * 6).describe()
    assert words[0].startswith("40 micro-expressions of 8 to 16 % of the distance between the eyes")
    assert "17 [29, 58 %] were found, and at 4 of these places something is spotted without them" in words[0]
    assert words[2].startswith(
        "while the person speaks 0 of 22 [0, 15 %] were found, at 0 of them something is spotted"
    )
    assert words[2].endswith("in 30.0 s of the untouched film 0 intervals")
    assert words[-1].endswith("nothing is there: at 0 [0, 39 %] of them something is spotted")


def test_Recovery_finds_half_between_two_strengths():
    trials = [trial(False, 2.0)] * 10 + [trial(True, 8.0)] * 10
    half, low, high = made(trials).half()
    assert half == pytest.approx(4.0)
    assert low <= half <= high
    assert "half are found from 4.0 %" in " ".join(made(trials).describe())
    assert "even at 8 % fewer than half" in " ".join(made([trial(False, 8.0)] * 10).describe())


def test_Recovery_counts_a_weakened_strength_with_the_step_below():
    curve = made([trial(True, 16.0), trial(False, 13.0), trial(True, 8.0)]).curve()
    assert [(step, share.found, share.of) for step, share in curve] == [(8.0, 1, 2), (16.0, 1, 1)]


def test_Recovery_of_nothing_says_so():
    assert "nothing could be put into this film" in made([]).describe()[0]
    assert made([]).plain()["found"] == {"found": 0, "of": 0, "interval": [0.0, 1.0]}


def test_Recovery_plain_has_every_injection():
    plain = made([trial(True), trial(False, 2.0, "speech", before=True)]).plain()
    assert [one["found"] for one in plain["injections"]] == [True, False]
    assert plain["activities"]["speech"]["before"]["found"] == 1
    assert plain["half_percent"][0] is not None


def test_copies_for_short_films_are_more():
    assert [copies_for(seconds) for seconds in (3.0, 30.0, 88.0, 600.0)] == [10, 3, 1, 1]


def test_count_alarms_goes_by_what_the_person_does():
    peaks = [Prediction("v", "micro", n, n, n, 0.5) for n in (10, 60, 65, 90)]
    curves = {"micro": ScoreCurve(np.zeros(100))}
    answer = Answer(peaks, curves, Timing(25.0, 3, {"micro": 5}), unseen=((80, 99),), activities=((50, 79, "speech"),))
    alarms = count_alarms(answer, 25.0)
    assert alarms["still"] == Alarms(1, 2.0)
    assert alarms["speech"] == Alarms(2, 1.2)
    assert alarms["turning"] == Alarms(0, 0.0)
