"""Whether the order of a board follows the published one, with an interval over the people of the board.

    python benchmarks/published_order.py TABLE [--folder leaderboards/records] [--draws 1000]

TABLE is the JSON of a table of spotting, `leaderboards/tables/spotting-synthetic-kfold-preset_field_protocol_folds_2.json` or the one of
injected films; FOLDER holds its runs or their records. Printed is Spearman's correlation of F1 with the published F1 that
`docs/understand/field.md` lists, over all methods with both and over the half that `field` was not calibrated on, each with the 2.5 and
97.5 percentiles over draws of other people. F1 below .01 counts as .01, as on that page.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from mebench.boards.run_tables import RunTables
from mebench.boards.standings import PooledRows
from mebench.metrics.bootstrap import Resampling
from mebench.records.published import read_published
from mebench.records.record import Record, read_record
from mebench.runs import RunFolder

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/understand/field.md"
PUBLISHED = ROOT / "leaderboards/published.csv"
ROW = re.compile(r"^\| `(\w+)` \| ([a-z ]+) \| (\.\d+) \((.*), (\w+)\) \|", re.MULTILINE)
"""A line of the page's table: method, half, published F1 with two digits, its name in the papers, and the dataset."""
HELD_OUT = "held out"
LEAST_F1 = 0.01
"""F1 below this counts as this, since it is chance."""
Scores = NDArray[np.float64]


def published_scores() -> dict[str, tuple[float, str]]:
    """The published F1 of each method, with all its digits, and the half that the method belongs to."""
    values = [
        row for row in read_published(PUBLISHED) if (row.task, row.kind, row.metric) == ("spotting", "micro", "f1")
    ]
    scores = {}
    for method, half, printed, name, dataset in ROW.findall(PAGE.read_text("utf-8")):
        of_method = {row.value for row in values if (row.method, row.dataset) == (name, dataset)}
        (value,) = {value for value in of_method if f"{value:.2f}".lstrip("0") == printed}
        scores[method] = (value, half)
    return scores


def first_rows(table: Path, methods: Sequence[str], folder: Path) -> dict[str, list[Record]]:
    """The runs of the best measured row of each method that is in a table."""
    rows: dict[str, list[Record]] = {}
    for row in json.loads(table.read_text("utf-8"))["parts"][0]["rows"]:
        if row["method"] in methods and row["method"] not in rows and row["provenance"] == "measured":
            rows[row["method"]] = [read_record(RunFolder(folder / run)) for run in row["runs"]]
    return rows


def scores_over_draws(rows: Sequence[Sequence[Record]], draws: int) -> Scores:
    """F1 of each row on all people and in draws of other people, (n_rows, 1 + draws)."""
    pooled = PooledRows.from_rows(rows, "spotting.micro.f1", RunTables().read)
    people = Resampling.of_subjects(pooled.pool.strata, draws, 0)
    weights = np.concatenate([np.ones((1, people.n_units)), people.weights])
    scores = np.stack([pooled.score_row(row, weights) for row in range(len(rows))])
    return np.maximum(np.nan_to_num(scores), LEAST_F1)


def correlation(scores: Scores, published: Sequence[float]) -> tuple[float, float, float]:
    """Spearman's correlation with published scores, and its 95 % interval over draws of people; a draw without an order has none.

    Args:
        scores: (n_rows, 1 + draws), the first column on all people.
        published: a score of each row.
    """
    found = np.array([spearmanr(column, published).statistic for column in scores.T if np.ptp(column)])
    low, high = np.quantile(found[1:], (0.025, 0.975))
    return float(found[0]), float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description="Whether a board follows the published order.")
    parser.add_argument("table", type=Path)
    parser.add_argument("--folder", type=Path, default=ROOT / "leaderboards/records")
    parser.add_argument("--draws", type=int, default=1000)
    args = parser.parse_args()
    published = published_scores()
    rows = first_rows(args.table, list(published), args.folder)
    missing = published.keys() - rows.keys()
    if missing:
        print(f"without a row: {', '.join(sorted(missing))}")
    scores = scores_over_draws(list(rows.values()), args.draws)
    methods = np.array(list(rows))
    halves = np.array([published[method][1] for method in methods])
    for words, is_chosen in (("all", np.ones(len(methods), np.bool_)), (HELD_OUT, halves == HELD_OUT)):
        values = [published[method][0] for method in methods[is_chosen]]
        value, low, high = correlation(scores[is_chosen], values)
        print(f"{words}, {is_chosen.sum()} methods: Spearman {value:.2f} [{low:.2f}, {high:.2f}]")


if __name__ == "__main__":
    main()
