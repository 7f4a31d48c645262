"""MLflow's store of runs: its address, lock and schema, and problems of its database."""

from __future__ import annotations

import gc
import importlib.util
import logging
import os
import re
import sqlite3
import time
import urllib.request
import warnings
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from filelock import Timeout

from mebench.config.database_files import display_path, lock_file, without_password
from mebench.config.tracking_address import ARTIFACTS, OFF, locate_database, mlflow_address
from mebench.errors import RunError
from mebench.files import whole_file
from mebench.system import join_words, mounted_systems

LOCK_SECONDS = 20.0
"""How long a database may be busy in other hands."""
ANSWER_SECONDS = 10.0
"""How long a server may take to answer at all."""
PIECE = 2**16
"""Bytes of an answer that are read at once."""
NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "glusterfs",
        "pvfs2",
        "orangefs",
        *(f"fuse.{name}" for name in ("sshfs", "ceph", "glusterfs", "beegfs", "rclone", "s3fs")),
    }
)
"""Kinds of file systems on which the locks of sqlite do not hold."""
RUN_TAG = "mebench.run_id"

_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default a server that is down or slow holds up the user for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@dataclass(frozen=True)
class Store:
    """The store in which MLflow keeps runs.

    Attributes:
        uri: MLflow's tracking URI, absolute for sqlite.
        database: the sqlite file, or None for anything else.
    """

    uri: str
    database: Path | None

    @classmethod
    def at_uri(cls, uri: str | bool | None) -> Store:
        """The store of a URI; None and `mlflow` take `$MLFLOW_TRACKING_URI`, else `mlflow.db` in the working folder."""
        return cls(*locate_database(mlflow_address(uri)))

    @property
    def artifacts(self) -> str | None:
        """The folder of artifacts: next to the sqlite file, else chosen by the server."""
        return (self.database.parent / ARTIFACTS).as_uri() if self.database else None

    def prepare(self) -> None:
        """Check that a server answers, and create a missing sqlite file.

        Raises:
            RunError: a server does not answer in time, or its answer has no end.
        """
        if self.uri.startswith("http"):
            self._check_server()
        if self.database is not None and not self.database.exists():
            _create_from_schema(self.database)

    def _check_server(self) -> None:
        """Refuse a server that does not answer in time; MLflow itself describes all other failures."""
        deadline = time.monotonic() + ANSWER_SECONDS
        try:
            with urllib.request.urlopen(f"{self.uri.rstrip('/')}/health", timeout=ANSWER_SECONDS) as answer:
                while answer.read1(PIECE):
                    if time.monotonic() > deadline:
                        raise TimeoutError
        except (OSError, ValueError, HTTPException) as error:
            cause = getattr(error, "reason", error)
            if isinstance(cause, TimeoutError):
                raise RunError(
                    f"the MLflow server {without_password(self.uri)} gives no whole answer within {ANSWER_SECONDS:g} s: start it "
                    "again, or choose another with tracking=URI"
                ) from None

    def describe(self) -> str:
        """Its address for messages, without a password."""
        return without_password(self.uri) if self.database is None else display_path(self.database)

    def opening(self, page: str, view: str = "") -> str:
        """The command that shows a page of the store, such as `experiments/1/runs`, without a password.

        MLflow 3 opens on its view of language models' traces, which holds no run, unless the address says otherwise.
        """
        address = f"/#/{page}?workflowType=machine_learning{view}"
        if self.uri.startswith("http"):
            return f"open {without_password(self.uri).rstrip('/')}{address}"
        command = join_words(["mlflow", "ui", "--backend-store-uri", without_password(self.uri)])
        return f"{command}, then open http://127.0.0.1:5000{address}"


def _create_from_schema(database: Path) -> None:
    """Create a sqlite file from the stored schema, if that equals MLflow's own: its 70 migrations take a second."""
    schema = Path(__file__).with_name(f"schema_{newest_schema()}.sql")
    if schema.is_file():
        with whole_file(database) as file, closing(sqlite3.connect(file)) as made:
            made.executescript(schema.read_text(encoding="utf-8"))


