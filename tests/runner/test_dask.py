"""Workers of a Dask scheduler: the same answers as this machine's own, also when one of them is killed half-way."""

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from types import SimpleNamespace

import pandas as pd
import pytest

from mebench import runner
from mebench.config import resolve
from mebench.errors import ConfigError
from mebench.output.progress import Progress
from mebench.runner import execute, make_plan
from mebench.runner.execute import execute_run
from mebench.runner.fold_setup import FoldSpec
from mebench.runner.session import open_session
from mebench.runs import RunFolder, fold_files, weights_file
from tests.helpers.nightly import nightly
from tests.helpers.same_process import stand_in

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="the extra dask is not installed")


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Address of a scheduler on this machine, and its two workers."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    where = ["--scheduler-file", str(file), "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    processes = [subprocess.Popen([*dask, "scheduler", "--port", "0", "--host", "127.0.0.1", *where], **quiet)]
    try:
        worker = [*dask, "worker", "--nthreads", "1", "--no-nanny", *where]
        processes.extend(subprocess.Popen(worker, **quiet) for _ in range(2))
        end = time.monotonic() + 60
        while not file.is_file() or not file.read_text():
            assert time.monotonic() < end, "the scheduler does not start"
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


@pytest.mark.dask
def test_dask_run_equals_a_local_one(moody, tmp_path, monkeypatch):
    """A scheduler and a worker in this process. It writes the folds itself if it sees the run's folder.

    Workers of an adaptive cluster, which come with the tasks, see none here, and are asked for the weights.
    """
    from distributed import LocalCluster

    taken = []
    take_fold = RunFolder.take_fold
    monkeypatch.setattr(RunFolder, "take_fold", lambda *of: (taken.append(of[1]), take_fold(*of)))
    how = {"processes": False, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(n_workers=1, **how) as cluster:
        address = f"executor.address={cluster.scheduler_address}"
        far = execute_run(resolve(moody("executor=dask", address)), Progress()).folder
        assert sorted(taken) == [fold["fold"] for fold in far.read_json("folds.json")["folds"]]
        (tmp_path / "scheduler.json").write_text(json.dumps({"address": cluster.scheduler_address}))
        pool = runner.dask_executor.DaskPool(str(tmp_path / "scheduler.json"))
        assert pool.size == 1
        pool.stop()
    taken.clear()
    with LocalCluster(n_workers=0, **how) as growing, monkeypatch.context() as alone:
        growing.adapt(minimum=0, maximum=2, interval="50ms")
        alone.setattr(runner.fold, "MOST_SENT", 0)
        alone.setattr(weights_file, "PIECE", 1000)
        alone.setattr(FoldSpec, "shared_place", None)
        address = f"executor.address={growing.scheduler_address}"
        fetched = execute_run(resolve(moody("executor=dask", address)), Progress()).folder
    assert not taken
    assert not list(tmp_path.rglob("*[0-9a-f].safetensors"))
    near = execute_run(resolve(moody()), Progress()).folder
    assert (fetched.id, near.id) == (f"{far.id}.2", f"{far.id}.3")  # who computed it is no part of a run's key
    same_answers(far, near)
    same_answers(fetched, near)


def pid_of_process(worker):
    return worker.call(os.getpid, ())


@pytest.mark.processes
def test_dask_executor_serve_forks_under_a_nanny(monkeypatch):
    monkeypatch.setitem(vars(multiprocessing.current_process())["_config"], "daemon", True)
    answer = runner.dask_executor.serve_task(pickle.dumps((pid_of_process, ())), (), ("json",))
    assert isinstance(answer, int)
    assert answer != os.getpid()


def same_answers(far, near):
    for name in fold_files.TABLES:
        pd.testing.assert_frame_equal(far.read_table(name), near.read_table(name), check_exact=True)
    models = list(far.path.glob("folds/*/model.safetensors"))
    assert models
    for model in models:
        assert model.read_bytes() == (near.path / model.relative_to(far.path)).read_bytes()


@nightly("the test above runs by Dask")
@pytest.mark.dask
@pytest.mark.processes
def test_dask_run_survives_a_killed_worker(moody, tmp_path, cluster, monkeypatch):
    address, (victim, _) = cluster
    gate = tmp_path / "gate"
    words = moody("dataset.subjects=6", "method.trouble=[2=wait, 3=wait]", f"method.gate={gate}")

    def kill_half_way():
        while not list((tmp_path / "runs").glob("*/folds/*/fold.json")):
            time.sleep(0.05)
        victim.kill()
        gate.touch()

    killer = threading.Thread(target=kill_half_way, daemon=True)
    killer.start()
    far = execute_run(resolve([*words, "executor=dask", f"executor.address={address}"]), Progress()).folder
    killer.join()
    stand_in(monkeypatch.setattr)
    near = execute_run(resolve(words), Progress()).folder

    assert near.id == f"{far.id}.2"
    same_answers(far, near)


def test_dask_pool_without_workers_says_so(moody):
    session = open_session(make_plan(resolve(moody())))
    session.lock.release()
    assert (
        execute.describe_pool(SimpleNamespace(size=0), session)
        == "no Dask worker is connected yet: the run begins when one connects"
    )
    assert execute.describe_pool(SimpleNamespace(size=1), session) == "1 Dask worker"


def test_dask_run_names_an_address_without_scheduler(moody, monkeypatch, tmp_path):
    monkeypatch.setattr(runner.dask_executor, "CONNECT_SECONDS", 0.2)
    with pytest.raises(ConfigError, match=r"no Dask scheduler answers at executor.address=tcp://127.0.0.1:9 "):
        execute_run(resolve(moody("executor=dask", "executor.address=tcp://127.0.0.1:9")), Progress())
    (tmp_path / "other.json").write_text("[]")
    for name in ("none.json", "other.json"):
        with pytest.raises(ConfigError, match=rf"no Dask scheduler answers at executor.address={tmp_path}/{name} "):
            execute_run(resolve(moody("executor=dask", f"executor.address={tmp_path}/{name}")), Progress())


def test_silence_dask_hides_logs_of_a_scheduler_that_is_gone(capfd):
    """In a process of its own: loggers belong to all tests."""
    program = """if True:
        import logging
        import distributed
        from mebench.runner.dask_executor import silence_dask
        def all_of_them(words):
            for name in ("distributed.client", "distributed.core", "tornado.application", "asyncio"):
                logging.getLogger(name).error(words)
        all_of_them("seen")
        silence_dask()
        all_of_them("hidden")
    """
    subprocess.run([sys.executable, "-c", program], check=True)
    logged = capfd.readouterr().err
    assert logged.count("seen") == 4
    assert "hidden" not in logged


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["executor=dask"], "executor=dask needs the scheduler's address"),
        (["executor.address=tcp://a:1"], "add executor=dask"),
        (["executor=dusk"], "executor"),
        (["fold_timeout=0"], "fold_timeout must be a number of seconds above 0"),
    ],
)
def test_dask_settings_that_do_not_fit_are_refused(moody, words, sentence):
    with pytest.raises(ConfigError, match=sentence):
        resolve(moody(*words))
