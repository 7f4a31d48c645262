"""Sizes and truncation from headers, against OpenCV's decoder."""

import cv2
import numpy as np
import pytest
from PIL import Image

from mebench.frames import images
from mebench.frames.images import BadImageError, image_size

PICTURE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (50, 70, 3)).astype(np.uint8), (0, 0), 2)
FORMATS = ("jpg", "png", "bmp", "webp", "tif")


@pytest.mark.parametrize("form", FORMATS)
def test_image_size_equals_decoded_size(tmp_path, form):
    file = tmp_path / f"a.{form}"
    cv2.imwrite(str(file), PICTURE)
    assert image_size(file) == images.decoded_size(file) == (70, 50)


def exif(orientation):
    found = Image.Exif()
    found[0x112] = orientation
    return found.tobytes()


@pytest.mark.parametrize("form", ["jpg", "png", "webp", "tif"])
def test_image_size_follows_the_orientation(tmp_path, form):
    """Cameras that are held upright write it so; 0 and 9 mean nothing."""
    for orientation in range(10):
        file = tmp_path / f"{orientation}.{form}"
        Image.fromarray(PICTURE).save(file, exif=exif(orientation))
        upright = orientation in (5, 6, 7, 8)
        assert image_size(file) == images.decoded_size(file) == ((50, 70) if upright else (70, 50)), orientation


@pytest.mark.parametrize("form", ["jpg", "png", "webp"])
@pytest.mark.parametrize(
    "about",
    [
        {"exif": b"Exif\0\0garbage"},
        {"exif": b"Exif\0\0MM"},
        {"exif": exif(6)[:20]},
        {"xmp": b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'},
    ],
    ids=["garbage", "two bytes", "half", "XMP"],
)
def test_image_size_ignores_unknown_orientations(tmp_path, form, about):
    file = tmp_path / f"a.{form}"
    Image.fromarray(PICTURE).save(file, **about)
    assert image_size(file) == images.decoded_size(file) == (70, 50)


@pytest.mark.parametrize("form", ["jpg", "png", "bmp", "webp"])
@pytest.mark.parametrize("kept", [0.99, 0.5])
def test_image_size_refuses_truncated_file(tmp_path, form, kept):
    file = tmp_path / f"a.{form}"
    cv2.imwrite(str(file), PICTURE)
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    with pytest.raises(BadImageError, match=r"truncated|cannot be read"):
        image_size(file)


def test_image_size_allows_bytes_after_the_end(tmp_path):
    file = tmp_path / "a.jpg"
    cv2.imwrite(str(file), PICTURE)
    file.write_bytes(file.read_bytes() + bytes(500))
    assert image_size(file) == (70, 50)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"no image", "damaged or not an image"), (b"\xff\xd8\xff\xe0", "damaged|cannot")],
)
def test_image_size_refuses_other_files(tmp_path, content, reason):
    file = tmp_path / "a.jpg"
    file.write_bytes(content)
    with pytest.raises(BadImageError, match=reason):
        image_size(file)


def test_image_size_refuses_more_than_8_bits(tmp_path):
    file = tmp_path / "a.png"
    cv2.imwrite(str(file), PICTURE[..., 0].astype(np.uint16) * 256)
    for measure in (image_size, images.decoded_size):
        with pytest.raises(BadImageError, match="8 bits"):
            measure(file)


def test_image_size_names_missing_file(tmp_path):
    with pytest.raises(BadImageError, match="No such file"):
        image_size(tmp_path / "a.jpg")
