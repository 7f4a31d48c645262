"""Collect records of runs from run folders and other records, and decide which of them count."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mebench.boards.checking import bounded, check_once
from mebench.errors import MebenchError, RunError
from mebench.grouping import grouped
from mebench.progress import Progress
from mebench.records import ANSWERS, OF_STUDY, Record, check_supersedes, from_record, from_run, record_name
from mebench.runs.folder import RunFolder

Notify = Callable[[str], None]


def collect(runs: Path, notify: Notify | None = None) -> list[Record]:
    """The finished runs of a folder, sorted by id; `notify` gets one sentence for each run that is left out.

    Args:
        runs: the folder of run folders; a missing one counts as empty.
        notify: takes the sentences; by default they go to standard error.
    """
    notify = notify or Progress().notify
    collected = []
    for folder in RunFolder.all(runs):
        if folder.of_study:
            notify(f"run {folder.id} is left out: {OF_STUDY}")
        elif folder.done:
            collected += _read(folder, notify)
        else:
            notify(f"run {folder.id} is not finished and left out: continue it with {folder.resume_hint}")
    return collected


def collect_records(records: Path, notify: Notify | None = None) -> list[Record]:
    """The committed records of a folder, sorted by id, the latest version of each run; messages as in `collect`.

    A version counts only if the superseded one counts, so that a rejected record cannot return.
    """
    notify = notify or Progress().notify
    files = sorted(records.glob("[!.]*/record.json"))  # a hidden folder is still being written
    committed = [record for file in files for record in _read(RunFolder(file.parent), notify, published=True)]
    latest: dict[str, Record] = {}
    for record in sorted(committed, key=lambda record: record.version):
        try:
            if record.version > 1:
                folder, former = RunFolder(record.folder), record_name(record.id, record.version - 1)
                check_supersedes(folder, RunFolder(records / former))
                if (before := latest.get(record.id)) is None or before.version < record.version - 1:
                    raise RunError(f"record {folder.id} supersedes {former}, which is left out itself")
        except RunError as error:
            notify(f"left out: {error}")
        else:
            latest[record.id] = record
    return [latest[run_id] for run_id in sorted(latest)]


def unique(records: Iterable[Record], notify: Notify | None = None) -> list[Record]:
    """Each run once, sorted by id. Among equal ones (in everything that a table shows) records come first, then the
    latest counts.

    Different ones both count, so that no one can hide another's measurement, except for a run and a record of one id,
    where the run counts. For two equal runs with different ids `notify` gets the one that counts; for a run and its own
    record it gets nothing.
    """
    notify = notify or (lambda _: None)
    number = re.compile(r"(?:\.(\d+))?$")  # `<name>-<key>.2` is the second run of a key
    alike = grouped(
        sorted(records, key=lambda r: (r.published, int((number.search(r.id) or [0, 0])[1] or 1), r.id)),
        key=lambda r: json.dumps([r.key, r.identity, r.seed, r.summary | {"scorer": None}], sort_keys=True),
    )
    for *former, record in alike.values():
        for other in former:
            if other.id != record.id:
                notify(f"{other.id} and {record.id} are runs of the same configuration, so only {record.id} counts")
    of_id: dict[str, Record] = {}
    for record in sorted((group[-1] for group in alike.values()), key=lambda r: not r.published):
        if record.id in of_id:
            notify(f"record {record.id} is left out: it differs from the run of this id in {record.folder.parent}")
        of_id[record.id] = record
    return sorted(of_id.values(), key=lambda r: r.id)


def _read(folder: RunFolder, notify: Notify, published: bool = False) -> list[Record]:
    try:
        if published:
            with bounded():
                check_once(folder)
                record = from_record(folder)
        else:
            record = from_run(folder)
            for name in ANSWERS:
                folder.read_table(name)
        lacking = record.lacks()
        _ = record.identity, record.seed, record.convention  # damaged ones may lack it
    except MebenchError as error:
        notify(f"left out: {error}" if folder.id in str(error) else f"{folder.id} is left out: {error}")
    except MemoryError:
        notify(f"{folder.id} is left out: reading {folder.path} takes more memory than the record of any run")
    except (OSError, KeyError, TypeError, ValueError) as error:
        notify(f"{folder.id} is left out: {folder.path} is damaged ({type(error).__name__}: {error})")
    else:
        if not lacking:
            return [record]
        notify(f"{folder.id} is left out: the origin of its numbers is unknown, since it lacks {', '.join(lacking)}")
    return []
