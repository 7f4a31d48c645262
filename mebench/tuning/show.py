"""What people are told while trials run, and the outcome printed."""

import time
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from mebench.console import command, console, plural
from mebench.format import number
from mebench.metrics.catalogue import find
from mebench.metrics.comparison import LEVEL
from mebench.progress import Progress
from mebench.table import INTERVAL, Column, Table
from mebench.tuning.records import COST, Study, Trial
from mebench.tuning.space import Space
from mebench.tuning.splits import Split

EVERY_SECONDS = 2.0
"""Trials that follow each other faster are told together, but for a new best one."""


class TrialReporter:
    """A line for each trial, or for some of them where they are many a second, with the best value so far.

    Args:
        progress: where to say it.
        name: of the study.
        trials: how many are wanted.
        split: who is tuned on.
        space: what is tuned.
    """

    def __init__(self, progress: Progress, name: str, trials: int, split: Split, space: Space) -> None:
        self._progress, self._name, self._trials = progress, name, trials
        self._split, self._space = split, space
        self._last, self._best = 0.0, -1

    def begin(self, study: Study) -> None:
        """What is going to happen."""
        folds, people = len(self._split.inner.folds), len(self._split.subjects)
        how = (
            "no trial trains: frame scores are computed once"
            if self._space.free
            else f"each trial trains {folds} inner folds"
        )
        names = ", ".join(d.key.removeprefix("method.") for d in self._space.dimensions)
        self._progress.say(
            f"study {self._name}: {self._trials} trials of {names} over {folds} inner folds of {people} subjects; {how}"
        )
        if done := _finished(study):
            self._progress.say(f"{done} trials are already there")

    def tell(self, study: Study, trial: Trial) -> None:
        """One more is finished."""
        best, done, now = study.best(), _finished(study), time.monotonic()
        new = best is not None and best.number != self._best
        if not new and trial.state != "failed" and done < self._trials and now - self._last < EVERY_SECONDS:
            return
        self._last, self._best = now, -1 if best is None else best.number
        path = study.objectives[0].path
        this = f"{path} {trial.values[0]:.4f}" if trial.values else f"{trial.state}: {trial.reason}"
        if trial.state == "pruned":
            this = f"pruned after {plural(len(trial.steps), 'fold')} at {trial.steps[max(trial.steps)]:.4f}"
        name = f"trial {best.number}" if best and best.number >= 0 else "the default"
        record = f"; best {best.values[0]:.4f} ({name}: {in_words(best.params)})" if best else ""
        self._progress.say(f"trial {trial.number}, {done} of {self._trials} finished: {this}{record}")


def in_words(values: Mapping[str, Any]) -> str:
    """Values in one line.

    >>> in_words({"method.p": 0.51234567, "method.rule": "paper"})
    'p=0.5123 rule=paper'
    """
    return " ".join(f"{key.removeprefix('method.')}={value_in_words(value)}" for key, value in values.items())


