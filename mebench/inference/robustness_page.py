"""What degradations cost a run, for readers: tables, a figure and a page of `mebench.inference.robustness`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mebench.features.degradation import KINDS
from mebench.grouping import group_by
from mebench.metrics.score_column import score_column
from mebench.output.number_format import Score, format_number
from mebench.output.table import Column, Table
from mebench.reports.compare_runs import score_path_in_words
from mebench.reports.page_templates import template_environment
from mebench.reports.plots import CURVE_COLORS, make_panels, svg_of_figure
from mebench.reports.scores import title_of
from mebench.runs import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
Rows = Sequence[Mapping[str, Any]]
"""Result of `mebench.inference.robustness.measure_robustness`."""


def tables_of_robustness(rows: Rows) -> list[Table]:
    """The scores and losses at each strength, and the violations of relations."""
    scored = [row for row in rows if "scores" in row]
    related = [row for row in rows if "violations" in row]
    both = _table_of_losses(scored), Table.from_items(RELATION_COLUMNS, related, "relations that need no label")
    return [table for table in both if table.rows]


RELATION_COLUMNS = (
    Column("relation", of=lambda row: row["kind"]),
    Column("change", of=lambda row: KINDS[row["kind"]].meaning),
    Column("violations", right=True, of=lambda row: row["violations"]["n"]),
    Column("of", "answers", right=True, of=lambda row: row["violations"]["of"]),
)


def _table_of_losses(scored: Rows) -> Table:
    """A row for each degradation: each score, its difference from the clean run, and the drop."""
    columns = [Column("kind", "degradation"), Column("strength", right=True)]
    cells: list[list[Any]] = [[row["kind"], row["strength"]] for row in scored]
    for path in _score_paths(scored):
        columns += [
            score_column(path, score_path_in_words(path)),
            Column(f"{path} difference", "less the clean run", right=True, score=True),
            Column(f"{path} drop", "drop", right=True, text=lambda share: f"{format_number(100 * share, 1)} %"),
        ]
        for line, row in zip(cells, scored):
            score = row["scores"][path]
            line += [score["score"], score["difference"], score["drop"]]
    return Table(columns, cells, "scores on degraded videos")


def _score_paths(scored: Rows) -> list[str]:
    """The paths of all scores, in the order of their first row."""
    paths: dict[str, None] = {}
    for row in scored:
        paths |= dict.fromkeys(row["scores"])
    return list(paths)


def draw_robustness(rows: Rows, path: str) -> Figure:
    """Draw a score against strength, a panel for each degradation; the line is the clean run."""
    rows_by_kind = group_by([row for row in rows if "scores" in row], key=lambda row: row["kind"])
    n_lines = math.ceil(len(rows_by_kind) / FIGURE_COLUMNS)
    drawn, axes = make_panels(10, 1 + 1.7 * n_lines, n_lines, FIGURE_COLUMNS, sharex=True, sharey=True)
    for place in axes[len(rows_by_kind) :]:
        place.set_visible(False)
    for (kind, of_kind), place in zip(rows_by_kind.items(), axes):
        _draw_scores(place, [(row["strength"], row["scores"][path]["score"]) for row in of_kind])
        place.set_title(kind, loc="left", fontsize=9)
    drawn.supxlabel("strength", fontsize=9)
    drawn.supylabel(score_path_in_words(path), fontsize=9)
    return drawn


FIGURE_COLUMNS = 4
"""Number of degradations beside one another in a figure."""


def _draw_scores(axes: Axes, points: Sequence[tuple[int, Score]]) -> None:
    """Draw defined scores by strength, with known intervals as bars."""
    known = [(strength, score) for strength, score in points if score["value"] is not None]
    strengths = [strength for strength, _ in known]
    axes.plot(strengths, [score["value"] for _, score in known], "o-", color=CURVE_COLORS[1], markersize=3)
    for strength, score in known:
        if score["low"] is not None:
            axes.plot([strength, strength], [score["low"], score["high"]], color=CURVE_COLORS[1], linewidth=1)


def page_of_robustness(clean: RunFolder, rows: Rows) -> str:
    """The page of a sweep, a single file."""
    paths = _score_paths([row for row in rows if "scores" in row])
    figures = [
        (score_path_in_words(path), Markup(svg_of_figure(draw_robustness(rows, path), f"f{n}")))
        for n, path in enumerate(paths)
    ]
    degradations = dict.fromkeys(row["kind"] for row in rows if "violations" not in row)
    return (
        template_environment(TEMPLATES)
        .get_template("robustness.html")
        .render(
            title=title_of(clean.read_json("config.json")["config"]),
            run=clean.id,
            rows=rows,
            kinds={kind: KINDS[kind] for kind in degradations},
            figures=figures,
            tables=[(table.title, table.to_html(kind="plain")) for table in tables_of_robustness(rows)],
        )
    )
