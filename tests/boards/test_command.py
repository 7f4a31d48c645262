import json
import shutil
from pathlib import Path

import pytest
import typer

from mebench import result_cache, shared_work
from mebench.cli import leaderboard
from mebench.errors import ConfigError, DataError, MebenchError, RunError
from mebench.intake import export as boards_export
from tests.helpers.run_folders import make_run
from tests.helpers.thread_workers import replace_workers

PUBLISHED = Path(__file__).parents[2] / "leaderboards" / "published.csv"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_build_makes_tables_from_records_alone(tmp_path, capsys):
    for method, seed in (("one", 0), ("one", 1), ("two", 0)):
        run = make_run(tmp_path / "runs", method=method, seed=seed)
        boards_export.export_record(run, tmp_path / "leaderboards" / "records", scored_again=False)
    leaderboard.leaderboard_build_command("runs", site=False)
    both = files(tmp_path / "leaderboards")
    shutil.rmtree(tmp_path / "runs")
    leaderboard.leaderboard_build_command("runs", site=False)

    assert files(tmp_path / "leaderboards") == both
    assert "3 tables from 3 runs" in capsys.readouterr().out


def test_build_by_two_processes_writes_what_one_does(tmp_path, monkeypatch):
    called = replace_workers(monkeypatch)
    monkeypatch.setattr(shared_work, "MANY", 1)
    run = make_run(tmp_path / "runs")
    boards_export.export_record(run, tmp_path / "leaderboards" / "records", scored_again=False)
    leaderboard.leaderboard_build_command("none", workers=1)
    alone = files(tmp_path / "leaderboards")
    monkeypatch.setattr(result_cache, "cache_folder", lambda: tmp_path / "cache")
    leaderboard.leaderboard_build_command("none", workers=2)
    assert called == ["help_with_board"]
    assert files(tmp_path / "leaderboards") == alone


def test_build_refuses_no_process(tmp_path):
    with pytest.raises(ConfigError, match=r"--workers must be 1 or more, .* not 0"):
        leaderboard.leaderboard_build_command("none", workers=0)


def test_build_json_is_alone_on_standard_output(tmp_path, capsys):
    make_run(tmp_path / "runs")
    make_run(tmp_path / "runs", "half", done=False)
    leaderboard.leaderboard_build_command("runs", json="-")
    captured = capsys.readouterr()
    assert [t["task"] for t in json.loads(captured.out)["tables"]] == ["spotting", "analysis", "recognition"]
    assert "half is not finished" in captured.err


def test_across_says_if_nothing_compares(tmp_path):
    with pytest.raises(RunError, match="no finished run in runs and no record in leaderboards/records"):
        leaderboard.leaderboard_build_command("runs")
    assert not (tmp_path / "leaderboards").exists()


