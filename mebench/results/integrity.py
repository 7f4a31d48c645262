"""Whether a record is what a run wrote: its files, their types, their hashes, and that it scores to what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mebench.errors import RunError
from mebench.results.forms import FOLDS, wrong_in_audit, wrong_in_folds, wrong_in_record
from mebench.results.record import AUDIT, check_format, from_record
from mebench.runner.folder import RunFolder

RECORD = "record.json"
LARGEST = 64 * 2**20
"""Bytes of one file; a record is numbers and words, so more is something else."""
TOLERANCE = 1e-9
"""Of scores computed on another machine, whose sums may differ in the last digits."""


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_floating(kind.value_type))


_KINDS: dict[str, Callable[[pa.DataType], bool]] = {
    "text": _is_text,
    "whole number": pa.types.is_int64,
    "number": pa.types.is_float64,
    "list of numbers": _is_list,
}
_PREDICTION = {"fold": "text", "video": "text", "kind": "text", "onset": "whole number", "apex": "whole number"}
_PREDICTION |= {"offset": "whole number", "confidence": "number", "emotion": "text", "probabilities": "list of numbers"}
TABLES: dict[str, dict[str, str]] = {
    "videos.parquet": {
        "video": "text",
        "subject": "text",
        "dataset": "text",
        "n_frames": "whole number",
        "fps": "number",
    },
    "truth.parquet": {
        "video": "text",
        "kind": "text",
        "onset": "whole number",
        "apex": "whole number",
        "offset": "whole number",
        "emotion": "text",
    },
    "predictions.parquet": {**_PREDICTION, "draw": "whole number"},
    "clips.parquet": {
        "fold": "text",
        "video": "text",
        "onset": "whole number",
        "offset": "whole number",
        "predicted": "text",
        "probabilities": "list of numbers",
    },
}
"""The tables of a record with their columns; a column of an empty table may have no type."""


def check(folder: RunFolder) -> None:
    """Refuse a record whose files, types or hashes are not those that were exported.

    Hashes find accidents and edits by hand; who makes up predictions and hashes them anew is found by nobody but who
    runs the method again.

    Raises:
        RunError: what is wrong with it.
    """
    try:
        stored = folder.read_json(RECORD)
    except RunError as error:
        raise _bad(folder, f"{RECORD} cannot be read ({error.__cause__})") from error
    check_format(folder, stored)
    if words := wrong_in_record(stored):
        raise _bad(folder, words)
    _check_files(folder, set(stored["files"]))
    for name, digest in sorted(stored["files"].items()):
        if file_hash(folder.path / name) != digest:
            raise _bad(folder, f"{name} is not the file that was exported: its hash differs")
    if own_hash(stored) != stored["sha256"]:
        raise _bad(folder, f"{RECORD} is not what was exported: its hash differs")
    for name, columns in TABLES.items():
        _check_types(folder, name, columns)
    if words := wrong_in_folds(folder.read_json(FOLDS)):
        raise _bad(folder, words)
    if AUDIT in stored["files"] and (words := wrong_in_audit(folder.read_json(AUDIT))):
        raise _bad(folder, words)
    expected = record_name(stored["run_id"], stored["version"])
    if folder.id != expected:
        raise _bad(folder, f"its folder should be called {expected}")


def check_scores(folder: RunFolder) -> None:
    """Refuse a record that does not score to the summary that it holds, or whose folds are not separate.

    Raises:
        RunError: what is wrong with it.
    """
    about = folder.read_json(FOLDS)
    tested: set[str] = set()
    for fold in about["folds"]:
        test = set(fold["test"])
        if test & {*fold["train"], *fold["valid"]} and not about.get("subject_dependent"):
            raise _bad(folder, f"subjects of fold {fold['fold']!r} are both trained on and tested")
        once = "videos" not in fold and not about.get("scored_each")
        if once and (again := test & tested):
            raise _bad(folder, f"subject {min(again)!r} is tested in two folds")
        tested |= test
    for name in ("predictions.parquet", "clips.parquet"):
        _check_folds(folder, name, about["folds"])
    difference = _difference(from_record(folder).summary, rescore(folder), "summary")
    if difference:
        raise _bad(folder, f"scored again it differs: {difference}")


def rescore(folder: RunFolder) -> dict[str, Any]:
    """The summary of a record, computed anew from its tables; equal to the one that it holds.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    from mebench.runner.scoring import score

    stored = from_record(folder)
    return score(folder, stored.seed, int(stored.config["bootstrap"]), stored.config.get("convention", "strict"))


