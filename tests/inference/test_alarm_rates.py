"""The rate of what was spotted beside that of the model, in numbers and words."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import gamma

from mebench.core import Prediction, Timing, Video
from mebench.core.peaks import ScoreCurve
from mebench.inference import spotted
from mebench.inference.alarm_rates import (
    AlarmRate,
    KnownRate,
    are_of_drawings,
    counted_rate,
    known_rates_of,
    rates_of_summary,
    real_rate_on_card,
)
from mebench.inference.models import included_models, read_model
from mebench.inference.predict import Answer

DRAWN = KnownRate("drawn", "drawn films without expressions", 1.0)
REAL = counted_rate("real", "130 s of real people's films", 5, 130.0)


def test_AlarmRate_counts_by_the_minute():
    rate = AlarmRate("micro", 6, 30.0, (DRAWN, REAL))
    assert rate.per_minute == 12
    assert (
        "6 micro-expressions in 30.0 s, 12.0 [4.4, 26.1] a minute. This model gives up to 1.0 a minute in drawn"
        in rate.describe()
    )
    assert "2.3 [0.7, 5.4] a minute in 130 s of real people's films" in rate.describe()


@pytest.mark.parametrize("seconds", [2.0, 12.4, 60.0, 600.0])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("known", [(), (DRAWN,), (DRAWN, REAL)])
def test_AlarmRate_takes_no_share_from_other_films(count, seconds, known):
    """Otherwise the intervals of a film would look the truer, the more there are."""
    rate = AlarmRate("micro", count, seconds, known)
    assert rate.expected_false is None
    assert rate.plain()["expected_false"] is None
    assert "%" not in rate.describe()
    assert "nearly all" not in rate.describe()
    assert ("too short to say" in rate.describe()) == (count in (1, 2))


@pytest.mark.parametrize(("count", "seconds"), [(3, 60.0), (10, 60.0), (10, 600.0)])
def test_AlarmRate_takes_a_share_from_the_same_person(count, seconds):
    """One alarm in 30 s of the person: by the quantiles of gamma distributions .05 to 11.14 a minute."""
    own = counted_rate("person", "30.0 s of this person in which nothing happened", 1, 30.0)
    rate = AlarmRate("micro", count, seconds, (own, DRAWN))
    expected = [min(1.0, 2 * end * seconds / 60 / count) for end in (gamma.ppf(0.025, 1), gamma.ppf(0.975, 2))]
    assert rate.expected_false == pytest.approx(expected)
    assert f"of which {100 * expected[0]:.0f} to {100 * expected[1]:.0f} % are expected to be false" in rate.describe()


@pytest.mark.parametrize("count", [1, 2])
def test_AlarmRate_of_few_intervals_has_no_share(count):
    own = counted_rate("person", "30.0 s of this person", 1, 30.0)
    rate = AlarmRate("micro", count, 10.0, (own,))
    assert rate.expected_false is None
    assert "too short to say" in rate.describe()


@pytest.mark.parametrize(
    ("count", "seconds", "highest", "unlike"),
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
def test_AlarmRate_is_unlike_where_its_whole_interval_is(count, seconds, highest, unlike):
    """The lower end of an exact interval is a quantile of a gamma distribution."""
    rate = AlarmRate("micro", count, seconds, (KnownRate("real", "films", highest / 2, (0.0, highest)),))
    lowest = 60 * gamma.ppf(0.025, count) / seconds if seconds else 0.0
    assert rate.is_unlike == unlike == (count >= 3 and lowest > 3 * highest)
    assert ("are unlike those films" in rate.describe()) == unlike


def test_AlarmRate_is_unlike_only_above_all_known_rates():
    assert AlarmRate("micro", 10, 30.0, (DRAWN,)).is_unlike
    assert not AlarmRate("micro", 10, 30.0, (DRAWN, REAL)).is_unlike


def test_AlarmRate_says_how_wide_its_interval_is():
    assert "1 micro-expression in 2.0 s, 30.0 [0.8, 167.1] a minute" in AlarmRate("micro", 1, 2.0, (DRAWN,)).describe()
    assert AlarmRate("micro", 1, 2.0, (DRAWN,)).plain()["per_minute_interval"] == [0.7595, 167.1493]
    assert "0 micro-expressions, no face is in sight" in AlarmRate("micro", 0, 0.0, (DRAWN,)).describe()


def test_AlarmRate_without_known_rates_promises_nothing():
    rate = AlarmRate("micro", 6, 30.0)
    assert not rate.is_unlike
    assert "is not known: --neutral" in rate.describe()


def test_counted_rate_has_an_exact_interval():
    assert REAL.per_minute == pytest.approx(60 * 5 / 130)
    assert REAL.interval == pytest.approx([60 * end / 130 for end in (gamma.ppf(0.025, 5), gamma.ppf(0.975, 6))])


def test_known_rates_of_included_models_are_those_of_their_cards():
    for file, header in included_models().items():
        model = read_model(file)
        without = [value for path, value in header.scores.items() if path.startswith("quiet.micro.")]
        drawn = known_rates_of([model])["micro"][0]
        assert drawn.world == "drawn"
        assert drawn.per_minute == max([*without, header.scores["spotting.micro.fp_per_minute_without"]])
        assert are_of_drawings([model])


def test_real_rate_on_card_counts_alarms_in_real_films():
    scores = {"real.micro.alarms": 5.0, "real.micro.seconds": 130.0, "quiet.micro.still": 0.0}
    rate = real_rate_on_card(scores, "micro")
    assert rate is not None
    assert (rate.world, rate.interval) == ("real", REAL.interval)
    assert real_rate_on_card(scores, "macro") is None


def test_real_rate_on_card_is_that_of_the_page():
    """`benchmarks/own_video.md` has them in each model's row of all films into which something was put."""
    page = (Path(__file__).parents[2] / "benchmarks" / "own_video.md").read_text("utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    rows = {cells[0]: cells[3] for cells in lines if len(cells) == 8 and cells[1] == "all"}
    for header in included_models().values():
        rate = real_rate_on_card(header.scores, "micro")
        low, high = rate.interval
        shown = rows[f"`{header.name}`"]
        assert shown == f"{rate.per_minute:.1f} [{low:.1f}, {high:.1f}]"
        assert f"- micro: {shown} alarms a minute in" in header.card


def test_rates_of_summary_are_false_positives_of_its_tests():
    summary = {"spotting": {"micro": {"scores": {"fp_per_minute": {"value": 3.5, "low": 1.0, "high": 6.0}}}}}
    rate = KnownRate("real", "the videos that this run tested", 3.5, (1.0, 6.0))
    assert rates_of_summary(summary, drawn=False) == {"micro": (rate,)}
    assert rates_of_summary(summary, drawn=True)["micro"][0].world == "drawn"
    assert rates_of_summary({}, drawn=False) == {}


def test_page_folds_the_table_of_a_film_with_too_many_alarms(tmp_path):
    found = [Prediction("v", "micro", n, n + 3, n + 7, 0.5, emotion="disgust") for n in range(0, 200, 10)]
    answer = Answer(found, {"micro": ScoreCurve(np.zeros(250))}, Timing(25.0, 3, {"micro": 5}))
    pages = {}
    for own in (60.0, 4.0):
        rates = (AlarmRate("micro", len(found), 10.0, (KnownRate("drawn", "drawn films", own),)),)
        face = spotted.SpottedVideo(
            "v", "", tmp_path, Video("d", "s", "v", 25, 250), np.arange(250) / 25, answer, (), rates
        )
        pages[own] = spotted.SpottedVideos("m", (face,), drawn=True).make_page()
    assert "Show the intervals anyway" not in pages[60.0]
    assert "are unlike those films" in pages[4.0].split("<details>")[0]
    assert "emotion, learnt from drawings" in pages[4.0]
