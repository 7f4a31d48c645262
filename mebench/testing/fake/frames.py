"""Folders of drawn frames, with expressions that rise from onset to apex and fall to offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mebench.errors import DataError
from mebench.testing.fake.face import draw_face

Span = tuple[int, int, int]
"""File numbers of onset, apex and offset."""


def write_frames(
    folder: Path, pattern: str, numbers: Iterable[int], spans: Sequence[Span] = (), person: int = 0
) -> None:
    """Draw one image file for each number.

    Args:
        folder: is made.
        pattern: file name with the field `number`: `img{number}.jpg`, `006_{number:05d}.jpg`.
        numbers: file numbers, in any order.
        spans: expressions, in file numbers.
        person: whose face.
    """
    import cv2

    # OpenCV prints a line for a setting that a format does not know.
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95] if pattern.lower().endswith((".jpg", ".jpeg")) else []
    folder.mkdir(parents=True)
    for number in numbers:
        picture = draw_face(max([strength_at(number, span) for span in spans], default=0.0), person, number)
        cv2.imwrite(str(folder / pattern.format(number=number)), picture, quality)


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
    """The folder, made if need be.

    Raises:
        DataError: it holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not an empty folder: choose another, so that nothing is overwritten")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
