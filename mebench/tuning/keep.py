"""Frame scores and models of finished folds on disk, so that another trial, or another process, need not train them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from mebench.core.types import Fold, Timing
from mebench.runner.fold import ClipPrediction, FoldResult
from mebench.runner.folder import RunFolder, safe_name


class Keep:
    """Results of folds in one folder, each whole or absent.

    Args:
        path: the folder; made when something is written.
        kinds: kinds that are spotted, in the order of the columns of frame scores.
    """

    def __init__(self, path: Path, kinds: Sequence[str]) -> None:
        self.path, self._kinds = path, tuple(kinds)
        self._folder = RunFolder(path)
        self._read: dict[str, FoldResult] = {}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time: the others wait and find what it has written."""
        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / ".lock"):
            yield

    def write(self, result: FoldResult) -> None:
        """Keep a fold's result."""
        self._folder.write_fold(result, self._kinds)
        self._read[result.key] = result

    def read(self, folds: Sequence[Fold]) -> dict[str, FoldResult]:
        """The results that are there, by key of the fold; without their intervals, which are made anew."""
        lacking = {fold.key for fold in folds} - set(self._read)
        if lacking:
            for key in self._folder.finished_folds() & lacking:
                self._read[key] = self._from_disk(key)
        return {fold.key: self._read[fold.key] for fold in folds if fold.key in self._read}

    def _from_disk(self, key: str) -> FoldResult:
        place = f"folds/{safe_name(key)}"
        record = self._folder.fold_record(key)
        clips = self._folder.read_table(f"{place}/clips.parquet")
        return FoldResult(
            key,
            [],
            [
                ClipPrediction(video, onset, offset, predicted, tuple(probabilities))
                for _, video, onset, offset, predicted, probabilities in clips.to_numpy(object).tolist()
            ],
            self._frame_scores(place),
            {name: Timing(t["fps"], t["k"], t["k_prime"]) for name, t in record["timing"].items()},
            record["seed"],
            record["costs"],
            (self.path / place / "model.safetensors").read_bytes(),
        )

    def _frame_scores(self, place: str) -> dict[str, NDArray[np.float64]]:
        table = self._folder.read_table(f"{place}/frame_scores.parquet")
        return {
            str(video): np.stack(
                [rows[rows["kind"] == kind].sort_values("frame")["score"].to_numpy(np.float64) for kind in self._kinds],
                axis=1,
            )
            for video, rows in table.groupby("video")
        }
