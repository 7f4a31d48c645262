"""The runs of a sweep as one table: a row for all seeds of equal settings."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from mebench.grouping import group_by
from mebench.metrics.catalogue import METRICS
from mebench.output.number_format import format_interval, format_number
from mebench.output.table import Column, Table
from mebench.records.costs import COSTS, Cost
from mebench.reports.result_scores import scores_of_result, sentence_of_runs
from mebench.reports.result_sentence import INTERVALS
from mebench.runs import RunFolder
from mebench.score_type import Score

SweptRun = tuple[Mapping[str, str], RunFolder, Mapping[str, Any]]
"""The varying settings of a run, its folder, and its summary."""


def sweep_rows(runs: Sequence[SweptRun]) -> list[dict[str, Any]]:
    """One row for all seeds of equal settings.

    Each score is the mean over seeds, with their `spread` (standard deviation with n - 1; None for one seed) and the
    interval that `interval` names, see `INTERVALS`. A score that is undefined in one run is
    undefined in the row. If the runs differ in the action unit to find, a last row has the mean over units.

    Args:
        runs: for each the varying settings, its folder and its summary.
    """
    rows = [_row_of_seeds(dict(settings), members) for settings, members in _runs_by_settings(runs).items()]
    return [*rows, *_means_over_units(rows)]


def _runs_by_settings(runs: Sequence[SweptRun]) -> dict[tuple[tuple[str, str], ...], list[SweptRun]]:
    """The runs of each choice of settings, apart from the seed."""

    def settings(run: SweptRun) -> tuple[tuple[str, str], ...]:
        varied, _, _ = run
        return tuple((key, value) for key, value in varied.items() if key != "seed")

    return group_by(runs, key=settings)


def _row_of_seeds(settings: dict[str, str], runs: Sequence[SweptRun]) -> dict[str, Any]:
    """The row of all seeds of one choice of settings."""
    folders = [folder for _, folder, _ in runs]
    found = scores_of_result(folders, [summary for _, _, summary in runs])
    costs_of_runs = [_costs_of(folder) for folder in folders]
    pooled = {}
    for one in found.stated:
        pooled[one.label] = _with_spread(one.score, [scores[one.label] for scores in found.of_seeds])
    mean_costs = {}
    for name in costs_of_runs[0]:
        mean_costs[name] = round(statistics.fmean(costs[name] for costs in costs_of_runs), 3)
    return {
        "settings": settings,
        "seeds": [int(varied["seed"]) for varied, _, _ in runs if "seed" in varied],
        "runs": [folder.id for folder in folders],
        "scores": pooled,
        "interval": found.interval,
        "costs": mean_costs,
        "sentence": sentence_of_runs(folders, found),
    }


def _with_spread(pooled: Score, scores: Sequence[Score]) -> dict[str, float | None]:
    """A score over seeds as data, with the standard deviation of the seeds."""
    known = [score.value for score in scores if score.value is not None]
    has_spread = len(known) == len(scores) > 1
    return {
        "value": pooled.value,
        "low": pooled.low,
        "high": pooled.high,
        "spread": statistics.stdev(known) if has_spread else None,
    }


def _swept_costs() -> dict[str, Cost]:
    """The costs that the table of a sweep shows."""
    return {name: cost for name, cost in COSTS.items() if cost.sweep_decimals is not None and not cost.per_minute}


def _costs_of(folder: RunFolder) -> dict[str, float]:
    """The costs of a run that a sweep shows, over all folds."""
    folds = folder.read_costs()
    values = {name: cost.over_folds(folds) for name, cost in _swept_costs().items()}
    return {name: round(value, COSTS[name].decimals) for name, value in values.items() if value is not None}


def _means_over_units(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For rows that differ only in the action unit, the mean of its F1; no interval, since they share subjects."""
    unit_f1 = METRICS["unit_f1"].label
    of_units = [row for row in rows if unit_f1 in row["scores"] and "scheme" in row["settings"]]
    means = []
    for settings, same in group_by(of_units, key=_settings_without_scheme).items():
        values = [row["scores"][unit_f1]["value"] for row in same]
        if len(values) < 2 or None in values:
            continue
        score = {"value": statistics.fmean(values), "low": None, "high": None, "spread": None}
        means.append(
            {
                "settings": {**dict(settings), "scheme": f"mean of {len(values)} units"},
                "seeds": same[0]["seeds"],
                "runs": [run for row in same for run in row["runs"]],
                "scores": {unit_f1: score},
                "interval": "none",
                "costs": {name: _cost_over_units(name, same) for name in same[0]["costs"]},
                "sentence": "",
            }
        )
    return means


