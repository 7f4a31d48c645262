import contextlib
import http.server
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from mebench.errors import RunError
from mebench.tracking import database_remarks, mlflow_store
from tests.helpers.model_server import serving

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


def test_remarks_are_empty_without_database(database):
    assert list(database_remarks(None, "runs", set())) == []
    assert list(database_remarks("http://localhost:5000", "runs", set())) == []
    assert not database.exists()


def test_remarks_name_empty_database(database):
    database.touch()
    assert list(database_remarks(None, "runs", set())) == [
        "mlflow.db is empty: the tables are built from the run folders in runs"
    ]
    fill(database, mlflow_store.newest_schema())
    assert list(database_remarks(None, "runs", set())) == [
        "mlflow.db knows no run of mebench: the tables are built from the run folders in runs"
    ]


def test_remarks_name_database_of_other_version(database):
    fill(database, "0a1b2c", "r")
    before = database.read_bytes()
    (sentence,) = database_remarks(None, "runs", {"r"})
    assert "another version of MLflow (schema 0a1b2c" in sentence
    assert "mlflow db upgrade" in sentence
    assert database.read_bytes() == before


def test_remarks_name_damaged_database(database):
    database.write_bytes(b"this is no database at all, whatever it is called" * 100)
    (sentence,) = database_remarks(None, "runs", set())
    assert sentence.startswith("mlflow.db cannot be read (")


def test_remarks_name_runs_that_are_nowhere_else(database):
    fill(database, mlflow_store.newest_schema(), "here", "gone", "gone")
    assert list(database_remarks(None, "runs", {"here"})) == [
        "run gone is in mlflow.db, but neither its folder in runs nor a record of it is here: it is left out"
    ]


def test_newest_schema_is_that_of_mlflow():
    import mlflow
    from alembic.script import ScriptDirectory

    folder = f"{mlflow.__path__[0]}/store/db_migrations"
    assert [mlflow_store.newest_schema()] == list(ScriptDirectory(folder).get_heads())


def test_prepare_makes_database_as_mlflow_does(tmp_path, monkeypatch):
    """Table by table, column by column, with all indexes; and MLflow takes it."""
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine_with_retry

    if not (Path(mlflow_store.__file__).with_name(f"schema_{mlflow_store.newest_schema()}.sql")).is_file():
        pytest.skip("the MLflow that is installed has another schema, and makes its databases by itself")
    mlflow_store.Store.at_uri(f"sqlite:///{tmp_path}/kept.db").prepare()
    _initialize_tables(create_sqlalchemy_engine_with_retry(f"sqlite:///{tmp_path}/own.db"))
    kept, own = (sqlite3.connect(tmp_path / name) for name in ("kept.db", "own.db"))
    with closing(kept), closing(own):
        # Of several CHECKs of a table MLflow writes now this one first and now that one.
        one, other = ([sorted(re.findall(r"[^\s(),]+", line)) for line in made.iterdump()] for made in (kept, own))
        assert sorted(one) == sorted(other)
        assert len(one) > 100


def test_prepare_leaves_database_to_other_mlflow(tmp_path, monkeypatch):
    monkeypatch.setattr(mlflow_store, "newest_schema", lambda: "0a1b2c")
    mlflow_store.Store.at_uri(f"sqlite:///{tmp_path}/mlflow.db").prepare()
    assert not (tmp_path / "mlflow.db").exists()


@pytest.fixture
def server():
    """Starts a server on this machine that answers as a function does; returns its address."""
    started = []

    def start(answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with contextlib.suppress(OSError):
                    answer(self)

            def log_message(self, *_):
                pass

        started.append(serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)))
        return f"http://127.0.0.1:{started[-1].server_port}"

    yield start
    for one in started:
        one.shutdown()


def silent(handler):
    time.sleep(3)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(300):
        handler.wfile.write(b" " * 100)
        time.sleep(0.01)


def healthy(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"OK")


@pytest.mark.parametrize("answer", [silent, endless])
def test_prepare_reports_silent_server(server, monkeypatch, answer):
    monkeypatch.setattr(mlflow_store, "ANSWER_SECONDS", 0.2)
    begin = time.monotonic()
    with pytest.raises(RunError, match=r"the MLflow server http://127.* gives no whole answer within 0.2 s"):
        mlflow_store.Store.at_uri(server(answer)).prepare()
    assert time.monotonic() - begin < 2.5


def test_prepare_leaves_other_servers_to_mlflow(server):
    for address in (server(healthy), "http://127.0.0.1:9", "http://ann:secret@127.0.0.1:9"):
        mlflow_store.Store.at_uri(address).prepare()
