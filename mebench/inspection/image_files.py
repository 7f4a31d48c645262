"""Whether an image file is whole, and how large its picture is, from its first and last bytes."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from mebench.errors import DataError
from mebench.frames.images import is_truncated_jpeg, read_image

Size = tuple[int, int]
"""Width and height in pixels."""

_TAIL = 64
_DEEP_MODES = ("I", "F")
"""Pillow's modes with more than 8 bits a channel begin so: `I`, `I;16`, `F`."""


class BadImageError(Exception):
    """Why an image cannot serve as a frame."""


def image_size(path: Path) -> Size:
    """Width and height of an image, from its header; its end is looked at, its pixels are not decoded.

    JPEG and PNG files end with a marker, and BMP and WebP files say how long they are: one that was copied in part is told by
    that. A file damaged in the middle is not: decode it to be sure.

    Raises:
        BadImageError: it is empty, no image, truncated, or has more than 8 bits a channel.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open("rb") as file:
            length = file.seek(0, 2)
            if not length:
                raise BadImageError("is empty (0 bytes)")
            file.seek(0)
            with Image.open(file) as image:
                size, form, mode = image.size, image.format, image.mode
                if mode.startswith(_DEEP_MODES):
                    raise BadImageError("has more than 8 bits a channel")
                if _is_truncated(file, form, length):
                    raise BadImageError("is truncated (its end is missing)")
                return size
    except UnidentifiedImageError:
        raise BadImageError("is damaged or no image") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise BadImageError(f"cannot be read ({reason})") from None


def decoded_size(path: Path) -> Size:
    """As `image_size`, with every pixel decoded.

    Raises:
        BadImageError: the image does not decode.
    """
    try:
        height, width = read_image(path, color=False).shape[:2]
    except DataError as error:
        raise BadImageError(str(error).removeprefix(f"the image {path} ")) from None
    return width, height


def _is_truncated(file: BinaryIO, form: str | None, length: int) -> bool:
    if form == "JPEG":
        return b"\xff\xd9" not in _tail(file, length) and is_truncated_jpeg(_all(file))  # some writers pad the end
    if form == "PNG":
        return b"IEND" not in _tail(file, length) and b"IEND" not in _all(file)
    if form == "BMP":
        file.seek(2)
        return int.from_bytes(file.read(4), "little") > length
    return False


def _tail(file: BinaryIO, length: int) -> bytes:
    file.seek(max(length - _TAIL, 0))
    return file.read()


def _all(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
