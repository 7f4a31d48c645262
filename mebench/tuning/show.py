"""What people are told while trials run, and the outcome printed."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from mebench.console import command, console, empty_table, plural
from mebench.format import number
from mebench.metrics.catalogue import find
from mebench.progress import Progress
from mebench.tuning.outcome import LEVEL
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
        this = f"{path} {trial.values[0]:.4f}" if trial.values else _said(trial)
        record = f"; best {best.values[0]:.4f} ({_name_of(best)}: {in_words(best.params)})" if best else ""
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


def _name_of(trial: Trial) -> str:
    return "the default" if trial.number < 0 else f"trial {trial.number}"


def _finished(study: Study) -> int:
    return sum(trial.state in ("complete", "pruned") for trial in study.trials)


def _said(trial: Trial) -> str:
    if trial.state == "pruned":
        folds = plural(len(trial.steps), "fold")
        return f"pruned after {folds} at {trial.steps[max(trial.steps)]:.4f}"
    return f"{trial.state}: {trial.reason}"


FRONT = 20
"""Trials of a Pareto front that are printed; all are in the files."""


def print_outcome(plain: Mapping[str, Any], folder: str) -> None:
    """Print what was tuned, what it is worth on new subjects, and where everything is."""
    out = console()
    for line in (f"study {plain['study']} in {plain['storage']}", *_trials(plain)):
        out.print(line)
    out.print(_values(plain))
    if any(study["front"] for study in plain["studies"].values()):
        for name, study in plain["studies"].items():
            out.print(_front(name if plain["nested"] else "", study, list(plain["objectives"])))
    if plain["scores"]:
        out.print(_scores(plain))
    for line in remarks(plain):
        out.print(line)
    scores = command("compare", [plain["runs"]["tuned"], plain["runs"]["default"]])
    out.print(f"figures and trials are in {folder}; all scores: {scores}")


def remarks(plain: Mapping[str, Any]) -> list[str]:
    """How much the inner score flattered, and what may be concluded."""
    lines = [_flattery(path, score) for path, score in plain["scores"].items() if score["flattered"] is not None]
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


def _flattery(path: str, score: Mapping[str, Any]) -> str:
    """How much better the tuned values looked where they were chosen."""
    apart, lost = score["flattered"], score["flattered_gain"]
    told = f"{path}: the tuned values look {_number(path, abs(apart))} {'better' if apart > 0 else 'worse'} on the inner subjects"
    if lost is None:
        return f"{told} than on the outer ones"
    gains = f"{_number(path, score['inner']['gain'], '+')} inside, {_number(path, score['outer']['gain']['value'], '+')} outside"
    verdict = f"flattered by {_number(path, lost)}" if lost > 0 else "did not flatter"
    return f"{told} than on the outer ones; the gain over the default is {gains}: the inner score {verdict}"


def _trials(plain: Mapping[str, Any]) -> list[str]:
    counts = [study["trials"] for study in plain["studies"].values()]
    total = {state: sum(one[state] for one in counts) for state in counts[0]}
    told = ", ".join(f"{total[state]} {state}" for state in total if total[state] or state == "complete")
    studies = f"{len(counts)} studies, one for each outer fold" if plain["nested"] else "one study over a tuning set"
    subjects = "" if plain["nested"] else f" of {len(next(iter(plain['studies'].values()))['subjects'])} subjects"
    spent = plain["seconds"]
    return [
        f"{studies}{subjects}; trials: {told}",
        f"seconds: {spent['inner_folds']:.0f} for inner folds, {spent['trials']:.0f} for all else in the trials, {spent['outer']:.0f} "
        "for the outer folds",
    ]


def _values(plain: Mapping[str, Any]) -> Table:
    nested = plain["nested"]
    table = _table("values", ["parameter", "acts on", "searched", "default", "tuned", "importance"])
    studies = list(plain["studies"].values())
    for key, entry in plain["parameters"].items():
        tuned = [value_in_words(study["best"]["params"][key]) for study in studies]
        known = [share for study in studies if (share := study["importance"].get(key)) is not None]
        table.add_row(
            key,
            entry["acts"],
            _searched(entry),
            value_in_words(plain["default_values"][key]),
            ", ".join(tuned) if nested else tuned[0],
            f"{sum(known) / len(known):.2f}" if known else "-",
        )
    return table


def _searched(entry: Mapping[str, Any]) -> str:
    if "choices" in entry:
        return " | ".join(map(value_in_words, entry["choices"]))
    return f"{entry['low']:g} to {entry['high']:g}{', log' if entry['log'] else ''}"


def _front(name: str, study: Mapping[str, Any], paths: Sequence[str]) -> Table:
    table = _table(f"Pareto front{f' of {name}' if name else ''} (inner scores)", ["trial", *paths, "values"])
    for trial in study["front"][:FRONT]:
        numbers = [_number(path, trial["values"][path]) for path in paths]
        table.add_row(str(trial["trial"]), *numbers, in_words(trial["params"]))
    return table


def _scores(plain: Mapping[str, Any]) -> Table:
    table = _table(
        f"scores: inner subjects, and {plain['outer_subjects']} outer ones that no trial has touched",
        ["score", "configuration", "inner", "outer", "95 % interval", "p"],
    )
    for path, score in plain["scores"].items():
        inner, outer = score["inner"], score["outer"]
        for name in ("default", "tuned", "gain"):
            sign = "+" if name == "gain" else ""
            table.add_row(
                path if name == "default" else "",
                name,
                _number(path, inner[name], sign),
                _number(path, outer[name]["value"], sign),
                _interval(path, outer[name], sign),
                number(outer["p"]) if name == "gain" else "",
            )
    return table


def _number(path: str, value: float | None, sign: str = "") -> str:
    share = path != COST and find(path).scale == "share"
    return number(value, sign=sign) if value is None or share else f"{value:{sign}.4g}"


def _interval(path: str, score: Mapping[str, Any], sign: str) -> str:
    if score["low"] is None or score["high"] is None:
        return "-"
    return f"{_number(path, score['low'], sign)} to {_number(path, score['high'], sign)}"


def _table(title: str, columns: Sequence[str]) -> Table:
    table = empty_table(title)
    for column in columns:
        table.add_column(column, no_wrap=column in {"score", "configuration", "95 % interval", "p"}, overflow="fold")
    return table
