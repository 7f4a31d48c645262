"""The runs of a sweep as one table: a row for all seeds of equal settings."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from mebench.boards.build import over_seeds
from mebench.grouping import grouped
from mebench.metrics.catalogue import METRICS
from mebench.number_format import interval, number
from mebench.reports.scores import main_scores
from mebench.runs import RunFolder, read_csv
from mebench.table import Column, Table

COSTS = {"feature_seconds": "features, s", "fit_seconds": "training, s", "predict_seconds": "prediction, s"}
PEAK = "peak_memory_mib"


def sweep_rows(runs: Sequence[tuple[Mapping[str, str], RunFolder, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row for all seeds of equal settings.

    Each score is the mean over seeds, with their `spread` (standard deviation with n - 1; None for one seed) and an
    interval from the lowest to the highest end of the runs' intervals. A score that is undefined in one run is
    undefined in the row. If the runs differ in the action unit to find, a last row has the mean over units.

    Args:
        runs: for each the varying settings, its folder and its summary.
    """
    groups = grouped(runs, key=lambda run: tuple((key, value) for key, value in run[0].items() if key != "seed"))
    rows: list[dict[str, Any]] = []
    for settings, members in groups.items():
        scores = [main_scores(summary) for _, _, summary in members]
        tables = (read_csv(folder.path / "costs.csv") for _, folder, _ in members)
        costs = [  # seconds of all folds, and the largest fold's memory
            {name: round(float(t[name].sum()), 3) for name in COSTS if name in t}
            | {PEAK: round(float(t[PEAK].max()), 1)}
            for t in tables
        ]
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
                "seeds": [int(varied["seed"]) for varied, _, _ in members if "seed" in varied],
                "runs": [folder.id for _, folder, _ in members],
                "scores": table,
                "costs": {name: round(statistics.fmean(c[name] for c in costs), 3) for name in costs[0]},
            }
        )
    # For rows that differ only in the action unit, the mean of its F1; without an interval, since they share subjects.
    unit = METRICS["unit_f1"].label
    same_units = grouped(
        [row for row in rows if unit in row["scores"] and "scheme" in row["settings"]],
        key=lambda row: tuple((key, value) for key, value in row["settings"].items() if key != "scheme"),
    )
    means = []
    for others, of_units in same_units.items():
        of_each = [row["scores"][unit]["value"] for row in of_units]
        if len(of_each) > 1 and None not in of_each:
            score = {"value": statistics.fmean(of_each), "low": None, "high": None, "spread": None}
            means.append(
                {
                    "settings": {**dict(others), "scheme": f"mean of {len(of_each)} units"},
                    "seeds": of_units[0]["seeds"],
                    "runs": [run for row in of_units for run in row["runs"]],
                    "scores": {unit: score},
                    "costs": {
                        **{
                            name: round(sum(row["costs"][name] for row in of_units), 3) for name in of_units[0]["costs"]
                        },
                        PEAK: max(row["costs"][PEAK] for row in of_units),
                    },
                }
            )
    return [*rows, *means]


def sweep_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The table of some `sweep_rows`: a score with its spread over seeds."""
    settings = list(dict.fromkeys(key for row in rows for key in row["settings"]))
    metrics = list(dict.fromkeys(name for row in rows for name in row["scores"]))
    costs = [name for name in COSTS if all(name in row["costs"] for row in rows)]
    return Table(
        [
            *(Column(key, key) for key in settings),
            Column("seeds"),
            *(Column(name, name, text=_figure) for name in metrics),
            *(Column(name, COSTS[name], digits=1) for name in costs),
            Column(PEAK, "memory, MiB", text="{:.0f}".format),
        ],
        [
            [
                *(row["settings"].get(key, "") for key in settings),
                ",".join(map(str, row["seeds"])) or "-",
                *(row["scores"].get(name) for name in metrics),
                *(row["costs"][name] for name in (*costs, PEAK)),
            ]
            for row in rows
        ],
        "sweep",
    )


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
    return " ".join(filter(None, [f"{number(score['value'])}{spread}", interval(score)]))
