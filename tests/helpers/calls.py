"""What processes of tests are asked to do. They import this file, and no pytest, which takes a quarter of a second of each."""

import gc
import importlib
import multiprocessing.process
import os
import signal
import stat
import sys
import time
from pathlib import Path

from mebench.errors import DataError

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


def map_open_file(ask):
    """The sum of an array in a file that the host opens, and when it was last read, as this process can see."""
    mapped = ask("array")
    array = mapped.open_entry().array
    return int(array.sum()), os.fstat(mapped.file.fileno()).st_atime


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


class Bomb:
    """Unpickled, it would be remembered."""

    def __reduce__(self):
        return GONE.append, (1,)


GONE = []


def send_a_pickle(ask):
    """Send the host a pickle past the function that sends plain data."""
    pipe = next(o for o in gc.get_objects() if type(o).__name__ == "Connection" and not o.closed)
    pipe.send(Bomb())
    time.sleep(600)


def leave_somebody(ask):
    """Die, while a process of its own still holds the pipe."""
    if os.fork() == 0:
        time.sleep(10)
    os._exit(4)


def leave_one_at_work(ask):
    """What a fold could leave behind: nobody's child, in a session of its own, deaf to all but SIGKILL."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(write, str(os.getpid()).encode())
        time.sleep(600)
    return int(os.read(read, 20))


def gpus():
    """What a process sees of GPUs, and whether anything has asked for one before it could see."""
    import torch

    return os.environ["CUDA_VISIBLE_DEVICES"], torch.cuda.is_initialized(), torch.cuda._is_in_bad_fork()


def double(x):
    return 2 * x


def die_unless(mark):
    """Kill this process the first time."""
    if not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def stay_deaf():
    """SIGTERM is the parent's business, also while somebody else listens, as Lightning does in training."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
    return "at work"


def refuse():
    raise DataError("there are no frames")


def raise_its_process():
    raise ValueError(os.getpid())


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def raise_what_cannot_travel():
    raise Unpicklable(1, 2)


def is_open(descriptor):
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def told(ask):
    """What a process knows of the program that started it: words, variables, descriptors."""
    return {
        "argv": [*sys.argv, *sys.orig_argv],
        "variables": dict(os.environ),
        "descriptors": [number for number in range(256) if is_open(number)],
        "empty": os.path.sameopenfile(0, os.open(os.devnull, os.O_RDONLY)),
        "pipes": [stat.S_ISFIFO(os.fstat(number).st_mode) for number in (1, 2)],
        "folder": str(vars(multiprocessing.process)["ORIGINAL_DIR"]),
        "parent": multiprocessing.parent_process() is not None,
    }


def print_much(ask):
    """Print more than a pipe holds."""
    print("first")
    os.write(2, b"x" * 200_000 + b"\nlast\n")
    return 1
