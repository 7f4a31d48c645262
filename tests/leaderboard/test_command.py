import json
import shutil

import pytest

from mebench.commands.leaderboard import build_command, export_command
from mebench.errors import RunError
from tests.run_folders import make_run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(folder):
    return {f.name: f.read_bytes() for f in folder.iterdir() if f.is_file()}


def test_committed_records_rebuild_the_tables_without_the_runs(tmp_path, capsys):
    for method, seed in (("one", 0), ("one", 1), ("two", 0)):
        run = make_run(tmp_path / "runs", method=method, seed=seed)
        export_command(run.id, "runs", "leaderboards/records")
    build_command("runs", "leaderboards", None)
    both = files(tmp_path / "leaderboards")
    shutil.rmtree(tmp_path / "runs")
    build_command("runs", "leaderboards", None)
    assert files(tmp_path / "leaderboards") == both
    assert "3 tables from 3 runs" in capsys.readouterr().out


def test_json_on_standard_output_stands_alone(tmp_path, capsys):
    make_run(tmp_path / "runs")
    make_run(tmp_path / "runs", "half", done=False)
    build_command("runs", "leaderboards", "-")
    captured = capsys.readouterr()
    assert [t["task"] for t in json.loads(captured.out)["tables"]] == ["spotting", "analysis", "recognition"]
    assert "half is not finished" in captured.err


def test_nothing_to_compare_is_said(tmp_path):
    with pytest.raises(RunError, match="no finished run in runs and no record in leaderboards/records"):
        build_command("runs", "leaderboards", None)
    assert not (tmp_path / "leaderboards").exists()


def test_export_takes_an_id_or_a_folder_and_names_what_it_does_not_know(tmp_path, monkeypatch):
    run = make_run(tmp_path / "elsewhere", "spotter-1")
    export_command("elsewhere/spotter-1", "runs", "records")
    assert (tmp_path / "records" / "spotter-1" / "record.json").is_file()
    monkeypatch.chdir(run.path)
    export_command(".", "runs", str(tmp_path / "again"))
    assert (tmp_path / "again" / "spotter-1" / "record.json").is_file()
    with pytest.raises(RunError, match="Did you mean 'spotter-1'"):
        export_command("spotter-2", str(tmp_path / "elsewhere"), "records")
