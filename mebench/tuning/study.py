"""The only module that imports optuna: samplers, pruners, and the loop over trials that several processes share."""

from __future__ import annotations

import importlib.util
import json
import math
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler, BruteForceSampler, CmaEsSampler, GridSampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from mebench.core.seeds import stable_seed
from mebench.errors import ConfigError, MebenchError, RunError, unknown
from mebench.tuning.records import State, Study, Terms, Trial
from mebench.tuning.space import Dimension
from mebench.tuning.storage import Place

MARK = "mebench"
REASON = "reason"
LOCK_SECONDS = 60.0
"""How long a process waits for others that write to one sqlite file."""
RETRIES = 1
"""How often a trial is tried again whose process was killed."""
IN_A_ROW = 3
"""So many trials of one process that fail one after another end it: the next ones would, too."""
PRUNERS: Mapping[str, Callable[[], optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "halving": optuna.pruners.SuccessiveHalvingPruner,
}
_NO_SAMPLERS = {"BaseSampler", "BaseGASampler", "PartialFixedSampler"}
SAMPLERS: Mapping[str, type[BaseSampler]] = {
    name.removesuffix("Sampler").lower(): getattr(optuna.samplers, name)
    for name in sorted(optuna.samplers.__all__)
    if name.endswith("Sampler") and name not in _NO_SAMPLERS
}
EXHAUSTIVE = ("bruteforce", "grid")
"""Samplers that try all values."""
_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}

Step = Callable[[float], None]
"""Takes the value after one more inner fold; raises where the trial is not worth going on with."""
Evaluate = Callable[[dict[str, Any], Step], Sequence[float]]


