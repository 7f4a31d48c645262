"""The verbs `run` and `resume`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.commands.output import check_target, write_json
from mebench.config import from_plain, resolve
from mebench.config.settings import RunConfig
from mebench.errors import ConfigError
from mebench.progress import Progress
from mebench.runner.sweep_words import is_sweep, lists_values

if TYPE_CHECKING:
    from mebench.runner.folder import RunFolder


def run_command(
    words: Sequence[str], files: Sequence[str], plugins: Sequence[str], dry_run: bool, json: str | None
) -> None:
    """Run a method on a dataset under a protocol, or with `dry_run` say what that would be."""
    with _hint_of_sweeps(words):
        _run_words(words, files, plugins, dry_run, json)


def _run_words(
    words: Sequence[str], files: Sequence[str], plugins: Sequence[str], dry_run: bool, json: str | None
) -> None:
    check_target(json)
    config = resolve(words, files, plugins)
    if dry_run:
        from mebench.runner.estimate import dry_run as estimate

        plan = estimate(config, Progress(), quiet=json == "-")
        if json is not None:
            write_json(plan, json)
        return
    _run(config, json)


@contextmanager
def _hint_of_sweeps(words: Sequence[str]) -> Iterator[None]:
    """Say of a word that lists several values that this would be a sweep, where one run does not understand it."""
    for word in words:
        if is_sweep(word):
            raise ConfigError(f"{word!r} names several runs, which is a sweep: mebench run -m {shlex.join(words)}")
    try:
        yield
    except ConfigError as error:
        lists = [word for word in words if lists_values(word)]
        blamed = [word for word in lists if any(part in str(error) for part in word.split("=", 1))]
        if not blamed or " -m" in str(error):
            raise
        raise ConfigError(
            f"{error}. If {blamed[0]!r} is a list of values, this is a sweep: mebench run -m {shlex.join(words)}"
        ) from None


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
    if config.audit == "leak":
        from mebench.runner.leak import bought

        summary = {**summary, "leak": bought(config, summary, progress)}
    if json != "-":
        print_outcome(folder, summary, where)
    if json is not None:
        write_json(summary, json)
