"""Checks that a record is unchanged since its run wrote it: its files, their types, their hashes, and its scores."""

import hashlib
import io
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, get_args

import pandas as pd
import pyarrow as pa
from pyarrow import compute as pc, parquet as pq

from mebench.config.registry import PluginKind, content_hash, list_plugins
from mebench.core import Kind
from mebench.errors import list_first, refuse_if
from mebench.grouping import group_by
from mebench.intake.consistency import check_consistency
from mebench.limits import (
    PARQUET_FOOTER_BYTES,
    PARQUET_GROUPS,
    RECORD_FRAMES,
    RECORD_PAIRS,
    RECORD_PEOPLE,
    RECORD_ROWS,
    RECORD_TABLE_BYTES,
    RECORD_WEIGHTS,
)
from mebench.metrics import own_metrics
from mebench.metrics.catalogue import METRICS
from mebench.output.terminal import format_count
from mebench.records.record_files import OPTIONAL, TABLES, former_versions, own_hash, record_name, rescore_record
from mebench.records.recorded_settings import dataset_in_words
from mebench.records.schema import (
    MOST_CLASSES,
    MOST_LETTERS,
    RECORD,
    UNPRINTED,
    RefusedError,
    read_record_bytes,
    read_record_file,
)
from mebench.runs import RunFolder
from mebench.runs.scoring import FIRST_SCORER, SCORER, holds_current_scores

BYTES_OF_OFFSET = 8
"""Bytes of the place of a text in its column."""


def check_record(folder: RunFolder) -> None:
    """Refuse a record whose files, types or hashes are not those that were exported.

    Hashes reveal accidents and manual edits. Invented predictions with new hashes are found only by running the method
    again.

    Args:
        folder: folder of the record.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    check_content(folder, check_hashes(folder))


def check_content(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Like `check_record`, of a record whose hashes have been checked.

    Args:
        folder: folder of the record.
        stored: the result of `check_hashes`.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    for name in _tables(stored):
        name_and_hash = (name, stored["files"][name])
        if name_and_hash not in SOUND_TABLES:  # runs of one dataset share most tables
            _check_table(folder, name)
            SOUND_TABLES.add(name_and_hash)
    _check_intervals(folder, stored)
    _check_former(folder, stored)
    _check_plugins(folder, stored)
    check_consistency(folder, stored)
    expected = record_name(stored["run_id"], stored["version"])
    if folder.id != expected:
        raise RefusedError(folder, f"its folder should be called {expected}")


def check_hashes(folder: RunFolder) -> dict[str, Any]:
    """The content of `record.json`, after a check of the other files by name and hash.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    stored = read_record_file(folder, RECORD)
    strange = {file.name for file in folder.path.iterdir()} - {RECORD, *stored["files"]}
    if strange:
        raise RefusedError(
            folder,
            f"{min(strange)} does not belong in a record, which has only JSON and parquet files of known names, "
            f"hashed in {RECORD}",
        )
    for name, digest in sorted(stored["files"].items()):
        if hashlib.sha256(read_record_bytes(folder, name)).hexdigest() != digest:
            raise RefusedError(folder, f"{name} has changed since the export: its hash differs")
    if own_hash(stored) != stored["sha256"]:
        raise RefusedError(folder, f"{RECORD} has changed since the export: its hash differs")
    return stored


@dataclass
class ScoreComparison:
    """The stored scores of a record, compared with this version's scores of its tables.

    Attributes:
        made_by: version of scoring that made the stored ones.
        changed: differing values, each in words.
        added: paths of scores that the record's version did not know.
        kept: paths of scores that this version does not know.
    """

    made_by: int
    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """What differs, in words; empty if nothing does."""
        words = []
        if self.changed:
            words.append(f"scores of version {self.made_by} of scoring differ in version {SCORER}: {self.changed[0]}")
            if len(self.changed) > 1:
                words[0] += f", and {format_count(len(self.changed) - 1, 'other value')}"
        if self.added:
            words.append(f"scores are added: {list_first(self.added)}")
        if self.kept:
            words.append(f"scores that this mebench does not know are kept: {list_first(self.kept)}")
        return "; ".join(words)


def check_scores(folder: RunFolder) -> ScoreComparison:
    """Refuse a record whose tables do not give its stored scores; what its version did not know is no fault.

    Scores of another version that came to other values cannot be checked: they are listed, and the tables show what this
    version gives.

    Raises:
        RunError: it has a fault, which the sentence names.
    """
    stored = read_record_file(folder, RECORD)["summary"]
    compared = compare_scores(own_metrics.without_own(stored), own_metrics.without_own(rescore_record(folder)))
    if compared.changed and holds_current_scores(stored):
        raise RefusedError(folder, f"scored again, it differs: {compared.changed[0]}")
    return compared


