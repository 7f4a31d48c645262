"""Figures of one run, drawn with matplotlib's objects: no window, no global state."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mebench.errors import RunError
from mebench.lazy_imports import load_lazily
from mebench.metrics import Tables, confusion_matrix, of_first_draw
from mebench.metrics.conventions import Convention
from mebench.metrics.matching import find_truths
from mebench.metrics.tables import in_scope, of_kinds
from mebench.output.terminal import for_figure
from mebench.reports.timeline import COLORS, Span, Timeline, Track, edges_of
from mebench.runs import RunFolder
from mebench.runs.fold_files import read_csv

if TYPE_CHECKING:
    import matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mebench.core.peaks import ScoreCurve
else:
    matplotlib = load_lazily("matplotlib")

CURVE_COLORS = ("#c2410c", "#0369a1", "#4d7c0f", "#7e22ce")


def history_of(folder: RunFolder) -> pd.DataFrame:
    """The recorded trainings of all folds, a row for each epoch and split.

    `split` is `train` or `valid`; `accuracy` is NaN if not counted.

    Raises:
        RunError: a table is damaged.
    """
    parts = []
    for file in sorted(folder.path.glob("folds/*/history.csv")):
        try:
            parts.append(read_csv(file))
        except (OSError, ValueError) as error:
            raise RunError(f"{file} cannot be read ({error}): run again") from error
    if not parts:
        return pd.DataFrame(columns=["fold", "stage", "epoch", "split", "loss", "accuracy"])
    return pd.concat(parts, ignore_index=True)


def draw_training(histories: Mapping[str, pd.DataFrame], title: str = "") -> Figure:
    """Loss and accuracy of one stage over its epochs, the mean over folds.

    Each training and split has a line; where no answers were counted, there is no accuracy.

    Args:
        histories: trainings to compare by their names, for example `with transfer` and `without`; columns as `history_of`.
        title: line above the figure.
    """
    counts_answers = any(history["accuracy"].notna().any() for history in histories.values())
    columns = ("loss", "accuracy") if counts_answers else ("loss",)
    figure, axes = make_panels(5 * len(columns), 3.6, columns=len(columns))
    for ax, column in zip(axes, columns):
        for color, (name, history) in zip(CURVE_COLORS * len(histories), histories.items()):
            for split, style in {"train": "-", "valid": "--"}.items():
                mean = history[history["split"] == split].groupby("epoch")[column].mean().dropna()
                if len(mean):
                    ax.plot(
                        mean.index + 1,
                        mean,
                        linestyle=style,
                        marker="o" if len(mean) == 1 else "",
                        color=color,
                        linewidth=1.2,
                        label=for_figure(f"{name}: {split}"),
                    )
        ax.set(xlabel="epoch", ylabel=column, ylim=(0, 1.02) if column == "accuracy" else None)
    figure.suptitle(for_figure(title), x=0.01, ha="left", fontsize=11)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def figures_of_training(histories: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """`training_<stage>` for each stage of some trainings, by their names; a single training may have an empty name."""
    stages = dict.fromkeys(str(stage) for history in histories.values() for stage in history["stage"])
    figures = {}
    for stage in stages:
        of_stage = {}
        for name, history in histories.items():
            part = history[history["stage"] == stage]
            if len(part):
                of_stage[name or stage] = part
        n_folds = max(history["fold"].nunique() for history in of_stage.values())
        figures[f"training_{stage}"] = draw_training(of_stage, f"training: {stage}, mean over {n_folds} folds")
    return figures


def draw_trials(
    values: Mapping[int, float], objective: str, higher_is_better: bool, default: float | None = None
) -> Figure:
    """The value of each trial of a tuning, and the best so far.

    The best holds until a better one.

    Args:
        values: value of each finished trial by its number.
        objective: name of the value.
        higher_is_better: whether the highest value is the best.
        default: value of the untuned configuration; None where it is unknown.
    """
    numbers = sorted(values)
    every = np.array([values[number] for number in numbers], dtype=np.float64)
    best = np.maximum.accumulate(every) if higher_is_better else np.minimum.accumulate(every)
    figure, (axes,) = make_panels(6.4, 3.4)
    axes.plot(numbers, every, "o", color=CURVE_COLORS[1], markersize=5, label="trial")
    axes.step(numbers, best, where="post", color=CURVE_COLORS[0], linewidth=1.4, label="best so far")
    if default is not None:
        axes.axhline(default, color=INK, linewidth=0.9, linestyle=(0, (5, 4)), label="untuned")
    axes.set(xlabel="trial", ylabel=f"{for_figure(objective)} on the tuning people")
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False, fontsize=9)
    return figure


def draw_found_shares(points: Sequence[tuple[float, float, float, float]], title: str = "") -> Figure:
    """The share of injected micro-expressions that was found, by their strength.

    Args:
        points: strength in per cent of the distance between the eyes, share found, and the ends of its 95 % interval.
        title: line above the figure.
    """
    figure, (axes,) = make_panels(6.4, 3.4)
    strengths = [strength for strength, _, _, _ in points]
    for strength, _, low, high in points:
        axes.plot([strength, strength], [low, high], color=CURVE_COLORS[1], linewidth=1.6, solid_capstyle="butt")
    axes.plot(strengths, [share for _, share, _, _ in points], "o-", color=CURVE_COLORS[1], linewidth=0.9, markersize=5)
    axes.set_xscale("log", base=2)
    axes.set_xticks(strengths, [f"{strength:g}" for strength in strengths])
    axes.minorticks_off()
    axes.axhline(0.5, color=INK, linewidth=0.9, linestyle=(0, (5, 4)))
    axes.set(
        xlabel="strength, % of the distance between the eyes", ylabel="share found, 95 % interval", ylim=(-0.02, 1.02)
    )
    axes.set_title(for_figure(title), loc="left", fontsize=10)
    return figure


OUTCOMES = {"right": "#2f8f5b", "wrong": "#b4235a", "open": "#8b96a5"}
"""The colours of the page (`static/timeline.css`)."""
INK = "#1f2937"
RULE = "#e5e7eb"


def draw_iou_sweep(sweeps: Mapping[str, Mapping[str, Any]]) -> Figure:
    """F1 over the IoU threshold for a right interval, with known 95 % intervals.

    Args:
        sweeps: scores of each line by threshold, as in `details.f1_at_iou` of a summary.
    """
    figure, (axes,) = make_panels(6.4, 3.6)
    for color, (name, sweep) in zip(CURVE_COLORS * len(sweeps), sweeps.items()):
        points = [(float(iou), score) for iou, score in sweep.items() if score["value"] is not None]
        axes.plot(
            [iou for iou, _ in points], [score["value"] for _, score in points], color=color, label=for_figure(name)
        )
        sure = np.array([(iou, score["low"], score["high"]) for iou, score in points if score["low"] is not None])
        if len(sure):
            axes.fill_between(sure[:, 0], sure[:, 1], sure[:, 2], color=color, alpha=0.15, linewidth=0)
    axes.set(xlabel="IoU from which an interval is right", ylabel="F1", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, fontsize=9)
    return figure


def draw_subjects(scores: Mapping[str, Mapping[str, float | None]]) -> Figure:
    """A score of each subject, with a mark for each run; an undefined score has no mark.

    Args:
        scores: scores by the name of the run, then by subject.
    """
    names = list(dict.fromkeys(subject for of_run in scores.values() for subject in of_run))
    figure, (axes,) = make_panels(min(max(4.0, 1.5 + 0.22 * len(names)), 30.0), 3.4)
    for color, marker, (name, of_run) in zip(CURVE_COLORS * len(scores), "osD^" * len(scores), scores.items()):
        known = [(names.index(subject), value) for subject, value in of_run.items() if value is not None]
        axes.plot(
            [x for x, _ in known], [y for _, y in known], marker, color=color, label=for_figure(name), markersize=5
        )
    axes.set_xticks(range(len(names)), [*map(for_figure, names)], rotation=90, fontsize=7)
    axes.set(ylabel="F1", ylim=(-0.02, 1.02))
    axes.grid(axis="y", color=RULE)
    if len(scores) > 1:
        axes.legend(frameon=False, fontsize=9)
    return figure


PAGE = {
    "#c2410c": "var(--micro, #c2410c)",
    "#0369a1": "var(--macro, #0369a1)",
    "#000000": "currentColor",
    INK: "currentColor",
}
"""Colours that the page replaces by its own, which differ between light and dark themes."""


def svg_of_figure(figure: Figure, name: str) -> str:
    """The drawing as an SVG element with the page's size, font and colours.

    Args:
        figure: the figure.
        name: prefix that makes its ids unique on the page.
    """
    target = io.StringIO()
    look = {"svg.fonttype": "none", "svg.hashsalt": name}
    with matplotlib.rc_context(look):  # type: ignore[arg-type]
        figure.savefig(
            target, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    drawing = re.sub(r">\s+<", "><", target.getvalue().partition("<svg")[2])
    drawing = re.sub(r"font-family: [^;\"]*;? ?", "", drawing)
    drawing = re.sub(r' (?:width|height)="[^"]*"', "", drawing, count=2)  # of the whole
    for color, variable in PAGE.items():
        drawing = drawing.replace(color, variable)
    return re.sub(r'(\bid="|url\(#|xlink:href="#)', lambda found: f"{found[1]}{name}-", f"<svg {drawing}").strip()


def draw_confusion_matrix(answers: pd.DataFrame, classes: Sequence[str], title: str = "") -> Figure:
    """Counts, with the share of each true class in brackets and as a shade.

    Args:
        answers: columns `truth` and `predicted`; rows whose truth is not among the classes are left out.
        classes: classes in the order of rows and columns. Classes without truth and answers are not shown; answers outside the
            classes get a column `no class`.
        title: line above the figure.
    """
    return draw_confusion_counts(count_confusions(answers, classes), title)


def draw_confusion_counts(table: pd.DataFrame, title: str = "") -> Figure:
    """Counts of true (rows) against predicted classes, as `draw_confusion_matrix` draws them."""
    matrix = table.to_numpy()
    support = matrix.sum(axis=1, keepdims=True)
    share = matrix / np.maximum(support, 1)
    rows, columns = matrix.shape
    figure, (axes,) = make_panels(2.2 + 0.95 * columns, 1.5 + 0.7 * rows)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), number in np.ndenumerate(matrix):
        color = "white" if share[row, column] > 0.55 else "#1f2937"
        text = f"{number}\n{share[row, column]:.0%}" if support[row, 0] else f"{number}\n–"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=10, linespacing=1.3)
    axes.set_xticks(range(columns), [*map(for_figure, table.columns)], rotation=20 if columns > 4 else 0)
    axes.set_yticks(range(rows), [f"{for_figure(name)}\n(n = {n})" for name, n in zip(table.index, support[:, 0])])
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(for_figure(title), loc="left", fontsize=11)
    return figure


def count_confusions(answers: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Counts of true (rows) against predicted classes, for those that occur; `no class` for other answers."""
    matrix = confusion_matrix(answers["truth"].tolist(), answers["predicted"].tolist(), list(classes))
    present = [i for i in range(len(classes)) if matrix[i].any() or matrix[:, i].any()]
    has_other_answers = matrix[:, -1].any()
    columns = [*present, len(classes)] if has_other_answers else present
    return pd.DataFrame(matrix, [*classes], [*classes, "no class"]).iloc[present, columns]


