"""Figures of one run, drawn with matplotlib's objects: no window, no global state."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mebench.errors import RunError
from mebench.metrics import Convention, Tables, find, named
from mebench.metrics import confusion_matrix as count
from mebench.metrics.tables import in_scope, of_kinds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mebench.runner.folder import RunFolder

DPI = 150
CURVE_COLORS = ("#c2410c", "#0369a1", "#4d7c0f", "#7e22ce")
STYLES = {"train": "-", "valid": "--"}
COLUMNS = ("fold", "stage", "epoch", "split", "loss", "accuracy")


def history_of(folder: RunFolder) -> pd.DataFrame:
    """The trainings of all folds that noted any: `COLUMNS`, `split` being `train` or `valid`, `accuracy` NaN where not counted.

    Raises:
        RunError: a table is damaged.
    """
    parts = []
    for file in sorted(folder.path.glob("folds/*/history.csv")):
        try:
            parts.append(pd.read_csv(file, dtype={"fold": str, "stage": str}))
        except (OSError, ValueError) as error:
            raise RunError(f"{file} cannot be read ({error}): run again") from error
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def training_curves(histories: Mapping[str, pd.DataFrame], title: str = "") -> Figure:
    """Loss and accuracy of one stage over its epochs, the mean over folds; a line for each training and split.

    Args:
        histories: trainings to compare by their names, for example `with transfer` and `without`; columns as `history_of`.
        title: above the figure.
    """
    figure = _canvas(10, 3.6)
    axes = figure.subplots(1, 2)
    for ax, column in zip(axes, ("loss", "accuracy")):
        for color, (name, history) in zip(CURVE_COLORS * len(histories), histories.items()):
            _lines(ax, history, column, name, color)
        ax.set(xlabel="epoch", ylabel=column)
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].set_ylim(0, 1.02)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def figures_of_training(history: pd.DataFrame) -> dict[str, Figure]:
    """`training_<stage>` for each stage of a run."""
    return {
        f"training_{stage}": training_curves(
            {str(stage): own}, f"training: {stage}, mean over {own['fold'].nunique()} folds"
        )
        for stage, own in history.groupby("stage", sort=False)
    }


def _lines(ax: Axes, history: pd.DataFrame, column: str, name: str, color: str) -> None:
    for split, style in STYLES.items():
        mean = history[history["split"] == split].groupby("epoch")[column].mean().dropna()
        if len(mean):
            look: dict[str, Any] = {
                "linestyle": style,
                "marker": "o" if len(mean) == 1 else "",
                "color": color,
                "linewidth": 1.2,
            }
            ax.plot(mean.index + 1, mean, label=f"{name}: {split}", **look)


COLORS = {"micro": "#c2410c", "macro": "#0369a1"}
"""Orange and blue stay apart for colour-blind readers and in print."""
SHADE = 0.22
CURVES = 3
MANY = 1500
"""Frames from which on a curve is drawn thin."""
NARROW = 0.01
"""Share of the video below which a bar is too narrow to hold the mark of its apex."""


def figures_of(folder: RunFolder) -> dict[str, Figure]:
    """The figures of a finished run, by name.

    `recognition_confusion` for the annotated clips, `analysis_confusion` for the true positives of a method that also
    names their emotion, `scores_<video>` for the videos with the most expressions, three at most, and `training_<stage>`
    for trainings that noted how they went. Those that do not apply are absent.

    Raises:
        RunError: a table of the run is missing or damaged.
    """
    from mebench.runner.folder import safe_name
    from mebench.runner.scoring import tables_of

    about, tables = folder.read_json("folds.json"), tables_of(folder)
    figures = {}
    if tables.clips is not None and len(tables.clips):
        title = "recognition: annotated clips"
        figures["recognition_confusion"] = confusion_matrix(tables.clips, about["classes"], title)
    if tables.predictions is not None:
        found = true_positives(tables, named(folder.read_json("summary.json")["convention"]))
        if len(found):
            figures["analysis_confusion"] = confusion_matrix(found, about["classes"], "analysis: true positives")
        scores, truths = folder.read_table("frame_scores.parquet"), tables.truths
        for video in _most_expressions(truths[truths["video"].isin(scores["video"])]):
            shown = (scores, truths, _first_draw(tables.predictions))
            line, true, spotted = (table[table["video"] == video] for table in shown)
            fps = tables.videos.set_index("video")["fps"][video]
            rate = None if pd.isna(fps) else float(fps)
            figures[f"scores_{safe_name(video)}"] = score_curve(line, true, spotted, rate, video)
    return figures | figures_of_training(history_of(folder))


def confusion_matrix(answers: pd.DataFrame, classes: Sequence[str], title: str = "") -> Figure:
    """Counts, and in brackets and as shade the share of each true class.

    Args:
        answers: columns `truth` and `predicted`; rows whose truth is not among the classes are left out.
        classes: in the order of rows and columns. Classes that occur neither in truth nor in answers are not shown;
            answers that are no class at all get a column `no class`.
        title: above the figure.
    """
    table = confusions(answers, classes)
    matrix = table.to_numpy()
    support = matrix.sum(axis=1, keepdims=True)
    share = matrix / np.maximum(support, 1)
    rows, columns = matrix.shape
    figure = _canvas(2.2 + 0.95 * columns, 1.5 + 0.7 * rows)
    axes = figure.add_subplot()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), number in np.ndenumerate(matrix):
        color = "white" if share[row, column] > 0.55 else "#1f2937"
        text = f"{number}\n{share[row, column]:.0%}" if support[row, 0] else f"{number}\n–"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=10, linespacing=1.3)
    axes.set_xticks(range(columns), table.columns, rotation=20 if columns > 4 else 0)
    axes.set_yticks(range(rows), [f"{name}\n(n = {n})" for name, n in zip(table.index, support[:, 0])])
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, loc="left", fontsize=11)
    return figure


def confusions(answers: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Counts of true (rows) against predicted classes, of those that occur; `no class` for answers that are none."""
    matrix = count(answers["truth"].tolist(), answers["predicted"].tolist(), list(classes))
    shown = [i for i in range(len(classes)) if matrix[i].any() or matrix[:, i].any()]
    columns = [*shown, *([len(classes)] if matrix[:, -1].any() else [])]
    return pd.DataFrame(matrix, [*classes], [*classes, "no class"]).iloc[shown, columns]


