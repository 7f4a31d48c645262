"""The rate of what was spotted beside that of the model, in numbers and words."""

import numpy as np
import pytest
from scipy.stats import gamma

from mebench.core import Prediction, Timing, Video
from mebench.inference.models import included_models, read_model
from mebench.inference.predict import Answer, ScoreCurve
from mebench.reports import spotted
from mebench.reports.alarm_rates import AlarmRate, are_of_drawings, own_rates_of, rates_of_summary


def test_AlarmRate_counts_by_the_minute():
    rate = AlarmRate("micro", 6, 30.0, 4.0)
    assert rate.per_minute == 12
    assert rate.expected_false == pytest.approx(2 / 6)
    assert not rate.is_unlike
    assert "about 33 % of these are expected to be false" in rate.describe()


@pytest.mark.parametrize(
    ("count", "seconds", "own", "unlike"),
    [
        (22, 60.0, 4.0, True),
        (19, 60.0, 4.0, False),
        (1, 2.0, 1.0, False),
        (2, 2.0, 0.0, False),
        (3, 2.0, 1.0, True),
        (3, 60.0, 0.0, True),
        (3, 0.0, 1.0, False),
    ],
)
def test_AlarmRate_is_unlike_where_its_whole_interval_is(count, seconds, own, unlike):
    """The lower end of an exact interval is a quantile of a gamma distribution."""
    rate = AlarmRate("micro", count, seconds, own)
    lowest = 60 * gamma.ppf(0.025, count) / seconds if seconds else 0.0
    assert rate.is_unlike == unlike == (count >= 3 and lowest > 3 * own)
    assert ("nearly all are false" in rate.describe()) == unlike


def test_AlarmRate_says_how_wide_its_interval_is():
    assert "1 micro-expression in 2.0 s, 30.0 [0.8, 167.1] a minute" in AlarmRate("micro", 1, 2.0, 1.0).describe()
    assert AlarmRate("micro", 1, 2.0, 1.0).plain()["per_minute_interval"] == [0.7595, 167.1493]
    assert "0 micro-expressions, no face is in sight" in AlarmRate("micro", 0, 0.0, 1.0).describe()


def test_AlarmRate_without_own_rate_promises_nothing():
    rate = AlarmRate("micro", 6, 30.0, None)
    assert rate.expected_false is None
    assert not rate.is_unlike
    assert "is not known" in rate.describe()


def test_own_rates_of_included_models_are_those_of_their_cards():
    for file, header in included_models().items():
        model = read_model(file)
        without = [value for path, value in header.scores.items() if path.startswith("quiet.micro.")]
        assert own_rates_of([model])["micro"] == max([*without, header.scores["spotting.micro.fp_per_minute_without"]])
        assert are_of_drawings([model])


def test_rates_of_summary_are_false_positives_of_its_tests():
    summary = {"spotting": {"micro": {"scores": {"fp_per_minute": {"value": 3.5, "low": 1.0, "high": 6.0}}}}}
    assert rates_of_summary(summary) == {"micro": 3.5}
    assert rates_of_summary({}) == {}


def test_page_folds_the_table_of_a_film_with_too_many_alarms(tmp_path):
    found = [Prediction("v", "micro", n, n + 3, n + 7, 0.5, emotion="disgust") for n in range(0, 200, 10)]
    answer = Answer(found, {"micro": ScoreCurve(np.zeros(250))}, Timing(25.0, 3, {"micro": 5}))
    pages = {}
    for own in (60.0, 4.0):
        rates = (AlarmRate("micro", len(found), 10.0, own),)
        face = spotted.SpottedVideo(
            "v", "", tmp_path, Video("d", "s", "v", 25, 250), np.arange(250) / 25, answer, (), rates
        )
        pages[own] = spotted.SpottedVideos("m", (face,), drawn=True).make_page()
    assert "<details>" not in pages[60.0]
    assert "nearly all are false" in pages[4.0].split("<details>")[0]
    assert "emotion, learnt from drawings" in pages[4.0]
