"""`mebench run -m`: many runs from one line, and one table of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mebench import console
from mebench.cli.options import Files, Plugins, configured
from mebench.errors import MebenchError, RunError

if TYPE_CHECKING:
    from mebench.config import RunConfig
    from mebench.config.combinations import Combination
    from mebench.progress import Progress
    from mebench.runner.folder import RunFolder
    from mebench.runner.session import Outcome

COSTS = {"feature_seconds": "features, s", "fit_seconds": "training, s", "predict_seconds": "prediction, s"}
PEAK = "peak_memory_mib"


def sweep(
    words: Sequence[str], config: Files, plugins: Plugins, dry_run: bool = False, json: str | None = None
) -> None:
    """Run every combination of the values that the words list.

    Raises:
        ConfigError: a word is wrong.
        RunError: some runs failed, each told on its line; the others are finished.
    """
    from mebench.config.combinations import expand
    from mebench.inspection.summary import check_needs
    from mebench.progress import Progress

    began, combinations, progress = time.perf_counter(), expand(words), Progress()
    configs = [configured(list(c.words), config, plugins) for c in combinations]
    check_needs(configs)
    if dry_run:
        return _dry_run(combinations, configs, progress, json)
    from mebench.results.tracking import sync
    from mebench.runner.sweep import sweep

    outcomes = sweep(configs, progress)
    pairs = list(zip(combinations, outcomes))
    finished = [(c, o) for c, o in pairs if not isinstance(o, MebenchError)]
    with progress.waiting("sending to MLflow"):
        folders = [outcome.folder for _, outcome in finished]
        where = sync(folders, configs[0].tracking, progress).opening if folders else ""
    rows = summary_rows(finished)
    failures = [(c, o) for c, o in pairs if isinstance(o, MebenchError)]
    if json != "-":
        _print(rows)
    if where:
        progress.say(f"MLflow: {where}")  # beside the table, which may go into a file
    report = {
        "rows": rows,
        "runs": [{"words": c.varied, **o.summary} for c, o in finished],
        "failures": [{"words": c.varied, "reason": str(o)} for c, o in failures],
        "seconds": round(time.perf_counter() - began, 3),
    }
    console.write_json(report, json)
    for combination, error in failures:
        progress.say(f"failed: {_name(combination)}: {error}")
    if failures:
        raise RunError(
            f"{len(failures)} of {len(pairs)} runs failed, for the reasons above; the others are finished. Fix the cause and "
            "give the same command again: it goes on with what is missing"
        )


def summary_rows(runs: Sequence[tuple[Combination, Outcome]]) -> list[dict[str, Any]]:
    """One row for all seeds of equal settings.

    Of each score the mean over seeds, their `spread` (standard deviation of n - 1; None for one seed) and an interval from
    the lowest to the highest end of the runs' own. Undefined in one run, it is undefined in all. Where the runs differ in
    the action unit that they look for, a last row holds the mean over units.
    """
    from mebench.results.render.scores import main_scores
    from mebench.results.tables import over_seeds

    groups: dict[tuple[tuple[str, str], ...], list[tuple[str | None, Outcome]]] = {}
    for combination, outcome in runs:
        common = tuple((key, value) for key, value in combination.varied.items() if key != "seed")
        groups.setdefault(common, []).append((combination.varied.get("seed"), outcome))
    rows = []
    for settings, members in groups.items():
        scores = [main_scores(outcome.summary) for _, outcome in members]
        costs = [costs_of(outcome.folder) for _, outcome in members]
        table: dict[str, Any] = {}
        for name in scores[0]:
            values = [score[name]["value"] for score in scores]
            known = [value for value in values if value is not None]
            spread = statistics.stdev(known) if len(known) == len(values) > 1 else None
            pooled = over_seeds([score[name] for score in scores])
            table[name] = {**{end: pooled[end] for end in ("value", "low", "high")}, "spread": spread}
        rows.append(
            {
                "settings": dict(settings),
                "seeds": [int(seed) for seed, _ in members if seed is not None],
                "runs": [outcome.folder.id for _, outcome in members],
                "scores": table,
                "costs": {name: round(statistics.fmean(c[name] for c in costs), 3) for name in costs[0]},
            }
        )
    return [*rows, *_means_over_units(rows)]


def _means_over_units(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For rows that differ in the action unit alone the mean of its F1; without an interval, since subjects are shared."""
    from mebench.metrics.catalogue import METRICS

    unit = METRICS["unit_f1"].label

    groups: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {}
    for row in rows:
        if unit in row["scores"] and "scheme" in row["settings"]:
            common = tuple((key, value) for key, value in row["settings"].items() if key != "scheme")
            groups.setdefault(common, []).append(row)
    means = []
    for settings, of_units in groups.items():
        values = [row["scores"][unit]["value"] for row in of_units]
        if len(values) > 1 and None not in values:
            score = {"value": statistics.fmean(values), "low": None, "high": None, "spread": None}
            costs = {name: round(sum(row["costs"][name] for row in of_units), 3) for name in of_units[0]["costs"]}
            means.append(
                {
                    "settings": {**dict(settings), "scheme": f"mean of {len(values)} units"},
                    "seeds": of_units[0]["seeds"],
                    "runs": [run for row in of_units for run in row["runs"]],
                    "scores": {unit: score},
                    "costs": costs | {PEAK: max(row["costs"][PEAK] for row in of_units)},
                }
            )
    return means