def compare_scores(stored: Mapping[str, Any], here: Mapping[str, Any]) -> ScoreComparison:
    """Compare the stored summary of a record with that of its tables."""
    made_by = stored.get("scorer", FIRST_SCORER)
    compared = ScoreComparison(made_by)
    _compare({**stored, "scorer": SCORER}, here, "summary", compared)
    return compared


def _compare(stored: Any, here: Any, where: str, compared: ScoreComparison) -> None:
    """Note what differs between two values of summaries.

    Args:
        stored: value in the record.
        here: value in the summary of its tables.
        where: path of both.
        compared: receiver of the differences.
    """
    if isinstance(stored, Mapping) and isinstance(here, Mapping):
        for name in sorted(stored.keys() | here.keys()):
            path = f"{where}.{name}"
            if name in stored and name in here:
                _compare(stored[name], here[name], path, compared)
            elif name in here and _holds_scores(where):
                compared.added.append(path)
            elif name in stored and _holds_scores(where) and not _names_metrics(name, stored[name]):
                compared.kept.append(path)
            else:
                compared.changed.append(f"only one of the two has {path}")
    elif isinstance(stored, list) and isinstance(here, list) and len(stored) == len(here):
        for number, (one, other) in enumerate(zip(stored, here)):
            _compare(one, other, f"{where}[{number}]", compared)
    elif not _is_equal(stored, here):
        compared.changed.append(f"{where} is {stored!r} in the record but {here!r} when scored again")


def _holds_scores(path: str) -> bool:
    """Whether a part of a summary is named by scores, to which others may come."""
    return path.endswith((".scores", ".analysis")) or ".details" in path


def _names_metrics(name: str, value: Any) -> bool:
    """Whether a name is that of a score, or holds one, that this version computes."""
    if name in METRICS:
        return True
    return isinstance(value, Mapping) and any(_names_metrics(inner, part) for inner, part in value.items())


def check_supersedes(folder: RunFolder, former: RunFolder) -> None:
    """Refuse a later version of a record whose answers differ from the version before.

    Raises:
        RunError: the version before is missing, or the two differ in the run or its answers.
    """
    stored = read_record_file(folder, RECORD)
    if stored["supersedes"] != former.id or not (former.path / RECORD).is_file():
        raise RefusedError(
            folder, f"it supersedes {former.id}, which is not in {former.path.parent}, or is refused itself: send both"
        )
    before = read_record_file(former, RECORD)
    for name in ("key", "config"):
        if stored[name] != before[name]:
            raise RefusedError(folder, f"{name} is not that of {former.id}, which it supersedes")
    for name in _tables(before):
        table = former.read_table(name)
        is_equal = name in stored["files"] and folder.read_table(name).reindex(columns=table.columns).equals(table)
        if not is_equal:  # columns that the version before lacks may differ
            raise RefusedError(folder, f"{name} is not that of {former.id}, which it supersedes")


def _tables(stored: Mapping[str, Any]) -> list[str]:
    """The tables that `record.json` names, videos first."""
    return [name for name in TABLES if name in stored["files"]]


SOUND_TABLES = set[tuple[str, str]]()
"""Names and hashes of tables that have passed."""


def _check_table(folder: RunFolder, name: str) -> None:
    """Read a table from outside to inside: its footer, then the pages, then the cells."""
    columns = TABLES[name]
    raw = read_record_bytes(folder, name)
    footer = int.from_bytes(raw[-8:-4], "little") if raw.endswith(b"PAR1") else 0
    if footer > PARQUET_FOOTER_BYTES:
        raise RefusedError(folder, f"the footer of {name} has {footer} bytes, expected at most {PARQUET_FOOTER_BYTES}")
    try:
        file = pq.ParquetFile(io.BytesIO(raw))
        _check_footer(folder, name, file)
        texts = [column for column in file.schema_arrow.names if columns[column].low is None]
        table = pq.ParquetFile(io.BytesIO(raw), read_dictionary=texts).read(use_threads=False)
        n_bytes = sum(map(_size_in_full, table.columns))
        if n_bytes > RECORD_TABLE_BYTES:
            raise RefusedError(
                folder, f"{name} expands to {n_bytes >> 20} MiB, expected at most {RECORD_TABLE_BYTES >> 20}"
            )
        table.validate(full=True)
    except MemoryError:  # Arrow's own error is also an ArrowException
        raise
    except (OSError, pa.ArrowException, UnicodeError) as error:
        raise RefusedError(
            folder, f"{name} cannot be read as parquet ({' '.join(str(error).split())[:MOST_LETTERS]})"
        ) from error
    for column in table.column_names:
        values = table[column]
        if len(values) and not pa.types.is_null(values.type):
            _check_values(folder, name, column, values)


