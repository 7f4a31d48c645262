"""Levels of chance of a record, which records of one truth share."""

import pytest

from mebench import result_cache
from mebench.records import levels_of_chance
from mebench.records.levels_of_chance import add_levels_of_record
from mebench.runs.chance_levels import with_levels_of_chance, without_levels_of_chance
from mebench.runs.scoring import read_tables
from tests.helpers.run_folders import make_run


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(result_cache, "cache_folder", lambda: tmp_path / "cache")


def levels_of(run, seed=None):
    """The levels of a run without its own, with another seed if one is given."""
    summary = without_levels_of_chance(run.read_json("summary.json"))
    own_seed = run.read_json("config.json")["config"]["seed"]
    about = run.read_json("folds.json")
    return add_levels_of_record(summary, run, read_tables(run), about, own_seed if seed is None else seed)["chance"]


def test_add_levels_of_record_gives_those_of_its_run(tmp_path):
    """But for the names of clips, which take long: a page of a board says so beside each row."""
    run = make_run(tmp_path / "runs", "r", kinds=("micro", "macro"))
    whole = with_levels_of_chance(run.read_json("summary.json"), run)["chance"]
    first, again = levels_of(run), levels_of(run)
    assert first == again
    assert first.keys() == whole.keys()
    assert first["analysis"] == whole["analysis"]
    assert first["recognition"] == {name: part for name, part in whole["recognition"].items() if name != "names"}


def test_add_levels_of_record_computes_once_for_one_truth(tmp_path, monkeypatch):
    computed = []
    for name in ("recognition_chance", "chance_of_analysis"):
        compute = getattr(levels_of_chance, name)

        def noted(*args, name=name, compute=compute):
            computed.append(name)
            return compute(*args)

        monkeypatch.setattr(levels_of_chance, name, noted)
    one, other = (make_run(tmp_path / "runs", name) for name in ("one", "other"))
    assert levels_of(one) == levels_of(other)
    assert computed == ["recognition_chance", "chance_of_analysis"]
    levels_of(other, seed=7)
    assert computed[2:] == ["chance_of_analysis"]
    truth = other.read_table("truth.parquet")
    other.write_table("truth.parquet", truth.iloc[1:])
    levels_of(other)
    assert computed[3:] == ["recognition_chance", "chance_of_analysis"]
