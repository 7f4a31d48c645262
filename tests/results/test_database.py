import sqlite3

import pytest

from mebench.results.collect import _newest_schema, remarks

RUN_TAG = "mebench.run_id"


@pytest.fixture
def database(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "mlflow.db"


def fill(database, schema, *runs):
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (schema,))
        connection.execute("CREATE TABLE tags (key TEXT, value TEXT)")
        connection.executemany("INSERT INTO tags VALUES (?, ?)", [(RUN_TAG, run) for run in runs])


def test_no_database_no_remark(database):
    assert list(remarks(None, "runs", set())) == []
    assert list(remarks("http://localhost:5000", "runs", set())) == []
    assert not database.exists()


def test_an_empty_database_is_said(database):
    database.touch()
    assert list(remarks(None, "runs", set())) == [
        "mlflow.db is empty: the tables are built from the run folders in runs"
    ]
    fill(database, _newest_schema())
    assert list(remarks(None, "runs", set())) == [
        "mlflow.db knows no run of mebench: the tables are built from the run folders in runs"
    ]


def test_one_of_another_version_is_said_and_left_as_it_is(database):
    fill(database, "0a1b2c", "r")
    before = database.read_bytes()
    (sentence,) = remarks(None, "runs", {"r"})
    assert "another version of MLflow (schema 0a1b2c" in sentence and "mlflow db upgrade" in sentence
    assert database.read_bytes() == before


def test_a_damaged_one_is_said(database):
    database.write_bytes(b"this is no database at all, whatever it is called" * 100)
    (sentence,) = remarks(None, "runs", set())
    assert sentence.startswith("mlflow.db cannot be read (")


def test_runs_that_are_nowhere_else_are_named_once(database):
    fill(database, _newest_schema(), "here", "gone", "gone")
    assert list(remarks(None, "runs", {"here"})) == [
        "run gone is in mlflow.db, but neither its folder in runs nor a record of it is here: it is left out"
    ]


def test_the_newest_schema_is_that_of_mlflow_itself():
    import mlflow
    from alembic.script import ScriptDirectory

    folder = f"{mlflow.__path__[0]}/store/db_migrations"
    assert [_newest_schema()] == list(ScriptDirectory(folder).get_heads())
