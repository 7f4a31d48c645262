"""A study as plain data: its terms and its trials, which figures, tables and the outcome read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mebench.tuning.objective import Objective
from mebench.tuning.space import Space

State = Literal["complete", "pruned", "failed", "running", "waiting"]


@dataclass(frozen=True)
class Terms:
    """What a study is about and how it goes.

    Attributes:
        name: in the storage.
        about: what must be the same for all who work on it, by name: method, dataset, space …
        space: what is tuned.
        objectives: what for.
        sampler: by name.
        pruner: by name.
        seed: of the sampler.
        heartbeat: seconds between two signs of life; after twice as long without one a process counts as killed.
    """

    name: str
    about: Mapping[str, Any]
    space: Space
    objectives: tuple[Objective, ...]
    sampler: str = "tpe"
    pruner: str = "median"
    seed: int = 0
    heartbeat: int = 30


@dataclass(frozen=True)
class Trial:
    """One try of some values.

    Attributes:
        number: from 0 on, in the order in which trials were asked for; -1 for the default where the space lacks it.
        state: `pruned` was stopped after some inner folds, `failed` has no answer.
        params: values by key, as the configuration holds them.
        values: of the objectives over the inner folds; empty unless complete.
        steps: of the first objective after each inner fold, where trials may be pruned.
        seconds: wall time; None while it runs.
        retry_of: number of the killed trial that this one does again, or None.
        reason: why it failed, or empty.
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
    """A study as it stands.

    Attributes:
        name: in the storage.
        objectives: what is tuned for.
        trials: by number.
        importance: share of each parameter in the variance of the first objective, by key; empty for too few trials.
        default: the configuration's own values with theirs of the objectives, among the trials or beside them; None while
            nobody has tried them.
    """

    name: str
    objectives: tuple[Objective, ...]
    trials: tuple[Trial, ...]
    importance: Mapping[str, float] = field(default_factory=dict)
    default: Trial | None = None

    @property
    def complete(self) -> tuple[Trial, ...]:
        """The trials with an answer."""
        return tuple(trial for trial in self.trials if trial.state == "complete")

    def best(self) -> Trial | None:
        """What is best in the first objective, of the complete trials and the default; of equal ones the first, so the default."""
        beside = () if self.default is None or self.default in self.complete else (self.default,)
        return best_of((*beside, *self.complete), self.objectives)

    def front(self) -> tuple[Trial, ...]:
        """The complete trials that none beats in all objectives at once (the Pareto front), by the first objective.

        Of trials with equal values the first stands for all.
        """
        unlike = {trial.values: trial for trial in reversed(self.complete)}
        kept = [t for t in unlike.values() if not any(self._beats(other, t) for other in unlike.values())]
        sign = -1 if self.objectives[0].direction == "maximize" else 1
        return tuple(sorted(kept, key=lambda trial: (sign * trial.values[0], trial.number)))

    def _beats(self, one: Trial, other: Trial) -> bool:
        pairs = list(zip(self.objectives, one.values, other.values))
        return any(o.better(a, b) for o, a, b in pairs) and not any(o.better(b, a) for o, a, b in pairs)


def best_of(trials: Sequence[Trial], objectives: Sequence[Objective]) -> Trial | None:
    """The trial that is best in the first objective, ties broken by the next ones and then by the number."""
    sign = [-1 if objective.direction == "maximize" else 1 for objective in objectives]
    return min(trials, key=lambda t: ([s * v for s, v in zip(sign, t.values)], t.number), default=None)
