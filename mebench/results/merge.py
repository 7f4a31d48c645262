"""Takes in the records of others, each after all checks and scored again; nothing that is there is ever edited."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from mebench.errors import MebenchError, RunError
from mebench.results.integrity import RECORD, check, check_scores, record_name
from mebench.results.write import new_folder
from mebench.runner.folder import RunFolder


@dataclass(frozen=True)
class Merged:
    """What became of one record.

    Attributes:
        id: name of its folder.
        status: `taken`, `there` (the same record is there already), `checked` (nothing was to be taken) or `refused`.
        reason: why it was refused, in a sentence; empty otherwise.
    """

    id: str
    status: str
    reason: str = ""


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
    outcomes = []
    for source in sorted(sources, key=lambda s: (s.id.partition("~v")[0], len(s.id), s.id)):
        try:
            outcomes.append(Merged(source.id, _take(source, records, check_only)))
        except MebenchError as error:
            outcomes.append(Merged(source.id, "refused", str(error)))
        except (OSError, KeyError, TypeError, ValueError) as error:
            outcomes.append(Merged(source.id, "refused", f"it is damaged ({type(error).__name__}: {error})"))
    return outcomes


def _take(source: RunFolder, records: Path, check_only: bool) -> str:
    check(source)
    check_scores(source)
    if check_only:
        return "checked"
    stored = source.read_json(RECORD)
    final = records / source.id
    if final.exists():
        if RunFolder(final).read_json(RECORD).get("sha256") == stored["sha256"]:
            return "there"
        raise RunError(
            f"record {source.id} is refused: {final} says something else, and records are never edited. Export the run "
            f"again beside it, which makes version {stored['version'] + 1} that supersedes it"
        )
    if stored["version"] > 1:
        former = record_name(stored["run_id"], stored["version"] - 1)
        if stored["supersedes"] != former or not (records / former).is_dir():
            raise RunError(
                f"record {source.id} is refused: it supersedes {former}, which is not in {records}: send both"
            )
    with new_folder(records, ".writing-") as temporary:
        for name in (RECORD, *stored["files"]):
            shutil.copyfile(source.path / name, temporary / name)
        temporary.rename(final)
    return "taken"
