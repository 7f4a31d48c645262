"""What a plan of thousands of runs costs on a cluster, by simulation from measured costs.

    python benchmarks/many_runs.py measure   # costs on this machine, and the simulation, into the record
    python benchmarks/many_runs.py write     # the table of the record, into docs/how_to/thousands_of_runs.md

1,000 methods on 20 datasets with 5 seeds are 100,000 runs; each person is left out once, and 64 machines have 16 workers each. Measured are
seconds of the program that plans, hands out, keeps and scores: one run on ten drawn videos a person, whose folds have their answers
already and keep no weights. Assumed is how long a fold computes. The simulation follows each fold of a few runs: a program keeps ended
folds, scores complete runs, hands out folds one by one, and plans its next run when none is left. All programs share the workers. The
network and Dask's scheduler cost nothing in it.
"""

from __future__ import annotations

import argparse
import heapq
import json
import pickle
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from load import VIDEOS_OF_PERSON, write_plugins

from mebench.config import resolve
from mebench.core import Prediction
from mebench.errors import MebenchError
from mebench.output.progress import Silent
from mebench.runner.execute import execute_all
from mebench.runner.host import fold_task
from mebench.runner.plan import SharedData, make_plan
from mebench.runner.session import Session, open_session
from mebench.runner.workers import Workers, WorkerTask
from mebench.runs import FoldResult

DATA = Path(__file__).with_suffix(".json")
PAGE = Path(__file__).parents[1] / "docs" / "how_to" / "thousands_of_runs.md"
BEGIN, END = "<!-- tables -->\n\n", "\n<!-- end -->\n"
PEOPLE = (300, 1000)
RUNS = 1_000 * 20 * 5
WORKERS = 64 * 16
PROGRAMS = (1, 20, 64)
FOLD_SECONDS = (1.0, 20.0)
FOLLOWED = 4
"""Runs of each program that are followed fold by fold; the others take as long."""
SECONDS_OF_DAY = 24 * 3600
NO_COSTS = {"fit_seconds": 0.0, "predict_seconds": 0.0, "peak_memory_mib": 0.0, "parameters": 0.0}
HEAD = f"| people | a fold computes, s | programs | days | workers in use | programs in use | TB on disk |\n{'|---' * 7}|\n"


@dataclass(frozen=True)
class Costs:
    """What a run costs the program that hands it out: seconds, and bytes.

    Attributes:
        people: number of people, each of whom is left out once.
        plan: seconds to plan a run on people whom another run has divided.
        hand_out: seconds to hand out a fold.
        keep: seconds to keep a fold.
        score: seconds to put a run together and to score it.
        disk: bytes of a run, without weights.
    """

    people: int
    plan: float
    hand_out: float
    keep: float
    score: float
    disk: int


@dataclass
class Program:
    """A program on its core, and what waits for it.

    Attributes:
        to_plan: number of runs that are not planned.
        to_hand_out: number of planned folds that no worker has.
        ended: number of folds that wait to be kept.
        kept: number of folds that are kept.
        to_score: number of runs whose folds are all kept.
        is_busy: whether it does something.
        seconds: time in which it did something.
    """

    to_plan: int
    to_hand_out: int = 0
    ended: int = 0
    kept: int = 0
    to_score: int = 0
    is_busy: bool = False
    seconds: float = 0.0

    def take_next(self, costs: Costs) -> tuple[str, float] | None:
        """What it does next, and the seconds of it: what has ended comes first. None if it has to wait."""
        if self.ended:
            self.ended -= 1
            return "kept", costs.keep
        if self.to_score:
            self.to_score -= 1
            return "scored", costs.score
        if self.to_hand_out:
            self.to_hand_out -= 1
            return "handed out", costs.hand_out
        if self.to_plan:
            self.to_plan -= 1
            return "planned", costs.plan
        return None


@dataclass(frozen=True)
class Outcome:
    """What all runs take.

    Attributes:
        days: days until the last run is scored.
        workers: share of the time in which a worker computes.
        programs: share of the time in which a program plans, hands out, keeps or scores.
    """

    days: float
    workers: float
    programs: float


def simulate(costs: Costs, fold_seconds: float, n_programs: int, runs: int = RUNS, workers: int = WORKERS) -> Outcome:
    """The time of all runs: that of those which are followed, as often as there are others.

    Args:
        costs: costs of a run.
        fold_seconds: seconds that a worker computes a fold.
        n_programs: programs that share the runs and the workers.
        runs: number of runs.
        workers: number of workers.
    """
    programs = [Program(FOLLOWED) for _ in range(n_programs)]
    events = [(0.0, number, "begun", number) for number in range(n_programs)]  # time, order, what has ended, program
    waiting = deque[int]()  # the program of each fold that no worker has
    orders = count(n_programs)
    idle = workers
    now = 0.0
    while events:
        now, _, what, number = heapq.heappop(events)
        program = programs[number]
        if what == "planned":
            program.to_hand_out += costs.people
        elif what == "handed out":
            waiting.append(number)
        elif what == "computed":
            idle += 1
            program.ended += 1
        elif what == "kept":
            program.kept += 1
            program.to_score += program.kept % costs.people == 0
        if what != "computed":
            program.is_busy = False
        while waiting and idle:
            idle -= 1
            heapq.heappush(events, (now + fold_seconds, next(orders), "computed", waiting.popleft()))
        if not program.is_busy and (task := program.take_next(costs)) is not None:
            program.is_busy = True
            program.seconds += task[1]
            heapq.heappush(events, (now + task[1], next(orders), task[0], number))
    followed = FOLLOWED * n_programs
    return Outcome(
        days=now * runs / followed / SECONDS_OF_DAY,
        workers=followed * costs.people * fold_seconds / (now * workers),
        programs=sum(program.seconds for program in programs) / (now * n_programs),
    )


