"""Summaries as one table of scores, compared with the summaries themselves."""

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from mebench.metrics.score_table import ScoreTable

ROOT = Path(__file__).parents[2]


def score(value=0.5, **reason):
    return {"value": value, "low": value and value - 0.25, "high": value and value + 0.25, **reason}


plain_scores = st.one_of(
    st.builds(score, st.sampled_from([None, 0.0, 0.5, 1, 12.25])),
    st.builds(lambda: {"value": 0.5, "low": None, "high": None, "reason": "a single subject"}),
)
some_scores = st.dictionaries(
    st.sampled_from(["f1", "uf1", "apex_mae_ms", "f1@samm_lv"]), plain_scores, min_size=1, max_size=3
)
details = st.fixed_dictionaries(
    {"scores": some_scores},
    optional={
        "f1_at_iou": st.dictionaries(st.sampled_from(["0.05", "0.50"]), plain_scores),
        "frames": some_scores,
        "calibration": st.just({"ece": 0.25, "bins": [{"low": 0.0, "high": 0.1, "n": 4}]}),
    },
)
spotted = st.fixed_dictionaries(
    {"tp": st.integers(0, 9), "fp": st.integers(0, 9), "fn": st.integers(0, 9), "scores": some_scores},
    optional={"details": details},
)
classified = st.fixed_dictionaries({"n": st.integers(1, 9), "scores": some_scores}, optional={"details": details})
spotting = st.dictionaries(st.sampled_from(["micro", "macro", "overall"]), spotted, min_size=1)
analysis = st.fixed_dictionaries(
    {"strs": plain_scores, "acc_mesr": plain_scores, "true_positives": classified},
    optional={"all_intervals": classified},
)
recognition = st.builds(
    lambda whole, below: {**whole, **below},
    classified,
    st.fixed_dictionaries(
        {},
        optional={
            "members": st.dictionaries(st.sampled_from(["samm", "casme2"]), classified),
            "folds": st.dictionaries(st.sampled_from(["s.01", "scores", "members"]), classified),
        },
    ),
)
levels = st.fixed_dictionaries({"as_many": some_scores, "best_rate": some_scores})
summaries = st.fixed_dictionaries(
    {"convention": st.just("strict"), "bootstrap": st.just({"draws": 9, "skipped": {"spotting.micro": 2}})},
    optional={
        "spotting": spotting,
        "analysis": analysis,
        "recognition": recognition,
        "members": st.dictionaries(
            st.sampled_from(["samm", "casme2"]),
            st.fixed_dictionaries({}, optional={"spotting": spotting, "analysis": analysis}),
        ),
        "chance": st.one_of(
            st.dictionaries(st.sampled_from(["micro", "macro"]), levels),
            st.builds(lambda scores: {"recognition": {"class": "fear", **scores}}, some_scores),
        ),
        "mistakes": st.just({"micro": {"miss": {"missed": 3}}}),
    },
)


def count_scores(tree):
    below = [value for value in tree.values() if isinstance(value, dict)]
    return sum(1 if {"value", "low", "high"} <= value.keys() else count_scores(value) for value in below)


@given(summaries)
def test_score_table_writes_the_summary_that_it_read(summary):
    table = ScoreTable.read(summary)
    assert len(table) == count_scores(summary)
    assert json.dumps(table.write()) == json.dumps(summary)


def test_score_table_writes_all_records_as_they_are():
    records = sorted((ROOT / "leaderboards/records").glob("*/record.json"))
    differing = []
    for file in records:
        summary = json.loads(file.read_text(encoding="utf-8"))["summary"]
        table = ScoreTable.read(summary)
        if len(table) != count_scores(summary) or table.write() != summary:
            differing.append(file.parent.name)
    assert len(records) > 600
    assert differing == []


@given(summaries)
def test_score_table_names_each_score_once(summary):
    table = ScoreTable.read(summary)
    assert len({line.place for line in table}) == len(table)


