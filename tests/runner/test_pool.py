"""A pool of worker processes: exact answers, and exact blame."""

import multiprocessing
import os
import sys

import numpy as np
import pytest
import torch

from mebench.errors import ConfigError, DataError
from mebench.runner import workers
from mebench.runner.workers import WorkerPool, WorkerTask
from mebench.sandbox import isolation
from tests.helpers.calls import (
    die_unless,
    double,
    raise_its_process,
    raise_what_cannot_travel,
    refuse,
    sleep_in_c,
    stay_deaf,
)


def hosted(x, worker):
    """In this process: ask one of its own."""
    found = worker.call(double if x else os._exit, ([x] if x else 3,))
    return found if isinstance(found, isolation.Failure) else (os.getpid(), found[:1])


def hang(worker):
    return worker.call(sleep_in_c, (None,), timeout=0.3)


def count_workers(worker):
    """In this process: the answer of a process of its own, and how many there are meanwhile."""
    return worker.call(double, ([1],)), len(multiprocessing.active_children())


@pytest.mark.processes
def test_WorkerPool_starts_next_ahead_where_none_forks(monkeypatch):
    for module in (workers, isolation):
        monkeypatch.setattr(module, "FORKS", False)
    before = len(multiprocessing.active_children())
    tasks = [WorkerTask(x, count_workers, (), hosted=("json", "no_such_module")) for x in range(3)]
    pool = WorkerPool(1)
    try:
        found = {task.key: outcome for task, outcome in pool.run(tasks)}
    finally:
        pool.stop()
    # Its own and the next one's; the last has no next.
    assert found == {0: ([1, 1], before + 2), 1: ([1, 1], before + 2), 2: ([1, 1], before + 1)}
    assert len(multiprocessing.active_children()) == before


@pytest.mark.processes
def test_WorkerPool_answers_all_tasks_past_dying_ones(tmp_path, own_server):
    tasks = [
        *(WorkerTask(x, double, (x,)) for x in range(20)),
        WorkerTask("dies once", die_unless, (str(tmp_path / "mark"),)),
        WorkerTask("dies", os._exit, (3,)),
        WorkerTask("leaves", sys.exit, (3,)),
        WorkerTask("is told to stop", stay_deaf, ()),
        WorkerTask("hangs", hang, (), hosted=()),
        WorkerTask("is hosted", hosted, (1,), hosted=()),
        WorkerTask("is hosted and dies", hosted, (0,), hosted=()),
        WorkerTask("names its trouble", refuse, ()),
        WorkerTask("strange", raise_what_cannot_travel, ()),
    ]
    pool = WorkerPool(2)
    ticks = []

    try:
        pool.start(2)
        found = {task.key: outcome for task, outcome in pool.run(tasks, lambda: ticks.append(1))}
    finally:
        pool.stop()
    assert [found[x] for x in range(20)] == [2 * x for x in range(20)]
    assert isinstance(found["dies once"], int)  # tried again in a fresh process
    assert found["dies"].reason == "its worker process died (exit code 3)"
    assert found["leaves"].reason == "SystemExit: 3"  # which, let through, would end the run without a word
    assert found["is told to stop"] == "at work"
    assert found["hangs"].reason == "it took longer than fold_timeout=0.3 seconds"
    assert found["names its trouble"].reason == "there are no frames"
    assert isinstance(found["names its trouble"].error, DataError)
    assert found["strange"].reason == "Unpicklable: 1"
    assert "raise_what_cannot_travel" in found["strange"].details
    assert found["is hosted"] == (os.getpid(), [1])
    assert found["is hosted and dies"].reason == "its worker process died (exit code 3)"
    assert ticks
    assert pool.server.imports is None  # the fork server is gone with its pool


def test_Workers_believe_an_exception_that_returns():
    passes = []

    class Failing(workers.Workers):
        def _pass(self, tasks, tick):
            passes.append([task.key for task in tasks])
            return iter([*failed, other] if len(passes) == 1 else [(tasks[0], failed[0][1])])

    failed = [(WorkerTask(n, double, (n,)), isolation.Failure("ValueError: no", "", raised=True)) for n in range(10)]
    other = (WorkerTask("other", double, (1,)), isolation.Failure("its worker process died", ""))
    outcomes = list(Failing().run([task for task, _ in (*failed, other)]))
    assert len(outcomes) == 11
    # A death says nothing about another death.
    assert passes[1:] == [*([n] for n in range(workers.ENOUGH)), ["other"]]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "the memory of this machine was not enough: use fewer workers=N"),
        (ValueError("singular"), "ValueError: singular"),
        (ValueError("two\n lines"), "ValueError: two lines"),
        (AssertionError(), "AssertionError"),
        ("torch", "the memory of the GPU was not enough: use fewer workers=N"),
        (DataError("no frames"), "no frames"),
    ],
)
def test_attempt_gives_a_sentence_with_traceback(error, reason):
    error = torch.OutOfMemoryError("CUDA out of memory") if error == "torch" else error

    def fail():
        raise error

    failure = isolation.call_safely(fail, ())
    assert failure.reason == reason
    assert "in fail" in failure.details
    assert (failure.error is error) == isinstance(error, DataError)


def test_attempt_words_torch_and_numpy_out_of_memory_alike():
    reasons = {isolation.call_safely(make, (10**15,)).reason for make in (torch.ones, np.ones)}
    assert reasons == {"the memory of this machine was not enough: use fewer workers=N"}


@pytest.mark.processes
def test_WorkerPool_tries_again_in_a_fresh_process():
    pool = WorkerPool(1)
    try:
        found = list(pool.run([WorkerTask(n, raise_its_process, ()) for n in range(2)]))
    finally:
        pool.stop()
    assert len({outcome.reason for _, outcome in found}) == 2


def test_worker_environments_share_gpus_among_workers(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0, 3")
    devices = [e["CUDA_VISIBLE_DEVICES"] for e in workers.worker_environments(5, "gpu")]
    assert devices == ["0", "3", "0", "3", "0"]
    assert workers.worker_environments(2, "cpu") == [{}, {}]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert workers.worker_environments(2, "auto") == [{}, {}]


def test_worker_environments_take_as_many_gpus_as_devices_say(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3,5")
    assert [e["CUDA_VISIBLE_DEVICES"] for e in workers.worker_environments(3, "gpu", 2)] == ["0", "3", "0"]
    for asked in ((4,), (None, 4)):
        with pytest.raises(ConfigError, match="devices=4, but this machine shows 3 GPUs"):
            workers.worker_environments(3, "gpu", *asked)


def test_worker_environments_give_a_fold_several_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3,5")
    for each, seen in ((2, ["0,3", "5,0"]), (0, ["0,3,5", "0,3,5"])):
        assert [e["CUDA_VISIBLE_DEVICES"] for e in workers.worker_environments(2, "gpu", None, each)] == seen