def confusion_of_answers(tables: Tables, classes: Sequence[str], rule: Convention) -> pd.DataFrame:
    """The confusions of annotated clips, else of correctly spotted intervals; may be empty."""
    if tables.clips is not None:
        return count_confusions(tables.clips, classes)
    if tables.predictions is None:
        return pd.DataFrame()
    return count_confusions(classes_of_true_positives(tables, rule), classes)


def draw_timeline(drawn: Timeline) -> Figure:
    """A video over time: for each track its scores (thin if smoothed scores are also drawn), the threshold, and its
    lanes below.

    A micro-expression is orange, a macro-expression blue. A bar is green if a spotted interval is right or a true one
    is found, else red and hatched; the more confident a spotted interval among those of its kind, the more solid its
    bar. A line in a bar marks the apex or peak if there is room.
    """
    tracks = [track for track in (*drawn.tracks, Track("", {}, drawn.lanes)) if track.curves or track.lanes]
    heights = [_height_of(track) for track in tracks]
    if not tracks:
        tracks = [Track("", {}, ())]
        heights = [EMPTY_HEIGHT]
    figure, rows = make_panels(11, 1.1 + sum(heights), rows=len(tracks), sharex=True, height_ratios=heights)
    if drawn.times is None or not len(drawn.times):
        edges = np.arange(drawn.n_frames + 1) / (drawn.fps or 1.0)
    else:
        edges = edges_of(drawn.times, drawn.fps)
    for track, axes in zip(tracks, rows):
        _draw_track(axes, track, edges)
    rows[-1].set_xlim(edges[0], edges[-1])
    rows[-1].set_xlabel("time, s" if drawn.fps or drawn.times is not None else "frame")
    rows[0].set_title(for_figure(drawn.title), loc="left", fontsize=11)
    handles = _legend_of(tracks)
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)
    return figure


