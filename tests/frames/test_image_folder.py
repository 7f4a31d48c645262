import pickle
import random
from datetime import datetime, timedelta

import cv2
import numpy as np
import pytest

from mebench.errors import DataError
from mebench.frames import FolderFrames, image_folder
from mebench.frames.images import read_image


@pytest.fixture
def write(tmp_path):
    """Writes one image a name, in any order; the gray value is its place in the order given."""

    def into(names, at="video"):
        (tmp_path / at).mkdir(exist_ok=True)
        order = list(enumerate(names))
        random.Random(1).shuffle(order)
        for value, name in order:
            data = cv2.imencode(".png", np.full((4, 6, 3), value, np.uint8))[1]
            (tmp_path / at / name).write_bytes(data.tobytes())
        return tmp_path / at

    return into


@pytest.mark.parametrize(
    "names",
    [
        ["006_1_0001.png", "006_1_0999.png", "006_1_9999.png", "006_1_10000.png", "006_1_10001.png"],  # SAMM-LV
        ["img1.png", "img2.png", "img9.png", "img10.png", "img100.png"],  # CASME II
        ["name 2.png", "name 9.PNG", "name 12.Png"],  # SMIC, with blanks
        ["image 998.png", "image 999.png", "image1000.png"],  # numbers that blanks pad
        ["1 9.png", "1 10.png", "2 1.png"],  # two numbers
        ["IMG1.png", "img2.png", "Img3.png"],
        ["face a.png", "face b.png"],
    ],
)
def test_FolderFrames_come_in_natural_order(write, names):
    frames = FolderFrames(write(names))
    assert frames.names == tuple(names)
    assert [int(frames[i].max()) for i in range(len(frames))] == list(range(len(names)))


def test_FolderFrames_know_length_without_decoding(write, monkeypatch):
    where = write(["1.png", "2.png", "3.png"])
    monkeypatch.setattr(image_folder, "read_image", lambda *_: pytest.fail("decoded"))
    frames = FolderFrames(where)
    assert len(frames) == 3
    frames.fingerprint()


def test_FolderFrames_are_colour_or_gray(write):
    where = write(["1.png"])
    assert FolderFrames(where)[0].shape == (4, 6, 3)
    assert FolderFrames(where, color=False)[0].shape == (4, 6)


def test_FolderFrames_skip_other_files(write):
    where = write(["img1.png", "img2.png"])
    for name in (".DS_Store", "._img1.png", "Thumbs.db", "img3.txt"):
        (where / name).write_bytes(b"x")
    assert len(FolderFrames(where)) == 2
    assert FolderFrames(where, pattern="IMG2*").names == ("img2.png",)


def test_FolderFrames_skip_images_of_other_names(write):
    frames = FolderFrames(write(["006_1_0001.png", "006_1_0002.png", "006_1_0003.png", "006_1_0004.png", "cover.png"]))
    assert (len(frames), frames.numbers, frames.strays) == (4, (1, 2, 3, 4), ("cover.png",))
    numbered = FolderFrames(write(["b1.png", "b2.png", "b3.png", "b4.png", "b5.png", "thumbnail 7.png"], "numbered"))
    assert (numbered.numbers, numbered.strays) == ((1, 2, 3, 4, 5), ("thumbnail 7.png",))
    mixed = FolderFrames(write(["a1.png", "a2.png", "b3.png"], "mixed"))  # nobody could say which are the frames
    assert (mixed.numbers, mixed.strays) == ((1, 2, 3), ())


@pytest.mark.parametrize("padded", [1, 9])
def test_FolderFrames_take_numbers_padded_by_blanks(write, padded):
    """The few shorter numbers of a long recording, or the few longer ones, as `%5d` writes them."""
    numbers = range(10_000 - padded, 10_010 - padded)
    frames = FolderFrames(write([f"image{number:5d}.png" for number in numbers]))
    assert (frames.numbers, frames.strays) == (tuple(numbers), ())


def test_FolderFrames_take_times_of_day_as_numbers(write):
    begin = datetime(2020, 2, 3, 13, 45, 58, 150_000)
    stamps = [begin + n * timedelta(milliseconds=30) for n in range(100)]  # into the next minute
    names = [f"{t:%H-%M-%S}-{t.microsecond // 1000}.png" for t in stamps]
    frames = FolderFrames(write([*names, "cover.png", "13-45-59-10 (2).png"]))
    assert (frames.names, frames.strays) == (tuple(names), ("13-45-59-10 (2).png", "cover.png"))


