"""Files and folders that appear whole or not at all."""

import errno
import os
import socket
import subprocess
import sys
import tempfile

import pytest

from mebench import atomic
from mebench.atomic import (
    new_folder,
    put_in_place,
    replace_file,
    scratch_folder,
    sweep_dead_sockets,
    synced_file,
    whole_folder,
)
from mebench.files import whole_file


@pytest.mark.parametrize("whole", [whole_file, synced_file])
def test_whole_file_keeps_old_content_until_complete(tmp_path, whole):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with whole(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".csv"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]

    def write_half():
        with whole(path) as temporary:
            temporary.write_text("ha")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_whole_file_replaces_what_a_link_leads_to(tmp_path):
    file, link = tmp_path / "file.json", tmp_path / "link.json"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    with whole_file(link) as writing:
        writing.write_text("new")
    assert link.is_symlink()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o640)


def test_whole_file_writes_into_a_pipe_as_it_is(tmp_path):
    """As with `--json >(jq .)` and `/dev/stdout`."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(tmp_path / "pipe") as writing:
        writing.write_text("text")
    assert os.read(reader, 9) == b"text"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_whole_file_names_the_file_that_was_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError) as refused, whole_file(tmp_path / "no" / "a.csv") as writing:
        writing.write_text("text")
    assert refused.value.filename == str(tmp_path / "no" / "a.csv")


def test_replace_file_makes_its_folder(tmp_path):
    replace_file(tmp_path / "a" / "b.txt", "é")
    replace_file(tmp_path / "a" / "b.bin", b"1")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "é".encode()
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"1"


def test_replace_file_refuses_devices(tmp_path):
    """A device such as `/dev/full`, which a rename would take from the whole machine."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileExistsError, match="it exists and is not a file"):
        replace_file(tmp_path / "pipe", b"1")
    assert (tmp_path / "pipe").is_fifo()
    assert len(list(tmp_path.iterdir())) == 1


def test_whole_folder_is_complete_or_absent(tmp_path):
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


def test_put_in_place_replaces_folder(tmp_path):
    for name, content in (("made", "new"), ("place", "old")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(content)
    put_in_place(tmp_path / "made", tmp_path / "place")
    assert (tmp_path / "place" / "a").read_text() == "new"
    (tmp_path / "third").mkdir()
    put_in_place(tmp_path / "third", tmp_path / "nowhere")
    assert (tmp_path / "nowhere").is_dir()
    assert not (tmp_path / "third").exists()


def test_put_in_place_works_without_exchange_of_names(tmp_path, monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    test_put_in_place_replaces_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if "former" in path.name] == []


def test_new_folder_sweeps_leftovers_of_killed_processes(tmp_path):
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


def test_whole_folder_is_made_again_if_swept(tmp_path, monkeypatch):
    """One that looks for what was left behind just between the making of the folder and its lock."""
    swept = []
    lock = atomic.lock_folder

    def late(folder, wait=False):
        if not swept:
            swept.append(folder)
            folder.rmdir()
        return lock(folder, wait)

    monkeypatch.setattr(atomic, "lock_folder", late)
    with whole_folder(tmp_path / "a") as temporary:
        (temporary / "file").touch()
    assert temporary not in swept
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "file"]


def test_whole_folder_works_without_file_locks(tmp_path, monkeypatch):
    """As NFS, which locks no folder that is open for reading."""

    def none(*_):
        raise OSError(9, "Bad file descriptor")

    (tmp_path / ".writing-left").mkdir()
    monkeypatch.setattr("fcntl.flock", none)
    with whole_folder(tmp_path / "a") as temporary:
        (temporary / "file").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".writing-left", "a"]


def test_whole_folder_has_mode_of_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with whole_folder(tmp_path / "a"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750


def test_scratch_folder_removes_those_of_killed_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = """
import os, signal
from mebench.atomic import scratch_folder
with scratch_folder("mebench-try-") as folder:
    (folder / "file").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert [path.name[:12] for path in tmp_path.iterdir()] == ["mebench-try-"]

    with scratch_folder("mebench-try-") as folder:
        assert list(tmp_path.iterdir()) == [folder]
        assert folder.stat().st_mode & 0o777 == 0o700
        with scratch_folder("mebench-try-") as other:  # that of a living process stays
            assert {*tmp_path.iterdir()} == {folder, other}
    assert list(tmp_path.iterdir()) == []


def test_sweep_dead_sockets_keeps_those_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    open_sockets = []
    for name in ("pymp-alive", "pymp-dead"):
        (tmp_path / name).mkdir()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / name / "listener"))
        listening.listen()
        open_sockets.append(listening)
    open_sockets[1].close()
    (tmp_path / "pymp-other").mkdir()
    (tmp_path / "pymp-other" / "notes.txt").touch()
    sweep_dead_sockets()
    assert {path.name for path in tmp_path.iterdir()} == {"pymp-alive", "pymp-other"}
    open_sockets[0].close()


def test_whole_file_and_new_folder_name_the_place_of_a_full_disk(tmp_path):
    """The system names no file where a write fails."""

    def fail(place):
        with place:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for place, named in ((whole_file(tmp_path / "a.csv"), tmp_path / "a.csv"), (new_folder(tmp_path), tmp_path)):
        with pytest.raises(OSError, match="No space left") as refused:
            fail(place)
        assert refused.value.filename == str(named)
