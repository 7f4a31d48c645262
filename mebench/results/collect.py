"""Records of runs: from run folders, from other records, from MLflow; and what its database says that the run folders do not."""

from __future__ import annotations

import importlib.util
import json
import re
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.errors import MebenchError, RunError
from mebench.progress import Progress
from mebench.results.checking import bounded
from mebench.results.integrity import check, check_supersedes, record_name
from mebench.results.mlflow_store import alone, quiet
from mebench.results.record import ANSWERS, OF_STUDY, Record, from_record, from_run
from mebench.results.tracked import KEY_TAG, RECORD_FOLDER
from mebench.results.tracking import RUN_TAG, Store, client_of, short, without_password
from mebench.runner.folder import RunFolder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

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
    files = (Path(next(iter(places))) / "store" / "db_migrations" / "versions").glob("*.py")
    steps = [dict(_REVISION.findall(file.read_text(encoding="utf-8"))) for file in files]
    newest = {step.get("revision") for step in steps} - {step.get("down_revision") for step in steps} - {None}
    return newest.pop() if len(newest) == 1 else None


Say = Callable[[str], None]


def fetch_records(uri: str, target: Path, say: Say) -> None:
    """Bring the records of all finished runs that an MLflow store holds into a folder, as `leaderboard export` writes them.

    Args:
        uri: MLflow's tracking URI.
        target: an empty folder.
        say: told in one sentence of each run without a record.

    Raises:
        RunError: MLflow cannot be asked.
    """
    store = Store.of(uri)
    try:
        with quiet(), alone(store):
            client = client_of(store)
            for run in _all_runs(client):
                if not re.fullmatch(r"\w[\w.=+-]*", own := run.data.tags[RUN_TAG]):
                    say(f"a run in MLflow is left out, because its id {own!r} is no name of a folder")
                    continue
                with tempfile.TemporaryDirectory(dir=target, prefix=".") as room:
                    if any(file.path == RECORD_FOLDER for file in client.list_artifacts(run.info.run_id)):
                        client.download_artifacts(run.info.run_id, RECORD_FOLDER, room)
                        (Path(room) / RECORD_FOLDER).rename(target / own)
                    else:
                        say(
                            f"{own} is left out: MLflow has no record of it; delete it there and send it with mebench track sync"
                        )
    except Exception as error:  # as in `sync`
        reason = short(without_password(str(error)))
        said = reason if isinstance(error, MebenchError) else f"{type(error).__name__}: {reason}"
        raise RunError(f"MLflow at {store.describe()} does not tell its runs ({said}): check --from-mlflow") from error


def _all_runs(client: MlflowClient) -> Iterator[Run]:
    """Every run of mebench's that was mirrored to the end, each once."""
    named, known = "name LIKE 'mebench/%'", set[str]()
    for experiment in client.search_experiments(filter_string=named):
        token: str | None = ""
        while token is not None:
            asked = f"attributes.status = 'FINISHED' and tags.`{KEY_TAG}` LIKE '%'"
            page = client.search_runs([experiment.experiment_id], filter_string=asked, page_token=token or None)
            for run in page:
                if (own := run.data.tags[RUN_TAG]) not in known:
                    known.add(own)
                    yield run
            token = page.token or None


def collect(runs: Path, say: Say | None = None) -> list[Record]:
    """The finished runs of a folder, sorted by id; of each that cannot enter `say` is told in one sentence.

    Args:
        runs: the folder of run folders; one that does not exist holds none.
        say: takes the sentences; by default they go to standard error.
    """
    say = say or Progress().say
    found = []
    for folder in RunFolder.all(runs):
        if folder.of_study:
            say(f"run {folder.id} is left out: {OF_STUDY}")
        elif folder.done:
            found += _read(_run, folder, say)
        else:
            say(f"run {folder.id} is not finished and left out: go on with it by {folder.way_on}")
    return found


def collect_records(records: Path, say: Say | None = None) -> list[Record]:
    """The committed records of a folder, sorted by id, of each run the latest version; told as in `collect`.

    A version counts if the one that it supersedes does, so that one which was left out is not repeated.
    """
    say = say or Progress().say
    files = sorted(records.glob("[!.]*/record.json"))  # a hidden one is still being written
    found = [record for file in files for record in _read(_record, RunFolder(file.parent), say)]
    latest: dict[str, Record] = {}
    for record in sorted(found, key=lambda record: record.version):
        try:
            if record.version > 1:
                folder, former = RunFolder(record.folder), record_name(record.id, record.version - 1)
                check_supersedes(folder, RunFolder(records / former))
                if (before := latest.get(record.id)) is None or before.version < record.version - 1:
                    raise RunError(f"record {folder.id} supersedes {former}, which is left out itself")
        except RunError as error:
            say(f"left out: {error}")
        else:
            latest[record.id] = record
    return [latest[run_id] for run_id in sorted(latest)]


def unique(records: Iterable[Record], say: Say | None = None) -> list[Record]:
    """Each run once, sorted by id: of those that say the same in all that a table shows, a record, then the latest counts.

    Two that differ both count, for nobody may hide what another measured; but for a run and a record of one id, of which the run
    does. Of two runs with different ids `say` is told which counts; a run and its own record are no news.
    """
    say = say or (lambda _: None)
    best: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: (r.published, _number(r.id), r.id)):
        same = json.dumps([record.key, record.identity, record.seed, record.summary], sort_keys=True)
        former = best.get(same)
        if former is not None and former.id != record.id:
            say(f"{former.id} and {record.id} are runs of the same configuration, so only {record.id} counts")
        best[same] = record
    of_id: dict[str, Record] = {}
    for record in sorted(best.values(), key=lambda r: not r.published):
        if record.id in of_id:
            say(f"record {record.id} is left out: the run of this id in {record.folder.parent} says something else")
        of_id[record.id] = record
    return sorted(of_id.values(), key=lambda r: r.id)


def _run(folder: RunFolder) -> Record:
    record = from_run(folder)
    for name in ANSWERS:
        folder.read_table(name)
    return record


def _record(folder: RunFolder) -> Record:
    with bounded():
        check(folder)
        return from_record(folder)


def _read(reader: Callable[[RunFolder], Record], folder: RunFolder, say: Say) -> list[Record]:
    try:
        record = reader(folder)
        lacking = record.lacks()
        _ = record.identity, record.seed, record.convention  # damaged ones lack some
    except MebenchError as error:
        say(f"left out: {error}" if folder.id in str(error) else f"{folder.id} is left out: {error}")
    except MemoryError:
        say(f"{folder.id} is left out: reading {folder.path} takes more memory than the record of any run")
    except (OSError, KeyError, TypeError, ValueError) as error:
        say(f"{folder.id} is left out: {folder.path} is damaged ({type(error).__name__}: {error})")
    else:
        if not lacking:
            return [record]
        say(f"{folder.id} is left out: where its numbers come from is not known, it lacks {', '.join(lacking)}")
    return []


def _number(run_id: str) -> int:
    """2 for the second run of a key (`<name>-<key>.2`), 1 for the first."""
    found = re.search(r"\.(\d+)$", run_id)
    return int(found[1]) if found else 1
