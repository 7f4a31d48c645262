"""Takes in the records of others, each after all checks and scored again; nothing that is there is ever edited."""

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from mebench.atomic import new_folder
from mebench.boards import Registry, collect_records, doubt_of, read_answers, refusal, truth_doubt, truth_of
from mebench.errors import MebenchError, RunError
from mebench.records import RECORD, from_record, record_name
from mebench.runs.folder import RunFolder


@dataclass(frozen=True)
class Merged:
    """The outcome of merging one record.

    Attributes:
        id: name of its folder.
        status: `taken`, `there` (the same record is there already), `checked` (nothing was to be taken) or `refused`.
        reason: why it was refused, in a sentence; empty otherwise.
        doubt: what of one that is not refused does not fit what is known here, which its row says; empty where nothing is odd.
    """

    id: str
    status: str
    reason: str = ""
    doubt: str = ""


def find_records(place: Path) -> list[RunFolder]:
    """The record at `place`, or those in it, sorted by name.

    Raises:
        RunError: there is none.
    """
    found = [place] if (place / RECORD).is_file() else sorted(file.parent for file in place.glob(f"[!.]*/{RECORD}"))
    if not found:
        raise RunError(
            f"{place} holds no record: name a folder that mebench leaderboard export wrote, or a folder of such folders"
        )
    return [RunFolder(folder) for folder in found]


def merge(sources: list[RunFolder], records: Path, check_only: bool = False) -> list[Merged]:
    """Check records, and copy those that pass into `records`, earlier versions first.

    Args:
        sources: folders of records.
        records: where they go.
        check_only: copy nothing.
    """
    place = records.parent
    with nullcontext(Registry.read(place)) if check_only else Registry.changed(place) as registry:
        outcomes, there, read = list[Merged](), collect_records(records, lambda _: None), cache(read_answers)
        for source in sorted(sources, key=lambda s: (s.id.partition("~v")[0], len(s.id), s.id)):
            run_id, _, version = source.id.rpartition("~v")
            former = record_name(run_id, int(version) - 1) if version.isdecimal() and run_id else ""
            lost = former in {outcome.id for outcome in outcomes if outcome.status == "refused"}
            status, reason = (
                "checked",
                refusal(source, records, *([source.path.parent] if check_only and not lost else [])),
            )
            if not reason and not check_only:
                try:
                    status = _take(source, records)
                except (MebenchError, OSError) as error:
                    reason = str(error)
            doubt = ""
            if not reason:
                record = from_record(source)
                noted = registry.records.get(record.id) if record in there else None
                other, of_truth = (
                    doubt_of(record, there, registry, read) if noted is None else noted,
                    truth_doubt(record, registry),
                )
                doubt = "; ".join(filter(None, [of_truth, other]))
                if not check_only:
                    registry.records.setdefault(record.id, other)
                if not check_only and not doubt:
                    registry.truths.setdefault(*truth_of(record))
                if status == "taken":
                    there.append(replace(record, folder=records / source.id))
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
