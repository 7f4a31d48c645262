"""What a study makes large or small: scores of a summary by name, and the cost of a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mebench.core.types import ABSENT, Task
from mebench.errors import ConfigError, unknown
from mebench.metrics.catalogue import JOINT, METRICS, columns, find

Direction = Literal["maximize", "minimize"]
COST = "cost"
"""Seconds of fitting and predicting, summed over the inner folds, each with one thread."""
_ENDS: Mapping[str, Direction] = {"max": "maximize", "min": "minimize"}


@dataclass(frozen=True)
class Objective:
    """One number of a trial.

    Attributes:
        path: in a summary, `spotting.micro.f1`; or `cost`.
        direction: where better is.
    """

    path: str
    direction: Direction

    def better(self, one: float, other: float) -> bool:
        """Whether `one` is strictly better than `other`."""
        return one > other if self.direction == "maximize" else one < other

    def value(self, scores: Mapping[str, float], seconds: float) -> float | None:
        """The number of a trial, or None where it is undefined.

        Args:
            scores: of the summary, by path.
            seconds: what the trial cost.
        """
        return seconds if self.path == COST else scores.get(self.path)


def read_objectives(words: Sequence[str], task: Task) -> tuple[Objective, ...]:
    """The objectives that the words name, each `NAME`, `NAME:max` or `NAME:min`.

    A name is a path (`spotting.micro.f1`), its end (`f1`), `score` (the main score of the task) or `cost`. Of several
    paths with one end, spotting goes before recognition, that before analysis, and all kinds together before one of them.

    Args:
        words: none stands for `score`.
        task: what the run is asked to do.

    Raises:
        ConfigError: an unknown name or direction, or one objective twice.

    >>> spot = Task(frozenset({"spot"}))
    >>> [(o.path, o.direction) for o in read_objectives(["f1", "fp_per_minute"], spot)]
    [('spotting.micro.f1', 'maximize'), ('spotting.micro.fp_per_minute', 'minimize')]
    >>> read_objectives([], Task(frozenset({"recognize"})))[0].path
    'recognition.uf1'
    """
    found = tuple(_read(word, _paths(task)) for word in words or ("score",))
    paths = [objective.path for objective in found]
    for path in paths:
        if paths.count(path) > 1:
            raise ConfigError(f"--objective {path} is named twice: name each once")
    return found


def part_of(objectives: Sequence[Objective], paired: bool) -> int | None:
    """Of a pair of methods the one that the objectives are about: 0 spots, 1 names; None if both are, or there is no pair."""
    sections = {objective.path.partition(".")[0] for objective in objectives}
    return {frozenset({"spotting"}): 0, frozenset({"recognition"}): 1}.get(frozenset(sections)) if paired else None


def _read(word: str, paths: Sequence[str]) -> Objective:
    name, colon, end = word.partition(":")
    if colon and end not in _ENDS:
        raise ConfigError(f"--objective {word}: {unknown('direction', end, _ENDS)}")
    path = paths[0] if name == "score" else next((p for p in (*paths, COST) if f".{p}".endswith(f".{name}")), None)
    if path is None:
        ends = {p.rpartition(".")[2] for p in paths}
        raise ConfigError(f"--objective {word}: {unknown('score of this task', name, {*ends, COST, 'score', *paths})}")
    default: Direction = "minimize" if path == COST or find(path).direction == "lower" else "maximize"
    return Objective(path, _ENDS.get(end, default))


def _paths(task: Task) -> list[str]:
    """All scores of a task that are better the higher, or the lower; the preferred ones first."""
    found: list[str] = []
    if "spot" in task.tasks:
        groups = [*(["overall"] if len(task.kinds) > 1 else []), *task.kinds]
        found += [f"spotting.{group}.{name}" for group in groups for name in _able("spotting")]
    if "recognize" in task.tasks:
        found += [f"recognition.{name}" for name in _able("recognition", ABSENT in task.classes)]
    if {"spot", "recognize"} <= task.tasks:
        names = _able("analysis")
        found += [f"analysis.{name}" for name in names if name in JOINT]
        parts = ("true_positives", "all_intervals")
        found += [f"analysis.{part}.{name}" for part in parts for name in names if name not in JOINT]
    return found


def _able(section: str, of_unit: bool = False) -> list[str]:
    """The scores of a section that have a best end; one that is better near 0 has none."""
    return [name for name in columns(section, of_unit) if METRICS[name].direction != "zero"]
