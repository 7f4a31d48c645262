"""What people are told while trials run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mebench.console import plural
from mebench.progress import Progress
from mebench.tuning.records import Study, Trial
from mebench.tuning.space import Space
from mebench.tuning.splits import Split

EVERY_SECONDS = 2.0
"""Trials that follow each other faster are told together, but for a new best one."""


class Teller:
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
        done = _finished(study)
        if done:
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
