"""`mebench run -m`: many runs from one line, and one table of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mebench import console
from mebench.api.runs import planned, swept
from mebench.cli.options import Files, Plugins
from mebench.errors import RunError

if TYPE_CHECKING:
    from mebench.config import RunConfig
    from mebench.config.combinations import Combination
    from mebench.progress import Progress


def sweep(
    words: Sequence[str], config: Files, plugins: Plugins, dry_run: bool = False, json: str | None = None
) -> None:
    """Run every combination of the values that the words list.

    Raises:
        ConfigError: a word is wrong.
        RunError: some runs failed, each told on its line; the others are finished.
    """
    from mebench.progress import Progress

    began, progress = time.perf_counter(), Progress()
    combinations, configs = planned(words, config or (), plugins or ())
    if dry_run:
        return _dry_run(combinations, configs, progress, json)
    found = swept(combinations, configs, progress)
    if json != "-":
        _print(found.rows)
    if found.tracked:
        progress.say(f"MLflow: {found.tracked}")  # beside the table, which may go into a file
    report = {
        "rows": found.rows,
        "runs": [{"words": words, **run.summary} for words, run in zip(found.words, found.runs)],
        "failures": [{"words": words, "reason": str(error)} for words, error in found.failures],
        "seconds": round(time.perf_counter() - began, 3),
    }
    console.write_json(report, json)
    for varied, error in found.failures:
        progress.say(f"failed: {_name(varied)}: {error}")
    if found.failures:
        raise RunError(
            f"{len(found.failures)} of {len(combinations)} runs failed, for the reasons above; the others are finished. Fix the cause "
            "and give the same command again: it goes on with what is missing"
        )


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from mebench.results.render.sweep import cells

    console.print_table(*cells(rows), title="sweep")
    if any(len(row["seeds"]) > 1 for row in rows):
        how = "mean over seeds ± standard deviation, and from the lowest to the highest end of the runs' intervals"
        console.print_lines(f"scores: {how}", error=True)


def _dry_run(
    combinations: Sequence[Combination], configs: Sequence[RunConfig], progress: Progress, json: str | None
) -> None:
    from mebench.runner.estimate import dry_run

    plans = []
    for combination, config in zip(combinations, configs):
        if json != "-":
            console.print_lines(f"-- {_name(combination.varied)}")
        plans.append({"words": combination.varied, **dry_run(config, progress, quiet=json == "-")})
    console.write_json(plans, json)


def _name(varied: dict[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in varied.items()) or "the run"