def test_build_writes_nothing_if_all_records_are_refused(tmp_path, capsys):
    """As after a clone that changed the ends of lines: the hashes of all records differ."""
    leaderboard_folder = tmp_path / "leaderboards"
    run = make_run(tmp_path / "runs")
    boards_export.export_record(run, leaderboard_folder / "records", scored_again=False)
    leaderboard.leaderboard_build_command("none", site=False)
    before = files(leaderboard_folder)
    for file in leaderboard_folder.glob("records/*/*.json"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        before[str(file.relative_to(leaderboard_folder))] = file.read_bytes()

    with pytest.raises(MebenchError, match="all 1 records in leaderboards/records are left out") as refusal:
        leaderboard.leaderboard_build_command("runs", site=False)

    assert refusal.value.exit_code == 1
    assert "has changed since the export" in capsys.readouterr().err
    assert files(leaderboard_folder) == before
    leaderboard.leaderboard_build_command("runs", records_in="none", site=False)  # as the refusal says
    assert files(leaderboard_folder) != before


def test_build_without_runs_shows_published_values(tmp_path, capsys):
    make_run(tmp_path / "runs", "half", done=False)
    (tmp_path / "leaderboards").mkdir()
    shutil.copy(PUBLISHED, tmp_path / "leaderboards")
    leaderboard.leaderboard_build_command("runs")
    captured = capsys.readouterr()

    assert "0 tables from 0 runs" in captured.out
    assert "half is not finished" in captured.err
    assert "no finished run in runs and no record in" in captured.err
    assert "There is none." in (tmp_path / "leaderboards" / "experiments.md").read_text()
    assert "No run has been measured yet" in (tmp_path / "leaderboards" / "site" / "index.html").read_text()
    assert "liong2023mean" in (tmp_path / "leaderboards" / "site" / "published.html").read_text()


def test_build_names_missing_folder_of_runs(tmp_path, capsys):
    leaderboard.leaderboard_export_command(make_run(tmp_path / "runs", tasks=("recognize",)).id, "runs")
    leaderboard.leaderboard_build_command("rnus", site=False)
    captured = capsys.readouterr()
    assert "there is no folder rnus: only the records in leaderboards/records count" in captured.err
    assert "1 table from 1 run\n" in captured.out
    leaderboard.leaderboard_build_command("none", site=False)
    assert "there is no folder" not in capsys.readouterr().err


def test_build_again_gives_same_files(tmp_path):
    make_run(tmp_path / "runs", kinds=("micro", "macro"))
    make_run(tmp_path / "runs", method="two", shift=5, members=("a", "b"))
    (tmp_path / "leaderboards").mkdir()
    shutil.copy(PUBLISHED, tmp_path / "leaderboards")
    leaderboard.leaderboard_build_command("runs")
    once = files(tmp_path / "leaderboards")
    leaderboard.leaderboard_build_command("runs")

    assert files(tmp_path / "leaderboards") == once
    assert "site/index.html" in once
    assert "README.md" in once


def test_build_without_site_writes_tables(tmp_path):
    make_run(tmp_path / "runs")
    leaderboard.leaderboard_build_command("runs", site=False)
    assert not (tmp_path / "leaderboards" / "site").exists()


def test_build_names_run_that_cannot_be_shown(tmp_path, capsys):
    """Short clips stand beside; one run's folds do not say who validated, which its page shows."""
    make_run(tmp_path / "runs", "short", one_per_video=True, tasks=("spot",))
    broken = make_run(tmp_path / "runs", "without_folds", seed=1)
    about = broken.read_json("folds.json")
    broken.write_json("folds.json", {**about, "folds": [{**fold, "valid": None} for fold in about["folds"]]})
    leaderboard.leaderboard_build_command("runs")
    captured = capsys.readouterr()
    assert "without_folds is left out: it cannot be shown (TypeError" in captured.err
    assert "1 table from 1 run" in captured.out
    written = files(tmp_path / "leaderboards")
    assert "site/runs/short.html" in written
    assert not any(b"without_folds" in text for text in written.values())


def test_build_keeps_foreign_site_folder(tmp_path):
    make_run(tmp_path / "runs")
    (tmp_path / "leaderboards" / "site").mkdir(parents=True)
    (tmp_path / "leaderboards" / "site" / "index.html").write_text("my own")
    with pytest.raises(ConfigError, match="do not belong to a site of mebench"):
        leaderboard.leaderboard_build_command("runs")
    assert (tmp_path / "leaderboards" / "site" / "index.html").read_text() == "my own"


def test_merge_command_reports_refused_records(tmp_path, capsys):
    good = make_run(tmp_path / "runs", "good", tasks=("recognize",))
    bad = make_run(tmp_path / "runs", "bad", seed=1, tasks=("recognize",))
    for run in (good, bad):
        leaderboard.leaderboard_export_command(run.id, "runs", "sent")

    (tmp_path / "sent" / "bad" / "folds.json").write_text("{}")
    with pytest.raises(typer.Exit) as end:
        leaderboard.leaderboard_merge_command(["sent"], "taken")
    assert end.value.exit_code == 5

    captured = capsys.readouterr()
    assert "good: taken into taken" in captured.out
    assert "record bad is refused: folds.json has changed since the export" in captured.err
    assert [folder.name for folder in (tmp_path / "taken").iterdir()] == ["good"]

    leaderboard.leaderboard_merge_command(["sent/good"], "taken", json="-")
    assert json.loads(capsys.readouterr().out) == {
        "records": [{"id": "good", "status": "there", "reason": "", "doubt": "", "scores": "", "sender": "unnamed-1"}]
    }
    with pytest.raises(RunError, match="has no record"):
        leaderboard.leaderboard_merge_command(["runs"], "taken")

    Path("file").touch()
    with pytest.raises(DataError, match="--out file cannot be written: Not a directory: name another folder"):
        leaderboard.leaderboard_merge_command(["sent/good"], "file")


def test_export_command_takes_id_or_folder(tmp_path, monkeypatch):
    run = make_run(tmp_path / "elsewhere", "spotter-1", tasks=("recognize",))
    leaderboard.leaderboard_export_command("elsewhere/spotter-1", "runs", "records")
    assert (tmp_path / "records" / "spotter-1" / "record.json").is_file()
    monkeypatch.chdir(run.path)
    leaderboard.leaderboard_export_command(".", "runs", str(tmp_path / "again"))
    assert (tmp_path / "again" / "spotter-1" / "record.json").is_file()
    with pytest.raises(RunError, match="Did you mean 'spotter-1'"):
        leaderboard.leaderboard_export_command("spotter-2", str(tmp_path / "elsewhere"), "records")


def test_build_takes_records_from_other_folder(tmp_path, capsys):
    leaderboard.leaderboard_export_command(
        make_run(tmp_path / "runs", method="one", tasks=("recognize",)).id, "runs", "theirs"
    )
    shutil.rmtree(tmp_path / "runs")
    leaderboard.leaderboard_build_command("runs", "tables", records_in="theirs", site=False)
    assert "1 table from 1 run" in capsys.readouterr().out
    assert not (tmp_path / "tables" / "site").exists()
    with pytest.raises(
        ConfigError, match="--records must name a folder of records, or be none or included, but nowhere"
    ):
        leaderboard.leaderboard_build_command("runs", "tables", records_in="nowhere")


def test_build_shows_unknown_score_by_name(tmp_path, capsys):
    newer = make_run(tmp_path / "runs", "newer")
    summary = newer.read_json("summary.json")
    summary["recognition"]["scores"]["uf2"] = summary["recognition"]["scores"]["uf1"]
    newer.write_json("summary.json", summary)
    leaderboard.leaderboard_build_command("runs", records_in="none")
    assert "from 1 run" in capsys.readouterr().out
    assert ">uf2<" in (tmp_path / "leaderboards" / "site" / "runs" / "newer.html").read_text()
