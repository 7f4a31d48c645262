"""The verb `predictions export`."""

from pathlib import Path


def export_command(run_id: str, runs: str, form: str, out: str) -> None:
    """Write the predictions of a run in the format of others.

    Args:
        run_id: id of a finished run, the beginning of one id only, or the path of a run folder or committed record.
        runs: folder of run folders.
        form: one of `mebench.exchange.write.FORMATS`.
        out: the file.

    Raises:
        ConfigError: there is no such format.
        RunError: there is no such run, it is not finished, or its method does not spot.
        DataError: the file cannot be written.
    """
    from mebench.commands.runs import find_run
    from mebench.errors import RunError
    from mebench.exchange.table import Remarks
    from mebench.exchange.write import write_predictions
    from mebench.progress import Progress
    from mebench.runner.scoring import tables_of

    folder = find_run(run_id, runs)
    tables, remarks = tables_of(folder), Remarks()
    if tables.predictions is None:
        raise RunError(f"run {folder.id!r} spots nothing, so it has no intervals to write")
    write_predictions(Path(out).expanduser(), form, tables, remarks)
    for line in remarks.warnings:
        Progress().say(f"warning: {line}")
    print(out)
