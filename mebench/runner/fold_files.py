"""The files of one fold: tables, model, and a record that says how the others must look to be whole."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lazy_loader as lazy
import numpy as np

from mebench import heavy

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from mebench.runner.job import FoldResult
else:
    pa = lazy.load("pyarrow")

TABLES = ("predictions.parquet", "clips.parquet", "frame_scores.parquet")
CURVES = "curves.parquet"
"""The curves in which peaks were looked for, where the method kept them."""
LOOKS = "looks.parquet"
"""Answers to the tested clips after each epoch, where the run keeps them."""
RECORD = "fold.json"


def write_files(folder: Path, result: FoldResult, kinds: Sequence[str]) -> None:
    """Write what a fold leaves behind into an empty folder, the record last."""
    files = {name: _parquet(table) for name, table in tables_of_fold(result, kinds).items()}
    if result.model:  # a leaking run keeps none
        files["model.safetensors"] = result.model
    if any(result.curves.values()):
        files[CURVES] = _parquet(_curves(result))
    if result.looks:
        files[LOOKS] = _parquet(_looks(result))
    if result.history:
        files["history.csv"] = _history(result)
    record = {
        "fold": result.key,
        "seed": result.seed,
        "timing": {
            d: {"fps": t.fps, "k": t.k, "k_prime": {str(kind): value for kind, value in t.k_prime.items()}}
            for d, t in result.timings.items()
        },
        "costs": result.costs,
        "notes": result.notes,
        **({"trained_in": result.trained_in} if result.trained_in else {}),
        "files": {name: _stamp(content) for name, content in files.items()},
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_fold(folder: Path, kinds: Sequence[str]) -> FoldResult:
    """What a whole fold left behind, from its files; without its intervals, which can be made anew, and its answers after each epoch.

    Args:
        folder: of the fold.
        kinds: kinds that are spotted, in the order of the columns of frame scores.
    """
    from mebench.core import Timing
    from mebench.core.history import Epoch
    from mebench.runner.job import ClipPrediction, FoldResult

    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    clips = read_fold_table(folder, "clips.parquet").drop_columns(["fold"]).to_pylist()
    scores = read_fold_table(folder, "frame_scores.parquet").to_pandas()
    model, history = folder / "model.safetensors", folder / "history.csv"
    epochs = read_csv(history).drop(columns="fold").to_dict("records") if history.is_file() else []
    return FoldResult(
        record["fold"],
        [],
        [ClipPrediction(**{**row, "probabilities": tuple(row["probabilities"])}) for row in clips],
        {
            str(video): np.stack(
                [rows[rows["kind"] == kind].sort_values("frame")["score"].to_numpy(np.float64) for kind in kinds],
                axis=1,
            )
            for video, rows in scores.groupby("video")
        },
        {name: Timing(t["fps"], t["k"], t["k_prime"]) for name, t in record["timing"].items()},
        record["seed"],
        record["costs"],
        model.read_bytes() if model.is_file() else b"",
        [Epoch(**{str(name): _noted(str(name), value) for name, value in row.items()}) for row in epochs],
        record["notes"],
        trained_in=record.get("trained_in", ""),
    )


def _noted(name: str, value: Any) -> Any:
    """A number of a history's row, or None where nobody noted one; a loss is NaN then."""
    return None if value != value and name != "loss" else value


def whole_fold(folder: Path) -> str | None:
    """Key of the fold whose files lie in `folder`, or None if one of them is not as it was written.

    Folds are not synced to disk one by one, which would cost more than a small fold itself: after a power cut this tells
    which ones came through.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if all(_stamp((folder / name).read_bytes()) == stamp for name, stamp in record["files"].items()):
            return str(record["fold"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def read_fold_table(folder: Path, name: str) -> pa.Table:
    """One of `TABLES`, or `CURVES`.

    Raises:
        Exception: it is missing or damaged; pyarrow has many kinds.
    """
    return read_parquet(folder / name).cast(_schemas()[name])


def read_parquet(file: Path) -> pa.Table:
    """A table, in a third of the time that pyarrow's `read_table` and pandas take where it has some rows.

    Raises:
        Exception: it is missing or damaged; pyarrow has many kinds.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        return opened.read(use_threads=False)


def read_csv(file: Path) -> pd.DataFrame:
    """Costs or a history. Folds and stages are called as they are, `NA` and `01` too; only an empty cell lacks a value.

    Raises:
        OSError, ValueError: it is missing or damaged.
    """
    return heavy.pandas.read_csv(file, dtype={"fold": str, "stage": str}, keep_default_na=False, na_values=[""])


def safe_name(fold: str) -> str:
    """A fold's key as a file name; keys that differ get names that differ.

    >>> safe_name("casme2/sub01")
    'casme2--sub01'
    >>> safe_name("casme2/sub 1")
    'casme2--sub_1-d8f165'
    """
    name = re.sub(r"[^\w.=+-]", "_", fold.replace("/", "--"))
    return name if name.replace("--", "/") == fold else f"{name}-{hashlib.sha256(fold.encode()).hexdigest()[:6]}"