def table_of(record: Mapping[str, Any]) -> str:
    """The table of the record."""
    disk = {costs["people"]: costs["disk"] * RUNS / 1e12 for costs in record["costs"]}
    template = (
        "| {people} | {fold_seconds:g} | {n_programs} | {days:,.1f} | {workers:.0%} | {programs:.0%} | {disk:.1f} |\n"
    )
    return HEAD + "".join(template.format(**row, disk=disk[row["people"]]) for row in record["rows"])


def rows_of(measured: Sequence[Costs]) -> list[dict[str, Any]]:
    """A row for each case."""
    rows = []
    for costs in measured:
        for fold_seconds in FOLD_SECONDS:
            for n_programs in PROGRAMS:
                outcome = simulate(costs, fold_seconds, n_programs)
                rounded = {name: round(value, 4) for name, value in asdict(outcome).items()}
                rows.append({"people": costs.people, "fold_seconds": fold_seconds, "n_programs": n_programs, **rounded})
    return rows


class Instant(Workers):
    """Workers that have all answers: noise, and an interval in each video of a fold."""

    size = 1

    def _pass(self, tasks: Sequence[WorkerTask], tick: Callable[[], None] | None) -> Iterator[tuple[WorkerTask, Any]]:
        rng = np.random.default_rng(0)
        for task in tasks:
            session, fold = task.key
            videos = session.plan.data.tested_videos(fold)
            spotted = [Prediction(video.key, "micro", 100, 104, 110, 0.5) for video in videos]
            scores = {video.key: rng.normal(size=(video.n_frames, 1)) for video in videos}
            timings = session.plan.data.find_timings(fold)
            yield task, FoldResult(fold.key, spotted, [], scores, timings, 1, NO_COSTS, b"")


def measure(people: int) -> Costs:
    """The costs on this machine, in seconds of the processor of one thread."""
    with tempfile.TemporaryDirectory(prefix="mebench-many-") as scratch:
        root = Path(scratch)
        write_plugins(root / "plugins")
        words = ["method=walk", "dataset=many", f"plugins={root / 'plugins'}", f"cache={root / 'cache'}"]
        words += [f"runs={root / 'runs'}", "tracking=off", "workers=2", f"dataset.people={people}"]
        config = resolve([*words, f"dataset.videos={VIDEOS_OF_PERSON * people}"])
        shared = SharedData()
        make_plan(config, shared=shared)
        plan_seconds, plan = seconds_of(lambda: make_plan(config, shared=shared))
        folds = plan.data.folds[:100]
        _ = fold_task("", plan, folds[0]).shared
        hand_out, _ = seconds_of(lambda: [pickle.dumps(fold_task("", plan, fold).arguments) for fold in folds])
        session = open_session(plan)
        with watched("store_fold") as keep, watched("finish") as score:
            (outcome,) = execute_all([session], Instant(), Silent())
        assert not isinstance(outcome, MebenchError), outcome
        disk = sum(file.stat().st_size for file in session.folder.path.rglob("*") if file.is_file())
    n_folds = len(plan.data.folds)
    return Costs(people, plan_seconds, hand_out / len(folds), sum(keep) / n_folds, sum(score), disk)


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor in this thread, and the result."""
    began = time.thread_time()
    result = work()
    return time.thread_time() - began, result


@contextmanager
def watched(name: str) -> Iterator[list[float]]:
    """The seconds of each call of a method of sessions."""
    method = getattr(Session, name)
    calls = list[float]()

    def call(*arguments: Any) -> Any:
        seconds, result = seconds_of(lambda: method(*arguments))
        calls.append(seconds)
        return result

    setattr(Session, name, call)
    try:
        yield calls
    finally:
        setattr(Session, name, method)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a plan of thousands of runs costs on a cluster.")
    parser.add_argument("action", choices=("measure", "write"))
    if parser.parse_args().action == "measure":
        measured = [measure(people) for people in PEOPLE]
        record = {"costs": [asdict(costs) for costs in measured], "rows": rows_of(measured)}
        DATA.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    record = json.loads(DATA.read_text("utf-8"))
    text = PAGE.read_text("utf-8")
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(text[:start] + table_of(record) + text[end:], "utf-8")
    print(table_of(record), end="")


if __name__ == "__main__":
    main()
