"""`mebench leaderboard build|export|merge`: tables and page, and the records of runs that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from mebench.cli.options import Json, RunId, Runs, finished_run, verbs
from mebench.console import plural, size, write_json
from mebench.errors import RunError

if TYPE_CHECKING:
    from mebench.progress import Progress
    from mebench.results.record import Record

app = verbs("Build the leaderboard, publish runs, take in others'.")

RECORDS = "records"
PUBLISHED = "published.csv"
PAPERS = "papers"
SITE = "site"
RecordsOut = Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where the records go.")]


@app.command("build", epilog="Example: mebench leaderboard build --runs runs")
def build(
    runs: Runs = "",
    out: Annotated[str, typer.Option("--out", metavar="FOLDER", help="Where tables and site go.")] = "leaderboards",
    from_mlflow: Annotated[
        str | None,
        typer.Option("--from-mlflow", metavar="URI", help="Take the runs that MLflow holds, not those in --runs."),
    ] = None,
    site: Annotated[bool, typer.Option("--site/--no-site", help="Write the page too.")] = True,
    json: Json = None,
) -> None:
    """Build tables and page from all runs and records. Published results stand beside."""
    from mebench.progress import Progress

    folder, progress = Path(out).expanduser(), Progress()
    with TemporaryDirectory() as room:  # the page is drawn from the tables of the runs, wherever they come from
        if from_mlflow is None:
            source, found = runs, _of_folders(Path(runs).expanduser(), folder / RECORDS, progress)
        else:
            source, found = f"MLflow at {from_mlflow}", _of_mlflow(from_mlflow, Path(room), progress)
        _build(source, found, folder, progress, site, json)


def _of_folders(runs: Path, records: Path, progress: Progress) -> list[Record]:
    """The finished runs of a folder, with what MLflow says that it does not."""
    from mebench.config import user_setting
    from mebench.results.collect import collect, remarks

    if not runs.is_dir():
        progress.say(
            f"there is no folder {runs}: only the records in {records} count. Name that of your runs with --runs"
        )
    found = collect(runs, progress.say)
    for sentence in remarks(user_setting("tracking", "") or None, str(runs), _there(runs, records)):
        progress.say(sentence)
    return found


def _of_mlflow(uri: str, room: Path, progress: Progress) -> list[Record]:
    """The runs of an MLflow store, from the records that lie among their artifacts."""
    from mebench.results.collect import collect_records, fetch_records

    with progress.waiting("asking MLflow"):
        fetch_records(uri, room, progress.say)
    return [replace(record, published=False) for record in collect_records(room, progress.say)]


def _build(
    source: str, found: Sequence[Record], folder: Path, progress: Progress, site: bool, json: str | None
) -> None:
    from mebench.results.beside import FILE, read_aliases
    from mebench.results.collect import collect_records, unique
    from mebench.results.published import read
    from mebench.results.published_tables import collect_rescored, placed, with_published, with_rescored
    from mebench.results.record import UnshownError
    from mebench.results.reproduce import read_paper
    from mebench.results.rescore import SCORED_ANEW
    from mebench.results.tables import SELECTION, build, what_selection_is_worth
    from mebench.results.write import write

    say = progress.say
    records = unique([*found, *collect_records(folder / RECORDS, say)], say)
    file = folder / PUBLISHED
    published, aliases = read(file) if file.is_file() else [], read_aliases(folder / FILE)
    rescored = collect_rescored(folder / SCORED_ANEW, say)
    if not records:
        nothing = f"no finished run in {source} and no record in {folder / RECORDS}"
        advice = "make one with mebench run, or name the folder of your runs with --runs"
        if not published and not rescored:
            raise RunError(f"{nothing}: {advice}")
        say(f"{nothing}, so the page holds what others published and nothing measured: {advice}")
    papers = [read_paper(folder / PAPERS, place.stem) for place in sorted((folder / PAPERS).glob("*.yaml"))]
    anew = f" and {plural(len(rescored), 'source')} scored anew" if rescored else ""
    while True:  # what cannot be shown is found out by showing it
        try:
            with progress.waiting("tables"):
                whole = with_rescored(build(records), list(placed(rescored, published)), aliases)
                tables = [with_published(table, published, aliases) for table in whole]
                worth = what_selection_is_worth(records, papers, published)
                overview = write(tables, folder, SELECTION, worth)
            words = f"{overview}: {plural(len(tables), 'table')} from {plural(len(records), 'run')}{anew}"
            if site:
                from mebench.results.site.pages import write_site

                with progress.waiting("page"):
                    files, n_bytes = write_site(tables, records, published, folder / SITE, SELECTION, worth)
                words += f"\n{folder / SITE / 'index.html'}: {plural(files, 'file')}, {size(n_bytes)}"
            break
        except UnshownError as error:
            for run_id, why in error.reasons.items():
                say(f"{run_id} is left out: it cannot be shown ({why})")
            records = [record for record in records if record.id not in error.reasons]
    write_json({"tables": [table.plain() for table in tables]}, json)
    if json != "-":
        print(words)


@app.command("export", epilog="Example: mebench leaderboard export mean-synthetic")
def export(run: RunId, runs: Runs = "", out: RecordsOut = "leaderboards/records") -> None:
    """Write the record of a run for others. They score it again and build their leaderboard from it."""
    from mebench.results.export import export
    from mebench.results.record import is_record

    folder = finished_run(run, runs)
    if is_record(folder):
        raise RunError(f"{folder.path} is a record already: mebench leaderboard merge takes in those of others")
    record = export(folder, Path(out).expanduser())
    n_bytes = sum(file.stat().st_size for file in record.iterdir())
    print(f"{record}: {size(n_bytes)}. Commit it, or send it: mebench leaderboard merge takes it in elsewhere")


@app.command("merge", epilog="Example: mebench leaderboard merge sent --check")
def merge(
    places: Annotated[list[str], typer.Argument(metavar="FOLDER", help="Records, or folders of records.")],
    out: RecordsOut = "leaderboards/records",
    check: Annotated[bool, typer.Option("--check", help="Only check and score again; take nothing in.")] = False,
    json: Json = None,
) -> None:
    """Take in records of others, checked and scored again. The exit code is 1 if one is refused."""
    from mebench.progress import Progress
    from mebench.results.merge import find_records, merge

    progress = Progress()
    sources = [source for place in places for source in find_records(Path(place).expanduser())]
    with progress.waiting("scoring again"):
        outcomes = merge(sources, Path(out).expanduser(), check)
    write_json({"records": [vars(outcome) for outcome in outcomes]}, json)
    words = {"taken": f"taken into {out}", "there": "is there already", "checked": "scores to what it says"}
    for outcome in outcomes:
        if outcome.status == "refused":
            progress.say(outcome.reason)
        elif json != "-":
            print(f"{outcome.id}: {words[outcome.status]}")
    if any(outcome.status == "refused" for outcome in outcomes):
        raise typer.Exit(1)


def _there(runs: Path, records: Path) -> set[str]:
    """Ids of all runs that are there as folders, finished or not, or as records."""
    from mebench.runner.folder import RunFolder

    records_there = {file.parent.name.partition("~v")[0] for file in records.glob("*/record.json")}
    return records_there | {folder.id for folder in RunFolder.all(runs)}
