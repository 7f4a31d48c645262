"""The verbs `leaderboard build`, `leaderboard export` and `leaderboard merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.commands.runs import find_run
from mebench.console import check_target, plural, size, write_json
from mebench.errors import RunError
from mebench.progress import Progress

if TYPE_CHECKING:
    from mebench.results.published import Published

RECORDS = "records"
PUBLISHED = "published.csv"
SITE = "site"


def build_command(runs: str, out: str, json: str | None, site: bool = True, tracking: str | None = None) -> None:
    """Write the tables and the site of all finished runs and committed records; what cannot enter is said.

    Args:
        runs: folder of run folders.
        out: folder of the tables; records are read from `records` inside it, published results from `published.csv`.
        json: where the tables also go as one JSON document; `-` for standard output, with nothing else on it.
        site: whether to write the site into `site` inside `out`.
        tracking: MLflow's tracking URI, whose database is asked for runs that are not here; None takes the default.

    Raises:
        RunError: there is neither a finished run nor a record nor a published result.
        DataError: the published results contradict themselves.
        ConfigError: the folder of the site holds something else.
    """
    check_target(json)
    from mebench.results.beside import FILE, read_aliases, with_published
    from mebench.results.collect import collect, collect_records, remarks, unique
    from mebench.results.tables import build
    from mebench.results.write import write

    folder, say = Path(out).expanduser(), Progress().say
    if not Path(runs).expanduser().is_dir():
        say(
            f"there is no folder {runs}: only the records in {folder / RECORDS} count. Name that of your runs with --runs"
        )
    found = [*collect(Path(runs).expanduser(), say), *collect_records(folder / RECORDS, say)]
    for sentence in remarks(tracking, runs, _there(Path(runs).expanduser(), folder / RECORDS)):
        say(sentence)
    records = unique(found, say)
    published, aliases = _published(folder / PUBLISHED), read_aliases(folder / FILE)
    if not records:
        nothing = f"no finished run in {runs} and no record in {folder / RECORDS}"
        advice = "make one with mebench run, or name the folder of your runs with --runs"
        if not published:
            raise RunError(f"{nothing}: {advice}")
        say(f"{nothing}, so the page holds what others published and nothing measured: {advice}")
    tables = [with_published(table, published, aliases) for table in build(records)]
    overview = write(tables, folder)
    words = f"{overview}: {plural(len(tables), 'table')} from {plural(len(records), 'run')}"
    if site:
        from mebench.results.site.pages import write_site

        files, n_bytes = write_site(tables, records, published, folder / SITE)
        words += f"\n{folder / SITE / 'index.html'}: {plural(files, 'file')}, {size(n_bytes)}"
    if json is not None:
        write_json({"tables": [table.plain() for table in tables]}, json)
    if json != "-":
        print(words)


def export_command(run_id: str, runs: str, out: str) -> None:
    """Write the record of a finished run, to be committed or sent.

    Args:
        run_id: id of a finished run, the beginning of one id only, or the path of its folder.
        runs: folder of run folders.
        out: folder of the records.

    Raises:
        RunError: there is no such run, it is not finished, or its record is damaged.
    """
    from mebench.results.export import export
    from mebench.results.record import is_record

    folder = find_run(run_id, runs)
    if is_record(folder):
        raise RunError(f"{folder.path} is a record already: mebench leaderboard merge takes in those of others")
    record = export(folder, Path(out).expanduser())
    size = sum(file.stat().st_size for file in record.iterdir())
    print(f"{record}: {size / 1024:.0f} KiB. Commit it, or send it: mebench leaderboard merge takes it in elsewhere")


def merge_command(places: Sequence[str], out: str, check: bool, json: str | None) -> int:
    """Check the records of others, score them again, and take in those that pass.

    Args:
        places: folders of records, or folders that hold such.
        out: folder of the records.
        check: only check.
        json: where the outcomes also go; `-` for standard output, with nothing else on it.

    Returns:
        exit code: 0, or 1 if a record is refused.

    Raises:
        RunError: a place holds no record.
    """
    check_target(json)
    from mebench.results.merge import find_records, merge

    sources = [source for place in places for source in find_records(Path(place).expanduser())]
    outcomes = merge(sources, Path(out).expanduser(), check)
    if json is not None:
        write_json({"records": [vars(outcome) for outcome in outcomes]}, json)
    words = {"taken": f"taken into {out}", "there": "is there already", "checked": "scores to what it says"}
    for outcome in outcomes:
        if outcome.status == "refused":
            Progress().say(outcome.reason)
        elif json != "-":
            print(f"{outcome.id}: {words[outcome.status]}")
    return int(any(outcome.status == "refused" for outcome in outcomes))


def _there(runs: Path, records: Path) -> set[str]:
    """Ids of all runs that are there as folders, finished or not, or as records."""
    from mebench.runner.folder import RunFolder

    records_there = {file.parent.name.partition("~v")[0] for file in records.glob("*/record.json")}
    return records_there | {folder.id for folder in RunFolder.all(runs)}


def _published(file: Path) -> list[Published]:
    """The published results; none where there is no file."""
    from mebench.results.published import read

    return read(file) if file.is_file() else []
