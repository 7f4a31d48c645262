"""`mebench run` and `resume`: a run, or with -m a sweep, from its words to its scores."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.cli.options import Files, Json, Plugins, RunId, Runs, Verbose, Words, checked
from mebench.console import write_json
from mebench.errors import ConfigError, unknown

if TYPE_CHECKING:
    from mebench.config import RunConfig
    from mebench.progress import Progress
    from mebench.runner.folder import RunFolder

app = typer.Typer()


@app.command("run", epilog="Example: mebench run method=mean dataset=synthetic protocol=loso seed=1")
def run(
    words: Words = None,
    config: Files = None,
    plugins: Plugins = None,
    multirun: Annotated[
        bool,
        typer.Option("-m", "--multirun", help="A sweep: every combination of values such as seeds=0..2 method=a,b."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and compute nothing.")] = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Run a method on a dataset, or with -m many runs at once."""
    if multirun:
        from mebench.cli.sweep import sweep

        return sweep(words or (), config, plugins, dry_run, json)
    with _hint_of_sweeps(words or ()):
        settings = checked(words, config, plugins)
        if not dry_run:
            return _execute(settings, verbose, json)
        from mebench.progress import Progress
        from mebench.protocols import find
        from mebench.runner.estimate import dry_run as estimate

        plan = estimate(settings, Progress(), quiet=json == "-")
        if json != "-":
            print(f"\n{find(settings.protocol).describe()}")
        write_json(plan, json)


@app.command("resume", epilog="Example: mebench resume mean-synthetic workers=4")
def resume(
    run: RunId,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Such as workers=4: settings that shape no prediction."),
    ] = None,
    runs: Runs = "",
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Go on with a run that was stopped. One that is finished shows its scores, and goes to MLflow if that lacks it."""
    from mebench.config import from_plain
    from mebench.config.layers import COMMAND_LINE
    from mebench.progress import Progress
    from mebench.runner.folder import RunFolder

    folder = RunFolder.open(runs, run)
    stored, changes = folder.read_json("config.json"), _how(words or ())
    # The folder may have been moved: what is resumed is the run that was named.
    values = {**stored["config"], **changes, "runs": str(folder.path.parent)}
    config = from_plain(values, {**stored["origins"], **dict.fromkeys(changes, COMMAND_LINE)})
    if not folder.done:
        return _execute(config, verbose, json, folder.id)
    progress = Progress()
    progress.say(f"run {folder.id} is finished")
    _tell(folder, folder.read_json("summary.json"), config, progress, verbose, json)


@contextmanager
def _hint_of_sweeps(words: Sequence[str]) -> Iterator[None]:
    """Say of a word that lists several values that this would be a sweep, where one run does not understand it."""
    from mebench.config.combinations import is_sweep, lists_values

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


def _how(words: Sequence[str]) -> dict[str, Any]:
    """The settings that words give a run which is under way: how it is computed, scored and tracked, not what it is."""
    from mebench.config import NOT_IN_KEY
    from mebench.config.layers import read_words

    values = read_words(words).values
    known = sorted(key for key in NOT_IN_KEY if "." not in key and key not in ("runs", "plugins"))
    for key in values:
        if key not in known and not (key.startswith("dataset.") and key.endswith(".root")):
            then = "Any other would make it another run: begin that with mebench run"
            raise ConfigError(unknown("setting of a run that goes on", key, [*known, "dataset.root"], then))
    if values.get("executor") == "local":
        values = {**values, "executor_address": None}
    return dict(values)


def _execute(config: RunConfig, verbose: bool, json: str | None, run_id: str | None = None) -> None:
    from mebench.progress import Progress
    from mebench.runner.execute import run

    progress = Progress()
    outcome = run(config, progress, run_id)
    _tell(outcome.folder, outcome.summary, config, progress, verbose, json, told=True)


def _tell(
    folder: RunFolder,
    summary: dict[str, Any],
    config: RunConfig,
    progress: Progress,
    verbose: bool,
    json: str | None,
    told: bool = False,
) -> None:
    """Mirror a finished run, print its scores, write them as JSON."""
    from mebench.results.render.summary import print_outcome
    from mebench.results.tracking import sync

    folders = [folder]
    if config.audit != "guard":
        from mebench.runner.execute import leak_gain

        summary = {**summary, "leak": leak_gain(config, summary, progress)}
        folders.append(type(folder)(folder.path.with_name(summary["leak"]["honest"])))
    with progress.waiting("sending to MLflow"):
        synced = sync(folders, config.tracking, progress, config.tracking_folds, config.tracking_models)
    if json != "-":
        print_outcome(folder, summary, None if synced.failed else synced.opening, verbose, told)
    write_json(summary, json)