def costs_of(folder: RunFolder) -> dict[str, float]:
    """Seconds of features, training and prediction, summed over folds, and the largest fold's memory in MiB."""
    import pandas as pd

    costs = pd.read_csv(folder.path / "costs.csv")
    seconds = {name: round(float(costs[name].sum()), 3) for name in COSTS if name in costs}
    return seconds | {PEAK: round(float(costs[PEAK].max()), 1)}


def _print(rows: Sequence[dict[str, Any]]) -> None:
    settings = list(dict.fromkeys(key for row in rows for key in row["settings"]))
    metrics = list(dict.fromkeys(name for row in rows for name in row["scores"]))
    costs = [name for name in COSTS if all(name in row["costs"] for row in rows)]
    headers = [*settings, "seeds", *metrics, *(COSTS[name] for name in costs), "memory, MiB"]
    console.print_table(
        headers,
        [
            [
                *(row["settings"].get(key, "") for key in settings),
                ",".join(map(str, row["seeds"])) or "-",
                *(_figure(row["scores"].get(name)) for name in metrics),
                *(f"{row['costs'][name]:.1f}" for name in costs),
                f"{row['costs'][PEAK]:.0f}",
            ]
            for row in rows
        ],
        title="sweep",
    )
    if any(len(row["seeds"]) > 1 for row in rows):
        how = "mean over seeds ± standard deviation, and from the lowest to the highest end of the runs' intervals"
        console.print_lines(f"scores: {how}", error=True)


def _figure(score: dict[str, float | None] | None) -> str:
    """A score with spread and interval.

    >>> _figure({"value": 0.5, "low": 0.4, "high": 0.62, "spread": 0.01}), _figure(None)
    ('0.5000 ± 0.0100 [0.4000, 0.6200]', '')
    """
    if score is None:
        return ""
    if score["value"] is None:
        return "undefined"
    spread = "" if score["spread"] is None else f" ± {score['spread']:.4f}"
    ends = "" if score["low"] is None or score["high"] is None else f" [{score['low']:.4f}, {score['high']:.4f}]"
    return f"{score['value']:.4f}{spread}{ends}"


def _dry_run(
    combinations: Sequence[Combination], configs: Sequence[RunConfig], progress: Progress, json: str | None
) -> None:
    from mebench.runner.estimate import dry_run

    plans = []
    for combination, config in zip(combinations, configs):
        if json != "-":
            console.print_lines(f"-- {_name(combination)}")
        plans.append({"words": combination.varied, **dry_run(config, progress, quiet=json == "-")})
    console.write_json(plans, json)


def _name(combination: Combination) -> str:
    return " ".join(f"{key}={value}" for key, value in combination.varied.items()) or "the run"
