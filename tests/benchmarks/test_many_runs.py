"""The simulated plan of thousands of runs: the page says what the record holds, and time goes where it must."""

import json

import many_runs
import pytest
from many_runs import Costs, simulate

FREE = Costs(people=10, plan=0.0, hand_out=0.0, keep=0.0, score=0.0, disk=0)


def test_table_of_is_that_of_the_record():
    record = json.loads(many_runs.DATA.read_text("utf-8"))
    page = many_runs.PAGE.read_text("utf-8")
    assert many_runs.BEGIN + many_runs.table_of(record) + many_runs.END in page
    costs = Costs(**record["costs"][0])
    row = next(row for row in record["rows"] if row["n_programs"] == 1)
    assert simulate(costs, row["fold_seconds"], 1).days == pytest.approx(row["days"], abs=1e-4)


def test_simulate_takes_as_long_as_workers_compute():
    outcome = simulate(FREE, fold_seconds=8.64, n_programs=1, runs=1000, workers=10)
    assert outcome.days == pytest.approx(0.1)
    assert (outcome.workers, outcome.programs) == (pytest.approx(1.0), 0.0)


def test_simulate_takes_as_long_as_programs_need():
    """Where folds cost nothing: each of two programs needs for a run what its parts cost together."""
    costs = Costs(people=10, plan=2.0, hand_out=0.1, keep=0.3, score=4.0, disk=0)
    outcome = simulate(costs, fold_seconds=0.0, n_programs=2, runs=86_400, workers=10)
    assert outcome.days == pytest.approx((2 + 10 * 0.4 + 4) / 2)
    assert outcome.programs == pytest.approx(1.0)


def test_table_of_names_the_bottlenecks_of_the_page():
    rows = json.loads(many_runs.DATA.read_text("utf-8"))["rows"]
    of_one = [row for row in rows if (row["n_programs"], row["fold_seconds"]) == (1, 1)]
    of_long = [row for row in rows if row["n_programs"] > 1 and row["fold_seconds"] == 20]
    assert all(row["programs"] > 0.9 > 0.1 > row["workers"] for row in of_one)
    assert all(row["workers"] > 0.9 > 0.1 > row["programs"] for row in of_long)
