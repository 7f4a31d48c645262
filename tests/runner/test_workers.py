"""What a process becomes as a worker; a pool of them is in `test_pool`."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from joblib.externals.loky.backend import context as count_of_cores

from mebench.runner.workers import default_workers

ORPHAN = """
import os, time
from mebench.sandbox.process import prepare_worker
if os.fork() == 0:
    prepare_worker()
    print(os.getpid(), flush=True)
time.sleep(600)
"""


def ended(pid):
    """Whether a process is gone, or waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_workers_end_with_a_killed_program(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True) as program:
        worker = int(program.stdout.readline())
        assert not ended(worker)
        program.kill()
        program.wait()
        end = time.monotonic() + 30
        try:
            while not ended(worker):
                assert time.monotonic() < end, "the worker goes on without its program"
                time.sleep(0.01)
        finally:
            if not ended(worker):
                os.kill(worker, signal.SIGKILL)


LATE = """
import multiprocessing, os, time
from mebench.sandbox.process import prepare_worker


def late(program):
    while os.getppid() == program:
        time.sleep(0.01)
    prepare_worker()
    print("it works on", flush=True)


multiprocessing.get_context("fork").Process(target=late, args=(os.getpid(),)).start()
os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_workers_end_with_a_program_killed_at_their_start(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "")


CGROUP = "/sys/fs/cgroup"
QUOTAS = {
    "v1": {f"{CGROUP}/cpu/cpu.cfs_quota_us": "150000", f"{CGROUP}/cpu/cpu.cfs_period_us": "50000"},
    "v2": {f"{CGROUP}/cpu.max": "300000 100000"},
}


@pytest.mark.parametrize("quota", QUOTAS.values(), ids=QUOTAS)
def test_default_workers_respect_quota_and_affinity(monkeypatch, quota):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr(os.path, "exists", lambda name: False)
    assert default_workers() == 16
    monkeypatch.setattr(os.path, "exists", quota.__contains__)
    monkeypatch.setattr(count_of_cores, "open", lambda name: io.StringIO(quota[name]), raising=False)
    assert default_workers() == 3