CURVES_HEIGHT, LANE_HEIGHT, EMPTY_HEIGHT = 2.0, 0.2, 0.5
"""Heights in inches of the curves of a track, of one lane, and of a figure without any."""
DASHES = (0, (5, 4))
"""Line style of a threshold."""


def _height_of(track: Track) -> float:
    """The height of a track in inches: its curves, if there are any, above its lanes."""
    of_lanes = LANE_HEIGHT * len(track.lanes)
    return CURVES_HEIGHT + of_lanes if track.curves else of_lanes


def _legend_of(tracks: Sequence[Track]) -> list[Any]:
    """A handle for each drawn kind of curve, threshold and outcome."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = {kind for track in tracks for kind in track.curves}
    curves = [curve for track in tracks for curve in track.curves.values()]
    lanes = [lane for track in tracks for lane in track.lanes]
    outcomes = {span.outcome for lane in lanes for span in lane.spans}
    handles: list[Any] = [
        Line2D([], [], color=color, label=f"{kind}: score") for kind, color in COLORS.items() if kind in kinds
    ]
    if any(curve.level is not None for curve in curves):
        handles.append(Line2D([], [], color=INK, linestyle=DASHES, linewidth=0.9, label="threshold"))
    labels = {"right": "found, right", "wrong": "missed, wrong", "open": "not scored"}
    handles += [Patch(color=OUTCOMES[name], label=label) for name, label in labels.items() if name in outcomes]
    return handles


@dataclass(frozen=True)
class _Scale:
    """The vertical scale of a track.

    Attributes:
        low: lowest score, or 0 without scores.
        high: highest score, or 1 without scores.
    """

    low: float
    high: float

    @property
    def step(self) -> float:
        """Height of a lane."""
        return 0.1 * ((self.high - self.low) or 1.0)

    def find_lane(self, row: int) -> float:
        """Middle of a lane below the curves, from 0."""
        return self.low - (row + 1.2) * self.step


def _scale_of(track: Track) -> _Scale:
    """The scale that shows all defined scores and levels of a track."""
    curves = track.curves.values()
    every_line = [line for curve in curves for line in (curve.scores, curve.smoothed)]
    values = [line for line in every_line if line is not None]
    levels = [curve.level for curve in curves if curve.level is not None]
    known = np.concatenate([*values, levels, []]).astype(np.float64)
    known = known[np.isfinite(known)]
    return _Scale(float(known.min()), float(known.max())) if len(known) else _Scale(0.0, 1.0)


def _draw_track(axes: Axes, track: Track, edges: NDArray[np.float64]) -> None:
    """Draw curves above lanes; a lane has the height of one step of the scale."""
    scale = _scale_of(track)
    for kind, curve in track.curves.items():
        _draw_curve(axes, curve, COLORS[kind], edges)
    for row, lane in enumerate(track.lanes):
        axes.axhline(scale.find_lane(row), color=RULE, linewidth=0.8, zorder=1)
        for span in lane.spans:
            _draw_span(axes, span, scale.find_lane(row), 0.7 * scale.step, edges)
    bottom = scale.low - (len(track.lanes) + 0.9) * scale.step
    axes.set_ylim(bottom, scale.high + scale.step if track.curves else scale.low - 0.3 * scale.step)
    ticks: list[float] = []
    if track.curves:
        lowest, highest = scale.low - scale.step / 2, scale.high + scale.step
        ticks = [tick for tick in axes.get_yticks() if lowest <= tick <= highest]
    lane_of = {scale.find_lane(row): lane for row, lane in enumerate(track.lanes)}
    names = [*(f"{tick:.3g}" for tick in ticks), *(for_figure(lane.name) for lane in lane_of.values())]
    axes.set_yticks([*ticks, *lane_of], names)
    for label, lane in zip(axes.get_yticklabels()[len(ticks) :], lane_of.values()):
        label.set(fontsize=8, color=COLORS.get(lane.kind, INK))
    axes.set_ylabel(f"{for_figure(track.name)}\nscore".strip() if track.curves else "")


MANY_FRAMES = 1500
"""Number of frames from which a curve is drawn thin."""
BESIDE_SMOOTHED = 0.5
"""Share of width and opacity that raw scores get beside smoothed ones."""


def _draw_curve(axes: Axes, curve: ScoreCurve, color: str, edges: NDArray[np.float64]) -> None:
    """Draw the scores of a kind, thin beside smoothed ones, and its threshold."""
    n_frames = len(edges) - 1
    middles = (edges[1:] + edges[:-1]) / 2
    width = 1.2 if n_frames < MANY_FRAMES else 0.5
    strength_of_scores = 1.0 if curve.smoothed is None else BESIDE_SMOOTHED
    for values, strength in ((curve.scores, strength_of_scores), (curve.smoothed, 1.0)):
        if values is not None:
            axes.plot(
                middles[: len(values)],
                values[:n_frames],
                color=color,
                linewidth=strength * width,
                alpha=strength,
                zorder=3,
            )
    if curve.level is not None and np.isfinite(curve.level):
        axes.axhline(curve.level, color=color, linewidth=0.9, linestyle=DASHES, zorder=2)


NARROW = 0.01
"""Share of the video below which a bar is too narrow for the mark of its apex."""


def _draw_span(axes: Axes, span: Span, level: float, height: float, edges: NDArray[np.float64]) -> None:
    """Draw an interval as a bar, hatched if wrong, with a mark at its apex."""
    n_frames = len(edges) - 1
    start, end = (float(edges[min(max(frame, 0), n_frames)]) for frame in (span.onset, span.offset + 1))
    hatch: dict[str, Any] = {"hatch": "////", "edgecolor": "white"} if span.outcome == "wrong" else {}
    axes.broken_barh(
        [(start, end - start)],
        (level - height / 2, height),
        facecolor=OUTCOMES[span.outcome],
        alpha=0.35 + 0.65 * span.strength,
        zorder=2,
        linewidth=0,
        **hatch,
    )
    if span.apex is None or not 0 <= span.apex < n_frames:
        return
    if end - start > NARROW * (edges[-1] - edges[0]):
        peak = float(edges[span.apex] + edges[span.apex + 1]) / 2
        axes.plot([peak, peak], [level - height / 2, level + height / 2], color=INK, linewidth=1, zorder=4)


def notebook_figure(figure: Figure) -> Figure:
    """The figure with a picture that a notebook shows under any backend."""

    def png() -> bytes:
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        return stream.getvalue()

    setattr(figure, "_repr_png_", png)  # noqa: B010
    return figure


def make_panels(width: float, height: float, rows: int = 1, columns: int = 1, **look: Any) -> tuple[Figure, list[Axes]]:
    """A figure of a size in inches, and its axes, open at top and right."""
    from matplotlib.figure import Figure  # matplotlib takes .3 s, and most programs draw nothing

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    axes: list[Any] = [*figure.subplots(rows, columns, squeeze=False, **look).flat]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


SIGNS_AN_INCH_OF_TITLE = 11
"""Signs of a title that fit into an inch."""


def write_title(figure: Figure, title: str) -> None:
    """Write a title above a figure, in as many lines as it takes; none if it is empty."""
    lines = textwrap.wrap(title, int(SIGNS_AN_INCH_OF_TITLE * figure.get_figwidth()))
    if lines:
        figure.suptitle("\n".join(map(for_figure, lines)), x=0.01, ha="left", fontsize=10)


def classes_of_true_positives(tables: Tables, rule: Convention) -> pd.DataFrame:
    """True and predicted class of the correctly spotted micro-expressions in the first draw; empty if none has an
    emotion.
    """
    ordered = of_first_draw(tables).put_in_order()
    if (ordered.spotted["emotion"] == "").all():
        return pd.DataFrame(columns=["truth", "predicted"])
    true, spotted = in_scope(of_kinds(ordered.truths, ["micro"]), of_kinds(ordered.spotted, ["micro"]), rule)
    matches = find_truths(true, spotted, rule)
    return pd.DataFrame(
        {
            "truth": true["emotion"].to_numpy()[matches.truth],
            "predicted": spotted["emotion"].to_numpy()[matches.prediction],
        }
    )
