import json
from dataclasses import replace
from functools import partial

import pandas as pd
import pytest

from mebench.intake import collect as boards_collect, export as boards_export
from mebench.intake.collect import collect_records
from tests.helpers.run_folders import VERSIONS, make_run

export = partial(boards_export.export_record, scored_again=False)
"""What is in a record is the same, whether or not it was scored again before."""


@pytest.fixture
def messages():
    return []


def test_record_from_run_gives_record(tmp_path):
    run = make_run(tmp_path, seed=4, settings={"method.p": 0.6})
    (record,) = boards_collect.collect_finished_runs(tmp_path)
    assert (record.id, record.seed, record.settings, record.data) == (run.id, 4, "p=0.6", "")
    minutes = 8 * 300 / 30 / 60  # eight videos of 300 frames at 30 per second
    assert record.costs == {  # four folds
        "fit_seconds": 8.0,
        "predict_seconds": 1.0,
        "predict_per_minute": round(1 / minutes, 3),
        "parameters": 1234,
        "peak_memory_mib": 303.0,
    }
    without_machine = {name: text for name, text in VERSIONS.items() if name != "platform"}
    assert record.versions == without_machine
    assert record.summary["spotting"] == run.read_json("summary.json")["spotting"]
    assert (record.published, record.version) == (False, 1)


def test_record_from_run_counts_feature_seconds(tmp_path):
    run = make_run(tmp_path)
    costs = pd.read_csv(run.path / "costs.csv")
    for seconds, cost in ((1.5, {"feature_seconds": 6.0}), (0.0, {})):
        costs.assign(feature_seconds=seconds).to_csv(run.path / "costs.csv", index=False)
        (record,) = boards_collect.collect_finished_runs(tmp_path)
        of_features = {name: value for name, value in record.costs.items() if name == "feature_seconds"}
        assert of_features == cost


def test_collect_names_unfinished_and_damaged_runs(tmp_path, messages):
    make_run(tmp_path, "good")
    make_run(tmp_path, "half", done=False)
    (make_run(tmp_path, "torn").path / "summary.json").write_text('{"spot')
    (make_run(tmp_path, "gone").path / "truth.parquet").unlink()
    (make_run(tmp_path, "mute").path / "predictions.parquet").unlink()
    (make_run(tmp_path, "costless").path / "costs.csv").write_text("")
    (make_run(tmp_path, "empty").path / "folds.json").write_text("{}")
    assert [r.id for r in boards_collect.collect_finished_runs(tmp_path, messages.append)] == ["good"]
    assert len(messages) == 6
    names = ["costless", "empty", "gone", "half", "mute", "torn"]
    assert all(name in line for name, line in zip(names, messages, strict=True))
    assert messages[3].endswith(f"mebench resume {tmp_path / 'half'}")
    assert "predictions.parquet" in messages[4]


def test_collect_without_folder_gives_no_runs(tmp_path):
    assert boards_collect.collect_finished_runs(tmp_path / "runs") == collect_records(tmp_path / "records") == []


def test_read_committed_record_equals_record_from_run(tmp_path):
    run = make_run(tmp_path / "runs")
    export(run, tmp_path / "records")
    (mine,) = boards_collect.collect_finished_runs(tmp_path / "runs")
    (published,) = collect_records(tmp_path / "records")
    assert published.published
    same = {"about": published.about, "folder": published.folder, "published": True}
    assert vars(published) == {**vars(mine), **same}
    assert mine.identity == published.identity
    assert boards_collect.unique_records([mine, published]) == [published]


def test_collect_records_reads_unchanged_record_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    export(make_run(tmp_path / "runs"), tmp_path / "records")
    (first,) = collect_records(tmp_path / "records")
    monkeypatch.setattr("mebench.intake.checking.read_committed_record", lambda _: pytest.fail("it was read"))
    (again,) = collect_records(tmp_path / "records")
    assert vars(again) == vars(first)
    assert again.content == first.content


@pytest.mark.parametrize(("number", "advice"), [(99, "install the mebench that wrote it"), (1, "export its run again")])
def test_collect_records_names_record_of_other_format(tmp_path, messages, number, advice):
    record = export(make_run(tmp_path / "runs"), tmp_path / "records")
    stored = json.loads((record / "record.json").read_text())
    (record / "record.json").write_text(json.dumps(stored | {"format": number}))
    assert collect_records(tmp_path / "records", messages.append) == []
    assert f"format {number}" in messages[0]
    assert advice in messages[0]


def test_unique_records_keeps_latest_of_equal_runs(tmp_path):
    for number in ("", ".2", ".10"):
        make_run(tmp_path, f"run-0123{number}", key="0123")
    make_run(tmp_path, "other", key="4567")
    assert [r.id for r in boards_collect.unique_records(boards_collect.collect_finished_runs(tmp_path))] == [
        "other",
        "run-0123.10",
    ]


def test_unique_records_sorts_runs_and_records_by_id(tmp_path):
    for name in "ca":
        export(make_run(tmp_path / "runs", name, key=name), tmp_path / "records")
    make_run(tmp_path / "runs", "b", key="b")
    mine = boards_collect.collect_finished_runs(tmp_path / "runs")
    published = collect_records(tmp_path / "records")
    assert [(r.id, r.published) for r in boards_collect.unique_records([*mine, *published])] == [
        ("a", True),
        ("b", False),
        ("c", True),
    ]