def test_FolderFrames_give_file_numbers(write):
    frames = FolderFrames(write(["006_1_0003.png", "006_1_0004.png", "006_1_0006.png", "006_1_10000.png"]))
    assert frames.numbers == (3, 4, 6, 10000)


def test_FolderFrames_name_breaks_in_their_numbers(write):
    numbers = [1, 2, 3, 7, 8, 10]
    assert FolderFrames(write([f"a{n}.png" for n in numbers])).breaks == [
        (3, 3, "files 4 to 6 are missing"),
        (5, 1, "file 9 is missing"),
    ]
    steps = [f"b{5 * n}.png" for n in numbers]
    assert [(one.frame, one.missing) for one in FolderFrames(write(steps, "steps")).breaks] == [(3, 3), (5, 1)]
    assert FolderFrames(write(["c.png", "d.png"], "letters")).breaks == []


def test_FolderFrames_allow_equal_and_missing_numbers(write):
    assert FolderFrames(write(["a1.png", "b1.png", "cover.png"])).numbers == (1, 1, None)


def test_file_number_is_the_last_digits_before_the_ending():
    assert image_folder.file_number("s01_ne_01_image559700.jp2") == 559700


def test_FolderFrames_fingerprint_holds_names_sizes_and_bytes(write):
    names = [f"{n}.png" for n in range(7)]
    prints = {FolderFrames(write(names)).fingerprint()}
    assert FolderFrames(write(names, "copy")).fingerprint() in prints  # the place does not matter
    prints.add(FolderFrames(write(names), color=False).fingerprint())
    prints.add(FolderFrames(write([*names[:-1], "8.png"], "renamed")).fingerprint())
    for changed in (0, 3, 6):
        path = write(names, f"changed{changed}") / names[changed]
        data = bytearray(path.read_bytes())
        data[-20] ^= 1  # same size
        path.write_bytes(data)
        prints.add(FolderFrames(path.parent).fingerprint())
    longer = write(names, "longer") / names[1]
    longer.write_bytes(longer.read_bytes() + b"x")
    prints.add(FolderFrames(longer.parent).fingerprint())
    assert len(prints) == 7


def test_FolderFrames_pickle(write):
    frames = FolderFrames(write(["1.png", "2.png"]), color=False)
    again = pickle.loads(pickle.dumps(frames))
    assert (again.fingerprint(), again[1].tolist()) == (frames.fingerprint(), frames[1].tolist())


def test_FolderFrames_refuse_an_index_outside(write):
    frames = FolderFrames(write(["1.png"]))
    for index in (1, -1):
        with pytest.raises(IndexError, match="frames 0 to 0"):
            frames[index]


def test_FolderFrames_name_wrong_folders(tmp_path, write):
    with pytest.raises(DataError, match=r"there is no folder .*absent"):
        FolderFrames(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no frames: expected images .*found 0 other files"):
        FolderFrames(tmp_path / "empty")
    with pytest.raises(DataError, match=r"holds no frames: expected images .* named x\*, found 1 other file, 1\.png"):
        FolderFrames(write(["1.png"]), pattern="x*")
    (tmp_path / "empty" / "EP01.AVI").touch()
    with pytest.raises(
        DataError,
        match=r"found 1 other file, EP01\.AVI \(give videos one by one, or unpack them with mebench data unpack\)",
    ):
        FolderFrames(tmp_path / "empty")
    (tmp_path / "video.mp4").write_bytes(b"x")
    with pytest.raises(DataError, match="is a file, not a folder"):
        FolderFrames(tmp_path / "video.mp4")


def test_FolderFrames_name_a_file_that_vanishes(write):
    where = write(["1.png", "2.png"])
    frames = FolderFrames(where)
    (where / "2.png").unlink()
    for ask in (frames.fingerprint, lambda: frames[1]):
        with pytest.raises(DataError, match=r"2\.png cannot be read"):
            ask()


def test_FolderFrames_equal_read_image(write):
    where = write(["1.png", "2.png"])
    np.testing.assert_array_equal(FolderFrames(where)[1], read_image(where / "2.png"))
