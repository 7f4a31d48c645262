"""The system calls that confined folds make: which, and with which values where the filter of calls looks at one.

    python benchmarks/kernel_calls.py [--methods ststnet mean] [--out benchmarks/kernel_calls.json]

Each method runs on a few drawn videos under strace, which must be installed. Counted is what a process asks for after it has entered the
sandbox, and what its children ask for, whether the kernel hears it or not. `mebench/sandbox/kernel_calls.py` lists what is heard;
`tests/sandbox/test_kernel_calls.py` compares the two. A method that is there already is measured again, others stay in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mebench.config.registry import find_plugin, list_plugins
from mebench.sandbox.kernel_calls import LIMITS
from mebench.testing.checks import TINY
from mebench.testing.contracts import cut_down

FREQUENT = (
    *("futex", "read", "write", "close", "munmap", "mprotect", "newfstatat", "fstat", "lseek", "poll", "brk"),
    *("rt_sigaction", "rt_sigprocmask", "getpid", "gettid", "sched_yield", "pread64"),
    *("getdents64", "readlink", "stat", "lstat"),
)
"""Calls without an argument of interest, which are made so often that watching them would take hours."""
ENTERED = "prctl"
SECCOMP = "0x16"
NEW_PROCESS = ("clone", "clone3", "fork", "vfork")


def trace(method: str, folder: Path) -> Path:
    """Run a method under strace; the file of what its processes asked the kernel for."""
    file = folder / f"{method}.txt"
    words = [
        *TINY,
        f"method={method}",
        *cut_down(find_plugin("method", method)),
        "sandbox=on",
        "tracking=off",
        "bootstrap=0",
        "workers=1",
    ]
    watched = f"trace=!{','.join(FREQUENT)}"
    program = ["strace", "-f", "--seccomp-bpf", "-X", "raw", "-e", watched, "-o", str(file)]
    subprocess.run(
        [*program, sys.executable, "-m", "mebench", "run", *words, f"runs={folder}", f"cache={folder / 'cache'}"],
        check=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(folder)},
        cwd=folder,
    )
    return file


def calls_of(lines: Iterable[str]) -> dict[str, set[int]]:
    """The calls of confined processes with the values that matter; an empty set where none does."""
    confined = set[str]()
    found: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        call = re.match(r"(\d+) +(\w+)\((.*)$", line)
        if call is None:
            continue
        process, name, rest = call.groups()
        arguments = re.split(r", (?![^{\[]*[}\]])", rest)
        if name == ENTERED and arguments[0] == SECCOMP and not arguments[2].startswith("NULL"):
            confined.add(process)
            continue
        if process not in confined:
            continue
        child = re.search(r"= (\d+)$", rest)
        if name in NEW_PROCESS and child is not None:
            confined.add(child[1])
        found[name]
        if name in LIMITS:
            shown = arguments[LIMITS[name].argument]
            if name == "clone":  # strace names its arguments, and begins with the stack
                shown = re.sub(r".*?flags=", "", rest)
            value = re.match(r"-?(0x)?[0-9a-f]+", shown)
            if value is not None:
                found[name].add(int(value[0], 0))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="System calls of confined folds.")
    parser.add_argument("--methods", nargs="+", default=sorted(list_plugins("method")))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    before: dict[str, Any] = {"methods": [], "calls": [], "values": {}}
    if args.out.is_file():
        before = json.loads(args.out.read_text())
    for method in args.methods:
        with tempfile.TemporaryDirectory(prefix="mebench-calls-") as folder:
            file = trace(method, Path(folder))
            with file.open(errors="replace") as lines:
                found = calls_of(lines)
        before["methods"] = sorted({*before["methods"], method})
        before["calls"] = sorted({*before["calls"], *found})
        for name, values in found.items():
            if values:
                before["values"][name] = sorted({*before["values"].get(name, ()), *values})
        args.out.write_text(json.dumps(before, indent=1, sort_keys=True) + "\n")
        print(method, {name: [*map(hex, values)] for name, values in found.items()}, flush=True)


if __name__ == "__main__":
    main()
