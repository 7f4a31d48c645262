"""`mebench track sync`: send finished runs to MLflow."""

from collections.abc import Sequence

from mebench.commands.runs import find_run
from mebench.config import user_setting
from mebench.console import check_target, write_json
from mebench.errors import RunError
from mebench.progress import Progress


def sync_command(words: Sequence[str], runs: str, tracking: str | None, json: str | None) -> None:
    """Send runs that MLflow lacks; those that it has stay as they are.

    Args:
        words: ids of runs, beginnings of ids or folders; all finished runs if there are none.
        runs: folder of the run folders.
        tracking: MLflow's tracking URI; None takes the user's setting, then `$MLFLOW_TRACKING_URI`, then sqlite.
        json: where the result goes.

    Raises:
        RunError: there is no such run, or MLflow did not take all.
    """
    from mebench.results.tracking import sync
    from mebench.runner.folder import RunFolder

    check_target(json)
    if words:
        folders = list({folder.path: folder for folder in (find_run(word, runs) for word in words)}.values())
    else:
        folders = [folder for folder in RunFolder.all(runs) if folder.done]
    if not folders:
        raise RunError(f"there is no finished run in {runs} to send: choose another place with --runs DIR")
    synced = sync(folders, tracking or user_setting("tracking", "") or None, Progress())
    if json is not None:
        report = {"sent": list(synced.sent), "there": list(synced.there), "failed": list(synced.failed)}
        write_json(report, json)
    if json != "-" and not synced.failed:
        print(f"MLflow: {synced.place}: {len(synced.sent)} runs sent, {len(synced.there)} were there")
    if synced.failed:
        raise RunError(
            f"{len(synced.failed)} of {len(folders)} runs were not sent, for the reason above: fix it, then give the same "
            "command again"
        )