def _stamp(content: bytes) -> list[int]:
    return [len(content), zlib.crc32(content)]


@cache
def _schemas() -> dict[str, pa.Schema]:
    """One type for each column, also in an empty table, so that tables of folds go together."""
    text, whole, number = pa.string(), pa.int64(), pa.float64()
    many, place = pa.list_(number), [("fold", text), ("video", text)]
    interval = [("kind", text), ("onset", whole), ("apex", whole), ("offset", whole), ("confidence", number)]
    answer = [("onset", whole), ("offset", whole), ("predicted", text), ("probabilities", many)]
    return {
        "predictions.parquet": pa.schema(
            [*place, *interval, ("emotion", text), ("probabilities", many), ("draw", whole)]
        ),
        "clips.parquet": pa.schema([*place, *answer]),
        "frame_scores.parquet": pa.schema([*place, ("frame", whole), ("kind", text), ("score", number)]),
        CURVES: pa.schema([*place, ("frame", whole), ("kind", text), ("smoothed", number), ("level", number)]),
        LOOKS: pa.schema(
            [*place, ("epoch", whole), ("onset", whole), ("offset", whole), ("probabilities", pa.list_(pa.float32()))]
        ),
    }


def tables_of_fold(result: FoldResult, kinds: Sequence[str]) -> dict[str, pa.Table]:
    """`TABLES` of what a fold leaves behind."""
    rows: dict[str, Iterator[dict[str, Any]]] = {
        "predictions.parquet": (
            {
                "fold": result.key,
                "video": p.video,
                "kind": str(p.kind),
                "onset": _whole(p.onset),
                "apex": _whole(p.apex),
                "offset": _whole(p.offset),
                "confidence": p.confidence,
                "emotion": p.emotion,
                "probabilities": p.probabilities,
                "draw": p.draw,
            }
            for p in result.predictions
        ),
        "clips.parquet": (
            {
                "fold": result.key,
                "video": c.video,
                "onset": c.onset,
                "offset": c.offset,
                "predicted": c.predicted,
                "probabilities": c.probabilities,
            }
            for c in result.clips
        ),
    }
    tables = {
        name: pa.Table.from_pylist([_plain(row) for row in some], _schemas()[name]) for name, some in rows.items()
    }
    return {**tables, "frame_scores.parquet": _frame_scores(result, kinds)}


def _whole(frame: float) -> int:
    """A frame index as an int; pyarrow would cut 10.5 to 10 without a word.

    Raises:
        ValueError: it is none.
    """
    if int(frame) != frame:
        raise ValueError(f"{frame} is no frame index")
    return int(frame)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """NumPy's numbers as Python's, which pyarrow takes for any column."""
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()}


def _frame_scores(result: FoldResult, kinds: Sequence[str]) -> pa.Table:
    schema = _schemas()["frame_scores.parquet"]
    parts = [
        pa.table(
            {
                "fold": pa.repeat(pa.scalar(result.key), len(scores)),
                "video": pa.repeat(pa.scalar(video), len(scores)),
                "frame": np.arange(len(scores)),
                "kind": pa.repeat(pa.scalar(str(kind)), len(scores)),
                "score": pa.array(np.ascontiguousarray(scores[:, column], dtype=np.float64)),
            },
            schema,
        )
        for video, scores in sorted(result.frame_scores.items())
        for column, kind in enumerate(kinds)
    ]
    return pa.concat_tables(parts).combine_chunks() if parts else schema.empty_table()


def _curves(result: FoldResult) -> pa.Table:
    parts = [
        heavy.pandas.DataFrame(
            {"video": video, "frame": curve.first + np.arange(len(curve.heights)), "kind": str(kind)}
        ).assign(fold=result.key, smoothed=curve.heights, level=curve.level)
        for video, curves in sorted(result.curves.items())
        for kind, curve in curves.items()
    ]
    return pa.Table.from_pandas(
        heavy.pandas.concat(parts)[_schemas()[CURVES].names], _schemas()[CURVES], preserve_index=False
    )


def _looks(result: FoldResult) -> pa.Table:
    rows = [
        {"fold": result.key, "video": video, "epoch": epoch, "onset": onset, "offset": offset, "probabilities": numbers}
        for epoch, look in enumerate(result.looks)
        for video, onset, offset, numbers in look
    ]
    return pa.Table.from_pylist(rows, _schemas()[LOOKS])


def _history(result: FoldResult) -> bytes:
    """One row for each pass of the training, beginning with the fold."""
    rows = heavy.pandas.DataFrame([asdict(epoch) for epoch in result.history])
    rows.insert(0, "fold", result.key)
    return rows.to_csv(index=False).encode()


def _parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())
