"""The run folder: the truth that everything after reads.

    runs/<id>/
        config.json      the resolved configuration, where each value comes from, and the key of the run
        versions.json    Python and packages
        videos.parquet   the dataset as it was scored: videos …
        truth.parquet    … and their expressions
        folds.json       who trained, validated and was tested
        folds/<fold>/    predictions, clips, frame scores, model (safetensors) and fold.json (timing, cost), one folder a fold
        failed/<fold>    why a fold failed
        predictions.parquet  clips.parquet  frame_scores.parquet  costs.csv     all folds together
        summary.json     the scores
        DONE             written last

A fold's folder appears whole or not at all: it is written beside and renamed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from mebench.errors import RunError

if TYPE_CHECKING:  # reading a run needs no Lightning
    from mebench.core.types import Prediction
    from mebench.runner.fold import FoldResult

PREDICTION_COLUMNS = (
    "fold",
    "video",
    "kind",
    "onset",
    "apex",
    "offset",
    "confidence",
    "emotion",
    "probabilities",
    "draw",
)
CLIP_COLUMNS = ("fold", "video", "onset", "offset", "predicted", "probabilities")
FRAME_COLUMNS = ("fold", "video", "frame", "kind", "score")


class RunFolder:
    """Reads and writes one run. Only the parent process writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    # -- finding ------------------------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, runs: Path, run_id: str) -> RunFolder:
        """An existing run.

        Raises:
            RunError: there is none of this id.
        """
        from mebench.errors import unknown

        folder = cls(runs / run_id)
        if not (folder.path / "config.json").is_file():
            known = [p.parent.name for p in runs.glob("*/config.json")]
            raise RunError(
                unknown("run", run_id, known, f"Runs are looked for in {runs}; choose another place with --runs DIR")
            )
        return folder

    @classmethod
    def claim(cls, runs: Path, name: str, key: str, run_id: str | None = None) -> tuple[RunFolder, FileLock]:
        """The unfinished run of this key that nobody works on, or a new one; locked.

        Raises:
            RunError: `run_id` names a run that another process works on, or whose inputs have changed since.
        """
        if run_id is not None:
            return cls(runs / run_id)._claim_this(key)
        try:
            runs.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise RunError(
                f"the folder of the runs, {runs}, cannot be made: {e.strerror}. Choose another place with runs=DIR"
            ) from e
        number = 1
        while True:
            run_id = first_id(name, key) if number == 1 else f"{first_id(name, key)}.{number}"
            folder = cls(runs / run_id)
            number += 1
            if folder.done:
                continue
            folder.path.mkdir(exist_ok=True)
            lock = folder.lock()
            if lock is None:
                continue
            if folder.done:  # finished while we asked
                lock.release()
                continue
            return folder, lock

    def _claim_this(self, key: str) -> tuple[RunFolder, FileLock]:
        if self.read_json("config.json")["key"] != key:
            raise RunError(
                f"run {self.id!r} cannot go on: its dataset, plugins or versions have changed since it began, and its folds must not mix "
                "with others. Start it anew with: mebench run"
            )
        lock = self.lock()
        if lock is None:
            raise RunError(f"another process is working on run {self.id!r}: wait for it, or stop it first")
        if self.done:
            lock.release()
            raise RunError(f"run {self.id!r} is finished: its scores are in {self.path / 'summary.json'}")
        return self, lock

    def lock(self) -> FileLock | None:
        """Take the run for this process, or None if another one has it."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return lock

    @property
    def done(self) -> bool:
        """Whether the run is finished."""
        return (self.path / "DONE").is_file()

    # -- writing ------------------------------------------------------------------------------------------------------------

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file, whole or not at all."""
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        with self._writing(self.path / name) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table, whole or not at all: parquet, or csv by the name's ending."""
        with self._writing(self.path / name) as temporary:
            _save_table(table, temporary, name)

    def write_fold(self, result: FoldResult, kinds: Sequence[str]) -> None:
        """Keep a fold's results."""
        final = self.path / "folds" / safe_name(result.key)
        with self._full_disk():
            final.parent.mkdir(exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=".writing-", dir=final.parent))
            try:
                for name, table in _fold_tables(result, kinds).items():
                    _save_table(table, temporary / name, name)
                (temporary / "model.safetensors").write_bytes(result.model)
                record = {
                    "fold": result.key,
                    "seed": result.seed,
                    "timing": {
                        d: {"fps": t.fps, "k": t.k, "k_prime": {str(kind): value for kind, value in t.k_prime.items()}}
                        for d, t in result.timings.items()
                    },
                    "costs": result.costs,
                }
                (temporary / "fold.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
                for file in temporary.iterdir():
                    _sync(file)
                _sync(temporary)
                if final.exists():
                    shutil.rmtree(final)
                temporary.rename(final)
                _sync(final.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        failed = self.path / "failed" / safe_name(result.key)
        failed.unlink(missing_ok=True)

    def write_failure(self, fold: str, reason: str) -> None:
        """Keep the reason why a fold failed; a later success removes it."""
        with self._full_disk():
            (self.path / "failed").mkdir(exist_ok=True)
            (self.path / "failed" / safe_name(fold)).write_text(reason + "\n", encoding="utf-8")

    def finish(self) -> None:
        """Mark the run as finished; nothing is written after this."""
        with self._writing(self.path / "DONE") as temporary:
            temporary.write_text("", encoding="utf-8")

    @contextmanager
    def _writing(self, final: Path) -> Iterator[Path]:
        temporary = final.with_name(f".writing-{final.name}")
        with self._full_disk():
            try:
                yield temporary
                _sync(temporary)
                temporary.replace(final)
                _sync(final.parent)
            finally:
                temporary.unlink(missing_ok=True)

    @contextmanager
    def _full_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            if e.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
                raise
            raise RunError(
                f"cannot write to {self.path}: {os.strerror(e.errno)}. The folds already there are kept: make room, "
                f"then go on with: mebench resume {self.id}"
            ) from e

    # -- reading ------------------------------------------------------------------------------------------------------------

    def read_json(self, name: str) -> Any:
        """A JSON file of the run.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as e:
            raise self._unreadable(name, e) from e

    def read_table(self, name: str) -> pd.DataFrame:
        """A parquet table of the run.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            return pd.read_parquet(self.path / name)
        except Exception as e:  # pyarrow has many kinds
            raise self._unreadable(name, e) from e

    def _unreadable(self, name: str, cause: Exception) -> RunError:
        file = self.path / name
        mend = (
            f"remove {file.parent} and go on with: mebench resume {self.id}"
            if name.startswith("folds/")
            else f"remove {self.path} and run again"
        )
        return RunError(f"{file} cannot be read ({cause}): {mend}")

    def finished_folds(self) -> set[str]:
        """Keys of the folds whose results are complete; a fold whose record is damaged is not."""
        found = set()
        for record in (self.path / "folds").glob("*/fold.json"):
            if not record.parent.name.startswith("."):
                with suppress(ValueError, KeyError):
                    found.add(str(json.loads(record.read_text(encoding="utf-8"))["fold"]))
        return found

    def merge(self, folds: Sequence[str]) -> None:
        """Put the tables of all folds together, sorted, so that the order of completion leaves no trace."""
        for name, order in (
            ("predictions.parquet", ["draw", "video", "kind", "onset", "offset", "confidence"]),
            ("clips.parquet", ["video", "onset", "offset"]),
            ("frame_scores.parquet", ["video", "kind", "frame"]),
        ):
            parts = [self.read_table(f"folds/{safe_name(fold)}/{name}") for fold in folds]
            table = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
            self.write_table(name, table.sort_values(order, kind="stable", ignore_index=True))
        self.write_table("costs.csv", pd.DataFrame([{"fold": f, **self.fold_record(f)["costs"]} for f in folds]))

    def fold_record(self, fold: str) -> dict[str, Any]:
        """Timing, seed and cost of a finished fold."""
        record: dict[str, Any] = self.read_json(f"folds/{safe_name(fold)}/fold.json")
        return record


def first_id(name: str, key: str) -> str:
    """Id of the first run of a key; later ones add `.2`, `.3`."""
    return f"{name}-{key[:8]}"


def safe_name(fold: str) -> str:
    """A fold's key as a file name; keys that differ get names that differ.

    >>> safe_name("casme2/sub01")
    'casme2--sub01'
    >>> safe_name("casme2/sub 1")
    'casme2--sub_1-d8f165'
    """
    name = re.sub(r"[^\w.=+-]", "_", fold.replace("/", "--"))
    unclear = name.replace("--", "/") != fold
    return f"{name}-{hashlib.sha256(fold.encode()).hexdigest()[:6]}" if unclear else name


def _fold_tables(result: FoldResult, kinds: Sequence[str]) -> dict[str, pd.DataFrame]:
    predictions = [_prediction_row(result.key, p) for p in result.predictions]
    clips = [(result.key, c.video, c.onset, c.offset, c.predicted, list(c.probabilities)) for c in result.clips]
    frames = [
        pd.DataFrame(
            {
                "fold": result.key,
                "video": video,
                "frame": np.arange(len(scores)),
                "kind": kind,
                "score": scores[:, column],
            }
        )
        for video, scores in sorted(result.frame_scores.items())
        for column, kind in enumerate(kinds)
    ]
    return {
        "predictions.parquet": _typed(pd.DataFrame(predictions, columns=list(PREDICTION_COLUMNS))),
        "clips.parquet": _typed(pd.DataFrame(clips, columns=list(CLIP_COLUMNS))),
        "frame_scores.parquet": _typed(
            pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(FRAME_COLUMNS))
        ),
    }


def _prediction_row(fold: str, p: Prediction) -> tuple[Any, ...]:
    probabilities = None if p.probabilities is None else list(p.probabilities)
    return fold, p.video, p.kind, p.onset, p.apex, p.offset, p.confidence, p.emotion, probabilities, p.draw


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """One type for each column, also in an empty table, so that tables of folds go together."""
    integers, numbers = ("onset", "apex", "offset", "draw", "frame"), ("confidence", "score")
    types = {c: "int64" if c in integers else "float64" if c in numbers else "object" for c in table.columns}
    return table.astype(types)


def _save_table(table: pd.DataFrame, path: Path, name: str) -> None:
    if name.endswith(".csv"):
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, index=False)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
