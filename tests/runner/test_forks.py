"""Work in copies of a process that was set apart: exact answers, exact blame, and nothing of what this process knows by now."""

import gc
import importlib
import os
import signal
import sys
import time

import pytest

from mebench.errors import DataError
from mebench.runner import forks
from mebench.runner.workers import Failure

SEEN = []


class Label(str):
    """Something that gc can find."""

    __slots__ = ("self",)


class Nowhere:
    """Work that the copy cannot import."""

    def __reduce__(self):
        return importlib.import_module, ("nowhere",)


def add(x, ask):
    SEEN.append(x)
    return x, ask("double", x), list(SEEN), os.getpid()


def look(ask):
    return sum(type(o) is Label for o in gc.get_objects())


def ask_in_vain(ask):
    ask("refuse")


def die(code, ask):
    os._exit(code)


def leave(ask):
    sys.exit(3)


def be_killed(ask):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_in_c(ask):
    """Where no Python code can be interrupted, as in a hung library."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    time.sleep(600)


def unpicklable(ask):
    return lambda: None


def leave_somebody(ask):
    """Die, while a process of its own still holds the pipe."""
    if os.fork() == 0:
        time.sleep(10)
    os._exit(4)


def answer(word, *of):
    if word == "refuse":
        raise DataError("there are no frames")
    return 2 * of[0]


@pytest.fixture(scope="module")
def nursery(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, os.fspath(request.config.rootpath)])
        made = forks.Nursery()
    yield made
    made.close()


def test_a_copy_asks_and_answers_and_the_next_one_knows_nothing_of_it(nursery):
    found = [nursery.run(add, (x,), answer) for x in range(3)]
    assert [f[:3] for f in found] == [(x, 2 * x, [x]) for x in range(3)]
    assert len({pid for *_, pid in found}) == 3 and SEEN == []


def test_what_this_process_has_seen_since_is_not_there(nursery):
    label = Label("disgust")
    label.self = label  # or gc would not know it
    assert look(None) >= 1
    assert nursery.run(look, (), answer) == 0


@pytest.mark.parametrize(
    ("work", "arguments", "reason"),
    [
        (ask_in_vain, (), "there are no frames"),
        (die, (3,), "its worker process died (exit code 3)"),
        (be_killed, (), "its worker process was killed, as the system does when memory runs out: use fewer workers=N"),
        (leave, (), "SystemExit: 3"),
        (Nowhere(), (), "ModuleNotFoundError: No module named 'nowhere'"),
        (leave_somebody, (), "its worker process died (exit code 4)"),
        (sleep_in_c, (), "it took longer than fold_timeout=1 seconds"),
    ],
)
def test_whatever_happens_to_a_copy_is_its_own_failure(nursery, work, arguments, reason):
    failure = nursery.run(work, arguments, answer, timeout=1.0 if work is sleep_in_c else None)
    assert isinstance(failure, Failure) and failure.reason == reason
    assert isinstance(failure.error, DataError) == (work is ask_in_vain)
    assert nursery.run(add, (1,), answer)[1] == 2


def test_an_answer_that_cannot_travel_says_so(nursery):
    assert "pickle" in nursery.run(unpicklable, (), answer).details
