"""Many runs with shared features and workers."""

from collections.abc import Sequence

from mebench.config import RunConfig
from mebench.console import plural
from mebench.errors import MebenchError
from mebench.progress import Progress
from mebench.runner import (
    InterruptedRunError,
    Outcome,
    Plan,
    Session,
    cached_outcome,
    execute_all,
    finished_run,
    make_plan,
    open_many_files,
    open_session,
    stoppable,
    worker_pool,
)
from mebench.runs.folder import RunFolder


def sweep(
    configs: Sequence[RunConfig], progress: Progress, keep: bool = False, clean: RunFolder | None = None
) -> list[Outcome | MebenchError]:
    """Plan and execute many runs.

    Unfinished runs are continued and finished ones of the same key kept, so that a stopped sweep continues and a wider
    one adds its new runs. Only a sweep that is finished completely starts anew, as a single run does.

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
    with stoppable(), worker_pool(configs[0]) as pool:
        sessions: dict[int, Session] = {}
        try:
            plans: dict[int, Plan] = {}
            outcomes: dict[int, Outcome | MebenchError] = {}
            for number, config in enumerate(configs):
                try:
                    plans[number] = make_plan(config)
                except MebenchError as error:
                    outcomes[number] = error
            if not plans:  # nothing of the sweep works
                raise next(error for error in outcomes.values() if isinstance(error, MebenchError))
            failed, there = len(outcomes), {number: finished_run(plan) for number, plan in plans.items()}
            again = not keep and all(there.values())
            for number, plan in plans.items():
                if (folder := there[number]) is None or again:
                    sessions[number] = open_session(plan, clean=clean)
                    continue
                try:
                    outcomes[number] = cached_outcome(folder, plan.config)
                except MebenchError as error:
                    outcomes[number] = error
                    failed += 1
            stand, folds = len(outcomes) - failed, sum(len(session.plan.folds) for session in sessions.values())
            progress.notify(
                f"sweep: {plural(len(configs), 'run')}, {plural(folds, 'fold')}"
                f"{f' in {len(sessions)} of them' if len(configs) > 1 else ''} to compute"
                + (f"; {plural(stand, 'finished one is', 'finished ones are')} kept" if stand else "")
                + (f"; {failed} cannot be run" if failed else "")
            )
            outcomes |= zip(sessions, execute_all(list(sessions.values()), pool, progress))
        except KeyboardInterrupt as stop:
            pool.stop()
            done = sum(s.folder.done for s in sessions.values()) + len(configs) - len(sessions)
            raise InterruptedRunError(
                f"stopped: {done} of {len(configs)} runs are finished, and the folds of the others are kept. Give "
                "the same command again to continue",
                stop,
            ) from None
        finally:
            for session in sessions.values():
                session.lock.release()
    return [outcomes[number] for number in range(len(configs))]
