"""Accept records of others after all checks and rescoring, and records of repeated runs; records are never edited."""

import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mebench.atomic import new_folder
from mebench.boards.checking import refusal
from mebench.boards.collect import collect_records
from mebench.boards.disagreements import doubt_of, read_answers, truth_doubt, truth_of
from mebench.boards.export import export
from mebench.boards.record_registry import Registry
from mebench.config import resolve
from mebench.errors import ConfigError, DataError, MebenchError, RunError, sentence, unknown
from mebench.json_output import text
from mebench.progress import Progress
from mebench.records import RECORD, Record, from_record, record_name, recorded_settings
from mebench.runner import finished_run, make_plan, sweep
from mebench.runs.folder import RunFolder
from mebench.terminal import duration, plural


@dataclass(frozen=True)
class Merged:
    """The outcome of merging one record.

    Attributes:
        id: name of its folder.
        status: `taken`, `there` (the same record exists already), `checked` (only a check was requested) or `refused`.
        reason: reason of a refusal, in a sentence; else empty.
        doubt: disagreements of an accepted record with known annotations, code or records, which its row shows; may be
            empty.
    """

    id: str
    status: str
    reason: str = ""
    doubt: str = ""


def find_records(place: Path, may_lack: bool = False) -> list[RunFolder]:
    """The record at `place`, or the records in it, sorted by name.

    Args:
        place: a record, or a folder of some.
        may_lack: it holds something else that counts, so there may be none.

    Raises:
        RunError: there is none.
    """
    folders = [place] if (place / RECORD).is_file() else sorted(file.parent for file in place.glob(f"[!.]*/{RECORD}"))
    if not folders and not may_lack:
        raise RunError(
            f"{place} has no record: name a folder that mebench leaderboard export wrote, or a folder of such folders"
        )
    return [RunFolder(folder) for folder in folders]


def merge(sources: list[RunFolder], records: Path, check_only: bool = False) -> list[Merged]:
    """Check records, and copy those that pass into `records`, earlier versions first.

    Args:
        sources: folders of records.
        records: the folder that receives them.
        check_only: copy nothing.
    """
    place = records.parent
    with nullcontext(Registry.read(place)) if check_only else Registry.changed(place) as registry:
        outcomes, present, read = list[Merged](), collect_records(records, lambda _: None), cache(read_answers)
        for source in sorted(sources, key=lambda s: (s.id.partition("~v")[0], len(s.id), s.id)):
            run_id, _, version = source.id.rpartition("~v")
            former = record_name(run_id, int(version) - 1) if version.isdecimal() and run_id else ""
            lost = former in {outcome.id for outcome in outcomes if outcome.status == "refused"}
            status = "checked"
            reason = refusal(source, records, *([source.path.parent] if check_only and not lost else []))
            if not reason and not check_only:
                try:
                    status = _take(source, records)
                except (MebenchError, OSError) as error:
                    reason = (
                        f"record {source.id} is refused: {sentence(error)}"
                        if isinstance(error, OSError)
                        else str(error)
                    )
            doubt = ""
            if not reason:
                record = from_record(source)
                noted = registry.records.get(record.id) if record in present else None
                other = doubt_of(record, present, registry, read) if noted is None else noted
                doubt = "; ".join(filter(None, [truth_doubt(record, registry), other]))
                if not check_only:
                    registry.records.setdefault(record.id, other)
                if not check_only and not doubt:
                    registry.truths.setdefault(*truth_of(record))
                if status == "taken":
                    present.append(replace(record, folder=records / source.id))
            outcomes.append(Merged(source.id, "refused" if reason else status, reason, doubt))
        return outcomes


def _take(source: RunFolder, records: Path) -> str:
    stored, final = source.read_json(RECORD), records / source.id
    if final.exists():
        if RunFolder(final).read_json(RECORD).get("sha256") == stored["sha256"]:
            return "there"
        raise RunError(
            f"record {source.id} is refused: {final} differs from it, and records are never edited. Export the run "
            f"again beside it: this makes version {stored['version'] + 1}, which supersedes it"
        )
    with new_folder(records) as temporary:
        for name in (RECORD, *stored["files"]):
            shutil.copyfile(source.path / name, temporary / name)
        temporary.rename(final)
    return "taken"


def renew(
    folder: Path, ids: Sequence[str], settings: Sequence[str], dry_run: bool, progress: Progress
) -> list[dict[str, Any]]:
    """Compute records again with their own settings, the cheapest first, and replace each by the new one.

    Args:
        folder: of the records.
        ids: beginnings of their ids; by default all records whose features had an earlier version.
        settings: of all their runs, such as `workers=4` or `dataset.root=PATH`. Finished runs are reused, unfinished
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
    if not folder.is_dir():
        raise DataError(f"there is no folder of records {folder}: name it with --out")
    present = collect_records(folder)
    if strangers := [id_ for id_ in ids if not any(record.id.startswith(id_) for record in present)]:
        raise ConfigError(unknown(f"record in {folder}", strangers[0], [record.id for record in present]))
    rows, configs = list[dict[str, Any]](), dict[str, Any]()
    for record in present:
        if record.id.startswith(tuple(ids)) if ids else record.earlier:
            cost = sum(record.costs.get(f"{part}_seconds", 0.0) for part in ("fit", "predict", "feature"))
            rows.append({"record": record.id, "seconds": cost, "now": "", "reason": ""})
            try:
                config = resolve([*words_of(record), *settings])
                rows[-1]["seconds"] *= finished_run(make_plan(config)) is None
                configs[record.id] = config
            except MebenchError as error:
                rows[-1]["reason"] = str(error)
    rows.sort(key=lambda row: (row["seconds"], row["record"]))
    able = [row for row in rows if not row["reason"]]
    about = f", about {duration(sum(row['seconds'] for row in able))} of one core by the costs of their runs then"
    progress.notify(f"{plural(len(able), 'record')} to make again{about if able else ''}")
    if dry_run or not able:
        return rows
    for row, outcome in zip(able, sweep([configs[row["record"]] for row in able], progress, keep=True)):
        if isinstance(outcome, MebenchError):
            row["reason"] = str(outcome)
            continue
        with TemporaryDirectory(dir=folder, prefix=".renewed-") as room:
            new = export(outcome.folder, Path(room, "new"))
            with Registry.changed(folder.parent) as registry:
                registry.records.pop(row["record"], None)
            for place in [place for place in folder.iterdir() if place.name.partition("~v")[0] == row["record"]]:
                place.rename(Path(room, place.name))
            merge(find_records(new), folder)  # the export has checked it
            row["now"] = new.name
    return rows


def words_of(record: Record) -> list[str]:
    """The words of a record's run that differ from today's defaults."""
    then, differences = record.config, list[str]()
    needed = [n for n in then if n.partition(".")[0] == "protocol" or n in ("method", "recognizer", "dataset", "seed")]
    for names in (
        [name for name in needed if then[name] is not None],
        [name for name in then if name.endswith(".preset")],
        list(then),
    ):  # a preset stands for many values
        now = recorded_settings.without_places(resolve(differences).values) if differences else {}
        differences += [f"{name}={text(then[name])}" for name in names if name not in now or now[name] != then[name]]
    return differences
