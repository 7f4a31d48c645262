"""What a study makes large or small: scores of a summary by name, and the cost of a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mebench.core.types import ABSENT, Task
from mebench.errors import ConfigError, unknown

Direction = Literal["maximize", "minimize"]
COST = "cost"
"""Seconds of fitting and predicting, summed over the inner folds, each with one thread."""
_SPOTTING = ("f1", "precision", "recall", "ap50", "ap", "asr", "fp_per_minute", "apex_mae_ms")
_CLASSES = ("uf1", "uar", "accuracy", "f1", "precision", "recall")
_RECOGNITION = ("uf1", "uar", "accuracy", "wf1")
_LOWER = {"fp_per_minute", "apex_mae_ms", COST}
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


def scores_of(summary: Mapping[str, Any]) -> dict[str, float]:
    """The defined scores of a summary by path: those of `spotting`, `analysis` and `recognition`."""
    flat: dict[str, float] = {}

    def collect(part: Mapping[str, Any], path: str) -> None:
        for key, value in part.items():
            if not isinstance(value, Mapping):
                continue
            inner = path if key == "scores" else f"{path}.{key}" if path else key
            if "value" not in value:
                collect(value, inner)
            elif value["value"] is not None:
                flat[inner] = float(value["value"])

    collect({key: summary[key] for key in ("spotting", "analysis", "recognition") if key in summary}, "")
    return flat


def _read(word: str, paths: Sequence[str]) -> Objective:
    name, colon, end = word.partition(":")
    if colon and end not in _ENDS:
        raise ConfigError(f"--objective {word}: {unknown('direction', end, _ENDS)}")
    path = paths[0] if name == "score" else next((p for p in (*paths, COST) if f".{p}".endswith(f".{name}")), None)
    if path is None:
        ends = {p.rpartition(".")[2] for p in paths}
        raise ConfigError(f"--objective {word}: {unknown('score of this task', name, {*ends, COST, 'score', *paths})}")
    default: Direction = "minimize" if path.rpartition(".")[2] in _LOWER else "maximize"
    return Objective(path, _ENDS.get(end, default))


def _paths(task: Task) -> list[str]:
    """All scores of a task, the preferred ones first."""
    found: list[str] = []
    if "spot" in task.tasks:
        groups = [*(["overall"] if len(task.kinds) > 1 else []), *task.kinds]
        found += [f"spotting.{group}.{name}" for group in groups for name in _SPOTTING]
    if "recognize" in task.tasks:
        found += [f"recognition.{name}" for name in _RECOGNITION]
        found += ["recognition.unit_f1"] if ABSENT in task.classes else []
    if {"spot", "recognize"} <= task.tasks:
        found.append("analysis.strs")
        found += [f"analysis.{part}.{name}" for part in ("true_positives", "all_intervals") for name in _CLASSES]
    return found