class SharedStudy:
    """A study in its storage; any number of processes may work on it.

    Args:
        place: the storage.
        terms: of the study.

    Raises:
        ConfigError: no such sampler or pruner, a storage that nobody understands, or a study of that name about something
            else.
        RunError: the storage is locked or damaged.
    """

    def __init__(self, place: Place, terms: Terms) -> None:
        self.terms, self._place = terms, place
        if terms.pruner not in PRUNERS:
            raise ConfigError(f"--pruner: {unknown('pruner', terms.pruner, PRUNERS)}")
        sampler, pruner = _Seeded(terms), PRUNERS[terms.pruner]()
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        try:
            with place.alone(), _silent():
                storage = RDBStorage(
                    place.url,
                    engine_kwargs=place.engine(LOCK_SECONDS),
                    heartbeat_interval=terms.heartbeat,
                    heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
                )
                self._study = self._open(storage, sampler, pruner)
        except (SQLAlchemyError, StorageInternalError, ImportError, RuntimeError) as error:
            raise place.trouble(error) from error

    # -- work -----------------------------------------------------------------------------------------------------------

    def run(self, trials: int, evaluate: Evaluate, after: Callable[[Study, Trial], None]) -> None:
        """Try values until so many trials are finished, pruned ones among them, and nobody works on one any more.

        Trials that others work on count, too; two processes that look at the same moment may each take the last one.

        Args:
            trials: how many.
            evaluate: from values by key to those of the objectives; a `MebenchError` that it raises fails the trial.
            after: called after each trial of this process with the study so far.

        Raises:
            RunError: the storage is locked or damaged, or trial after trial fails.
        """
        failed = 0
        while self._wanted(min(trials, _count(self.terms))):
            number = self._one(evaluate)
            if number is None:
                continue
            study = self.study(importance=False)
            after(study, study.trials[number])
            failed = failed + 1 if study.trials[number].state == "failed" else 0
            if failed == IN_A_ROW:
                raise RunError(
                    f"{failed} trials failed one after another; trial {number}: {study.trials[number].reason}"
                )

    def study(self, importance: bool = True) -> Study:
        """All trials so far, and which parameters matter."""
        with self._guarded():
            found = self._study.get_trials(deepcopy=False)
            shares = self._importance(found) if importance else {}
            return Study(self.terms.name, self.terms.objectives, tuple(map(self._plain, found)), shares)

    def _wanted(self, trials: float) -> bool:
        """Whether this process should take one more trial; waits for those that others work on."""
        while True:
            with self._guarded(), _silent():
                fail_stale_trials(self._study)
                every = self._study.get_trials(deepcopy=False)
            states = Counter(trial.state for trial in every)
            running = states[TrialState.RUNNING]
            finished = states[TrialState.COMPLETE] + states[TrialState.PRUNED]
            if self.terms.sampler in EXHAUSTIVE:  # what failed once would fail again
                finished += sum(t.state is TrialState.FAIL and REASON in t.user_attrs for t in every)
            if states[TrialState.WAITING] or finished + running < trials:
                return True
            if not running:
                return False
            time.sleep(min(self.terms.heartbeat / 2, 1.0))

    def _one(self, evaluate: Evaluate) -> int | None:
        """Try one; its number, or None if others took this process for dead meanwhile and try the values again."""
        numbers: list[int] = []
        crashes: list[Exception] = []

        def objective(trial: optuna.Trial) -> Sequence[float]:
            numbers.append(trial.number)
            try:
                values = self._values(trial)
            except ConfigError as error:
                crashes.append(error)
                raise
            try:
                return evaluate(values, self._step(trial))
            except (MebenchError, KeyboardInterrupt) as error:
                trial.set_user_attr(REASON, str(error) or "stopped")
                raise
            except (optuna.TrialPruned, UpdateFinishedTrialError, SQLAlchemyError, StorageInternalError):
                raise
            except Exception as error:
                crashes.append(error)
                raise

        with self._guarded(), _silent():
            try:
                self._study.optimize(objective, n_trials=1, catch=(MebenchError,))
            except Exception as error:
                lost = isinstance(error, UpdateFinishedTrialError | ValueError) and not crashes and numbers
                if lost and self._study.get_trials(deepcopy=False)[numbers[0]].state.is_finished():
                    return None
                raise
            if crashes:
                raise crashes[0]
        return numbers[0]

    def _values(self, trial: optuna.Trial) -> dict[str, Any]:
        try:
            return self.terms.space.decoded({d.key: _suggest(trial, d) for d in self.terms.space.dimensions})
        except (ImportError, ValueError, RuntimeError, NotImplementedError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"the sampler {self.terms.sampler!r} cannot serve this study: {reason}") from error

    def _step(self, trial: optuna.Trial) -> Step:
        count = 0

        def step(value: float) -> None:
            nonlocal count
            if len(self.terms.objectives) > 1 or self.terms.pruner == "none":
                return
            count += 1
            trial.report(value, count)
            if trial.should_prune():
                raise optuna.TrialPruned

        return step

    # -- the storage ----------------------------------------------------------------------------------------------------

    def _open(self, storage: RDBStorage, sampler: BaseSampler, pruner: optuna.pruners.BasePruner) -> optuna.Study:
        """The study of that name; whoever creates it queues the configuration's own values as the first trial."""
        options: dict[str, Any] = {"storage": storage, "study_name": self.terms.name}
        directions = [objective.direction for objective in self.terms.objectives]
        try:
            study = optuna.create_study(**options, sampler=sampler, pruner=pruner, directions=directions)
        except DuplicatedStudyError:
            study = optuna.load_study(**options, sampler=sampler, pruner=pruner)
            self._refuse_other(study.user_attrs.get(MARK))
            return study
        default = self.terms.space.default()
        if default is not None:
            study.enqueue_trial({d.key: d.encoded(default[d.key]) for d in self.terms.space.dimensions})
        study.set_user_attr(MARK, dict(self.terms.about))
        return study

    def _refuse_other(self, found: Any) -> None:
        """Raise unless the study is about the same."""
        then = "choose another name with --study NAME, or another --storage"
        if not isinstance(found, dict):
            raise ConfigError(f"study {self.terms.name!r} in {self._place} was not made by mebench tune: {then}")
        own = json.loads(json.dumps(self.terms.about))
        for name in own:
            if own[name] != found.get(name):
                raise ConfigError(
                    f"study {self.terms.name!r} in {self._place} was begun with {name} {_short(found.get(name))}, not "
                    f"{_short(own[name])}: {then}"
                )

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """What goes wrong with the storage becomes one sentence."""
        try:
            yield
        except (SQLAlchemyError, StorageInternalError) as error:
            raise self._place.trouble(error) from error

    # -- plain data -----------------------------------------------------------------------------------------------------

    def _plain(self, trial: FrozenTrial) -> Trial:
        with _silent():
            tried = RetryHeartbeatStaleTrialCallback.retry_history(trial)
        state = _STATES[trial.state]
        return Trial(
            trial.number,
            state,
            self.terms.space.decoded(trial.params),
            tuple(trial.values) if state == "complete" else (),
            dict(trial.intermediate_values),
            None if trial.duration is None else trial.duration.total_seconds(),
            tried[-1] if tried else None,
            str(trial.user_attrs.get(REASON, "its process was killed")) if state == "failed" else "",
        )

    def _importance(self, trials: Sequence[FrozenTrial]) -> dict[str, float]:
        if sum(trial.state is TrialState.COMPLETE for trial in trials) < 2:
            return {}
        target = None if len(self.terms.objectives) == 1 else (lambda trial: float(trial.values[0]))
        try:
            with _silent():
                return dict(optuna.importance.get_param_importances(self._study, target=target))
        except (ValueError, RuntimeError):  # all values alike
            return {}


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
        with _silent():
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


def _suggest(trial: optuna.Trial, d: Dimension) -> Any:
    if d.choices:
        return trial.suggest_categorical(d.key, [d.encoded(choice) for choice in d.choices])
    if d.whole:
        return trial.suggest_int(d.key, int(d.low), int(d.high), log=d.log, step=1 if d.step is None else int(d.step))
    return trial.suggest_float(d.key, d.low, d.high, log=d.log, step=d.step)


def _values(d: Dimension, sampler: str) -> list[Any]:
    """All values of a dimension that has only so many."""
    if d.choices:
        return [d.encoded(choice) for choice in d.choices]
    if d.step is None and not d.whole:
        raise ConfigError(f"the sampler {sampler!r} tries all values, and {d.key} has no end of them: give it a step")
    step = 1 if d.step is None else d.step
    found = [d.low + i * step for i in range(int((d.high - d.low) / step + 1e-9) + 1)]
    return [int(value) for value in found] if d.whole else found


def _count(terms: Terms) -> float:
    """Trials until all values are tried. The grid does not see that the first trial, the default, is one of its own."""
    if terms.sampler not in EXHAUSTIVE:
        return math.inf
    twice = terms.sampler == "grid" and terms.space.default() is not None
    return math.prod(len(_values(d, terms.sampler)) for d in terms.space.dimensions) + twice


def _short(value: Any, most: int = 120) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= most else f"{text[:most]} …"


@contextmanager
def _silent() -> Iterator[None]:
    """Without optuna's remarks that something is experimental or a value repeats."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield
