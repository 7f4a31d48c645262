"""`mebench run` and `resume`: a run, or with -m a sweep, from its words to its scores."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mebench.cli.foreign_code import AgreesToCode, AgreesToCodeOfRun, ask_for_code_of_files, ask_for_code_of_run
from mebench.cli.option_types import Files, Json, Plugins, RunId, Runs, Verbose, Words, config_with_inputs
from mebench.config.examples import find_example
from mebench.errors import ConfigError, RunError, SomeFailedError
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.progress import Progress
from mebench.output.terminal import print_lines, print_table, shell_command

with lazy_imports():
    from mebench.api import run_results
    from mebench.config import combinations as setting_combinations, sources, typed_values
    from mebench.inspection import scheme_remark
    from mebench.protocols import known as known_protocols
    from mebench.reports import scores as score_report, sweep_scores
    from mebench.runner import estimate
    from mebench.runs import folder as run_folder

if TYPE_CHECKING:
    from mebench.api.run_results import Run
    from mebench.config.combinations import Combination
    from mebench.config.settings import RunConfig

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
    yes: AgreesToCode = False,
    json: Json = None,
) -> None:
    """Run a method on a dataset, or with -m many runs at once.

    With several methods, mean.p=0.6 sets a parameter of one, method.p=0.6 of all. All settings with their meanings:
    mebench config show -v method=... dataset=...; one of them: mebench info workers.
    """
    if example is not None:
        files = [str(find_example(example)), *(files or ())]
    ask_for_code_of_files(files, yes)
    if multirun:
        began = time.perf_counter()
        progress = Progress()
        lists = setting_combinations.lists_of_words(words or ())
        combinations, configs = run_results.plan_sweep(
            lists, files or (), plugins or (), typed_values.COMMAND_LINE, progress if where_known else None
        )
        if dry_run:
            _estimate_sweep(combinations, configs, json)
        else:
            _run_sweep(combinations, configs, json, progress, began)
        return
    _run_once(words or (), files or (), plugins or (), dry_run, verbose, json)


def _run_once(
    words: Sequence[str], files: Sequence[str], plugins: Sequence[str], dry_run: bool, verbose: bool, json: str | None
) -> None:
    """Run a method on a dataset, or show the plan; a word that names several runs is refused with the command of a sweep.

    Raises:
        ConfigError: the words name several runs, or a setting is wrong.
    """
    sweep = shell_command("run -m", words, files, plugins)
    for word in words:
        if setting_combinations.is_sweep(word):
            raise ConfigError(f"{word!r} names several runs, which is a sweep: {sweep}")
    try:
        if dry_run:
            _estimate_run([*words], [*files], [*plugins], json)
        else:
            finished = run_results.run(*words, config=files, plugins=plugins)
            _output(finished, verbose, json, announced=True)
    except ConfigError as error:
        listing = _listing_word(words, error.settings)
        if listing is None:
            raise
        raise ConfigError(f"{error}. If {listing!r} is a list of values, this is a sweep: {sweep}") from None


def _estimate_run(words: Words, files: Files, plugins: Plugins, json: str | None) -> None:
    """Show what a run would compute, and its protocol."""
    settings = config_with_inputs(words, files, plugins)
    plan = estimate.dry_run(settings, quiet=json == "-")
    if json != "-" and (remark := scheme_remark.remark_on_scheme(settings)):
        print_lines(remark)
    write_json(plan, json, "", *known_protocols.find_protocol(settings.protocol).describe().split("\n"))


def _listing_word(words: Sequence[str], at_fault: Collection[str]) -> str | None:
    """The first word that lists several values for one of some settings.

    A single run cannot read such a word.

    Args:
        words: words of the command.
        at_fault: keys of the settings.
    """
    for word in words:
        key, _, _ = word.partition("=")
        if setting_combinations.has_several_values(word) and sources.ALIASES.get(key, key) in at_fault:
            return word
    return None


def _estimate_sweep(combinations: Sequence[Combination], configs: Sequence[RunConfig], json: str | None) -> None:
    """Show what each run of a sweep would compute. Training that runs share is counted once."""
    plans = []
    trained = set[str]()
    for combination, settings in zip(combinations, configs):
        if json != "-":
            print_lines(f"-- {_name(combination.varied)}")
        plan = estimate.dry_run(settings, json == "-", trained)
        plans.append({"words": combination.varied, **plan})
    write_json(plans, json)


def _run_sweep(
    combinations: Sequence[Combination],
    configs: Sequence[RunConfig],
    json: str | None,
    progress: Progress,
    began: float,
) -> None:
    """Run all combinations, and print one table of them; `began` is when the command did.

    Raises:
        SomeFailedError: some runs failed, each with a line of its own; the others are finished.
        RunError: all failed.
    """
    outcome = run_results.execute_planned(combinations, configs, progress)
    if outcome.tracked:  # on standard error, because the table may go into a file
        progress.notify(f"{outcome.runs[0].tracker}: {outcome.tracked}")
    report = {
        "rows": outcome.rows,
        "runs": [{"words": words, **run.summary} for words, run in zip(outcome.words, outcome.runs)],
        "failures": [{"words": words, "reason": str(error)} for words, error in outcome.failures],
        "seconds": round(time.perf_counter() - began, 3),
    }
    if write_json(report, json):
        print_table(*sweep_scores.sweep_table(outcome.rows).to_words(), title="sweep")
        print_lines(*sweep_scores.sweep_sentences(outcome.rows))
        print_lines(*sweep_scores.sweep_notes(outcome.rows), error=True)
    progress.notify(*(f"failed: {_name(varied)}: {error}" for varied, error in outcome.failures))
    failed = f"{len(outcome.failures)} of {len(combinations)} runs failed, for the reasons above"
    again = "Fix the cause and give the same command again: it continues with the missing runs"
    if outcome.failures and outcome.runs:
        raise SomeFailedError(f"{failed}; the others are finished. {again}")
    if outcome.failures:
        raise RunError(f"{failed}. {again}")


def _name(varied: Mapping[str, str]) -> str:
    """The settings in which a run differs from the others of its sweep."""
    return " ".join(f"{key}={value}" for key, value in varied.items()) or "the run"


@app.command("resume", epilog="Example: mebench resume mean-synthetic workers=4")
def resume_command(
    run: RunId,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings that change no prediction, such as workers=4."),
    ] = None,
    runs: Runs = "",
    verbose: Verbose = False,
    yes: AgreesToCodeOfRun = False,
    json: Json = None,
) -> None:
    """Continue a stopped run. A finished run shows its scores, and goes to MLflow if missing there."""
    ask_for_code_of_run(run_folder.RunFolder.open(runs, run), yes)
    resumed = run_results.resume(run, *words or (), runs=runs, trusted=True)
    _output(resumed, verbose, json, announced=resumed.fresh)


def _output(run: Run, verbose: bool, json: str | None, announced: bool) -> None:
    """Print the scores of a finished run, write them as JSON."""
    if write_json({**run.summary, "account": run.account}, json):
        score_report.print_outcome(run.folder, run.summary, run.tracked, verbose, announced, run.tracker)
