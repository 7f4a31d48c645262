import contextlib
import io
import os
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from mebench.errors import DataError
from mebench.frames import images
from mebench.frames.images import BadImageError, image_size, read_image
from tests.helpers.refusals import refusal


def picture(height=48, width=64):
    y, x = np.mgrid[:height, :width]
    return np.stack([2 * x, 3 * y, x + y], axis=-1).astype(np.uint8)


def saved(path, image):
    assert cv2.imwrite(str(path), image)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.TIFF", "b with blanks é.png"])
def test_read_image_of_lossless_files_is_exact(tmp_path, name):
    np.testing.assert_array_equal(read_image(saved(tmp_path / name, picture())), picture())


def test_read_image_orders_blue_green_red(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "rgb.png")  # Pillow writes red, green, blue
    np.testing.assert_array_equal(read_image(tmp_path / "rgb.png"), picture()[..., ::-1])


def test_read_image_decodes_gray_as_opencv(tmp_path):
    path = saved(tmp_path / "a.jpg", picture())
    np.testing.assert_array_equal(read_image(path, color=False), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


def test_read_image_repeats_gray_in_colour(tmp_path):
    gray = picture()[..., 0]
    found = read_image(saved(tmp_path / "gray.png", gray))
    np.testing.assert_array_equal(found, np.repeat(gray[..., None], 3, axis=2))


def test_read_image_drops_alpha(tmp_path):
    alpha = np.full((48, 64, 1), 9, np.uint8)
    found = read_image(saved(tmp_path / "alpha.png", np.dstack([picture(), alpha])))
    np.testing.assert_array_equal(found, picture())


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_read_image_refuses_truncated_jpegs(tmp_path, kept):
    path = saved(tmp_path / "img7.jpg", picture())
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(DataError, match=r"img7\.jpg is truncated"):
        read_image(path)


def jpeg(**options):
    buffer = io.BytesIO()
    Image.fromarray(picture(200, 240)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def test_is_truncated_jpeg_ignores_thumbnails():
    """The header's thumbnail is a whole JPEG with an end marker of its own."""
    thumbnail = jpeg(quality=10)
    data = jpeg()
    header = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = data[:2] + header + data[2:]
    assert not images.is_truncated_jpeg(whole)
    assert images.is_truncated_jpeg(whole[:-400])


def test_is_torn_png_finds_chunks_longer_than_the_file():
    """What stands behind the last chunk does not matter."""
    whole = cv2.imencode(".png", picture())[1].tobytes()
    place = whole.index(b"IDAT") - 4
    assert not images.is_torn_png(whole)
    assert not images.is_torn_png(whole + b"\x7f" * 30)
    assert images.is_torn_png(whole[:place] + b"\x7f" + whole[place + 1 :])
    assert all(images.is_torn_png(whole[:length]) for length in range(place + 8, len(whole) - 12))
    assert not images.is_torn_png(b"\xff\xd8")


def test_read_image_lets_opencv_take_no_memory_for_a_torn_png(tmp_path, monkeypatch):
    """It would take two gigabytes for this byte."""
    whole = bytearray(cv2.imencode(".png", picture())[1].tobytes())
    whole[whole.index(b"IDAT") - 4] = 0x7F
    (tmp_path / "a.png").write_bytes(whole)
    monkeypatch.setattr(images.cv2, "imdecode", lambda *_: pytest.fail("OpenCV was asked"))
    with pytest.raises(DataError, match="cannot be decoded: it is damaged"):
        read_image(tmp_path / "a.png")


def test_is_truncated_jpeg_allows_fill_bytes_before_a_marker():
    """Any number of 0xFF may stand before a marker (ITU-T T.81, B.1.1.2)."""
    data = jpeg()
    filled = data[:2] + b"\xff\xff\xff" + data[2:]
    assert Image.open(io.BytesIO(filled)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    assert not images.is_truncated_jpeg(filled)
    assert images.is_truncated_jpeg(filled[:-400])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100, "optimize": True}])
def test_is_truncated_jpeg_allows_bytes_after_the_end(options):
    data = jpeg(**options)
    assert not images.is_truncated_jpeg(data)
    assert not images.is_truncated_jpeg(data + b"\0" * 512)
    assert images.is_truncated_jpeg(data[:-2] + b"\0" * 512)  # a copy that was cut off and padded
    for length in range(2, 600, 7):  # within the headers
        assert images.is_truncated_jpeg(data[:length])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"img1\.png is empty"),
        (b"no image at all", r"img1\.png cannot be decoded"),
        (b"\x89PNG\r\n", "cannot be decoded"),
    ],
)
def test_read_image_names_what_is_no_image(tmp_path, content, message):
    (tmp_path / "img1.png").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_image(tmp_path / "img1.png")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "webp"])
