"""The table of all folds is, byte by byte, the one that pandas would write."""

import numpy as np
import pyarrow as pa
import pytest

from mebench.runs import merged_table
from mebench.runs.folder import SORTED_BY

TEXTS = ["é/b", "a/é", "Z", "z", "a", "😀", ""]
NUMBERS = {"frame_scores.parquet": ["score"], "curves.parquet": ["smoothed", "level"]}


def draw_table(generator, n, numbers):
    """Rows of which many are equal, with missing numbers."""
    texts = {
        name: pa.array([TEXTS[i] for i in generator.integers(0, len(TEXTS), n)], pa.string())
        for name in ("fold", "video", "kind")
    }
    columns = {
        "fold": texts["fold"],
        "video": texts["video"],
        "frame": generator.integers(0, 5, n),
        "kind": texts["kind"],
    }
    for name in numbers:
        values = generator.normal(size=n)
        columns[name] = np.where(generator.random(n) < 0.2, np.nan, values)
    return pa.table(columns)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("sizes", [[1], [0, 3, 0], [40, 25, 31], [200, 1]])
def test_write_sorted_writes_what_pandas_writes(tmp_path, monkeypatch, name, sizes):
    generator = np.random.default_rng(sum(sizes))
    tables = [draw_table(generator, n, NUMBERS[name]) for n in sizes]
    expected = pa.concat_tables(tables).to_pandas().sort_values(SORTED_BY[name], kind="stable", ignore_index=True)
    expected.to_parquet(tmp_path / "pandas.parquet", index=False, row_group_size=30)
    monkeypatch.setattr(merged_table, "ROWS_OF_GROUP", 30)
    merged_table.write_sorted(tmp_path / "own.parquet", tables, SORTED_BY[name])
    assert (tmp_path / "own.parquet").read_bytes() == (tmp_path / "pandas.parquet").read_bytes()


def test_write_sorted_takes_groups_of_the_size_of_pandas(tmp_path):
    """A run is sealed by hashes, so a larger table must not come in other groups."""
    table = pa.table(
        {"fold": ["a"] * (merged_table.ROWS_OF_GROUP + 1), "frame": np.arange(merged_table.ROWS_OF_GROUP, -1, -1)}
    )
    table.to_pandas().sort_values("frame").to_parquet(tmp_path / "pandas.parquet", index=False)
    merged_table.write_sorted(tmp_path / "own.parquet", [table], ["frame"])
    assert (tmp_path / "own.parquet").read_bytes() == (tmp_path / "pandas.parquet").read_bytes()
