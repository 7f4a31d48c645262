import json
from functools import partial

import pandas as pd
import pytest

from mebench.errors import RunError
from mebench.intake import export as boards_export
from mebench.intake.accept import find_records, merge_records
from mebench.intake.collect import collect_records
from mebench.records.record import read_committed_record
from mebench.records.record_files import rescore_record
from mebench.runs import RunFolder
from mebench.runs.scoring import score_run
from tests.cli.conftest import mebench
from tests.helpers.empty_trees import write_empty_tree
from tests.helpers.run_folders import make_run

__all__ = ["mebench"]
export = partial(boards_export.export_record, scored_again=False)
"""What is in a record is the same, whether or not it was scored again before."""


@pytest.mark.parametrize(
    "kind_of_run",
    [
        {},
        {"kinds": ("micro", "macro"), "shift": 4},
        {"tasks": ("recognize",), "members": ("a", "b")},
        {"tasks": ("spot",)},
    ],
)
def test_export_scores_as_its_run(tmp_path, kind_of_run):
    run = make_run(tmp_path / "runs", seed=3, **kind_of_run)
    record = RunFolder(export(run, tmp_path / "records"))
    summary = run.read_json("summary.json")
    found = rescore_record(record)
    scores = {name: part for name, part in summary.items() if name not in {"run_id", "seconds"}}
    assert found == scores
    assert found == record.read_json("record.json")["summary"]


def test_export_keeps_distractors(tmp_path):
    run = make_run(tmp_path / "runs", shift=100, tasks=("spot",))
    before = export(run, tmp_path / "records")
    spotted = run.read_table("predictions.parquet")[["video", "kind", "onset", "offset"]]
    run.write_table("distractors.parquet", spotted[:1].assign(kind="blink"))
    run.write_json("summary.json", {"run_id": run.id, "seconds": 1.5, **score_run(run, 0, 50)})
    outcomes = merge_records([RunFolder(before), RunFolder(export(run, tmp_path / "records"))], tmp_path / "taken")
    assert [outcome.reason for outcome in outcomes] == ["", ""]
    (record,) = collect_records(tmp_path / "taken")
    assert record.version == 2
    assert "blink" in record.summary["mistakes"]["micro"]["gain"]


def test_export_keeps_persons_with_several_ids(tmp_path):
    run = make_run(tmp_path / "runs", subjects=6, members=("hs", "vis"), tasks=("recognize",))
    videos = run.read_table("videos.parquet")
    numbers = videos["subject"].str.rpartition("/")[2].astype(int) // 2
    videos = videos.assign(person="smic/" + numbers.astype(str))
    run.write_table("videos.parquet", videos)
    persons = dict(zip(videos["subject"], videos["person"]))
    about = run.read_json("folds.json")
    about["folds"] = [
        {
            "fold": person,
            "train": [subject for subject in persons if persons[subject] != person],
            "valid": [],
            "test": [subject for subject in persons if persons[subject] == person],
        }
        for person in sorted(set(persons.values()))
    ]
    run.write_json("folds.json", about)
    for name in ("predictions.parquet", "clips.parquet"):
        run.write_table(name, run.read_table(name).replace({"fold": persons}))
    run.write_json("summary.json", {"run_id": run.id, "seconds": 1.5, **score_run(run, 0, 50)})

    (outcome,) = merge_records([RunFolder(export(run, tmp_path / "records"))], tmp_path / "taken")
    assert outcome.reason == ""
    (record,) = collect_records(tmp_path / "taken")
    assert any("the 6 subjects are 3 people" in remark for remark in record.summary["remarks"])


def test_export_keeps_intensities(tmp_path):
    run = make_run(tmp_path / "runs", shift=100, tasks=("spot",))
    before = export(run, tmp_path / "records")
    truths = run.read_table("truth.parquet")
    strengths = pd.array(
        [0.1 + n / len(truths) for n in range(1, len(truths) + 1)], dtype="Float64"
    )  # the last goes beyond 1
    run.write_table("truth.parquet", truths.assign(intensity=strengths))
    run.write_json("summary.json", {"run_id": run.id, "seconds": 1.5, **score_run(run, 0, 50)})
    outcomes = merge_records([RunFolder(before), RunFolder(export(run, tmp_path / "records"))], tmp_path / "taken")
    assert [outcome.reason for outcome in outcomes] == ["", ""]
    (record,) = collect_records(tmp_path / "taken")
    assert "missed_by_intensity" in record.summary["mistakes"]["micro"]


def test_rescore_differs_for_changed_record(tmp_path):
    record = export(make_run(tmp_path / "runs"), tmp_path / "records")
    predictions = pd.read_parquet(record / "predictions.parquet")
    predictions.assign(offset=predictions["offset"] + 40).to_parquet(record / "predictions.parquet")
    assert rescore_record(RunFolder(record)) != json.loads((record / "record.json").read_text())["summary"]


