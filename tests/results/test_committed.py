"""The records of the repository are what their runs wrote, and score to what they say."""

import json
from pathlib import Path

import pytest

from mebench.results.integrity import check, check_scores
from mebench.results.record import FORMAT, from_record
from mebench.runner.folder import RunFolder

RECORDS = sorted(Path(__file__).parents[2].glob("leaderboards/records/*/record.json"))


@pytest.mark.parametrize("file", RECORDS, ids=[file.parent.name for file in RECORDS])
def test_a_committed_record_scores_to_what_it_says(file):
    if json.loads(file.read_text())["format"] < FORMAT:
        pytest.skip(f"of an older format than {FORMAT}: it enters no table until its run is exported again")
    record = RunFolder(file.parent)
    check(record)
    check_scores(record)
    assert from_record(record).lacks() == []
