"""Find faults that the tests would not notice: lines of mebench are broken, one at a time, and the tests that import the file run.

    python tools/mutate.py [--seed 0 1 2] [--lines 100] [--only FILE ...] [--at FILE:LINE ...] [--changed REVISION]
    python tools/mutate.py --again out.json

A draw takes `--lines` lines of `mebench/`, all being equally likely that hold anything that can be broken, and breaks one thing
in each: a number, a comparison, `+` or `*`, `and` or `or`, a `not`, a least for a greatest, a sort or a seed that is left out.
`--only` draws from some files, `--changed` from lines that differ from a revision. `--at` tries all there is in some lines, `--again`
what survived an earlier time (`--json`).

The checkout is left alone: each mutant is a copy of its own, tested in a copy of a process that has imported everything but
mebench. At first all selected tests run on the unbroken copy, which says how long they take and which functions of mebench
each file calls; what fails there is named and left out. `--baseline FILE` keeps that for the next time. Then the tests of a mutant
run until one fails, the nearest first: those of the file itself, then those that call the broken function, by the length of the
chain of imports; last, those with a marker of `--markers`, which start processes (`--without-marked` leaves them out). A line
outside of functions, or in a compiled one, takes the tests that import the file directly or call anything in it; `--imported` takes
for every line all tests that import the file in any way. Ten times as long as before, and at least `--timeout` seconds, for one
test file is too long.

Printed are all mutants, then those that survive. A survivor is a gap in the tests, or it makes no difference that matters.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from forks import Job, Outcome, Stage, run_all, warm
from importers import Importers
from mutants import Mutant, draw, mutants, sound
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
FACTOR = 10
"""How much longer than before a test file may take."""
CHUNK = 12
"""Test files that one process runs at first."""
SOON = 15.0
"""Seconds of tests that are collected together before all others."""

Known = dict[str, dict[str, Any]]
"""By test file: `stamp`, `seconds`, `failed` tests and `called` functions, from the unbroken copy."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)


def main() -> None:
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # mutants under way end, too
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted((ROOT / "mebench").rglob("*.py"))
    }
    drawn = _chosen(args, sources)
    if args.list:
        for seed, some in drawn.items():
            console.print(
                *(f"{seed}  {m.file}:{m.line}  {m.operator}  {_short(m)}" for m in some), sep="\n", markup=False
            )
        return
    graph = Importers(ROOT)
    warm(graph.foreign)
    with tempfile.TemporaryDirectory(prefix="mutate-") as scratch:
        pristine = Path(scratch) / "pristine"
        _copy(pristine)
        graph.tests -= {Path(file).resolve().relative_to(ROOT).as_posix() for file in args.without}
        near = {file: graph.distances(file) for file in {m.file for some in drawn.values() for m in some}}
        known = _unbroken(args, pristine, sorted({test for tests in near.values() for test in tests}))
        found = {}
        for seed, some in drawn.items():
            jobs = [Job(_stages(m, near[m.file], known, args), (m.file, m.apply(sources[m.file])), key=m) for m in some]
            found[seed] = list(_outcomes(jobs, pristine, args, known))
            _report(seed, found[seed], sources)
            if args.json:
                content = {
                    str(seed): [_plain(m, outcome, sources) for m, outcome in rows] for seed, rows in found.items()
                }
                Path(args.json).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Lines of mebench are broken; which ones do no tests notice?")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the draw; several for several draws")
    parser.add_argument("--lines", type=int, default=100, help="of each draw")
    parser.add_argument("--only", nargs="+", metavar="FILE", help="draw from these files of mebench")
    parser.add_argument("--changed", metavar="REVISION", help="draw from lines that differ from this revision of git")
    parser.add_argument("--at", nargs="+", metavar="FILE:LINE", help="no draw: everything in these lines")
    parser.add_argument("--again", metavar="FILE", help="no draw: what survived in that file of --json")
    parser.add_argument("--list", action="store_true", help="print the draw and end")
    parser.add_argument("--workers", type=int, default=2, help="mutants at once")
    parser.add_argument("--timeout", type=float, default=60.0, help="least seconds that a test file may take")
    parser.add_argument("--markers", nargs="*", default=["processes", "browser"], help="of tests that run last")
    parser.add_argument("--without-marked", action="store_true", help="leave those out")
    parser.add_argument("--without", nargs="+", metavar="FILE", default=[], help="leave these test files out, too")
    parser.add_argument("--imported", action="store_true", help="run all tests that import the file in any way")
    parser.add_argument("--baseline", metavar="FILE", help="keep what the unbroken copy says, as JSON")
    parser.add_argument("--json", metavar="FILE", help="write all outcomes as JSON")
    return parser.parse_args()


