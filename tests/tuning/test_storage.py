"""Addresses of storages, and files that are none."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mebench.errors import ConfigError, RunError
from mebench.tuning.study import StudyStorage


def test_StudyStorage_of_path_is_a_sqlite_file_and_of_url_stays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text in ("a.db", "sqlite:///a.db", f"{tmp_path}/a.db", f"sqlite:///{tmp_path}/a.db"):
        place = StudyStorage.at_url(text)
        assert (place.file, place.url, str(place)) == (tmp_path / "a.db", f"sqlite:///{tmp_path}/a.db", "a.db")
    server = StudyStorage.at_url("postgresql://ann:secret@host/x")
    assert server.file is None
    assert "secret" not in str(server)


def test_StudyStorage_refuses_the_database_of_another_program(tmp_path):
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE experiments (name TEXT)")
    before = file.read_bytes()
    with pytest.raises(
        ConfigError, match=r"mlflow.db is the database of another program, with tables such as 'experiments'"
    ):
        StudyStorage.at_url(str(file)).refuse_other_programs()

    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("/proc/studies.db", "No such file or directory"),
        ("/proc/new/studies.db", "No such file or directory"),
        ("/dev/null/studies.db", "File exists"),
        ("file/studies.db", "File exists"),
        ("folder.db", "Is a directory"),
        ("a" * 300, "File name too long"),
    ],
)
def test_StudyStorage_says_at_once_where_nothing_can_be_made(tmp_path, monkeypatch, place, why):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mebench.tuning.study.WAIT_SECONDS", 0)
    (tmp_path / "file").touch()
    (tmp_path / "folder.db.lock").mkdir()
    sentence = rf"^the storage .* cannot be made \({why}\): choose another --storage$"
    with pytest.raises(RunError, match=sentence), StudyStorage.at_url(place).lock_database():
        pytest.fail("it was made")


@pytest.mark.parametrize("folder", ["my%20study", "why?"])
def test_StudyStorage_refuses_a_path_that_no_address_can_hold(tmp_path, monkeypatch, folder):
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    sentence = r"studies.db holds % or \?.*name a place without them"
    with pytest.raises(RunError, match=sentence), StudyStorage.at_url("studies.db").lock_database():
        pytest.fail("it was made")
    assert not list(Path.cwd().iterdir())


def test_StudyStorage_takes_missing_and_empty_files(tmp_path):
    StudyStorage.at_url(str(tmp_path / "new.db")).refuse_other_programs()
    (tmp_path / "empty.db").touch()
    StudyStorage.at_url(str(tmp_path / "empty.db")).refuse_other_programs()
    assert not (tmp_path / "new.db").exists()
