"""What a confined process can no longer do, tried in processes of their own."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from mebench.runner import sandbox

pytestmark = pytest.mark.processes

needs_all = pytest.mark.skipif(bool(sandbox.lacking()), reason=f"this kernel lacks {', '.join(sandbox.lacking())}")

HEAD = """
import json, os, sys
from pathlib import Path
from mebench.runner.sandbox import Grant, confine, python_files

def tried(action):
    try:
        return action()
    except OSError as error:
        return type(error).__name__

folder = Path(sys.argv[1])
without = confine(Grant(read=(*python_files(), folder / "granted"), write=(folder / "scratch",)))
assert without == (), without
"""


def confined(folder, body, *arguments):
    """What a program answers as JSON after it confined itself."""
    program = HEAD + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder), *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "scratch")},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path):
    for name in ("granted", "scratch", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(name)
    return tmp_path


@needs_all
def test_it_reads_what_is_granted_and_nothing_else(folder):
    found = confined(
        folder,
        """
        print(json.dumps({
            "granted": tried(lambda: (folder / "granted/file.txt").read_text()),
            "writes there": tried(lambda: (folder / "granted/file.txt").write_text("x")),
            "secret": tried(lambda: (folder / "secret/file.txt").read_text()),
            "names": tried(lambda: os.listdir(folder / "secret")),
            "names beside": tried(lambda: os.listdir(folder)),
            "by a link": tried(lambda: os.symlink(folder / "secret", folder / "scratch/link") or os.listdir(folder / "scratch/link")),
            "scratch": tried(lambda: (folder / "scratch/new.txt").write_text("x")),
            "moved": tried(lambda: os.rename(folder / "secret/file.txt", folder / "scratch/moved.txt")),
            "linked": tried(lambda: os.link(folder / "secret/file.txt", folder / "scratch/linked.txt")),
            "by a program": os.system(f"cat {folder}/secret/file.txt > /dev/null 2>&1") != 0,
        }))
        """,
    )
    denied = "PermissionError"
    assert found == {
        "granted": "granted",
        "writes there": denied,
        "secret": denied,
        "names": denied,
        "names beside": denied,
        "by a link": denied,
        "scratch": 1,
        "moved": denied,
        "linked": "OSError",  # no hard link leaves its folder
        "by a program": True,
    }


@needs_all
def test_memory_and_environment_of_another_process_stay_closed(folder):
    """Root or not; the process outside is this test's."""
    found = confined(
        folder,
        """
        pid = sys.argv[2]
        names = ("mem", "environ", "cmdline", "maps")
        print(json.dumps({name: tried(lambda: open(f"/proc/{pid}/{name}", "rb").read(1)) for name in names}))
        """,
        os.getpid(),
    )
    assert set(found.values()) == {"PermissionError"}


@needs_all
def test_it_traces_and_signals_nobody_and_opens_no_socket(folder):
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        found = confined(
            folder,
            """
            import ctypes, socket
            libc, pid = ctypes.CDLL(None, use_errno=True), int(sys.argv[2])
            print(json.dumps({
                "ptrace": libc.ptrace(16, pid, None, None),
                "kill": tried(lambda: os.kill(pid, 9)),
                "tcp": tried(lambda: socket.socket().close()),
                "unix": tried(lambda: socket.socket(socket.AF_UNIX).close()),
                "udp": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()),
            }))
            """,
            other.pid,
        )
        assert found["ptrace"] == -1
        assert {found["tcp"], found["unix"], found["udp"]} == {"PermissionError"}
        if sandbox._landlock_abi() >= 6:
            assert found["kill"] == "PermissionError" and other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()


@needs_all
def test_what_it_starts_is_confined_too_and_privileges_are_gone(folder):
    found = confined(
        folder,
        """
        status = Path("/proc/self/status").read_text()
        lines = dict(line.split(":", 1) for line in status.splitlines())
        child = os.popen(f"cat {folder}/secret/file.txt 2>&1").read()
        print(json.dumps({"child": child, "caps": lines["CapEff"].strip(), "new": lines["NoNewPrivs"].strip()}))
        """,
    )
    assert "Permission denied" in found["child"]
    assert int(found["caps"], 16) == 0 and found["new"] == "1"


@needs_all
def test_numbers_are_the_same_inside(folder):
    program = "import numpy as np, torch; x = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)); y = float((x @ x).sum())"
    free = subprocess.run([sys.executable, "-c", program + "; print(y.hex())"], capture_output=True, text=True)
    assert confined(folder, program + "; print(json.dumps(y.hex()))") == free.stdout.strip()


def test_a_kernel_without_a_part_is_said_in_one_sentence():
    assert sandbox.missing_sentence(()) == ""
    said = sandbox.missing_sentence(("files", "network"))
    assert said.count(".") == 1 and "Landlock, Linux 5.13" in said and "the network (seccomp)" in said
