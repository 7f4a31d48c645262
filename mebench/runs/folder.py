"""The run folder: the truth that everything after reads.

    runs/<id>/
        config.json      the resolved configuration, where each value comes from, and the keys of the run and its training
        versions.json    Python and packages
        videos.parquet   the dataset as it was scored: videos, with the numbers of their files …
        truth.parquet    … and their expressions
        distractors.parquet  … and blinks, speech and the like, where the dataset annotates them
        folds.json       who trained, validated and was tested
        features.json    seconds of computing features, by video, and the cards of the chains
        folds/<fold>/    predictions, clips, frame scores, model (safetensors) and fold.json (key of the run, timing,
                         cost, size and checksum of the others), one folder a fold
        failed/<fold>    why a fold failed
        predictions.parquet  clips.parquet  frame_scores.parquet  costs.csv     all folds together
        curves.parquet   smoothed scores and thresholds, where the method looks for peaks in some
        summary.json     the scores
        DONE             written last: the hash of every other file, compared when one is read

A fold's folder appears whole or not at all: it is written under another name and renamed. The configuration and the folds are the
originals; tables of all folds, truth, scores and costs are made from them, and so a damaged run is repaired: `RunFolder.reopen`.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from filelock import FileLock, Timeout

from mebench.atomic import new_folder, replace_file, synced_file
from mebench.errors import RunError, list_first, refused_by_system, unknown
from mebench.files import WRITING, file_hash, write_text
from mebench.lazy_imports import load_lazily
from mebench.runs.fold_files import (
    CURVES,
    RECORD,
    FoldResult,
    WrittenFold,
    folder_name,
    read_csv,
    read_fold_table,
    read_frame,
    safe_name,
    whole_fold,
    write_fold_files,
)
from mebench.runs.fold_sides import list_sides, shorten_sides
from mebench.runs.stored_values import ANSWERS, COSTS, find_impossible_value
from mebench.system import join_words, sync_folder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
else:
    pa = load_lazily("pyarrow")
    pd = load_lazily("pandas")

SORTED_BY = {
    "predictions.parquet": ["draw", "video", "kind", "onset", "offset", "confidence"],
    "clips.parquet": ["video", "onset", "offset"],
    "frame_scores.parquet": ["video", "kind", "frame"],
    CURVES: ["video", "kind", "frame"],
}
"""The columns by which the rows of each table are sorted."""

FOLDS = "folds.json"
FILES_OF_FINISHED = (
    "config.json",
    "versions.json",
    FOLDS,
    "videos.parquet",
    "truth.parquet",
    "predictions.parquet",
    "clips.parquet",
    "summary.json",
)
"""The files of every finished run; readers of runs need no others."""
TUNED = "tuned.json"  # in a run that `mebench tune` makes of outer folds: the values of each study
TRAINING = ".training"
"""Holds, while folds are trained, a folder for each, with files of callbacks and loggers."""
ORIGINALS = ("config.json", "versions.json", FOLDS)
"""The files of a run that say what it computes."""
FORMER_SEAL = ".former_seal.json"
"""In a run under repair: the hashes that its files had when it was finished."""
REMADE = (*SORTED_BY, "truth.parquet", "videos.parquet", "distractors.parquet")
"""The tables that a repaired run has equal to before if its folds, its dataset and its versions are."""
MOST_LOGGED = 1 << 30
"""Bytes of files of callbacks and loggers that a fold keeps."""
T = TypeVar("T")


class RunFolder:
    """Reads and writes one run. Only the parent process writes; Dask's workers leave it whole folds, see `take_fold`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self._synced = time.monotonic()
        self._seal_state: tuple[int, ...] = ()  # of the file from which the hashes were read
        self._hashes: dict[str, str] = {}

    # -- finding ------------------------------------------------------------------------------------------------------------

    @classmethod
    def list_runs(cls, runs: Path | str) -> list[RunFolder]:
        """Every run of a folder, finished or not, by id; none if the folder is missing.

        Raises:
            RunError: the system refuses to read the folder.
        """
        place = Path(runs).expanduser()
        try:
            os.scandir(place).close()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as refusal:
            raise refusal_of(place, refusal) from refusal
        return [cls(file.parent) for file in sorted(place.glob("*/config.json"))]

    @classmethod
    def list_broken_runs(cls, runs: Path | str) -> dict[str, str]:
        """Why folders that hold a run are not among `list_runs`: nobody else may read them, or `config.json` is lost.

        Raises:
            RunError: the system refuses to read the folder of the runs.
        """
        reasons = {}
        place = Path(runs).expanduser()
        try:
            paths = sorted(place.iterdir()) if place.is_dir() else []
        except OSError as refusal:
            raise refusal_of(place, refusal) from refusal
        for path in paths:
            if path.name.startswith(".") or not path.is_dir():
                continue
            try:
                names = {entry.name for entry in path.iterdir()}
            except OSError as refusal:
                reasons[path.name] = str(refusal_of(path, refusal))
                continue
            if "config.json" not in names and names & {"DONE", "folds"}:
                reasons[path.name] = f"run {path.name!r} {cls(path).describe_damage(['config.json'])}"
        return reasons

    @classmethod
    def open(cls, runs: Path | str, word: str) -> RunFolder:
        """The run of a word, finished or not: its id, a beginning of only one id, or the path of its folder.

        Raises:
            RunError: there is no such run, or several begin so.
        """
        for path in (Path(word).expanduser().resolve(), Path(runs).expanduser() / word):
            if os.path.isfile(path / "config.json"):  # noqa: PTH113  (Path's raises where a word is too long for a name)
                return cls(path)
        known = {folder.id: folder for folder in cls.list_runs(runs)}
        begin_so = [run_id for run_id in known if run_id.startswith(word)]
        if len(begin_so) > 1:
            names = list_with_newest([known[run_id] for run_id in begin_so])
            raise RunError(f"{len(begin_so)} runs begin with {word!r}: {names}. Give more of the id")
        if not begin_so:
            for name, reason in cls.list_broken_runs(runs).items():
                if name.startswith(word):
                    raise RunError(reason)
            raise RunError(
                unknown("run", word, known, f"Runs are searched in {runs}; choose another folder with --runs DIR")
            )
        return known[begin_so[0]]

    @classmethod
    def open_finished(cls, runs: Path | str, word: str) -> RunFolder:
        """The finished run of a word, as in `open`; or the record of one, by its path.

        Raises:
            RunError: there is no such run, several begin so, or it is not finished.
        """
        path = Path(word).expanduser().resolve()
        if os.path.isfile(path / "record.json"):  # noqa: PTH113
            return cls(path)
        folder = cls.open(runs, word)
        if not folder.done:
            raise RunError(f"run {folder.id!r} is not finished: continue it with {folder.resume_hint}")
        if folder.lost:
            raise RunError(f"run {folder.id!r} {folder.describe_damage(folder.lost)}")
        return folder

    @classmethod
    def open_all_seeds(cls, runs: Path | str, word: str) -> list[RunFolder]:
        """The finished run of a word, as in `open_finished`; or all finished ones whose ids begin with it.

        Raises:
            RunError: there is none.
        """
        place = Path(runs).expanduser()
        if word and not any(os.path.isdir(path) for path in (Path(word).expanduser(), place / word)):  # noqa: PTH112
            begin_so = [folder for folder in cls.list_runs(runs) if folder.id.startswith(word) and folder.done]
            if len(begin_so) > 1:
                return begin_so
        return [cls.open_finished(runs, word)]

    @classmethod
    def lock_run(cls, runs: Path, name: str, key: str, run_id: str | None = None) -> tuple[RunFolder, FileLock]:
        """Lock a run to work on: the named one, an unfinished one of this key, or a new one.

        Raises:
            RunError: `run_id` names a run that another process holds, that is finished, or that belongs to a study.
        """
        if run_id is not None:
            return cls._claim_named(runs, run_id)
        with refused_by_system(
            f"the folder of the runs, {runs}, cannot be made", "choose another with runs=DIR", RunError
        ):
            runs.mkdir(parents=True, exist_ok=True)
        first = first_id(name, key)
        while True:
            existing = cls.list_runs_of_id(runs, first)
            number = max(existing, default=0) + 1
            new = cls(runs / (f"{first}.{number}" if existing else first))
            for folder in (*existing.values(), new):
                lock = folder._lock_unfinished()
                if lock is not None:
                    return folder, lock

    @classmethod
    def _claim_named(cls, runs: Path, run_id: str) -> tuple[RunFolder, FileLock]:
        """Lock and return the run of an id."""
        folder = cls(runs / run_id)
        if folder.of_study:
            raise RunError(
                f"run {run_id!r} belongs to a study, which holds the values of its folds: continue with {folder.resume_hint}"
            )
        lock = folder.lock()
        if lock is None:
            raise RunError(f"another process is working on run {run_id!r}: wait for it, or stop it first")
        if folder.done and not folder.list_changed_files():
            lock.release()
            raise RunError(f"run {run_id!r} is finished: its scores are in {folder.path / 'summary.json'}")
        if folder.done:
            folder.reopen()
        return folder, lock

    def _lock_unfinished(self) -> FileLock | None:
        """Lock the run, made if it is missing; None if it is finished and whole, or another process has it."""
        if self.done and not self.list_damaged_files():
            return None
        self.path.mkdir(exist_ok=True)
        lock = self.lock()
        if lock is None or not self.done:
            return lock
        if not self.list_damaged_files():  # finished while we asked
            lock.release()
            return None
        self.reopen()
        return lock

    @classmethod
    def all_finished(cls, runs: Path, name: str, key: str) -> list[RunFolder]:
        """The finished runs of a key that are whole; the latest first."""
        latest_first = reversed(cls.list_runs_of_id(runs, first_id(name, key)).values())
        return [run for run in latest_first if run.done and run.key == key and not run.list_damaged_files()]

    @classmethod
    def list_runs_of_id(cls, runs: Path, first: str) -> dict[int, RunFolder]:
        """The runs with ids `first`, `first.2`, `first.3` …, finished or not, by number.

        Some numbers may be absent, because their runs were removed.
        """
        paths = {1: runs / first}
        for path in runs.glob(f"{first}.*"):
            ending = path.name.removeprefix(f"{first}.")
            if ending.isdecimal():
                paths[int(ending)] = path
        return {number: cls(path) for number, path in sorted(paths.items()) if path.is_dir()}

    def lock(self) -> FileLock | None:
        """Lock the run for this process, or None if another one has it."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    @property
    def quoted_name(self) -> str:
        """The argument for `mebench resume`, quoted for a shell: its id, or its path if it lies outside `runs`."""
        lies_in_runs = self.path.parent.absolute() == Path("runs").absolute()
        return join_words([self.id if lies_in_runs else str(self.path)])

    @property
    def of_study(self) -> bool:
        """Whether the run belongs to the outer folds of `mebench tune`."""
        return (self.path / TUNED).is_file()

    @property
    def resume_hint(self) -> str:
        """The command that resumes it, for messages."""
        return "the same mebench tune" if self.of_study else f"mebench resume {self.quoted_name}"

    @property
    def key(self) -> str | None:
        """The key of all that its predictions depend on; None where it cannot be read.

        Folds of trials are kept in folders that are named by their key.
        """
        if not (self.path / "config.json").is_file():
            return self.id
        with suppress(RunError, KeyError, TypeError):
            return str(self.read_json("config.json")["key"])
        return None

    @property
    def done(self) -> bool:
        """Whether the run is finished."""
        return (self.path / "DONE").is_file()

    @property
    def lost(self) -> list[str]:
        """The missing files of a finished run."""
        if not self.done:
            return []
        return [name for name in FILES_OF_FINISHED if not (self.path / name).is_file()]

    # -- writing ------------------------------------------------------------------------------------------------------------

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file atomically."""
        written = shorten_sides(content) if name == FOLDS else content
        text = json.dumps(written, indent=1, allow_nan=False) + "\n"
        with self._writing(self.path / name) as temporary:
            write_text(temporary, text)

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table atomically: parquet, or csv by the name's ending."""
        with self._writing(self.path / name) as temporary:
            if name.endswith(".csv"):
                table.to_csv(temporary, index=False, lineterminator="\n")
            else:
                table.to_parquet(temporary, index=False)

    def fold_folder(self, key: str) -> Path:
        """The folder of a fold, whether or not it is there."""
        folds = self.path / "folds"
        return folds / folder_name(folds, key)

    def write_fold(self, result: FoldResult, kinds: Sequence[str]) -> None:
        """Keep a fold's results."""
        with self._explained_refusal(), new_folder(self.fold_folder(result.key).parent) as temporary:
            write_fold_files(temporary, result, kinds, self.key)
            self._put_in_place(temporary, result.key)

    def take_fold(self, key: str, written: WrittenFold) -> None:
        """Keep the files of a fold that another machine has written here.

        Args:
            key: key of the fold.
            written: its files, which are moved.

        Raises:
            ValueError: they are not those that the machine has written.
        """
        record = written.folder / RECORD
        if not record.is_file() or file_hash(record) != written.record:
            raise ValueError(f"{record} is not as the machine that computed it wrote it")
        with self._explained_refusal():
            self._put_in_place(written.folder, key)

    def _put_in_place(self, written: Path, key: str) -> None:
        """Put a written folder in place of a fold, which has failed no longer."""
        final = self.fold_folder(key)
        final.parent.mkdir(exist_ok=True)
        if final.exists():
            shutil.rmtree(final)
        written.rename(final)
        self._sync_now_and_then()
        (self.path / "failed" / safe_name(key)).unlink(missing_ok=True)

    def _sync_now_and_then(self) -> None:
        """Sync the folds of the last seconds. A power cut may lose those of this time; a kill loses none."""
        if time.monotonic() > self._synced + 5.0:
            self._sync_all()

    def take_logs(self, fold: str, place: Path) -> None:
        """Move the files of a fold's callbacks and loggers to `logs/<fold>`.

        Plain files are moved, in order, up to `MOST_LOGGED`; their folder is removed.

        Args:
            fold: key of the fold.
            place: folder of these files, inside the folder of the run.
        """
        target = self.path / "logs" / safe_name(fold)
        shutil.rmtree(target, ignore_errors=True)
        bytes_left = MOST_LOGGED
        for file in sorted(place.rglob("*")):
            inside = file.relative_to(place)
            is_plain = file.is_file() and not file.is_symlink()
            if not is_plain or inside.name.startswith("."):
                continue
            bytes_left -= file.stat().st_size
            (target / inside).parent.mkdir(parents=True, exist_ok=True)
            if bytes_left > 0:
                file.replace(target / inside)
            else:
                with (target / "left_out.txt").open("a", encoding="utf-8", newline="\n") as note:
                    note.write(f"{inside.as_posix()}\n")
        shutil.rmtree(place, ignore_errors=True)

    def write_failure(self, fold: str, reason: str) -> None:
        """Write the reason why a fold failed; a later success removes it."""
        with self._explained_refusal():
            replace_file(self.path / "failed" / safe_name(fold), reason + "\n")

    def add_feature_seconds(self, seconds: Mapping[str, float], chains: Mapping[str, Sequence[str]]) -> None:
        """Add seconds of computing features, by video, to those of earlier tries.

        Args:
            seconds: seconds by key of the video.
            chains: cards of the chains.
        """
        before = {}
        if (self.path / "features.json").is_file():
            before = self.read_json("features.json")["videos"]
        videos = {key: round(before.get(key, 0.0) + seconds.get(key, 0.0), 6) for key in sorted({*before, *seconds})}
        self.write_json("features.json", {"seconds": sum(videos.values()), "videos": videos, "chains": chains})

    def remove_leftovers(self) -> None:
        """Remove the partly written files of a killed process; the caller must hold the lock.

        The state of trainings stays: their folders have no ending.
        """
        writing = [*self.path.glob(f"{WRITING}*"), *self.path.glob(f"*/{WRITING}*")]
        for leftover in [*writing, *self.path.glob(f"{TRAINING}/*.*")]:
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink(missing_ok=True)

    def finish(self) -> None:
        """Mark the run as finished and seal it; nothing is written afterwards.

        The files of a fold are sealed by its `fold.json`.
        """
        shutil.rmtree(self.path / TRAINING, ignore_errors=True)
        self._sync_all()
        found = sorted([*self.path.glob("[!.]*.*"), *self.path.glob(f"folds/*/{RECORD}")])
        files = [file for file in found if file.is_file()]
        self._seal({file.relative_to(self.path).as_posix(): file_hash(file) for file in files})
        (self.path / FORMER_SEAL).unlink(missing_ok=True)

    def _seal(self, hashes: Mapping[str, str]) -> None:
        """Write the mark of a finished run, with the hashes of its files."""
        with self._explained_refusal(), synced_file(self.path / "DONE") as temporary:
            write_text(temporary, json.dumps({"sha256": hashes}, indent=1) + "\n")

    @property
    def seal(self) -> dict[str, str]:
        """SHA-256 of the files of a finished run by their paths; empty if it is unfinished or older than seals.

        Raises:
            RunError: the seal itself is damaged.
        """
        if not self.done:
            return {}
        try:
            about = (self.path / "DONE").stat()
            state = (about.st_ino, about.st_mtime_ns, about.st_size)
            if state != self._seal_state:
                text = (self.path / "DONE").read_text(encoding="utf-8")
                self._hashes = dict(json.loads(text)["sha256"]) if text else {}
                self._seal_state = state
        except (OSError, ValueError, KeyError, TypeError) as e:
            raise self._unreadable("DONE", e) from e
        return self._hashes

    # -- damage -------------------------------------------------------------------------------------------------------------

    def list_damaged_files(self, only_newer: bool = False) -> list[str]:
        """Paths of sealed files of a finished run that are missing or have changed since.

        The other files of a fold, whose checksums its record holds, are compared by `list_changed_files` alone, unless they are newer.

        Args:
            only_newer: compares only files that were written after the seal, those of folds, too: enough for a list of many runs.

        Raises:
            RunError: the system refuses to read one.
        """
        if not self.done:
            return []
        try:
            sealed = self.seal
        except RunError:
            return sorted(["DONE", *self.lost])
        if not sealed:  # finished by a version without seals
            return self.lost
        damaged = []
        try:
            for name, known in sealed.items():
                is_untouched = only_newer and self._exists(name) and not self._is_newer_than_seal(name)
                if not is_untouched and self._hash(name) != known:
                    damaged.append(name)
            return [*damaged, *self._list_broken_newer_folds(damaged)] if only_newer else damaged
        except OSError as refusal:
            raise refusal_of(Path(refusal.filename or self.path), refusal) from refusal

    def _list_broken_newer_folds(self, damaged: Sequence[str]) -> list[str]:
        """Folders of folds that were touched after the run was finished and are not whole.

        Args:
            damaged: records that are damaged, whose folds are named already.
        """
        records = [name for name in self.seal if name.endswith(f"/{RECORD}") and name not in damaged]
        folders = [name.rpartition("/")[0] for name in records]
        sealed_at = (self.path / "DONE").stat().st_mtime_ns
        # Clocks of files tick some thousand times more slowly than a nanosecond: a change right after the seal has its time.
        touched = [name for name in folders if _last_change(self.path / name) >= sealed_at]
        return [name for name in touched if self._whole_fold(self.path / name) is None]

    def list_changed_files(self) -> list[str]:
        """Paths of files of a finished run that are missing or have changed since. Those of folds count, too: every byte is read.

        Raises:
            RunError: the system refuses to read one.
        """
        damaged = self.list_damaged_files()
        if "DONE" in damaged:
            return damaged
        folds = [name.rpartition("/")[0] for name in self.seal if name.endswith(f"/{RECORD}")]
        broken_folds = [name for name in folds if self._whole_fold(self.path / name) is None]
        return sorted({*damaged, *broken_folds})

    def check_values(self) -> None:
        """Refuse a run whose answers or costs hold numbers that no method gives.

        Raises:
            RunError: they do.
        """
        for name in ANSWERS:
            if (self.path / name).is_file():
                self.read_table(name)
        if (self.path / COSTS).is_file():
            self.read_costs()

    def describe_damage(self, files: Sequence[str]) -> str:
        """What is damaged, what is still whole, and the next step. It is the end of a sentence.

        Args:
            files: paths of the damaged files.
        """
        return f"is damaged ({list_first(files, 5)}): {self._repair_advice(files)}"

    def _repair_advice(self, files: Sequence[str]) -> str:
        """How damaged files of a run come back; only a run without a whole fold is to be removed."""
        if (self.path / "record.json").is_file():
            return "take the record again from its source"
        n_whole = self._count_whole_folds()
        if not n_whole:
            return f"none of its folds is whole, so remove {self.path} and run again"
        whole = f"{n_whole} of {self._count_folds()} folds are whole"
        if "config.json" in files:
            return f"{whole}, and the same mebench run command repairs it"
        return f"{whole}; repair it with: {self.resume_hint}"

    def _count_whole_folds(self) -> int:
        """The number of whole folds, of whatever run: its configuration may be damaged."""
        return sum(self._whole_fold(folder) is not None for folder in self.path.glob("folds/[!.]*"))

    def _count_folds(self) -> int:
        """The number of folds of the run. It comes from the description of the run or, without one, from the folders of the folds."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return len(json.loads((self.path / FOLDS).read_text(encoding="utf-8"))["folds"])
        return len([*self.path.glob("folds/[!.]*")])

    def reopen(self) -> None:
        """Make a damaged finished run an unfinished one, which is continued from its whole folds; the caller holds the lock.

        Damaged files are removed: they are made again. A fold whose record has changed is trained again. The hashes of all files stay,
        to compare with those of the repaired run.
        """
        damaged = self.list_damaged_files()
        if "DONE" not in damaged:
            with self._explained_refusal():
                replace_file(self.path / FORMER_SEAL, json.dumps(self.seal))
        for name in damaged:
            (self.path / name).unlink(missing_ok=True)
        (self.path / "DONE").unlink(missing_ok=True)

    @property
    def is_reopened(self) -> bool:
        """Whether the run was finished before, and is being repaired."""
        return (self.path / FORMER_SEAL).is_file()

    def compare_with_former(self) -> str:
        """A sentence on a repaired run: whether its tables equal those it had; empty if it was not repaired."""
        if not self.is_reopened:
            return ""
        former = json.loads((self.path / FORMER_SEAL).read_text(encoding="utf-8"))
        differing = [name for name in REMADE if name in former and self._hash(name) != former[name]]
        if not differing:
            return f"run {self.id} is repaired, and its tables are the same as before, bit for bit"
        return (
            f"run {self.id} is repaired, but {' and '.join(differing)} differ from before: folds were trained again "
            "with other numbers, or the dataset has changed"
        )

    def _exists(self, name: str) -> bool:
        """Whether a file of the run is there."""
        return (self.path / name).is_file()

    def _is_newer_than_seal(self, name: str) -> bool:
        """Whether a file was written after the run was finished."""
        return (self.path / name).stat().st_mtime_ns > (self.path / "DONE").stat().st_mtime_ns

    def _hash(self, name: str) -> str:
        """The hash of a file of the run; empty if it is missing.

        Raises:
            RunError: the system refuses to read it.
        """
        try:
            return file_hash(self.path / name)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as refusal:
            raise refusal_of(self.path / name, refusal) from refusal

    def _whole_fold(self, folder: Path, run: str | None = None) -> str | None:
        """Key of the fold in a folder if it is whole, see `whole_fold`.

        Raises:
            RunError: the system refuses to read it.
        """
        try:
            return whole_fold(folder, run)
        except OSError as refusal:
            raise refusal_of(Path(refusal.filename or folder), refusal) from refusal

    def check_file(self, name: str) -> None:
        """Compare a file with the seal of the run, if it has one.

        Originals are read without a seal that is damaged itself, so that the run can be repaired: the record of each fold holds their key.

        Raises:
            RunError: it has changed since the run was finished.
        """
        try:
            known = self.seal.get(name)
        except RunError:
            if name not in ORIGINALS:
                raise
            return
        is_sealed = known is not None and (self.path / name).is_file()
        if is_sealed and self._hash(name) != known:
            raise self._unreadable(name, ValueError("it has changed since the run was finished"))

    def _sync_all(self) -> None:
        """Sync everything written so far to disk."""
        sync_folder(self.path)
        self._synced = time.monotonic()

    @contextmanager
    def _writing(self, final: Path) -> Iterator[Path]:
        """A temporary file that becomes a file of the run. The seal of a finished run gets its new hash."""
        with self._explained_refusal(), synced_file(final) as temporary:
            yield temporary
        name = final.relative_to(self.path).as_posix()
        if name in self.seal:
            self._seal({**self.seal, name: file_hash(final)})

    @contextmanager
    def _explained_refusal(self) -> Iterator[None]:
        """Turn the refusal of a full disk into an error that says how to continue."""
        try:
            yield
        except OSError as e:
            if e.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                raise
            raise RunError(
                f"cannot write to {self.path}: {os.strerror(e.errno)}. Finished folds are kept: make room, then "
                f"continue with: {self.resume_hint}"
            ) from e

    # -- reading ------------------------------------------------------------------------------------------------------------

    def read_json(self, name: str) -> Any:
        """A JSON file of the run.

        Raises:
            RunError: it is missing or damaged.
        """

        def read(file: Path) -> Any:
            content = json.loads(file.read_text(encoding="utf-8"))
            return list_sides(content) if name == FOLDS else content

        return self._read(name, read)

    def read_table(self, name: str) -> pd.DataFrame:
        """A parquet table of the run.

        Raises:
            RunError: it is missing or damaged, or holds numbers that no method gives.
        """
        return self._with_possible_values(name, self._read(name, read_frame))

    def read_costs(self) -> pd.DataFrame:
        """The costs of a finished run: a row for each fold, see `merge_folds`.

        Raises:
            RunError: the file is missing or damaged, or holds numbers that no run has.
        """
        return self._with_possible_values(COSTS, self._read(COSTS, read_csv))

    def _with_possible_values(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """A table, after a check of its numbers.

        Raises:
            RunError: it holds one that nothing can be computed from.
        """
        odd = find_impossible_value(name, table)
        if odd:
            raise RunError(f"{self.path / name} holds {odd}, which no method gives: {self._repair_advice([name])}")
        return table

    def _read(self, name: str, read: Callable[[Path], T]) -> T:
        """What a function reads from a file of the run, unchanged since the run finished."""
        try:
            content = read(self.path / name)
        except Exception as e:  # pyarrow has many kinds
            raise self._unreadable(name, e) from e
        self.check_file(name)
        return content

    def _unreadable(self, name: str, cause: Exception) -> RunError:
        """The error of a file that cannot be read. It has the way to make the file again if that is damaged."""
        file = self.path / name
        if isinstance(cause, OSError) and is_refusal(cause):
            return refusal_of(file, cause)
        if name.startswith("folds/") and not self.done:  # a fold that is not whole is trained again
            return RunError(f"{file} cannot be read ({cause}): continue with: {self.resume_hint}")
        return RunError(f"{file} cannot be read ({cause}): {self._repair_advice([name])}")

    def finished_folds(self) -> set[str]:
        """Keys of the folds with complete and unchanged results of this run."""
        run = self.key
        keys = [self._whole_fold(folder, run) for folder in self.path.glob("folds/[!.]*")]
        return {key for key in keys if key is not None}

    def merge_folds(self, folds: Sequence[str], feature_seconds: Mapping[str, float] | None = None) -> None:
        """Join the tables of all folds, sorted, whatever the order of completion.

        Args:
            folds: keys of the folds.
            feature_seconds: seconds of computing the features of each fold's test videos, for `costs.csv`.

        Raises:
            RunError: a file of a fold is missing or damaged.
        """
        for name, columns in SORTED_BY.items():
            files = [f"folds/{self.fold_folder(fold).name}/{name}" for fold in folds]
            if name == CURVES:  # only folds of methods that look for peaks have some
                files = [file for file in files if (self.path / file).is_file()]
            if files:
                self._merge_table(name, columns, files)
        costs = []
        for fold in folds:
            of_features = {}
            if feature_seconds is not None:
                of_features["feature_seconds"] = round(feature_seconds.get(fold, 0.0), 6)
            costs.append({"fold": fold, **of_features, **self.fold_record(fold)["costs"]})
        self.write_table("costs.csv", pd.DataFrame(costs))

    def _merge_table(self, name: str, columns: Sequence[str], files: Sequence[str]) -> None:
        """Join a table of some folds, sorted by columns; the tables of a thousand people are let go before others are read."""
        joined = pa.concat_tables([self._read(file, read_fold_table) for file in files])
        table = joined.to_pandas(self_destruct=True)
        del joined
        self.write_table(name, table.sort_values(columns, kind="stable", ignore_index=True))

    def fold_record(self, fold: str) -> dict[str, Any]:
        """Timing, seed and cost of a finished fold."""
        return dict(self.read_json(f"folds/{self.fold_folder(fold).name}/fold.json"))


def list_with_newest(folders: Sequence[RunFolder]) -> str:
    """The ids of some runs in words; one is called the newest, by the time at which its settings were written."""
    newest = max(folders, key=lambda folder: (folder.path / "config.json").stat().st_mtime)
    return ", ".join(f"{folder.id} (the newest)" if folder is newest else folder.id for folder in folders)


def is_refusal(error: OSError) -> bool:
    """Whether the system refused to read a file that may be whole: no right to, a disk that is away or fails."""
    return error.errno is not None and not isinstance(error, FileNotFoundError | NotADirectoryError)


def refusal_of(path: Path, refusal: OSError) -> RunError:
    """The error of a file that the system refuses to read; nothing is known of its content."""
    reason = refusal.strerror or str(refusal)
    if not isinstance(refusal, PermissionError):
        return RunError(
            f"{path} cannot be read ({reason}): check the disk it lies on, then give the same command again"
        )
    return RunError(f"{path} cannot be read ({reason}): it belongs to {_owner_of(path)}, who can let you read it")


def _owner_of(path: Path) -> str:
    """The name of the user to whom a path belongs; of the nearest folder above that may be asked."""
    for place in (path, *path.parents):
        with suppress(OSError, KeyError, NotImplementedError):
            return place.owner()
    return "another user"


def first_id(name: str, key: str) -> str:
    """Id of the first run of a key; later ones add `.2`, `.3`."""
    return f"{name}-{key[:8]}"


def _last_change(folder: Path) -> int:
    """When a folder or a file directly in it last changed, in nanoseconds."""
    with os.scandir(folder) as entries:
        return max(folder.stat().st_mtime_ns, *(entry.stat().st_mtime_ns for entry in entries))