@contextmanager
def lock_store(store: Store) -> Iterator[None]:
    """A lock for one process at a time on a sqlite file.

    Simultaneous creation would break the file.

    Raises:
        RunError: it lies on a network drive, or is busy for longer than `LOCK_SECONDS`.
        sqlite3.Error: it is damaged, or cannot be written to.
    """
    if store.database is None:
        yield
        return
    kind = find_file_system(store.database)
    if kind in NETWORK:
        raise RunError(
            f"the database is on a network drive ({kind}), where sqlite fails: start a server with mlflow "
            "server and name it with MLFLOW_TRACKING_URI=http://HOST:5000"
        )
    deadline = time.monotonic() + LOCK_SECONDS
    try:
        lock = lock_file(store.database, LOCK_SECONDS)
    except Timeout:
        raise RunError(f"another process has been writing to it for {LOCK_SECONDS:.0f} seconds") from None
    with lock:
        if store.database.exists():
            # MLflow tries a damaged, locked or read-only file for minutes; sqlite reports it at once.
            seconds_left = max(deadline - time.monotonic(), 0.1)
            try:
                with closing(sqlite3.connect(store.database, seconds_left, isolation_level=None)) as file:
                    file.executescript("BEGIN IMMEDIATE; ROLLBACK")
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                raise RunError(f"{error}: move it away, and the next command makes a new one") from None
        yield


def find_file_system(path: Path) -> str:
    """Kind of the file system of a path, such as `ext4` or `nfs4`.

    The path may exist or not. Empty if the kind is unknown.
    """
    place = path.resolve()
    depths = dict[int, str]()
    for where, kind in mounted_systems():
        if place.is_relative_to(where):
            depths[len(where.parts)] = kind  # of two on one folder the later one hides the earlier
    return depths[max(depths)] if depths else ""


def database_remarks(uri: str | bool | None, runs: str, known: Collection[str]) -> Iterator[str]:
    """A sentence for each problem of the database; leaderboards are built from run folders in any case.

    Args:
        uri: MLflow's tracking URI; None takes the default. Only sqlite files are read, and nothing is written.
        runs: folder of the run folders, for the sentences.
        known: ids of the existing runs, as folders or records.
    """
    database = Store.at_uri(uri).database
    if database is None or not database.is_file():
        return
    name = database.name
    instead = f"the tables are built from the run folders in {runs}"
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "tags" not in tables:
                yield f"{name} is empty: {instead}"
                return
            version = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            tagged = connection.execute("SELECT value FROM tags WHERE key = ?", (RUN_TAG,))
            mirrored = {run_id for (run_id,) in tagged}
    except sqlite3.Error as error:
        yield f"{name} cannot be read ({error}): {instead}"
        return
    newest = newest_schema()
    schema = version[0] if version else None
    if schema and newest and schema != newest:
        yield (
            f"{name} was made by another version of MLflow (schema {schema}, this one has {newest}): {instead}; "
            f"mlflow db upgrade sqlite:///{name} makes it readable again"
        )
    if not mirrored:
        yield f"{name} knows no run of mebench: {instead}"
    for run_id in sorted(mirrored - set(known)):
        yield f"run {run_id} is in {name}, but neither its folder in {runs} nor a record of it is here: it is left out"


def is_store_in_use(tracking: str | bool | None) -> bool:
    """Whether a setting names an existing store: any but `off`, and a sqlite file only if it exists."""
    database = Store.at_uri(tracking).database
    return tracking not in OFF and (database is None or database.is_file())


def newest_schema() -> str | None:
    """The schema of the installed MLflow: its last revision."""
    spec = importlib.util.find_spec("mlflow")  # found, not imported: that takes seconds
    places = spec.submodule_search_locations if spec else None
    if not places:
        return None
    migrations = Path(next(iter(places))) / "store" / "db_migrations" / "versions"
    revisions = set[str | None]()
    replaced = set[str | None]()
    for file in migrations.glob("*.py"):
        names = dict(_REVISION.findall(file.read_text(encoding="utf-8")))
        revisions.add(names.get("revision"))
        replaced.add(names.get("down_revision"))
    newest = revisions - replaced - {None}
    return newest.pop() if len(newest) == 1 else None


_REVISION = re.compile(r"^(down_revision|revision)\s*(?::[^=]*)?=\s*[\"'(]*(\w+)", re.MULTILINE)
"""The line of a migration that names its own revision, or the one before."""


@contextmanager
def silence_mlflow(collect: bool = True) -> Iterator[None]:
    """A context without log lines, warnings and telemetry of MLflow and alembic.

    Args:
        collect: whether Python collects garbage meanwhile; without, MLflow's 1,500 files are read in three quarters of
            the time.
    """
    added = {name: value for name, value in _ENVIRONMENT.items() if name not in os.environ}
    root = logging.getLogger()
    handlers = list(root.handlers)
    level = root.level
    disabled_level = logging.root.manager.disable
    was_collecting = gc.isenabled()
    os.environ.update(added)
    logging.disable(logging.CRITICAL)
    if not collect:
        gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if was_collecting:
            gc.enable()
        logging.disable(disabled_level)
        root.handlers[:] = handlers
        root.level = level
        for name in added:
            os.environ.pop(name, None)
