"""A study in its storage, and the loop over trials that several processes share; samplers and pruners by name."""

import importlib.util
import json
import math
import sqlite3
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

import optuna
import sqlalchemy
from filelock import Timeout
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning, StorageInternalError, UpdateFinishedTrialError
from optuna.samplers import BaseSampler, CmaEsSampler, GridSampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback, fail_stale_trials
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import exc
from sqlalchemy.exc import SQLAlchemyError

from mebench.config.database_files import display_path, lock_file, without_password
from mebench.config.tracking_address import locate_database
from mebench.core import stable_seed
from mebench.errors import ConfigError, MebenchError, RunError, check_known
from mebench.tuning.records import State, Study, Terms, Trial
from mebench.tuning.space import Dimension

WAIT_SECONDS = 120.0
"""How long a process waits for another one that creates the same sqlite file."""


@dataclass(frozen=True)
class StudyStorage:
    """The database that holds studies.

    Attributes:
        url: as SQLAlchemy reads it, absolute for sqlite.
        file: the sqlite file, or None for any other database.
    """

    url: str
    file: Path | None

    @classmethod
    def at_url(cls, text: str) -> Self:
        """The storage of a URL, or of the path of a sqlite file.

        >>> StudyStorage.at_url("postgresql://ann@db.example.org/studies").file is None
        True
        >>> StudyStorage.at_url("sqlite:////data/studies.db?timeout=5").file
        PosixPath('/data/studies.db')
        """
        return cls(*locate_database(text if "://" in text else f"sqlite:///{Path(text).expanduser()}"))

    def __str__(self) -> str:
        """The address without a password."""
        return without_password(self.url) if self.file is None else display_path(self.file)

    def engine_options(self, seconds: float) -> dict[str, Any]:
        """Options for SQLAlchemy: how long to wait for a locked sqlite file, and reconnection after a server closed."""
        if self.file is None:
            return {"pool_pre_ping": True}
        return {} if "timeout=" in self.url else {"connect_args": {"timeout": seconds}}

    @contextmanager
    def lock_database(self) -> Iterator[None]:
        """A lock for one process at a time on a sqlite file.

        Simultaneous creation would break the file.

        Raises:
            RunError: another process keeps the lock, the folder cannot be created, or no address can name its path.
        """
        if self.file is None:
            yield
            return
        try:
            lock = lock_file(self.file, WAIT_SECONDS)
        except Timeout as error:
            raise RunError(
                f"the storage {self} is locked: another process has held {self.file.name}.lock for {WAIT_SECONDS:.0f} "
                "seconds. Stop it, or choose another --storage"
            ) from error
        except OSError as error:
            raise RunError(f"the storage {self} cannot be made ({error.strerror}): choose another --storage") from error
        with lock:
            yield

    def refuse_other_programs(self) -> None:
        """Refuse a sqlite file of another program, since Optuna would write among its tables.

        Raises:
            ConfigError: it is one.
        """
        tables: list[str] = []
        with suppress(sqlite3.Error):  # missing or unreadable, which is reported elsewhere
            if self.file is not None:
                with closing(sqlite3.connect(f"{self.file.as_uri()}?mode=ro", timeout=0, uri=True)) as reader:
                    named = reader.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                    tables = [name for (name,) in named]
        if tables and "studies" not in tables:
            raise ConfigError(
                f"the storage {self} is the database of another program, with tables such as {tables[0]!r}: choose another "
                "--storage"
            )

    def describe_failure(self, error: BaseException) -> MebenchError:
        """The problem of the storage, in one sentence."""
        cause = error.__cause__ if error.__cause__ is not None else error
        reason = without_password(" ".join(str(getattr(cause, "orig", None) or cause).split()))
        if isinstance(error, exc.ArgumentError | exc.NoSuchModuleError):
            return ConfigError(
                f"--storage {self} is not an address of a database ({reason}): write for example "
                "sqlite:///studies.db or postgresql://user@host/database"
            )
        if isinstance(error, ImportError):
            return ConfigError(f"--storage {self} needs a Python package that is not installed ({reason}): install it")
        for word, sentence in (
            ("locked", "is locked by another process. Wait for it or stop it, then give the same command to continue"),
            ("not a database", "is damaged or not a database: move it away, or choose another --storage"),
            ("malformed", "is damaged: restore it from a copy or move it away, or choose another --storage"),
            ("unable to open", "cannot be opened: check that it is a file that you may write, or choose another --storage"),
            ("readonly", "may not be written to: fix its rights, or choose another --storage"),
            ("disk is full", "has no room left on its disk: make room, then give the same command to continue"),
        ):  # fmt: skip
            if word in reason:
                return RunError(f"the storage {self} {sentence}")
        return RunError(f"the storage {self} cannot be used ({reason}): fix that, or choose another --storage")