def test_export_withholds_record_that_is_refused(tmp_path):
    run = make_run(tmp_path / "runs")
    summary = run.read_json("summary.json")
    summary["spotting"]["micro"]["tp"] += 1  # as of a mebench that counted otherwise
    run.write_json("summary.json", summary)
    with pytest.raises(
        RunError, match=r"not published, since its record would be refused: scored again, it differs.*tp.*Run it again"
    ):
        boards_export.export_record(run, tmp_path / "records")

    assert not any((tmp_path / "records").iterdir())


def test_export_has_no_trace_of_machine(tmp_path):
    run = make_run(tmp_path / "runs")
    record = export(run, tmp_path / "records")
    names = {"record.json", "folds.json", "videos.parquet", "truth.parquet", "predictions.parquet", "clips.parquet"}
    assert {file.name for file in record.iterdir()} == names
    for file in record.iterdir():
        content = file.read_bytes()
        for trace in (b"/home", b"ann", b"Linux-host", b"/data", str(tmp_path).encode()):
            assert trace not in content, (file, trace)
    assert "native_emotion" not in pd.read_parquet(record / "truth.parquet")
    stored = json.loads((record / "record.json").read_text())
    assert stored["config"]["method.model"] == "face.dat"
    assert not {"workers", "runs", "cache", "tracking", "plugins", "dataset.root"} & set(stored["config"])
    folds = json.loads((record / "folds.json").read_text())["folds"]
    assert folds == run.read_json("folds.json")["folds"]


def test_export_again_changes_nothing(tmp_path):
    run = make_run(tmp_path / "runs")
    first = {f.name: f.read_bytes() for f in export(run, tmp_path / "records").iterdir()}
    again = {f.name: f.read_bytes() for f in export(run, tmp_path / "records").iterdir()}
    assert first == again
    assert [path.name for path in (tmp_path / "records").iterdir()] == [run.id]


def test_export_supersedes_changed_record(tmp_path):
    run = make_run(tmp_path / "runs", "r")
    first = export(run, tmp_path / "records")
    before = {f.name: f.read_bytes() for f in first.iterdir()}
    run.write_json("versions.json", run.read_json("versions.json") | {"torch": "9"})
    second = export(run, tmp_path / "records")
    assert {f.name: f.read_bytes() for f in first.iterdir()} == before
    assert second.name == "r~v2"
    stored = json.loads((second / "record.json").read_text())
    assert (stored["version"], stored["supersedes"]) == (2, "r")
    assert export(run, tmp_path / "records") == second


def test_export_keeps_damaged_record(tmp_path):
    run = make_run(tmp_path / "runs")
    (export(run, tmp_path / "records") / "notes.txt").touch()
    with pytest.raises(RunError, match=r"notes\.txt does not belong in a record"):
        export(run, tmp_path / "records")


def test_export_has_audit_without_folders(tmp_path):
    run = make_run(tmp_path / "runs")
    values = [{"name": "parameters", "saw": "nobody", "value": {"model": "/home/ann/face.dat"}}]
    run.write_json("audit.json", {"selection": "test", "transductive": "none", "values": values})
    record = export(run, tmp_path / "records")
    assert json.loads((record / "audit.json").read_text())["values"][0]["value"] == {"model": "face.dat"}
    assert read_committed_record(RunFolder(record)).selection == "test"


def test_export_refuses_unfinished_run(tmp_path):
    run = make_run(tmp_path / "runs", done=False)
    with pytest.raises(RunError, match=f"mebench resume {run.path}"):
        boards_export.export_record(run, tmp_path / "records")
    assert not (tmp_path / "records").exists()


def test_stand_in_is_named_from_summary_to_board(mebench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_empty_tree("cas_me2", tmp_path / "drawn")
    words = ["method=random", "method.draws=2", "dataset=cas_me2", f"dataset.root={tmp_path / 'drawn'}"]
    sentence = "drawn stand-in: no score says anything of the real dataset"

    code, out, err = mebench("run", *words, "workers=1", "bootstrap=0", "tracking=off")
    assert code == 0
    assert sentence in out + err
    (run,) = (tmp_path / "runs").iterdir()
    for verb in (["runs", "show", run.name], ["leaderboard", "export", run.name]):
        code, out, err = mebench(*verb)
        assert code == 0, verb
        assert sentence in out + err, verb
        assert "Commit it" not in out + err, verb
    assert merge_records(find_records(tmp_path / "leaderboards" / "records"), tmp_path / "taken")[0].status == "taken"

    code, _, _ = mebench("leaderboard", "build", "--runs", "none")
    (table,) = (tmp_path / "leaderboards" / "tables").glob("spotting-*.md")
    tables = table.read_text()
    assert code == 0
    assert "| random (not ranked) (drawn stand-in) |" in tables
    assert sentence in tables

    pages = [page.read_text() for page in (tmp_path / "leaderboards" / "site").rglob("*.html")]
    assert any("drawn stand-in" in page for page in pages)
