"""`mebench run` and `resume`: a run, or with -m a sweep, from its words to its scores."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench import api
from mebench.api.runs import planned, swept
from mebench.cli.options import Files, Json, Plugins, RunId, Runs, Verbose, Words, checked
from mebench.console import command, print_lines, print_table, write_json
from mebench.errors import ConfigError, RunError

if TYPE_CHECKING:
    from mebench.config import RunConfig
    from mebench.config.combinations import Combination

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
        return sweep(words or (), config, plugins, dry_run, json)
    with _hint_of_sweeps(words or (), config or (), plugins or ()):
        if not dry_run:
            return _tell(api.run(*words or (), config=config or (), plugins=plugins or ()), verbose, json, told=True)
        settings = checked(words, config, plugins)
        from mebench.protocols import find
        from mebench.runner.estimate import dry_run as estimate

        plan = estimate(settings, quiet=json == "-")
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
def _hint_of_sweeps(words: Sequence[str], config: Sequence[str], plugins: Sequence[str]) -> Iterator[None]:
    """Say of a word that lists several values that this would be a sweep, where one run does not understand it."""
    from mebench.config.combinations import is_sweep, lists_values

    swept = command("run -m", words, config, plugins)
    for word in words:
        if is_sweep(word):
            raise ConfigError(f"{word!r} names several runs, which is a sweep: {swept}")
    try:
        yield
    except ConfigError as error:
        lists = [word for word in words if lists_values(word)]
        blamed = [word for word in lists if any(part in str(error) for part in word.split("=", 1))]
        if not blamed or " -m" in str(error):
            raise
        raise ConfigError(f"{error}. If {blamed[0]!r} is a list of values, this is a sweep: {swept}") from None


def _tell(run: api.Run, verbose: bool, json: str | None, told: bool) -> None:
    """Print the scores of a finished run, write them as JSON."""
    from mebench.results.render.summary import print_outcome

    if json != "-":
        print_outcome(run.folder, run.summary, run.tracked, verbose, told, run.tracker)
    write_json(run.summary, json)


def sweep(
    words: Sequence[str], config: Files, plugins: Plugins, dry_run: bool = False, json: str | None = None
) -> None:
    """Run every combination of the values that the words list, and print one table of them.

    Raises:
        ConfigError: a word is wrong.
        RunError: some runs failed, each told on its line; the others are finished.
    """
    from mebench.config.combinations import lists_of_words
    from mebench.config.layers import COMMAND_LINE
    from mebench.progress import Progress

    began, progress = time.perf_counter(), Progress()
    combinations, configs = planned(lists_of_words(words), config or (), plugins or (), COMMAND_LINE)
    if dry_run:
        return _dry_runs(combinations, configs, json)
    found = swept(combinations, configs, progress)
    if json != "-":
        _print_rows(found.rows)
    if found.tracked:
        progress.say(f"{found.runs[0].tracker}: {found.tracked}")  # beside the table, which may go into a file
    report = {
        "rows": found.rows,
        "runs": [{"words": words, **run.summary} for words, run in zip(found.words, found.runs)],
        "failures": [{"words": words, "reason": str(error)} for words, error in found.failures],
        "seconds": round(time.perf_counter() - began, 3),
    }
    write_json(report, json)
    for varied, error in found.failures:
        progress.say(f"failed: {_name(varied)}: {error}")
    if found.failures:
        raise RunError(
            f"{len(found.failures)} of {len(combinations)} runs failed, for the reasons above; the others are finished. Fix the cause "
            "and give the same command again: it goes on with what is missing"
        )


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    from mebench.results.render.sweep import sweep_table

    print_table(*sweep_table(rows).words(), title="sweep")
    if any(len(row["seeds"]) > 1 for row in rows):
        how = "mean over seeds ± standard deviation, and from the lowest to the highest end of the runs' intervals"
        print_lines(f"scores: {how}", error=True)


def _dry_runs(combinations: Sequence[Combination], configs: Sequence[RunConfig], json: str | None) -> None:
    from mebench.runner.estimate import dry_run as estimate

    plans, trained = [], set[str]()
    for combination, config in zip(combinations, configs):
        if json != "-":
            print_lines(f"-- {_name(combination.varied)}")
        plans.append({"words": combination.varied, **estimate(config, json == "-", trained)})
    write_json(plans, json)


def _name(varied: dict[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in varied.items()) or "the run"
