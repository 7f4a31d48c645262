"""Collect records of runs from their folders, and decide which of them count."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from mebench.errors import MebenchError, RunError
from mebench.grouping import group_by
from mebench.intake.checking import read_once
from mebench.intake.integrity import check_supersedes
from mebench.output.progress import Progress
from mebench.records.memory_limits import limited_memory
from mebench.records.record import ANSWERS, OF_STUDY, Record, record_from_run
from mebench.records.record_files import record_name
from mebench.runs.folder import RunFolder
from mebench.shared_work import results_in_order

Notify = Callable[[str], None]


def collect_finished_runs(runs: Path, notify: Notify | None = None) -> list[Record]:
    """The finished runs of a folder, sorted by id; `notify` gets one sentence for each run that is left out.

    Args:
        runs: the folder of run folders; a missing one counts as empty.
        notify: takes the sentences; by default they go to standard error.
    """
    notify = notify or Progress().notify
    collected = []
    for folder in RunFolder.list_runs(runs):
        if folder.of_study:
            notify(f"run {folder.id} is left out: {OF_STUDY}")
        elif folder.done:
            collected += _read(folder, notify)
        else:
            notify(f"run {folder.id} is not finished and left out: continue it with {folder.resume_hint}")
    return collected


def collect_records(records: Path, notify: Notify | None = None) -> list[Record]:
    """The committed records of a folder, sorted by id, the latest version of each run; messages as in `collect_finished_runs`.

    A version counts only if the superseded one counts, so that a rejected record cannot return.
    """
    notify = notify or Progress().notify
    files = sorted(records.glob("[!.]*/record.json"))  # a hidden folder is still being written
    folders = [RunFolder(file.parent) for file in files]
    read = partial(_read, notify=notify, published=True)
    silently = partial(_read, notify=lambda _: None, published=True)
    committed = [record for found in results_in_order("records", folders, read, silently) for record in found]
    latest: dict[str, Record] = {}
    for record in sorted(committed, key=lambda record: record.version):
        try:
            if record.version > 1:
                _check_counts(record, latest.get(record.id), records)
        except RunError as error:
            notify(f"left out: {error}")
        else:
            latest[record.id] = record
    return [latest[run_id] for run_id in sorted(latest)]


def _check_counts(record: Record, latest: Record | None, records: Path) -> None:
    """Refuse a later version of a record unless the version before counts.

    Args:
        record: the later version.
        latest: latest version so far that counts.
        records: folder of the records.

    Raises:
        RunError: what is wrong with it.
    """
    folder = RunFolder(record.folder)
    former = record_name(record.id, record.version - 1)
    check_supersedes(folder, RunFolder(records / former))
    if latest is None or latest.version < record.version - 1:
        raise RunError(f"record {folder.id} supersedes {former}, which is left out itself")


def unique_records(records: Iterable[Record], notify: Notify | None = None) -> list[Record]:
    """Each run once, sorted by id.

    Of those that are equal in everything that a table shows, a record counts rather than a run, and the one with the
    highest number. Different ones both count, so that no one can hide another's measurement, except for a run and a record of one id,
    where the run counts. For two equal runs with different ids `notify` gets the one that counts; for a run and its own
    record it gets nothing.
    """
    notify = notify or (lambda _: None)
    in_order = sorted(records, key=_later_counts)
    n_like = Counter(map(_settings_and_sender, in_order))

    def content(record: Record) -> tuple[tuple[str, ...], str]:
        settings = _settings_and_sender(record)
        # A record without another of its settings equals none: writing its summary as text would take long.
        return settings, _summary_text(record) if n_like[settings] > 1 else ""

    of_content = group_by(in_order, key=content)
    for *former, latest in of_content.values():
        for other in former:
            if other.id != latest.id:
                notify(f"{other.id} and {latest.id} are runs of the same configuration, so only {latest.id} counts")
    latest_ones = [same[-1] for same in of_content.values()]
    of_id: dict[str, Record] = {}
    for record in sorted(latest_ones, key=lambda record: not record.published):
        if record.id in of_id:
            notify(f"record {record.id} is left out: it differs from the run of this id in {record.folder.parent}")
        of_id[record.id] = record
    return sorted(of_id.values(), key=lambda record: record.id)


def _settings_and_sender(record: Record) -> tuple[str, ...]:
    """What is compared before the scores, and the sender: nobody's copy replaces another's record."""
    return record.key, record.identity, json.dumps(record.seed), record.sender


def _summary_text(record: Record) -> str:
    """The scores of a run, whatever version made them; with the settings everything of a run that a table shows."""
    return json.dumps({**record.summary, "scorer": None}, sort_keys=True)


def _later_counts(record: Record) -> tuple[bool, int, str]:
    """The order among equal runs, of which the last counts: runs, then records, each by number."""
    numbered = re.search(r"\.(\d+)$", record.id)  # `<name>-<key>.2` is the second run of a key
    number = int(numbered[1]) if numbered else 1
    return record.published, number, record.id


def _read(folder: RunFolder, notify: Notify, published: bool = False) -> list[Record]:
    """A run or committed record; none if it does not count, which `notify` is told."""
    try:
        if published:
            with limited_memory():
                record = read_once(folder)
        else:
            record = record_from_run(folder)
            for name in ANSWERS:
                folder.read_table(name)
        lacking = record.find_missing_facts()
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
