"""Writes the record of a run: small enough to commit, complete enough to score again, no trace of the machine."""

import json
from collections.abc import Callable
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.atomic import new_folder
from mebench.errors import RunError
from mebench.files import file_hash
from mebench.results.checking import check_alone
from mebench.results.integrity import OPTIONAL, RECORD, TABLES, check, own_hash, record_name
from mebench.results.record import AUDIT, FORMAT, OF_STUDY, STORED, from_run
from mebench.results.schema import RefusedError
from mebench.results.settings import without_folder
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
    "selection",
    "subject_dependent",
    "scored_each",
    "transductive",
    "comparable",
    "remark",
    "card",
    "warnings",
    "k_prime",
    "folds",
)
_BUT_FILES = ("files", "sha256", "version", "supersedes")


class WithheldError(RunError):
    """A run is sound, and yet nobody could take in its record."""


def export(folder: RunFolder, out: Path, scored_again: bool = True) -> Path:
    """Write `<out>/<run id>/`; its path. A record is never edited: where it says something else by now, a new version is
    written beside it as `<run id>~v2`, which supersedes it; where it says the same, it stays as it is.

    It holds `record.json` (configuration without folders, versions, summary, costs, hashes of the other files),
    `folds.json` (who trained, validated and was tested), `audit.json` where the run has one, `videos.parquet`,
    `truth.parquet` (intervals, scored classes, intensities where known), `distractors.parquet` where any are annotated,
    `predictions.parquet` and `clips.parquet`: no frame scores, no models, no images. Confidences keep all their digits, because
    a tie that rounding makes would move average precision; class probabilities are float32, since nothing is scored by them.

    Args:
        folder: the run.
        out: where the record goes.
        scored_again: whether the record is checked as who takes it in will, or else but for its scores, which the run has just computed.

    Raises:
        RunError: the run is not finished or damaged, its record is damaged, or it is one of a study's outer runs.
        WithheldError: nobody could take in what would be written.
    """
    if not folder.done:
        raise RunError(f"run {folder.id!r} is not finished, so there is nothing to publish: {folder.way_on}")
    if folder.of_study:
        raise RunError(f"run {folder.id!r} cannot be published: {OF_STUDY}")
    record = from_run(folder)
    with new_folder(out) as room:
        (temporary := room / "record").mkdir()
        about = {name: record.about[name] for name in _ABOUT if name in record.about}
        (temporary / "folds.json").write_text(_json(about, None))  # thousands of subjects: a line each helps nobody
        if record.audit:
            (temporary / AUDIT).write_text(_json(without_folder(record.audit), 1))
        for name, columns in TABLES.items():
            if name in OPTIONAL and not (folder.path / name).is_file():
                continue
            table = folder.read_table(name)
            kept = [column for column in columns if column in table or column not in OPTIONAL]
            _rounded(table[kept]).to_parquet(temporary / name, index=False, compression="zstd")
        files = {file.name: file_hash(file) for file in sorted(temporary.iterdir())}
        content = {"format": FORMAT, "run_id": folder.id, **{name: getattr(record, name) for name in STORED}}
        latest = _latest(out, folder.id)
        if latest is not None and _says(latest) == (json.loads(_json(content, None)), files):
            return latest.path
        version = 1 if latest is None else latest.read_json(RECORD)["version"] + 1
        content |= {"version": version, "supersedes": latest.id if latest else None, "files": files}
        stored = json.loads(_json(content, None))
        (temporary / RECORD).write_text(_json({**stored, "sha256": own_hash(stored)}, 1))
        written = temporary.rename(room / record_name(folder.id, version))
        _expect_taken(RunFolder(written), folder, check_alone if scored_again else check)
        return written.rename(out / written.name)


def _expect_taken(record: RunFolder, run: RunFolder, checked: Callable[[RunFolder], None]) -> None:
    """Refuse what nobody could take in.

    Raises:
        WithheldError: why they could not.
    """
    try:
        checked(record)
    except RefusedError as e:
        raise WithheldError(
            f"run {run.id!r} is not published, since its record would be refused: {e.reason}. Run it again under this mebench; a name "
            "that is refused must be another one in the dataset first"
        ) from e


def _latest(out: Path, run_id: str) -> RunFolder | None:
    """The latest record of a run, after all checks."""
    found = [*takewhile(Path.exists, (out / record_name(run_id, version) for version in count(1)))]
    if not found:
        return None
    check(latest := RunFolder(found[-1]))
    return latest


def _says(record: RunFolder) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a record, and the hashes of its files."""
    stored = record.read_json(RECORD)
    return {name: value for name, value in stored.items() if name not in _BUT_FILES}, stored["files"]


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Class probabilities as float32."""
    if "probabilities" not in table:
        return table
    rows = [None if row is None else np.asarray(row, dtype=np.float32) for row in table["probabilities"]]
    return table.assign(probabilities=pd.Series(rows, index=table.index, dtype=object))


def _json(content: Any, indent: int | None) -> str:
    return json.dumps(content, indent=indent, allow_nan=False) + "\n"