def test_unique_records_names_run_that_counts(tmp_path, messages):
    for number in ("", ".2"):
        make_run(tmp_path, f"run-0123{number}", key="0123")
    mine = boards_collect.collect_finished_runs(tmp_path)
    boards_collect.unique_records(mine, messages.append)
    assert messages == ["run-0123 and run-0123.2 are runs of the same configuration, so only run-0123.2 counts"]
    messages.clear()
    boards_collect.unique_records([*mine, replace(mine[0], published=True)], messages.append)
    assert messages == ["run-0123.2 and run-0123 are runs of the same configuration, so only run-0123 counts"]


def test_unique_records_is_silent_on_run_and_own_record(tmp_path, messages):
    export(make_run(tmp_path / "runs"), tmp_path / "records")
    boards_collect.unique_records(
        [*boards_collect.collect_finished_runs(tmp_path / "runs"), *collect_records(tmp_path / "records")],
        messages.append,
    )
    assert messages == []


@pytest.mark.parametrize("lost", ["method_plugin", "dataset_revision", "mebench"])
def test_collect_leaves_out_records_without_provenance(tmp_path, messages, lost):
    run = make_run(tmp_path, "r")
    versions = run.read_json("versions.json")
    del versions[lost]
    run.write_json("versions.json", versions)
    assert boards_collect.collect_finished_runs(tmp_path, messages.append) == []
    assert messages == [f"r is left out: the origin of its numbers is unknown, since it lacks version of {lost}"]


def test_collect_records_keeps_latest_version(tmp_path):
    run = make_run(tmp_path / "runs", "r")
    export(run, tmp_path / "records")
    run.write_json("versions.json", run.read_json("versions.json") | {"torch": "9"})
    export(run, tmp_path / "records")
    (record,) = collect_records(tmp_path / "records")
    assert (record.id, record.version, record.versions["torch"]) == ("r", 2, "9")


@pytest.mark.parametrize("change", [{"wrong_every": 2}, {"shift": 3}])
def test_identity_ignores_results(tmp_path, change):
    make_run(tmp_path, "a", seed=0)
    make_run(tmp_path, "b", seed=1, **change)
    a, b = boards_collect.collect_finished_runs(tmp_path)
    assert a.identity == b.identity


@pytest.mark.parametrize(
    "change", [{"settings": {"method.p": 0.6}}, {"subjects": 5}, {"kinds": ("micro", "macro")}, {"selects": True}]
)
def test_identity_has_everything_but_seed(tmp_path, change):
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", **change)
    a, b = boards_collect.collect_finished_runs(tmp_path)
    assert a.identity != b.identity


def test_unique_records_keeps_runs_with_copied_key(tmp_path, messages):
    """A stranger's record says the key of a run, under a later id, with settings of its own or with other answers."""
    make_run(tmp_path / "runs", "mine", key="0123")
    for name, how in (("nine", {"settings": {"method.p": 0.9}}), ("zeal", {"shift": 100})):
        export(make_run(tmp_path / name, name, key="0123", **how), tmp_path / "records")
    found = [*boards_collect.collect_finished_runs(tmp_path / "runs"), *collect_records(tmp_path / "records")]
    assert [r.id for r in boards_collect.unique_records(found, messages.append)] == ["mine", "nine", "zeal"]
    assert messages == []


def test_unique_records_prefers_run_to_record_of_its_id(tmp_path, messages):
    make_run(tmp_path / "runs", "mine", key="0123")
    export(make_run(tmp_path / "others", "mine", key="0123", shift=100), tmp_path / "records")
    found = [*collect_records(tmp_path / "records"), *boards_collect.collect_finished_runs(tmp_path / "runs")]
    assert [(r.id, r.published) for r in boards_collect.unique_records(found, messages.append)] == [("mine", False)]
    assert messages == [f"record mine is left out: it differs from the run of this id in {tmp_path / 'runs'}"]


def test_collect_records_leaves_out_version_of_other_answers(tmp_path, messages):
    export(make_run(tmp_path / "runs", "r"), tmp_path / "records")
    export(make_run(tmp_path / "others", "r", shift=5), tmp_path / "records")
    (record,) = collect_records(tmp_path / "records", messages.append)
    assert record.version == 1
    assert messages[0].startswith("left out: record r~v2 is refused: key is not that of r, which it supersedes")


def test_collect_records_leaves_out_followers(tmp_path, messages):
    records = tmp_path / "records"
    export(make_run(tmp_path / "runs", "r"), records)
    export(other := make_run(tmp_path / "others", "r", shift=5), records)
    other.write_json("versions.json", other.read_json("versions.json") | {"torch": "9"})
    assert export(other, records).name == "r~v3"  # it says all that v2 says
    (record,) = collect_records(records, messages.append)
    assert record.version == 1
    assert messages[1:] == ["left out: record r~v3 supersedes r~v2, which is left out itself"]
