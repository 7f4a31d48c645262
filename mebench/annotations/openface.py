"""Action units of each frame that OpenFace found, as its program FeatureExtraction writes them (`-aus`): one CSV file
for each video.
"""

import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.annotations.layout import MOST_FOLDERS, fold
from mebench.core import Video
from mebench.errors import DataError, refused_by_system
from mebench.files import open_plain, read_plain
from mebench.lazy_imports import load_lazily
from mebench.limits import OPENFACE_BYTES

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = load_lazily("pandas")

ACTION_UNITS = "action_units"
"""Name of the chain under which a dataset provides them: (n_frames, 17), float32, intensities from 0 to 5."""
UNITS = tuple(f"AU{unit:02}_r" for unit in (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45))
"""The columns, in OpenFace's order."""
TAIL = 4096
"""Bytes at the end of each file that distinguish it from another file of the same name and size."""


class OpenFaceFiles:
    """A folder of such files at any depth.

    The file of a video has the name of its folder of frames or its id; among several, the one in folders named like
    subject and video is taken. A file in folders with other names belongs to another video.

    Args:
        folder: folder that holds the files.

    Raises:
        DataError: it is no folder, or holds no CSV file.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder).expanduser()
        if not self.folder.is_dir() or not self._files:
            what = "holds no CSV file" if self.folder.is_dir() else "is not a folder"
            raise DataError(
                f"dataset.openface={folder} {what}: expected one file of OpenFace's FeatureExtraction for each video, such as "
                "s15/15_0401girlcrashing.csv"
            )

    @cached_property
    def _files(self) -> list[Path]:
        """The CSV files below the folder, sorted."""
        walked = islice(os.walk(self.folder), MOST_FOLDERS + 1)
        paths = [Path(folder, name) for folder, _, names in walked for name in names]
        return sorted(path for path in paths if path.name.lower().endswith(".csv") and path.is_file())

    def fingerprint(self) -> str:
        """A short hash of the names, sizes and last bytes of all files.

        Raises:
            DataError: one cannot be read.
        """
        digest = hashlib.sha256()
        for path in self._files:
            with refused_by_system(f"{path} cannot be read"), open_plain(path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - TAIL, 0))
                digest.update(f"{path.relative_to(self.folder).as_posix()} {size} ".encode() + file.read())
        return digest.hexdigest()[:8]

    def read_units(self, video: Video, folder: Path | None, images: Sequence[str]) -> NDArray[np.float32]:
        """Intensities of a video, (n_frames, 17); 0 where OpenFace found none, as it writes them.

        Args:
            video: video of the file.
            folder: folder of its frames, or its file; None where there is none.
            images: names of the files in it that are frames, in the order of the frames.

        Raises:
            DataError: there is no such file, there are several, columns are missing, or it has other frames than the video.
        """
        if list(images) != sorted(images):
            raise DataError(
                f"the frames of {video.key} are called so that their alphabetical order, in which OpenFace reads a folder, is not theirs: "
                f"{min(images)} would come first, not {images[0]}. Give copies numbers of one length (img001.jpg), and run it on those"
            )
        path = self._file_of(video, folder)
        intensities = _read_intensities(path)
        if video.n_frames is not None and len(intensities) != video.n_frames:
            raise DataError(
                f"{path} has {len(intensities)} frames, and {video.key} has {video.n_frames}: run OpenFace on the frames of this video"
            )
        return intensities

    def _file_of(self, video: Video, folder: Path | None) -> Path:
        """The file named like a video, or like the folder of its frames."""
        names = [video.id]
        if folder is not None:
            names.insert(0, folder.stem if folder.is_file() else folder.name)
        paths = self._paths_of(video, names)
        if len(paths) > 1:
            raise DataError(
                f"{', '.join(map(str, paths))} below dataset.openface={self.folder} could all belong to "
                f"{video.key}: name its file {video.subject}/{video.id}.csv"
            )
        if not paths:
            raise DataError(
                f"{video.key} has no file below dataset.openface={self.folder}: expected {video.subject}/{names[0]}.csv, "
                "as OpenFace's FeatureExtraction writes it"
            )
        return self.folder / paths[0]

    def _paths_of(self, video: Video, names: Sequence[str]) -> list[Path]:
        """The files named like a video, below the folder: those in folders of its subject or itself, if some are."""
        folded = {fold(name) for name in names}
        named = [path.relative_to(self.folder) for path in self._files if fold(path.stem) in folded]
        for name in (video.subject, video.id):
            in_folder_of_name = [path for path in named if _lies_in(path, [name])]
            named = in_folder_of_name or named
        return [path for path in named if len(path.parts) == 1 or _lies_in(path, [video.subject, *names])]


def _lies_in(path: Path, names: Iterable[str]) -> bool:
    """Whether a file lies in a folder named like a subject or video."""
    folders = path.parts[:-1]
    return any(_is_named(folder, name) for folder, name in product(folders, names))


def _is_named(part: str, name: str) -> bool:
    """Whether a folder is named like a subject or video.

    Case, leading letters and zeros do not count (`sub01`, `1`).
    """
    return bool(re.fullmatch(rf"(.*\D)?0*{re.escape(name.lstrip('0') or name)}", part, re.IGNORECASE))


def _read_intensities(path: Path) -> NDArray[np.float32]:
    """The action units of each frame in a file of OpenFace, frame by frame."""
    try:
        content = io.BytesIO(read_plain(path, OPENFACE_BYTES))
        table = pd.read_csv(
            content,
            skipinitialspace=True,
            usecols=lambda name: name.strip() in {"frame", *UNITS},
            index_col=False,  # cells that no header names would else become names of rows
        )
    except (ValueError, OSError) as error:  # pandas' own errors of parsing are ValueErrors
        raise DataError(f"{path} cannot be read as OpenFace's CSV: {error}") from None
    table.columns = table.columns.str.strip()
    if missing := [name for name in ("frame", *UNITS) if name not in table]:
        raise DataError(
            f"{path} has no column {missing[0]}: expected what OpenFace's FeatureExtraction writes with action units (-aus)"
        )
    first = table.drop_duplicates("frame")  # of several faces in a frame the first
    try:
        frames = first["frame"].to_numpy(np.int64)
        units = first[list(UNITS)].to_numpy(np.float32)
    except ValueError as error:
        raise DataError(f"{path} has an intensity that is not a number: {error}") from None
    breaks = np.flatnonzero(np.diff(frames) != 1)
    if len(breaks):
        before = int(breaks[0])
        raise DataError(
            f"{path} has frame {frames[before + 1]} after frame {frames[before]}: expected one row for each, in order"
        )
    intensities: NDArray[np.float32] = np.nan_to_num(units)
    return intensities
