"""Frames from a folder with one image file a frame."""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Sequence
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.files import read_plain
from mebench.frames.images import MOST_BYTES, SUFFIXES, read_image
from mebench.frames.videofile import SUFFIXES as VIDEOS

_DIGITS = re.compile(r"([0-9]+)")
_PADDING = re.compile(r"(?<![0-9])\s+(?=[0-9])")
"""Blanks that pad a number, `image 9990.jpg` and `image10000.jpg`; between two numbers they separate them."""

SAME = 0.8
"""Share of a folder's images with the same name except for the number, from which on the other images are not frames.
"""


class FolderFrames:
    """The images of a folder as the frames of a video, in natural order: `006_1_9999.jpg` before `006_1_10000.jpg`.

    The folder is listed once, at construction; a frame is decoded at each access. Hidden files (`.DS_Store`,
    `._img1.jpg`) are no frames, nor is a `cover.jpg` among numbered images.

    Args:
        folder: folder of the images.
        pattern: accepted file names, with `*` and `?`, in any case.
        color: True for (H, W, 3) frames in B, G, R order; False for (H, W), decoded straight to gray.
        damaged: file numbers of images that are damaged in every copy; they are no frames.

    Attributes:
        damaged: existing images with these numbers.
        strays: accepted images that are no frames, since at least `SAME` of the others share another name, apart from
            numbers.

    Raises:
        DataError: the folder is missing, cannot be listed, or holds no such image.
    """

    def __init__(
        self,
        folder: Path | str,
        pattern: str = "*",
        color: bool = True,
        damaged: Container[int | None] = (),
    ) -> None:
        self.folder = Path(folder)
        self.color = color
        present = _listed_names(folder)
        images = [name for name in present if not name.startswith(".") and name.casefold().endswith(SUFFIXES)]
        accepted = [name for name in images if fnmatch(name.casefold(), pattern.casefold())]
        frames, self.strays = _sorted_out(accepted)
        self.damaged: tuple[str, ...] = ()
        self.names = frames
        if damaged:
            self.damaged = tuple(name for name in frames if file_number(name) in damaged)
            self.names = tuple(name for name in frames if name not in self.damaged)
        if not self.names:
            raise DataError(_no_frames(self.folder, pattern, present))

    def __len__(self) -> int:
        """Number of frames; nothing is decoded for it."""
        return len(self.names)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Frame `index` as uint8.

        It is (H, W, 3) in B, G, R order, or (H, W) with `color=False`.

        Raises:
            IndexError: the index lies outside [0, len).
            DataError: the file is missing, truncated, no image, or has not 8 bits a channel.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} does not exist: the folder {self.folder} has frames 0 to {len(self) - 1}")
        return read_image(self.folder / self.names[index], self.color)

    @cached_property
    def numbers(self) -> tuple[int | None, ...]:
        """The file number of each frame, as annotations give it: the last run of digits in the name before its ending;
        None without digits.
        """
        return tuple(file_number(name) for name in self.names)

    def fingerprint(self) -> str:
        """A hash that changes with the frames.

        It covers the names and sizes of all files, the bytes of the first, middle and last one, and `color`.

        Raises:
            DataError: a file cannot be read.
        """
        digest = hashlib.sha256(f"{self.color}".encode())
        paths = [self.folder / name for name in self.names]
        try:
            for path in paths:
                digest.update(f"\0{path.name}\0{path.stat().st_size}".encode())
            for index in sorted({0, len(paths) // 2, len(paths) - 1}):
                digest.update(hashlib.sha256(read_plain(paths[index], MOST_BYTES)).digest())
        except OSError as error:
            raise DataError(
                f"the image {error.filename} cannot be read ({error.strerror}): check that it exists, and its "
                "permissions"
            ) from None
        return digest.hexdigest()[:32]


def _listed_names(folder: Path | str) -> list[str]:
    """The names in a folder.

    Raises:
        DataError: it is missing, a file, or cannot be listed.
    """
    try:
        return [path.name for path in Path(folder).iterdir()]
    except NotADirectoryError:
        raise DataError(f"{folder} is a file, not a folder of images: give the folder that holds the frames") from None
    except FileNotFoundError:
        raise DataError(
            f"there is no folder {folder}: check the dataset's root and that the archive was unpacked"
        ) from None
    except OSError as error:
        raise DataError(f"the folder {folder} cannot be listed ({error.strerror}): check its permissions") from None


def _no_frames(folder: Path, pattern: str, present: Sequence[str]) -> str:
    """A sentence about a folder without frames, and what is in it instead."""
    named = "" if pattern == "*" else f" named {pattern}"
    files = "file" if len(present) == 1 else "files"
    first = f", {min(present, key=natural_sort_key)}" if present else ""
    holds_videos = any(name.lower().endswith(VIDEOS) for name in present)
    remedy = " (give videos one by one, or unpack them with mebench data unpack)" if holds_videos else ""
    return (
        f"the folder {folder} holds no frames: expected images ({', '.join(SUFFIXES)}){named}, "
        f"found {len(present)} other {files}{first}{remedy}"
    )


def natural_sort_key(name: str) -> tuple[list[str | int], str]:
    """Sort key of the natural order: digits as numbers without padding, letters without case, the exact name last.

    >>> sorted(["006_1_10000.jpg", "006_1_9999.jpg", "006_1_0001.JPG"], key=natural_sort_key)
    ['006_1_0001.JPG', '006_1_9999.jpg', '006_1_10000.jpg']
    """
    # Text and digits take turns, beginning with (possibly empty) text, so that like meets like.
    parts = _DIGITS.split(_PADDING.sub("", name.casefold()))
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name


def file_number(name: str) -> int | None:
    """The last run of digits in a file name before its ending.

    >>> file_number("006_1_0001.jpg"), file_number("name 123.JPG"), file_number("face.mp4")
    (1, 123, None)
    """
    digits = _DIGITS.findall(Path(name).stem)
    return int(digits[-1]) if digits else None


def _sorted_out(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Frames and strays, each in natural order. If no name prevails, all are frames.

    >>> _sorted_out(["img2.jpg", "cover.jpg", "IMG1.JPG", "img3 (2).jpg", "img3.jpg", *(f"img{n}.png" for n in range(4, 10))])[1]
    ('cover.jpg', 'img3 (2).jpg')
    """
    stems = {name: _PADDING.sub("", name.rpartition(".")[0].casefold()) for name in sorted(names, key=natural_sort_key)}
    without_numbers = {name: _DIGITS.sub("#", stem) for name, stem in stems.items()}
    if not without_numbers:
        return (), ()
    prevailing, n = Counter(without_numbers.values()).most_common(1)[0]
    if n < SAME * len(without_numbers):
        return tuple(without_numbers), ()
    frames = tuple(name for name, shape in without_numbers.items() if shape == prevailing)
    strays = tuple(name for name, shape in without_numbers.items() if shape != prevailing)
    return frames, strays
