"""Whether a record is what a run wrote: its files, their types, their hashes, and that it scores to what it says."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet as pq

from mebench.results import schema
from mebench.results.record import from_record
from mebench.results.schema import RECORD, refusal
from mebench.runner.folder import RunFolder

__all__ = ["RECORD", "check", "check_scores", "file_hash", "own_hash", "record_name", "rescore"]

MOST_ROWS = 10**7
TOLERANCE = 1e-9
"""Of scores computed on another machine, whose sums may differ in the last digits."""


class Column(NamedTuple):
    """What a column holds: in words, the types of Arrow that say so, and the bounds of a number."""

    words: str
    types: tuple[pa.DataType, ...]
    low: float | None = None
    high: float | None = None


_TEXT = Column("text", (pa.string(), pa.large_string()))
_FRAME = Column("whole number", (pa.int64(),), -(10**7), 10**7)
_SHARES = Column("list of numbers", (pa.list_(pa.float32()), pa.list_(pa.float64())), -1e15, 1e15)
TABLES: dict[str, dict[str, Column]] = {
    "videos.parquet": {
        **dict.fromkeys(("video", "subject", "dataset"), _TEXT),
        "n_frames": _FRAME._replace(low=1),
        "fps": Column("number", (pa.float64(),), 0.001, 100_000),
    },
    "truth.parquet": {
        **dict.fromkeys(("video", "kind"), _TEXT),
        **dict.fromkeys(("onset", "apex", "offset"), _FRAME._replace(low=0)),
        "emotion": _TEXT,
    },
    "predictions.parquet": {
        **dict.fromkeys(("fold", "video", "kind"), _TEXT),
        **dict.fromkeys(("onset", "apex", "offset"), _FRAME),
        "confidence": Column("number", (pa.float64(),), -1e15, 1e15),
        "emotion": _TEXT,
        "probabilities": _SHARES,
        "draw": Column("whole number", (pa.int64(),), 0, 100_000),
    },
    "clips.parquet": {
        **dict.fromkeys(("fold", "video"), _TEXT),
        **dict.fromkeys(("onset", "offset"), _FRAME._replace(low=0)),
        "predicted": _TEXT,
        "probabilities": _SHARES,
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
    stored = schema.read(folder, RECORD)
    if strange := {file.name for file in folder.path.iterdir()} - {RECORD, *stored["files"]}:
        raise refusal(
            folder,
            f"{min(strange)} is no part of a record, which is JSON and parquet of known names only, hashed in {RECORD}",
        )
    for name, digest in sorted(stored["files"].items()):
        if hashlib.sha256(schema.bytes_of(folder, name)).hexdigest() != digest:
            raise refusal(folder, f"{name} is not the file that was exported: its hash differs")
    if own_hash(stored) != stored["sha256"]:
        raise refusal(folder, f"{RECORD} is not what was exported: its hash differs")
    for name in TABLES:
        _check_table(folder, name)
    for name in sorted(stored["files"].keys() - TABLES.keys()):
        schema.read(folder, name)
    if folder.id != (expected := record_name(stored["run_id"], stored["version"])):
        raise refusal(folder, f"its folder should be called {expected}")


def check_scores(folder: RunFolder) -> None:
    """Refuse a record that does not score to the summary that it holds, or whose folds are not separate.

    Raises:
        RunError: what is wrong with it.
    """
    about = schema.read(folder, schema.FOLDS)
    tested: set[str] = set()
    for fold in about["folds"]:
        test = set(fold["test"])
        if test & {*fold["train"], *fold["valid"]} and not about.get("subject_dependent"):
            raise refusal(folder, f"subjects of fold {fold['fold']!r} are both trained on and tested")
        if "videos" not in fold and not about.get("scored_each") and (again := test & tested):
            raise refusal(folder, f"subject {min(again)!r} is tested in two folds")
        tested |= test
    for name in ("predictions.parquet", "clips.parquet"):
        _check_folds(folder, name, about["folds"])
    if difference := _difference(from_record(folder).summary, rescore(folder), "summary"):
        raise refusal(folder, f"scored again it differs: {difference}")


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
    content = json.dumps({name: value for name, value in stored.items() if name != "sha256"}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _check_table(folder: RunFolder, name: str) -> None:
    try:
        file = pq.ParquetFile(io.BytesIO(schema.bytes_of(folder, name)))
        if file.metadata.num_rows > MOST_ROWS:
            raise refusal(folder, f"{name} has {file.metadata.num_rows} rows, expected at most {MOST_ROWS}")
        table = file.read()
    except (OSError, pa.ArrowException) as error:
        raise refusal(folder, f"{name} cannot be read as parquet ({error})") from error
    columns = TABLES[name]
    if table.column_names != list(columns):
        raise refusal(
            folder, f"the columns of {name} are {', '.join(table.column_names)}, expected {', '.join(columns)}"
        )
    for column, (words, types, low, high) in columns.items():
        values, kind = table[column], table[column].type
        if not len(values) or pa.types.is_null(kind):
            continue
        if kind not in types:
            raise refusal(folder, f"{column} of {name} is of type {kind}, expected {words}: somebody re-typed it")
        if low is None:
            wrong, more = values.filter(pc.match_substring_regex(values, r"\p{Cc}")), "without control characters"
        else:
            values = pc.list_flatten(values) if pa.types.is_list(kind) else values
            inside = pc.and_(pc.less_equal(low, values), pc.less_equal(values, high))
            wrong, more = values.filter(pc.invert(inside)), f"from {low:g} to {high:g}"
        if len(wrong):
            raise refusal(folder, f"{column} of {name} is {wrong[0].as_py()!r}, expected {words} {more}")


def _check_folds(folder: RunFolder, name: str, folds: Sequence[Mapping[str, Any]]) -> None:
    """Every answer comes from a fold that tests its subject."""
    subject_of = folder.read_table("videos.parquet").set_index("video")["subject"]
    tests = {fold["fold"]: set(fold["test"]) for fold in folds}
    for fold, video in folder.read_table(name)[["fold", "video"]].drop_duplicates().itertuples(index=False):
        if subject_of.get(video) not in tests.get(fold, ()):
            raise refusal(folder, f"{name} answers for {video!r} in fold {fold!r}, which does not test its subject")


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
