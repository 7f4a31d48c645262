"""`mebench run` and `resume`: a run, or with -m a sweep, from its words to its scores."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Annotated

import typer

from mebench import api, boards, config, protocols, reports, runner
from mebench.cli.option_types import Files, Json, Plugins, RunId, Runs, Verbose, Words, checked
from mebench.config.examples import find_example
from mebench.errors import ConfigError, RunError, SomeFailedError
from mebench.json_output import write_json
from mebench.progress import Progress
from mebench.terminal import print_lines, print_table, shell_command

app = typer.Typer()


@app.command("run", epilog="Example: mebench run method=mean dataset=synthetic protocol=loso seed=1")
def run_command(
    words: Words = None,
    files: Files = None,
    example: Annotated[
        str | None,
        typer.Option("--example", metavar="NAME", help="Settings that come with mebench, such as first_run."),
    ] = None,
    plugins: Plugins = None,
    multirun: Annotated[
        bool,
        typer.Option("-m", "--multirun", help="A sweep: every combination of values such as seeds=0..2 method=a,b."),
    ] = False,
    where_known: Annotated[
        bool,
        typer.Option("--where-known", help="In a sweep, leave settings out of the runs of methods that lack them."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and compute nothing.")] = False,
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Run a method on a dataset, or with -m many runs at once.

    With several methods, mean.p=0.6 sets a parameter of one, method.p=0.6 of all.
    """
    if example is not None:
        files = [str(find_example(example)), *(files or ())]
    if multirun:
        sweep(words or (), files, plugins, dry_run, json, where_known)
        return
    for word in words or ():
        if config.combinations.is_sweep(word):
            swept = shell_command("run -m", words or (), files or (), plugins or ())
            raise ConfigError(f"{word!r} names several runs, which is a sweep: {swept}")
    try:
        if not dry_run:
            finished = api.run(*words or (), config=files or (), plugins=plugins or ())
            _output(finished, verbose, json, announced=True)
            return
        settings = checked(words, files, plugins)
        plan = runner.estimate.dry_run(settings, quiet=json == "-")
    except ConfigError as error:
        listing = _listing_word(words or (), error.settings)
        if listing is None:
            raise
        swept = shell_command("run -m", words or (), files or (), plugins or ())
        raise ConfigError(f"{error}. If {listing!r} is a list of values, this is a sweep: {swept}") from None
    write_json(plan, json, "", *protocols.find_protocol(settings.protocol).describe().split("\n"))


def _listing_word(words: Sequence[str], at_fault: Collection[str]) -> str | None:
    """The first word that lists several values, which a single run cannot read, for one of some settings.

    Args:
        words: words of the command.
        at_fault: keys of the settings.
    """
    for word in words:
        key, _, _ = word.partition("=")
        if config.combinations.lists_values(word) and config.sources.ALIASES.get(key, key) in at_fault:
            return word
    return None


@app.command("resume", epilog="Example: mebench resume mean-synthetic workers=4")
def resume_command(
    run: RunId,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings that change no prediction, such as workers=4."),
    ] = None,
    runs: Runs = "",
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Continue a stopped run. A finished run shows its scores, and goes to MLflow if missing there."""
    resumed = api.resume(run, *words or (), runs=runs)
    _output(resumed, verbose, json, announced=resumed.fresh)


def _output(run: api.Run, verbose: bool, json: str | None, announced: bool) -> None:
    """Print the scores of a finished run, write them as JSON."""
    if write_json(run.summary, json):
        reports.scores.print_outcome(run.folder, run.summary, run.tracked, verbose, announced, run.tracker)


def sweep(
    words: Sequence[str],
    files: Files,
    plugins: Plugins,
    dry_run: bool = False,
    json: str | None = None,
    where_known: bool = False,
) -> None:
    """Run every combination of the values that the words list, and print one table of them.

    Raises:
        ConfigError: a word is wrong.
        SomeFailedError: some runs failed, each with a line of its own; the others are finished.
        RunError: all failed.
    """
    began, progress = time.perf_counter(), Progress()
    combinations, configs = api.run_results.planned(
        config.combinations.lists_of_words(words),
        files or (),
        plugins or (),
        config.COMMAND_LINE,
        progress if where_known else None,
    )
    if dry_run:
        plans, trained = [], set[str]()
        for combination, settings in zip(combinations, configs):
            if json != "-":
                print_lines(f"-- {_name(combination.varied)}")
            plans.append({"words": combination.varied, **runner.estimate.dry_run(settings, json == "-", trained)})
        write_json(plans, json)
        return
    outcome = api.run_results.swept(combinations, configs, progress)
    if outcome.tracked:
        progress.notify(
            f"{outcome.runs[0].tracker}: {outcome.tracked}"
        )  # on standard error, because the table may go into a file
    report = {
        "rows": outcome.rows,
        "runs": [{"words": words, **run.summary} for words, run in zip(outcome.words, outcome.runs)],
        "failures": [{"words": words, "reason": str(error)} for words, error in outcome.failures],
        "seconds": round(time.perf_counter() - began, 3),
    }
    if write_json(report, json):
        print_table(*boards.sweep_scores.sweep_table(outcome.rows).words(), title="sweep")
        if any(len(row["seeds"]) > 1 for row in outcome.rows):
            print_lines(
                "scores: mean over seeds ± standard deviation, and from the lowest to the highest end of the runs' intervals",
                error=True,
            )
    progress.notify(*(f"failed: {_name(varied)}: {error}" for varied, error in outcome.failures))
    if outcome.failures:
        raise (SomeFailedError if outcome.runs else RunError)(
            f"{len(outcome.failures)} of {len(combinations)} runs failed, for the reasons above"
            f"{'; the others are finished' if outcome.runs else ''}. Fix the cause and give the same command again: it continues with the "
            "missing runs"
        )


def _name(varied: dict[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in varied.items()) or "the run"
