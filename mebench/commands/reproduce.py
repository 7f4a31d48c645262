"""The verb `reproduce`: a table of a paper, cell by cell, as published and as measured here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mebench.console import check_target, print_table, write_json
from mebench.errors import ConfigError
from mebench.progress import Progress

if TYPE_CHECKING:
    from mebench.results.reproduce import Paper, Request, Result

PAPERS = "papers"
PUBLISHED = "published.csv"


@dataclass(frozen=True)
class ReproduceOptions:
    """What the command line says; see `mebench reproduce --help`."""

    paper: str
    table: str | None
    words: tuple[str, ...]
    files: tuple[str, ...]
    plugins: tuple[str, ...]
    stand_in: str | None
    dry_run: bool
    leaderboards: str | None
    json: str | None


def reproduce_command(options: ReproduceOptions) -> None:
    """Run what a table needs on the data at hand and print each cell, or write it as JSON.

    A dataset that is not here makes its cells absent; that is no failure. A run that fails is: exit code 1 at the end.

    Raises:
        ConfigError: there is no such paper or table, or a word is wrong.
        DataError: the table of published results or the paper's file is damaged.
    """
    check_target(options.json)
    from mebench.results.published import read
    from mebench.results.reproduce import Request, cells, read_paper, reproduce

    folder = _leaderboards(options.leaderboards)
    paper = read_paper(folder / PAPERS, options.paper)
    if options.table is None:
        listing = "; ".join(f"{number}: {title}" for number, title in paper.titles.items())
        raise ConfigError(f"name a table of {paper.id} with --table N. There are {listing}")
    published = read(folder / PUBLISHED)
    chosen = cells(paper, options.table, published)
    request = Request(options.words, options.files, options.plugins, options.stand_in, options.dry_run)
    results = reproduce(paper, chosen, published, request, Progress())
    if options.json != "-":
        _print(paper, options.table, results, request)
    if options.json is not None:
        write_json(_plain(paper, options.table, results), options.json)
    if any(result.failed for result in results):
        raise typer.Exit(1)


def _leaderboards(named: str | None) -> Path:
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


def _print(paper: Paper, table: str, results: list[Result], request: Request) -> None:
    from mebench.metrics.catalogue import find

    print(f"{paper.title}\nTable {table}: {paper.titles[table]}\n")
    rows = []
    for result in results:
        row = result.cell.published
        method = f"{row.method} ({row.method_variant})" if row.method_variant else row.method
        part = {"true_positives": ", true positives", "all_intervals": ", all intervals"}.get(row.part, "")
        digits = row.digits
        interval = (
            "" if result.low is None or result.high is None else f"[{result.low:.{digits}f}, {result.high:.{digits}f}]"
        )
        rows.append(
            (
                method,
                row.dataset,
                f"{row.task}{part}: {find(row.metric).label}",
                f"{row.value:.{digits}f}",
                "–" if result.value is None else f"{result.value:.{digits}f}",
                interval or "–",
                "–" if result.strict is None else f"{result.strict:.{digits}f}",
                result.why,
            )
        )
    heads = ("method", "dataset", "score", "published", "measured", "interval", "strict rules", "why they differ")
    print_table(heads, rows)
    measured = sum(result.value is not None for result in results)
    print(f"\n{measured} of {len(results)} cells measured.")
    if measured:
        print(
            f"Measured as the paper scores (convention {paper.convention}); beside it the same predictions under the strict rules"
        )
        print("of mebench. Intervals: 95 %, over subjects.")
    if any(result.why.endswith("is not here") for result in results):
        print(
            "Where your datasets are, say under roots: in mebench.yaml, or by words such as roots.casme2=/data/CASME2."
        )
    for sentence in dict.fromkeys(result.sentence for result in results if result.sentence):
        print(f"- {sentence}")
    if measured and (settings := [*request.words, *([f"stand-in: {request.stand_in}"] if request.stand_in else [])]):
        print(f"Settings that are not the paper's: {' '.join(settings)}")
    if measured:
        print("Where this reproduction departs from the paper:")
        for line in paper.differs:
            print(f"- {line}")


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
                "why": r.why,
            }
            for r in results
        ],
    }


_NAMES = ("method", "method_variant", "dataset", "task", "kind", "part", "metric")
