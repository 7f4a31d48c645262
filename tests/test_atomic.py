"""Files and folders that appear whole or not at all."""

import os

import pytest

from mebench import atomic
from mebench.atomic import new_folder, put_in_place, replace_file, whole_file, whole_folder


@pytest.mark.parametrize("synced", [False, True])
def test_a_file_is_as_it_was_until_the_new_one_is_whole(tmp_path, synced):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole_file(path, synced=synced) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".csv"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]

    def write_half():
        with whole_file(path, synced=synced) as temporary:
            temporary.write_text("ha")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_written_with_its_folder(tmp_path):
    replace_file(tmp_path / "a" / "b.txt", "é")
    replace_file(tmp_path / "a" / "b.bin", b"1")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "é".encode()
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"1"


def test_what_is_no_file_is_never_replaced(tmp_path):
    """A device such as `/dev/full`, which a rename would take from the whole machine."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="what is there is no file"):
        replace_file(tmp_path / "pipe", b"1")
    assert (tmp_path / "pipe").is_fifo()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_is_whole_or_not_there(tmp_path):
    left = tmp_path / ".filling-a"
    (left / "half").mkdir(parents=True)

    def fill_half():
        with whole_folder(tmp_path / "a", ".filling-") as temporary:
            assert list(temporary.iterdir()) == []
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fill_half()
    assert list(tmp_path.iterdir()) == []
    with whole_folder(tmp_path / "deep" / "a") as temporary:
        (temporary / "file").touch()
    with pytest.raises(OSError, match="not empty"), whole_folder(tmp_path / "deep" / "a"):
        pass
    assert [path.name for path in (tmp_path / "deep").rglob("*")] == ["a", "file"]


def test_a_folder_takes_the_place_of_another_one(tmp_path):
    for name, content in (("made", "new"), ("place", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(content)
    put_in_place(tmp_path / "made", tmp_path / "place")
    assert (tmp_path / "place" / "a").read_text() == "new"
    (tmp_path / "third").mkdir()
    put_in_place(tmp_path / "third", tmp_path / "nowhere")
    assert (tmp_path / "nowhere").is_dir()
    assert not (tmp_path / "third").exists()


def test_a_folder_takes_the_place_of_another_one_where_names_cannot_be_exchanged(tmp_path, monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    test_a_folder_takes_the_place_of_another_one(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if "former" in path.name] == []


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_stays(tmp_path):
    left = tmp_path / ".site-abc"
    left.mkdir()
    (left / "index.html").touch()
    with new_folder(tmp_path, ".site-") as first:
        assert not left.exists()
        (first / "a").touch()
        with new_folder(tmp_path, ".site-") as second:
            assert (first / "a").is_file()
            assert second != first
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_that_another_process_sweeps_is_made_again(tmp_path, monkeypatch):
    """One that looks for what was left behind just between the making of the folder and its lock."""
    swept, lock = [], atomic.held

    def late(folder, wait=False):
        if not swept:
            swept.append(folder)
            folder.rmdir()
        return lock(folder, wait)

    monkeypatch.setattr(atomic, "held", late)
    with whole_folder(tmp_path / "a") as temporary:
        (temporary / "file").touch()
    assert temporary not in swept
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "file"]


def test_a_folder_is_filled_where_a_disk_has_no_locks_and_nothing_is_swept_there(tmp_path, monkeypatch):
    """As NFS, which locks no folder that is open for reading."""

    def none(*_):
        raise OSError(9, "Bad file descriptor")

    (tmp_path / ".writing-left").mkdir()
    monkeypatch.setattr("fcntl.flock", none)
    with whole_folder(tmp_path / "a") as temporary:
        (temporary / "file").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".writing-left", "a"]


def test_a_folder_has_the_mode_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_folder(tmp_path / "a"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750
