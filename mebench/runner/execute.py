"""Execute runs, one or many that share features and workers: features, folds, scores. Finished work is kept, a stopped run
goes on, and the gain from a leak is measured.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mebench.account import account_lines, plain_accounts
from mebench.config import RunConfig
from mebench.config.settings import TrainingSettings
from mebench.errors import InterruptedRunError as InterruptedRunError, MebenchError
from mebench.lazy_imports import load_lazily
from mebench.metrics.score_table import ScoreTable
from mebench.output.progress import Progress
from mebench.output.terminal import format_count
from mebench.runner.energy import measured_energy
from mebench.runner.guard import accounts_of_data, find_frame_warnings, find_run_warnings
from mebench.runner.identity import by_training
from mebench.runner.plan import Plan, SharedData, make_plan
from mebench.runner.prepare import prepare_features
from mebench.runner.requirements import check_folders, problem_of_database, refuse_missing_devices
from mebench.runner.selection_worth import score_differences, without_leak, worth_of
from mebench.runner.session import Outcome, Session, cached_outcome, finished_run, open_session, rerun_notice
from mebench.runner.workers import WorkerPool, Workers, default_workers
from mebench.runs.folder import RunFolder
from mebench.system import STOPPING, has_instructions, open_many_files

if TYPE_CHECKING:
    import torch
else:
    torch = load_lazily("torch")

T = TypeVar("T")
FEWEST_PLANNED, MOST_PLANNED = 100, 2000
"""Folds of a sweep that are planned at least before they are computed: at first, and later, when the workers are warm."""


def execute_run(config: RunConfig, progress: Progress, run_id: str | None = None) -> Outcome:
    """Plan and execute; continues an unfinished run of the same key, starts a new one after a finished one.

    Args:
        config: configuration of the run.
        progress: reports the progress.
        run_id: the unfinished run to go on with; its inputs must not have changed.

    Raises:
        MebenchError: bad input, a full disk, folds that failed, Ctrl-C, SIGTERM, SIGHUP; finished folds stay in the run folder.
    """
    session = None
    _notify_of_database(config, progress)
    with stopped_by_signals(), worker_pool(config) as pool:
        try:
            session = open_session(make_plan(config), run_id)
            if session.folder.is_reopened:
                progress.notify(f"run {session.folder.id} was finished and is damaged: it is made again from its folds")
            elif run_id is None and (notice := rerun_notice(session)):
                progress.notify(f"{notice}: this one computes its folds again")
            progress.notify(f"run {session.folder.id}: {session.describe_size()}, {describe_pool(pool, session)}")
            plan = session.leaking or session.plan
            found = [*find_run_warnings(plan.data, plan.access), *find_frame_warnings(plan.features)]
            progress.notify(*(str(finding) for finding in found), *_slow_precision(config.training))
            accounts = accounts_of_data(plan.data)
            progress.notify(*account_lines([entry for entry in plain_accounts(accounts) if entry["left_out"]]))
            (outcome,) = execute_all([session], pool, progress)
        except KeyboardInterrupt as stop:
            pool.stop()
            raise _interrupted_run(session, stop) from None
    if isinstance(outcome, MebenchError):
        raise outcome
    return outcome


def _slow_precision(training: TrainingSettings) -> list[str]:
    """A warning if the processor computes in bfloat16 without instructions for it."""
    if training.precision != "bf16-mixed" or training.accelerator != "cpu":
        return []
    if has_instructions("bf16") is False:
        return [
            "precision=bf16-mixed: this processor has no instructions for it, so a step takes about six times as long"
        ]
    return []


def _interrupted_run(session: Session | None, stop: KeyboardInterrupt) -> InterruptedRunError:
    """The error of a run that was stopped: what is kept, and how it continues."""
    if session is None:
        return InterruptedRunError("stopped before the first fold: nothing is lost", stop)
    folder = session.folder
    # Of a leaking run it is the honest one beside it that is trained; gone on with alone, it would leave the leak out.
    hint = "Give the same command again to continue"
    if session.leaking is None:
        hint = f"Continue with: mebench resume {folder.quoted_name}"
    done = len(folder.finished_folds())
    folds = len(session.plan.data.folds)
    return InterruptedRunError(f"stopped: {done} of {folds} folds are finished and kept in {folder.path}. {hint}", stop)


def execute_sweep(
    configs: Sequence[RunConfig], progress: Progress, keep: bool = False, clean: RunFolder | None = None
) -> list[Outcome | MebenchError]:
    """Plan and execute many runs.

    Unfinished runs are continued and finished ones of the same key kept, so that a stopped sweep continues and a wider
    one adds its new runs. Only a completely finished sweep starts again, as a single run does.

    Args:
        configs: the runs, no two alike; workers, executor and accelerator are those of the first.
        progress: reports the progress.
        keep: finished runs stand even where all are.
        clean: the run whose models predict, where all are degraded ones of it.

    Returns:
        for each run its outcome or its error.

    Raises:
        MebenchError: no run can be planned, or all are stopped by a full disk, Ctrl-C or SIGTERM. Finished folds are
            kept.
    """
    open_many_files()
    _notify_of_database(configs[0], progress)
    with stopped_by_signals(), worker_pool(configs[0]) as pool:
        sweep = _Sweep(configs, clean, pool, progress)
        try:
            sweep.compute(range(len(configs)))
            if sweep.computes_nothing and not keep:
                sweep.compute_finished()
            elif sweep.computes_nothing:
                progress.notify(sweep.describe({}))
        except KeyboardInterrupt as stop:
            pool.stop()
            raise sweep.interruption(stop) from None
        finally:
            sweep.release_locks()
    return sweep.list_outcomes()


class _Sweep:
    """Many runs, planned part by part while they run.

    So the first fold begins at once, and thousands of runs need no more memory than those that are computed.

    Args:
        configs: the runs.
        clean: see `execute_sweep`.
        pool: the workers.
        progress: reports the progress.
    """

    def __init__(
        self, configs: Sequence[RunConfig], clean: RunFolder | None, pool: Workers, progress: Progress
    ) -> None:
        self._configs = configs
        self._clean = clean
        self._pool = pool
        self._progress = progress
        self._shared = SharedData()
        self._outcomes = dict[int, Outcome | MebenchError]()
        self._finished = dict[int, RunFolder]()
        self._sessions = dict[int, Session]()
        self._n_planned = 0

    @property
    def computes_nothing(self) -> bool:
        """Whether every run that can be planned was finished before."""
        return len(self._finished) == self._n_planned

    def compute(self, numbers: Iterable[int], again: bool = False) -> None:
        """Compute the unfinished runs among some.

        Args:
            numbers: their places among all.
            again: whether finished ones are computed, too.

        Raises:
            MebenchError: no run can be planned, or all are stopped.
        """
        part = dict[int, Plan]()
        most = FEWEST_PLANNED
        for number in numbers:
            plan = self._plan(number)
            if plan is None:
                continue
            finished = None if again else finished_run(plan)
            if finished is not None:
                self._finished[number] = finished
                continue
            part[number] = plan
            if sum(len(plan.data.folds) for plan in part.values()) >= most:
                self._compute_part(part)
                part.clear()
                most = min(2 * most, MOST_PLANNED)
        if not self._n_planned:
            raise next(error for error in self._outcomes.values() if isinstance(error, MebenchError))
        if part:
            self._compute_part(part)

    def compute_finished(self) -> None:
        """Compute the finished runs again, as a single run does."""
        numbers = [*self._finished]
        self._finished.clear()
        self.compute(numbers, again=True)

    def _plan(self, number: int) -> Plan | None:
        """The plan of a run; its error is its outcome."""
        planned = _or_error(make_plan, self._configs[number], (), self._shared)
        if isinstance(planned, MebenchError):
            self._outcomes[number] = planned
            return None
        self._n_planned += 1
        return planned

    def _compute_part(self, plans: Mapping[int, Plan]) -> None:
        """Compute some runs in one queue."""
        self._sessions.clear()
        for number, plan in plans.items():
            self._sessions[number] = open_session(plan, clean=self._clean)
        self._progress.notify(self.describe(plans))
        self._outcomes |= zip(plans, execute_all([*self._sessions.values()], self._pool, self._progress))

    def describe(self, plans: Mapping[int, Plan]) -> str:
        """What is computed now, in one sentence."""
        n_runs = len(self._configs)
        n_folds = sum(len(plan.data.folds) for plan in plans.values())
        failed = sum(isinstance(outcome, MebenchError) for outcome in self._outcomes.values())
        later = n_runs - len(self._outcomes) - len(self._finished) - len(plans)
        where = f" in {len(plans)} of them" if n_runs > 1 else ""
        notice = f"sweep: {format_count(n_runs, 'run')}, {format_count(n_folds, 'fold')}{where} to compute"
        if self._finished:
            notice += f"; {format_count(len(self._finished), 'finished one is', 'finished ones are')} kept"
        if failed:
            notice += f"; {failed} cannot be run"
        if later:
            notice += f"; the next {later} are planned afterwards"
        return notice

    def interruption(self, stop: KeyboardInterrupt) -> InterruptedRunError:
        """The error of a sweep that was stopped."""
        computed = sum(isinstance(outcome, Outcome) for outcome in self._outcomes.values())
        of_part = [self._sessions[number] for number in self._sessions if number not in self._outcomes]
        done = len(self._finished) + computed + sum(session.folder.done for session in of_part)
        return InterruptedRunError(
            f"stopped: {done} of {len(self._configs)} runs are finished, and the folds of the others are kept. Give "
            "the same command again to continue",
            stop,
        )

    def release_locks(self) -> None:
        """Let other processes have the runs of the last part."""
        for session in self._sessions.values():
            session.lock.release()

    def list_outcomes(self) -> list[Outcome | MebenchError]:
        """For each run its outcome or its error."""
        for number, folder in self._finished.items():
            self._outcomes[number] = _or_error(cached_outcome, folder, self._configs[number])
        return [self._outcomes[number] for number in range(len(self._configs))]


def execute_all(sessions: Sequence[Session], pool: Workers, progress: Progress) -> list[Outcome | MebenchError]:
    """Finish several runs in one queue: first all features, then all folds. The locks of the sessions are released afterwards.

    A run that fails does not stop the others.

    Args:
        sessions: the runs; they share a store of features, and workers.
        pool: the workers.
        progress: reports the progress.

    Returns:
        for each run its outcome or its error.

    Raises:
        MebenchError: what stops all runs, such as a full disk.
        KeyboardInterrupt: finished folds are kept.
    """
    outcomes: dict[int, Outcome | MebenchError] = {}
    try:
        outcomes |= _compute_features(sessions, pool, progress)
        under_way = [session for session in sessions if id(session) not in outcomes]
        outcomes |= _compute_folds(under_way, pool, progress)
        for session in under_way:
            progress.notify(*session.unscored_warning(), *filter(None, [session.repair]))
    finally:
        for session in sessions:
            session.lock.release()
    return [outcomes[id(session)] for session in sessions]


def _compute_features(sessions: Sequence[Session], pool: Workers, progress: Progress) -> dict[int, MebenchError]:
    """Compute the features of all runs.

    Returns:
        the errors of runs whose features failed, by the session's `id`; they have no fold left.
    """
    if plans := [session.plan for session in sessions if session.left]:  # while the features are computed
        pool.warm_up({name for plan in plans for name in plan.imports})
    prepared = prepare_features([session.plan.feature_needs for session in sessions], pool, progress)
    errors = dict[int, MebenchError]()
    for reader, session in enumerate(sessions):
        try:
            session.record_features(prepared, reader, progress)
        except MebenchError as error:
            errors[id(session)] = error
            session.left.clear()
    return errors


def _compute_folds(sessions: Sequence[Session], pool: Workers, progress: Progress) -> dict[int, Outcome | MebenchError]:
    """Compute the folds that are left, and finish each run after its last one.

    Returns:
        the outcomes of these runs by the session's `id`.
    """
    finished = sum(len(session.finished) for session in sessions)
    total = sum(len(session.plan.data.folds) for session in sessions)
    if finished:
        progress.notify(f"{finished} of {total} folds exist already")
    outcomes = {id(session): _finished(session) for session in sessions if not session.left}
    waiting = [session for session in sessions if session.left]
    energy = measured_energy([session.plan.config for session in waiting])
    begins = "the first folds are being computed"
    with (
        progress.stage("folds", total, "folds", done=finished, at_once=pool.size, begins=begins) as advance,
        energy as meter,
    ):
        while waiting:
            now, waiting = _next(waiting, progress)
            tasks = [task for session, trained in now for task in session.make_tasks(trained)]
            for task, outcome in pool.run(tasks):
                session, fold = task.key
                progress.notify(*session.store_fold(fold, meter.with_energy(outcome)))
                advance()
                if not session.left:
                    outcomes[id(session)] = _finished(session)
    return outcomes


def _next(
    waiting: Sequence[Session], progress: Progress
) -> tuple[list[tuple[Session, dict[str, Path]]], list[Session]]:
    """The sessions whose folds come next, with folds that another run has trained; and the sessions that wait for a
    training of these.
    """
    runs_by_training = {
        runs: by_training(runs)
        for runs in {session.folder.path.parent for session in waiting if session.key_of_training is not None}
    }
    now = list[tuple[Session, dict[str, Path]]]()
    later = list[Session]()
    training = set[str | None]()
    for session in waiting:
        trained = session.trained_elsewhere(runs_by_training.get(session.folder.path.parent, {}))
        if session.left > set(trained) and session.key_of_training in training - {None}:
            later.append(session)
            continue
        if session.left > set(trained):
            training.add(session.key_of_training)
        now.append((session, trained))
        if trained:
            homes = ", ".join(sorted({folder.parent.parent.name for folder in trained.values()}))
            why = "whose models predict the degraded videos"
            if session.clean is None:
                why = "which differs only in the way from frame scores to intervals: only intervals are made"
            progress.notify(f"{session.folder.id}: {format_count(len(trained), 'fold')} trained in {homes}, {why}")
    return now, later


def _or_error(function: Callable[..., T], *arguments: Any) -> T | MebenchError:
    """The result of a function, or its error: the other runs go on."""
    try:
        return function(*arguments)
    except MebenchError as error:
        return error


def _finished(session: Session) -> Outcome | MebenchError:
    """The outcome of a session, or its error; its lock is released."""
    try:
        return _or_error(session.finish)
    finally:
        session.lock.release()


def _notify_of_database(config: RunConfig, progress: Progress) -> None:
    """Say before the first fold what MLflow would refuse after the last one."""
    problem = problem_of_database(config)
    if problem:
        progress.notify(problem)


@contextmanager
def worker_pool(config: RunConfig) -> Iterator[Workers]:
    """The workers of a configuration, starting up; they are ended on exit, even in the middle of a task.

    Raises:
        ConfigError: Dask's scheduler does not answer, or this machine lacks the accelerator.
        DataError: the folder of runs or the store of features cannot be written.
    """
    refuse_missing_devices(config.training, config.places, config.sandbox, config.trainer)
    check_folders(config)
    if config.executor == "dask":
        from mebench.runner.dask_executor import DaskPool

        pool: Workers = DaskPool(str(config.executor_address))
    else:
        each = config.trainer.get("devices", 1)
        counted = each if isinstance(each, int) and each > 0 else 0
        pool = WorkerPool(config.workers or default_workers(), config.accelerator, config.devices, counted)
    try:
        # Workers that get ready while the plan is made; the others when it is known how much there is to do.
        pool.start(4)
        yield pool
    finally:
        pool.stop()


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """A context in which SIGTERM and SIGHUP end the program as Ctrl-C does.

    Batch systems send SIGTERM before they kill, and a terminal that closes sends SIGHUP.

    A signal that is already ignored, as under `nohup`, stays ignored.
    """

    def stop(number: int, _: Any) -> None:
        raise KeyboardInterrupt(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in STOPPING if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def describe_pool(pool: Workers, session: Session) -> str:
    """The number of workers that a run can use, in words."""
    if isinstance(pool, WorkerPool):
        tasks = max(len(session.plan.data.videos), len(session.plan.data.folds))  # the features of a video, then folds
        return format_count(max(min(pool.size, tasks), 1), "worker")
    if not pool.size:
        return "no Dask worker is connected yet: the run begins when one connects"
    return format_count(pool.size, "Dask worker")


def leak_gain(config: RunConfig, summary: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Scores of a leaking run beside those of the same run without the leak.

    The honest run is executed if it does not exist yet.

    Args:
        config: configuration of the leaking run.
        summary: its scores.
        progress: where to tell how the honest run goes.

    Returns:
        `honest`: id of the honest run; `scores`: for each path (`spotting.micro.f1`) `honest`, `leak` and the `points`
        that the leak gained, 100 times their difference; None where a score is undefined. `differences`: for the main scores
        leaking minus honest, with an interval paired over subjects. Where one training gave both runs also `rule`, `looks` and
        `curve`, see `mebench.runner.selection_worth`.

    Raises:
        MebenchError: the honest run cannot be executed.
    """
    honest = without_leak(config)
    folder = finished_run(make_plan(honest))
    if folder is None:
        progress.notify(f"audit={config.audit}: now the same run without the leak, to compare with")
        folder = execute_run(honest, progress).folder
    clean = _scores(cached_outcome(folder, honest).summary)
    leaking = folder.path.with_name(str(summary["run_id"]))
    worth = worth_of(RunFolder(leaking)) or {
        "honest": folder.id,
        "differences": score_differences(folder, RunFolder(leaking), config.convention),
    }
    leaks = {path: leak for path, leak in _scores(summary).items() if path in clean}
    return {**worth, "scores": {path: _points_of_leak(clean[path], leak) for path, leak in leaks.items()}}


def _points_of_leak(honest: float | None, leak: float | None) -> dict[str, float | None]:
    """A score without and with the leak, and the points that it adds; None if either is undefined."""
    points = None if honest is None or leak is None else round(100 * (leak - honest), 6)
    return {"honest": honest, "leak": leak, "points": points}


def _scores(summary: Mapping[str, Any]) -> dict[str, float | None]:
    """The values of some scores by path; members, folds and levels of chance are left out."""
    whole = [line for line in ScoreTable.read(summary) if not (line.member or line.fold or line.is_of_chance)]
    return {
        line.path: line.score.value
        for line in whole
        if line.path.count(".") < 3 and line.metric in ("strs", "f1", "asr", "uf1", "uar", "accuracy")
    }
