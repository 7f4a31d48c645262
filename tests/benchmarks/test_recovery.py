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
