"""What a run of many people costs the one program that plans it and hands out its folds.

    python benchmarks/planning.py [--people 30 250 1000] [--folds 20]   # measured here, into the record
    python benchmarks/planning.py --write                              # the tables of the record, into planning.md

Ten videos a person, drawn annotations, each person left out once, a method without features, no worker. Each number of people is a
program of its own. Printed are seconds of the processor to plan; the bytes of what all folds have in common, which goes to each machine of
a cluster once, and of the message of one fold; milliseconds of the processor to hand a fold to a cluster, and to host it here, where its
process gets the annotations of those who train; and the memory of the program at its end. The record also holds whole commands, as
`load.py people` prints them, folds by Dask as `dask_folds.py` does, and what scoring took at most, before and after changes that are
named there.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from load import VIDEOS_OF_PERSON, write_plugins

from mebench.config import resolve
from mebench.runner.host import FoldHost, fold_task
from mebench.runner.plan import make_plan

Row = Mapping[str, Any]
RECORD = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).with_suffix(".md")
END = "<!-- end -->"


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor, and the result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def measure(root: Path, people: int, n_folds: int) -> dict[str, float]:
    """What planning, handing out and hosting cost for a number of people."""
    words = ["method=walk", "dataset=many", f"plugins={root / 'plugins'}", f"cache={root / 'cache'}", "runs=runs"]
    make_plan(resolve([*words, "dataset.people=5", "dataset.videos=50"]))  # imports what it needs
    config = resolve([*words, f"dataset.people={people}", f"dataset.videos={VIDEOS_OF_PERSON * people}"])
    planning, plan = seconds_of(lambda: make_plan(config))
    folds = plan.data.folds[:n_folds]
    first = fold_task("", plan, folds[0])  # what all have in common is made
    in_common = sum(len(pickle.dumps(part)) for part in first.shared)
    seconds_of(lambda: FoldHost.for_fold(plan, folds[0]).order)
    handing, messages = seconds_of(lambda: [pickle.dumps(fold_task("", plan, fold).arguments) for fold in folds])
    hosting, _ = seconds_of(lambda: [pickle.dumps(FoldHost.for_fold(plan, fold).order) for fold in folds])
    handing_ms, hosting_ms = (1000 * seconds / len(folds) for seconds in (handing, hosting))
    return {
        "people": people,
        "plan_s": round(planning, 3),
        "common_bytes": in_common,
        "message_bytes": max(map(len, messages)),
        "hand_out_ms": round(handing_ms, 3),
        "host_ms": round(hosting_ms, 3),
        "mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def tables_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The tables and sentences of the page, by the names of their places."""
    return {
        "plan": table_of_plans(record["plan"]),
        "former_plan": table_of_former_plans(record["former_plan"]),
        "former_commands": table_of_commands(record["former_commands"]),
        "commands": table_of_commands(record["commands"]),
        "growth": sentence_of_growth(record["commands"]),
        "scoring": table_of_scoring(record["scoring"]),
        "dask": table_of_dask(record["dask"]),
    }


def table_of_plans(rows: Sequence[Row]) -> str:
    """Planning, and what it lets a program hand out."""
    head = ["people", "plan, s", "in common, kB", "message, kB", "to hand out, ms", "folds a second", "to host, ms"]
    cells = [
        [
            f"{row['people']}",
            f"{row['plan_s']:.2f}",
            f"{row['common_bytes'] / 1000:.0f}",
            f"{row['message_bytes'] / 1000:.1f}",
            f"{row['hand_out_ms']:.2f}",
            f"{1000 / row['hand_out_ms']:.0f}",
            f"{row['host_ms']:.1f}",
            f"{1000 / row['host_ms']:.0f}",
            f"{row['mib']}",
        ]
        for row in rows
    ]
    return _table([*head, "folds a second", "MiB"], cells)


def table_of_former_plans(rows: Sequence[Row]) -> str:
    """The same before a fold was two sets of indices."""
    cells = [
        [f"{row['people']}", f"{row['plan_s']:.2f}", f"{row['message_bytes'] / 1000:.1f}", f"{row['hand_out_ms']:.1f}"]
        for row in rows
    ]
    return _table(["people", "plan, s", "message, kB", "to hand out, ms"], cells)


def table_of_commands(rows: Sequence[Row]) -> str:
    """Whole commands by people."""
    cells = [[f"{row['people']}", f"`{row['command']}`", f"{row['seconds']:.1f}", f"{row['mib']}"] for row in rows]
    return _table(["people", "command", "seconds", "MiB"], cells)


def sentence_of_growth(rows: Sequence[Row]) -> str:
    """How many times as long each size takes as the one before, at most, of all commands."""
    seconds = {(row["command"], row["people"]): row["seconds"] for row in rows}
    sizes = sorted({row["people"] for row in rows})
    steps = []
    for few, many in pairwise(sizes):
        largest = max(seconds[command, many] / seconds[command, few] for command, people in seconds if people == many)
        steps.append(f"{many / few:.1f} times the people ({few} to {many}) take at most {largest:.1f} times as long")
    return f"{'; '.join(steps)}.\n"


def table_of_scoring(rows: Sequence[Row]) -> str:
    """What scoring a run takes."""
    cells = [[row["when"], f"{row['seconds']:.1f}", f"{row['mib']}"] for row in rows]
    return _table(["scoring", "seconds", "MiB at most"], cells)


def table_of_dask(rows: Sequence[Row]) -> str:
    """What a fold takes by Dask, see `dask_folds.py`."""
    cells = [[row["when"], f"{row['parent_ms']:.1f}", f"{row['others_ms']}"] for row in rows]
    return _table(["", "program, ms a fold", "scheduler and workers, ms a fold"], cells)


def _table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("| --- ", "|---").replace("|--- |", "|---|")


def with_tables(page: str, record: Mapping[str, Any]) -> str:
    """The page with the tables of a record in their places."""
    for name, text in tables_of(record).items():
        begin = f"<!-- {name} -->\n\n"
        start = page.index(begin) + len(begin)
        page = f"{page[:start]}{text}\n{page[page.index(END, start) :]}"
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and bytes of planning and handing out folds.")
    parser.add_argument("--people", type=int, nargs="+", default=[30, 250, 1000])
    parser.add_argument("--folds", type=int, default=20, help="folds that are handed out")
    parser.add_argument("--write", action="store_true", help="only write the tables of the record into the page")
    parser.add_argument("--root", type=Path, help="folder of one measurement")
    args = parser.parse_args()
    if args.root is not None:
        print(json.dumps(measure(args.root, args.people[0], args.folds)))
        return
    record = json.loads(RECORD.read_text("utf-8"))
    if not args.write:
        record["plan"] = [measure_apart(people, args.folds) for people in args.people]
        RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        print(table_of_plans(record["plan"]), end="")
    PAGE.write_text(with_tables(PAGE.read_text("utf-8"), record), "utf-8")


def measure_apart(people: int, n_folds: int) -> Row:
    """A row, measured in a program of its own."""
    with tempfile.TemporaryDirectory(prefix="mebench-planning-") as scratch:
        write_plugins(Path(scratch, "plugins"))
        words = ["--root", scratch, "--people", str(people), "--folds", str(n_folds)]
        printed = subprocess.run([sys.executable, __file__, *words], check=True, capture_output=True, text=True).stdout
    row: Row = json.loads(printed)
    return row


if __name__ == "__main__":
    main()
