"""Frame scores and models of finished folds on disk, so that another trial, or another process, need not train them again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from mebench.config import RunConfig
from mebench.core import Fold
from mebench.errors import DataError, RunError
from mebench.features import NoFaceError
from mebench.progress import Progress
from mebench.runner.choices import abilities
from mebench.runner.host import fold_task
from mebench.runner.inputs import digest
from mebench.runner.isolation import Failure
from mebench.runner.plan import Plan
from mebench.runner.prepare import prepare
from mebench.runner.workers import Workers
from mebench.runs.fold_files import read_fold, safe_name
from mebench.runs.fold_result import FoldResult
from mebench.runs.folder import RunFolder


class FoldCache:
    """Results of folds in one folder, each whole or absent.

    Args:
        path: the folder; made when something is written.
        kinds: kinds that are spotted, in the order of the columns of frame scores.
    """

    def __init__(self, path: Path, kinds: Sequence[str]) -> None:
        self.path, self._kinds = path, tuple(kinds)
        self._folder = RunFolder(path)
        self._read: dict[str, FoldResult] = {}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time: the others wait and find what it has written."""
        self.path.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path / ".lock"):
            yield

    def write(self, result: FoldResult) -> None:
        """Keep a fold's result."""
        self._folder.write_fold(result, self._kinds)
        self._read[result.key] = result

    def read(self, folds: Sequence[Fold]) -> dict[str, FoldResult]:
        """The results that are there, by key of the fold; without their intervals, which are made anew."""
        if lacking := {fold.key for fold in folds} - set(self._read):
            for key in self._folder.finished_folds() & lacking:
                self._read[key] = read_fold(self.path / "folds" / safe_name(key), self._kinds)
        return {fold.key: self._read[fold.key] for fold in folds if fold.key in self._read}


def with_config(plan: Plan, config: RunConfig) -> Plan:
    """The run with other parameters of the same methods, over the same people and folds."""
    selects = any(method.selects for method in abilities(config))
    return replace(plan, config=config, params=config.method_params, selects=selects)


def run_folds(
    pool: Workers, plan: Plan, folds: Sequence[Fold], stored: Mapping[str, FoldResult] | None = None
) -> Iterator[FoldResult]:
    """Results of some folds as they come in, not in their order.

    Args:
        pool: who computes them.
        plan: of the run, once its features are stored; nobody but its people is known to the folds.
        folds: among these people.
        stored: frame scores and models by key of the fold, where only intervals are made.

    Raises:
        RunError: a fold failed.
    """
    tasks = [fold_task(fold.key, plan, fold, stored[fold.key] if stored else None) for fold in folds]
    for task, outcome in pool.run(tasks):
        if isinstance(outcome, Failure):
            raise outcome.error or RunError(f"fold {task.key!r}: {outcome.reason}")
        yield outcome


def of_part(plan: Plan, part: int | None) -> Plan:
    """The run of one method of a pair by itself, or the whole run."""
    return plan if part is None else plan.parts()[part]


class Features:
    """The features of runs over the same videos, stored once for equal chains.

    Args:
        pool: who computes them.
        progress: where to tell how it goes.
    """

    def __init__(self, pool: Workers, progress: Progress) -> None:
        self._pool, self._progress = pool, progress
        self._known: dict[str, dict[str, str]] = {}

    def faceless(self, plan: Plan) -> Mapping[str, str]:
        """Why videos show no face, by key, where `no_face=skip`; the features of the others are stored afterwards.

        Raises:
            MebenchError: features failed.
        """
        name = digest(sorted(c.fingerprint() for group in plan.chains.values() for c in group))
        if name not in self._known:
            failed = prepare([plan], self._pool, self._progress).failures
            failures, skips = {key: failure for (_, key), failure in failed.items()}, plan.config.no_face == "skip"
            faceless = {key: f.reason for key, f in failures.items() if skips and isinstance(f.error, NoFaceError)}
            for key, failure in failures.items():
                if key not in faceless:
                    raise failure.error or DataError(f"the features of {key} failed: {failure.reason}")
            self._known[name] = faceless
        return self._known[name]

    def of(self, plan: Plan) -> Plan:
        """The run once its features are stored, without the videos that show no face where `no_face=skip`.

        Raises:
            MebenchError: features failed.
        """
        return replace(plan, skipped=frozenset(self.faceless(plan)))
