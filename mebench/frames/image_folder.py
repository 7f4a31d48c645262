"""Frames from a folder with one image file a frame."""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Sequence
from fnmatch import fnmatch
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.files import read_plain
from mebench.frames.breaks import Break
from mebench.frames.images import SUFFIXES, read_image
from mebench.frames.videofile import SUFFIXES as VIDEOS
from mebench.limits import IMAGE_BYTES

_DIGITS = re.compile(r"([0-9]+)")
_PADDING = re.compile(r"(?<![0-9])\s+(?=[0-9])")
"""Blanks that pad a number, `image 9990.jpg` and `image10000.jpg`; between two numbers they separate them."""

PREVAILING_SHARE = 0.8
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
        strays: accepted images that are not frames, since at least `PREVAILING_SHARE` of the others share another name, apart from
            numbers, or since the same picture is there in another format.
        doubles: strays that show a frame once more in another format.

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
        numbered, strays = _split_off_strays(accepted)
        frames, self.doubles = _split_off_doubles(numbered)
        self.strays = (*strays, *self.doubles)
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
        """The file number of each frame, as annotations give it; None without digits.

        It is the last run of digits in the name before its ending.
        """
        return tuple(file_number(name) for name in self.names)

    @property
    def notes(self) -> list[str]:
        """Sentences about the images: other images among them, one picture in two formats, missing numbers."""
        notes = []
        if self.strays:
            notes.append(describe_strays(self.strays, self.doubles, self.names[0]))
        gap = gap_in_numbers([*self.names, *self.damaged]) if usual_step(self.numbers) else ""
        if gap:
            notes.append(gap)
        return notes

    @property
    def positions(self) -> NDArray[np.float64]:
        """The position of each frame in the film, (n_frames,), from 0: a missing number leaves a gap."""
        step = usual_step(self.numbers)
        if not step:
            return np.arange(len(self), dtype=np.float64)
        numbers = np.array(self.numbers, np.float64)
        return np.asarray((numbers - numbers[0]) / step)

    @property
    def breaks(self) -> list[Break]:
        """The frames before which numbered images are missing."""
        step = usual_step(self.numbers)
        if not step:
            return []
        found = []
        for index, (before, after) in enumerate(pairwise(self._known_numbers), 1):
            n_missing = (after - before) // step - 1
            if n_missing > 0:
                found.append(Break(index, n_missing, _missing_files(before + step, after - step)))
        return found

    @property
    def _known_numbers(self) -> list[int]:
        """The file numbers; those of all frames where `usual_step` finds a step."""
        return [number for number in self.numbers if number is not None]

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
                digest.update(hashlib.sha256(read_plain(paths[index], IMAGE_BYTES)).digest())
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
    parts: list[int | str] = [*_DIGITS.split(_PADDING.sub("", name.casefold()))]
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def file_number(name: str) -> int | None:
    """The last run of digits in a file name before its ending.

    >>> file_number("006_1_0001.jpg"), file_number("name 123.JPG"), file_number("face.mp4")
    (1, 123, None)
    """
    digits = _DIGITS.findall(Path(name).stem)
    return int(digits[-1]) if digits else None


MOST_NAMED = 3
"""Most gaps and files in one sentence."""


def list_few(texts: Sequence[str], what: str, between: str = ", ") -> str:
    """The first of some texts, and the number of the others.

    >>> list_few(["1", "2", "3", "4"], "other gap")
    '1, 2, 3 and 1 other gap'
    """
    more = f" and {_counted(len(texts) - MOST_NAMED, what)}" if len(texts) > MOST_NAMED else ""
    return between.join(texts[:MOST_NAMED]) + more


