"""What degradations cost a run, for readers: tables, a figure and a page of `mebench.inference.robustness`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from markupsafe import Markup

from mebench.features.degradation import KINDS
from mebench.grouping import group_by
from mebench.metrics.score_column import score_column
from mebench.metrics.score_table import ScoreTable
from mebench.output.number_format import format_number, format_score, format_table_number
from mebench.output.table import Column, Table, as_sentence
from mebench.output.terminal import format_count
from mebench.reports.compare_runs import score_path_in_words
from mebench.reports.findings import MAIN_SCORES, Floor, find_floor
from mebench.reports.page_templates import template_environment
from mebench.reports.plots import CURVE_COLORS, make_panels, svg_of_figure
from mebench.reports.scores import title_of
from mebench.runs import RunFolder
from mebench.runs.chance_levels import with_levels_of_chance
from mebench.runs.scoring import current_summary
from mebench.score_type import Score

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
            line += [Score.from_plain(score["score"]), Score.from_plain(score["difference"]), score["drop"]]
    return Table(columns, cells, "scores on degraded videos")


def _score_paths(scored: Rows) -> list[str]:
    """The paths of all scores, in the order of their first row."""
    paths: dict[str, None] = {}
    for row in scored:
        paths |= dict.fromkeys(row["scores"])
    return list(paths)


def draw_robustness(rows: Rows, path: str, level: float | None = None) -> Figure:
    """Draw a score against strength, a panel for each degradation; chance is dotted."""
    rows_by_kind = group_by([row for row in rows if "scores" in row], key=lambda row: row["kind"])
    n_lines = math.ceil(len(rows_by_kind) / FIGURE_COLUMNS)
    drawn, axes = make_panels(10, 1 + 1.7 * n_lines, n_lines, FIGURE_COLUMNS, sharex=True, sharey=True)
    for place in axes[len(rows_by_kind) :]:
        place.set_visible(False)
    for (kind, of_kind), place in zip(rows_by_kind.items(), axes):
        _draw_scores(place, [(row["strength"], Score.from_plain(row["scores"][path]["score"])) for row in of_kind])
        if level is not None:
            place.axhline(level, linestyle=":", linewidth=1, color="0.5")
        place.set_title(kind, loc="left", fontsize=9)
    drawn.supxlabel("strength", fontsize=9)
    drawn.supylabel(score_path_in_words(path), fontsize=9)
    return drawn


FIGURE_COLUMNS = 4
"""Number of degradations beside one another in a figure."""


def _draw_scores(axes: Axes, points: Sequence[tuple[int, Score]]) -> None:
    """Draw defined scores by strength, with known intervals as bars."""
    known = [(strength, score.value) for strength, score in points if score.value is not None]
    strengths = [strength for strength, _ in known]
    axes.plot(strengths, [value for _, value in known], "o-", color=CURVE_COLORS[1], markersize=3)
    for strength, score in points:
        if score.ends is not None:
            axes.plot([strength, strength], score.ends, color=CURVE_COLORS[1], linewidth=1)


def page_of_robustness(clean: RunFolder, rows: Rows) -> str:
    """The page of a sweep, a single file."""
    about = clean.read_json("folds.json")
    summary = with_levels_of_chance(current_summary(clean), clean, about)
    floors = _floors_by_path(summary)
    parts = [
        ScoreOnPage(path, floors.get(path), losses_of_score(rows, path))
        for path in _score_paths([row for row in rows if "scores" in row])
    ]
    degradations = dict.fromkeys(row["kind"] for row in rows if "violations" not in row)
    whole, *others = tables_of_robustness(rows) if parts else [None, *tables_of_robustness(rows)]
    return (
        template_environment(TEMPLATES)
        .get_template("robustness.html")
        .render(
            title=title_of(clean.read_json("config.json")["config"]),
            run=clean.id,
            rows=rows,
            kinds={kind: KINDS[kind] for kind in degradations},
            findings=[describe_losses(part) for part in parts if part.metric in MAIN_METRICS],
            parts=[
                {
                    "name": score_path_in_words(part.path),
                    "losses": _table_of_greatest_losses(part),
                    "floor": part.floor,
                    "level": part.level,
                    "figure": Markup(svg_of_figure(draw_robustness(rows, part.path, part.level), f"f{n}")),
                }
                for n, part in enumerate(parts)
            ],
            whole=whole,
            relations=others,
        )
    )


MAIN_METRICS = {name for names in MAIN_SCORES.values() for name in names}
"""The scores that have a sentence."""


@dataclass(frozen=True)
class Loss:
    """What a degradation costs a score.

    Attributes:
        kind: name of the degradation.
        strength: strength of the greatest loss.
        score: value at that strength.
        difference: difference from the clean score, paired over people.
        falls_from: least strength at which the whole interval of the difference lies below 0, or None.
    """

    kind: str
    strength: int
    score: Score
    difference: Score
    falls_from: int | None


@dataclass(frozen=True)
class ScoreOnPage:
    """A score of the page.

    Attributes:
        path: its path, such as `spotting.micro.f1`.
        floor: level of chance on clean videos, or None.
        losses: greatest loss by each degradation, in order.
    """

    path: str
    floor: Floor | None
    losses: Sequence[Loss]

    @property
    def metric(self) -> str:
        """The metric."""
        return self.path.rpartition(".")[2]

    @property
    def level(self) -> float | None:
        """The level of chance of the score, or None."""
        return self.floor.scores[self.metric].value if self.floor else None


def _floors_by_path(summary: Mapping[str, Any]) -> dict[str, Floor]:
    """The highest level of chance of each score that has one, by its path."""
    found = {}
    for part in ScoreTable.read(summary).parts():
        floor = find_floor(summary, part)
        if floor is None:
            continue
        for metric, score in floor.scores.items():
            if score.value is not None:
                kind = part.part if part.task == "spotting" else ""
                found[".".join(filter(None, (part.task, kind, metric)))] = floor
    return found


def losses_of_score(rows: Rows, path: str) -> list[Loss]:
    """What each degradation costs a score, the greatest loss first.

    Degradations under which the score is undefined are left out.
    """
    degraded = [row for row in rows if row["strength"] and path in row.get("scores", {})]
    losses = []
    for kind, of_kind in group_by(degraded, key=lambda row: row["kind"]).items():
        compared = {row["strength"]: row["scores"][path] for row in of_kind}
        known = {strength: cell for strength, cell in compared.items() if cell["difference"]["value"] is not None}
        if not known:
            continue
        worst = min(known, key=lambda strength: known[strength]["difference"]["value"])
        falling = [strength for strength, cell in known.items() if (cell["difference"]["high"] or 0) < 0]
        score, difference = (Score.from_plain(known[worst][name]) for name in ("score", "difference"))
        losses.append(Loss(kind, worst, score, difference, min(falling, default=None)))
    return sorted(losses, key=lambda loss: cast(float, loss.difference.value))


def describe_losses(part: ScoreOnPage) -> str:
    """Which degradations lower a score, in a sentence.

    "Lowers" is said where the whole 95 % interval of the difference lies below 0, which is a test at 5 %.
    """
    name = as_sentence(score_path_in_words(part.path)).rstrip(".")
    if not part.losses:
        return f"{name}: no degradation could be compared with the clean run."
    falling = [loss for loss in part.losses if loss.falls_from is not None]
    n_tested = format_count(len(part.losses), "degradation")
    if not falling:
        return f"{name}: none of {n_tested} is shown to lower it; each interval of a difference reaches 0."
    worst = falling[0]
    low, high = cast(tuple[float, float], worst.difference.ends)
    lost = Score(-cast(float, worst.difference.value), -high, -low)
    beside = ""
    if part.level is not None and worst.score.ends is not None and worst.score.ends[0] <= part.level:
        beside = f"; that is not above the {format_table_number(part.level)} of {cast(Floor, part.floor).words}"
    return (
        f"{name} falls under {len(falling)} of {n_tested}, furthest under {worst.kind} at strength {worst.strength}: "
        f"to {format_table_number(worst.score.value)}, {format_score(lost, 3)} below the clean run{beside}."
    )


LOSS_COLUMNS = (
    Column("kind", "degradation", of=lambda loss: loss.kind),
    Column("score", "lowest score", right=True, score=True, of=lambda loss: loss.score),
    Column("difference", "less the clean run", right=True, score=True, of=lambda loss: loss.difference),
    Column("strength", "at strength", right=True, of=lambda loss: loss.strength),
    Column("falls_from", "lower from strength", right=True, of=lambda loss: loss.falls_from),
)


def _table_of_greatest_losses(part: ScoreOnPage) -> Table:
    """A row for each degradation: where it is shown to lower a score, and its greatest loss."""
    return Table.from_items(LOSS_COLUMNS, part.losses, f"greatest losses of {score_path_in_words(part.path)}")
