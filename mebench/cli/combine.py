"""`mebench combine`: several runs as one."""

from __future__ import annotations

from typing import Annotated

import typer

from mebench.cli.option_types import Json, Runs, Verbose
from mebench.errors import ConfigError
from mebench.lazy_imports import lazy_imports
from mebench.output.json_output import write_json

with lazy_imports():
    from mebench.api import combining
    from mebench.reports import scores as score_report

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
    and leaderboard take it. With --weights chosen, the answers for a person are weighed by what was best for the people on whom
    the methods were trained.
    """
    made = combining.combine(
        names,
        classes=classes,
        intervals=intervals,
        weights=_read_weights(weights),
        overlap=overlap,
        agreement=agreement,
        name=name,
        runs=runs,
    )
    if write_json({**made.summary, "account": made.account}, json):
        score_report.print_outcome(made.folder, made.summary, made.tracked, verbose, False, made.tracker)


def _read_weights(word: str) -> str | list[float]:
    """A word, or numbers separated by commas.

    >>> _read_weights("chosen"), _read_weights("2,1")
    ('chosen', [2.0, 1.0])

    Raises:
        ConfigError: a part is no number.
    """
    if word.isalpha():
        return word
    try:
        return [float(part) for part in word.split(",")]
    except ValueError:
        raise ConfigError(
            f"--weights {word!r} is neither equal nor chosen nor a number for each run, such as 2,1"
        ) from None
