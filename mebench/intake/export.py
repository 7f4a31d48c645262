"""Write the record of a run: small enough to commit, complete enough for rescoring, without traces of the machine."""

import json
from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mebench.atomic import new_folder
from mebench.errors import RunError, refuse_if
from mebench.files import file_hash, write_text
from mebench.intake.integrity import check_record
from mebench.lazy_imports import lazy_imports
from mebench.metrics.own_metrics import without_own
from mebench.records.record import OF_STUDY, STORED, Record, record_from_run
from mebench.records.record_files import OPTIONAL, TABLES, own_hash, record_name
from mebench.records.recorded_settings import without_folder
from mebench.records.schema import AUDIT, FOLDS, FORMAT, RECORD, Folds, RefusedError
from mebench.runs.chance_levels import without_levels_of_chance
from mebench.runs.folder import RunFolder
from mebench.runs.scoring import FIRST_SCORER, SCORER

with lazy_imports():  # a tracker, which scores nothing again, needs no board
    from mebench.intake import checking


class WithheldError(RunError):
    """A run is sound, but its record would be refused."""


def export_record(folder: RunFolder, out: Path, scored_again: bool = True) -> Path:
    """Write `<out>/<run id>/`; its path. A record is never edited: if the content differs now, a new version, `<run
    id>~v2`, supersedes it; if it is equal, nothing changes.

    It holds `record.json` (configuration without folders, versions, summary, costs, what folds could see, hashes of the other
    files),
    `folds.json` (training, validation and tested people), `audit.json` if the run has one, `videos.parquet`,
    `truth.parquet` (intervals, scored classes, known intensities), `distractors.parquet` if any are annotated,
    `predictions.parquet` and `clips.parquet`: no frame scores, no models, no images. Confidences keep all digits,
    because ties from rounding would change average precision; class probabilities are float32, since no score uses
    them.

    Args:
        folder: the run.
        out: the folder for the record.
        scored_again: whether the check of the record includes its scores, like the receiver's check; otherwise it
            trusts the scores that the run has just computed.

    Raises:
        RunError: the run is not finished or damaged, its record is damaged, or it is one of a study's outer runs.
        WithheldError: the record would be refused.
    """
    refuse_if(
        (not folder.done, f"run {folder.id!r} is not finished, so there is nothing to publish: {folder.resume_hint}"),
        (folder.of_study, f"run {folder.id!r} cannot be published: {OF_STUDY}"),
        error=RunError,
    )
    record = record_from_run(folder)
    with new_folder(out) as room:
        temporary = room / "record"
        temporary.mkdir()
        _write_people(record, temporary)
        _write_tables(folder, temporary)
        content = _content(folder, record, temporary)
        former = _versions(out, folder.id)
        if former:
            latest = RunFolder(former[-1])
            check_record(latest)
            before = latest.read_json(RECORD)
            if _is_equal_record(before, content):
                return latest.path
        version = len(former) + 1
        stored = {**content, "version": version, "supersedes": former[-1].name if former else None}
        write_text(temporary / RECORD, record_text({**stored, "sha256": own_hash(stored)}))
        written = temporary.rename(room / record_name(folder.id, version))
        check = checking.check_alone if scored_again else check_record
        try:
            check(RunFolder(written))
        except RefusedError as error:
            raise WithheldError(
                f"run {folder.id!r} is not published, since its record would be refused: {error.reason}. Run it again "
                "under this mebench; if a name is refused, change it in the dataset first"
            ) from error
        return written.rename(out / written.name)


def _write_people(record: Record, target: Path) -> None:
    """Write `folds.json`, and `audit.json` if the run has one."""
    about = {name: record.about[name] for name in Folds.__annotations__ if name in record.about}
    about |= {name: without_folder(about[name]) for name in ("warnings", "remark", "card") if name in about}
    write_text(target / FOLDS, _json(about))  # thousands of subjects do not need a line each
    if record.audit:
        write_text(target / AUDIT, record_text(without_folder(record.audit)))


def _write_tables(folder: RunFolder, target: Path) -> None:
    """Write the tables of a run with the columns of a record."""
    for name, columns in TABLES.items():
        if name in OPTIONAL and not (folder.path / name).is_file():
            continue
        table = folder.read_table(name)
        if "probabilities" in table:
            rows: list[Any] = []
            for probabilities in table["probabilities"]:
                row = None if probabilities is None else np.asarray(probabilities, dtype=np.float32)
                rows.append(row)
            table["probabilities"] = pd.Series(rows, index=table.index, dtype=object)
        kept = [column for column in columns if column in table or column not in OPTIONAL]
        table[kept].to_parquet(target / name, index=False, compression="zstd")


def _content(folder: RunFolder, record: Record, target: Path) -> dict[str, Any]:
    """The content of `record.json` without version and hash, as JSON gives it back.

    Args:
        folder: the run.
        record: the run as a record.
        target: folder with all other files of the record.
    """
    content: dict[str, Any] = {"format": FORMAT, "run_id": folder.id}
    content |= {name: getattr(record, name) for name in STORED}
    # What is not here follows from the run's truths, or cannot be computed again by others.
    content["summary"] = without_levels_of_chance(without_own(record.summary))
    parts = folder.read_json("config.json").get("parts")
    if parts and without_folder(parts) == parts:  # the parts of its key; paths are private
        content["parts"] = parts
    if record.isolation:
        content["isolation"] = without_folder(record.isolation)
    content["files"] = {file.name: file_hash(file) for file in sorted(target.iterdir())}
    return dict(json.loads(_json(content)))


def _is_equal_record(before: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Whether a record says the same of a run.

    Scores of other versions of scoring may differ, and older records do not say how folds were isolated.
    """
    made_by_another = before["summary"].get("scorer", FIRST_SCORER) != SCORER
    may_differ = {"summary"} if made_by_another else set[str]()
    if "isolation" not in before:
        may_differ.add("isolation")
    compared = content.keys() - may_differ
    return all(before.get(name) == content[name] for name in compared)


def _versions(out: Path, run_id: str) -> list[Path]:
    """The existing versions of a record, the latest last."""
    every = (out / record_name(run_id, version) for version in count(1))
    return list(takewhile(Path.exists, every))


def record_text(content: Any) -> str:
    """The text of `record.json`, with a line for each value."""
    return _json(content, indent=1)


def _json(content: Any, indent: int | None = None) -> str:
    """JSON with a line break at its end."""
    return json.dumps(content, indent=indent, allow_nan=False) + "\n"
