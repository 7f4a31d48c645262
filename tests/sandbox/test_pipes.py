"""Pipes of a process that may not ask the kernel for new ones."""

import errno
import os
import subprocess
import sys
import threading

import pytest

from mebench.sandbox import pipes

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.fixture
def named(tmp_path):
    return pipes.NamedPipes(tmp_path / "pipes")


def test_NamedPipes_carry_bytes_and_end(named):
    reading, writing = named.open()
    assert os.write(writing, b"said") == 4
    assert not os.get_inheritable(reading)
    assert os.get_blocking(reading)
    os.close(writing)
    assert (os.read(reading, 9), os.read(reading, 9)) == (b"said", b"")
    os.close(reading)


def test_NamedPipes_give_none_that_is_in_use(named):
    """Neither while both ends are open, nor while one is; afterwards they are given again."""
    ends = [named.open() for _ in range(pipes.MOST_PIPES)]
    assert len({os.fstat(reading).st_ino for reading, _ in ends}) == pipes.MOST_PIPES
    for reading, _ in ends[:2]:
        os.close(reading)
    for _, writing in ends[2:4]:
        os.close(writing)
    with pytest.raises(OSError, match="32 pipes at a time, and all are in use") as refused:
        named.open()
    assert refused.value.errno == errno.EMFILE
    os.close(ends[0][1])
    os.close(ends[2][0])
    again = [named.open(), named.open()]
    numbers = {os.fstat(reading).st_ino for reading, _ in again}
    assert len(numbers) == 2
    for end in (ends[1][1], ends[3][0], *(end for pair in (*ends[4:], *again) for end in pair)):
        os.close(end)


def test_NamedPipes_differ_between_threads(named):
    found = []
    threads = [threading.Thread(target=lambda: found.append(named.open())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({os.fstat(reading).st_ino for reading, _ in found}) == 8
    for end in (end for pair in found for end in pair):
        os.close(end)


def test_use_named_pipes_lets_programs_start(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "pipe", os.pipe)
    pipes.use_named_pipes(tmp_path)
    for number in range(2 * pipes.MOST_PIPES):
        if number % 8 == 0:
            done = subprocess.run(
                [sys.executable, "-S", "-c", "print(input())"], input=b"a\n", capture_output=True, check=True
            )
            assert done.stdout == b"a\n"
        else:
            for end in os.pipe():
                os.close(end)
