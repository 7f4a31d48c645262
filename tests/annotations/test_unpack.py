"""Archives and video files as folders of images: nothing is lost, nothing leaves its folder."""

import errno
import io
import shutil
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mebench.annotations import unpack as frames_unpack
from mebench.errors import ConfigError, DataError
from mebench.frames import FolderFrames, VideoFrames
from tests.cli.conftest import mebench

__all__ = ["mebench"]


def write_avi(path, n=12):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (48, 32))
    for index in range(n):
        writer.write(np.random.default_rng(index).integers(0, 255, (32, 48, 3), np.uint8))
    writer.release()


def test_unpack_writes_lossless_images_of_a_video(tmp_path):
    write_avi(tmp_path / "rawvideo/s15/15_0101.avi")
    (done,) = frames_unpack.unpack_recordings(tmp_path, tmp_path / "frames")
    assert done.folder == tmp_path / "frames/rawvideo/s15/15_0101"
    assert (done.n, done.fps, done.names, done.before) == (12, 25.0, ("00001.png", "00012.png"), False)
    video = VideoFrames(done.source)
    images = FolderFrames(done.folder)
    assert images.numbers == tuple(range(1, 13))
    np.testing.assert_array_equal([*map(images.__getitem__, range(12))], [*map(video.__getitem__, range(12))])
    (again,) = frames_unpack.unpack_recordings(
        tmp_path, tmp_path / "frames"
    )  # what was written is no source, and is left alone
    assert again.before
    assert again.n == 12
    (again,) = frames_unpack.unpack_recordings(tmp_path, tmp_path / "frames", first=0)
    assert (again.n, again.names, again.before) == (12, ("00001.png", "00012.png"), True)  # as they are called
    (other,) = frames_unpack.unpack_recordings(done.source, tmp_path / "from0", first=0)
    assert other.names == ("00000.png", "00011.png")
    with pytest.raises(ConfigError, match="--first must be 0 or more"):
        next(frames_unpack.unpack_recordings(done.source, tmp_path / "negative", first=-1))


@pytest.mark.parametrize("ending", ["zip", "tar.gz", "tar"])
def test_unpack_opens_archives_in_archives(tmp_path, ending):
    write_avi(tmp_path / "made/s15/a.avi")
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.write(tmp_path / "made/s15/a.avi", "a.avi")
    source = tmp_path / "source" / f"CASME2.{ending}"
    source.parent.mkdir()
    if ending == "zip":
        with zipfile.ZipFile(source, "w") as archive:
            archive.write(tmp_path / "inner.zip", "sub01/inner.zip")
    else:
        with tarfile.open(source, "w:gz" if ending == "tar.gz" else "w") as archive:
            archive.add(tmp_path / "inner.zip", "sub01/inner.zip")
    done = list(frames_unpack.unpack_recordings(source.parent, tmp_path / "out"))

    assert [one.source.name for one in done] == [source.name, "inner.zip", "a.avi"]
    assert done[-1].folder == tmp_path / "out/CASME2/sub01/inner/a"
    assert done[-1].n == 12
    assert not list((tmp_path / "out").rglob(".*"))


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:evil.txt"])
@pytest.mark.parametrize("ending", ["zip", "tar"])
def test_unpack_refuses_paths_that_lead_out(tmp_path, name, ending):
    source = tmp_path / "in" / f"x.{ending}"
    source.parent.mkdir()
    if ending == "zip":
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("good.txt", "x")
            archive.writestr(name, "x")
    else:
        with tarfile.open(source, "w") as archive:
            entry = tarfile.TarInfo(name)
            entry.size = 1
            archive.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(DataError, match=r"out of the target, so nothing of it is unpacked"):
        list(frames_unpack.unpack_recordings(source.parent, tmp_path / "out"))

    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.rglob("evil*"))


