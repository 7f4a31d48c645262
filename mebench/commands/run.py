"""The verbs `run` and `resume`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mebench.commands.output import write_json
from mebench.config import from_plain, resolve
from mebench.config.settings import RunConfig
from mebench.errors import RunError
from mebench.progress import Progress


def run_command(
    words: Sequence[str], files: Sequence[str], plugins: Sequence[str], dry_run: bool, json: str | None
) -> None:
    """Run a method on a dataset under a protocol, or with `dry_run` say what that would be."""
    config = resolve(words, files, plugins)
    if dry_run:
        from mebench.runner.estimate import dry_run as estimate

        estimate(config, Progress())
        return
    _run(config, json)


def resume_command(run_id: str, runs: str, json: str | None) -> None:
    """Finish an unfinished run."""
    from mebench.runner.folder import RunFolder

    folder = RunFolder.open(Path(runs).expanduser(), run_id)
    if folder.done:
        raise RunError(f"run {run_id!r} is finished: its scores are in {folder.path / 'summary.json'}")
    stored = folder.read_json("config.json")
    # The folder may have been moved: what is resumed is the run that was named.
    config = from_plain({**stored["config"], "runs": runs}, stored["origins"])
    _run(config, json, folder.id)


def _run(config: RunConfig, json: str | None, run_id: str | None = None) -> None:
    from mebench.report.summary_table import print_outcome
    from mebench.runner.execute import run
    from mebench.tracking import mirror

    progress = Progress()
    outcome = run(config, progress, run_id)
    where = mirror(outcome.folder, config.tracking, progress)
    if json is not None:
        write_json(outcome.summary, json)
    if json != "-":
        print_outcome(outcome.folder, outcome.summary, where)
