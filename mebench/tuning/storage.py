"""Where a study is kept, and Optuna's samplers and pruners by name."""

from __future__ import annotations

import importlib.util
import math
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import Timeout
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, CmaEsSampler, GridSampler
from optuna.trial import FrozenTrial
from sqlalchemy import exc

from mebench.core import stable_seed
from mebench.errors import ConfigError, MebenchError, RunError, unknown
from mebench.tracking.mlflow_store import hold, located, without_password
from mebench.tuning.records import Terms
from mebench.tuning.space import Dimension

WAIT_SECONDS = 120.0
"""How long a process waits for another one that creates the same sqlite file."""


@dataclass(frozen=True)
class Place:
    """A storage.

    Attributes:
        url: as SQLAlchemy reads it, absolute for sqlite.
        file: the sqlite file, or None for any other database.
    """

    url: str
    file: Path | None

    @classmethod
    def of(cls, text: str) -> Place:
        """The storage of a URL, or of the path of a sqlite file.

        >>> Place.of("postgresql://ann@db.example.org/studies").file is None
        True
        >>> Place.of("sqlite:////data/studies.db?timeout=5").file
        PosixPath('/data/studies.db')
        """
        return cls(*located(text if "://" in text else f"sqlite:///{Path(text).expanduser()}"))

    def __str__(self) -> str:
        """For people, without a password."""
        if self.file is None:
            return without_password(self.url)
        return str(self.file.relative_to(Path.cwd()) if self.file.is_relative_to(Path.cwd()) else self.file)

    def engine(self, seconds: float) -> dict[str, Any]:
        """What SQLAlchemy should know: how long to wait for a locked sqlite file, and to repair connections that a server closed."""
        if self.file is None:
            return {"pool_pre_ping": True}
        return {} if "timeout=" in self.url else {"connect_args": {"timeout": seconds}}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time on a sqlite file: three that create it at once break it.

        Raises:
            RunError: another process does not let go, the folder cannot be made, or no address can name its path.
        """
        if self.file is None:
            yield
            return
        try:
            lock = hold(self.file, WAIT_SECONDS)
        except Timeout as error:
            raise RunError(
                f"the storage {self} is locked: another process has held {self.file.name}.lock for {WAIT_SECONDS:.0f} "
                "seconds. Stop it, or choose another --storage"
            ) from error
        except OSError as error:
            raise RunError(f"the storage {self} cannot be made ({error.strerror}): choose another --storage") from error
        with lock:
            yield

    def check(self) -> None:
        """Refuse the sqlite file of another program, among whose tables Optuna would write.

        Raises:
            ConfigError: it is one.
        """
        tables: list[str] = []
        with suppress(sqlite3.Error):  # not there or not to be read, which is told elsewhere
            if self.file is not None:
                with closing(sqlite3.connect(f"{self.file.as_uri()}?mode=ro", timeout=0, uri=True)) as reader:
                    found = reader.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
                    tables = [name for (name,) in found]
        if tables and "studies" not in tables:
            raise ConfigError(
                f"the storage {self} is the database of another program, with tables such as {tables[0]!r}: choose another "
                "--storage"
            )

    def trouble(self, error: BaseException) -> MebenchError:
        """What went wrong with the storage, in one sentence."""
        cause = error.__cause__ if error.__cause__ is not None else error
        reason = without_password(" ".join(str(getattr(cause, "orig", None) or cause).split()))
        if isinstance(error, exc.ArgumentError | exc.NoSuchModuleError):
            return ConfigError(
                f"--storage {self} is no address of a database ({reason}): write for example sqlite:///studies.db or "
                "postgresql://user@host/database"
            )
        if isinstance(error, ImportError):
            return ConfigError(f"--storage {self} needs a Python package that is not installed ({reason}): install it")
        for word, sentence in (
            ("locked", "is locked: another process keeps it to itself. Wait for it or stop it, then go on with the same command"),
            ("not a database", "is damaged or no database at all: move it away, or choose another --storage"),
            ("malformed", "is damaged: restore it from a copy or move it away, or choose another --storage"),
            ("unable to open", "cannot be opened: check that it is a file that you may write, or choose another --storage"),
            ("readonly", "may not be written to: fix its rights, or choose another --storage"),
            ("disk is full", "has no room left on its disk: make some, then go on with the same command"),
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
_NO_SAMPLERS = {"BaseSampler", "BaseGASampler", "PartialFixedSampler"}
SAMPLERS: Mapping[str, type[BaseSampler]] = {
    name.removesuffix("Sampler").lower(): getattr(optuna.samplers, name)
    for name in optuna.samplers.__all__
    if name.endswith("Sampler") and name not in _NO_SAMPLERS
}
EXHAUSTIVE = ("bruteforce", "grid")
"""Samplers that try all values."""


def sampler_of(terms: Terms) -> BaseSampler:
    """The sampler by its name, drawing each trial from its number: no two processes draw alike, and a study that was stopped goes on
    as it would have without. It gives a first sign of life, too: a process that is killed before the trial runs is noticed.

    Raises:
        ConfigError: there is no sampler of that name, or it cannot serve the space.
    """
    if terms.sampler not in SAMPLERS:
        raise ConfigError(f"--sampler: {unknown('sampler', terms.sampler, SAMPLERS)}")
    kind: Any = SAMPLERS[terms.sampler]
    if kind is CmaEsSampler and importlib.util.find_spec("cmaes") is None:
        raise ConfigError("the sampler 'cmaes' needs a package that is not installed: pip install cmaes")
    grid = {d.key: _values(d, terms.sampler) for d in terms.space.dimensions} if terms.sampler in EXHAUSTIVE else {}
    space = {"search_space": grid} if kind is GridSampler else {}

    class Seeded(kind):  # type: ignore[misc]
        """As new for each trial."""

        def __init__(self, number: int = -1) -> None:
            number = -1 if kind is GridSampler else number  # its seed is the order of the grid
            super().__init__(seed=stable_seed(terms.seed, "sampler", terms.name, number), **space)

        def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
            storage: Any = study._storage
            storage.record_heartbeat(trial._trial_id)
            with silent():
                Seeded.__init__(self, trial.number)
            super().before_trial(study, trial)

    with silent():
        sampler: BaseSampler = Seeded()
    return sampler


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