def test_read_image_refuses_other_truncated_images(tmp_path, ending, kept):
    path = saved(tmp_path / f"a.{ending}", picture())
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(DataError, match=rf"a\.{ending} cannot be decoded"):
        read_image(path)


@pytest.mark.parametrize("color", [True, False])
def test_read_image_refuses_sixteen_bits(tmp_path, color):
    path = saved(tmp_path / "deep.png", picture().astype(np.uint16) * 257)
    with pytest.raises(DataError, match=r"deep\.png holds uint16 values .* mogrify -depth 8 \*\.png"):
        read_image(path, color)


def test_read_image_names_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"gone\.jpg cannot be read: No such file"):
        read_image(tmp_path / "gone.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_read_image_names_a_file_without_permission(tmp_path):
    path = saved(tmp_path / "locked.png", picture())
    path.chmod(0)
    with pytest.raises(DataError, match=r"locked\.png cannot be read: Permission denied"):
        read_image(path)


def png_header(width, height):
    """A PNG that says its size and holds next to nothing."""
    ihdr = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    chunks = [ihdr, b"IDAT" + zlib.compress(bytes(1000)), b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big") for chunk in chunks
    )


@pytest.mark.parametrize("size", [(20_000, 20_000), (2**31 - 1, 2**31 - 1), (2**30, 1)])
def test_read_image_and_image_size_refuse_giants_undecoded(tmp_path, monkeypatch, size):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    (tmp_path / "a.png").write_bytes(png_header(*size))
    for read, error in ((read_image, DataError), (image_size, BadImageError)):
        with pytest.raises(error, match=r"(pixels, expected at|has more than .* pixels)"):
            read(tmp_path / "a.png")


def test_read_image_and_image_size_wait_for_no_pipe(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    for read, error in ((read_image, DataError), (image_size, BadImageError)):
        with pytest.raises(error, match="not a plain file"):
            read(tmp_path / "a.png")


@given(st.sampled_from([".png", ".jpg", ".bmp", ".webp", ".tif"]), st.data())
def test_read_image_refuses_or_reads_any_damage(ending, data):
    """Bytes of a good image changed, cut and repeated at random: an image of three channels comes out, or one sentence."""
    whole = bytearray(cv2.imencode(ending, picture())[1].tobytes())
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=6)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)) | st.just(len(whole)))
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        Path(file.name).write_bytes(whole[:cut] + data.draw(st.binary(max_size=3)))

        def read_three_channels():
            assert read_image(Path(file.name)).shape[2] == 3

        message = refusal(read_three_channels, DataError)
        assert message is None or file.name in message
        with contextlib.suppress(BadImageError):
            image_size(Path(file.name))


def drawn(color="RGB"):
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    return Image.fromarray(noise).convert(color)


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_read_image_and_image_size_refuse_several_pictures(tmp_path, ending):
    file = tmp_path / f"img1.{ending}"
    drawn().save(file, save_all=True, append_images=[drawn().rotate(180)])
    for color in (True, False):
        with pytest.raises(DataError, match=r"holds several pictures: write each frame as a PNG of its own$"):
            read_image(file, color)
    with pytest.raises(BadImageError, match="several pictures"):
        image_size(file)


@pytest.mark.parametrize(("form", "name"), [("GIF", "a GIF"), ("JPEG2000", "JPEG 2000")])
def test_read_image_names_other_formats(tmp_path, form, name):
    drawn().save(tmp_path / "img1.png", format=form)
    with pytest.raises(DataError, match=f"it is {name}: write each frame as a PNG"):
        read_image(tmp_path / "img1.png")


def test_read_image_refuses_fractions(tmp_path, capfd):
    Image.fromarray(np.random.default_rng(0).random((4, 6), np.float32)).save(tmp_path / "img1.tif")
    for color in (True, False):
        with pytest.raises(DataError, match="holds float32 values and frames must hold 8 bits"):
            read_image(tmp_path / "img1.tif", color)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("color", ["CMYK", "1", "P", "LA", "RGBA", "L"])
def test_read_image_shows_pixels_as_a_viewer(tmp_path, color):
    picture = drawn(color)
    ending = "tif" if color == "CMYK" else "png"
    picture.save(tmp_path / f"img1.{ending}")
    shown = np.asarray(picture.convert("RGB"))[:, :, ::-1]
    assert np.abs(read_image(tmp_path / f"img1.{ending}").astype(int) - shown).max() <= 1
