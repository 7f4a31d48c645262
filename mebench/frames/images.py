"""One image file: its 8-bit pixels, its size, and a sentence about a damaged one."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from mebench.errors import DataError, refuse_if, refused_by_system
from mebench.files import open_plain, read_plain
from mebench.lazy_imports import load_lazily
from mebench.limits import IMAGE_BYTES, IMAGE_PIXELS

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of the image files that a folder of frames may hold, in lower case."""


_FORMS = ("BMP", "JPEG", "PNG", "TIFF", "WEBP")
_OTHER_FORMS = {b"GIF8": "a GIF", b"ftypavif": "AVIF", b"ftypheic": "HEIC", b"jP  ": "JPEG 2000", b"%PDF": "a PDF"}
_AS_PNG = "write each frame as a PNG of its own"
_COPY_AGAIN = "copy it from the original again"
_JPEG = b"\xff\xd8"
_END_OF_IMAGE = b"\xff\xd9"
_START_OF_SCAN = 0xDA
_PNG = b"\x89PNG\r\n\x1a\n"
_MARKERS_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
"""Markers of JPEG alone: TEM, the restart markers, start and end of image (ITU-T T.81, table B.1)."""


def read_image(path: Path, color: bool = True) -> NDArray[np.uint8]:
    """Decode an image file.

    Orientation tags are followed and alpha is dropped. A truncated JPEG, which OpenCV silently fills with gray, is an
    error here, as is any other file that does not decode. Damage inside a JPEG, BMP, TIFF or WebP is not detected: only
    PNG has a checksum, and decoders of the others go on.

    Args:
        path: path of the file.
        color: False decodes straight to gray (`cv2.IMREAD_GRAYSCALE`): faster, and for JPEG and PNG up to a few gray
            levels away from the gray that OpenCV makes of the decoded colours.

    Returns:
        (H, W, 3) in B, G, R order, also for a gray file; (H, W) with `color=False`.

    Raises:
        DataError: the file is missing, unreadable, empty, truncated, no image, or has not 8 bits a channel.
    """
    with refused_by_system(f"the image {path} cannot be read", "check that it exists, and its permissions"):
        data = read_plain(path, IMAGE_BYTES)
    refuse_if(
        (not data, f"the image {path} is empty (0 bytes): {_COPY_AGAIN}"),
        (is_truncated_jpeg(data), f"the image {path} is truncated (its JPEG data has no end marker): {_COPY_AGAIN}"),
        error=DataError,
    )
    try:
        with _opened(io.BytesIO(data)) as header:
            deep = header.mode.startswith(_DEEP_MODES)  # of which OpenCV makes no colours
    except BadImageError as error:
        remedy = "" if ": " in str(error) else f", {_COPY_AGAIN} or remove it"
        raise DataError(f"the image {path} cannot be decoded: it {error}{remedy}") from None
    depth = cv2.IMREAD_ANYDEPTH | (cv2.IMREAD_COLOR if color and not deep else cv2.IMREAD_GRAYSCALE)
    image = None
    if not is_torn_png(data):
        with suppress(cv2.error):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), depth)
    if image is None:
        raise DataError(f"the image {path} cannot be decoded: it is damaged, {_COPY_AGAIN} or remove it")
    if image.dtype != np.uint8:
        raise DataError(
            f"the image {path} holds {image.dtype} values and frames must hold 8 bits a channel (uint8): convert the "
            f"images first, for example with ImageMagick: mogrify -depth 8 *{path.suffix}"
        )
    return np.asarray(image)


def is_truncated_jpeg(data: bytes) -> bool:
    """Whether a JPEG ends before its end marker.

    The marker is searched after the header of the first scan, since a thumbnail in the header has its own marker.
    Inside a scan the two bytes of the marker cannot occur (ITU-T T.81, B.1.1.5).
    """
    if not data.startswith(_JPEG):
        return False
    at = len(_JPEG)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return False  # not a JPEG, or one with odd bytes between its segments: the decoder will report it
        kind = data[at + 1]
        if kind == 0xFF:  # fill byte
            at += 1
        elif kind in _MARKERS_WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            if kind == _START_OF_SCAN:
                return data.find(_END_OF_IMAGE, at) < 0
    return True


def is_torn_png(data: bytes) -> bool:
    """Whether a chunk of a PNG states more bytes than follow.

    OpenCV takes memory for the stated bytes before it reads them: up to four gigabytes for one damaged byte. Chunks are laid out as
    in ISO/IEC 15948, 5.3.
    """
    if not data.startswith(_PNG):
        return False
    at = len(_PNG)
    kind = b""
    while at + 8 <= len(data) and kind != b"IEND":  # some writers pad the end
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        at += 12 + length  # length, kind and checksum take 4 bytes each
    return at > len(data)


Size = tuple[int, int]
"""Width and height in pixels."""

