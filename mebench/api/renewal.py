"""Make the records of a board again by their own settings: the runs are computed anew, and each takes the place of its record."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mebench.config import RunConfig, resolve
from mebench.errors import ConfigError, DataError, MebenchError, list_first, unknown
from mebench.intake.accept import find_records, merge_records
from mebench.intake.collect import collect_records
from mebench.intake.export import export_record
from mebench.intake.record_registry import Registry
from mebench.output.json_output import text_of_value
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, format_duration
from mebench.records import recorded_settings
from mebench.records.record import Record
from mebench.runner import execute_sweep, make_plan
from mebench.runner.session import finished_run
from mebench.runs.folder import RunFolder


def renew_records(
    folder: Path, ids: Sequence[str], settings: Sequence[str], dry_run: bool, progress: Progress
) -> list[dict[str, Any]]:
    """Compute records again with their own settings, and replace each by the new one. The cheapest come first.

    Args:
        folder: folder of the records.
        ids: beginnings of their ids; by default all records whose features had an earlier version.
        settings: settings of all their runs, such as `workers=4` or `dataset.root=PATH`. Finished runs are reused, unfinished
            ones continue.
        dry_run: run nothing.
        progress: reports the progress.

    Returns:
        for each the `record`; `seconds` of one core that its run took, 0 if it is finished; `now`, the id of the new
        record, or empty; `reason`, why it failed, or empty.

    Raises:
        ConfigError: no record has this beginning.
        DataError: there is no such folder.
        MebenchError: an error that stops all runs; finished folds are kept.
    """
    rows: list[dict[str, Any]] = []
    configs: dict[str, RunConfig] = {}
    for record in _records_to_renew(folder, ids):
        row: dict[str, Any] = {"record": record.id, "seconds": _seconds_of_one_core(record), "now": "", "reason": ""}
        try:
            _refuse_foreign_code(record)
            config = resolve([*words_of(record), *settings])
            if finished_run(make_plan(config)) is not None:
                row["seconds"] = 0.0
            configs[record.id] = config
        except MebenchError as error:
            row["reason"] = str(error)
        rows.append(row)
    rows.sort(key=lambda row: (row["seconds"], row["record"]))
    possible = [row for row in rows if not row["reason"]]
    progress.notify(_renewal_in_words([row["seconds"] for row in possible]))
    if dry_run or not possible:
        return rows
    outcomes = execute_sweep([configs[row["record"]] for row in possible], progress, keep=True)
    for row, outcome in zip(possible, outcomes):
        if isinstance(outcome, MebenchError):
            row["reason"] = str(outcome)
        else:
            row["now"] = _replace_record(folder, row["record"], outcome.folder)
    return rows


def _records_to_renew(folder: Path, ids: Sequence[str]) -> list[Record]:
    """The named records of a folder. By default they are those whose features had an earlier version.

    Raises:
        ConfigError: no record has one of these beginnings.
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder of records {folder}: name it with --out")
    present = collect_records(folder)
    if not ids:
        return [record for record in present if record.outdated_steps]
    for id_ in ids:
        if not any(record.id.startswith(id_) for record in present):
            raise ConfigError(unknown(f"record in {folder}", id_, [record.id for record in present]))
    return [record for record in present if record.id.startswith(tuple(ids))]


def _renewal_in_words(seconds: Sequence[float]) -> str:
    """The number of records to make again, and the time that they take; `seconds` are the costs of their runs then."""
    to_do = f"{format_count(len(seconds), 'record')} to make again"
    if not seconds:
        return to_do
    return f"{to_do}, about {format_duration(sum(seconds))} of one core by the costs of their runs then"


def _refuse_foreign_code(record: Record) -> None:
    """Refuse to run the callbacks and loggers of somebody else, whose names a record holds.

    Raises:
        ConfigError: the record names some.
    """
    if record.training_code:
        raise ConfigError(
            f"its run used code of {list_first(record.training_code)}, which is not part of a record: "
            "read this code, then run it with mebench run"
        )


def _seconds_of_one_core(record: Record) -> float:
    """Seconds that the run of a record took, by its costs."""
    return sum(record.costs.get(name, 0.0) for name in ("fit_seconds", "predict_seconds", "feature_seconds"))


def _replace_record(folder: Path, former: str, run: RunFolder) -> str:
    """Replace all versions of a former record by that of a run; the new record's id.

    Args:
        folder: folder of the records.
        former: id of the former record.
        run: the run.
    """
    with TemporaryDirectory(dir=folder, prefix=".renewed-") as room:
        new = export_record(run, Path(room, "new"))
        with Registry.open_for_changes(folder.parent) as registry:
            registry.records.pop(former, None)
            registry.senders.pop(former, None)  # the board itself has run it
        versions = [version for version in folder.iterdir() if version.name.partition("~v")[0] == former]
        for version in versions:
            version.rename(Path(room, version.name))
        merge_records(find_records(new), folder, sender="")  # the export has checked it
        return new.name


def words_of(record: Record) -> list[str]:
    """The words of a record's run that differ from today's defaults.

    They are found in three steps: settings without which nothing can be resolved, then presets, since a preset changes
    the defaults of other settings, and then the rest.
    """
    then = record.config
    needed = [name for name in then if name.partition(".")[0] == "protocol" or name in ALWAYS_NAMED]
    words = [f"{name}={text_of_value(then[name])}" for name in needed if then[name] is not None]
    presets = [name for name in then if name.endswith(".preset")]
    for names in (presets, list(then)):
        now = recorded_settings.without_places(resolve(words).values)
        different = [name for name in names if name not in now or now[name] != then[name]]
        words += [f"{name}={text_of_value(then[name])}" for name in different]
    return words


ALWAYS_NAMED = ("method", "recognizer", "dataset", "seed")
"""Settings without which no run can be resolved."""
