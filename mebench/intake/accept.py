"""Accept records of others after all checks and rescoring."""

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from mebench.atomic import new_folder, replace_file
from mebench.errors import ConfigError, MebenchError, RunError, describe_error
from mebench.intake.checking import reason_for_refusal
from mebench.intake.collect import collect_records
from mebench.intake.disagreements import doubt_of, truth_doubt, truth_of
from mebench.intake.integrity import check_scores
from mebench.intake.record_registry import Registry
from mebench.intake.similar_answers import read_answers
from mebench.records.record import UNNAMED, Record, read_committed_record
from mebench.records.record_files import former_versions, record_name
from mebench.records.schema import RECORD
from mebench.runs.folder import RunFolder


@dataclass(frozen=True)
class MergeOutcome:
    """The outcome of merging one record.

    Attributes:
        id: name of its folder.
        status: `taken`, `there` (the same record exists already), `replaced` (the same record with scores of another
            version was there), `checked` (only a check was requested) or `refused`.
        reason: reason of a refusal, in a sentence; else empty.
        doubt: disagreements of an accepted record with known annotations, code or records, which its row shows; may be
            empty.
        scores: differences in the scores of an accepted record that another version of scoring made, and what to do;
            may be empty.
        sender: name of the sender of an accepted record; empty for the board's own.
    """

    id: str
    status: str
    reason: str = ""
    doubt: str = ""
    scores: str = ""
    sender: str = ""


def find_records(place: Path, may_lack: bool = False) -> list[RunFolder]:
    """The record at `place`, or the records in it, sorted by name.

    Args:
        place: a record, or a folder of some.
        may_lack: whether to return nothing instead of an error if there is no record.

    Raises:
        RunError: no record is there.
    """
    folders = [place] if (place / RECORD).is_file() else sorted(file.parent for file in place.glob(f"[!.]*/{RECORD}"))
    if not folders and not may_lack:
        raise RunError(
            f"{place} has no record: name a folder that mebench leaderboard export wrote, or a folder of such folders"
        )
    return [RunFolder(folder) for folder in folders]


def merge_records(
    sources: list[RunFolder], records: Path, check_only: bool = False, sender: str | None = None
) -> list[MergeOutcome]:
    """Check records, and copy those that pass into `records`, earlier versions first.

    Args:
        sources: folders of records.
        records: the folder that receives them.
        check_only: copy nothing.
        sender: name of who sent them; empty for the board's own. By default records in `records` itself are the board's
            own, and all others are of one sender without a name, who is numbered.
    """
    folder = records.parent
    opened = nullcontext(Registry.read(folder)) if check_only else Registry.open_for_changes(folder)
    with opened as registry:
        merging = _Merging(records, registry, check_only, sender)
        for source in sorted(sources, key=_earlier_versions_first):
            merging.add(source)
        merging.register()
        return merging.outcomes


OWN = "own"
"""The word for records of the board itself, instead of a sender."""


def sender_named(word: str | None) -> str | None:
    """The sender that a user names; empty for the board's own records, None without a word.

    Raises:
        ConfigError: no name of a sender.
    """
    if word is None:
        return None
    if word == OWN:
        return ""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", word) or word.startswith(UNNAMED):
        raise ConfigError(
            f"--sender must be {OWN}, or a name of letters, digits and . _ - that does not begin with {UNNAMED}, not {word!r}"
        )
    return word


def _next_unnamed(registry: Registry) -> str:
    """A name for records whose sender is not known: those of two merges are not of one sender."""
    numbers = [int(name.removeprefix(UNNAMED)) for name in registry.senders.values() if name.startswith(UNNAMED)]
    return f"{UNNAMED}{max(numbers, default=0) + 1}"


def _earlier_versions_first(source: RunFolder) -> tuple[str, int, str]:
    """The order of merging: by run, then by version (`~v10` after `~v9`)."""
    return source.id.partition("~v")[0], len(source.id), source.id