PRUNERS: Mapping[str, Callable[[], optuna.pruners.BasePruner]] = {
    "none": optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "halving": optuna.pruners.SuccessiveHalvingPruner,
}
SAMPLERS: Mapping[str, type[BaseSampler]] = {
    name.removesuffix("Sampler").lower(): getattr(optuna.samplers, name)
    for name in optuna.samplers.__all__
    if name.endswith("Sampler") and name not in {"BaseSampler", "BaseGASampler", "PartialFixedSampler"}
}
EXHAUSTIVE = ("bruteforce", "grid")
"""Samplers that try all values."""


def make_sampler(terms: Terms) -> BaseSampler:
    """The sampler of a name, seeded for each trial by its number.

    Two processes then draw differently, and a stopped study continues unchanged. It also gives a first sign of life,
    so that a process killed before the trial runs is noticed.

    Raises:
        ConfigError: there is no sampler of that name, or it cannot serve the space.
    """
    check_known("sampler", terms.options.sampler, SAMPLERS, where="--sampler")
    kind: Any = SAMPLERS[terms.options.sampler]
    if kind is CmaEsSampler and importlib.util.find_spec("cmaes") is None:
        raise ConfigError("the sampler 'cmaes' needs a package that is not installed: pip install cmaes")
    grid: dict[str, list[Any]] = {}
    if terms.options.sampler in EXHAUSTIVE:  # an infinite dimension is refused
        grid = {d.key: _all_values(d, terms.options.sampler) for d in terms.space.dimensions}
    space = {"search_space": grid} if kind is GridSampler else {}

    class Seeded(kind):  # type: ignore[misc]
        """Reseeded for each trial."""

        def __init__(self, number: int = -1) -> None:
            number = -1 if kind is GridSampler else number  # its seed is the order of the grid
            super().__init__(seed=stable_seed(terms.seed, "sampler", terms.name, number), **space)

        def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
            storage: Any = study._storage
            storage.record_heartbeat(trial._trial_id)
            with silence_optuna():
                Seeded.__init__(self, trial.number)
            super().before_trial(study, trial)

    with silence_optuna():
        return Seeded()


def suggest_value(trial: optuna.Trial, d: Dimension) -> Any:
    """A value of one parameter as the storage holds it."""
    if d.choices:
        return trial.suggest_categorical(d.key, [d.encode_value(choice) for choice in d.choices])
    if d.whole:
        return trial.suggest_int(d.key, int(d.low), int(d.high), log=d.log, step=int(d.step or 1))
    return trial.suggest_float(d.key, d.low, d.high, log=d.log, step=d.step)


@contextmanager
def silence_optuna() -> Iterator[None]:
    """A context without Optuna's warnings about experimental features or repeated values."""
    with (
        warnings.catch_warnings(action="ignore", category=ExperimentalWarning),
        warnings.catch_warnings(action="ignore", category=UserWarning),
    ):
        yield


def _all_values(d: Dimension, sampler: str) -> list[Any]:
    """All values of a finite dimension."""
    if d.choices:
        return [d.encode_value(choice) for choice in d.choices]
    if d.step is None and not d.whole:
        raise ConfigError(f"the sampler {sampler!r} tries all values, but {d.key} has infinitely many: give it a step")
    step = d.step or 1
    n_steps = int((d.high - d.low) / step + 1e-9)  # the last step may end just below a whole number
    values = [d.low + i * step for i in range(n_steps + 1)]
    return [int(value) for value in values] if d.whole else values


STORAGE_ERRORS = (SQLAlchemyError, StorageInternalError)
MARK = "mebench"
DEFAULT = "default"
REASON = "reason"
STOPPED = "stopped"
MARK_CHECKS = 5
MARK_SECONDS = 1.0
MOST_LETTERS = 120
"""Letters of a value that a sentence shows."""
MOST_REPEATS = 1
"""How often a trial is repeated after its process was killed."""
MOST_FAILED = 3
"""Trials of one process that fail one after another and so end it: the next ones would fail, too."""
LOCK_SECONDS = 60.0
"""How long a process waits for others that write to one sqlite file."""
_STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}

