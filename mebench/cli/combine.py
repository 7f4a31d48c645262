"""`mebench combine`: several runs as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mebench.cli.option_types import Json, Runs, Verbose
from mebench.errors import ConfigError
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json
from mebench.output.terminal import print_report

with lazy_imports():
    from mebench.api import combining
    from mebench.combination import rules as combination_rules
    from mebench.reports import scores as score_report, sweep_scores

if TYPE_CHECKING:
    from mebench.api.run_results import Run

app = typer.Typer()


@app.command("combine", epilog="Example: mebench combine mean-synthetic softnet-synthetic --weights chosen")
def combine_command(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help="Runs, by ids or beginnings of these; records by their folders."),
    ],
    classes: Annotated[
        str, typer.Option("--classes", metavar="mean|vote", help="Mean of class probabilities, or a vote of classes.")
    ] = "mean",
    intervals: Annotated[
        str,
        typer.Option(
            "--intervals",
            metavar="weighted|merged",
            help="Ends of overlapping intervals: weighted mean, or first onset to last offset.",
        ),
    ] = "weighted",
    weights: Annotated[
        str,
        typer.Option(
            "--weights",
            metavar="equal|chosen|W,W,...",
            help="Equal; chosen for each fold on its training people; or a number for each run.",
        ),
    ] = "equal",
    overlap: Annotated[
        float, typer.Option("--overlap", metavar="SHARE", help="Least IoU of an interval and the group that it joins.")
    ] = 0.5,
    agreement: Annotated[
        float, typer.Option("--agreement", metavar="SHARE", help="Least share of the weights in a group that is kept.")
    ] = 0.5,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name in tables and of the run.")] = "combination",
    runs: Runs = "",
    verbose: Verbose = False,
    json: Json = None,
) -> None:
    """Combine the predictions of several runs into one.

    The runs test the same people in the same folds. The combination is a run of its own, which names its members; report, compare
    and leaderboard take it. The beginnings of the ids of all seeds combine seed with seed. With --weights chosen, the answers for
    a person are weighed by what was best for the people on whom the methods were trained.
    """
    rules = combination_rules.CombinationRules(
        classes,  # type: ignore[arg-type]  # the rules check the words
        intervals,  # type: ignore[arg-type]
        _read_weights(weights),
        overlap,
        agreement,
        name,
    )
    made = combining.combine_seeds(names, rules, runs)
    reports = [{**run.summary, "account": run.account} for run in made]
    if not write_json(reports[0] if len(reports) == 1 else reports, json):
        return
    if len(made) == 1:
        (run,) = made
        score_report.print_outcome(run.folder, run.summary, run.tracked, verbose, False, run.tracker)
    else:
        _print_seeds(made)


def _print_seeds(made: Sequence[Run]) -> None:
    """Print the combinations of all seeds as one result."""
    rows = sweep_scores.sweep_rows([({"seed": str(run.config["seed"])}, run.folder, run.summary) for run in made])
    folders = [f"run folder: {run.path}" for run in made]
    notes = [*sweep_scores.sweep_sentences(rows), *sweep_scores.sweep_notes(rows)]
    print_report("", sweep_scores.sweep_table(rows), *notes, *folders)


def _read_weights(word: str) -> str | tuple[float, ...]:
    """A word, or numbers separated by commas.

    >>> _read_weights("chosen"), _read_weights("2,1")
    ('chosen', (2.0, 1.0))

    Raises:
        ConfigError: a part is no number.
    """
    if word.isalpha():
        return word
    try:
        return tuple(float(part) for part in word.split(","))
    except ValueError:
        raise ConfigError(
            f"--weights {word!r} is neither equal nor chosen nor a number for each run, such as 2,1"
        ) from None
