"""The box at the head of each card: input, year, main scores and their cost, from plugins and committed tables; nothing is typed."""

from __future__ import annotations

import csv
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from mebench._fast_imports import speed_up_imports
from mebench.boards.method_names import year_of_paper

ROOT = Path(__file__).resolve().parent.parent
MAIN = {"spotting": ("f1", "F1"), "recognition": ("uf1", "UF1")}
"""The score of each task that comes first, and how people write it."""
BOARDS = {
    "spotting-synthetic-kfold-preset_board_protocol_folds_10": "drawn faces, preset `board`",
    "recognition-megc2019_flow-loso": "MEGC 2019, maps of STSTNet's authors",
    "recognition-synthetic-loso": "drawn faces",
}
"""The tables that a box quotes, the first two of those that hold the method."""


@cache
def published() -> list[dict[str, str]]:
    """The published results."""
    with (ROOT / "leaderboards/published.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def board_of(name: str) -> Any:
    """A committed table."""
    return json.loads((ROOT / f"leaderboards/tables/{name}.json").read_text(encoding="utf-8"))


def year_of(config: dict[str, Any]) -> str:
    """The year of the method in the published results, as tables give it; else that of its paper."""
    known = {row["year"] for row in published() if row["method"] == config["title"]}
    return max(known, default="") or year_of_paper(config.get("paper", ""))


def row_of(board: dict[str, Any], method: str) -> dict[str, Any] | None:
    """The measured, honest row with the most seeds; of these the one whose settings are the fewest. No score chooses."""
    rows = [
        row
        for row in board["parts"][0]["rows"]
        if row["method"] == method and row["provenance"] in ("measured", "chance") and row["selection"] != "test"
    ]
    return min(rows, key=lambda row: (-len(row["seeds"]), len(row["settings"])), default=None)


def seconds(value: float) -> str:
    """A duration as people say it."""
    if value < 60:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def scores(method: str) -> list[str]:
    """Lines of the box: score, interval, cost, board."""
    lines = []
    for name, title in BOARDS.items():
        board = board_of(name)
        score, label = MAIN[board["task"]]
        row = row_of(board, method)
        value = row["scores"].get(score) if row else None
        if row is None or not value or value["value"] is None:
            continue
        interval = f" [{value['low']:.3f}, {value['high']:.3f}]" if value.get("low") is not None else ""
        costs = row["costs"]
        what = f"{label} **{value['value']:.3f}**{interval} on {title}"
        if row["other_input"]:
            what += f"; not the paper's method: {row['other_input']}"
        price = f"{seconds(costs['fit_seconds'])} to fit all folds, {seconds(costs['predict_seconds'])} to predict"
        if "parameters" in costs:  # a method that is no network counts none
            count = costs["parameters"]
            price += f", {count:,} parameter{'' if count == 1 else 's'}"
        lines.append(f"{what}. Cost: {price}.")
    return lines[:2]


def inputs(method: str) -> str:
    """The chains of steps that the method reads, with its default settings on drawn faces."""
    import torch

    from mebench.config import registry, resolve
    from mebench.core import Task, Timing

    info = registry.list_plugins("method")[method]
    config = resolve([f"method={method}", "dataset=synthetic"])
    kinds: Any = ("micro",) if "spot" in info.tasks else ()
    task = Task(frozenset(info.tasks) & {"spot", "recognize"}, kinds, ("one", "two", "three"))
    with torch.device("meta"):  # weights are drawn for nothing
        built = registry.plugin_class(info)(config.method_params, task, 0)
    chains = built.chains(Timing(30.0, 3, {"micro": 7}))
    names = {
        " → ".join(type(step).__name__ for step in chain.steps) or f"`{chain.name}`, ready-made"
        for chain in chains.values()
    }
    return "; ".join(sorted(names)) or "none"


def box(method: str) -> str:
    """The box in Markdown."""
    import yaml

    config = yaml.safe_load((ROOT / f"methods/{method}/config.yaml").read_text(encoding="utf-8"))
    facts = {"Input": inputs(method), "Year": year_of(config), "Tasks": ", ".join(config["tasks"])}
    lines = [f"**{name}**: {fact}" for name, fact in facts.items() if fact]
    measured = scores(method) or ["No committed run."]
    return "\n".join(['!!! abstract "In short"', "", *(f"    - {line}" for line in [*lines, *measured]), ""])


if __name__ == "__main__":
    speed_up_imports()
    print(json.dumps({method: box(method) for method in sys.argv[1:]}))