def test_unpack_refuses_links_bombs_and_twins(tmp_path):
    link, bomb, twins = (tmp_path / f"{name}.tar" for name in ("link", "bomb", "twins"))
    with tarfile.open(link, "w") as archive:
        entry = tarfile.TarInfo("x")
        entry.type = tarfile.SYMTYPE
        entry.linkname = "/etc/passwd"
        archive.addfile(entry)
    with zipfile.ZipFile(bomb.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"")
    claimed = bytearray(bomb.with_suffix(".zip").read_bytes())
    place = claimed.rindex(b"PK\1\2") + 24  # the size that the list of contents claims
    claimed[place : place + 4] = (2**31).to_bytes(4, "little")
    bomb.with_suffix(".zip").write_bytes(claimed)

    with tarfile.open(twins, "w") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("img1.jpg"))
    for path, words in (
        (link, "a link or a path out of the target"),
        (
            bomb.with_suffix(".zip"),
            r"would unpack to 1 files of 2\.0 GiB, but at most 1\.0 are left for this command",
        ),
        (twins, r"holds img1\.jpg twice"),
    ):
        with pytest.raises(DataError, match=words):
            list(frames_unpack.unpack_recordings(path, tmp_path / "out"))


def test_unpack_says_what_it_cannot_open(tmp_path):
    places: dict[str, Path] = {name: tmp_path / name for name in ("clips.rar", "broken.zip", "locked.zip", "notes.txt")}
    for path in places.values():
        path.write_bytes(b"PK\3\4 and no more")
    with zipfile.ZipFile(places["locked.zip"], "w") as archive:
        archive.writestr("a", "x")
    locked = bytearray(places["locked.zip"].read_bytes())
    for head, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        locked[locked.index(head) + offset] |= 1
    places["locked.zip"].write_bytes(locked)
    for name, words in (
        ("clips.rar", r"7z x clips\.rar"),
        ("broken.zip", r"broken\.zip cannot be unpacked .* copy it again"),
        ("locked.zip", r"is encrypted: unpack it with 7z x locked\.zip"),
        ("notes.txt", "holds nothing to unpack"),
    ):
        with pytest.raises(DataError, match=words):
            list(frames_unpack.unpack_recordings(places[name], tmp_path / "out"))
    with pytest.raises(DataError, match="there is no file or folder"):
        list(frames_unpack.unpack_recordings(tmp_path / "gone", tmp_path / "out"))


IMAGES = [np.random.default_rng(n).bytes(20_000) for n in range(3)]


