"""What the folds of a run could see goes with it into its record, its row and its page."""

import csv
import io
import json

import pytest

from mebench.boards import build as boards_build, table_files
from mebench.boards.site.site_pages import write_site
from mebench.intake.accept import merge_records
from mebench.intake.collect import collect_finished_runs, collect_records
from mebench.intake.export import export_record
from mebench.records.record import read_committed_record
from mebench.runs import RunFolder
from mebench.runs.access_text import ACCESS_FILE
from tests.helpers.run_folders import make_run

WHOLE = {
    "asked": "auto",
    "lacks": [],
    "view": True,
    "reads": ["/home/ann/weights/face.dat"],
    "devices": [],
    "given": ["Python", "the method's folder /home/ann/methods/spotter"],
    "inherited": ["HOME", "PATH"],
}
OPEN = {
    "asked": "off",
    "lacks": ["files", "processes", "network", "privileges"],
    "view": False,
    "reads": [],
    "devices": [],
}


ON_A_MAC = {**WHOLE, "by": "Seatbelt", "view": False}


def run_with(access, runs, run_id, **contents):
    """A run whose folds had some access; None is an older run, which does not say it."""
    run = make_run(runs, run_id, **contents)
    if access is not None:
        run.write_json(ACCESS_FILE, access)
    return run


def merged(run, folder):
    """The outcome of merging the record of a run."""
    (outcome,) = merge_records([RunFolder(export_record(run, folder / "sent"))], folder / "records")
    return outcome


def test_export_keeps_isolation_without_folders(tmp_path):
    run = run_with(WHOLE, tmp_path / "runs", "r")
    fold = next((run.path / "folds").iterdir())
    (fold / "printed.txt").write_text("epoch 1\n")
    assert merged(run, tmp_path).status == "taken"
    stored = json.loads((tmp_path / "records" / "r" / "record.json").read_text())["isolation"]
    assert stored["reads"] == ["face.dat"]
    assert stored["given"] == ["Python", "the method's folder spotter"]
    assert stored["printed"] == 1
    (record,) = collect_records(tmp_path / "records")
    assert "isolated from files, processes and the network" in record.access
    assert "its method could read face.dat" in record.access
    assert "variables that its folds inherited: HOME, PATH; 1 fold printed something" in record.access


def test_export_leaves_older_record_as_it_is(tmp_path):
    run = run_with(None, tmp_path / "runs", "r")
    record = export_record(run, tmp_path / "records")
    before = {file.name: file.read_bytes() for file in record.iterdir()}
    assert "isolation" not in json.loads(before["record.json"])
    assert read_committed_record(RunFolder(record)).access == ""
    run.write_json(ACCESS_FILE, WHOLE)  # as if a later version had noted it
    assert export_record(run, tmp_path / "records") == record
    assert {file.name: file.read_bytes() for file in record.iterdir()} == before


@pytest.mark.parametrize(
    ("setting", "access", "reason"),
    [
        ("on", OPEN, "it ran under sandbox=on, but its isolation is of sandbox=off"),
        ("off", {**WHOLE, "asked": "off"}, "it ran under sandbox=off, but says that its folds were isolated"),
        ("on", {**WHOLE, "asked": "on", "lacks": ["files"]}, "says that its folds were not isolated from files"),
        ("auto", {**ON_A_MAC, "lacks": ["files"]}, "says that Seatbelt isolated its folds, and that they were not"),
        (
            "auto",
            {**ON_A_MAC, "view": True},
            "says that other files did not exist for its folds, which Seatbelt cannot",
        ),
    ],
)
def test_merge_refuses_contradiction_on_isolation(tmp_path, setting, access, reason):
    run = run_with(access, tmp_path / "runs", "r", settings={"sandbox": setting})
    from mebench.intake.export import WithheldError

    with pytest.raises(WithheldError, match=reason):
        export_record(run, tmp_path / "sent")


