"""What degradations cost a run, for readers: tables, a figure and a page of `mebench.inference.robustness`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from mebench.features.degradation import KINDS
from mebench.number_format import number
from mebench.reports.compare_runs import score_path_in_words
from mebench.reports.plots import CURVE_COLORS, make_panels, svg_of_figure
from mebench.reports.report import template_environment
from mebench.reports.scores import title_of
from mebench.runs import RunFolder
from mebench.table import Column, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, Any]]
"""Result of `mebench.inference.robustness.measure_robustness`."""


def tables_of_robustness(rows: Rows) -> list[Table]:
    """The scores at each strength, their losses, and the violations of relations, as far as available."""
    scored, related = ([row for row in rows if name in row] for name in ("scores", "violations"))
    paths = list(dict.fromkeys(path for row in scored for path in row["scores"]))
    columns = [
        Column("kind", "degradation"),
        Column("strength", right=True),
        *(
            column
            for path in paths
            for column in (
                Column.metric(path, score_path_in_words(path)),
                Column(f"{path} difference", "less the clean run", right=True, score=True),
                Column(f"{path} drop", "drop", right=True, text=lambda share: f"{number(100 * share, 1)} %"),
            )
        ),
    ]
    cells = [
        [row["kind"], row["strength"]]
        + [row["scores"][path][part] for path in paths for part in ("score", "difference", "drop")]
        for row in scored
    ]
    heads = [
        Column("relation", of=lambda row: row["kind"]),
        Column("change", of=lambda row: KINDS[row["kind"]].meaning),
        Column("violations", right=True, of=lambda row: row["violations"]["n"]),
        Column("of", "answers", right=True, of=lambda row: row["violations"]["of"]),
    ]
    both = Table(columns, cells, "scores on degraded videos"), Table.of(heads, related, "relations that need no label")
    return [table for table in both if table.rows]


def draw_robustness(rows: Rows, path: str) -> Figure:
    """A score against the strength of each degradation, with its interval; the line is the clean run."""
    kinds = dict.fromkeys(row["kind"] for row in rows if "scores" in row)
    high = -(-len(kinds) // 4)
    drawn, axes = make_panels(10, 1 + 1.7 * high, high, 4, sharex=True, sharey=True)
    for place in axes[len(kinds) :]:
        place.set_visible(False)
    for kind, place in zip(kinds, axes):
        points = [
            (row["strength"], row["scores"][path]["score"]) for row in rows if row["kind"] == kind and "scores" in row
        ]
        known = [(x, s["value"], s["low"], s["high"]) for x, s in points if s["value"] is not None]
        place.plot([x for x, *_ in known], [y for _, y, *_ in known], "o-", color=CURVE_COLORS[1], markersize=3)
        for x, _, low, high in (point for point in known if point[2] is not None):
            place.plot([x, x], [low, high], color=CURVE_COLORS[1], linewidth=1)
        place.set_title(kind, loc="left", fontsize=9)
    drawn.supxlabel("strength", fontsize=9)
    drawn.supylabel(score_path_in_words(path), fontsize=9)
    return drawn


def page_of_robustness(clean: RunFolder, rows: Rows) -> str:
    """The page of a sweep, a single file."""
    paths = dict.fromkeys(path for row in rows for path in row.get("scores", ()))
    return (
        template_environment()
        .get_template("robustness.html")
        .render(
            title=title_of(clean.read_json("config.json")["config"]),
            run=clean.id,
            rows=rows,
            kinds={kind: KINDS[kind] for kind in dict.fromkeys(row["kind"] for row in rows if "violations" not in row)},
            figures=[
                (score_path_in_words(path), Markup(svg_of_figure(draw_robustness(rows, path), f"f{n}")))
                for n, path in enumerate(paths)
            ],
            tables=[(table.title, table.html(kind="plain")) for table in tables_of_robustness(rows)],
        )
    )
