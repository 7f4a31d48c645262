"""Scores of a run as evaluation results of the Hugging Face Hub.

Model repositories keep them in `.eval_results/`, as lists in YAML (https://huggingface.co/docs/hub/eval-results). The benchmark is a
dataset repository whose `eval.yaml` names the tasks; `mebench leaderboard archive` writes one for a board.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from mebench.boards.build import build_tables
from mebench.boards.method_names import name_with_details
from mebench.boards.rows import UNRANKED, BoardRow, BoardTable, Part
from mebench.errors import ConfigError, RunError
from mebench.files import write_text
from mebench.metrics.catalogue import find_metric
from mebench.output.number_format import format_ends
from mebench.records.changed_settings import UNPUBLISHED
from mebench.records.record import Record

FOLDER = ".eval_results"
"""The folder of a model repository that holds evaluation results."""
DIGITS = 4


def write_eval_results(record: Record, benchmark: str, repository: Path, source: str = "") -> Path:
    """Write the main score of each task of a run into a model repository; the file.

    Args:
        record: the run.
        benchmark: the dataset repository of the benchmark, `owner/name`.
        repository: the folder of the model repository.
        source: page with the record or its board, which then is the source of the result.

    Raises:
        ConfigError: the benchmark or the page has another form.
        RunError: the run has no score.
    """
    entries = eval_results(record, benchmark, source)
    if not entries:
        raise RunError(f"run {record.id!r} has no main score with a value, so there is no result to write")
    folder = repository / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{record.id}.yaml"
    write_text(file, yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120))
    return file


def eval_results(record: Record, benchmark: str, source: str = "") -> list[dict[str, Any]]:
    """An entry for the main score of each task of a run.

    Raises:
        ConfigError: the benchmark or the page has another form.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", benchmark):
        raise ConfigError(f"--hub must name a dataset repository of the Hub as owner/name, not {benchmark!r}")
    if source and not source.startswith("https://"):
        raise ConfigError(f"--source must be an address that begins with https://, not {source!r}")
    entries = []
    for table in build_tables([record]):
        part = table.parts[0]
        metric = part.metrics[0]
        row = next((row for row in part.rows if tuple(row.runs) == (record.id,)), None)
        value = None if row is None else row.scores[metric].value
        if row is None or value is None:
            continue
        entry: dict[str, Any] = {
            "dataset": {"id": benchmark, "task_id": task_id(table, metric)},
            "value": round(value, DIGITS),
        }
        if source:
            entry["source"] = {"url": source, "name": f"mebench record {record.id}"}
        entries.append({**entry, "notes": _notes(record, table, part, row)})
    return entries


def task_id(table: BoardTable, metric: str) -> str:
    """The task of a benchmark that stands for a score of a table."""
    return f"{table.name}-{metric}"


def _notes(record: Record, table: BoardTable, part: Part, row: BoardRow) -> str:
    """What a reader must know beside the value: method, data, interval, and why a row has no rank."""
    metric = part.metrics[0]
    notes = [
        f"{name_with_details(row.method)}; {row.settings or 'default settings'}",
        *([f"{UNPUBLISHED}: {record.unpublished}"] if record.unpublished else []),
        f"{find_metric(metric).label} of {part.name} on {table.settings_title}",
        f"seed {record.seed}",
    ]
    if interval := format_ends(row.scores[metric]):
        notes.append(f"95 % interval over people {interval}")
    if row.chosen_on_tested:
        notes.append("epoch chosen on the tested people: too good")
    if UNRANKED in row.remark:
        notes.append(row.remark)
    return "; ".join(notes)