class _Merging:
    """Records that are checked and copied one after another.

    Args:
        records: folder that receives them.
        registry: registry of the board, which notes their doubts.
        check_only: whether nothing is copied or noted.
        sender: name of their sender, as in `merge_records`.
    """

    def __init__(self, records: Path, registry: Registry, check_only: bool, sender: str | None) -> None:
        self.outcomes: list[MergeOutcome] = []
        self._records = records
        self._registry = registry
        self._check_only = check_only
        self._sender = sender
        self._unnamed = _next_unnamed(registry)
        self._present = collect_records(records, lambda _: None)
        self._accepted: dict[int, Record] = {}
        self._read_answers = cache(read_answers)

    def add(self, source: RunFolder) -> None:
        """Check a record, copy it if it passes, and note the outcome."""
        status = "checked"
        reason = reason_for_refusal(source, *self._folders_of_earlier_versions(source))
        if not reason and not self._check_only:
            try:
                status = _copy_record(source, self._records)
            except OSError as error:
                reason = f"record {source.id} is refused: {describe_error(error)}"
            except MebenchError as error:
                reason = str(error)
        if reason:
            self.outcomes.append(MergeOutcome(source.id, "refused", reason))
            return
        self._accepted[len(self.outcomes)] = read_committed_record(source)
        differing = check_scores(source).describe()
        if differing:
            differing += f". mebench leaderboard upgrade {source.id} writes them into the record"
        self.outcomes.append(MergeOutcome(source.id, status, scores=differing))

    def register(self) -> None:
        """Note sender and doubts of all accepted records.

        Records that arrive together are compared with one another, too: of two that copy each other nobody knows which
        was first, so both are in doubt.
        """
        known = {record.id for record in self._present if record.id in self._registry.records}
        arrived = {record.id: record for record in self._accepted.values()}  # of several versions the last
        new = [record for id_, record in arrived.items() if id_ not in known]
        earlier = [record for record in self._present if record.id in known or record.id not in arrived]
        for position, record in self._accepted.items():
            sender, doubt = self._register_record(record, earlier, new)
            self.outcomes[position] = replace(self.outcomes[position], sender=sender, doubt=doubt)

    def _folders_of_earlier_versions(self, source: RunFolder) -> list[Path]:
        """Folders that may hold the version before: when only checking, also the folder of the record itself."""
        run_id, _, version = source.id.rpartition("~v")
        former = record_name(run_id, int(version) - 1) if run_id and version.isdecimal() else ""
        is_former_refused = former in {outcome.id for outcome in self.outcomes if outcome.status == "refused"}
        if self._check_only and not is_former_refused:
            return [self._records, source.path.parent]
        return [self._records]

    def _register_record(self, record: Record, earlier: Sequence[Record], new: Sequence[Record]) -> tuple[str, str]:
        """Sender and doubts of an accepted record.

        The registry keeps both, unless records are only checked. A record without doubts also registers its truth, if
        none is known.

        Args:
            record: the record.
            earlier: records that were there.
            new: records that arrive together with it.
        """
        registry = self._registry
        noted = registry.records.get(record.id) if record in self._present else None
        sender = registry.senders.get(record.id, "")
        if noted is None:
            sender = self._sender_of(record)
            known = registry.records.keys() | {other.id for other in new}
            noted = doubt_of(record, [*earlier, *new], known, self._read_answers)
        doubt = "; ".join(filter(None, [truth_doubt(record, registry), noted]))
        if not self._check_only:
            registry.records.setdefault(record.id, noted)
            if sender:
                registry.senders.setdefault(record.id, sender)
            if not doubt:
                registry.truths.setdefault(*truth_of(record))
        return sender, doubt

    def _sender_of(self, record: Record) -> str:
        """The sender of a new record."""
        if self._sender is not None:
            return self._sender
        lies_on_board = record.folder.parent.resolve() == self._records.resolve()
        return "" if lies_on_board else self._unnamed


def _copy_record(source: RunFolder, records: Path) -> str:
    """Copy a record, unless it is there already; the status of its outcome.

    Raises:
        RunError: another record of its name is there.
    """
    stored = source.read_json(RECORD)
    final = records / source.id
    if not final.exists():
        with new_folder(records) as temporary:
            for name in (RECORD, *stored["files"]):
                shutil.copyfile(source.path / name, temporary / name)
            temporary.rename(final)
        return "taken"
    present = RunFolder(final).read_json(RECORD)
    if stored["sha256"] in _hashes_of(present):
        return "there"
    if present["sha256"] in _hashes_of(stored):
        replace_file(final / RECORD, (source.path / RECORD).read_bytes())
        return "replaced"
    raise RunError(
        f"record {source.id} is refused: {final} differs from it, and records are never edited. Export the run "
        f"again beside it: this makes version {stored['version'] + 1}, which supersedes it"
    )


def _hashes_of(stored: Mapping[str, Any]) -> set[str]:
    """The hashes of a record, now and with the scores of earlier versions."""
    return {version.get("sha256", "") for version in (stored, *former_versions(stored))}
