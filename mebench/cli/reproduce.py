"""`mebench reproduce`: a table of a paper, cell by cell, as published and as measured here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mebench.cli.options import Files, Json, Plugins, Words
from mebench.console import plural, print_table, write_json
from mebench.errors import ConfigError

if TYPE_CHECKING:
    from mebench.results.reproduce import Paper, Request, Result

app = typer.Typer()

PAPERS = "papers"
PUBLISHED = "published.csv"
_NAMES = ("method", "method_variant", "dataset", "task", "kind", "part", "metric")


@app.command("reproduce", epilog="Example: mebench reproduce mean2022 --table 5 workers=4 --dry-run")
def reproduce(
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Such as mean2022.")],
    words: Words = None,
    table: Annotated[str | None, typer.Option("--table", metavar="N", help="Which of its tables.")] = None,
    stand_in: Annotated[
        str | None,
        typer.Option(
            "--stand-in", metavar="DATASET", help='Run this where one is absent: "synthetic dataset.short_videos=true".'
        ),
    ] = None,
    settings: Annotated[
        bool,
        typer.Option("--settings", help="Also run what the best of several settings, chosen on the tested, is worth."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Run nothing: what is there, what is absent.")] = False,
    config: Files = None,
    plugins: Plugins = None,
    leaderboards: Annotated[
        str | None,
        typer.Option("--leaderboards", metavar="FOLDER", help="Where published.csv and papers/ are; leaderboards."),
    ] = None,
    json: Json = None,
) -> None:
    """Run what a paper's table needs, and compare its cells. Each: published, measured, interval and why they differ."""
    from mebench.progress import Progress
    from mebench.results.published import read
    from mebench.results.reproduce import Request, cells, read_paper, reproduce

    folder = leaderboards_folder(leaderboards)
    known = read_paper(folder / PAPERS, paper)
    if table is None and known.programs:
        table = next(iter(known.tables))
    if table is None:
        listing = "; ".join(f"{number}: {title}" for number, title in known.titles.items())
        raise ConfigError(f"name a table of {known.id} with --table N. There are {listing}")
    published = read(folder / PUBLISHED)
    request = Request(tuple(words or ()), tuple(config or ()), tuple(plugins or ()), stand_in, dry_run, settings)
    results = reproduce(known, cells(known, table, published), published, request, Progress())
    if json != "-":
        _print(known, table, results, request)
    write_json(_plain(known, table, results), json)
    if any(result.failed for result in results):
        raise typer.Exit(1)


def leaderboards_folder(named: str | None) -> Path:
    """The folder of published results: the one named, `leaderboards` here, or that of the checkout.

    Raises:
        ConfigError: none of them holds published results.
    """
    from mebench._checkout import beside_checkout

    places = [named] if named is not None else ["leaderboards", *beside_checkout("leaderboards")]
    for place in map(Path, places):
        if (place / PUBLISHED).is_file():
            return place
    raise ConfigError(f"there is no {PUBLISHED} in {places[0]}: name the folder with --leaderboards FOLDER")


def _print(paper: Paper, table: str, results: Sequence[Result], request: Request) -> None:
    """The cells that a run answers, one line for all that are absent for one reason, and what to know of the rest."""
    print(f"{paper.title}\nTable {table}: {paper.titles[table]}\n")
    answered = [result for result in results if result.run_id]
    if answered:
        heads = ("method", "dataset", "score", "published", "measured", "interval", "strict rules", "why they differ")
        print_table(heads, [_row(result) for result in answered])
    if looked := worth_rows(results):
        heads = ("method", "year", "published", "leaking", "honest", "gain", "looks", "the paper's program")
        print_table(heads, looked, "what selection is worth: UF1 over all clips")
    measured = sum(result.value is not None for result in results)
    print(f"{measured} of {len(results)} cells measured.")
    if any(result.why.endswith("is not here") for result in results):
        print(
            "Where your datasets are, say under roots: in mebench.yaml, or by words such as roots.casme2=/data/CASME2."
        )
    absent = Counter(
        (r.sentence or r.why.removeprefix("absent: "), r.cell.published.dataset) for r in results if not r.run_id
    )
    for (reason, dataset), count in absent.items():
        print(f"- {reason} ({dataset}, {plural(count, 'cell')})")
    if not measured:
        return
    print(
        f"Measured as the paper scores (convention {paper.convention}); beside it the same predictions under the strict rules "
        "of mebench. Intervals: 95 %, over subjects."
    )
    if settings := [*request.words, *([f"stand-in: {request.stand_in}"] if request.stand_in else [])]:
        print(f"Settings that are not the paper's: {' '.join(settings)}")
    print("Where this reproduction departs from the paper:")
    for line in paper.differs:
        print(f"- {line}")


def worth_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """Method, year, published, leaking, honest, gain with its interval, looks, program: UF1 over all clips of each that looked."""
    rows = []
    for r in results:
        row = r.cell.published
        if row.metric != "uf1" or row.member or r.worth is None:
            continue
        gain, looks = r.worth["differences"].get("recognition.uf1", {}), r.worth["looks"]
        numbers = [gain.get(end) for end in ("value", "low", "high")]
        value, low, high = ("–" if n is None else f"{n:+.3f}" for n in numbers)
        sides = ("–" if n is None else f"{n:.{row.digits}f}" for n in (r.leaking, r.honest))
        most = f"{looks['most']}" if looks["least"] == looks["most"] else f"{looks['least']} to {looks['most']}"
        published = f"{row.value:.{row.digits}f}"
        rows.append((row.method, str(row.year or ""), published, *sides, f"{value} [{low}, {high}]", most, r.program))
        if best := r.best_of:
            value, low, high = (f"{best['difference'][end]:+.3f}" for end in ("value", "low", "high"))
            scores = (f"{best[name]:.{row.digits}f}" for name in ("uf1", "default"))
            named = f"{row.method}, best of {best['of']} settings"
            rows.append(
                (
                    named,
                    "",
                    "",
                    *scores,
                    f"{value} [{low}, {high}]",
                    str(best["of"]),
                    "nobody's: the same habit, with settings",
                )
            )
    return rows


def _row(result: Result) -> tuple[str, ...]:
    from mebench.metrics.catalogue import find

    row = result.cell.published
    part = {"true_positives": ", true positives", "all_intervals": ", all intervals"}.get(row.part, "")
    low, high, value, strict = (
        "–" if number is None else f"{number:.{row.digits}f}"
        for number in (result.low, result.high, result.value, result.strict)
    )
    return (
        f"{row.method} ({row.method_variant})" if row.method_variant else row.method,
        row.dataset,
        f"{row.task}{part}: {find(row.metric).label}",
        f"{row.value:.{row.digits}f}",
        value,
        "–" if "–" in (low, high) else f"[{low}, {high}]",
        strict,
        result.why,
    )


def _plain(paper: Paper, table: str, results: list[Result]) -> dict[str, Any]:
    """For JSON."""
    return {
        "paper": paper.id,
        "table": table,
        "convention": paper.convention,
        "differs": list(paper.differs),
        "cells": [
            {
                **{name: getattr(r.cell.published, name) for name in _NAMES},
                "published": r.cell.published.value,
                "measured": None if r.value is None else {"value": r.value, "low": r.low, "high": r.high},
                "strict": r.strict,
                "run_id": r.run_id or None,
                **(
                    {}
                    if r.worth is None
                    else {
                        "leaking": r.leaking,
                        "honest": r.honest,
                        "worth": r.worth,
                        "program": r.program,
                        "best_of": r.best_of,
                    }
                ),
                "why": r.why,
            }
            for r in results
        ],
    }
