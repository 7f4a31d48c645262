"""Numbers that no method gives end in a sentence wherever a run is read."""

import math

import pytest

from mebench.errors import RunError
from mebench.runs import RunFolder
from mebench.runs.stored_values import find_impossible_value
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]


def spoil(run, name, column, value):
    """Give the first row of a table another number, and seal the run again, as a fold that lied would have had it."""
    table = run.read_table(name) if name.endswith("parquet") else run.read_costs()
    number = (
        [[value] * len(table[column][0]), *table[column][1:]]
        if column == "probabilities"
        else [value, *table[column][1:]]
    )
    run.write_table(name, table.assign(**{column: number}))


SPOILT = (
    ("predictions.parquet", "confidence", math.nan),
    ("predictions.parquet", "confidence", math.inf),
    ("clips.parquet", "probabilities", math.nan),
    ("predictions.parquet", "onset", 1e300),
    ("truth.parquet", "offset", math.nan),
    ("costs.csv", "fit_seconds", -1e308),
    ("costs.csv", "parameters", 1e308),
)


@pytest.mark.parametrize(("name", "column", "value"), SPOILT)
def test_find_impossible_value_names_column_and_value(tmp_path, name, column, value):
    run = make_run(tmp_path, "one")
    read = run.read_costs if name == "costs.csv" else lambda: run.read_table(name)
    assert find_impossible_value(name, read()) == ""
    spoil(run, name, column, value)
    with pytest.raises(RunError, match=rf"holds {column} .*, which no method gives: 4 of 4 folds are whole; repair"):
        read()
    with pytest.raises(RunError, match="which no method gives"):
        RunFolder(run.path).check_values()


@pytest.mark.parametrize(
    ("words", "spoilt"),
    [
        (("runs", "verify"), SPOILT[1:4]),
        (("runs", "show", "-v"), SPOILT[4:]),
        (("report",), SPOILT[1:4]),
        (("predictions", "export", "-o", "out.csv"), SPOILT[1:4:2]),
        (("leaderboard", "export", "--out", "records"), SPOILT[2:6]),
    ],
)
def test_find_impossible_value_is_said_by_each_verb(mebench, tmp_path, monkeypatch, words, spoilt):
    monkeypatch.chdir(tmp_path)
    for number, (name, column, value) in enumerate(spoilt):
        spoil(make_run(tmp_path / "runs", f"run{number}"), name, column, value)
        code, _, error = mebench(*words[:2], f"run{number}", *words[2:], "--runs", tmp_path / "runs")
        assert (code, "unexpected" in error) == (4, False), error
        assert "which no method gives" in error