def _settings_without_scheme(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The settings of a row without its action unit."""
    return tuple((key, value) for key, value in row["settings"].items() if key != "scheme")


def _cost_over_units(name: str, rows: Sequence[Mapping[str, Any]]) -> float:
    """The cost of all rows together: their sum, or the largest one."""
    costs: list[float] = [row["costs"][name] for row in rows]
    return round(sum(costs), 3) if COSTS[name].pooled == "sum" else max(costs)


def sweep_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The table of some `sweep_rows`: a score with its spread over seeds."""
    settings = list(dict.fromkeys(key for row in rows for key in row["settings"]))
    metrics = list(dict.fromkeys(name for row in rows for name in row["scores"]))
    costs = {name: cost for name, cost in _swept_costs().items() if all(name in row["costs"] for row in rows)}
    columns = [
        *(Column(key, key) for key in settings),
        Column("seeds"),
        *(Column(name, name, text=_score_with_spread) for name in metrics),
        *(Column(name, cost.label, text=f"{{:.{cost.sweep_decimals}f}}".format) for name, cost in costs.items()),
    ]
    cells = [
        [
            *(row["settings"].get(key, "") for key in settings),
            ",".join(map(str, row["seeds"])) or "-",
            *(row["scores"].get(name) for name in metrics),
            *(row["costs"][name] for name in costs),
        ]
        for row in rows
    ]
    return Table(columns, cells, "sweep")


def sweep_notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the numbers of a sweep's table are, in sentences; none where each row is one run without shared costs.

    >>> of_two = {"seeds": [0, 1], "runs": ["first", "second"], "interval": "mean", "costs": {}}
    >>> of_one = {"seeds": [0], "runs": ["third"], "interval": "run", "costs": {}}
    >>> sweep_notes([of_two, of_one])
    ['scores: mean ± standard deviation over seeds; brackets: the 95 % interval of the mean over people']
    """
    notes = []
    of_seeds = [row for row in rows if len(row["seeds"]) > 1]
    if of_seeds:
        kinds = {row["interval"] for row in of_seeds} - {"none"}
        meanings = [meaning for kind, meaning in INTERVALS.items() if kind in kinds]
        notes.append("; ".join(["scores: mean ± standard deviation over seeds", *_as_brackets(meanings)]))
    n_runs = sum(len(row["runs"]) for row in rows)
    if n_runs > 1 and any(row["costs"].get(SHARED_COST) for row in rows):
        notes.append(f"{COSTS[SHARED_COST].label}: features that several runs read are counted for the first of them")
    return notes


MOST_SENTENCES = 12
"""Most rows of a sweep that are stated in sentences."""


def sweep_sentences(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each row as a whole result: changed settings, seeds, interval, spread, chance; a line says how many more there are."""
    sentences = [row["sentence"] for row in rows if row["sentence"]]
    more = len(sentences) - MOST_SENTENCES
    return [*sentences[:MOST_SENTENCES], *([f"and {more} more rows, as in the table"] if more > 0 else [])]


SHARED_COST = "feature_seconds"
"""The cost that runs of a sweep share."""


def _as_brackets(meanings: Sequence[str]) -> list[str]:
    """The meaning of the brackets, as the end of a sentence; none without one."""
    return [f"brackets: {'; '.join(meanings)}"] if meanings else []


def _score_with_spread(score: dict[str, float | None] | None) -> str:
    """A score with spread and interval.

    >>> _score_with_spread({"value": 0.5, "low": 0.4, "high": 0.62, "spread": 0.01}), _score_with_spread(None)
    ('0.5000 ± 0.0100 [0.4000, 0.6200]', '')
    """
    if score is None:
        return ""
    if score["value"] is None:
        return "undefined"
    spread = "" if score["spread"] is None else f" ± {score['spread']:.4f}"
    return " ".join(
        filter(None, [f"{format_number(score['value'])}{spread}", format_interval(Score.from_plain(score))])
    )
