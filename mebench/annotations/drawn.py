"""Stand-ins for datasets that must not be redistributed: drawn faces in the layouts, with the sheets and quirks of the
real ones.
"""

import csv
import functools
import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mebench.core.dataset import MARK_OF_DRAWN
from mebench.errors import DataError
from mebench.files import write_text
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import openpyxl
else:
    openpyxl = load_lazily("openpyxl")

SIZE = 160
"""Height and width of a picture, pixels."""
_SCALE = 4
_SKIN = 190.0
_DARK = 45.0


def draw_face(strength: float = 0.0, person: int = 0, seed: int = 0) -> NDArray[np.uint8]:
    """A picture of a face, (160, 160, 3) uint8, B, G, R.

    Args:
        strength: strength of the expression, 0 to 1: brows rise by 3 pixels and the corners of the mouth by 2 at 1.
        person: whose face; shifts its parts a little.
        seed: seed of the noise of the camera, which has a standard deviation of one grey level.
    """
    grey = _draw_noiseless_face(round(strength, 2), person)
    noise = np.random.default_rng((person, seed)).normal(0, 1, grey.shape)
    noisy = np.clip(grey + noise, 0, 255).astype(np.uint8)
    return np.stack([(noisy * 0.85).astype(np.uint8), noisy, noisy], axis=-1)


@functools.lru_cache(maxsize=256)
def _draw_noiseless_face(strength: float, person: int) -> NDArray[np.float32]:
    """The face of a person in grey, (160, 160), without noise. Positions are pixels of that picture."""
    broad, eyes, mouth = np.random.default_rng(person + 1000).uniform(-1.5, 1.5, 3)
    n = SIZE * _SCALE
    picture = np.full((n, n), 120.0, np.float32) + np.linspace(-25, 25, n, dtype=np.float32)

    def ellipse(
        x: float, y: float, rx: float, ry: float, value: float, start: int = 0, end: int = 360, width: float = 0
    ) -> None:
        thickness = -1 if width == 0 else max(1, round(width * _SCALE))
        place = (round(x * _SCALE), round(y * _SCALE)), (round(rx * _SCALE), round(ry * _SCALE))
        cv2.ellipse(picture, *place, 0, start, end, value, thickness, cv2.LINE_AA)

    ellipse(80, 68, 50 + broad, 56, 55)  # hair
    ellipse(80, 88, 42 + broad, 54, _SKIN)
    for side in (-1, 1):
        x = 80 + side * (19 + eyes)
        ellipse(x, 79, 12, 7, 150)  # eye socket
        ellipse(x, 79, 9, 4, 235)
        ellipse(x, 79, 4, 4, _DARK)
        ellipse(x, 70 - 3 * strength, 12, 5, 60, 190, 350, 3.5)  # brow
        ellipse(80 + side * 6, 102, 3, 2, 90)  # nostril
        ellipse(80 + side * 7, 92, 4, 16, 170, 300 if side > 0 else 180, 420 if side > 0 else 240, 2)
    corner = 2 * strength
    ellipse(80, 116 - corner, 16 + mouth + corner, 4 + corner, 95, 0, 180, 3.5)
    ellipse(80, 118 + mouth, 14, 5, 150, 20, 160, 2)  # lower lip
    small = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0))


Span = tuple[int, int, int]
"""File numbers of onset, apex and offset."""


def write_frames(
    folder: Path,
    pattern: str,
    numbers: Iterable[int],
    spans: Sequence[Span] = (),
    person: int = 0,
    gray: bool = False,
) -> None:
    """Draw one image file for each number. The noise depends on the recording: its folder, the parent folder and the number.

    Args:
        folder: is made.
        pattern: file name with the field `number`: `img{number}.jpg`, `006_{number:05d}.jpg`.
        numbers: file numbers, in any order.
        spans: expressions, in file numbers.
        person: whose face.
        gray: whether the recording is gray; the pictures then have one channel, with the gray levels of those in colour.
    """
    # OpenCV prints a line for a setting that a format does not know.
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if pattern.lower().endswith((".jpg", ".jpeg")) else []
    folder.mkdir(parents=True)
    for number in numbers:
        name = pattern.format(number=number)
        seed = zlib.crc32("/".join((*folder.parts[-2:], name)).encode())  # two recordings never have the same pixels
        picture = draw_face(max([strength_at(number, span) for span in spans], default=0.0), person, seed)
        drawn = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if gray else picture
        cv2.imwrite(str(folder / name), drawn, quality)


