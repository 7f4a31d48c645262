"""Checks of records from others, within limits of memory and time: once in full, later only by their hashes."""

import warnings
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from mebench.boards.build import build_tables
from mebench.errors import MebenchError, describe_error
from mebench.files import file_hash
from mebench.intake.integrity import check_content, check_hashes, check_record, check_scores, check_supersedes
from mebench.limits import RECORD_FILE_BYTES
from mebench.records import schema
from mebench.records.memory_limits import MEMORY, SECONDS, TooLongError, limited_memory
from mebench.records.record import Record, read_committed_record
from mebench.records.record_files import record_name
from mebench.records.schema import RECORD
from mebench.result_cache import cached_result
from mebench.runs.folder import RunFolder

OF_CHECKS = (
    *(f"records/{name}.py" for name in ("schema", "record_files", "recorded_settings")),
    *(
        "intake/integrity.py",
        "intake/consistency.py",
        "runs/*.py",
        "protocols/*.py",
        "core/*.py",
        "config/registry.py",
        "metrics/label_sets.py",
        "errors.py",
        "files.py",
        "grouping.py",
        "score_type.py",
    ),
)
"""The code of the checks: records that passed an earlier version are checked again."""
OF_READING = (
    *OF_CHECKS,
    "intake/checking.py",
    "records/*.py",
    "metrics/*.py",
    "config/*.py",
    "output/terminal.py",
    "output/json_output.py",
)
"""The code that reads a record, with the checks."""


def reason_for_refusal(record: RunFolder, *places: Path) -> str:
    """The reason for refusing a record; empty if it passes all checks and can be shown.

    Args:
        record: the folder of the record.
        places: folders that may contain an earlier version.
    """
    try:
        with warnings.catch_warnings(), limited_memory(MEMORY, SECONDS):
            warnings.simplefilter("ignore")
            check_alone(record)
            stored = record.read_json(RECORD)
            if stored["version"] > 1:
                former = record_name(stored["run_id"], stored["version"] - 1)
                folder = next((folder for folder in places if (folder / former).is_dir()), places[0])
                check_supersedes(record, RunFolder(folder / former))
    except MebenchError as error:
        return str(error)
    except (MemoryError, TooLongError):
        return (
            f"record {record.id} is refused: checking it took more than {SECONDS:g} seconds, "
            f"or more than {MEMORY >> 20} MiB"
        )
    except Exception as error:  # the content may cause any error
        return f"record {record.id} is refused: it is damaged ({describe_error(error)})"
    return ""


def check_alone(record: RunFolder) -> None:
    """Refuse a record for faults that are visible without other records.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    check_record(record)
    check_scores(record)
    rebuilt = read_committed_record(record)
    lacking = rebuilt.find_missing_facts()
    if lacking:
        raise schema.RefusedError(record, f"it lacks {', '.join(lacking)}, so no table would show it")
    build_tables([rebuilt])


def read_once(folder: RunFolder) -> Record:
    """A committed record that passes `check_once`; one that was read here before comes from the cache while its files are the same.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    files = sorted(folder.path.iterdir())
    if not all(_can_be_hashed(file) for file in files):
        return _read_checked(folder)
    hashes = [(file.name, file_hash(file)) for file in files]
    stored = cached_result(lambda: _values_of(_read_checked(folder)), OF_READING, "record", folder.id, hashes)
    return Record(**{**stored, "annotations": tuple(stored["annotations"])}, folder=folder.path)


def _can_be_hashed(file: Path) -> bool:
    """Whether a file is a plain one of a sensible size: a check refuses others without opening them."""
    return file.is_file() and not file.is_symlink() and file.stat().st_size <= RECORD_FILE_BYTES


def _read_checked(folder: RunFolder) -> Record:
    """A committed record, after its check."""
    check_once(folder)
    return read_committed_record(folder)


def _values_of(record: Record) -> dict[str, Any]:
    """The attributes of a record except for its place."""
    return {field.name: getattr(record, field.name) for field in fields(record) if field.name != "folder"}


def check_once(record: RunFolder) -> None:
    """Refuse a record as `integrity.check_record` does; for one that has passed here before, only compare the hashes.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    stored = check_hashes(record)
    cached_result(partial(check_content, record, stored), OF_CHECKS, record.id, stored["sha256"])
