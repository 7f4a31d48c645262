"""Accept records of others after all checks and rescoring, and records of repeated runs."""

import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mebench.atomic import new_folder, replace_file
from mebench.boards.checking import reason_for_refusal
from mebench.boards.collect import collect_records
from mebench.boards.disagreements import doubt_of, truth_doubt, truth_of
from mebench.boards.export import export_record
from mebench.boards.record_registry import Registry
from mebench.boards.similar_answers import read_answers
from mebench.config import RunConfig, resolve
from mebench.errors import ConfigError, DataError, MebenchError, RunError, describe_error, list_first, unknown
from mebench.output.json_output import text_of_value
from mebench.output.progress import Progress
from mebench.output.terminal import format_count, format_duration
from mebench.records import recorded_settings
from mebench.records.integrity import check_scores, former_versions, record_name
from mebench.records.record import Record, read_committed_record
from mebench.records.schema import RECORD
from mebench.runner import execute_sweep, make_plan
from mebench.runner.session import finished_run
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


UNNAMED = "unnamed-"
"""Beginning of the name of a sender who has none."""


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
