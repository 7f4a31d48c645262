"""What learning from speech changes: the page says what the record holds."""

import json

import speech_training

from mebench.features.activity import ACTIVITIES
from mebench.inference.recovery import Share


def test_table_of_is_that_of_the_record():
    record = json.loads(speech_training.DATA.read_text("utf-8"))
    page = speech_training.PAGE.read_text("utf-8")
    assert speech_training.BEGIN + speech_training.table_of(record) + speech_training.END in page


def test_table_of_finds_no_difference_in_the_record():
    """`benchmarks/README.md` and the page say that all intervals overlap with those of the model included before."""
    included, *others = json.loads(speech_training.DATA.read_text("utf-8"))["rows"]
    for activity in ACTIVITIES:
        _, high = Share(included[activity]["found"], included[activity]["of"]).interval
        lows = [Share(row[activity]["found"], row[activity]["of"]).interval[0] for row in others]
        assert max(lows) < high