def _check_values(folder: RunFolder, name: str, column: str, values: pa.ChunkedArray) -> None:
    """Check the texts or numbers of a column.

    Args:
        folder: folder of the record.
        name: name of the table.
        column: name of the column.
        values: its values, of the expected type.
    """
    expected = TABLES[name][column]
    if expected.low is None:
        wrong = _wrong_texts(values)
        bounds = f"without control characters, of {MOST_LETTERS} letters at most"
    else:
        if pa.types.is_list(values.type):
            _check_lengths(folder, name, column, values)
            values = pc.list_flatten(values)
            if values.null_count:  # pandas writes NaN within a list as a gap
                raise RefusedError(folder, f"{column} of {name} has a gap within a list, expected {expected.words}")
        inside = pc.and_(pc.less_equal(expected.low, values), pc.less_equal(values, expected.high))
        wrong = values.filter(pc.invert(inside))
        bounds = f"from {expected.low:g} to {expected.high:g}"
    if len(wrong):
        value = reprlib.repr(wrong[0].as_py())
        raise RefusedError(folder, f"{column} of {name} is {value}, expected {expected.words} {bounds}")


def _wrong_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The different texts that are too long or hold control characters."""
    texts = pa.chunked_array([chunk.dictionary for chunk in values.chunks])
    is_long = pc.greater(pc.utf8_length(texts), MOST_LETTERS)
    return texts.filter(pc.or_(pc.match_substring_regex(texts, f"[{UNPRINTED}]"), is_long))


def _check_lengths(folder: RunFolder, name: str, column: str, values: pa.ChunkedArray) -> None:
    """Check that all lists of a column are equally long, and none too long. A scheme limits their length."""
    shortest, longest = pc.min_max(pc.list_value_length(values)).values()
    few, many = shortest.as_py() or 0, longest.as_py() or 0
    if many > MOST_CLASSES or few < many:
        length = f"{many} in a row" if few == many else f"{few} to {many} in a row"
        raise RefusedError(
            folder, f"{column} of {name} holds {length}, expected as many in each, {MOST_CLASSES} at most"
        )


def _check_footer(folder: RunFolder, name: str, file: pq.ParquetFile) -> None:
    """Check columns, their types and the number of rows, before any page is unpacked."""
    about = file.schema_arrow
    columns = {column: spec for column, spec in TABLES[name].items() if column in about.names or column not in OPTIONAL}
    if about.names != list(columns):
        columns_there = ", ".join(about.names[: 2 * len(columns)])
        few = ", ".join(columns)
        raise RefusedError(folder, f"the columns of {name} are {columns_there}, expected {few}")
    for column, (words, types, low, _) in columns.items():
        kind = about.field(column).type
        kind = kind.value_type if low is None and pa.types.is_dictionary(kind) else kind
        # A column of an empty table may have no type.
        if file.metadata.num_rows and not pa.types.is_null(kind) and kind not in types:
            raise RefusedError(folder, f"{column} of {name} is of type {kind}, expected {words}: its type was changed")
    n_rows, n_groups = file.metadata.num_rows, file.metadata.num_row_groups
    n_bytes = sum(file.metadata.row_group(n).total_byte_size for n in range(n_groups))
    refuse_if(
        (n_rows > RECORD_ROWS[name], f"{name} has {n_rows} rows, expected at most {RECORD_ROWS[name]}"),
        (n_groups > PARQUET_GROUPS, f"{name} has {n_groups} groups of rows, expected at most {PARQUET_GROUPS}"),
        (
            n_bytes > RECORD_TABLE_BYTES,
            f"{name} expands to {n_bytes >> 20} MiB, expected at most {RECORD_TABLE_BYTES >> 20}",
        ),
        error=partial(RefusedError, folder),
    )


def _size_in_full(values: pa.ChunkedArray) -> int:
    """The size of a column with every text in full."""
    if not pa.types.is_dictionary(values.type):
        return int(values.nbytes)
    written = (pc.sum(pc.take(pc.binary_length(chunk.dictionary), chunk.indices)).as_py() for chunk in values.chunks)
    return sum(n or 0 for n in written) + BYTES_OF_OFFSET * len(values)


def _check_intervals(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Check videos, intervals and size of a record. Videos are unique, rows of the other tables belong to one,
    intervals end after they begin, and the size can be scored.
    """
    videos = folder.read_table("videos.parquet")
    repeated = videos["video"][videos["video"].duplicated()]
    if len(repeated):
        raise RefusedError(folder, f"videos.parquet holds {repeated.iloc[0]!r} twice")
    n_frames = videos["n_frames"].sum()
    draws = stored["config"]["bootstrap"]
    subjects = videos["subject"].nunique()
    refuse_if(
        (n_frames > RECORD_FRAMES, f"its videos have {n_frames} frames, expected at most {RECORD_FRAMES}"),
        (
            subjects > RECORD_PEOPLE,
            f"it has {subjects} subjects, expected at most {RECORD_PEOPLE}, since its folds are drawn again",
        ),
        (
            draws * subjects > RECORD_WEIGHTS,
            f"it has {draws} draws of {subjects} subjects, expected at most {RECORD_WEIGHTS} in all",
        ),
        error=partial(RefusedError, folder),
    )
    counts = {}
    for name in _tables(stored)[1:]:
        table = folder.read_table(name)
        counts[name] = table["video"].value_counts()
        strange = table["video"][~table["video"].isin(videos["video"])]
        if len(strange):
            raise RefusedError(folder, f"{name} names {strange.iloc[0]!r}, which is not in videos.parquet")
        kinds = table["kind"] if "kind" in table and name not in OPTIONAL else pd.Series(dtype=object)
        unknown_kinds = kinds[~kinds.isin(get_args(Kind))]
        if len(unknown_kinds):
            expected = " or ".join(get_args(Kind))
            raise RefusedError(folder, f"kind of {name} is {unknown_kinds.iloc[0]!r}, expected {expected}")
        backward = table[table["onset"] > table["offset"]]
        if len(backward):
            onset, offset = backward.iloc[0][["onset", "offset"]]
            raise RefusedError(folder, f"{name} holds an interval from {onset} to {offset}")
    pairs = (counts["predictions.parquet"] * counts["truth.parquet"]).max()
    if pairs > RECORD_PAIRS:
        raise RefusedError(folder, f"{pairs:.0f} pairs of intervals of one video, expected at most {RECORD_PAIRS}")


