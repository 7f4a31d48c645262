"""Optuna's samplers and pruners by name, and how a trial draws the values of a space."""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, BruteForceSampler, CmaEsSampler, GridSampler
from optuna.trial import FrozenTrial, TrialState

from mebench.core.seeds import stable_seed
from mebench.errors import ConfigError, unknown
from mebench.tuning.records import Terms
from mebench.tuning.space import Dimension

PRUNERS: Mapping[str, Callable[[], optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "halving": optuna.pruners.SuccessiveHalvingPruner,
}
_NO_SAMPLERS = {"BaseSampler", "BaseGASampler", "PartialFixedSampler"}
SAMPLERS: Mapping[str, type[BaseSampler]] = {
    name.removesuffix("Sampler").lower(): getattr(optuna.samplers, name)
    for name in optuna.samplers.__all__
    if name.endswith("Sampler") and name not in _NO_SAMPLERS
}
EXHAUSTIVE = ("bruteforce", "grid")
"""Samplers that try all values."""


class _Seeded(BaseSampler):
    """A sampler that draws each trial from its number: no two processes draw alike, and a study that was stopped goes on as it
    would have without. It gives a first sign of life, too: a process that is killed before the trial runs is noticed.
    """

    def __init__(self, terms: Terms) -> None:
        if terms.sampler not in SAMPLERS:
            raise ConfigError(f"--sampler: {unknown('sampler', terms.sampler, SAMPLERS)}")
        self._terms = terms
        self._own = self._fresh(-1)

    def _fresh(self, number: int) -> BaseSampler:
        kind = SAMPLERS[self._terms.sampler]
        if kind is GridSampler:
            number = -1  # its seed is the order of the grid
        options: dict[str, Any] = {"seed": stable_seed(self._terms.seed, "sampler", self._terms.name, number)}
        if kind is CmaEsSampler and importlib.util.find_spec("cmaes") is None:
            raise ConfigError("the sampler 'cmaes' needs a package that is not installed: pip install cmaes")
        if kind in (GridSampler, BruteForceSampler):
            grid = {d.key: _values(d, self._terms.sampler) for d in self._terms.space.dimensions}
            options |= {"search_space": grid} if kind is GridSampler else {}
        with silent():
            return kind(**options)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        storage: Any = study._storage
        storage.record_heartbeat(trial._trial_id)
        self._own = self._fresh(trial.number)
        self._own.before_trial(study, trial)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, Any]:
        return self._own.infer_relative_search_space(study, trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        return self._own.sample_relative(study, trial, search_space)

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, param_name: str, distribution: Any) -> Any:
        return self._own.sample_independent(study, trial, param_name, distribution)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        self._own.after_trial(study, trial, state, values)


def sampler_of(terms: Terms) -> BaseSampler:
    """The sampler by its name (ConfigError if there is none, or if it cannot serve the space)."""
    return _Seeded(terms)


def pruner_of(terms: Terms) -> optuna.pruners.BasePruner:
    """The pruner by its name (ConfigError if there is none)."""
    if terms.pruner not in PRUNERS:
        raise ConfigError(f"--pruner: {unknown('pruner', terms.pruner, PRUNERS)}")
    return PRUNERS[terms.pruner]()


def suggest(trial: optuna.Trial, d: Dimension) -> Any:
    """A value of one parameter as the storage holds it."""
    if d.choices:
        return trial.suggest_categorical(d.key, [d.encoded(choice) for choice in d.choices])
    if d.whole:
        return trial.suggest_int(d.key, int(d.low), int(d.high), log=d.log, step=1 if d.step is None else int(d.step))
    return trial.suggest_float(d.key, d.low, d.high, log=d.log, step=d.step)


def most_trials(terms: Terms) -> float:
    """Trials until all values are tried. The grid does not see that the first trial, the default, is one of its own."""
    if terms.sampler not in EXHAUSTIVE:
        return math.inf
    twice = terms.sampler == "grid" and terms.space.default() is not None
    return math.prod(len(_values(d, terms.sampler)) for d in terms.space.dimensions) + twice


@contextmanager
def silent() -> Iterator[None]:
    """Without optuna's remarks that something is experimental or a value repeats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


def _values(d: Dimension, sampler: str) -> list[Any]:
    """All values of a dimension that has only so many."""
    if d.choices:
        return [d.encoded(choice) for choice in d.choices]
    if d.step is None and not d.whole:
        raise ConfigError(f"the sampler {sampler!r} tries all values, and {d.key} has no end of them: give it a step")
    step = 1 if d.step is None else d.step
    found = [d.low + i * step for i in range(int((d.high - d.low) / step + 1e-9) + 1)]
    return [int(value) for value in found] if d.whole else found