def _counted(n: int, noun: str) -> str:
    """A number of things in words."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def describe_strays(strays: Sequence[str], doubles: Sequence[str], frame: str) -> str:
    """What a user must know about images that are not frames."""
    sentence = f"{list_few(strays, 'other image')} skipped: the frames are named like {frame}"
    if doubles:
        which = "all of these" if len(doubles) == len(strays) else f"{len(doubles)} of them"
        sentence += f", and {which} show a frame once more in another format"
    return sentence


def usual_step(numbers: Sequence[int | None]) -> int:
    """The step from one file number to the next, 0 if they count no frames: time stamps, numbers in no order, or none.

    >>> usual_step([1, 2, 3, 7]), usual_step([5, 9, 20, 21]), usual_step([3, None])
    (1, 0, 0)
    """
    known = [number for number in numbers if number is not None]
    steps = [after - before for before, after in pairwise(known)]
    if len(known) < len(numbers) or not steps:
        return 0
    step, n = Counter(steps).most_common(1)[0]
    if step <= 0 or 2 * n <= len(steps):
        return 0
    are_multiples = all(other > 0 and other % step == 0 for other in steps)
    return step if are_multiples else 0


def gap_in_numbers(names: Sequence[str]) -> str:
    """What is wrong with the file numbers, or empty; numbers with a constant step have no gap."""
    found = [file_number(name) for name in sorted(names, key=natural_sort_key)]
    numbers = [number for number in found if number is not None]
    if not numbers:
        return ""
    if len(numbers) < len(found):
        n_lacking = len(found) - len(numbers)
        verb = "has" if n_lacking == 1 else "have"
        return f"{_counted(n_lacking, 'image')} {verb} no number, the others have one"
    repeated = sorted(number for number, n in Counter(numbers).items() if n > 1)
    if repeated:
        others = f" and {_counted(len(repeated) - 1, 'other')}" if len(repeated) > 1 else ""
        return f"the file number {repeated[0]} is not unique{others}: remove copies"
    steps = [after - before for before, after in pairwise(numbers)]
    if any(step < 0 for step in steps):
        return "the file numbers do not rise in the order of the names"
    if len(set(steps)) > 1:
        return _missing_numbers(numbers)
    return ""


def _missing_numbers(numbers: Sequence[int]) -> str:
    """The gaps between rising numbers, in words."""
    gaps = [(before + 1, after - 1) for before, after in pairwise(numbers) if after - before > 1]
    n_missing = sum(last - first + 1 for first, last in gaps)
    ranges: list[str] = []
    for first, last in gaps:
        ranges.append(f"{first}" if first == last else f"{first} to {last}")
    verb = "is" if n_missing == 1 else "are"
    between = f"between {numbers[0]} and {numbers[-1]} ({_counted(n_missing, 'frame')})"
    return f"file {list_few(ranges, 'other gap')} {verb} missing {between}"


def _missing_files(first: int, last: int) -> str:
    """Missing file numbers in words.

    >>> _missing_files(21, 23), _missing_files(7, 7)
    ('files 21 to 23 are missing', 'file 7 is missing')
    """
    return f"file {first} is missing" if first == last else f"files {first} to {last} are missing"


def _split_off_doubles(frames: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Frames, and images that show a frame once more in another format. The format of most images is kept.

    >>> _split_off_doubles(("1.jpg", "1.png", "2.jpg"))
    (('1.jpg', '2.jpg'), ('1.png',))
    """
    n_of_format = Counter(Path(name).suffix.casefold() for name in frames)

    def rank_format(name: str) -> tuple[int, str]:
        suffix = Path(name).suffix.casefold()
        return (-n_of_format[suffix], suffix)

    kept: dict[str, str] = {}
    for name in frames:
        stem = Path(name).stem
        if stem not in kept or rank_format(name) < rank_format(kept[stem]):
            kept[stem] = name
    names = set(kept.values())
    doubles = tuple(name for name in frames if name not in names)
    return tuple(name for name in frames if name in names), doubles


def _split_off_strays(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Frames and strays, each in natural order. If no name prevails, all are frames.

    >>> _split_off_strays(["img2.jpg", "cover.jpg", "IMG1.JPG", "img3 (2).jpg", "img3.jpg", *(f"img{n}.png" for n in range(4, 10))])[1]
    ('cover.jpg', 'img3 (2).jpg')
    """
    stems = {name: _PADDING.sub("", name.rpartition(".")[0].casefold()) for name in sorted(names, key=natural_sort_key)}
    without_numbers = {name: _DIGITS.sub("#", stem) for name, stem in stems.items()}
    if not without_numbers:
        return (), ()
    prevailing, n = Counter(without_numbers.values()).most_common(1)[0]
    if n < PREVAILING_SHARE * len(without_numbers):
        return tuple(without_numbers), ()
    frames = tuple(name for name, shape in without_numbers.items() if shape == prevailing)
    strays = tuple(name for name, shape in without_numbers.items() if shape != prevailing)
    return frames, strays