def _chosen(args: argparse.Namespace, sources: Mapping[str, bytes]) -> dict[int, list[Mutant]]:
    """The mutants by seed."""
    if args.again:
        return _survivors(args.again, sources)
    files = _files_named(args.only, sources) or set(sources)
    if args.at:
        return {0: _mutants_in_lines(args.at, sources, files if args.only else None)}
    every = [m for file in sorted(files) for m in mutants(file, sources[file])]
    if args.changed:
        changed = _changed(args.changed)
        every = [m for m in every if (m.file, m.line) in changed]
    return {seed: _sound(draw(every, args.lines, seed), every, sources) for seed in args.seed}


def _survivors(file: str, sources: Mapping[str, bytes]) -> dict[int, list[Mutant]]:
    """The mutants that survived an earlier time, by seed, from a file of `--json`."""
    rows = json.loads(Path(file).read_text(encoding="utf-8"))
    found = {int(seed): [_read(row) for row in some if row["outcome"] == "survived"] for seed, some in rows.items()}
    for survivors in found.values():
        for m in survivors:
            if sources.get(m.file, b"")[m.start : m.end] != m.old.encode():
                raise SystemExit(f"{m.file} has changed since {file} was written: draw anew")
    return found


def _files_named(only: Sequence[str] | None, sources: Mapping[str, bytes]) -> set[str]:
    """The files of `--only`, from the root of the checkout."""
    named = {Path(file).resolve().relative_to(ROOT).as_posix() for file in only or ()}
    unknown = named - set(sources)
    if unknown:
        raise SystemExit(f"{min(unknown)} is no file of mebench/")
    return named


def _mutants_in_lines(at: Sequence[str], sources: Mapping[str, bytes], only: set[str] | None) -> list[Mutant]:
    """All mutants in the lines of `--at`, in the files of `--only` if there are some."""
    places = set()
    for place in at:
        file, _, line = place.rpartition(":")
        places.add((file, int(line)))
    files = only or {file for file, _ in places}
    unknown = files - set(sources)
    if unknown:
        raise SystemExit(f"--at takes FILE:LINE with a file of mebench/, from the root: {min(unknown)} is none")
    every = [m for file in sorted(files) for m in mutants(file, sources[file])]
    return [m for m in every if (m.file, m.line) in places and sound(m, sources[m.file])]


def _sound(drawn: Iterable[Mutant], every: Sequence[Mutant], sources: Mapping[str, bytes]) -> list[Mutant]:
    """The drawn ones; for one that is no program, or the same one, the next in its line."""
    found = []
    for mutant in drawn:
        others = [m for m in every if (m.file, m.line) == (mutant.file, mutant.line)]
        good = next((m for m in [mutant, *others] if sound(m, sources[m.file])), None)
        if good is not None:
            found.append(good)
    return found


