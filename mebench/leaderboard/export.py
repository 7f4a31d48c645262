"""Writes the record of a run: small enough to commit, complete enough to score again, no trace of the machine."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.errors import RunError
from mebench.leaderboard.collect import FORMAT, TRUTH_COLUMNS, VIDEO_COLUMNS, from_record, from_run
from mebench.runner.folder import RunFolder

_ABOUT = (
    "protocol",
    "tasks",
    "kinds",
    "classes",
    "scheme",
    "one_per_video",
    "left_out",
    "selects",
    "transductive",
    "comparable",
    "remark",
    "k_prime",
    "folds",
)


def export(folder: RunFolder, out: Path) -> Path:
    """Write `<out>/<run id>/`, replacing a former record of the run; its path.

    It holds `record.json` (configuration without folders, versions, summary, costs), `folds.json` (who trained,
    validated and was tested), `videos.parquet`, `truth.parquet` (intervals and scored classes), `predictions.parquet`
    and `clips.parquet`: no frame scores, no models, no images. Confidences keep all their digits, because a tie that
    rounding makes would move average precision; class probabilities are float32, since nothing is scored by them.

    Raises:
        RunError: the run is not finished, or damaged.
    """
    if not folder.done:
        raise RunError(f"run {folder.id!r} is not finished, so there is nothing to publish: mebench resume {folder.id}")
    record = from_run(folder)
    stored = asdict(record)
    for name in ("id", "about", "annotations", "published"):
        del stored[name]
    about = {name: record.about[name] for name in _ABOUT if name in record.about}
    tables = {
        "videos.parquet": folder.read_table("videos.parquet")[list(VIDEO_COLUMNS)],
        "truth.parquet": folder.read_table("truth.parquet")[list(TRUTH_COLUMNS)],
        "predictions.parquet": _rounded(folder.read_table("predictions.parquet")),
        "clips.parquet": _rounded(folder.read_table("clips.parquet")),
    }
    out.mkdir(parents=True, exist_ok=True)
    final = out / folder.id
    temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=out))
    try:
        temporary.chmod(0o755)  # mkdtemp hides it from everybody else
        (temporary / "record.json").write_text(_json({"format": FORMAT, "run_id": folder.id, **stored}, 1))
        (temporary / "folds.json").write_text(_json(about, None))  # thousands of subjects: a line each helps nobody
        for name, table in tables.items():
            table.to_parquet(temporary / name, index=False, compression="zstd")
        if final.exists():
            shutil.rmtree(final)
        temporary.rename(final)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return final


def rescore(record: RunFolder) -> dict[str, Any]:
    """The summary of a record, computed anew from its tables; equal to the one that it holds.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    from mebench.runner.scoring import score

    stored = from_record(record)
    return score(record, stored.seed, int(stored.config["bootstrap"]), stored.config.get("convention", "strict"))


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Class probabilities as float32."""
    rows = [None if row is None else np.asarray(row, dtype=np.float32) for row in table["probabilities"]]
    return table.assign(probabilities=pd.Series(rows, index=table.index, dtype=object))


def _json(content: Any, indent: int | None) -> str:
    return json.dumps(content, indent=indent, allow_nan=False) + "\n"