def _check_former(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Check the former scores of a record: its former record has the stated hash."""
    for former in former_versions(stored):
        if own_hash(former) != former["sha256"]:
            raise RefusedError(folder, "former of record.json is not what it held before: its hash differs")


def _check_plugins(folder: RunFolder, stored: Mapping[str, Any]) -> None:
    """Refuse a plugin's name with the code of another installed one; unknown code counts as another version."""
    named: dict[PluginKind, list[str]] = {
        "method": [stored["config"]["method"], *filter(None, [stored["config"].get("recognizer")])],
        "dataset": dataset_in_words(stored["config"]["dataset"]).split("+"),
    }
    for kind, ids in named.items():
        by_lower, known = _installed(kind)
        for id_ in ids:
            installed = by_lower.get(id_.casefold(), id_)
            if installed != id_:
                raise RefusedError(
                    folder, f"its {kind} is called {id_}, which differs from {installed} only in upper and lower case"
                )
        hashes = stored["versions"].get(f"{kind}_plugin", "").split("+")
        for id_, hash_ in zip(ids, hashes):
            plain_id = id_.rpartition(":")[2]  # slow:synthetic is the code of synthetic
            if hash_ in known and plain_id not in known[hash_]:
                raise RefusedError(
                    folder,
                    f"{kind}_plugin of versions is the code of {kind} {known[hash_][0]}, but the record says {plain_id}",
                )


@cache
def _installed(kind: PluginKind) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The installed plugins by name in lower case, and by hash of their code."""
    installed = list_plugins(kind)
    sound = {id_: content_hash(info) for id_, info in installed.items() if not info.broken}
    return {id_.casefold(): id_ for id_ in installed}, group_by(sound, key=sound.__getitem__)


def _is_equal(stored: Any, here: Any) -> bool:
    """Whether two values agree; scores of another machine, whose sums differ in the last digits, do."""
    if _is_number(stored) and _is_number(here):
        return bool(abs(stored - here) <= 1e-9 * max(1.0, abs(here)))
    return bool(stored == here)


def _is_number(value: Any) -> bool:
    """Whether a value of JSON is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)
