"""Hostile records, sheets, configurations, score files, images and models: refused or answered, and nothing else happens.

    python tools/attack.py [--seed 0] [--each 20] [--files 50] [--started 12] [--only NAME ...] [--keep FOLDER]

Records (`attack_records.py`, families of equal share) are merged beside honest ones with one command; then `leaderboard build`
makes tables and page of what was taken, and a second time of all of them, as if somebody had copied them in unseen. Each other
file (`attack_files.py`) is read by the command that is for it. Programs are copies of a process that has imported everything, some of
them at a pseudo-terminal; `--started` more are started as from a shell. What is not one of the following is counted and shown:

* every record and file is refused in a sentence, or answered; no traceback, no error that nobody foresaw, no more than 10
  seconds of the processor for one, none asleep for 100, no process beyond 1.5 GiB;
* nothing that a terminal obeys is printed;
* every honest record is taken and stands in the tables, whoever else is there, and every record that was taken stands there too;
* what must be refused is; no two tables have one name;
* every record that lies in good form (`attack_forged.py`) is refused or told of on its own row, and no honest row changes;
* in Chromium, no script of a record runs, no address is asked for, and every page opens.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pty
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from attack_files import KINDS, Case, make_files
from attack_forged import FORGERIES, HONEST, honest_board, make_forged
from attack_records import FAMILIES, Made, make_records

from mebench.errors import ConfigError, DataError, MebenchError, RunError, SomeFailedError
from mebench.runs.folder import RunFolder

SERVER = multiprocessing.get_context("forkserver")
EXIT_CODES = {0, *(error.exit_code for error in (MebenchError, ConfigError, DataError, RunError, SomeFailedError))}
"""What a program may end with, except where it is stopped by a signal: all is well, anything else, a word or setting, data, a run, some."""
OF_OTHERS = ("group", "ranks", "beats", "rank")
"""What a row shows of its place among others, which changes with them; nothing else of an honest row may."""
SECONDS, PATIENCE, MIB = 10.0, 10, 1536
RECORDS = Path(__file__).parents[1] / "leaderboards" / "records"
BASES = ("ststnet-synthetic-loso-seed2", "optical_strain+bi_woof-synthetic-loso-seed2", "lbp_chi2-synthetic-loso-seed0")
OBEYED = re.compile("\nrecord good: taken|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
AT_TERMINAL = re.compile(
    "\x1b\\]|\x1b\\[2J|\x1b\\[8m|[\x07\x08\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]|\rrecord"
)
"""Sequences that no table or bar of our own sends to a terminal."""
RAN = """window.forged || document.querySelector('iframe, object, embed, base') ||
[...document.querySelectorAll('a[href]')].some(link => link.protocol == 'javascript:')"""
"""Whether a script of a record ran in a page, or would on a click."""


@dataclass(frozen=True)
class Ended:
    """The end of a program.

    Attributes:
        code: its exit code, None where it was stopped after its time.
        said: all that it printed.
        seconds: that it took, of the processor.
        mib: resident memory of its largest process.
        obeyed: whether it printed what a terminal obeys.
    """

    code: int | None
    said: str
    seconds: float
    mib: float
    obeyed: bool

    @property
    def trouble(self) -> str:
        """The fault in what happened; empty without one."""
        if self.code is None:
            return f"not done after {self.seconds:.0f} s of the processor"
        if "Traceback (most recent call last)" in self.said or "error: unexpected " in self.said:
            return f"an error that nobody foresaw: {self.said[-300:]!r}"
        if self.code not in EXIT_CODES:
            return f"exit code {self.code}: {self.said[-300:]!r}"
        if self.code and not self.said.strip():
            return f"exit code {self.code} without a word"
        if self.mib > MIB:
            return f"{self.mib:.0f} MiB"
        return f"it printed what a terminal obeys: {self.said[-300:]!r}" if self.obeyed else ""


def _program(words: Sequence[str], folder: str, out: str, log: str) -> None:
    """A command, in a copy of a process that has imported all."""
    os.setsid()
    os.chdir(folder)
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_NOCTTY, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    if log:
        _time_records(log)
    sys.argv = ["mebench", *words]
    from mebench.cli import main

    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _time_records(log: str) -> None:
    """Write down when the check of each record begins and ends."""
    from mebench.intake import accept
    from mebench.intake.checking import reason_for_refusal

    def timed(record: RunFolder, *places: Path) -> str:
        with Path(log).open("a") as file:
            file.write(json.dumps([str(record.path), _spent(os.getpid())]) + "\n")
        return reason_for_refusal(record, *places)

    mock.patch.object(accept, "reason_for_refusal", timed).start()


def run(words: Sequence[str], folder: Path, limit: float, terminal: bool = False, log: str = "") -> Ended:
    """Run a command to its end, or for so many seconds of the processor; asleep it may be `PATIENCE` times as long."""
    master, slave = pty.openpty() if terminal else (-1, -1)
    with tempfile.NamedTemporaryFile() as file:
        heard: list[bytes] = []
        out = os.ttyname(slave) if terminal else file.name
        process = SERVER.Process(target=_program, args=(list(words), str(folder), out, log))
        began = time.monotonic()
        process.start()
        if terminal:
            listener = threading.Thread(target=_listen, args=(master, heard), daemon=True)
            listener.start()
        most = seconds = 0.0
        while process.is_alive() and seconds < limit and time.monotonic() - began < PATIENCE * limit:
            process.join(0.02)
            pids = process.pid or 0, *descendants(process.pid or 0)
            most, seconds = max(most, *map(_peak, pids)), max(seconds, _spent(process.pid or 0))
        code = process.exitcode
        if code is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid or 0, signal.SIGKILL)
            process.kill()
            process.join()
        if terminal:
            os.close(slave)
            listener.join(2)
            os.close(master)
        raw = b"".join(heard) if terminal else Path(file.name).read_bytes()
    said = raw.decode(errors="surrogateescape")
    return Ended(code, said, seconds, most, bool((AT_TERMINAL if terminal else OBEYED).search(said)))


def _listen(master: int, heard: list[bytes]) -> None:
    with suppress(OSError):
        while some := os.read(master, 65536):
            heard.append(some)


def _peak(pid: int) -> float:
    """The most MiB that a process ever held."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _spent(pid: int) -> float:
    """Seconds of the processor of a process and all below it."""
    ticks = 0
    for one in (pid, *descendants(pid)):
        with suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    below = []
    with suppress(OSError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            below += [int(name) for name in file.read_text().split()]
    return [*below, *(p for child in below for p in descendants(child))]


def started(words: Sequence[str], folder: Path) -> Ended:
    """The same as from a shell."""
    done = subprocess.run(
        [sys.executable, "-m", "mebench", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    said = done.stdout.decode(errors="surrogateescape")
    return Ended(done.returncode, said, 0.0, 0.0, bool(OBEYED.search(said)))


# -- records ----------------------------------------------------------------------------------------------------------------


def honest_records(folder: Path) -> list[Path]:
    """Sound records of few draws, `good` the first of them."""
    places = []
    for number, name in enumerate(BASES):
        found = min(RECORDS.glob(f"{name}-*"))
        place = folder / ("good" if number == 0 else f"good-{number}")
        shutil.copytree(found, place)
        made = Made(place, random.Random(0), 0)
        made.change("run_id", place.name)
        made.change("config/bootstrap", 20)
        made.seal(scored=True)
        places.append(place)
    return places


class Findings:
    """The faults that were found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, place: str, trouble: str) -> None:
        if trouble:
            self.found.append(place)
            print(f"  FOUND {place!r}: {trouble}", flush=True)


def attack_records(home: Path, seed: int, each: int, findings: Findings, page: bool) -> None:
    """Merge, build, look at the page."""
    sent = home / "sent"
    bases = honest_records(sent / "honest")
    made = make_records(bases, sent, seed, each)
    print(f"{len(made)} hostile records in {len(FAMILIES)} families, seed {seed}", flush=True)
    places = sorted({str((sent / path).parent) for path in made} | {str(sent / "honest")})
    log = home / "times.jsonl"
    words = ["leaderboard", "merge", *places, "--out", "board/records", "--json", "outcomes.json"]
    ended = run(words, home, 3600, log=str(log))
    print(f"merge: exit code {ended.code}, {ended.seconds:.0f} s, largest process {ended.mib:.0f} MiB", flush=True)
    findings.add("merge", ended.trouble)
    _judge_times(log, home, ended.seconds, findings)
    if not (home / "outcomes.json").is_file():
        return
    outcomes = json.loads((home / "outcomes.json").read_text())["records"]
    status = {outcome["id"]: outcome for outcome in outcomes}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for path, (family, must) in made.items():
        outcome = status.get(Path(path).name, {"status": "not told", "reason": ""})
        if not (sent / path / "record.json").is_file() and outcome["status"] == "not told":
            outcome = {"status": "no record", "reason": ""}
        counts[family][outcome["status"]] += 1
        if outcome["status"] == "not told" or (must and outcome["status"] == "taken"):
            findings.add(path, outcome["status"])
    for family, found in counts.items():
        print(f"  {family}: {dict(found)}")
    print(f"  all: {dict(sum(counts.values(), Counter()))}", flush=True)
    for base in bases:
        if status.get(base.name, {}).get("status") != "taken":
            findings.add(base.name, f"an honest record was not taken: {status.get(base.name)}")
    _build(home, home / "board", [base.name for base in bases], findings, False, "taken")
    copied = home / "copied" / "records"
    copied.mkdir(parents=True)
    for path in [*made, *(f"honest/{base.name}" for base in bases)]:
        if not (place := copied / Path(path).name).is_symlink():
            place.symlink_to(sent / path)
    _build(home, copied.parent, [base.name for base in bases], findings, page, "copied in unseen")


def attack_forged(home: Path, findings: Findings) -> None:
    """Merge forged records into a board of honest ones: each is refused or told of, and no honest row changes."""
    for name in ("honest", "forged"):
        (home / "forgery" / name).mkdir(parents=True)
    board, place = home / "forgery" / "board", home / "forgery" / "forged"
    honest = honest_board(home / "forgery" / "honest")
    merge = ["leaderboard", "merge", "--out", str(board / "records"), "--json"]
    build = ["leaderboard", "build", "--runs", "none", "--no-site", "--out", str(board), "--json"]
    run([*merge, "first.json", "--sender", "own", str(honest[0].parent)], home, 600)
    run([*build, "before.json"], home, 600)
    sent = {make_forged(name, honest[0], place).name: name for name in FORGERIES}
    ended = run([*merge, "second.json", str(place)], home, 1200)
    findings.add("merge of forged records", ended.trouble)
    run([*build, "after.json"], home, 600)
    outcomes = {one["id"]: one for one in json.loads((home / "second.json").read_text())["records"]}
    for record, name in sent.items():
        _, expected, words = FORGERIES[name]
        one = outcomes[record]
        if one["status"] != expected or words not in one["reason"] + one["doubt"]:
            findings.add(name, f"{one['status']}: {one['reason'] or one['doubt'] or 'and nothing is said of it'}")
    rows_before = _rows_by_name(home / "before.json")
    rows_after = _rows_by_name(home / "after.json")
    for name, row in rows_before.items():
        findings.add(name, _describe_change(row, rows_after.get(name)))
    counts = Counter(one["status"] for one in outcomes.values())
    print(
        f"{len(sent)} forged records beside {len(HONEST)} honest ones: {dict(counts)}; {len(rows_before)} honest rows",
        flush=True,
    )


def _judge_times(log: Path, home: Path, seconds: float, findings: Findings) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    ends = [*(spent for _, spent in lines[1:]), seconds]
    took = sorted(((end - began, Path(path).name) for (path, began), end in zip(lines, ends)), reverse=True)
    for length, name in took:
        if length > SECONDS:
            findings.add(name, f"checking it took {length:.1f} s")
    print("  longest checks:", ", ".join(f"{name} {length:.1f} s" for length, name in took[:4]), flush=True)


def _build(home: Path, board: Path, honest: Sequence[str], findings: Findings, page: bool, what: str) -> None:
    """Tables and page of all records of a board."""
    words = ["leaderboard", "build", "--runs", "none", "--out", str(board), "--json", str(board / "tables.json")]
    ended = run(words, home, 1200)
    there = {file.parent.name for file in (board / "records").glob("[!.]*/record.json")}
    print(
        f"build of {len(there)} records, {what}: exit code {ended.code}, {ended.seconds:.0f} s, {ended.mib:.0f} MiB",
        flush=True,
    )
    findings.add(f"build, {what}", ended.trouble or ("" if ended.code == 0 else ended.said[-500:]))
    if not (board / "tables.json").is_file():
        return
    tables = json.loads((board / "tables.json").read_text())["tables"]
    rows = [row for table in tables for part in table["parts"] for row in part["rows"]]
    shown = {run for row in rows for run in row["runs"]}
    for name in honest:
        findings.add(f"{name}, {what}", "" if name in shown else "an honest record is in no table")
    left = [line for line in ended.said.splitlines() if "left out" in line or "counts" in line]
    silent = [name for name in there if name not in shown and not any(name[:40] in line for line in left)]
    if what == "taken":
        for name in silent:
            findings.add(name, "taken, in no table, and nobody said why")
    _judge_tables(board, [table["name"] for table in tables], findings)
    print(f"  {len(tables)} tables, {len(shown)} runs in them, {len(left)} told as left out", flush=True)
    if page and (board / "site").is_dir():
        look(board / "site", findings, what)


def _judge_tables(board: Path, names: Sequence[str], findings: Findings) -> None:
    """Find tables of one name, and cells that a spreadsheet would run."""
    for name, count in Counter(name.casefold() for name in names).items():
        findings.add(name, f"{count} tables of this name" if count > 1 else "")
    for file in board.glob("*.csv"):
        if re.search(r'(^|,)"?[=+@][A-Za-z]', file.read_text(), re.MULTILINE):
            findings.add(file.name, "a cell that a spreadsheet runs")


def look(site: Path, findings: Findings, what: str) -> None:
    """Open every page in Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        print("  no Chromium here: the page was not looked at")
        return
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("dialog", lambda dialog: troubles.append(f"a dialog: {dialog.message}"))
        page.on("dialog", lambda dialog: dialog.dismiss())
        page.on("pageerror", lambda error: troubles.append(f"an error of a script: {error}"))
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else troubles.append(f"asks for {r.url}"),
        )
        files = sorted(site.rglob("*.html"))
        for file in files:
            page.goto(file.as_uri(), wait_until="load", timeout=60_000)
            if page.locator("table[data-sortable]").count():
                page.wait_for_selector("html[data-ready]", state="attached", timeout=60_000)
            if page.evaluate(RAN):
                troubles.append("a script of a record ran, or could")
            for trouble in troubles:
                findings.add(f"{file.relative_to(site)}, {what}", trouble)
            troubles.clear()
        browser.close()
    print(f"  {len(files)} pages opened in Chromium", flush=True)


# -- other files ------------------------------------------------------------------------------------------------------------


def attack_files(cases: Sequence[Case], findings: Findings) -> None:
    """Ask for each what it is for."""
    codes: dict[str, Counter[str]] = defaultdict(Counter)
    longest: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for number, case in enumerate(cases):
        ended = run(case.words, case.folder, SECONDS, terminal=number % 3 == 2)
        findings.add(f"{case.kind} {case.folder.name} ({' '.join(case.words)[:160]})", ended.trouble)
        codes[case.kind][_outcome_of(ended.code)] += 1
        seconds, mib = longest[case.kind]
        longest[case.kind] = max(seconds, ended.seconds), max(mib, ended.mib)
    for kind, counts in codes.items():
        print(f"  {kind}: {dict(counts)}, at most {longest[kind][0]:.1f} s and {longest[kind][1]:.0f} MiB", flush=True)


def _describe_change(before: dict[str, Any], after: dict[str, Any] | None) -> str:
    """What strangers' records changed of an honest row: value, interval, settings, or anything but its place among others."""
    if after is None:
        return "an honest row is gone"
    changed = {key: (before.get(key), after.get(key)) for key in {*before, *after} if before.get(key) != after.get(key)}
    of_itself = {key: values for key, values in changed.items() if key not in OF_OTHERS}
    return f"an honest row changed: {of_itself}"[:500] if of_itself else ""


def _rows_by_name(file: Path) -> dict[str, dict[str, Any]]:
    """The rows of all tables in a file of `leaderboard build --json`, by what identifies them."""
    rows = {}
    for table in json.loads(file.read_text())["tables"]:
        for part in table["parts"]:
            for row in part["rows"]:
                name = json.dumps([table["name"], part["name"], row["method"], row["runs"]])
                rows[name] = row
    return rows


def _outcome_of(code: int | None) -> str:
    """What became of a program, by its exit code; a stopped one has none."""
    if code is None:
        return "stopped"
    return "refused" if code else "answered"


def main() -> None:
    parser = argparse.ArgumentParser(description="Hostile records and files: refused or answered.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=20, help="records of a family")
    parser.add_argument("--files", type=int, default=50, help="files of a kind")
    parser.add_argument("--started", type=int, default=12, help="files whose program is started as from a shell")
    parser.add_argument("--only", nargs="*", help="families and kinds")
    parser.add_argument("--no-page", action="store_true")
    parser.add_argument("--keep", type=Path, help="leave all files in this folder")
    args = parser.parse_args()
    for pool in (FAMILIES, FORGERIES, KINDS):
        for name in [n for n in pool if args.only and n not in args.only]:
            del pool[name]  # type: ignore[attr-defined]
    SERVER.set_forkserver_preload(
        [
            "mebench.cli",
            "mebench.boards.site.site_pages",
            "mebench.api.boards",
            "mebench.runs.scoring",
            "mebench.inspection",
            "mebench.exchange.answers",
            "openpyxl",
            "torch",
            "safetensors.torch",
        ]
    )
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="mebench-attack-") as scratch:
        home = args.keep or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        os.environ |= {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "settings"), "COLUMNS": "200"}
        if FAMILIES:
            attack_records(home, args.seed, args.each, findings, not args.no_page)
        if FORGERIES:
            attack_forged(home, findings)
        if KINDS:
            drawn = home / "casme2"
            run(["data", "fake", "dataset=casme2", "--out", str(drawn)], home, 120)
            cases = make_files(home / "files", args.seed, args.files, drawn)
            print(f"{len(cases)} hostile files of {len(KINDS)} kinds, seed {args.seed}", flush=True)
            attack_files(cases, findings)
            for case in random.Random(args.seed).sample(cases, min(args.started, len(cases))):
                ended = started(case.words, case.folder)
                findings.add(f"started: {case.kind} {case.folder.name}", ended.trouble)
    print(f"found: {len(findings.found)}")
    sys.exit(1 if findings.found else 0)


if __name__ == "__main__":
    main()
