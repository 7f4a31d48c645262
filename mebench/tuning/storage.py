"""Where a study is kept: an address of a database that several processes and machines share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mebench.errors import ConfigError, MebenchError, RunError

WAIT_SECONDS = 120.0
"""How long a process waits for another one that creates the same sqlite file."""


@dataclass(frozen=True)
class Place:
    """A storage.

    Attributes:
        url: as SQLAlchemy reads it, absolute for sqlite.
        file: the sqlite file, or None for any other database.
    """

    url: str
    file: Path | None

    @classmethod
    def of(cls, text: str) -> Place:
        """The storage of a URL, or of the path of a sqlite file.

        >>> Place.of("postgresql://ann@db.example.org/studies").file is None
        True
        >>> Place.of("sqlite:////data/studies.db?timeout=5").file
        PosixPath('/data/studies.db')
        """
        url = text if "://" in text else f"sqlite:///{Path(text).expanduser()}"
        scheme, slashes, rest = url.partition(":///")
        name, question, options = rest.partition("?")
        if scheme.split("+")[0] != "sqlite" or not slashes or not name or name == ":memory:":
            return cls(url, None)
        file = Path.cwd() / name
        return cls(f"{scheme}:///{file}{question}{options}", file)

    def __str__(self) -> str:
        """For people, without a password."""
        from mebench.tracking import without_password

        if self.file is None:
            return without_password(self.url)
        here = Path.cwd()
        return str(self.file.relative_to(here) if self.file.is_relative_to(here) else self.file)

    def engine(self, seconds: float) -> dict[str, Any]:
        """What SQLAlchemy should know: how long to wait for a locked sqlite file, and to mend connections that a server closed."""
        if self.file is None:
            return {"pool_pre_ping": True}
        return {} if "timeout=" in self.url else {"connect_args": {"timeout": seconds}}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time on a sqlite file: three that create it at once break it.

        Raises:
            RunError: another process does not let go, or the folder cannot be made.
        """
        if self.file is None:
            yield
            return
        from filelock import FileLock, Timeout

        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.file}.lock", timeout=WAIT_SECONDS):
                yield
        except Timeout as error:
            raise RunError(
                f"the storage {self} is locked: another process has held {self.file.name}.lock for {WAIT_SECONDS:.0f} "
                "seconds. Stop it, or choose another --storage"
            ) from error
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise RunError(f"the storage {self} cannot be made: {error.strerror}. Choose another --storage") from error

    def check(self) -> None:
        """Refuse the sqlite file of another program, among whose tables Optuna would write.

        Raises:
            ConfigError: it is one.
        """
        tables = self._tables()
        if tables and "studies" not in tables:
            raise ConfigError(
                f"the storage {self} is the database of another program, with tables such as {tables[0]!r}: choose another "
                "--storage"
            )

    def _tables(self) -> list[str]:
        """Names of the tables in the sqlite file; none where it is not there or not to be read, which is told elsewhere."""
        if self.file is None:
            return []
        try:
            with closing(sqlite3.connect(f"{self.file.as_uri()}?mode=ro", timeout=0, uri=True)) as reader:
                return [
                    name
                    for (name,) in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                ]
        except sqlite3.Error:
            return []

    def trouble(self, error: BaseException) -> MebenchError:
        """What went wrong with the storage, in one sentence."""
        from sqlalchemy import exc

        from mebench.tracking import without_password

        cause = error.__cause__ if error.__cause__ is not None else error
        reason = without_password(" ".join(str(getattr(cause, "orig", None) or cause).split()))
        if isinstance(error, exc.ArgumentError | exc.NoSuchModuleError):
            return ConfigError(
                f"--storage {self} is no address of a database ({reason}): write for example sqlite:///studies.db or "
                "postgresql://user@host/database"
            )
        if isinstance(error, ImportError):
            return ConfigError(f"--storage {self} needs a Python package that is not installed ({reason}): install it")
        for word, sentence in (
            ("locked", "is locked: another process keeps it to itself. Wait for it or stop it, then go on with the same command"),
            ("not a database", "is damaged or no database at all: move it away, or choose another --storage"),
            ("malformed", "is damaged: restore it from a copy or move it away, or choose another --storage"),
            ("unable to open", "cannot be opened: check that it is a file that you may write, or choose another --storage"),
            ("readonly", "may not be written to: mend its rights, or choose another --storage"),
            ("disk is full", "has no room left on its disk: make some, then go on with the same command"),
        ):  # fmt: skip
            if word in reason:
                return RunError(f"the storage {self} {sentence}")
        return RunError(f"the storage {self} cannot be used ({reason}): mend that, or choose another --storage")
