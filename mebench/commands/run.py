"""The verbs `run` and `resume`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mebench.config import NOT_IN_KEY, from_plain, resolve
from mebench.config.layers import COMMAND_LINE, read_words
from mebench.config.settings import RunConfig
from mebench.console import check_target, write_json
from mebench.errors import ConfigError, unknown
from mebench.progress import Progress
from mebench.runner.sweep import is_sweep, lists_values

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
        from mebench.protocols import find
        from mebench.runner.estimate import dry_run as estimate

        plan = estimate(config, Progress(), quiet=json == "-")
        if json != "-":
            print(f"\n{find(config.protocol).describe()}")
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


def resume_command(word: str, words: Sequence[str], runs: str, json: str | None) -> None:
    """Finish an unfinished run; of a finished one, show the scores and mirror it once more if MLflow lacks it.

    Args:
        word: the run's id, the beginning of one id only, or the path of its folder.
        words: settings that shape no prediction, such as `workers=4`.
        runs: folder of the run folders.
        json: where the summary goes.

    Raises:
        ConfigError: a word sets what the run is.
        RunError: there is no such run, or its inputs have changed.
    """
    check_target(json)
    from mebench.runner.folder import RunFolder

    folder = RunFolder.open(runs, word)
    stored, changes = folder.read_json("config.json"), _how(words)
    # The folder may have been moved: what is resumed is the run that was named.
    values = {**stored["config"], **changes, "runs": str(folder.path.parent)}
    config = from_plain(values, {**stored["origins"], **dict.fromkeys(changes, COMMAND_LINE)})
    if folder.done:
        progress = Progress()
        progress.say(f"run {folder.id} is finished")
        _tell(folder, folder.read_json("summary.json"), config, progress, json)
    else:
        _run(config, json, folder.id)


def _how(words: Sequence[str]) -> dict[str, Any]:
    """The settings that words give a run which is under way: how it is computed, scored and tracked, not what it is."""
    values = read_words(words).values
    known = sorted(key for key in NOT_IN_KEY if "." not in key and key not in ("runs", "plugins"))
    for key in values:
        if key not in known and not (key.startswith("dataset.") and key.endswith(".root")):
            then = "Any other would make it another run: begin that with mebench run"
            raise ConfigError(unknown("setting of a run that goes on", key, [*known, "dataset.root"], then))
    if values.get("executor") == "local":
        values = {**values, "executor_address": None}
    return dict(values)


def _run(config: RunConfig, json: str | None, run_id: str | None = None) -> None:
    from mebench.runner.execute import run

    progress = Progress()
    outcome = run(config, progress, run_id)
    _tell(outcome.folder, outcome.summary, config, progress, json)


def _tell(folder: RunFolder, summary: dict[str, Any], config: RunConfig, progress: Progress, json: str | None) -> None:
    """Mirror a finished run, print its scores, write them as JSON."""
    from mebench.results.render.summary import print_outcome
    from mebench.results.tracking import mirror

    where = mirror(folder, config.tracking, progress)
    if config.audit == "leak":
        from mebench.runner.execute import leak_gain

        summary = {**summary, "leak": leak_gain(config, summary, progress)}
        honest = type(folder)(folder.path.with_name(summary["leak"]["honest"]))
        mirror(honest, config.tracking, progress)
    if json != "-":
        print_outcome(folder, summary, where)
    if json is not None:
        write_json(summary, json)
