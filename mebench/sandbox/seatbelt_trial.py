"""A trial of Seatbelt, as a program: it enters the sandbox as a fold does, and tries what must work in it and what must not.

It gets a `SeatbeltTrial` as JSON from its host, and last prints `HELD`, or the first thing that was otherwise than it should. What must not
work in the sandbox is tried before, too, where it must: else it would prove nothing.
"""

from __future__ import annotations

import importlib
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mebench.errors import RunError, describe_error
from mebench.output.terminal import print_lines
from mebench.sandbox.confinement import enter_sandbox
from mebench.sandbox.inheritance import forget_host, kept_variables
from mebench.sandbox.process import prepare_worker
from mebench.sandbox.seatbelt import HELD, SeatbeltTrial, read_trial

IMPORTED_BY_FOLDS = (
    "scipy.signal",
    "sklearn.linear_model",
    "mebench.features.tvl1",
    "mebench.runner.fold",
    "mebench.training",
)
"""Modules that folds import; here they are imported in the sandbox, which is harder than before it."""
SET_UID = ("/bin/ps", "/usr/bin/su", "/usr/bin/sudo")
"""Programs that bring the privileges of root where they have the bit for it."""
ATTEMPT_SECONDS = 5.0
"""The longest that one attempt may take."""

Way = Callable[[], object]
"""An attempt; it raises where it fails."""


def main() -> None:
    """Enter the sandbox of a trial and say whether it holds."""
    trial = read_trial(sys.stdin.read())
    print_lines(find_fault(trial) or HELD)


def find_fault(trial: SeatbeltTrial) -> str:
    """The first thing that is otherwise than it should be; empty where the sandbox holds. The process is confined afterwards."""
    prepare_worker()
    forget_host(kept_variables(os.environ), ())
    ways_out = {**_ways_to_files(trial), **_ways_to_others(trial)}
    untried = [what for what, way in ways_out.items() if not _works(way)]
    if untried:
        return f"its trial could not {untried[0]} before either, and shows nothing"
    readable = [place for place in trial.grant.read if _works(partial(_read, place))]
    sender, receiver = _hand_over(trial.secret)
    try:
        _enter(trial)
        _receive(sender, receiver)
        _write_and_read(trial.grant.write[0])
        for place in readable:
            _read(place)
        open_ways = [what for what, way in {**ways_out, **_ways_to_change(trial)}.items() if _works(way)]
        if open_ways:
            return f"a fold could {open_ways[0]} in it"
        for name in IMPORTED_BY_FOLDS:
            importlib.import_module(name)
        _train_one_step()
    except RunError as error:
        return str(error)
    except Exception as error:
        return f"a fold could not work in it ({describe_error(error)})"
    return ""


def _ways_to_files(trial: SeatbeltTrial) -> Mapping[str, Way]:
    """Attempts to read what is not granted, by what they would do."""
    secret = trial.secret
    return {
        "read a file outside the grants": secret.read_bytes,
        "ask a file outside the grants for its size": secret.stat,
        "list a folder outside the grants": partial(os.listdir, secret.parent),
        "let another program read a file": partial(_run, "/bin/cat", str(secret)),
        **{f"list {name}": partial(os.listdir, folder) for name, folder in trial.closed},
    }


def _ways_to_others(trial: SeatbeltTrial) -> Mapping[str, Way]:
    """Attempts to reach the network, another process, or privileges."""
    privileged = [program for program in SET_UID if _brings_privileges(program)]
    return {
        "reach the network": lambda: socket.create_connection(("127.0.0.1", trial.port), ATTEMPT_SECONDS).close(),
        "signal another process": partial(os.kill, trial.host, 0),
        "gain privileges": partial(_run, *privileged[:1], "--version", succeeds=False),
    }


def _ways_to_change(trial: SeatbeltTrial) -> Mapping[str, Way]:
    """Attempts to write what is not granted, or to reach it by another name."""
    secret = trial.secret
    linked = trial.grant.write[0] / "linked"
    return {
        "write a file outside the grants": partial(secret.open, "r+b"),
        "make a file outside the grants": partial(secret.with_name("made").write_bytes, b""),
        "link a file outside the grants": partial(linked.hardlink_to, secret),
        "read a file under its name on the volume": Path("/System/Volumes/Data", *secret.parts[1:]).read_bytes,
    }


def _works(way: Way) -> bool:
    """Whether an attempt succeeds."""
    try:
        way()
    except (OSError, ValueError, subprocess.SubprocessError):
        return False
    return True


def _run(*words: str, succeeds: bool = True) -> None:
    """Run a program.

    Args:
        words: its name and arguments.
        succeeds: true if it must end with success, false if it is enough that it starts.

    Raises:
        OSError: it cannot be started.
        SubprocessError: it fails, or takes too long.
    """
    subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=ATTEMPT_SECONDS, check=succeeds)


def _brings_privileges(program: str) -> bool:
    """Whether a program runs as its owner."""
    try:
        return bool(Path(program).stat().st_mode & stat.S_ISUID)
    except OSError:
        return False


def _read(place: Path) -> None:
    """Open a file, or list a folder.

    Raises:
        OSError: it cannot be read.
    """
    if place.is_dir():
        next(place.iterdir(), None)
    else:
        place.open("rb").close()


def _hand_over(file: Path) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection; at the second an open file waits, as stored features do."""
    sender, receiver = socket.socketpair()
    with file.open("rb") as opened:
        socket.send_fds(sender, [b"file"], [opened.fileno()])
    return sender, receiver


def _enter(trial: SeatbeltTrial) -> None:
    """Enter the sandbox as a fold does."""
    scratch = trial.grant.write[0]
    tempfile.tempdir = os.environ["TMPDIR"] = str(scratch)
    os.chdir(scratch)
    enter_sandbox(trial.grant)


def _receive(sender: socket.socket, receiver: socket.socket) -> None:
    """Map the file that was handed over, and use the connection on.

    Raises:
        OSError: it cannot be used.
        RunError: the file has another content.
    """
    _, (handle, *_), _, _ = socket.recv_fds(receiver, len(b"file"), 1)
    mapped = np.memmap(os.fdopen(handle, "rb"), np.uint8, "r")
    receiver.sendall(mapped.tobytes())
    if sender.recv(2 * len(mapped)) != mapped.tobytes():
        raise RunError("an open file came over changed")


def _write_and_read(scratch: Path) -> None:
    """Use a granted folder as folds do.

    Raises:
        OSError: it cannot be used.
    """
    first = scratch / "first"
    first.write_bytes(b"scores")
    second = first.replace(scratch / "second")
    second.read_bytes()
    second.unlink()
    (scratch / "below").mkdir()
    (scratch / "below").rmdir()


def _train_one_step() -> None:
    """Do one step of training."""
    torch: Any = importlib.import_module("torch")
    layer = torch.nn.Linear(64, 8)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(32, 64)).square().sum().backward()
    optimizer.step()


if __name__ == "__main__":
    main()
