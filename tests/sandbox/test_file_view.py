"""What exists for a process in a view, tried in processes of their own."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

from mebench.sandbox import file_view

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not file_view.is_view_possible(), reason="this system allows no view of the file system"),
]

HEAD = """
import json, os, sys
from pathlib import Path
from mebench.sandbox.file_view import enter_view

folder = Path(sys.argv[1])
kept = [folder / "link", folder / "file.txt", folder / "missing", Path("/proc/self")]
own = [folder / "kept", Path("/dev/null")]
"""


def seen(folder, body):
    """What a program answers as JSON."""
    program = HEAD + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    for name in ("kept", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(name)
    (tmp_path / "file.txt").write_text("file")
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inside.txt").write_text("inside")
    (tmp_path / "link").symlink_to("target")
    return tmp_path


def test_enter_view_leaves_what_is_granted(folder):
    found = seen(
        folder,
        """
        enter_view(kept, own, folder / "kept")
        status = Path("/proc/self/status").read_text()
        print(json.dumps({
            "here": [*map(str, folder.iterdir())],
            "kept": (folder / "kept/file.txt").read_text(),
            "link": (folder / "link/inside.txt").read_text(),
            "written": (folder / "kept/new.txt").write_text("x"),
            "user": [os.getuid(), os.getgid(), os.getcwd()],
            "self": f"Pid:\\t{os.getpid()}" in status,
            "others": [name.name for name in Path("/proc").iterdir() if name.name.isdigit()] == [str(os.getpid())],
            "root": sorted(place.name for place in Path("/").iterdir()),
        }))
        """,
    )
    assert sorted(found["here"]) == sorted(str(folder / name) for name in ("file.txt", "kept", "link", "target"))
    assert (found["kept"], found["link"], found["written"]) == ("kept", "inside", 1)
    assert found["user"] == [os.getuid(), os.getgid(), str(folder / "kept")]
    assert found["self"]
    assert found["others"]
    assert set(found["root"]) == {"dev", "proc", folder.parts[1]}
    assert (folder / "kept" / "new.txt").read_text() == "x"


def test_enter_view_hides_facts_of_others(folder):
    """Neither sizes nor times nor targets nor rights; nor through a descriptor's way up."""
    found = seen(
        folder,
        """
        enter_view(kept, own, folder / "kept")

        def tried(action):
            try:
                return str(action())
            except OSError as error:
                return type(error).__name__

        secret = folder / "secret/file.txt"
        print(json.dumps([
            tried(lambda: os.stat(secret)),
            tried(lambda: os.readlink(secret)),
            tried(lambda: os.stat(folder / "secret")),
            str(os.access(secret, os.F_OK)),
            tried(lambda: os.stat("../secret/file.txt")),
            tried(lambda: os.stat("/../../etc/passwd")),
            tried(lambda: os.stat("/proc/1/cmdline")),
            tried(lambda: os.stat("/proc/self/cwd/../secret")),
        ]))
        """,
    )
    assert found == ["FileNotFoundError"] * 3 + ["False"] + ["FileNotFoundError"] * 4


def test_enter_view_passes_over_links_in_a_circle(folder):
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    assert seen(
        folder, "enter_view([*kept, folder / 'one'], own, folder / 'kept'); print(json.dumps(os.getcwd()))"
    ) == str(folder / "kept")


def test_enter_view_gives_a_folder_in_memory(folder):
    """With what is written below; nothing of it reaches the disk, and numbers of files begin anew."""
    (folder / "kept" / "below").mkdir()
    (folder / "beside").mkdir()
    found = seen(
        folder,
        """
        enter_view(kept, [*own, folder / "kept/below", folder / "beside"], folder / "kept", in_memory=True)
        before = sorted(place.name for place in Path(".").iterdir())
        for place in ("new.txt", "below/new.txt", folder / "beside/new.txt"):
            Path(place).write_text("x")
        print(json.dumps([before, Path("new.txt").stat().st_ino < 100, os.getcwd()]))
        """,
    )
    assert found == [["below"], True, str(folder / "kept")]
    assert [place.name for place in (folder / "kept").iterdir() if place.name == "new.txt"] == []
    assert [*(folder / "kept" / "below").iterdir()] == []
    assert (folder / "beside" / "new.txt").read_text() == "x"


def test_enter_view_lets_signals_count_alone(folder):
    """Signals that processes of one user have not taken are counted together: each reads how many the others have."""
    found = seen(
        folder,
        """
        import signal

        def count():
            return Path("/proc/self/status").read_text().partition("SigQ:\t")[2].partition("/")[0]

        signal.pthread_sigmask(signal.SIG_BLOCK, [40])
        os.kill(os.getpid(), 40)
        reads, writes = os.pipe()
        if os.fork() == 0:
            enter_view(kept, own, folder / "kept")
            os.write(writes, count().encode())
            os._exit(0)
        os.wait()
        print(json.dumps([int(count()) > 0, os.read(reads, 9).decode()]))
        """,
    )
    assert found == [True, "0"]


def test_is_view_possible_is_answered_by_a_program(monkeypatch):
    is_possible = file_view.is_view_possible()
    monkeypatch.setattr(file_view, "_try_view", file_view._try_view.__wrapped__)
    monkeypatch.setenv(file_view.SWITCH, "0")
    assert not file_view.is_view_possible()
    monkeypatch.delenv(file_view.SWITCH)
    assert file_view.is_view_possible() == is_possible
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert not file_view.is_view_possible()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_enter_view_needs_no_privileges(folder):
    """In a user namespace of its own."""
    found = seen(
        folder,
        """
        import tempfile
        with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
            home = Path(place, "home")
            home.mkdir()
            os.chmod(place, 0o755)
            os.chmod(home, 0o777)
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            enter_view([Path("/proc/self")], [home, Path("/dev/null")], home)
            (home / "new.txt").write_text("x")
            state = [os.getuid(), os.getgid(), os.stat(home / "new.txt").st_uid, Path("/etc").exists()]
            (home / "new.txt").unlink()
            print(json.dumps(state), flush=True)
            os._exit(0)
        """,
    )
    assert found == [65534, 65534, 65534, False]
