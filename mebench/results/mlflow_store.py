"""Where MLflow keeps runs: its place, whether it can take them, and how to ask it alone and in silence."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from mebench.errors import RunError

LOCK_SECONDS = 20.0
"""How long a database may be busy in other hands."""
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
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default a server that is down holds up the user for minutes
}


def located(url: str) -> tuple[str, Path | None]:
    """The address of a database from any folder, and its file; of what is no sqlite file the address as it is, and None.

    >>> located("sqlite:////data/runs.db?timeout=5"), located("http://example.org")[1]
    (('sqlite:////data/runs.db?timeout=5', PosixPath('/data/runs.db')), None)
    """
    scheme, slashes, rest = url.partition(":///")
    name, question, options = rest.partition("?")
    if scheme.split("+")[0] != "sqlite" or not slashes or not name or name == ":memory:":
        return url, None
    file = Path.cwd() / name
    return f"{scheme}:///{file}{question}{options}", file


@dataclass(frozen=True)
class Store:
    """Where MLflow keeps things.

    Attributes:
        uri: MLflow's tracking URI, absolute for sqlite.
        database: the sqlite file, or None for anything else.
    """

    uri: str
    database: Path | None

    @classmethod
    def of(cls, uri: str | None) -> Store:
        """The store of a URI; None takes `$MLFLOW_TRACKING_URI`, else `mlflow.db` in the working folder."""
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
        return cls(*located(uri))

    @property
    def artifacts(self) -> str | None:
        """Where artifacts go: beside the sqlite file, else where the server wants them."""
        return (self.database.parent / "mlartifacts").as_uri() if self.database else None

    def describe(self) -> str:
        """Its place for people, without a password."""
        if self.database is None:
            return without_password(self.uri)
        here = Path.cwd()
        return str(self.database.relative_to(here) if self.database.is_relative_to(here) else self.database)

    def opening(self, page: str) -> str:
        """What a user does to see a page of it, such as `experiments/1/runs`, without a password.

        MLflow 3 opens on its view of language models' traces, which holds no run, unless the address says otherwise.
        """
        address = f"/#/{page}?workflowType=machine_learning"
        if self.uri.startswith("http"):
            return f"open {without_password(self.uri).rstrip('/')}{address}"
        place = shlex.quote(without_password(self.uri))
        return f"mlflow ui --backend-store-uri {place}, then open http://127.0.0.1:5000{address}"


def without_password(text: str) -> str:
    """A URI, or text that quotes one, as it may be shown and stored.

    >>> without_password("no answer from https://ann:p@ss@mlflow.example.org/x")
    'no answer from https://ann:***@mlflow.example.org/x'
    """
    return re.sub(r"(://[^/\s:@]*):[^/\s]*@", r"\1:***@", text)


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """One process at a time on a sqlite file: three that create it at once break it.

    Raises:
        RunError: it lies on a network drive, or is busy for longer than `LOCK_SECONDS`.
        sqlite3.Error: it is damaged, or cannot be written to.
    """
    if store.database is None:
        yield
        return
    if (kind := file_system(store.database)) in NETWORK:
        raise RunError(
            f"the database lies on a network drive ({kind}), where sqlite breaks: start a server with mlflow server and name it "
            "with MLFLOW_TRACKING_URI=http://HOST:5000"
        )
    end = time.monotonic() + LOCK_SECONDS
    try:
        lock = hold(store.database, LOCK_SECONDS)
    except Timeout:
        raise RunError(f"another process has been writing to it for {LOCK_SECONDS:.0f} seconds") from None
    with lock:
        if store.database.exists():
            # MLflow tries a damaged, locked or read-only file for minutes; sqlite says so at once.
            with closing(
                sqlite3.connect(store.database, max(end - time.monotonic(), 0.1), isolation_level=None)
            ) as file:
                file.execute("BEGIN IMMEDIATE")
                file.execute("ROLLBACK")
        yield


def hold(file: Path, seconds: float) -> AbstractContextManager[object]:
    """The lock of a sqlite file, held until its end as a context.

    Raises:
        RunError: the address of a database means something else by the characters of its path.
        Timeout: another process holds it for so long.
        OSError: nothing can be made there.
    """
    if {"%", "?"} & set(str(file)):
        raise RunError(
            f"the path {file} holds % or ?, which mean something else in the address of a database: name a place without them"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = Path(f"{file}.lock")
    lock.touch()  # filelock would wait for the folder, and its `Timeout` be taken for another process
    return FileLock(lock, timeout=seconds).acquire()


def file_system(path: Path) -> str:
    """Kind of the file system that a path lies or would lie on, such as `ext4` or `nfs4`; empty where Linux does not tell."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place, depths = path.resolve(), dict[int, str]()
    for _, point, kind, *_ in map(str.split, mounts):
        where = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), point))
        if place.is_relative_to(where):
            depths[len(where.parts)] = kind  # of two on one folder the later one hides the earlier
    return depths[max(depths)] if depths else ""


@contextmanager
def quiet() -> Iterator[None]:
    """No log line and no warning of MLflow's and alembic's, no telemetry, and everything as it was afterwards."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers, level = list(root.handlers), root.level
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if before[name] is None})
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:], root.level = handlers, level
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
