"""The sandbox of macOS, Seatbelt: the profile of a grant, and a trial that shows whether it holds.

A profile is a text of rules, of which the last one that fits decides. Apple describes the language in no public document; the rules here
are those that public programs use (Chromium, Nix, Codex), and no Mac was at hand. So nothing is claimed of a profile that a trial has
not shown: before the first fold a process of its own enters it as a fold does, see `mebench.sandbox.seatbelt_trial`.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mebench.errors import RunError, describe_error
from mebench.sandbox.grant import Grant
from mebench.sandbox.process import THREADS
from mebench.system import has_seatbelt, path_of_kernel

TRIAL_SECONDS = 180.0
"""The longest that a trial may take; it imports PyTorch."""
HELD = "held"
"""The last line of a trial in which everything was as it should be."""
DEVICES = tuple(Path("/dev", name) for name in ("null", "zero", "random", "urandom", "dtracehelper"))
"""Devices that any program of macOS opens."""
SERVICES = ("com.apple.system.opendirectoryd.libinfo", "com.apple.logd", "com.apple.system.logger")
"""Services of the system that a fold may ask: names of users, and the log. Others would open programs or tell names of files."""
_SHARED_MEMORY = "/__KMP_REGISTERED_LIB_"
"""The beginning of a name under which OpenMP, which PyTorch loads, notes that it is there."""
_NEVER_TRIED = "nobody tried Seatbelt with a GPU or with Dask"


class SeatbeltTrial(NamedTuple):
    """What a trial gets from its host.

    Attributes:
        grant: access of the folds, with a folder to write.
        secret: a file outside the grant, which the host has just made.
        closed: folders that the grant does not open, after their names.
        port: port of this machine on which the host listens.
        host: number of the host's process.
    """

    grant: Grant
    secret: Path
    closed: tuple[tuple[str, Path], ...]
    port: int
    host: int


def write_trial(trial: SeatbeltTrial) -> str:
    """A trial as JSON."""
    return json.dumps(trial, default=str)


def read_trial(text: str) -> SeatbeltTrial:
    """The trial that `write_trial` wrote."""
    fields, secret, closed, port, host = json.loads(text)
    # All lists of a trial's grant hold places: nothing lacks in it.
    access: list[Any] = [tuple(map(Path, field)) if isinstance(field, list) else field for field in fields]
    return SeatbeltTrial(
        Grant(*access), Path(secret), tuple((name, Path(folder)) for name, folder in closed), port, host
    )


def profile_of(grant: Grant, listed: Sequence[Path] = ()) -> str:
    """The profile of Seatbelt that leaves a process and its children the granted access.

    Of folders on the way to a granted place, existence, size and times can be seen, or no path could be followed.

    Args:
        grant: the access that remains; missing places are passed over.
        listed: further folders whose names may be listed, without what is in them.

    Raises:
        RunError: a path cannot be written in a profile.
    """
    read = _existing((*grant.read, *grant.devices, *DEVICES))
    write = _existing((*grant.write, *grant.devices))
    folders = _existing(listed)
    ancestors = sorted({above for place in (*read, *write, *folders) for above in place.parents})
    rules = [
        "(version 1)",
        "(allow default)",
        "(deny file*)",
        "(deny network*)",
        "(deny signal)",
        "(allow signal (target same-sandbox))",
        "(deny process-info*)",
        "(allow process-info* (target same-sandbox))",
        "(deny ipc-posix*)",
        f"(allow ipc-posix* (ipc-posix-name-prefix {_quoted(_SHARED_MEMORY)}))",
        "(deny ipc-sysv*)",
        "(deny lsopen)",
        "(deny mach-lookup)",
        _rule("allow mach-lookup", [f"(global-name {_quoted(name)})" for name in SERVICES]),
        _rule("allow file-read-metadata", _literals(ancestors)),
        _rule("allow file-read*", ['(literal "/")', *_literals(folders)]),
        _rule("allow file-read* file-map-executable", _filters(read)),
        _rule("allow file-read* file-write* file-map-executable", _filters(write)),
        _rule("allow file-write-data file-ioctl", _literals(_existing(DEVICES))),
    ]
    return "\n".join(filter(None, rules)) + "\n"


def _existing(places: Iterable[Path]) -> list[Path]:
    """The existing ones among some places: each under its given path, and under that of the kernel, without links."""
    known = dict[Path, None]()
    for place in places:
        with suppress(OSError):  # it is not there, or not for this user
            place.stat()
            known |= dict.fromkeys((place.absolute(), path_of_kernel(place)))
    return list(known)


def _rule(start: str, filters: Sequence[str]) -> str:
    """A rule with its filters; none without filters, since it would hold for everything."""
    return f"({start} {' '.join(filters)})" if filters else ""


def _filters(places: Iterable[Path]) -> list[str]:
    """The filters of files, and of folders with everything below."""
    return [f"({'subpath' if place.is_dir() else 'literal'} {_quoted(str(place))})" for place in places]


def _literals(places: Iterable[Path]) -> list[str]:
    """The filters of places without what is below them."""
    return [f"(literal {_quoted(str(place))})" for place in places]


def _quoted(text: str) -> str:
    r"""A text as a string of a profile.

    >>> print(_quoted('/Users/ann/"my" films'))
    "/Users/ann/\"my\" films"

    Raises:
        RunError: it has control characters, for which no way of writing is known.
    """
    if any(ord(sign) < ord(" ") or sign == "\x7f" for sign in text):
        raise RunError(f"the path {text!r} has a control character, which no profile can hold")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def find_reason_against(grant: Grant, is_plain: bool = True) -> str:
    """Why Seatbelt does not isolate folds of a grant on this system; empty where a trial shows that it does.

    Args:
        grant: their access; what they may write does not matter.
        is_plain: whether they train on the processor of this machine.
    """
    if not has_seatbelt():
        return "this system has no sandbox_init"
    if not is_plain:
        return _NEVER_TRIED
    try:
        return _reason_of_trial(grant._replace(write=(), lacks=(), seatbelt=True))
    except (OSError, RuntimeError) as error:
        return f"it could not be tried ({describe_error(error)})"


@cache
def _reason_of_trial(grant: Grant) -> str:
    """What a trial says against a grant; empty where it holds. Each grant is tried once."""
    with (
        tempfile.TemporaryDirectory(prefix="mebench-trial-") as name,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        scratch = Path(name, "scratch")
        secret = Path(name, "kept", "secret")
        scratch.mkdir()
        secret.parent.mkdir()
        secret.write_bytes(secrets.token_bytes(64))
        trial = SeatbeltTrial(
            grant._replace(write=(scratch,)),
            secret,
            tuple(_closed_folders(grant)),
            listener.getsockname()[1],
            os.getpid(),
        )
        return _try_in_process(trial)


def _closed_folders(grant: Grant) -> Iterator[tuple[str, Path]]:
    """The user's folder and the working folder, each after its name.

    One that the grant opens is left out, and one that this process cannot list.
    """
    root = Path("/")
    opened = {path_of_kernel(place) for place in (*grant.read, *grant.modules)}
    for name, folder in (("the user's folder", Path("~").expanduser()), ("the working folder", Path.cwd())):
        real = path_of_kernel(folder)
        is_open = real == root or not opened.isdisjoint((real, *real.parents))
        if not is_open and os.access(real, os.R_OK):
            yield name, real


def _try_in_process(trial: SeatbeltTrial) -> str:
    """What a process that enters the sandbox says against it; also why it says nothing."""
    command = [sys.executable, "-m", "mebench.sandbox.seatbelt_trial"]
    variables = {**os.environ, **THREADS, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command,
            input=write_trial(trial).encode(),
            capture_output=True,
            timeout=TRIAL_SECONDS,
            env=variables,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"its trial took longer than {TRIAL_SECONDS:g} seconds"
    except OSError as error:
        return f"its trial could not be started ({error})"
    if done.returncode != 0:
        return f"its trial broke off (exit code {done.returncode})"
    lines = done.stdout.decode(errors="replace").splitlines()
    said = lines[-1] if lines else "its trial said nothing"
    return "" if said == HELD else said