def packed(ending):
    """Three images as an archive of some kind, and where the second one's header begins before it is compressed."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{ending}") as archive:
        for n, image in enumerate(IMAGES):
            entry = tarfile.TarInfo(f"s/img{n}.jpg")
            entry.size = len(image)
            archive.addfile(entry, io.BytesIO(image))
    return bytearray(file.getvalue()), 512 + -(-len(IMAGES[0]) // 512) * 512


@pytest.mark.parametrize("damage", ["bit.gz", "bit.bz2", "bit.xz", "half.gz", "header.", "cut.", "cut in a header."])
def test_unpack_of_damaged_archive_leaves_nothing_behind(tmp_path, damage):
    what, ending = damage.split(".")
    raw, second = packed(ending)
    if what == "bit":
        raw[len(raw) // 2] ^= 0xFF
    elif what == "header":
        raw[second + 10] ^= 0xFF
    else:
        del raw[{"half": len(raw) // 2, "cut": second, "cut in a header": second + 100}[what] :]
    source = tmp_path / f"frames.tar{ending and '.'}{ending}"
    source.write_bytes(raw)
    with pytest.raises(DataError, match=r"frames\.tar\S* cannot be unpacked \(.+\): copy it again"):
        list(frames_unpack.unpack_recordings(source, tmp_path / "out"))
    assert not (tmp_path / "out/frames").exists()
    source.write_bytes(packed(ending)[0])
    (done,) = frames_unpack.unpack_recordings(source, tmp_path / "out")
    assert [(done.folder / f"s/img{n}.jpg").read_bytes() for n in range(3)] == IMAGES


def test_unpack_refuses_name_of_both_file_and_folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("s", "x")
        archive.writestr("s/a.jpg", "x")
    with pytest.raises(DataError, match=r"a\.zip cannot be unpacked"):
        list(frames_unpack.unpack_recordings(tmp_path, tmp_path / "out"))


@pytest.mark.parametrize("other", ["a.mp4", "a.zip"])
def test_unpack_refuses_two_files_of_one_name(tmp_path, other):
    write_avi(tmp_path / "a.avi")
    (tmp_path / "a.mp4").write_bytes((tmp_path / "a.avi").read_bytes())
    if other == "a.zip":
        with zipfile.ZipFile(tmp_path / other, "w") as archive:
            archive.write((tmp_path / "a.mp4").rename(tmp_path / "b.mp4"), "b.mp4")
    first, second = ("a.avi", other) if other == "a.mp4" else (other, "a.avi")
    with pytest.raises(DataError, match=rf"{first} and .*{second} would both become"):
        list(frames_unpack.unpack_recordings(tmp_path, tmp_path / "out"))


@pytest.mark.parametrize("there", ["empty", "another's frames", "no images"])
def test_unpack_counts_only_own_frames_in_an_old_folder(tmp_path, there):
    write_avi(tmp_path / "clip.avi")
    folder = tmp_path / "out" / "clip"
    folder.mkdir(parents=True)
    for number in range(9, 12):
        if there == "another's frames":
            cv2.imwrite(str(folder / f"img{number}.jpg"), np.zeros((32, 48, 3), np.uint8))
        elif there == "no images":
            (folder / f"clip{number}").mkdir()
    before = sorted(folder.iterdir())
    if there == "another's frames":
        (done,) = frames_unpack.unpack_recordings(tmp_path, tmp_path / "out")
        assert (done.n, done.names, done.before) == (3, ("img9.jpg", "img11.jpg"), True)
    else:
        with pytest.raises(
            DataError, match=r"out/clip holds no frames: .*clip\.avi would be unpacked into it: move one"
        ):
            list(frames_unpack.unpack_recordings(tmp_path, tmp_path / "out"))
    assert sorted(folder.iterdir()) == before


@pytest.fixture
def archive(tmp_path):
    """An archive of two files of 2 MiB each."""
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w") as file:
        for n in range(2):
            file.writestr(f"{n}.jpg", bytes(2 << 20))
    return tmp_path / "in" / "a.zip"


@pytest.fixture
def free(monkeypatch, tmp_path):
    """Free bytes on the disk where archives lie, and on that where they are unpacked to."""
    room = {"in": 0, "out": 0}

    def usage(path):
        return SimpleNamespace(free=room["in" if Path(path).is_relative_to(tmp_path / "in") else "out"])

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return room


def test_unpack_needs_room_where_files_will_lie(archive, free, tmp_path):
    free.update({"in": 1 << 30, "out": (4 << 20) - 100_000})
    with pytest.raises(DataError, match=r"a\.zip unpacks to 4\.0 MiB, and 3\.9 are free in .*: make room"):
        list(frames_unpack.unpack_recordings(archive, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    free.update({"in": 0, "out": 4 << 20})
    (done,) = frames_unpack.unpack_recordings(archive, tmp_path / "out")
    free["out"] = 0
    (again,) = frames_unpack.unpack_recordings(archive, tmp_path / "out")
    assert (done.n, done.before, again.n, again.before) == (2, False, 2, True)


@pytest.mark.parametrize("name", ["a.zip", "clip.avi"])
def test_unpack_on_a_full_disk_leaves_nothing(tmp_path, archive, monkeypatch, name):
    if name == "clip.avi":
        write_avi(tmp_path / "in" / name)
        archive.unlink()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        DataError, match=rf"the disk of .* is full, and nothing of .*{name} is kept: make room and unpack again"
    ):
        list(frames_unpack.unpack_recordings(tmp_path / "in", tmp_path / "out"))
    assert not list((tmp_path / "out").rglob("*"))


def test_unpack_takes_folders_of_windows(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("s01\\", "s01\\ep1\\", "s01\\ep1\\1.jpg"):
            entry = zipfile.ZipInfo("x")
            entry.filename = name  # as it is, on every system
            archive.writestr(entry, b"x" if name.endswith("jpg") else b"")
    (done,) = frames_unpack.unpack_recordings(tmp_path, tmp_path / "out")
    found = [path.relative_to(done.folder) for path in done.folder.rglob("*") if path.is_file()]

    assert done.n == 1
    assert found == [Path("s01/ep1/1.jpg")]


@pytest.mark.parametrize("name", ["a.zip", "clip.avi"])
@pytest.mark.parametrize("kind", ["file", "link to nothing", "file above"])
def test_unpack_names_what_lies_in_place_of_a_folder(tmp_path, archive, monkeypatch, name, kind):
    write_avi(tmp_path / "in" / "clip.avi")
    place = tmp_path / "out" if kind == "file above" else tmp_path / "out" / Path(name).stem
    place.parent.mkdir(exist_ok=True)
    if kind == "link to nothing":
        place.symlink_to("gone")
    else:
        place.write_text("notes")
    monkeypatch.setattr(VideoFrames, "__getitem__", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(
        DataError, match=rf"{name} would become the folder .*, but {place} is not a folder: move it away"
    ):
        list(frames_unpack.unpack_recordings(tmp_path / "in" / name, tmp_path / "out"))

    assert place.is_symlink() or place.read_text() == "notes"
    assert not list(tmp_path.rglob(".*"))


def test_unpack_names_what_is_no_archive(tmp_path):
    (tmp_path / "text.tar.gz").write_text("hello")
    with pytest.raises(
        DataError, match=r"text.tar.gz .*\(it is not an archive, or its beginning is damaged\): copy it again"
    ):
        list(frames_unpack.unpack_recordings(tmp_path / "text.tar.gz", tmp_path / "out"))


def test_unpack_has_one_budget_for_a_command(tmp_path, monkeypatch):
    """Archives in archives would multiply what each may grow to."""
    monkeypatch.setattr("mebench.annotations.unpack.ARCHIVE_BYTES", 3_000_000)
    monkeypatch.setattr("mebench.annotations.unpack.ARCHIVE_RATIO", 1)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2_000_000))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w") as archive:
        for n in range(4):
            archive.writestr(f"{n}.zip", inner.getvalue())
    done = []
    with pytest.raises(DataError, match=r"1\.zip would unpack to 1 files of .* are left for this command"):
        done += frames_unpack.unpack_recordings(tmp_path / "bomb.zip", tmp_path / "out")
    failed: dict[Path, str] = {}
    done = [*frames_unpack.unpack_recordings(tmp_path / "bomb.zip", tmp_path / "others", failed=failed)]

    assert len(done) == 2  # the outer one, and the first in it
    assert [*failed.values()][1:] == [frames_unpack.SPENT] * 2


@pytest.mark.parametrize(
    ("name", "message"),
    [("a" * 300, "a name of 300 letters"), ("a/" * 2000 + "b", "a name of 4001 letters"), ("a\x1b[2Jb", r"holds the name 'a\\x1b"),
     ("a\u202eb", "signs that a terminal obeys")],
)  # fmt: skip
def test_unpack_refuses_names_that_no_file_should_have(tmp_path, name, message):
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(DataError, match=message):
        list(frames_unpack.unpack_recordings(tmp_path / "odd.zip", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_unpack_goes_on_past_a_bad_file(tmp_path, mebench):
    write_avi(tmp_path / "in/good.avi")
    (tmp_path / "in/bad.zip").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "in/text.mp4").write_bytes(b"a text")
    code, out, err = mebench("data", "unpack", tmp_path / "in", "-o", tmp_path / "out")
    assert code == 5
    assert "12 frames" in out
    assert "2 files of 3 could not be unpacked" in err
    assert "bad.zip cannot be unpacked" in err
    assert "text.mp4 cannot be opened" in err
    code, _, err = mebench("data", "unpack", tmp_path / "in/text.mp4", "-o", tmp_path / "other")
    assert code == 3
    assert err.count("text.mp4 cannot be opened") == 1


def test_unpack_names_a_linked_folder_and_goes_on(tmp_path):
    for folder in ("here", "elsewhere"):
        write_avi(tmp_path / folder / "film.avi", 4)
    (tmp_path / "here" / "more").symlink_to(tmp_path / "elsewhere")
    failed = {}
    (done,) = frames_unpack.unpack_recordings(tmp_path / "here", tmp_path / "out", failed=failed)
    assert done.n == 4
    assert list(failed) == [tmp_path / "here" / "more"]
    assert f"is a link to the folder {tmp_path / 'elsewhere'}, which is not followed" in str(failed)