def score_curve(
    scores: pd.DataFrame,
    truths: pd.DataFrame,
    predictions: pd.DataFrame,
    fps: float | None,
    title: str = "",
    n_frames: float | None = None,
) -> Figure:
    """Frame scores of one video over time, its annotated intervals as shades and the spotted ones as bars below.

    A micro-expression is orange, a macro-expression blue, in the curve, the shade and the bar. A triangle marks the
    apex, where there is room; the surer a spotted interval among those of its kind, the darker its bar.

    Args:
        scores: columns `frame`, `kind`, `score`; NaN leaves a gap.
        truths: columns `kind`, `onset`, `apex` (may be missing), `offset`, both ends inclusive, in frames.
        predictions: columns `kind`, `onset`, `apex`, `offset`, `confidence`.
        fps: frames per second; None leaves the axis in frames.
        title: above the figure.
        n_frames: of the video; as many as have a score, or lie in an interval, if left out.
    """
    kinds = [kind for kind in COLORS if kind in {*scores["kind"], *predictions["kind"]}]
    figure = _canvas(11, 2.9 + 0.22 * len(kinds))
    axes = figure.add_subplot()
    unit = fps or 1.0
    values = scores["score"].to_numpy(np.float64)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    thick, last = (1.2 if len(scores) < MANY else 0.5), n_frames or _end(scores, truths, predictions)
    step = 0.09 * ((high - low) or 1.0)
    axes.set_xlim(0, last / unit)
    for kind in COLORS:
        for truth in truths[truths["kind"] == kind].itertuples():
            _shade(axes, truth, kind, unit, high + step)
    for row, kind in enumerate(kinds):
        line, level = scores[scores["kind"] == kind].sort_values("frame"), low - (row + 1.2) * step
        axes.plot((line["frame"] + 0.5) / unit, line["score"], color=COLORS[kind], linewidth=thick, zorder=3)
        axes.axhline(level, color="#e5e7eb", linewidth=0.8, zorder=1)
        _bars(axes, predictions[predictions["kind"] == kind], kind, unit, level, 0.7 * step)
    axes.set_ylim(low - (len(kinds) + 0.9) * step, high + 1.8 * step)
    axes.set_yticks([tick for tick in axes.get_yticks() if low - step / 2 <= tick <= high + step])  # none beside bars
    axes.set(xlabel="time, s" if fps else "frame", ylabel="score")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11)
    _legend(figure, [kind for kind in COLORS if kind in kinds or (truths["kind"] == kind).any()], kinds)
    return figure


