"""The command that a page gives to run a row again leads to the settings of its record."""

import json
import shlex
from pathlib import Path

import pytest

from mebench.config import resolve
from mebench.records.recorded_settings import row_settings, without_places
from mebench.records.rerun import rerun_command

RECORDS = sorted((Path(__file__).parents[2] / "leaderboards" / "records").glob("*/record.json"))


@pytest.mark.parametrize("number", range(0, len(RECORDS), 60))
def test_rerun_command_resolves_to_the_settings_of_a_record(number):
    """Settings that came later have the value of today, which the record cannot name."""
    config = json.loads(RECORDS[number].read_text())["config"]
    mebench, verb, *words = shlex.split(rerun_command(config, [config["seed"]]))
    assert (mebench, verb) == ("mebench", "run")
    again = without_places(resolve(words).values)
    assert again["seed"] == config["seed"]
    settings = row_settings(config)
    assert {key: row_settings(again).get(key) for key in settings} == settings
