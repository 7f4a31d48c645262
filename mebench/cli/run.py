"""`mebench run` and `resume`: a run, or with -m a sweep, from its words to its scores."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from mebench import api
from mebench.cli.options import Files, Json, Plugins, RunId, Runs, Verbose, Words, checked
from mebench.console import print_lines, write_json
from mebench.errors import ConfigError

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
        if not dry_run:
            return _tell(api.run(*words or (), config=config or (), plugins=plugins or ()), verbose, json, told=True)
        settings = checked(words, config, plugins)
        from mebench.progress import Progress
        from mebench.protocols import find
        from mebench.runner.estimate import dry_run as estimate

        plan = estimate(settings, Progress(), quiet=json == "-")
        if json != "-":
            print_lines("", *find(settings.protocol).describe().split("\n"))
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
    found = api.resume(run, *words or (), runs=runs)
    _tell(found, verbose, json, told=found.fresh)


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


def _tell(run: api.Run, verbose: bool, json: str | None, told: bool) -> None:
    """Print the scores of a finished run, write them as JSON."""
    from mebench.results.render.summary import print_outcome

    if json != "-":
        print_outcome(run.folder, run.summary, run.tracked, verbose, told)
    write_json(run.summary, json)
