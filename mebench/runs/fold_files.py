"""The result of a fold, plain data that is sent between processes; and its files: tables, model, and a record with sizes and
checksums of the others.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Kind, Prediction, Timing
from mebench.core.history import Epoch
from mebench.core.peaks import Curve
from mebench.files import write_text
from mebench.lazy_imports import load_lazily
from mebench.runs.weights_file import WeightsFile, checksum_of_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
else:
    pa = load_lazily("pyarrow")
    pd = load_lazily("pandas")

TABLES = ("predictions.parquet", "clips.parquet", "frame_scores.parquet")
CURVES = "curves.parquet"
"""The curves of the peak search, if the method kept them."""
EPOCH_PREDICTIONS = "looks.parquet"
"""Answers in the tested videos after each epoch, where the run keeps them: intervals, or those to the annotated clips,
without kind.
"""
PRINTED = "printed.txt"
"""In the folder of a fold: the beginning of what it printed, if anything."""
MODEL = "model.safetensors"
RECORD = "fold.json"
MOST_KEPT = 2**17
"""Largest size in bytes of a table that is kept in memory after reading."""


Curves = dict[str, dict[Kind, Curve]]
"""By video and kind."""


@dataclass(frozen=True)
class ClipPrediction:
    """The answer to one annotated clip; `probabilities` has one number for each class of the task."""

    video: str
    onset: int
    offset: int
    predicted: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class FoldResult:
    """The result of a fold, as plain data that can be sent between processes.

    For a pair of methods, the stages in `history` and the names in `notes` and of weights begin with `method.` or
    `recognizer.`. `curves` are those in which the spotter searched peaks, if it keeps them. `epoch_predictions` are
    predictions after each epoch: intervals of a spotter, else class scores of annotated clips. `trained_in` is the run
    that trained these models, if it is another one. `printed` is the beginning of what the fold printed. `weights` are those
    of `model` where they are large.
    """

    key: str
    predictions: list[Prediction]
    clips: list[ClipPrediction]
    frame_scores: dict[str, NDArray[np.float64]]
    timings: dict[str, Timing]
    seed: int
    costs: dict[str, float]
    model: bytes = field(repr=False, default=b"")
    history: list[Epoch] = field(repr=False, default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)
    epoch_predictions: list[list[Prediction | ClipPrediction]] = field(repr=False, default_factory=list)
    trained_in: str = ""
    curves: Curves = field(repr=False, default_factory=dict)
    printed: str = field(repr=False, default="")
    weights: WeightsFile | None = field(repr=False, default=None)

    def list_unscored_videos(self) -> list[str]:
        """Keys of the videos in which no frame has a score and nothing was spotted."""
        silent = {video for video, scores in self.frame_scores.items() if np.isnan(scores).all()}
        return sorted(silent - {prediction.video for prediction in self.predictions})


@dataclass(frozen=True)
class WrittenFold:
    """A fold whose files a machine has written that shares the folder of the run.

    Attributes:
        folder: folder of the files.
        record: SHA-256 of the fold's record, which holds size and checksum of the other files.
        unscored: see `FoldResult.list_unscored_videos`.
    """

    folder: Path
    record: str
    unscored: list[str]


def write_fold_files(folder: Path, result: FoldResult, kinds: Sequence[str], run: str | None = None) -> None:
    """Write the files of a fold into an empty folder, the record last; a file of weights is moved. `run` is the key of its run."""
    files = _content_of_files(result, kinds)
    record: dict[str, Any] = {
        "fold": result.key,
        "seed": result.seed,
        "timing": {dataset: _timing_record(timing) for dataset, timing in result.timings.items()},
        "costs": result.costs,
        "notes": result.notes,
    }
    if run is not None:
        record["run"] = run
    if result.trained_in:
        record["trained_in"] = result.trained_in
    record["files"] = {name: _stamp(content) for name, content in files.items()}
    for name, content in files.items():
        if isinstance(content, WeightsFile):
            content.move(folder / name)
        else:
            (folder / name).write_bytes(content)
    write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")


def _content_of_files(result: FoldResult, kinds: Sequence[str]) -> dict[str, bytes | WeightsFile]:
    """The content of each file of a fold but the record; large weights as the file in which they are."""
    import pyarrow.parquet as pq  # takes as long as pyarrow itself, and many programs only read the lists of a run

    files = dict[str, bytes | WeightsFile]()
    for name, table in tables_of_fold(result, kinds).items():
        # A run that keeps the answers of its epochs has this file even if the method never answered.
        keeps_epochs = name == EPOCH_PREDICTIONS and bool(result.epoch_predictions)
        if name in TABLES or keeps_epochs or len(table):
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink)
            files[name] = bytes(sink.getvalue())
    if result.weights is not None:
        files[MODEL] = result.weights
    elif result.model:  # a leaking run keeps none
        files[MODEL] = result.model
    if result.printed:
        files[PRINTED] = result.printed.encode()
    if result.history:  # one row for each pass of the training
        rows = [{"fold": result.key, **epoch.to_row()} for epoch in result.history]
        files["history.csv"] = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode()
    return files


def _timing_record(timing: Timing) -> dict[str, Any]:
    """A timing as JSON."""
    k_prime = {str(kind): value for kind, value in timing.k_prime.items()}
    return {"fps": timing.fps, "k": timing.k, "k_prime": k_prime}


def _timing_of_record(record: Mapping[str, Any]) -> Timing:
    """A timing from its JSON."""
    return Timing(record["fps"], record["k"], record["k_prime"])


def read_fold(folder: Path, kinds: Sequence[str]) -> FoldResult:
    """Read a fold from its files.

    Intervals, which can be recomputed, and per-epoch predictions are not read.

    Args:
        folder: folder of the fold.
        kinds: kinds that are spotted, in the order of the columns of frame scores.
    """
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    clips = read_fold_table(folder / "clips.parquet").drop_columns(["fold"]).to_pylist()
    scores = read_fold_table(folder / "frame_scores.parquet").to_pandas()
    model = folder / MODEL
    history = folder / "history.csv"
    epochs: list[Any] = []
    if history.is_file():
        epochs = read_csv(history).drop(columns="fold").to_dict("records")
    return FoldResult(
        key=record["fold"],
        predictions=[],
        clips=[ClipPrediction(**{**row, "probabilities": tuple(row["probabilities"])}) for row in clips],
        frame_scores={str(video): _scores_by_kind(rows, kinds) for video, rows in scores.groupby("video")},
        timings={dataset: _timing_of_record(timing) for dataset, timing in record["timing"].items()},
        seed=record["seed"],
        costs=record["costs"],
        model=model.read_bytes() if model.is_file() else b"",
        history=[Epoch.of_row(epoch) for epoch in epochs],
        notes=record["notes"],
        trained_in=record.get("trained_in", ""),
    )


def _scores_by_kind(rows: pd.DataFrame, kinds: Sequence[str]) -> NDArray[np.float64]:
    """(n_frames, n_kinds) scores of a video."""
    columns = [rows[rows["kind"] == kind].sort_values("frame")["score"].to_numpy(np.float64) for kind in kinds]
    return np.stack(columns, axis=1)


def whole_fold(folder: Path, run: str | None = None) -> str | None:
    """Key of the fold in a folder whose files are complete and unchanged, else None.

    It is None, too, for a fold of another run than that of the key `run`.

    Folds are not synced to disk one by one, which would cost more than a small fold itself; after a power cut this
    shows which ones are complete.

    Raises:
        OSError: the system refuses to read a file, which may be whole.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if run is not None and record.get("run", run) != run:
            return None
        if all(checksum_of_file(folder / name) == stamp for name, stamp in record["files"].items()):
            return str(record["fold"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def read_fold_table(file: Path) -> pa.Table:
    """One of `TABLES`, or `CURVES`.

    Raises:
        Exception: it is missing or damaged; pyarrow has many kinds.
    """
    return read_parquet(file).cast(_schemas()[file.name])


def read_parquet(file: Path | pa.BufferReader) -> pa.Table:
    """A table of a parquet file.

    For few rows this takes a third of the time of pyarrow's `read_table` and pandas.

    Raises:
        Exception: it is missing or damaged; pyarrow has many kinds.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        return opened.read(use_threads=False)


def read_frame(file: Path) -> pd.DataFrame:
    """A table in pandas; a small one, such as a truth that many runs share, is parsed only once.

    Raises:
        Exception: it is missing or damaged; pyarrow has many kinds.
    """
    if file.stat().st_size > MOST_KEPT:
        table: pd.DataFrame = read_parquet(file).to_pandas()
    else:
        table = _parse_table(file.read_bytes(), pd.get_option("mode.string_storage")).copy()
    return table


@lru_cache(maxsize=512)
def _parse_table(content: bytes, storage: str) -> Any:
    """The table in the bytes of a parquet file, in a storage of text."""
    return read_parquet(pa.BufferReader(content)).to_pandas()


def read_csv(file: Path) -> pd.DataFrame:
    """A table of costs or a history.

    Names of folds and stages are kept, also `NA` and `01`; only an empty cell is a missing value.

    Raises:
        OSError, ValueError: it is missing or damaged.
    """
    return pd.read_csv(file, dtype={"fold": str, "stage": str}, keep_default_na=False, na_values=[""])


def safe_name(key: str) -> str:
    """A key as a file name; different keys get different names on every system.

    macOS and Windows take `S1` for `s1`, and macOS one form of an accented letter for another: capitals get a hash, and letters their
    composed form.

    >>> safe_name("casme2/sub01")
    'casme2--sub01'
    >>> safe_name("casme2/sub 1")
    'casme2--sub_1-d8f165'
    >>> safe_name("casme2/S1")
    'casme2--S1-327cc7'
    """
    name = _former_name(key)
    is_portable = name == name.lower() and not name.endswith(".") and name.partition(".")[0] not in DEVICES
    return name if is_portable else f"{unicodedata.normalize('NFC', name).rstrip('.')}-{_hash_of(key)}"


DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10)))
)
"""Names that are devices on Windows, whatever follows a dot."""


def folder_name(parent: Path, key: str) -> str:
    """The name of a key's folder; one of an earlier version keeps its own.

    Args:
        parent: the folder in which it lies.
        key: key of a fold, or name of a study.
    """
    name = safe_name(key)
    former = _former_name(key)
    if name == former or not (parent / former).is_dir():
        return name
    is_there = former in (folder.name for folder in parent.iterdir())  # not another one that the system takes for it
    return former if is_there else name


def _former_name(key: str) -> str:
    """A key as a file name, as earlier versions made it; two keys may differ in their capitals alone."""
    name = re.sub(r"[^\w.=+-]", "_", key.replace("/", "--"))
    return name if name.replace("--", "/") == key else f"{name}-{_hash_of(key)}"


def _hash_of(key: str) -> str:
    """Six digits of a hash."""
    return hashlib.sha256(key.encode()).hexdigest()[:6]


def _stamp(content: bytes | WeightsFile) -> list[int]:
    """Size and checksum of a file."""
    if isinstance(content, WeightsFile):
        return [content.size, content.checksum]
    return [len(content), zlib.crc32(content)]


@cache
def _schemas() -> dict[str, pa.Schema]:
    """One type for each column, also of an empty table: tables of folds can be joined."""
    text = pa.string()
    integer = pa.int64()
    number = pa.float64()
    numbers = pa.list_(number)
    place = [("fold", text), ("video", text)]
    interval = [("kind", text), ("onset", integer), ("apex", integer), ("offset", integer), ("confidence", number)]
    answer = [("onset", integer), ("offset", integer), ("predicted", text), ("probabilities", numbers)]
    return {
        "predictions.parquet": pa.schema(
            [*place, *interval, ("emotion", text), ("probabilities", numbers), ("draw", integer)]
        ),
        "clips.parquet": pa.schema([*place, *answer]),
        "frame_scores.parquet": pa.schema([*place, ("frame", integer), ("kind", text), ("score", number)]),
        CURVES: pa.schema([*place, ("frame", integer), ("kind", text), ("smoothed", number), ("level", number)]),
        EPOCH_PREDICTIONS: pa.schema(
            [
                *place,
                ("epoch", integer),
                *interval,
                ("emotion", text),
                ("probabilities", pa.list_(pa.float32())),
            ]
        ),
    }


def tables_of_fold(result: FoldResult, kinds: Sequence[str]) -> dict[str, pa.Table]:
    """The `TABLES`, `CURVES` and `EPOCH_PREDICTIONS` of a fold."""
    rows_by_table = {
        "predictions.parquet": [_prediction_row(prediction) for prediction in result.predictions],
        "clips.parquet": [_clip_row(clip) for clip in result.clips],
        EPOCH_PREDICTIONS: [
            _epoch_row(epoch, answer) for epoch, answers in enumerate(result.epoch_predictions) for answer in answers
        ],
    }
    tables = {
        "frame_scores.parquet": _join_tables("frame_scores.parquet", _frame_score_tables(result, kinds)),
        CURVES: _join_tables(CURVES, _curve_tables(result)),
    }
    for name, rows in rows_by_table.items():
        of_fold = [{"fold": result.key, **_python_numbers(row)} for row in rows]
        tables[name] = pa.Table.from_pylist(of_fold, _schemas()[name])
    return tables


def _prediction_row(prediction: Prediction) -> dict[str, Any]:
    """The cells of an interval in `predictions.parquet`."""
    return {
        "video": prediction.video,
        "kind": str(prediction.kind),
        "onset": _whole_index(prediction.onset),
        "apex": _whole_index(prediction.apex),
        "offset": _whole_index(prediction.offset),
        "confidence": prediction.confidence,
        "emotion": prediction.emotion,
        "probabilities": prediction.probabilities,
        "draw": prediction.draw,
    }


def _clip_row(clip: ClipPrediction) -> dict[str, Any]:
    """The cells of an answer in `clips.parquet`."""
    return {
        "video": clip.video,
        "onset": clip.onset,
        "offset": clip.offset,
        "predicted": clip.predicted,
        "probabilities": clip.probabilities,
    }


def _epoch_row(epoch: int, answer: Prediction | ClipPrediction) -> dict[str, Any]:
    """The cells of an answer after an epoch; one to a clip has no kind, apex, confidence or emotion."""
    columns = ("video", "kind", "onset", "apex", "offset", "confidence", "emotion", "probabilities")
    return {"epoch": epoch, **{column: getattr(answer, column, None) for column in columns}}


def _python_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row with NumPy's numbers as Python's, which pyarrow takes for any column."""
    plain = {column: value.item() for column, value in row.items() if isinstance(value, np.generic)}
    return {**row, **plain}


def _frame_score_tables(result: FoldResult, kinds: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of `frame_scores.parquet`, of each video and kind."""
    for video, scores in sorted(result.frame_scores.items()):
        for column, kind in enumerate(kinds):
            score = np.ascontiguousarray(scores[:, column], dtype=np.float64)
            yield _frame_rows("frame_scores.parquet", (result.key, video, kind), np.arange(len(scores)), score=score)


def _curve_tables(result: FoldResult) -> Iterator[pa.Table]:
    """The rows of `curves.parquet`, of each video and kind."""
    for video, curves in sorted(result.curves.items()):
        for kind, curve in curves.items():
            n = len(curve.heights)
            yield _frame_rows(
                CURVES,
                (result.key, video, kind),
                curve.first + np.arange(n),
                smoothed=np.asarray(curve.heights, dtype=np.float64),
                level=np.full(n, curve.level, dtype=np.float64),
            )


def _frame_rows(
    name: str, place: tuple[str, str, str], frame: NDArray[Any], **numbers: NDArray[np.float64]
) -> pa.Table:
    """Rows of one fold, video and kind (`place`), one for each frame."""
    fold, video, kind = place
    repeated = {
        column: pa.repeat(str(text), len(frame)) for column, text in (("fold", fold), ("video", video), ("kind", kind))
    }
    return pa.table({**repeated, "frame": frame, **numbers}, _schemas()[name])


def _join_tables(name: str, parts: Iterable[pa.Table]) -> pa.Table:
    """Tables of one schema as one, also of no table."""
    return pa.concat_tables([_schemas()[name].empty_table(), *parts]).combine_chunks()


def _whole_index(frame: float) -> int:
    """A frame index as an int; pyarrow would silently cut 10.5 to 10.

    Raises:
        ValueError: it is not whole.
    """
    if int(frame) != frame:
        raise ValueError(f"{frame} is not a frame index")
    return int(frame)
