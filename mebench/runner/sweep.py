"""Many runs as one: the features and workers that they share."""

from collections.abc import Sequence

from mebench.config import RunConfig
from mebench.errors import MebenchError
from mebench.progress import Progress
from mebench.runner.execute import InterruptedRunError, execute_all, stoppable, worker_pool
from mebench.runner.folder import RunFolder
from mebench.runner.plan import Plan, make_plan
from mebench.runner.process import open_many_files
from mebench.runner.session import Outcome, Session, as_it_stands, finished_run, open_session


def sweep(configs: Sequence[RunConfig], progress: Progress) -> list[Outcome | MebenchError]:
    """Plan and execute many runs.

    Unfinished runs go on. Finished ones of the same key stand as they are, so that a sweep goes on where it was stopped and
    may be widened; only where all are finished does it start anew, as a single run does.

    Args:
        configs: the runs, no two alike; workers, executor and accelerator are those of the first.
        progress: where to tell how it goes.

    Returns:
        for each run what came of it, or why it failed.

    Raises:
        MebenchError: none can be planned, or what stops them all: a full disk, Ctrl-C, SIGTERM. Finished folds are kept.
    """
    open_many_files()
    with stoppable(), worker_pool(configs[0]) as pool:
        sessions: dict[int, Session] = {}
        try:
            plans = _plans(configs, progress)
            outcomes: dict[int, Outcome | MebenchError] = {
                n: p for n, p in plans.items() if isinstance(p, MebenchError)
            }
            sound = {number: plan for number, plan in plans.items() if isinstance(plan, Plan)}
            there = {number: finished_run(plan) for number, plan in sound.items()}
            again = all(there.values())
            for number, plan in sound.items():
                if (folder := there[number]) is not None and not again:
                    outcomes[number] = _standing(folder, plan.config)
                else:
                    sessions[number] = open_session(plan)
            _tell(len(configs), sum(isinstance(o, Outcome) for o in outcomes.values()), sessions, progress)
            outcomes |= zip(sessions, execute_all(list(sessions.values()), pool, progress))
        except KeyboardInterrupt as stop:
            pool.stop()
            done = sum(s.folder.done for s in sessions.values()) + len(configs) - len(sessions)
            raise InterruptedRunError(
                f"stopped: {done} of {len(configs)} runs are finished, and the folds of the others are kept. Go on with the "
                "same command",
                stop,
            ) from None
        finally:
            for session in sessions.values():
                session.close()
    return [outcomes[number] for number in range(len(configs))]


def _plans(configs: Sequence[RunConfig], progress: Progress) -> dict[int, Plan | MebenchError]:
    """What each run would do, or why it cannot; a sweep of which nothing works raises that at once."""
    plans: dict[int, Plan | MebenchError] = {}
    for number, config in enumerate(configs):
        try:
            plans[number] = make_plan(config)
        except MebenchError as error:
            plans[number] = error
    if not any(isinstance(plan, Plan) for plan in plans.values()):
        raise next(error for error in plans.values() if isinstance(error, MebenchError))
    return plans


def _standing(folder: RunFolder, config: RunConfig) -> Outcome | MebenchError:
    """A finished run, or why it cannot be shown."""
    try:
        return as_it_stands(folder, config)
    except MebenchError as error:
        return error


def _tell(runs: int, stand: int, sessions: dict[int, Session], progress: Progress) -> None:
    opened, folds = len(sessions), sum(len(session.plan.folds) for session in sessions.values())
    as_they_are = f"; {stand} finished ones stand as they are" if stand else ""
    failed = f"; {runs - opened - stand} cannot be run" if runs > opened + stand else ""
    progress.say(f"sweep: {runs} runs, {folds} folds in {opened} of them to compute{as_they_are}{failed}")
