"""The sentences that a report begins with say what the scores and the tables say, and no more."""

import re

import pytest

from mebench.metrics.mistakes import sort_mistakes
from mebench.records.record import read_record
from mebench.reports.findings import describe_findings
from mebench.reports.report import judge_run
from mebench.runs.scoring import read_tables
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]


def spotting(value, low, high, chance=None, mistakes=None):
    """A summary of spotting with F1 and its level of chance."""
    f1 = {"value": value, "low": low, "high": high}
    summary = {"spotting": {"micro": {"tp": 6, "fp": 2, "fn": 3, "scores": {"f1": f1}}}}
    if chance is not None:
        summary["chance"] = {"micro": {"best_rate": {"f1": {"value": chance, "low": None, "high": None}}}}
    return summary | ({"mistakes": {"micro": mistakes}} if mistakes else {})


@pytest.mark.parametrize(
    ("interval", "chance", "words"),
    [
        (
            (0.46, 0.73),
            0.131,
            "It finds more micro-expressions than random intervals: F1 0.600 [0.460, 0.730] against 0.131, on 10 people",
        ),
        ((0.46, 0.73), 0.46, "It is not certain that it finds more micro-expressions than random intervals: F1 0.600"),
        ((0.46, 0.73), 0.8, "It finds fewer micro-expressions than random intervals: F1 0.600"),
        ((None, None), 0.131, "without an interval nothing tells them apart"),
        ((0.46, 0.73), None, "its level of chance is not known here"),
    ],
)
def test_describe_findings_claims_what_the_interval_shows(interval, chance, words):
    (sentence,) = describe_findings(spotting(0.6, *interval, chance), 10)
    assert words in sentence
    assert ("It finds more" in sentence) == (chance == 0.131 and interval[0] is not None)


def test_describe_findings_takes_the_highest_level_of_chance():
    score = {"value": 0.5, "low": 0.4, "high": 0.6}
    names = {"value": 0.72, "low": None, "high": None}
    always = {"value": 0.2, "low": None, "high": None}
    summary = {
        "recognition": {"n": 9, "scores": {"uf1": score, "uar": score}},
        "chance": {
            "recognition": {"class": "negative", "uf1": always, "uar": always, "names": {"uf1": names, "uar": names}}
        },
    }
    (sentence,) = describe_findings(summary, 3)
    assert sentence == "It names emotions worse than names alone: UF1 0.500 [0.400, 0.600] against 0.720, on 3 people."


def test_describe_findings_gives_random_methods_no_claim():
    sentence, *others = describe_findings(spotting(0.12, 0.08, 0.15, 0.1), 10, n_draws=100)
    assert "at random" in sentence
    assert "more" not in sentence
    assert others == []


@pytest.mark.parametrize(("faint", "says"), [(0.6, True), (0.39, False)])
def test_describe_findings_names_the_third_missed_most(faint, says):
    mistakes = {
        "miss": {"missed": 5, "localisation": 1},
        "missed_by_intensity": {"faint": faint, "middle": 0.2, "strong": 0.1},
    }
    _, missed = describe_findings(spotting(0.6, 0.5, 0.7, 0.1, mistakes), 10)
    assert missed.startswith("Most missed micro-expressions (5 of 6) have no spotted interval near them")
    assert ("the faint are missed most: 60 % of them" in missed) == says


def test_describe_findings_counts_mixed_false_positives():
    mistakes = {"miss": {"missed": 1, "localisation": 1}, "under": {"nothing": 9, "blink": 6, "near_miss": 3}}
    _, *others = describe_findings(spotting(0.2, 0.1, 0.3, 0.1, mistakes), 10)
    assert others == ["The 18 false positives have different causes."]


def test_report_begins_with_what_was_found(mebench, tmp_path):
    """Its sentence counts the misses and false positives of the tables, and stands before every score."""
    run = make_run(tmp_path / "runs", "one", tasks=("spot",), shift=20)
    assert mebench("report", "one", "--runs", tmp_path / "runs", "-o", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    mistakes = sort_mistakes(read_tables(run), ["micro"])
    misses = mistakes[mistakes["mistake"] == "miss"]
    number = misses["cause"].value_counts().max()
    assert judge_run(read_record(run)).kinds == ["micro"]
    assert f"Most missed micro-expressions ({number} of {len(misses)})" in page
    order = ["answer", "contents", "scores", "mistakes", "people", "timelines", "provenance"]
    places = [re.search(f'(class|id)="{name}"', page).start() for name in order]
    assert places == sorted(places)
    assert page.index("<h1>") < places[0] < page.index('class="sub"')
    assert "<dd>fixed: nothing is chosen after training</dd>" in page
    people = page[places[order.index("people")] : places[order.index("timelines")]]
    lowest = [float(value) for value in re.findall(r"<td[^>]*>(\d\.\d+)</td>", people)]
    assert len(lowest) > 1
    assert lowest == sorted(lowest)