Step = Callable[[float], None]
"""Gets the value after one more inner fold; raises if the trial is not worth continuing."""
Evaluate = Callable[[dict[str, Any], Step], Sequence[float]]


class SharedStudy:
    """A study in its storage; any number of processes may work on it.

    Args:
        place: the storage.
        terms: terms of the study.

    Attributes:
        stored: the study in Optuna.

    Raises:
        ConfigError: the sampler, pruner or storage is unknown, or a study of that name has other terms.
        RunError: the storage is locked or damaged.
    """

    def __init__(self, place: StudyStorage, terms: Terms) -> None:
        self.terms = terms
        self._place = place
        check_known("pruner", terms.options.pruner, PRUNERS, where="--pruner")
        pruner = PRUNERS[terms.options.pruner]()
        sampler = make_sampler(terms)
        optuna.logging.set_verbosity(optuna.logging.CRITICAL)
        with self._guarded((*STORAGE_ERRORS, ImportError, RuntimeError)), place.lock_database(), silence_optuna():
            place.refuse_other_programs()
            self._storage = RDBStorage(
                place.url,
                engine_kwargs=place.engine_options(LOCK_SECONDS),
                heartbeat_interval=terms.options.heartbeat,
                heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=MOST_REPEATS),
            )
            options: dict[str, Any] = {"storage": self._storage, "study_name": terms.name}
            directions = [objective.direction for objective in terms.objectives]
            try:
                self.stored = optuna.create_study(**options, sampler=sampler, pruner=pruner, directions=directions)
            except DuplicatedStudyError:
                self.stored = optuna.load_study(**options, sampler=sampler, pruner=pruner)
                self._refuse_others()
            else:
                self.stored.set_user_attr(MARK, dict(terms.about))
                self.stored.set_metric_names([o.path for o in terms.objectives])  # for other programs that show it
                default = terms.space.find_default()
                if default is not None:
                    self.stored.enqueue_trial({d.key: d.encode_value(default[d.key]) for d in terms.space.dimensions})

    # -- work -----------------------------------------------------------------------------------------------------------

    def run(self, trials: int, evaluate: Evaluate, after: Callable[[Study, Trial], None]) -> None:
        """Try values until the number of trials is reached and none is running.

        Pruned trials and those of other processes count.

        Processes take turns in a sqlite file; in another database two may start the last trial at the same moment.

        Args:
            trials: their number.
            evaluate: from values by key to those of the objectives; a `MebenchError` fails the trial.
            after: called after each trial of this process with the study so far.

        Raises:
            RunError: the storage is locked or damaged, or trial after trial fails.
        """
        failed = 0
        options = self.terms.options
        space = self.terms.space
        if options.sampler in EXHAUSTIVE:
            n_points = math.prod(len(_all_values(d, options.sampler)) for d in space.dimensions)
            if options.sampler == "grid" and space.find_default() is not None:
                n_points += 1  # a grid does not recognise the first trial, the default, as one of its points
            trials = min(trials, n_points)
        while True:
            turn = self._turn(trials, evaluate)
            if turn == "done":
                return
            if turn == "wait":
                time.sleep(min(options.heartbeat / 2, 1.0))
            if not isinstance(turn, int):
                continue
            study = self.read_study(importance=False)
            trial = study.trials[turn]
            after(study, trial)
            failed = failed + 1 if trial.state == "failed" else 0
            if failed == MOST_FAILED:
                raise RunError(f"{failed} trials failed one after another; trial {turn}: {trial.reason}")

    def read_study(self, importance: bool = True) -> Study:
        """All trials so far, and the importance of parameters."""
        with self._guarded(), silence_optuna():
            stored = self.stored.get_trials(deepcopy=False)
            n_complete = sum(trial.state is TrialState.COMPLETE for trial in stored)
            shares = self._importance() if importance and n_complete > 1 else {}
            trials = tuple(self._plain_trial(trial) for trial in stored)
            scores = self.stored.user_attrs.get(DEFAULT)
        defaults = self.terms.space.own_values()
        if scores is not None:
            default: Trial | None = Trial(-1, "complete", defaults, tuple(scores))
        else:
            complete = [trial for trial in trials if trial.state == "complete" and dict(trial.params) == defaults]
            default = complete[0] if complete else None
        return Study(self.terms.name, self.terms.objectives, trials, shares, default)

    def _importance(self) -> dict[str, float]:
        """The importance of each parameter for the first objective; empty if all values are alike."""
        target = None if len(self.terms.objectives) == 1 else (lambda trial: float(trial.values[0]))
        with suppress(ValueError, RuntimeError):  # all values alike
            return dict(optuna.importance.get_param_importances(self.stored, target=target))
        return {}

    def _plain_trial(self, trial: optuna.trial.FrozenTrial) -> Trial:
        """A stored trial as plain data."""
        reason = ""
        if trial.state is TrialState.FAIL:
            reason = str(trial.user_attrs.get(REASON, "its process was killed"))
        earlier_tries = RetryHeartbeatStaleTrialCallback.retry_history(trial)
        return Trial(
            trial.number,
            _STATES[trial.state],
            self.terms.space.decode_values(trial.params),
            tuple(trial.values) if trial.state is TrialState.COMPLETE else (),
            dict(trial.intermediate_values),
            None if trial.duration is None else trial.duration.total_seconds(),
            earlier_tries[-1] if earlier_tries else None,
            reason,
        )

    def try_default(self, evaluate: Evaluate) -> None:
        """Evaluate the configuration's own values unless a trial has completed them.

        The space may lack them, or the trial failed. Their failure is no error, since they are not tuned.
        """
        if self.read_study(importance=False).default is None:
            with suppress(MebenchError):
                values = list(evaluate(self.terms.space.own_values(), lambda value: None))
                with self._guarded():
                    self.stored.set_user_attr(DEFAULT, values)

    def _turn(self, trials: int, evaluate: Evaluate) -> int | Literal["lost", "wait", "done"]:
        """Try one more trial and return its number, or why there is none.

        It is `lost` if others took this process for dead meanwhile, `wait` if others still try some, otherwise `done`.
        """
        with ExitStack() as alone:
            alone.enter_context(self._place.lock_database())
            with self._guarded(), silence_optuna():
                fail_stale_trials(self.stored)
                every = self.stored.get_trials(deepcopy=False)
                running = [trial for trial in every if trial.state is TrialState.RUNNING]
                is_one_waiting = any(trial.state is TrialState.WAITING for trial in every)
                if is_one_waiting or self._count_spent(every) < trials:
                    number = self._try_one(evaluate, alone.close)
                    return "lost" if number is None else number
                self._give_signs_of_life(running)
        return "wait" if running else "done"

    def _count_spent(self, trials: Sequence[optuna.trial.FrozenTrial]) -> int:
        """The number of trials that count: those that may still succeed and, on a grid, failed ones, too."""
        states = Counter(trial.state for trial in trials)
        counted = states[TrialState.COMPLETE] + states[TrialState.PRUNED] + states[TrialState.RUNNING]
        if self.terms.options.sampler in EXHAUSTIVE:  # a failed trial would fail again
            failed = [trial for trial in trials if trial.state is TrialState.FAIL]
            counted += sum(trial.user_attrs.get(REASON, STOPPED) != STOPPED for trial in failed)
        return counted

    def _give_signs_of_life(self, running: Sequence[optuna.trial.FrozenTrial]) -> None:
        """Give a first heartbeat to trials whose process was killed before it gave one: Optuna waits for ever for them."""
        with self._storage.engine.connect() as connection:
            seen = set(connection.execute(sqlalchemy.text("SELECT trial_id FROM trial_heartbeats")).scalars())
        for trial in running:
            if trial._trial_id not in seen:
                self._storage.record_heartbeat(trial._trial_id)

    def _try_one(self, evaluate: Evaluate, begun: Callable[[], None]) -> int | None:
        """Try one trial and return its number, or None if other processes repeat it.

        They do so if they took this process for dead.

        Args:
            evaluate: function of `run`.
            begun: function called once the trial belongs to this process.
        """
        attempt = _Attempt(self.stored, self._storage, self.terms, evaluate, begun)
        try:
            self.stored.optimize(attempt, n_trials=1, catch=(MebenchError,))
        except Exception as error:
            if self._is_taken_over(attempt, error):
                return None
            raise
        if attempt.crash is not None:
            raise attempt.crash
        return attempt.number

    def _is_taken_over(self, attempt: "_Attempt", error: Exception) -> bool:
        """Whether a trial ended with an error because another process has finished it."""
        may_be_finished = isinstance(error, UpdateFinishedTrialError | ValueError)
        if not may_be_finished or attempt.crash is not None or attempt.number is None:
            return False
        trial = self.stored.get_trials(deepcopy=False)[attempt.number]
        return bool(trial.state.is_finished())

    # -- the storage ----------------------------------------------------------------------------------------------------

    def _refuse_others(self) -> None:
        """Refuse a study of that name about something else."""
        # Another machine may have created it at this moment and may still be writing its description.
        for _ in range(MARK_CHECKS):
            if self.stored.user_attrs.get(MARK) is None:
                time.sleep(MARK_SECONDS / MARK_CHECKS)
        remedy = "choose another name with --study NAME, or another --storage"
        study = f"study {self.terms.name!r} in {self._place}"
        marked = self.stored.user_attrs.get(MARK)
        if not isinstance(marked, dict):
            raise ConfigError(f"{study} was not made by mebench tune: {remedy}")
        for name, now in json.loads(json.dumps(self.terms.about)).items():
            if name not in marked:
                raise ConfigError(f"{study} was begun before studies noted their {name}: {remedy}")
            if marked[name] != now:
                raise ConfigError(
                    f"{study} was begun with {name} {_shorten(marked[name])}, not {_shorten(now)}: {remedy}"
                )

    @contextmanager
    def _guarded(self, errors: tuple[type[Exception], ...] = STORAGE_ERRORS) -> Iterator[None]:
        """Turn errors of the storage into one sentence."""
        try:
            yield
        except errors as error:
            raise self._place.describe_failure(error) from error


