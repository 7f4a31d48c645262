"""Two hosts with one store and one folder of runs: the same run at once, and a killed run that the other host continues.

    sudo python tools/two_hosts.py [FOLDER]

A host is a process in namespaces of its own of Linux: name, network, process numbers and shared memory, but one file system, as machines of
a cluster have it. It needs the right to make namespaces (root, or unprivileged namespaces). Exit code 1 if something is not as promised.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

NAMESPACES = ("unshare", "--uts", "--net", "--pid", "--ipc", "--mount-proc", "--fork", "--kill-child")
PATIENCE = 600.0
"""Seconds until a step counts as hanging."""


def start_on_host(host: str, folder: Path, words: list[str]) -> subprocess.Popen[bytes]:
    """A mebench command on a host of that name, whose output goes into `folder/HOST.log`."""
    script = 'hostname "$0"; ip link set lo up; exec "$@"'
    command = [*NAMESPACES, "bash", "-c", script, host, sys.executable, "-m", "mebench", *words]
    with (folder / f"{host}.log").open("wb") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def run_words(folder: Path, method: str) -> list[str]:
    """A small run whose features and folds lie below `folder`."""
    places = [f"runs={folder / 'runs'}", f"cache={folder / 'cache'}"]
    return [
        "run",
        f"method={method}",
        "dataset=synthetic",
        "dataset.preset=tiny",
        "workers=1",
        "tracking=off",
        *places,
    ]


def wait_for_end(process: subprocess.Popen[bytes]) -> int:
    """The exit code of a program; one that does not end in time is killed, with all that it has started."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def read_output(folder: Path, host: str) -> str:
    """What the command on a host has printed."""
    return (folder / f"{host}.log").read_text(encoding="utf-8", errors="replace")


def wait_for_fold(runs: Path, process: subprocess.Popen[bytes]) -> Path | None:
    """The folder of the first run below `runs` that has written a fold; None if the process ends before."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        for fold in runs.glob("*/folds/*"):
            return fold.parents[1]
        time.sleep(0.05)
    return None


def run_at_once(folder: Path) -> list[str]:
    """Start the same run on two hosts at once; what is not as promised."""
    hosts = ("one", "two")
    started = [start_on_host(host, folder, run_words(folder, "linear_spotter")) for host in hosts]
    codes = [wait_for_end(process) for process in started]
    if any(codes):
        return [f"exit code {code} on host {host}:\n{read_output(folder, host)}" for host, code in zip(hosts, codes)]
    files = sorted((folder / "runs").glob("linear_spotter-*/predictions.parquet"))
    if len(files) != len(hosts):
        return [f"{len(files)} runs of two hosts"]
    first, second = (pd.read_parquet(file) for file in files)
    return [] if first.equals(second) else ["two hosts gave other predictions for one run"]


def continue_elsewhere(folder: Path) -> list[str]:
    """Kill a run on one host and resume it on another one; what is not as promised."""
    runs = folder / "continued"
    working = start_on_host("killed", folder, [*run_words(folder, "mean"), f"runs={runs}"])
    run = wait_for_fold(runs, working)
    if run is None:
        wait_for_end(working)
        return [f"no fold to continue:\n{read_output(folder, 'killed')}"]
    faults = []
    refused = start_on_host("early", folder, ["resume", str(run)])
    if wait_for_end(refused) == 0 or "another process is working on run" not in read_output(folder, "early"):
        faults.append(f"resumed while another host worked on it:\n{read_output(folder, 'early')}")
    os.killpg(working.pid, signal.SIGKILL)
    wait_for_end(working)
    resumed = start_on_host("late", folder, ["resume", str(run)])
    if wait_for_end(resumed) != 0:
        faults.append(f"not continued on another host:\n{read_output(folder, 'late')}")
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", type=Path, nargs="?", help="an empty folder; by default one that is removed afterwards"
    )
    given = parser.parse_args().folder
    with tempfile.TemporaryDirectory(prefix="mebench-hosts-") as own:
        folder = (given or Path(own)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        faults = [*run_at_once(folder), *continue_elsewhere(folder)]
    print(
        "\n".join(faults) or "two hosts shared one store and one folder of runs, and one continued a run of the other"
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