def timeline(tables: Tables, frame_scores: pd.DataFrame, video: str) -> Figure:
    """The `score_curve` of one video, by its key; of a method that predicts by chance its first draw."""
    rows = tables.videos.set_index("video").loc[video]

    def known(name: str) -> float | None:
        return None if pd.isna(rows[name]) else float(rows[name])

    spotted = tables.predictions
    if spotted is None:
        spotted = pd.DataFrame(columns=["video", "kind", "onset", "apex", "offset", "confidence", "draw"])
    shown = (frame_scores, tables.truths, _first_draw(spotted))
    line, true, found = (table[table["video"] == video] for table in shown)
    return score_curve(line, true, found, known("fps"), video, known("n_frames"))


def shown_in_notebooks(figure: Figure) -> Figure:
    """The figure with a picture that a notebook finds, whichever backend it has set up."""

    def png() -> bytes:
        stream = io.BytesIO()
        figure.savefig(stream, format="png")
        return stream.getvalue()

    setattr(figure, "_repr_png_", png)  # noqa: B010
    return figure


def _canvas(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, tied to Agg and to nothing global."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _end(scores: pd.DataFrame, truths: pd.DataFrame, predictions: pd.DataFrame) -> int:
    """The frame after the last that anything is said of."""
    columns = (scores["frame"], truths["offset"], predictions["offset"])
    return max((int(column.max()) + 1 for column in columns if len(column)), default=1)


def _shade(axes: Axes, truth: Any, kind: str, unit: float, top: float) -> None:
    axes.axvspan(truth.onset / unit, (truth.offset + 1) / unit, color=COLORS[kind], alpha=SHADE, linewidth=0, zorder=0)
    if not pd.isna(truth.apex):
        axes.plot((truth.apex + 0.5) / unit, top, marker="v", color=COLORS[kind], markersize=5, zorder=4)


def _bars(axes: Axes, spotted: pd.DataFrame, kind: str, unit: float, level: float, height: float) -> None:
    rows: Any = zip(spotted.itertuples(), spotted["confidence"].rank(pct=True).fillna(1.0))
    for p, share in rows:
        start, width = p.onset / unit, (p.offset + 1 - p.onset) / unit
        axes.broken_barh(
            [(start, width)], (level - height / 2, height), facecolors=COLORS[kind], alpha=0.35 + 0.55 * share, zorder=2
        )
        if width > NARROW * axes.get_xlim()[1]:
            axes.plot((p.apex + 0.5) / unit, level, marker="^", color="white", markersize=3.5, zorder=4)


def _legend(figure: Figure, annotated: Sequence[str], spotted: Sequence[str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(color=COLORS[kind], alpha=SHADE, label=f"{kind}: annotated") for kind in annotated]
    for kind in spotted:
        handles += [
            Line2D([], [], color=COLORS[kind], label=f"{kind}: score"),
            Patch(color=COLORS[kind], alpha=0.7, label=f"{kind}: spotted"),
        ]
    handles += [Line2D([], [], color="#6b7280", marker="v", linestyle="", label="apex")]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=9)


def _first_draw(predictions: pd.DataFrame) -> pd.DataFrame:
    """What a method that predicts by chance said the first time; everything of other methods."""
    return predictions[predictions["draw"] == 0]


def true_positives(tables: Tables, rule: Convention) -> pd.DataFrame:
    """True and predicted class of the first draw's micro-expressions that are right; empty if none carries an emotion."""
    assert tables.predictions is not None
    predictions = _first_draw(tables.predictions)
    if predictions["emotion"].isna().all():
        return pd.DataFrame(columns=["truth", "predicted"])
    ordered = Tables(tables.videos, tables.truths, predictions).ordered()
    assert ordered.predictions is not None
    true, spotted = in_scope(of_kinds(ordered.truths, ["micro"]), of_kinds(ordered.predictions, ["micro"]), rule)
    found = find(true, spotted, rule)
    return pd.DataFrame(
        {
            "truth": true["emotion"].to_numpy()[found.truth],
            "predicted": spotted["emotion"].to_numpy()[found.prediction],
        }
    )


def _most_expressions(truths: pd.DataFrame) -> list[str]:
    counts = truths["video"].value_counts()
    return sorted(counts.index, key=lambda video: (-counts[video], video))[:CURVES]