def _shorten(value: object) -> str:
    """The first letters of a value as text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]} …"


class _Attempt:
    """One trial of this process, as Optuna calls it.

    Attributes:
        number: number of the trial, None before it begins.
        crash: error that is no failure of the trial's values, or None.
    """

    def __init__(
        self,
        stored: optuna.Study,
        storage: optuna.storages.RDBStorage,
        terms: Terms,
        evaluate: Evaluate,
        begun: Callable[[], None],
    ) -> None:
        self._stored = stored
        self._storage = storage
        self._terms = terms
        self._evaluate = evaluate
        self._begun = begun
        self.number: int | None = None
        self.crash: Exception | None = None

    def __call__(self, trial: optuna.Trial) -> Sequence[float]:
        """The values of the objectives."""
        self.number = trial.number
        values = None
        try:
            self._begun()
            values = self._terms.space.decode_values(self._suggest(trial))
            return self._evaluate(values, partial(self._report_step, trial, count(1)))
        except KeyboardInterrupt:
            self._repeat_later(trial)
            raise
        except (optuna.TrialPruned, UpdateFinishedTrialError, *STORAGE_ERRORS):
            raise
        except Exception as error:
            if isinstance(error, MebenchError) and values is not None:
                trial.set_user_attr(REASON, str(error))
            else:
                self.crash = error
            raise

    def _suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        """The values that the sampler suggests, as the storage holds them."""
        try:
            return {d.key: suggest_value(trial, d) for d in self._terms.space.dimensions}
        except (ImportError, ValueError, RuntimeError, NotImplementedError) as error:
            reason = " ".join(str(error).split())
            message = f"the sampler {self._terms.options.sampler!r} cannot serve this study: {reason}"
            raise ConfigError(message) from error

    def _report_step(self, trial: optuna.Trial, counter: Iterator[int], value: float) -> None:
        """Report the score after one more inner fold to the pruner, if there is one.

        Raises:
            TrialPruned: the trial is not worth going on.
        """
        if len(self._terms.objectives) == 1 and self._terms.options.pruner != "none":
            trial.report(value, next(counter))
            if trial.should_prune():
                raise optuna.TrialPruned

    def _repeat_later(self, trial: optuna.Trial) -> None:
        """Mark a trial as stopped, which is no failure: its values come first when the study goes on."""
        trial.set_user_attr(REASON, STOPPED)
        found = self._storage.get_trial(trial._trial_id)
        again = optuna.trial.create_trial(
            state=TrialState.WAITING,
            params=found.params,
            distributions=found.distributions,
            system_attrs=found.system_attrs,
        )
        self._stored.add_trial(again)
