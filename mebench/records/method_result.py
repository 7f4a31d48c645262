"""A result: a method with its settings, over all its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from mebench.errors import RunError
from mebench.grouping import group_by
from mebench.records.record import is_record, read_record
from mebench.records.schema import RECORD
from mebench.runs.folder import RunFolder, list_with_newest


@dataclass(frozen=True)
class MethodResult:
    """A method with its settings, over all its seeds. Verbs take it as one.

    Attributes:
        folders: finished run of each seed, in the order of the seeds.
    """

    folders: tuple[RunFolder, ...]

    @property
    def seeds(self) -> list[int]:
        """The seeds, ascending."""
        return [_seed_of(folder) for folder in self.folders]


def open_result(runs: Path | str, word: str) -> MethodResult:
    """The result of a word: one run, or all seeds that begin with it.

    Args:
        runs: folder of the runs.
        word: id of a run, beginning of ids, or a folder.

    Raises:
        RunError: there is no such run, or several differ in more than the seed.
    """
    folders = RunFolder.open_all_seeds(runs, word)
    results = _results_of(folders)
    if len(results) > 1:
        raise RunError(
            f"{len(folders)} runs begin with {word!r}: {list_with_newest(folders)}. Give more of the id; only runs that "
            "differ just in the seed are one result"
        )
    return results[0]


def open_results(runs: Path | str, word: str) -> list[MethodResult]:
    """The results whose ids begin with a word, the seeds of equal settings as one.

    Raises:
        RunError: there is no such run.
    """
    return _results_of(RunFolder.open_all_seeds(runs, word))


def find_seeds(runs: Path | str, word: str) -> MethodResult | None:
    """The result whose seeds, two or more, begin with a word; None if it names one run, or runs that are no such seeds."""
    begin_so = [folder for folder in RunFolder.list_runs(runs) if folder.id.startswith(word)]
    names_one = any(folder.id == word for folder in begin_so) or Path(word).expanduser().is_dir()
    if len(begin_so) < 2 or names_one or not all(folder.done for folder in begin_so):
        return None
    results = _results_of(begin_so)
    return results[0] if len(results) == 1 else None


def _results_of(folders: Sequence[RunFolder]) -> list[MethodResult]:
    """The results of some runs. Runs of one seed are results of their own: their code differs."""
    if len(folders) == 1:
        return [MethodResult(tuple(folders))]
    results = []
    records = sorted(map(read_record, folders), key=attrgetter("seed", "id"))
    for same in group_by(records, key=attrgetter("identity")).values():
        of_result = [RunFolder(record.folder) for record in same]
        has_one_run_a_seed = len({record.seed for record in same}) == len(same)
        if has_one_run_a_seed:
            results.append(MethodResult(tuple(of_result)))
        else:
            results += [MethodResult((folder,)) for folder in of_result]
    return results


def _seed_of(folder: RunFolder) -> int:
    """The seed of a run, or of a record."""
    if is_record(folder):
        return int(folder.read_json(RECORD)["config"]["seed"])
    return int(folder.read_json("config.json")["config"]["seed"])
