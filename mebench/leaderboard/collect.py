"""Collects finished runs, from run folders and from committed records; what cannot enter is told in a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mebench.errors import MebenchError
from mebench.leaderboard.integrity import check
from mebench.leaderboard.record import Record, from_record, from_run
from mebench.progress import Progress
from mebench.runner.folder import RunFolder

Say = Callable[[str], None]

_TABLES = ("predictions.parquet", "clips.parquet")


def collect(runs: Path, say: Say | None = None) -> list[Record]:
    """The finished runs of a folder, sorted by id; of each that cannot enter `say` is told in one sentence.

    Args:
        runs: the folder of run folders; one that does not exist holds none.
        say: takes the sentences; by default they go to standard error.
    """
    say = say or Progress().say
    found = []
    for folder in RunFolder.all(runs):
        if folder.done:
            found += _read(_run, folder, say)
        else:
            say(f"run {folder.id} is not finished and left out: go on with it by mebench resume {folder.id}")
    return found


def collect_records(records: Path, say: Say | None = None) -> list[Record]:
    """The committed records of a folder, sorted by id, of each run the latest version; told as in `collect`."""
    say = say or Progress().say
    files = sorted(records.glob("[!.]*/record.json"))  # a hidden one is still being written
    found = [record for file in files for record in _read(_record, RunFolder(file.parent), say)]
    latest = {record.id: record for record in sorted(found, key=lambda record: record.version)}
    return [latest[run_id] for run_id in sorted(latest)]


def unique(records: Iterable[Record], say: Say | None = None) -> list[Record]:
    """Each run once, sorted by id: of those with one key, which predict the same, a record, then the latest counts.

    Of two runs with different ids `say` is told which counts; a run and its own record are no news.
    """
    best: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: (r.published, _number(r.id), r.id)):
        former = best.get(record.key)
        if former is not None and former.id != record.id and say is not None:
            say(f"{former.id} and {record.id} are runs of the same configuration, so only {record.id} counts")
        best[record.key] = record
    return sorted(best.values(), key=lambda r: r.id)


def _run(folder: RunFolder) -> Record:
    record = from_run(folder)
    for name in _TABLES:
        folder.read_table(name)
    return record


def _record(folder: RunFolder) -> Record:
    check(folder)
    return from_record(folder)


def _read(reader: Callable[[RunFolder], Record], folder: RunFolder, say: Say) -> list[Record]:
    try:
        record = reader(folder)
        lacking = record.lacks()
        _ = record.identity, record.seed, record.convention  # damaged ones lack some
    except MebenchError as error:
        say(f"left out: {error}" if folder.id in str(error) else f"{folder.id} is left out: {error}")
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
