"""The closing table of a sweep, compared with the leaderboard's row of the same runs."""

import pytest

from mebench.boards import build
from mebench.intake import collect
from mebench.reports.sweep_scores import sweep_notes, sweep_rows, sweep_table
from mebench.runs.scoring import current_summary
from tests.helpers.run_folders import make_run


@pytest.fixture
def runs(tmp_path):
    """Three seeds of one method and one of another, as a sweep gives them."""
    made = [("one", 0, 2), ("one", 1, 5), ("one", 2, 7), ("two", 0, 3)]
    found = []
    for method, seed, wrong_every in made:
        run = make_run(tmp_path, method=method, seed=seed, wrong_every=wrong_every, tasks=("recognize",), subjects=8)
        found.append(({"method": method, "seed": f"{seed}"}, run, current_summary(run)))
    return found


def test_sweep_rows_have_the_interval_that_boards_have(runs, tmp_path):
    row, alone = sweep_rows(runs)
    (table,) = build.build_tables(collect.collect_finished_runs(tmp_path))
    on_board = next(one for one in table.parts[0].rows if one.method == "one").scores["uf1"]
    of_mean = row["scores"]["UF1"]
    assert (of_mean["low"], of_mean["high"]) == (on_board.low, on_board.high)
    assert (row["interval"], alone["interval"]) == ("mean", "run")
    singles = [summary["recognition"]["scores"]["uf1"] for _, _, summary in runs[:3]]
    assert of_mean["low"] > min(single["low"] for single in singles)
    assert of_mean["high"] < max(single["high"] for single in singles)


def test_sweep_notes_name_the_interval_that_rows_have(runs):
    rows = sweep_rows(runs)
    assert "± " in str(sweep_table(rows).to_words())
    (note,) = sweep_notes(rows)
    assert note.endswith("brackets: the 95 % interval of the mean over people")
    assert sweep_notes(rows[1:]) == []
    (by_chance,) = sweep_notes([{**rows[0], "interval": "draws"}])
    assert "over people" not in by_chance
    assert "each seed's draws" in by_chance


def test_sweep_notes_say_that_features_are_shared(runs):
    rows = [{**row, "costs": {"feature_seconds": 2.5 * number}} for number, row in enumerate(sweep_rows(runs))]
    assert sweep_notes(rows)[-1] == "features, s: features that several runs read are counted for the first of them"
    assert len(sweep_notes(rows)) == 2
