"""`python docs/selection_chart.py` draws the chart of the first page: honest and leaking UF1 of each method on MEGC 2019."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent / "leaderboards" / "tables" / "recognition-megc2019_flow-loso.json"
CHART = Path(__file__).with_name("selection.svg")
LOWEST, HIGHEST = 0.65, 0.9
LEFT, RIGHT, TOP, LINE = 130, 365, 44, 24


def pairs() -> list[tuple[str, float, float]]:
    """Method, UF1 of the last epoch, UF1 of the best epoch of each tested person; the largest gain first."""
    (part,) = json.loads(TABLE.read_text(encoding="utf-8"))["parts"][:1]
    measured = [row for row in part["rows"] if row["provenance"] == "measured"]
    honest = {(row["method"], setting_of(row)): uf1_of(row) for row in measured if row["selection"] == "fixed"}
    found = [
        (row["method"], honest[row["method"], setting_of(row)], uf1_of(row))
        for row in measured
        if row["selection"] == "test"
    ]
    return sorted(found, key=lambda pair: pair[1] - pair[2])


def setting_of(row: dict[str, Any]) -> str:
    """The settings of a row without the one that chooses on tested people."""
    return re.sub(r"[;,]? ?audit=\w+", "", row["settings"])


def uf1_of(row: dict[str, Any]) -> float:
    """UF1 of a row."""
    value: float = row["scores"]["uf1"]["value"]
    return value


def chart() -> str:
    """The chart as SVG; its text takes the colour of the page, and that of the reader's system where it stands alone."""
    rows = pairs()
    bottom = TOP + LINE * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 390 {bottom + 24}" font-family="sans-serif" font-size="13" role="img">',
        "<title>UF1 on MEGC 2019: last epoch against the best epoch of each tested person</title>",
        "<style>svg{color:#222}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>",
        '<g fill="currentColor">',
        f'<circle cx="{LEFT}" cy="12" r="5" fill="#00796b"/><text x="{LEFT + 10}" y="16">last epoch</text>',
        f'<circle cx="{LEFT}" cy="30" r="5" fill="#d9480f"/>'
        f'<text x="{LEFT + 10}" y="34">best epoch of each tested person</text>',
    ]
    for number, (method, honest, leaking) in enumerate(rows):
        y = TOP + LINE * number + LINE // 2
        parts += [
            f'<text x="0" y="{y + 4}">{method}</text>',
            f'<path d="M{x_of(honest)} {y}H{x_of(leaking)}" stroke="#888" stroke-width="2"/>',
            f'<circle cx="{x_of(honest)}" cy="{y}" r="5" fill="#00796b"/>',
            f'<circle cx="{x_of(leaking)}" cy="{y}" r="5" fill="#d9480f"/>',
        ]
    ticks = (0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
    parts += [f'<text x="{x_of(tick)}" y="{bottom + 16}" text-anchor="middle">{tick:.2f}</text>' for tick in ticks]
    return "\n".join([*parts, "</g>", "</svg>", ""])


def x_of(uf1: float) -> float:
    """Where a score lies in the chart."""
    return round(LEFT + (RIGHT - LEFT) * (uf1 - LOWEST) / (HIGHEST - LOWEST), 1)


if __name__ == "__main__":
    CHART.write_text(chart(), encoding="utf-8", newline="\n")
