"""A study as plain data, its objectives, and its options on the command line."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, get_args

from mebench.core import Task
from mebench.core.types import ABSENT
from mebench.errors import ConfigError, RunError, check_known, refuse_if, unknown
from mebench.metrics.catalogue import JOINT, METRICS, find_metric, metric_columns, refuse_curve
from mebench.tuning.space import Space

Direction = Literal["maximize", "minimize"]
COST = "cost"
"""Seconds of fitting and predicting, summed over the inner folds, each with one thread."""
_ENDS: Mapping[str, Direction] = {"max": "maximize", "min": "minimize"}


@dataclass(frozen=True)
class Objective:
    """One number of a trial.

    Attributes:
        path: in a summary, `spotting.micro.f1`; or `cost`.
        direction: whether higher or lower is better.
    """

    path: str
    direction: Direction


def read_objectives(words: Sequence[str], task: Task) -> tuple[Objective, ...]:
    """The objectives that the words name, each `NAME`, `NAME:max` or `NAME:min`.

    A name is a path (`spotting.micro.f1`), its end (`f1`), `score` (the main score of the task) or `cost`. Of several
    paths with one end, spotting goes before recognition, that before analysis, and all kinds together before one of them.

    Args:
        words: by default `score`.
        task: task of the run.

    Raises:
        ConfigError: an unknown name or direction, or one objective twice.

    >>> spot = Task(frozenset({"spot"}))
    >>> [(o.path, o.direction) for o in read_objectives(["f1", "fp_per_minute"], spot)]
    [('spotting.micro.f1', 'maximize'), ('spotting.micro.fp_per_minute', 'minimize')]
    >>> read_objectives([], Task(frozenset({"recognize"})))[0].path
    'recognition.uf1'
    """
    paths = _objective_paths(task)
    directions: dict[str, Direction] = {}
    for word in words or ("score",):
        name, colon, end = word.partition(":")
        if colon:
            check_known("direction", end, _ENDS, where=f"--objective {word}")
        path = _path_named(name, paths)
        if path is None:
            refuse_curve(name)
            every = {*(p.rpartition(".")[2] for p in paths), COST, "score", *paths}
            raise ConfigError(f"--objective {word}: {unknown('score of this task', name, every)}")
        if path in directions:
            raise ConfigError(f"--objective {path} is named twice: name each once")
        default: Direction = "minimize" if path == COST or find_metric(path).direction == "lower" else "maximize"
        directions[path] = _ENDS.get(end, default)
    return tuple(Objective(path, direction) for path, direction in directions.items())


def _objective_paths(task: Task) -> list[str]:
    """Paths of all scores of a task that a study can raise or lower; preferred ones first."""
    paths: list[str] = []
    if "spot" in task.tasks:
        groups = ["overall", *task.kinds] if len(task.kinds) > 1 else [*task.kinds]
        paths += [f"spotting.{group}.{name}" for group, name in product(groups, _objectives("spotting"))]
    if "recognize" in task.tasks:
        paths += [f"recognition.{name}" for name in _objectives("recognition", ABSENT in task.classes)]
    if {"spot", "recognize"} <= task.tasks:
        names = _objectives("analysis")
        of_intervals = [name for name in names if name not in JOINT]
        paths += [f"analysis.{name}" for name in names if name in JOINT]
        for section in ("true_positives", "all_intervals"):
            paths += [f"analysis.{section}.{name}" for name in of_intervals]
    return paths


def _path_named(name: str, paths: Sequence[str]) -> str | None:
    """The first path with this end, or the cost; `score` is the first path. None for an unknown name."""
    if name == "score":
        return paths[0]
    return next((path for path in (*paths, COST) if f".{path}".endswith(f".{name}")), None)


def tuned_member(objectives: Sequence[Objective], paired: bool) -> int | None:
    """The method of a pair that the objectives depend on: 0 the spotter, 1 the recognizer; None for both or without a
    pair.
    """
    sections = {objective.path.partition(".")[0] for objective in objectives}
    if paired and sections == {"spotting"}:
        return 0
    if paired and sections == {"recognition"}:
        return 1
    return None


def _objectives(section: str, of_unit: bool = False) -> list[str]:
    """The scores of a section with a best end; scores that are best near 0 have none."""
    return [name for name in metric_columns(section, of_unit) if METRICS[name].direction != "zero"]


@dataclass(frozen=True)
class TuneOptions:
    """Options of the command line besides the configuration.

    Attributes:
        trials: number of trials of each study.
        objectives: words for `read_objectives`.
        params: words for `read_space`.
        acts: stages for `read_space`.
        nested: one study for each outer fold, instead of one over a tuning set.
        tuning_subjects: size of the tuning set, a number or a share; None takes 0.4. Not with `nested`.
        inner_folds: number of inner folds of each study, at most.
        sampler: by name.
        pruner: by name.
        storage: URL, or path of a sqlite file; None takes `optuna.db` in `out`.
        study: its name; None derives one from all terms that must agree.
        out: folder of the studies' folders.
        heartbeat: seconds between two signs of life; a process counts as killed after twice as long without one.
    """

    trials: int = 50
    objectives: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    nested: bool = False
    tuning_subjects: float | None = None
    inner_folds: int = 5
    sampler: str = "tpe"
    pruner: str = "median"
    storage: str | None = None
    study: str | None = None
    out: str = "tuning"
    heartbeat: int = 30

    def __post_init__(self) -> None:
        """Check the ranges."""
        refuse_if(
            (self.trials < 1, f"--trials must be 1 or more, not {self.trials}"),
            (self.inner_folds < 2, f"--inner-folds must be 2 or more, not {self.inner_folds}"),
            (self.heartbeat < 1, f"--heartbeat must be 1 or more, not {self.heartbeat}"),
            (
                self.nested and self.tuning_subjects is not None,
                "--nested tunes in each outer fold on all its training subjects, --tuning-subjects once on some: choose one of them",
            ),
        )
        if self.tuning_subjects is not None and not self.tuning_subjects > 0:
            raise ConfigError(
                f"--tuning-subjects must be a number of subjects or a share, not {self.tuning_subjects:g}"
            )


State = Literal["complete", "pruned", "failed", "running", "waiting"]


@dataclass(frozen=True)
class Terms:
    """The subject and the settings of a study.

    Attributes:
        name: in the storage.
        about: values that must be equal for all its processes, by name: method, dataset, space …
        space: the tuned parameters.
        objectives: objectives of the study.
        options: sampler, pruner and heartbeat are read.
        seed: seed of the sampler.
    """

    name: str
    about: Mapping[str, Any]
    space: Space
    objectives: tuple[Objective, ...]
    options: TuneOptions = TuneOptions()
    seed: int = 0


@dataclass(frozen=True)
class Trial:
    """One try of some values.

    Attributes:
        number: from 0, in order of their start; -1 for a default outside the space.
        state: `pruned` was stopped after some inner folds, `failed` has no value.
        params: values by key, as the configuration holds them.
        values: values of the objectives over the inner folds; empty unless complete.
        steps: values of the first objective after each inner fold, where trials may be pruned.
        seconds: wall time; None while it runs.
        retry_of: number of the killed trial that this one repeats, or None.
        reason: reason of its failure, or empty.
    """

    number: int
    state: State
    params: Mapping[str, Any]
    values: tuple[float, ...] = ()
    steps: Mapping[int, float] = field(default_factory=dict)
    seconds: float | None = None
    retry_of: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Study:
    """A study and its trials so far.

    Attributes:
        name: in the storage.
        objectives: objectives of the study.
        trials: by number.
        importance: share of each parameter in the variance of the first objective, by key; empty for too few trials.
        default: the trial of the configuration's own values, one of `trials` or a separate one; None before it was
            tried.
    """

    name: str
    objectives: tuple[Objective, ...]
    trials: tuple[Trial, ...]
    importance: Mapping[str, float] = field(default_factory=dict)
    default: Trial | None = None

    @property
    def complete(self) -> tuple[Trial, ...]:
        """The complete trials."""
        return tuple(trial for trial in self.trials if trial.state == "complete")

    def best_trial(self) -> Trial | None:
        """The best in the first objective among the complete trials and the default; at ties the first, so the
        default.
        """
        separate = () if self.default is None or self.default in self.complete else (self.default,)
        return min((*separate, *self.complete), key=lambda trial: (self._losses(trial), trial.number), default=None)

    def chosen_trial(self) -> Trial:
        """The best one.

        Raises:
            RunError: there is none.
        """
        best = self.best_trial()
        if best is None:
            raise RunError(
                f"study {self.name!r} has no complete trial ({self.count_trials()['pruned']} pruned), so there is no "
                "choice: give more --trials, or --pruner none"
            )
        return best

    def count_trials(self) -> dict[str, int]:
        """Numbers of trials by state, and of those that repeat a killed one."""
        states = Counter(trial.state for trial in self.trials)
        retried = sum(trial.retry_of is not None for trial in self.trials)
        return {**{state: states[state] for state in get_args(State)}, "retried": retried}

    def pareto_front(self) -> tuple[Trial, ...]:
        """The Pareto front of the complete trials, sorted by the first objective; of trials with equal values the
        first.
        """
        first_by_losses = {self._losses(trial): trial for trial in reversed(self.complete)}
        front = []
        for losses, trial in first_by_losses.items():
            if not any(_dominates(other, losses) for other in first_by_losses):
                front.append(trial)
        return tuple(sorted(front, key=lambda trial: (self._losses(trial)[0], trial.number)))

    def _losses(self, trial: Trial) -> tuple[float, ...]:
        """The values of a trial with signs such that lower is better."""
        signs = {"maximize": -1, "minimize": 1}
        pairs = zip(self.objectives, trial.values)
        return tuple(signs[objective.direction] * value for objective, value in pairs)


def _dominates(losses: tuple[float, ...], others: tuple[float, ...]) -> bool:
    """Whether losses are as low as others everywhere, and lower somewhere."""
    return losses != others and all(one <= other for one, other in zip(losses, others))