def test_score_table_says_what_is_counted_beside_a_score():
    summary = {
        "spotting": {"micro": {"tp": 3, "fp": 1, "fn": 2, "scores": {"f1": score()}}},
        "analysis": {"strs": score(), "true_positives": {"n": 3, "scores": {"uf1": score()}}},
        "recognition": {"n": 8, "scores": {"uar": score()}, "members": {"samm": {"n": 5, "scores": {"uar": score()}}}},
        "chance": {"micro": {"as_many": {"f1": score()}}},
    }
    lines = {line.path: line for line in ScoreTable.read(summary)}
    of_chance = lines.pop("chance.micro.as_many.f1")
    counts = {path: (line.counts.n, line.counts.tp, line.counts.scored) for path, line in lines.items()}
    assert counts == {
        "spotting.micro.f1": (None, 3, 5),
        "analysis.strs": (3, None, 3),
        "analysis.true_positives.uf1": (3, None, 3),
        "recognition.uar": (8, None, 8),
        "recognition.members.samm.uar": (5, None, 5),
    }
    assert (of_chance.counts.n, of_chance.counts.tp) == (None, None)
    with pytest.raises(ValueError, match="tp is None"):
        _ = of_chance.counts.scored


def test_score_table_parts_put_joint_scores_first():
    summary = {
        "recognition": {"n": 8, "scores": {"uar": score()}, "members": {"samm": {"n": 5, "scores": {"uar": score()}}}},
        "analysis": {"true_positives": {"n": 3, "scores": {"uf1": score()}}, "strs": score()},
        "spotting": {"macro": {"tp": 3, "fp": 1, "fn": 2, "scores": {"f1": score()}}},
    }
    parts = [(part.task, part.name, [*part.scores]) for part in ScoreTable.read(summary).parts()]
    assert parts == [
        ("spotting", "macro", ["f1"]),
        ("analysis", "true positives", ["strs", "uf1"]),
        ("recognition", "", ["uar"]),
        ("recognition", "samm", ["uar"]),
    ]


def test_score_table_of_member_is_that_of_its_own_summary():
    own = {"spotting": {"micro": {"tp": 3, "fp": 1, "fn": 2, "scores": {"f1": score()}}}}
    summary = {
        "spotting": {"micro": {"tp": 9, "fp": 1, "fn": 2, "scores": {"f1": score(0.75)}}},
        "members": {"samm": own},
    }
    table = ScoreTable.read(summary)
    assert table.of_member("samm").lines == ScoreTable.read(own).lines
    assert [part.member for part in table.parts()] == [""]


def test_score_table_leaves_other_places_as_they_are():
    summary = {"spotting": {"micro": {"tp": 1, "details": {"curve": {"best": score()}}}}, "other": {"uf1": score()}}
    table = ScoreTable.read(summary)
    assert len(table) == 0
    assert table.write() == summary


def test_score_table_numbers_are_those_of_the_summary():
    summary = {
        "bootstrap": {"draws": 9},
        "scorer": 3,
        "spotting": {"micro": {"tp": 3, "scores": {"f1": {"value": 0.5, "low": 0.4, "high": None}}}},
    }
    assert ScoreTable.read(summary).numbers() == {
        "scorer": 3.0,
        "spotting.micro.tp": 3.0,
        "spotting.micro.f1": 0.5,
        "spotting.micro.f1.low": 0.4,
    }


def test_score_table_as_frame_has_a_row_for_each_score():
    summary = {"spotting": {"micro": {"tp": 3, "fp": 1, "fn": 2, "scores": {"f1": score(), "ap": score(None)}}}}
    frame = ScoreTable.read(summary).to_frame()
    assert frame.loc["spotting.micro.f1", ["value", "part", "metric", "tp"]].tolist() == [0.5, "micro", "f1", 3.0]
    assert frame["value"].isna().tolist() == [False, True]
