"""A table of all folds, sorted in little memory: a thousand people have millions of frame scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = load_lazily("pyarrow")

ROWS_OF_GROUP = 1 << 20
"""Rows of a group of a parquet file, as many as `DataFrame.to_parquet` takes."""


def write_sorted(file: Path, tables: Sequence[pa.Table], columns: Sequence[str]) -> None:
    """Write tables of texts and numbers as one, sorted; equal rows keep their order.

    The file is that of pandas' `sort_values` and `to_parquet`, byte by byte, for which all texts would be in memory several times: here
    each different text is there once.

    Args:
        file: the parquet file.
        tables: tables of one schema, with a row at least, in which only numbers may be missing, as NaN.
        columns: columns to sort by, the first one first.
    """
    import pyarrow.parquet as pq

    schema = _schema_by_pandas(next(table for table in tables if len(table)))
    table = pa.concat_tables(map(_with_texts_once, tables)).unify_dictionaries().combine_chunks()
    order = np.lexsort([_ranks(table[column]) for column in reversed(columns)])
    with pq.ParquetWriter(file, schema, compression="snappy") as writer:
        for start in range(0, len(order), ROWS_OF_GROUP):
            rows = table.take(order[start : start + ROWS_OF_GROUP])
            writer.write_table(_as_pandas_gives(rows, schema), row_group_size=ROWS_OF_GROUP)


def _schema_by_pandas(table: pa.Table) -> pa.Schema:
    """The schema, with the metadata, of a table that went through pandas."""
    return pa.Schema.from_pandas(table.slice(0, 1).to_pandas(), preserve_index=False)


def _with_texts_once(table: pa.Table) -> pa.Table:
    """A table whose columns of texts hold numbers of texts."""
    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type):
            encoded = table.column(place).dictionary_encode()
            table = table.set_column(place, column.name, encoded)
    return table


def _ranks(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """(n rows,) numbers by which a column without missing values is sorted."""
    if not pa.types.is_dictionary(column.type):
        return np.asarray(column.to_numpy(), dtype=np.int64)
    (chunk,) = column.chunks
    texts = np.array(chunk.dictionary.to_pylist(), dtype=object)
    rank_of_text = np.empty(len(texts), dtype=np.int64)
    rank_of_text[np.argsort(texts)] = np.arange(len(texts))
    ranks: NDArray[np.int64] = rank_of_text[chunk.indices.to_numpy()]
    return ranks


def _as_pandas_gives(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with whole texts, and no number where it is NaN."""
    import pyarrow.compute as pc

    columns: list[Any] = []
    for field, column in zip(schema, rows.columns):
        if pa.types.is_floating(field.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, field.type), column)
        columns.append(column.cast(field.type))
    return pa.table(columns, schema=schema)