def _changed(revision: str) -> set[tuple[str, int]]:
    """Lines of mebench that are new or other than in a revision of git; untracked files are not."""
    command = ["git", "diff", "--unified=0", "--no-color", "--no-ext-diff", revision, "--", "mebench"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found, file = set(), ""
    for line in text.splitlines():
        if line.startswith("+++ "):
            file = line.removeprefix("+++ b/")
        elif match := re.match(r"@@ \S+ \+(\d+)(?:,(\d+))? @@", line):
            first, n = int(match[1]), int(match[2] or 1)
            found |= {(file, number) for number in range(first, first + n)}
    return found


def _copy(pristine: Path) -> None:
    """Copy what git tracks or would, and compile it so that a changed file is compiled anew however quick the change."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (pristine / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, pristine / name)
    for folder in ("mebench", "methods", "datasets"):
        compileall.compile_dir(pristine / folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def _unbroken(args: argparse.Namespace, pristine: Path, tests: Sequence[str]) -> Known:
    """Run the tests on the unbroken copy, but for those that an earlier time has seen pass with the same sources."""
    file = Path(args.baseline) if args.baseline else None
    known: Known = json.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else {}
    marks = _marks(args)[0] if args.without_marked else ""
    stamps = _stamps(pristine, tests, marks)
    known = {test: entry for test, entry in known.items() if stamps.get(test, entry["stamp"]) == entry["stamp"]}
    new = [test for test in tests if test not in known]
    chunks = [new[i : i + CHUNK] for i in range(0, len(new), CHUNK)]
    while chunks:
        jobs = [Job([Stage(tuple(chunk), marks)], look=True, key=chunk) for chunk in chunks]
        chunks = []
        for job, outcome in run_all(jobs, pristine, args.workers, lambda _: FACTOR * args.timeout):
            lost = not outcome.spent  # it ended before it could tell: each file again by itself
            if lost and len(job.key) > 1:
                chunks += [[test] for test in job.key]
                continue
            for test in job.key:
                known[test] = {"stamp": stamps[test], **_entry_of(test, outcome)}
                for name in known[test]["failed"]:
                    console.print(f"{name} fails without any change and is left out", style="yellow", markup=False)
            console.print(f"unbroken: {outcome.seconds:.0f} s for {len(job.key)} files from {job.key[0]}", markup=False)
            if file:
                file.write_text(json.dumps(known) + "\n", encoding="utf-8")
    return known


def _entry_of(test: str, outcome: Outcome) -> dict[str, Any]:
    """The seconds, failed tests and called functions of a test file that ran on the unbroken copy."""
    failed = [name for name in outcome.failed if name.partition("::")[0] == test]
    return {
        "seconds": round(outcome.spent.get(test, 0.0), 2),
        "failed": failed if outcome.spent else [test],
        "called": [list(name) for name in outcome.called.get(test, [])],
    }


def _stamps(pristine: Path, tests: Sequence[str], marks: str) -> dict[str, str]:
    """For each test file a hash of it and of all that is no test."""
    common = hashlib.sha256(marks.encode())
    for path in sorted(pristine.rglob("*")):
        name = path.relative_to(pristine).as_posix()
        if path.suffix in (".py", ".toml", ".yaml") and not re.match(
            r"(benchmarks|tools)/|tests/.*test_\w+\.py$", name
        ):
            common.update(name.encode() + path.read_bytes())
    return {test: hashlib.sha256(common.digest() + (pristine / test).read_bytes()).hexdigest()[:16] for test in tests}


def _marks(args: argparse.Namespace) -> tuple[str, str]:
    """Pytest's expressions for the tests that run first, and for the others."""
    some = " or ".join(args.markers)
    return (f"not ({some})", some) if some else ("", "")


def _stages(m: Mutant, near: Mapping[str, int], known: Known, args: argparse.Namespace) -> list[Stage]:
    """The tests of a mutant, the nearest first."""
    first, last = _marks(args)
    good = {test for test in near if test not in known[test]["failed"]}
    chosen = good if args.imported else _reaching(m, {test: near[test] for test in good}, known)
    ordered = sorted(chosen, key=lambda test: (near[test], known[test]["seconds"], test))
    own = [test for test in ordered if near[test] == 0]
    others = [test for test in ordered if near[test] > 0]
    soon, later = _within_seconds(others, known, SOON)
    bad = tuple(name for test in good for name in known[test]["failed"])
    stages = [Stage(tuple(tests), first, bad) for tests in (own, soon, later) if tests]
    if last and not args.without_marked:
        stages.append(Stage(tuple(sorted(good, key=lambda test: (near[test], test))), last, bad))
    return stages


def _reaching(m: Mutant, near: Mapping[str, int], known: Known) -> set[str]:
    """The test files that call the mutant's function.

    Calls of a compiled function cannot be seen. If no test is seen to call it, or the mutant is outside of functions, those are
    taken that import the file directly or call anything in it.
    """
    own = {test for test, distance in near.items() if distance == 0}
    calling = {test for test in near if [m.file, m.function] in known[test]["called"]}
    if calling:
        return own | calling
    return {test for test in near if near[test] <= 1 or m.file in {file for file, _ in known[test]["called"]}}


def _within_seconds(tests: Sequence[str], known: Known, seconds: float) -> tuple[list[str], list[str]]:
    """The first test files that together take no longer than this, and the others."""
    spent = 0.0
    for number, test in enumerate(tests):
        spent += known[test]["seconds"]
        if spent > seconds:
            return [*tests[:number]], [*tests[number:]]
    return [*tests], []


def _outcomes(
    jobs: Sequence[Job], pristine: Path, args: argparse.Namespace, known: Known
) -> Iterator[tuple[Mutant, Outcome]]:
    """Each mutant with what came of it, in the order of the draw; a line is printed as it ends."""

    def limit(test: str) -> float:
        if not test:  # imports
            return FACTOR * float(args.timeout)
        return max(float(args.timeout), FACTOR * float(known.get(test, {}).get("seconds", 0.0)))

    ended: dict[Mutant, Outcome] = {}
    for job, outcome in run_all(jobs, pristine, args.workers, limit):
        ended[job.key] = outcome
        number = f"{len(ended)}/{len(jobs)}"
        console.print(f"{number}  {job.key.file}:{job.key.line}  {_short(job.key)}  {_in_words(outcome)}", markup=False)
    yield from ((job.key, ended[job.key]) for job in jobs)


def _report(seed: int, rows: Sequence[tuple[Mutant, Outcome]], sources: Mapping[str, bytes]) -> None:
    """Print all, then the survivors with their lines."""
    table = Table(title=f"seed {seed}")
    for name in ("line", "operator", "before and after", "outcome", "s"):
        table.add_column(name, no_wrap=name in ("line", "operator", "s"), justify="right" if name == "s" else "left")
    for mutant, outcome in rows:
        cells = (
            f"{mutant.file}:{mutant.line}",
            mutant.operator,
            _short(mutant),
            _in_words(outcome),
            f"{outcome.seconds:.0f}",
        )
        table.add_row(*cells, style=STYLES[_status_of(outcome)])
    console.print(table, markup=False)
    counts = Counter(_status_of(outcome) for _, outcome in rows)
    console.print(
        f"seed {seed}: {len(rows)} lines, {counts['caught']} caught, {counts['timeout']} by time, "
        f"{counts['survived']} survived"
    )
    for mutant, outcome in rows:
        if outcome.passed:
            console.print(f"\n{mutant.file}:{mutant.line}", *mutant.diff(sources[mutant.file]), sep="\n", markup=False)


STYLES = {"survived": "bold red", "timeout": "yellow", "caught": ""}
"""The colour of a row by its status."""


def _status_of(outcome: Outcome) -> str:
    """Whether a mutant survived, was caught, or made the tests too slow."""
    if outcome.passed:
        return "survived"
    return "timeout" if outcome.late else "caught"


def _in_words(outcome: Outcome) -> str:
    """The outcome of a mutant, for people."""
    if outcome.late:
        return f"timeout in {outcome.late}"
    if outcome.failed:
        return f"caught by {outcome.failed[0]}"
    return "caught: the process died" if outcome.died else "survived"


def _short(mutant: Mutant) -> str:
    old, new = (re.sub(r"\s+", " ", text).strip() for text in (mutant.old, mutant.new))
    return f"{old[:40]} -> {new[:40] or '(nothing)'}"


def _plain(mutant: Mutant, outcome: Outcome, sources: Mapping[str, bytes]) -> dict[str, Any]:
    by = outcome.late or (outcome.failed[0] if outcome.failed else None)
    diff = mutant.diff(sources[mutant.file])
    seconds = round(outcome.seconds, 1)
    return {**asdict(mutant), "diff": diff, "outcome": _status_of(outcome), "by": by, "seconds": seconds}


def _read(row: Mapping[str, Any]) -> Mutant:
    return Mutant(**{field.name: row[field.name] for field in fields(Mutant)})


if __name__ == "__main__":
    if "PYTHONHASHSEED" not in os.environ:  # sets in one order, whenever
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    main()
