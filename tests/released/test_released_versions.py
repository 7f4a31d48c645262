"""What released versions wrote: this one opens, resumes, compares and merges it, or says what differs.

Each archive holds what that version made of a drawn stand-in: a finished and a killed run, a board with the record of the finished
one, features in a store, and a study.
"""

import json
import shutil
from pathlib import Path

import pytest

from mebench._installation import VERSION
from mebench.api.boards import read_board
from mebench.features.store import FeatureStore, verify_entries
from mebench.intake.accept import find_records, merge_records
from mebench.intake.export import export_record
from mebench.records.record import record_from_run
from mebench.runner import session
from mebench.runs import RunFolder
from mebench.runs.scoring import SCORER, holds_current_scores
from mebench.tuning.run_studies import remarks_on_former_studies
from tests.cli.conftest import mebench

__all__ = ["mebench"]
RELEASED = {"0.1.0": 1, "0.2.0": 2}
"""Each released version with its version of scoring."""


@pytest.fixture(scope="module", params=RELEASED)
def released(request, tmp_path_factory):
    """A folder with the files of a released version."""
    folder = tmp_path_factory.mktemp("released") / request.param
    shutil.unpack_archive(Path(__file__).with_name(f"mebench-{request.param}.zip"), folder)
    return folder


def run_of_seed(released, seed):
    (path,) = released.glob(f"runs/*-seed{seed}-*")
    return RunFolder(path)


def test_finished_run_is_shown_with_scores_of_now(released, mebench):
    run = run_of_seed(released, 0)
    code, told, _ = mebench("runs", "show", run.path, "--json", "-")
    assert code == 0
    assert json.loads(told)["id"] == run.id
    assert run.read_json("summary.json").get("scorer", 1) == RELEASED[released.name]
    assert holds_current_scores(record_from_run(run).summary)


def test_finished_run_is_verified(released, mebench):
    code, told, _ = mebench("runs", "verify", run_of_seed(released, 0).path)
    assert (code, "unchanged since" in told or "kept no hashes" in told) == (0, True)


def test_finished_run_compares_with_run_of_now(released, tmp_path, mebench):
    run = run_of_seed(released, 0)
    again = RunFolder(shutil.copytree(run.path, tmp_path / "again"))
    code, told, _ = mebench("compare", run.path, again.path)
    assert code == 0
    assert "F1" in told


def test_finished_run_becomes_a_record_that_merges(released, tmp_path):
    record = export_record(run_of_seed(released, 0), tmp_path / "sent")
    (outcome,) = merge_records([RunFolder(record)], tmp_path / "records")
    assert (outcome.status, outcome.reason, outcome.scores) == ("taken", "", "")


def test_unfinished_run_names_what_differs(released, mebench, monkeypatch):
    run = run_of_seed(released, 1)
    monkeypatch.setattr(session, "instructions_of_folds", lambda: run.read_json("versions.json")["processor"])
    code, _, told = mebench("resume", run.path)
    assert code != 0
    expected = (
        f"mebench was {released.name} and is {VERSION}" if released.name == "0.1.0" else "code of mebench/core was "
    )
    assert expected in " ".join(told.split())
    assert "Start a new run with: mebench run" in " ".join(told.split())


def test_record_merges(released, tmp_path):
    (outcome,) = merge_records(find_records(released / "board/records"), tmp_path / "records")
    assert (outcome.status, outcome.reason, outcome.doubt) == ("taken", "", "")


def test_board_is_built_again(released):
    told: list[str] = []
    board = read_board(Path("none"), released / "board", told.append)
    (table,) = board.make_tables()
    (row,) = [row for row in table.parts[0].rows if row.measured]
    assert told == []
    assert row.method == "optical_strain"
    assert row.versions["mebench"] == released.name
    assert row.versions["scoring"] == f"{SCORER} (made under {RELEASED[released.name]})"


def test_store_holds_sound_features(released):
    store = FeatureStore(released / "cache")
    entries = list(store.list_entries())
    assert len(entries) == 4
    assert [fault for _, fault in verify_entries(store, deep=True)] == [""] * 4


def test_study_of_former_version_is_named(released):
    (former,) = [path.parent.name for path in released.glob("tuning/*/study.json")]
    remarks = remarks_on_former_studies(
        released / "tuning", "optical_strain-synthetic-kfold-seed0-tuned-", "optical_strain-…-tuned-new"
    )
    assert len(remarks) == 1
    assert remarks[0].startswith(f"study {former} does not continue: an earlier mebench began it with other code")


def test_remarks_on_former_studies_are_none_of_other_methods(released):
    assert remarks_on_former_studies(released / "tuning", "mean-synthetic-kfold-seed0-tuned-", "new") == []


def test_resume_refuses_before_it_writes(released, mebench):
    run = run_of_seed(released, 1)

    def contents():
        files = [file for file in run.path.rglob("*") if file.is_file()]
        return {file: file.read_bytes() for file in files if file.name != ".lock"}

    before = contents()
    mebench("resume", run.path)
    assert contents() == before