def record_name(run_id: str, version: int) -> str:
    """Name of a record's folder.

    >>> record_name("mean-casme2-loso-seed0-0123abcd", 1), record_name("a", 2)
    ('mean-casme2-loso-seed0-0123abcd', 'a~v2')
    """
    return run_id if version == 1 else f"{run_id}~v{version}"


def file_hash(file: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def own_hash(stored: Mapping[str, Any]) -> str:
    """SHA-256 of all that `record.json` says but this hash."""
    content = {name: value for name, value in stored.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _check_files(folder: RunFolder, named: set[str]) -> None:
    needed, allowed = {*TABLES, FOLDS}, {*TABLES, FOLDS, AUDIT}
    there = {file.name for file in folder.path.iterdir()} - {RECORD}
    if strange := (named | there) - allowed:
        raise _bad(folder, f"{min(strange)} is no part of a record, which is JSON and parquet of known names only")
    if missing := (named | needed) - there:
        raise _bad(folder, f"{min(missing)} is missing")
    if unnamed := there - named:
        raise _bad(folder, f"{RECORD} has no hash of {min(unnamed)}")
    for name in (*sorted(there), RECORD):
        file = folder.path / name
        if file.is_symlink() or not file.is_file():
            raise _bad(folder, f"{name} is not a plain file")
        if file.stat().st_size > LARGEST:
            raise _bad(folder, f"{name} is larger than {LARGEST // 2**20} MiB")


def _check_types(folder: RunFolder, name: str, columns: Mapping[str, str]) -> None:
    try:
        file = pq.ParquetFile(folder.path / name)
        schema, n_rows = file.schema_arrow, file.metadata.num_rows
        file.close()
    except (OSError, pa.ArrowException) as error:
        raise _bad(folder, f"{name} cannot be read as parquet ({error})") from error
    if list(schema.names) != list(columns):
        raise _bad(folder, f"the columns of {name} are {', '.join(schema.names)}, expected {', '.join(columns)}")
    for column, expected in columns.items():
        kind = schema.field(column).type
        untyped = pa.types.is_null(kind) or n_rows == 0
        if not untyped and not _KINDS[expected](kind):
            raise _bad(folder, f"{column} of {name} is of type {kind}, expected {expected}: somebody re-typed it")


def _check_folds(folder: RunFolder, name: str, folds: Sequence[Mapping[str, Any]]) -> None:
    """Every answer comes from a fold that tests its subject."""
    subject_of = folder.read_table("videos.parquet").set_index("video")["subject"]
    tests = {fold["fold"]: set(fold["test"]) for fold in folds}
    for fold, video in folder.read_table(name)[["fold", "video"]].drop_duplicates().itertuples(index=False):
        if subject_of.get(video) not in tests.get(fold, ()):
            raise _bad(folder, f"{name} answers for {video!r} in fold {fold!r}, which does not test its subject")


def _difference(stored: Any, found: Any, where: str) -> str:
    """The first place where two summaries differ, in words; empty if they agree."""
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        for name in sorted(stored.keys() | found.keys()):
            if name not in stored or name not in found:
                return f"only one of both has {where}.{name}"
            if words := _difference(stored[name], found[name], f"{where}.{name}"):
                return words
        return ""
    if isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        return next(
            filter(None, (_difference(a, b, f"{where}[{n}]") for n, (a, b) in enumerate(zip(stored, found)))), ""
        )
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (stored, found))
    same = abs(stored - found) <= TOLERANCE * max(1.0, abs(found)) if numbers else stored == found
    return "" if same else f"{where} is {stored!r} in the record and {found!r} anew"


def _bad(folder: RunFolder, reason: str) -> RunError:
    return RunError(
        f"record {folder.id} is refused: {reason}. Take the folder again as mebench leaderboard export wrote it"
    )
