"""The verbs `run` and `resume`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.commands.output import check_target, write_json
from mebench.config import from_plain, resolve
from mebench.config.settings import RunConfig
from mebench.progress import Progress

if TYPE_CHECKING:
    from mebench.runner.folder import RunFolder


def run_command(
    words: Sequence[str], files: Sequence[str], plugins: Sequence[str], dry_run: bool, json: str | None
) -> None:
    """Run a method on a dataset under a protocol, or with `dry_run` say what that would be."""
    check_target(json)
    config = resolve(words, files, plugins)
    if dry_run:
        from mebench.runner.estimate import dry_run as estimate

        plan = estimate(config, Progress(), quiet=json == "-")
        if json is not None:
            write_json(plan, json)
        return
    _run(config, json)


def resume_command(run_id: str, runs: str, json: str | None) -> None:
    """Finish an unfinished run; of a finished one, show the scores and mirror it once more if MLflow lacks it."""
    from mebench.runner.folder import RunFolder

    check_target(json)
    folder = RunFolder.open(Path(runs).expanduser(), run_id)
    stored = folder.read_json("config.json")
    # The folder may have been moved: what is resumed is the run that was named.
    config = from_plain({**stored["config"], "runs": runs}, stored["origins"])
    if folder.done:
        progress = Progress()
        progress.say(f"run {folder.id} is finished")
        _tell(folder, folder.read_json("summary.json"), config, progress, json)
    else:
        _run(config, json, folder.id)


def _run(config: RunConfig, json: str | None, run_id: str | None = None) -> None:
    from mebench.runner.execute import run

    progress = Progress()
    outcome = run(config, progress, run_id)
    _tell(outcome.folder, outcome.summary, config, progress, json)


def _tell(folder: RunFolder, summary: dict[str, Any], config: RunConfig, progress: Progress, json: str | None) -> None:
    """Mirror a finished run, print its scores, write them as JSON."""
    from mebench.report.summary_table import print_outcome
    from mebench.tracking import mirror

    where = mirror(folder, config.tracking, progress)
    if json != "-":
        print_outcome(folder, summary, where)
    if json is not None:
        write_json(summary, json)
