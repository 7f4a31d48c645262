"""The verbs `leaderboard build` and `leaderboard export`."""

from __future__ import annotations

from pathlib import Path

from mebench.commands.output import write_json
from mebench.errors import RunError

RECORDS = "records"


def build_command(runs: str, out: str, json: str | None) -> None:
    """Write the tables of all finished runs and committed records.

    Args:
        runs: folder of run folders.
        out: folder of the tables; records are read from `records` inside it.
        json: where the tables also go as one JSON document; `-` for standard output, with nothing else on it.

    Raises:
        RunError: there is neither a finished run nor a record.
    """
    from mebench.leaderboard.collect import collect, collect_records, unique
    from mebench.leaderboard.tables import build
    from mebench.leaderboard.write import write

    folder = Path(out).expanduser()
    records = unique([*collect(Path(runs).expanduser()), *collect_records(folder / RECORDS)])
    if not records:
        raise RunError(
            f"no finished run in {runs} and no record in {folder / RECORDS}: make one with mebench run, or name the "
            "folder of your runs with --runs"
        )
    tables = build(records)
    overview = write(tables, folder)
    if json is not None:
        write_json({"tables": [table.plain() for table in tables]}, json)
    if json != "-":
        print(f"{overview}: {_counted(len(tables), 'table')} from {_counted(len(records), 'run')}")


def export_command(run_id: str, runs: str, out: str) -> None:
    """Write the record of a finished run, to be committed.

    Args:
        run_id: id of the run, or the path of its folder.
        runs: folder of run folders.
        out: folder of the records.

    Raises:
        RunError: there is no such run, or it is not finished.
    """
    from mebench.leaderboard.export import export
    from mebench.runner.folder import RunFolder

    path = Path(run_id).expanduser().resolve()
    is_folder = (path / "config.json").is_file()
    folder = RunFolder.open(path.parent, path.name) if is_folder else RunFolder.open(Path(runs).expanduser(), run_id)
    record = export(folder, Path(out).expanduser())
    size = sum(file.stat().st_size for file in record.iterdir())
    print(f"{record}: {size / 1024:.0f} KiB. Commit it, and mebench leaderboard build finds it")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