_TAIL = 64
"""Bytes at the end of a file that hold its end marker, unless a writer padded it."""
_END_MARKERS = {"JPEG": _END_OF_IMAGE, "PNG": b"IEND"}
_LENGTH_IN_BMP = slice(2, 6)
"""Bytes of a BMP that state its length."""
_DEEP_MODES = ("I", "F")
"""Pillow's modes with more than 8 bits a channel begin so: `I`, `I;16`, `F`."""
# Tags of TIFF and Exif.
_WIDTH = 0x100
_HEIGHT = 0x101
_ORIENTATION = 0x112
_ON_ITS_SIDE = (5, 6, 7, 8)
"""Orientations that swap height and width."""


class BadImageError(DataError):
    """Why an image cannot serve as a frame."""


def image_size(path: Path) -> Size:
    """Width and height of an image as `read_image` gives it, without decoding.

    They come from its header and its end.

    Partial copies are detected: JPEG and PNG files end with a marker, and BMP and WebP files state their length. Damage
    in the middle is not; only decoding a PNG shows it (see `read_image`).

    Raises:
        BadImageError: it is empty, no image, truncated, or has more than 8 bits a channel.
    """
    try:
        with open_plain(path, IMAGE_BYTES) as file:
            length = file.seek(0, 2)
            if not length:
                raise BadImageError("is empty (0 bytes)")
            with _opened(file) as image:
                if image.mode.startswith(_DEEP_MODES):
                    raise BadImageError("has more than 8 bits a channel")
                if _is_cut_off(file, image.format or "", length):
                    raise BadImageError("is truncated (its end is missing)")
                return _displayed_size(image)
    except OSError as error:
        raise BadImageError(f"cannot be read ({error.strerror or error})") from None


def _is_cut_off(file: BinaryIO, form: str, length: int) -> bool:
    """Whether the end of an image file is missing; False for formats that do not show it.

    Args:
        file: opened file.
        form: format of the image as Pillow names it.
        length: length of the file in bytes.
    """
    if form == "BMP":
        stated_length = int.from_bytes(_read_from(file, 0)[_LENGTH_IN_BMP], "little")
        return stated_length > length
    end_marker = _END_MARKERS.get(form, b"")
    if end_marker in _read_from(file, max(length - _TAIL, 0)):
        return False
    whole = _read_from(file, 0)  # some writers pad the end
    return is_truncated_jpeg(whole) if form == "JPEG" else end_marker not in whole


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Image.Image]:
    """An image with its header read and no pixel decoded.

    Raises:
        BadImageError: it is no image, has another format, is damaged, holds several pictures, or more than
            `IMAGE_PIXELS`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own, about many pixels and odd headers
        try:
            image = Image.open(file, formats=_FORMS)
        except UnidentifiedImageError:
            file.seek(0)
            start = file.read(12)
            other = next((name for sign, name in _OTHER_FORMS.items() if sign in start), "")
            raise BadImageError(f"is {other}: {_AS_PNG}" if other else "is damaged or not an image") from None
        except Image.DecompressionBombError:
            raise BadImageError(f"has more than {IMAGE_PIXELS:,} pixels") from None
        except Exception as error:  # of a damaged header anything may come
            raise BadImageError(f"cannot be read ({' '.join(str(error).split()) or type(error).__name__})") from None
    with image:
        refuse_if(
            (
                image.format in ("PNG", "TIFF", "WEBP") and getattr(image, "is_animated", False),
                f"holds several pictures: {_AS_PNG}",
            ),
            (
                image.width * image.height > IMAGE_PIXELS,
                f"has {image.width} x {image.height} pixels, expected at most {IMAGE_PIXELS:,}",
            ),
            error=BadImageError,
        )
        yield image


def decoded_size(path: Path) -> Size:
    """Width and height of an image by decoding it, which shows more damage than `image_size`.

    Raises:
        BadImageError: the image does not decode.
    """
    try:
        height, width = read_image(path, color=False).shape[:2]
    except DataError as error:
        raise BadImageError(str(error).removeprefix(f"the image {path} ")) from None
    return width, height


def _displayed_size(image: Image.Image) -> Size:
    """Width and height after rotation by the orientation tag.

    OpenCV, which decodes, follows the tags of Exif and TIFF, but not of XMP or of damaged data. Exif after the pixels
    of a PNG, which OpenCV follows, too, is not searched.
    """
    if isinstance(image, TiffImageFile):  # versions of Pillow differ in whether its `size` is turned
        tags = image.tag_v2
        width = tags[_WIDTH]
        height = tags[_HEIGHT]
        orientation = tags.get(_ORIENTATION)
    else:
        width, height = image.size
        orientation = None
        exif = Image.Exif()
        with warnings.catch_warnings(), suppress(Exception):  # of damaged data anything may come
            warnings.simplefilter("ignore")
            exif.load(image.info.get("exif", b""))
            orientation = exif.get(_ORIENTATION)
    return (height, width) if orientation in _ON_ITS_SIDE else (width, height)


def _read_from(file: BinaryIO, origin: int) -> bytes:
    """The rest of a file from an origin."""
    file.seek(origin)
    return file.read()