def test_rows_say_how_folds_were_isolated(tmp_path):
    for seed, (method, access) in enumerate([("kept", WHOLE), ("open", OPEN), ("older", None)]):
        run_with(access, tmp_path / "runs", method, method=method, seed=seed, tasks=("recognize",))
    records = collect_finished_runs(tmp_path / "runs")
    (table,) = boards_build.build_tables(records)
    rows = {row.method: row for row in table.parts[0].rows if row.measured}
    assert rows["kept"].facts["isolation"] == "isolated from files, processes and the network"
    assert rows["open"].facts["not_isolated"] == "files, processes, network, privileges"
    assert [rows[name].marks for name in ("kept", "open", "older")] == [[], ["folds not isolated"], []]
    lines = {line["method"]: line for line in csv.DictReader(io.StringIO(table_files.as_csv(table)))}
    assert lines["open"]["isolation"].startswith("not isolated from files")
    assert lines["older"]["isolation"] == ""
    write_site([table], records, [], tmp_path / "site")
    assert "variables that its folds inherited: HOME, PATH" in (tmp_path / "site" / "runs" / "kept.html").read_text()


def test_rows_of_open_and_isolated_folds_are_two(tmp_path):
    for seed, access in enumerate([WHOLE, None, OPEN]):
        run_with(access, tmp_path / "runs", f"r{seed}", seed=seed, tasks=("recognize",))
    (table,) = boards_build.build_tables(collect_finished_runs(tmp_path / "runs"))
    seeds = sorted(row.seeds for row in table.parts[0].rows if row.measured)
    assert seeds == [(0, 1), (2,)]


def test_rows_say_what_isolated_folds(tmp_path):
    """A row of Seatbelt is another one than a row of Landlock, whose folds saw less."""
    kinds = {"Landlock": {**WHOLE, "by": "Landlock"}, "Seatbelt": ON_A_MAC}
    for seed, access in enumerate(kinds.values()):
        run_with(access, tmp_path / "runs", f"r{seed}", seed=seed, tasks=("recognize",))
    (table,) = boards_build.build_tables(collect_finished_runs(tmp_path / "runs"))
    said = {row.facts["isolation"] for row in table.parts[0].rows if row.measured}
    assert said == {
        "isolated from files, processes and the network by Landlock",
        "isolated from the content of files, from processes and the network by Seatbelt, but could see whether files exist, and how "
        "other programs were started",
    }


def test_export_keeps_why_seatbelt_did_not_isolate(tmp_path):
    reason = "a fold could not work in it (PermissionError: Operation not permitted: /Users/ann/models/a.bin)"
    run = run_with({**OPEN, "asked": "auto", "reason": reason}, tmp_path / "runs", "r")
    assert merged(run, tmp_path).status == "taken"
    (record,) = collect_records(tmp_path / "records")
    assert "not isolated from files, processes, network, privileges (Seatbelt: a fold could not work" in record.access
    assert "a.bin" in record.access
    assert "/Users/ann" not in record.access


def test_board_names_code_of_the_sender_in_the_training(tmp_path):
    """It is imported where the labels are known, so that a reader must trust it."""
    own = {"trainer.callbacks": [{"class_path": "ours.Counting", "init_args": {}}]}
    of_lightning = {"trainer.callbacks": [{"class_path": "lightning.pytorch.callbacks.Timer", "init_args": {}}]}
    for method, settings in (("own", own), ("plain", of_lightning)):
        run = make_run(tmp_path / "runs", method=method, tasks=("recognize",))
        stored = run.read_json("config.json")
        run.write_json("config.json", {**stored, "config": {**stored["config"], **settings}})
    (table,) = boards_build.build_tables(collect_finished_runs(tmp_path / "runs"))
    remarks = {line["method"]: line["remark"] for line in csv.DictReader(io.StringIO(table_files.as_csv(table)))}
    assert "trained with code of its sender: ours.Counting" in remarks["own"]
    assert "trained with code" not in remarks["plain"]


def test_board_names_landmark_file_of_the_sender(tmp_path):
    """It turns and cuts every face, so that one fitted to labels tells them."""
    for method, facts in (("own", {"landmark_files": ["own.dat (0123abcd)"]}), ("plain", {})):
        run = make_run(tmp_path / "runs", method=method, tasks=("recognize",))
        run.write_json("folds.json", {**run.read_json("folds.json"), **facts})
    (table,) = boards_build.build_tables(collect_finished_runs(tmp_path / "runs"))
    remarks = {row.method: row.remark for row in table.parts[0].rows if row.measured}
    assert "faces cut by a landmark file of its sender: own.dat (0123abcd)" in remarks["own"]
    assert "landmark" not in remarks["plain"]
