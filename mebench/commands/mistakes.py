"""The verb `mistakes`: what went wrong in the spotting of a finished run."""

from typing import get_args

from mebench.commands.runs import find_run
from mebench.console import check_target, write_json
from mebench.errors import ConfigError, RunError, unknown


def mistakes_command(run: str, runs: str, by: str, json: str | None) -> None:
    """Print every kind of false positive and miss of a run, by kind, subject or emotion, or write them as JSON.

    Args:
        run: id of a finished run, the beginning of one id only, or the path of a run folder or committed record.
        runs: folder of run folders.
        by: the rows: `kind`, `subject` or `emotion`.
        json: where the counts also go; `-` for standard output, with nothing else on it.

    Raises:
        RunError: there is no such run, it is not finished, or it does not spot.
        ConfigError: there are no such rows.
    """
    check_target(json)
    folder = find_run(run, runs)

    from mebench.metrics.mistakes import By, count_mistakes, number_of_draws, sort_mistakes
    from mebench.results.render.summary import plain, print_mistakes
    from mebench.runner.scoring import tables_of

    if by not in get_args(By):
        raise ConfigError(unknown("--by", by, get_args(By)))
    tables, about = tables_of(folder), folder.read_json("folds.json")
    if tables.predictions is None:
        raise RunError(f"run {folder.id!r} does not spot, so it has no false positives and misses: name one that does")
    draws = number_of_draws(tables)
    rows: By = "subject" if by == "subject" else "emotion" if by == "emotion" else "kind"
    counts = count_mistakes(sort_mistakes(tables, about["kinds"]), rows, draws)
    if rows == "kind":
        counts = counts.reindex(about["kinds"], fill_value=0).rename_axis("kind")
    mean = f", means over {draws} draws" if draws > 1 else ""
    if json != "-":
        print_mistakes(counts, f"what went wrong in {folder.id}, by {by}{mean}")
    if json is not None:
        write_json(
            {"run_id": folder.id, "convention": "strict", "by": by, "draws": draws, "counts": plain(counts)}, json
        )
