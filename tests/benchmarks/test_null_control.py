"""The null control: intervals turned round in their videos, and a table to which rows are added."""

import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks import null_control
from benchmarks.grown_table import rows_of
from mebench.core import peaks
from tests.helpers.run_folders import make_run


def plain_hits(truths, found, turn):
    """Truths found once all intervals of a video are turned on by `turn`; an interval moves among the places that it has."""
    free = list(truths)
    n = 0
    for onset, offset, places in found:
        begin = (onset + turn) % places
        hit = next((t for t in free if peaks.hits((begin, begin + offset - onset), t)), None)
        if hit:
            free.remove(hit)
            n += 1
    return n


def test_null_control_hits_equal_loop():
    truths = pd.DataFrame({"video": "v", "kind": "micro", "onset": [10, 60], "offset": [19, 69]})
    table = pd.DataFrame(
        {"video": "v", "kind": "micro", "onset": [12, 40], "offset": [21, 47], "confidence": [2.0, 1.0], "draw": 0}
    )
    turns = np.arange(90)[:, None]
    found = null_control.true_positives(truths, table, pd.Series({"v": 100}), turns)
    expected = [plain_hits([(10, 19), (60, 69)], [(12, 21, 91), (40, 47, 93)], turn) for turn in range(90)]

    assert found.tolist() == expected
    assert set(expected) == {0, 1}


@pytest.mark.parametrize(("value", "where"), [(0.5, "inside"), (0.99, "OUTSIDE"), (0.0, "OUTSIDE")])
def test_null_control_row_says_where_value_lies(value, where):
    draws = np.linspace(0.3, 0.7, 1001)
    cells = null_control.as_cells("m", 1, "F1, micro", 9, value, draws, 0.05)
    assert cells[4:7] == [f"{value:.4f}", "0.3100 to 0.6900", "95.00%"]
    assert cells[-1] == where
    assert (float(cells[7]) > 0.05) == (where == "inside")


def test_null_control_without_spotting_proves_nothing():
    assert null_control.as_cells("m", 1, "F1, micro", 0, 0.0, np.zeros(20), 0.05)[-1] == "spots nothing"


def control(monkeypatch, table, *folders):
    monkeypatch.setattr(null_control, "CHUNK", 20)
    monkeypatch.setattr(sys, "argv", ["null_control.py", *map(str, folders), "--draws", "20", "--table", str(table)])
    null_control.main()
    return rows_of(table, null_control.TITLES, null_control.KEY)


def test_null_control_adds_rows_to_table(tmp_path, monkeypatch, capsys):
    null = {"dataset.amplitude": 0}
    one, two = (make_run(tmp_path, name, method=name, settings=null).path for name in ("one", "two"))
    first = control(monkeypatch, tmp_path / "table.md", one)
    both = control(monkeypatch, tmp_path / "table.md", two)
    assert {name for name, _ in first} == {"one"}
    assert {name for name, _ in both} == {"one", "two"}
    assert {key: both[key] for key in first} == first
    assert {cells[6] for cells in first.values()} == {"97.50%"}  # two scores
    assert {both[key][6] for key in both.keys() - first.keys()} == {"98.75%"}  # of four
    again = control(monkeypatch, tmp_path / "table.md", one)
    assert again.keys() == both.keys()
    assert {again[key][6] for key in first} == {"98.75%"}
    assert "two" in capsys.readouterr().out


def test_null_control_refuses_other_runs_and_tables(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        control(monkeypatch, tmp_path / "table.md", make_run(tmp_path, "x", settings={"dataset.amplitude": 1.0}).path)
    assert "dataset.amplitude=1.0: give runs with dataset.amplitude=0" in capsys.readouterr().err
    (tmp_path / "other.md").write_text("# Something\n")
    with pytest.raises(SystemExit, match="no table of this program"):
        control(monkeypatch, tmp_path / "other.md", make_run(tmp_path, "y", settings={"dataset.amplitude": 0}).path)
