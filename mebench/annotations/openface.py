"""Action units of each frame that OpenFace found, as its program FeatureExtraction writes them (`-aus`): one CSV file for each video."""

import hashlib
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError

ACTION_UNITS = "action_units"
"""Name of the chain under which a dataset provides them: (n_frames, 17), float32, intensities from 0 to 5."""
UNITS = tuple(f"AU{unit:02}_r" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45))
"""The columns, in OpenFace's order."""
TAIL = 4096
"""Bytes at the end of each file that tell it from another of its name and size."""


class OpenFaceFiles:
    """A folder of such files, however deep they lie.

    A video has the file that is called as its folder of frames, else as its id, else as its id and something that is no digit; of
    several the one in a folder called as the subject.

    Args:
        folder: where they are.

    Raises:
        DataError: it is no folder, or holds no CSV file.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder).expanduser()
        self._read: dict[Path, NDArray[np.float32]] = {}
        if not self.folder.is_dir() or not self._files:
            what = "holds no CSV file" if self.folder.is_dir() else "is no folder"
            raise DataError(
                f"dataset.openface={folder} {what}: expected one file of OpenFace's FeatureExtraction for each video, such as "
                "s15/15_0401girlcrashing.csv"
            )

    @cached_property
    def _files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.csv"))

    def fingerprint(self) -> str:
        """A short hash of names, sizes and ends of all files."""
        digest = hashlib.sha256()
        for path in self._files:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(max(size - TAIL, 0))
                digest.update(f"{path.relative_to(self.folder).as_posix()} {size} ".encode() + file.read())
        return digest.hexdigest()[:8]

    def units(self, subject: str, names: Sequence[str], n_frames: int | None) -> NDArray[np.float32]:
        """Intensities of a video, (n_frames, 17); those that OpenFace could not tell are 0, as it writes them.

        Args:
            subject: whose video it is.
            names: what its file may be called, best first.
            n_frames: how many frames the video has; None where nobody knows.

        Raises:
            DataError: there is no such file, there are several, columns are missing, or it has another number of frames.
        """
        path = self._file(subject, names)
        if path not in self._read:
            self._read[path] = _read(path)
        found = self._read[path]
        if n_frames is not None and len(found) != n_frames:
            raise DataError(
                f"{path} has {len(found)} frames, and the video {subject}/{names[-1]} has {n_frames}: run OpenFace on these frames"
            )
        return found

    def _file(self, subject: str, names: Sequence[str]) -> Path:
        home = re.compile(rf"(.*\D)?0*{re.escape(subject.lstrip('0') or subject)}", re.IGNORECASE)
        for name in names:
            whole, begun = (re.compile(re.escape(name) + end, re.IGNORECASE) for end in (r"\Z", r"(?!\d)"))
            for pattern in (whole, begun):
                found = [path.relative_to(self.folder) for path in self._files if pattern.match(path.stem)]
                chosen = [path for path in found if any(home.fullmatch(part) for part in path.parts[:-1])] or found
                if len(chosen) > 1:
                    raise DataError(
                        f"{', '.join(map(str, chosen))} below dataset.openface={self.folder} could all be {subject}/{names[-1]}: "
                        "put those of each subject into a folder of the subject's name"
                    )
                if chosen:
                    return self.folder / chosen[0]
        raise DataError(
            f"{subject}/{names[-1]} has no file below dataset.openface={self.folder}: expected {names[0]}.csv, as OpenFace's "
            "FeatureExtraction writes it"
        )


def _read(path: Path) -> NDArray[np.float32]:
    import pandas as pd  # who lists datasets does without

    try:
        table = pd.read_csv(path, skipinitialspace=True, usecols=lambda name: name.strip() in {"frame", *UNITS})
    except (ValueError, OSError) as error:  # pandas' own errors of parsing are ValueErrors
        raise DataError(f"{path} cannot be read as OpenFace's CSV: {error}") from None
    table.columns = table.columns.str.strip()
    if missing := [name for name in ("frame", *UNITS) if name not in table]:
        raise DataError(
            f"{path} has no column {missing[0]}: expected what OpenFace's FeatureExtraction writes with action units (-aus)"
        )
    first = table.drop_duplicates("frame")[list(UNITS)]  # of several faces in a frame the first
    try:
        units: NDArray[np.float32] = np.nan_to_num(first.to_numpy(np.float32))
    except ValueError as error:
        raise DataError(f"{path} has an intensity that is no number: {error}") from None
    return units
