"""What MLflow's database says that the run folders do not: nothing is read from it but the names of runs."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

from mebench.tracking import RUN_TAG, Store

_REVISION = re.compile(r"^(down_revision|revision)\s*(?::[^=]*)?=\s*[\"'(]*(\w+)", re.MULTILINE)


def remarks(uri: str | None, runs: str, known: Collection[str]) -> Iterator[str]:
    """A sentence for each thing that is odd about the database; a leaderboard is built from run folders all the same.

    Args:
        uri: MLflow's tracking URI; None takes the default. Only sqlite files are looked into, and nothing is written.
        runs: folder of the run folders, for the sentences.
        known: ids of the runs that are there, as folders or records.
    """
    database = Store.of(uri).database
    if database is None or not database.is_file():
        return
    name = database.name
    instead = f"the tables are built from the run folders in {runs}"
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "tags" not in tables:
                yield f"{name} is empty: {instead}"
                return
            made = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            mirrored = {row[0] for row in connection.execute("SELECT value FROM tags WHERE key = ?", (RUN_TAG,))}
    except sqlite3.Error as error:
        yield f"{name} cannot be read ({error}): {instead}"
        return
    newest = _newest_schema()
    if made and newest and made[0] != newest:
        yield (
            f"{name} was made by another version of MLflow (schema {made[0]}, this one has {newest}): {instead}; "
            f"mlflow db upgrade sqlite:///{name} makes it readable again"
        )
    if not mirrored:
        yield f"{name} knows no run of mebench: {instead}"
    for run_id in sorted(mirrored - set(known)):
        yield f"run {run_id} is in {name}, but neither its folder in {runs} nor a record of it is here: it is left out"


def _newest_schema() -> str | None:
    """The schema of the MLflow that is installed: the revision that no other one follows."""
    spec = importlib.util.find_spec("mlflow")  # found, not imported: that takes seconds
    places = spec.submodule_search_locations if spec else None
    if not places:
        return None
    revisions, followed = set(), set()
    for file in (Path(next(iter(places))) / "store" / "db_migrations" / "versions").glob("*.py"):
        found = dict(_REVISION.findall(file.read_text(encoding="utf-8")))
        revisions.add(found.get("revision"))
        followed.add(found.get("down_revision"))
    newest = {revision for revision in revisions - followed if revision}
    return newest.pop() if len(newest) == 1 else None