def write_film(path: Path, n_frames: int, spans: Sequence[Span], person: int = 0, fps: float = 25.0) -> None:
    """Draw a video file.

    Args:
        path: file; `.avi` is written as motion JPEG, others as MPEG-4.
        n_frames: number of frames.
        spans: expressions, in frames counted from 1.
        person: whose face.
        fps: frames per second.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    codec = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), codec, fps, (SIZE, SIZE))
    for number in range(1, n_frames + 1):
        strength = max([strength_at(number, span) for span in spans], default=0.0)
        writer.write(draw_face(strength, person, number))
    writer.release()


def strength_at(number: int, span: Span) -> float:
    """Strength of an expression, 0 to 1: linear up to the apex and down again.

    >>> [strength_at(n, (10, 12, 16)) for n in (9, 10, 11, 12, 14, 16, 17)]
    [0.0, 0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """
    onset, apex, offset = span
    if not onset <= number <= offset:
        return 0.0
    if number <= apex:
        return 1.0 if apex == onset else (number - onset) / (apex - onset)
    return (offset - number) / (offset - apex)


def empty_folder(folder: Path) -> Path:
    """The folder of a stand-in, created if missing, with a mark that identifies its runs.

    Raises:
        DataError: it is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not an empty folder: choose another, so that nothing is overwritten")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / MARK_OF_DRAWN, "Drawn by mebench data fake: nothing in here is of the real dataset.\n")
    return folder


Cell = str | int | float | None
Rows = Sequence[Sequence[Cell]]


class Coded(NamedTuple):
    """One row of a drawn sheet: an expression as the coder wrote it, in numbers of the image files."""

    subject: Any
    name: str
    onset: int
    apex: Any
    offset: int
    units: str
    emotion: str = ""
    kind: str = ""
    objective: Any = None

    @property
    def span(self) -> Span:
        """The drawn frames: an apex that is no number or 0 lies in the middle, an offset of 0 eight frames after the apex."""
        apex = self.apex if isinstance(self.apex, int) and self.apex else (self.onset + self.offset) // 2
        return self.onset, apex, self.offset or apex + 8


def write_xlsx(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write sheets by name. A text that begins with `=` becomes a formula."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(whole := io.BytesIO())  # on a full disk, a file of a zip archive fails again when Python forgets it
    path.write_bytes(whole.getvalue())


def write_csv(path: Path, rows: Rows, encoding: str = "utf-8") -> None:
    """Write one table of text."""
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows(rows)


Recording = Literal["HS", "VIS", "NIR"]
HEADER = (
    "Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F", None,
    "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL", "Emotion",
)  # fmt: skip
LENGTHS = {"HS": 32, "VIS": 9, "NIR": 9}
"""Frames of a movement: a third of a second."""
AROUND = {"HS": 30, "VIS": 24, "NIR": 24}
"""Frames of a long clip before and after its movement."""
CLIPS = (
    ("s11_ne_01", 11, "negative", 559720),
    ("s11_ne_02", 11, "negative", 560400),
    ("s11_po_01", 11, "positive", 99985),  # its file numbers grow by a digit
    ("s12_po_01", 12, "positive", 1200),
    ("s12_sur_01", 12, "surprise", 2400),
    ("s14_ne_01", 14, "negative", 310),
    ("s14_sur_01", 14, "surprise", 8000),
)
"""Name, person and emotion of each clip, and the file number of its movement's first frame."""


def write_drawn_clips(folder: Path, recording: Recording = "HS") -> None:
    """Draw seven clips of three people twice, short below `SMIC_all_raw` and long below `SMIC-E_raw image`.

    Args:
        folder: empty or not there yet.
        recording: which camera.
    """
    short = empty_folder(folder) / "SMIC_all_raw" / recording
    long = folder / "SMIC-E_raw image" / f"{recording}_long" / f"SMIC-{recording}-E"
    length = LENGTHS[recording]
    around = AROUND[recording]
    is_gray = recording == "NIR"  # near infrared
    rows: list[tuple[Cell, ...]] = [HEADER]
    for name, person, emotion, onset in CLIPS:
        numbers = [n for n in range(onset, onset + length) if (name, n) != ("s14_ne_01", onset + 3)]  # one is missing
        spans = [(onset, onset + length // 2, onset + length - 1)]
        place = short / f"s{person}/micro/{emotion}/{name}"
        write_frames(place, "image{number:06d}.bmp", numbers, spans, person, gray=is_gray)
        first = onset - around
        last = spans[0][2] + around
        further: tuple[Cell, ...] = (None,) * 4
        if name == "s12_sur_01":  # it has a second movement
            second = spans[0][2] + 4
            end = last - 2
            spans.append((second, (second + end) // 2, end))
            further = (second, end, None, None)
        blank = recording != "HS" and name == "s12_po_01"  # the names of its files have one
        pattern = "image {number}.jpg" if blank else "image{number:06d}.jpg"
        place = long / recording / f"s{person:02d}" / name
        write_frames(place, pattern, range(first, last + 1), spans, person, gray=is_gray)
        rows.append(
            (person, f"{name} " if name == "s14_sur_01" else name, None, onset, spans[0][2],
             *further, None, first, last, length, None, None, last - first + 1, emotion)
        )  # fmt: skip
    (short / "s18" / "micro" / "surprise" / "s18_sur_03").mkdir(parents=True)  # a clip without images
    write_frames(short / "s11" / "non_micro" / "s11_n1", "image{number:06d}.bmp", range(5, 12), person=11, gray=is_gray)
    rows += [
        (),
        ("Note: OnsetF and OffsetF are the first and the last frame of the micro-expression",),
        ("Total", len(CLIPS)),
    ]
    write_xlsx(long / f"SMIC-{recording}-E_annotation.xlsx", {"Sheet1": rows})
