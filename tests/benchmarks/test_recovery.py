"""Alarms and what is found of micro-expressions put into films: page and cards of models say what the record holds."""

import json
from collections import Counter

import pytest
import recovery

from mebench.inference.alarm_rates import RECOVERED, RECOVERED_OF, STRONG
from mebench.inference.models import find_model_file, read_header

ROWS = json.loads(recovery.DATA.read_text("utf-8"))


def test_table_rows_are_those_of_the_page():
    table = "\n".join(recovery.table_rows(ROWS)) + "\n"
    assert recovery.BEGIN + table + recovery.END in recovery.PAGE.read_text("utf-8")


@pytest.mark.parametrize("model", ["block_motion", "linear_spotter", "mean"])
def test_write_cards_agrees_with_a_plain_count(model):
    found, of = Counter(), Counter()
    for row in ROWS:
        for one in row["injections"] if row["model"] == model else ():
            of[one["activity"]] += one["strength"] >= STRONG
            found[one["activity"]] += one["strength"] >= STRONG and one["found"]
    scores = read_header(find_model_file(model)).scores
    assert {activity: scores[RECOVERED.format(activity=activity)] for activity in of} == dict(found)
    assert {activity: scores[RECOVERED_OF.format(activity=activity)] for activity in of} == dict(of)


def test_included_model_finds_more_with_fewer_alarms():
    """The changelog and the page of `block_motion` say so, of the same films."""
    of = {name: [row for row in ROWS if row["model"] == name] for name in ("block_motion", "block_motion, before")}
    now, before = of.values()
    assert [row["film"] for row in now] == [row["film"] for row in before]
    (found_now, _, _), (found_before, _, _) = recovery.shares(now, "all"), recovery.shares(before, "all")
    assert found_now.of == found_before.of
    assert found_now.interval[0] > found_before.found / found_before.of
    assert recovery.alarms(now, "all")[0] < recovery.alarms(before, "all")[0]
