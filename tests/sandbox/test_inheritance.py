"""What a fold's process knows of the program that started it."""

import os
import sys

import pytest

from mebench.sandbox import confinement, inheritance, isolation
from tests.helpers.calls import print_much, told
from tests.helpers.kept_server import OF_MOST, KeptServer

pytestmark = pytest.mark.processes


@pytest.fixture
def worker(request, monkeypatch):
    """A worker of the tests' fork server, started by a program whose words and variables name a folder."""
    monkeypatch.setattr(sys, "path", [*sys.path, os.fspath(request.config.rootpath)])
    monkeypatch.setattr(sys, "argv", ["mebench", "run", "dataset.root=/data/smic"])
    for name in ("PWD", "OLDPWD", "DATA", "XDG_CACHE_HOME", "MEBENCH_TEST_DATA"):
        monkeypatch.setenv(name, "/data/smic")
    monkeypatch.setenv("NUMBA_DEBUG", "0")
    server = KeptServer()
    # Before, since a confined process cannot list the folder of the tests to find it.
    server.warm_up((*OF_MOST, print_much.__module__))
    worker = isolation.Worker(server=server)
    yield worker
    worker.close()


@pytest.fixture
def grant(tmp_path, request):
    (tmp_path / "scratch").mkdir()
    tests = request.config.rootpath / "tests"
    return confinement.grant_access((), [tests])._replace(
        write=(tmp_path / "scratch",), lacks=confinement.missing_parts()
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the descriptors are listed by Linux alone")
def test_forget_host_leaves_no_words_of_the_program(worker, grant):
    found = worker.call(told, (), print, grant=grant)
    assert set(found["argv"]) == {""}
    assert "/data/smic" not in " ".join(found["variables"].values())
    assert found["variables"].keys() >= {"PATH", "NUMBA_DEBUG", "OMP_NUM_THREADS"}
    assert not found["parent"]
    assert found["folder"] == "None"
    # standard streams, and the connection to the host
    assert len(found["descriptors"]) == 4
    assert found["empty"]
    assert found["pipes"] == [True, True]


def test_Worker_without_grant_takes_everything_over(worker):
    """As with `sandbox=off`: a method reads the variables that its user sets."""
    found = worker.call(told, (), print)
    assert found["variables"]["DATA"] == "/data/smic"
    assert "dataset.root=/data/smic" in found["argv"]
    assert found["variables"]["OMP_NUM_THREADS"] == "1"


def test_Worker_shows_what_its_process_prints(worker, grant, capsys):
    assert worker.call(print_much, (), print, grant=grant) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("first\nxxx")
    assert shown.err.endswith("x\nlast\n")
    assert worker.printed.startswith("first\n")


def test_only_kept_variables_come_back(monkeypatch):
    monkeypatch.setenv("DATA", "/data/smic")
    before = dict(os.environ)
    with inheritance.only_kept_variables():
        assert "DATA" not in os.environ
        assert os.environ["PATH"] == before["PATH"]
    assert dict(os.environ) == before
