import json

import pytest

from mebench.leaderboard.collect import collect, collect_records, unique
from mebench.leaderboard.export import export
from tests.run_folders import make_run


@pytest.fixture
def said():
    return []


def test_a_run_becomes_a_record(tmp_path):
    run = make_run(tmp_path, seed=4, settings={"method.p": 0.6})
    (record,) = collect(tmp_path)
    assert (record.id, record.seed, record.settings, record.data) == (run.id, 4, "p=0.6", "")
    assert record.costs == {"fit_seconds": 8.0, "predict_seconds": 1.0, "parameters": 1234}  # four folds
    assert record.versions == {"mebench": "0.1.0", "python": "3.11.9", "torch": "2.13.0"}
    assert record.summary["spotting"] == run.read_json("summary.json")["spotting"]
    assert not record.published


def test_unfinished_and_damaged_runs_are_left_out_with_one_sentence_each(tmp_path, said):
    make_run(tmp_path, "good")
    make_run(tmp_path, "half", done=False)
    (make_run(tmp_path, "torn").path / "summary.json").write_text('{"spot')
    (make_run(tmp_path, "gone").path / "truth.parquet").unlink()
    (make_run(tmp_path, "costless").path / "costs.csv").write_text("")
    (make_run(tmp_path, "empty").path / "folds.json").write_text("{}")
    assert [r.id for r in collect(tmp_path, said.append)] == ["good"]
    assert len(said) == 5
    assert [
        word for line in said for word in line.split() if word in {"half", "torn", "gone", "costless", "empty"}
    ] == [
        "costless",
        "empty",
        "gone",
        "half",
        "half",
        "torn",
    ]
    assert "mebench resume half" in said[3]


def test_no_folder_no_runs(tmp_path):
    assert collect(tmp_path / "runs") == collect_records(tmp_path / "records") == []


def test_an_exported_run_is_the_same_record(tmp_path):
    run = make_run(tmp_path / "runs")
    export(run, tmp_path / "records")
    (mine,), (published,) = collect(tmp_path / "runs"), collect_records(tmp_path / "records")
    assert published.published
    assert {**vars(published), "published": False} == {**vars(mine), "about": published.about}
    assert mine.identity == published.identity
    assert unique([mine, published]) == [published]


def test_a_record_of_a_later_format_is_named(tmp_path, said):
    record = export(make_run(tmp_path / "runs"), tmp_path / "records")
    stored = json.loads((record / "record.json").read_text())
    (record / "record.json").write_text(json.dumps(stored | {"format": 99}))
    assert collect_records(tmp_path / "records", said.append) == []
    assert "format 99" in said[0]


def test_of_runs_that_predict_the_same_the_latest_counts(tmp_path):
    for number in ("", ".2", ".10"):
        make_run(tmp_path, f"run-0123{number}", key="0123")
    make_run(tmp_path, "other", key="4567")
    assert [r.id for r in unique(collect(tmp_path))] == ["other", "run-0123.10"]


@pytest.mark.parametrize("change", [{"wrong_every": 2}, {"shift": 3}])
def test_results_are_no_part_of_the_identity(tmp_path, change):
    make_run(tmp_path, "a", seed=0)
    make_run(tmp_path, "b", seed=1, **change)
    a, b = collect(tmp_path)
    assert a.identity == b.identity


@pytest.mark.parametrize(
    "change", [{"settings": {"method.p": 0.6}}, {"subjects": 5}, {"kinds": ("micro", "macro")}, {"selects": True}]
)
def test_everything_but_the_seed_is_part_of_the_identity(tmp_path, change):
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", **change)
    a, b = collect(tmp_path)
    assert a.identity != b.identity