def value_in_words(value: Any) -> str:
    """One value, numbers with four digits."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _finished(study: Study) -> int:
    return sum(trial.state in ("complete", "pruned") for trial in study.trials)


FRONT = 20
"""Trials of a Pareto front that are printed; all are in the files."""


def print_outcome(plain: Mapping[str, Any], folder: str) -> None:
    """Print what was tuned, what it is worth on new subjects, and where everything is."""
    out, nested, studies, paths = console(), plain["nested"], list(plain["studies"].values()), list(plain["objectives"])
    counts, spent = [study["trials"] for study in studies], plain["seconds"]
    total = {state: sum(one[state] for one in counts) for state in counts[0]}
    over = f"one study over a tuning set of {len(studies[0]['subjects'])} subjects"
    out.print(f"study {plain['study']} in {plain['storage']}")
    out.print(
        f"{f'{len(studies)} studies, one for each outer fold' if nested else over}; trials: "
        f"{', '.join(f'{n} {state}' for state, n in total.items() if n or state == 'complete')}"
    )
    out.print(
        f"seconds: {spent['inner_folds']:.0f} for inner folds, {spent['trials']:.0f} for all else in the trials, {spent['outer']:.0f} "
        "for the outer folds"
    )
    rows = []
    for key, entry in plain["parameters"].items():
        log = ", log" if entry.get("log") else ""
        listed = entry["choices"] if "choices" in entry else [f"{entry['low']:g} to {entry['high']:g}{log}"]
        known = [share for study in studies if (share := study["importance"].get(key)) is not None]
        searched, tuned = (" | ".join(map(value_in_words, listed)), [study["best"]["params"][key] for study in studies])
        default, best = value_in_words(plain["default_values"][key]), ", ".join(map(value_in_words, tuned))
        rows.append([key, entry["acts"], searched, default, best, number(fmean(known) if known else None, 2)])
    out.print(_table("values", ["parameter", "acts on", "searched", "default", "tuned", "importance"], rows))
    for name, study in plain["studies"].items() if len(paths) > 1 else ():
        front = [
            [str(t["trial"]), *(_number(path, t["values"][path]) for path in paths), in_words(t["params"])]
            for t in study["front"][:FRONT]
        ]
        of = f" of {name}" if nested else ""
        out.print(_table(f"Pareto front{of} (inner scores)", ["trial", *paths, "values"], front))
    rows = []
    for path, score in plain["scores"].items():
        for name, sign in {"default": "", "tuned": "", "gain": "+"}.items():
            outer, p = score["outer"][name], number(score["outer"]["p"]) if name == "gain" else ""
            value, *ends = (_number(path, outer[end], sign) for end in ("value", "low", "high"))
            inner, interval = _number(path, score["inner"][name], sign), "-" if "-" in ends else f"[{', '.join(ends)}]"
            rows.append([path if name == "default" else "", name, inner, value, interval, p])
    if rows:
        title = f"scores: inner subjects, and {plain['outer_subjects']} outer ones that no trial has touched"
        out.print(_table(title, ["score", "configuration", "inner", "outer", INTERVAL, "p"], rows))
    for line in remarks(plain):
        out.print(line)
    scores = command("compare", [plain["runs"]["tuned"], plain["runs"]["default"]])
    out.print(f"figures and trials are in {folder}; all scores: {scores}")


def remarks(plain: Mapping[str, Any]) -> list[str]:
    """How much the inner score flattered, and what may be concluded."""
    lines = []
    for path, score in plain["scores"].items():
        apart, lost = score["flattered"], score["flattered_gain"]
        if apart is None:
            continue
        way, told = "better" if apart > 0 else "worse", ""
        if lost is not None:
            inside, outside = (
                _number(path, gain, "+") for gain in (score["inner"]["gain"], score["outer"]["gain"]["value"])
            )
            verdict = f"flattered by {_number(path, lost)}" if lost > 0 else "did not flatter"
            told = f"; the gain over the default is {inside} inside, {outside} outside: the inner score {verdict}"
        lines.append(
            f"{path}: the tuned values look {_number(path, abs(apart))} {way} on the inner subjects than on the outer ones{told}"
        )
    if plain["scores"] and plain["least_p"] >= LEVEL:
        lines.append(
            f"with {plain['outer_subjects']} outer subjects no p can be below {plain['least_p']:.4f}: these are too few to show any gain, "
            "however large; take fewer --tuning-subjects, or --nested"
        )
    if len(plain["objectives"]) > 1:
        lines.append(
            f"of each Pareto front the trial that is best in {next(iter(plain['objectives']))} was judged and is what --write writes; "
            "the values of the others are in trials.csv"
        )
    return [*lines, *([plain["conclusion"]] if plain["conclusion"] else [])]


def _number(path: str, value: float | None, sign: str = "") -> str:
    share = path != COST and find(path).scale == "share"
    return number(value, sign=sign) if share or value is None else f"{value:{sign}.4g}"


def _table(title: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    whole = {"score", "configuration", INTERVAL, "p"}
    return Table([Column(name, name, wrap="never" if name in whole else "anywhere") for name in names], rows, title)
