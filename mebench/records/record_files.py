"""The files of a record: its tables with their columns, the names and hashes of its versions, and its scores computed again."""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from mebench.files import file_hash
from mebench.metrics import own_metrics
from mebench.records.schema import FOLDS, RECORD, read_record_file
from mebench.result_cache import cached_result
from mebench.runs import RunFolder
from mebench.runs.scoring import rescore_run

OF_SCORES = ("core/*.py", "metrics/*.py", "runs/*.py", "grouping.py", "score_type.py", "output/terminal.py")
"""The code that computes the summary of a record."""


class StoredColumn(NamedTuple):
    """The content of a column: a description, its Arrow types, and the bounds of a number."""

    words: str
    types: tuple[pa.DataType, ...]
    low: float | None = None
    high: float | None = None


_TEXT = StoredColumn("text", (pa.string(), pa.large_string()))
_FRAME = StoredColumn("whole number", (pa.int64(),), -(10**7), 10**7)
_SHARES = StoredColumn("list of numbers", (pa.list_(pa.float32()), pa.list_(pa.float64())), -1e15, 1e15)
TABLES: dict[str, dict[str, StoredColumn]] = {
    "videos.parquet": {
        **dict.fromkeys(("video", "subject", "dataset", "person"), _TEXT),
        "n_frames": _FRAME._replace(low=1),
        "fps": StoredColumn("number", (pa.float64(),), 0.001, 100_000),
    },
    "truth.parquet": {
        **dict.fromkeys(("video", "kind"), _TEXT),
        **dict.fromkeys(("onset", "apex", "offset"), _FRAME._replace(low=0)),
        "emotion": _TEXT,
        "intensity": StoredColumn("number", (pa.float64(),), 0, 100),  # some annotators exceed the full strength
        **dict.fromkeys(("untouched", "flags"), _TEXT),
    },
    "distractors.parquet": {
        **dict.fromkeys(("video", "kind"), _TEXT),
        **dict.fromkeys(("onset", "offset"), _FRAME._replace(low=0)),
    },
    "predictions.parquet": {
        **dict.fromkeys(("fold", "video", "kind"), _TEXT),
        **dict.fromkeys(("onset", "apex", "offset"), _FRAME),
        "confidence": StoredColumn("number", (pa.float64(),), -1e15, 1e15),
        "emotion": _TEXT,
        "probabilities": _SHARES,
        "draw": StoredColumn("whole number", (pa.int64(),), 0, 100_000),
    },
    "clips.parquet": {
        **dict.fromkeys(("fold", "video"), _TEXT),
        **dict.fromkeys(("onset", "offset"), _FRAME._replace(low=0)),
        "predicted": _TEXT,
        "probabilities": _SHARES,
    },
}
"""The tables of a record with their columns; a column of an empty table may have no type."""
OPTIONAL = ("distractors.parquet", "intensity", "untouched", "flags", "person")
"""Tables and columns that exist only if the dataset has such annotations."""


def minutes_of(videos: pd.DataFrame) -> float:
    """Minutes of all videos together; 0 if one length is unknown."""
    minutes = (videos["n_frames"].astype("Float64") / videos["fps"]).sum(skipna=False) / 60
    return 0.0 if pd.isna(minutes) else float(minutes)


def rescore_record(folder: RunFolder) -> dict[str, Any]:
    """The summary of a record, computed from its tables; a former result for equal files counts.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    config = read_record_file(folder, RECORD)["config"]
    rules = {name: config.get(name) for name in ("seed", "bootstrap", "convention")}
    if codes := own_metrics.own_codes():
        rules["own_metrics"] = codes
    files = [folder.path / name for name in (FOLDS, *TABLES)]
    hashes = [(file.name, file_hash(file)) for file in files if file.is_file()]
    return cached_result(partial(rescore_run, folder, config), OF_SCORES, "summary", rules, hashes)


def record_name(run_id: str, version: int) -> str:
    """The name of a record's folder.

    >>> record_name("mean-casme2-loso-seed0-0123abcd", 1), record_name("a", 2)
    ('mean-casme2-loso-seed0-0123abcd', 'a~v2')
    """
    return run_id if version == 1 else f"{run_id}~v{version}"


def own_hash(stored: Mapping[str, Any]) -> str:
    """SHA-256 of the content of `record.json` without this hash."""
    content = json.dumps({name: value for name, value in stored.items() if name != "sha256"}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def former_versions(stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The content of `record.json` under earlier versions of scoring, the latest first."""
    versions = []
    now = dict(stored)
    while now.get("former"):
        *earlier, last = now["former"]
        now = {**now, "former": earlier, "summary": last["summary"], "sha256": last["sha256"]}
        if not earlier:
            del now["former"]
        versions.append(now)
    return versions
