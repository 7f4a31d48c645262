import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion

from mebench.core.peaks import ScoreCurve
from mebench.reports import plots, report, timeline
from tests.helpers.run_folders import CLASSES, make_run

ROOT = Path(__file__).parents[3]


def texts(figure):
    """What the cells of a confusion matrix say, row by row, as (count, share)."""
    axes = figure.axes[0]
    shape = (len(axes.get_yticks()), len(axes.get_xticks()))
    cells = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text().split("\n") for t in axes.texts}
    assert len(cells) == shape[0] * shape[1]
    return [[cells[row, column] for column in range(shape[1])] for row in range(shape[0])]


def labels(axis):
    return [label.get_text().split("\n")[0] for label in axis.get_ticklabels()]


def test_draw_confusion_matrix_shows_counts_and_shares():
    rng = np.random.default_rng(0)
    truth, predicted = (rng.choice(CLASSES, 200, p=[0.6, 0.3, 0.1]) for _ in range(2))
    figure = plots.draw_confusion_matrix(pd.DataFrame({"truth": truth, "predicted": predicted}), CLASSES)
    counts = sklearn_confusion(truth, predicted, labels=list(CLASSES))
    shares = sklearn_confusion(truth, predicted, labels=list(CLASSES), normalize="true")
    printed_counts = [[int(cell[0]) for cell in row] for row in texts(figure)]
    printed_shares = [[cell[1] for cell in row] for row in texts(figure)]
    percentages = [[f"{s:.0%}" for s in row] for row in shares]
    assert printed_counts == counts.tolist()
    assert printed_shares == percentages
    (picture,) = figure.axes[0].images
    np.testing.assert_allclose(picture.get_array(), shares)
    assert picture.get_clim() == (0, 1)  # two runs' colours mean the same


def test_svg_of_figure_takes_the_page_s_size_alone():
    """The whole has no width of its own; the pictures and frames in it keep theirs."""
    answers = pd.DataFrame({"truth": ["negative", "positive"], "predicted": ["negative", "negative"]})
    figure = plots.draw_confusion_matrix(answers, CLASSES)
    drawing = ElementTree.fromstring(plots.svg_of_figure(figure, "f").replace("xlink:", ""))
    assert not {"width", "height"} & drawing.attrib.keys()
    sized = [part for part in drawing.iter() if part.tag.rpartition("}")[2] in ("image", "rect")]
    assert sized
    assert all({"width", "height"} <= part.attrib.keys() for part in sized)


def test_draw_confusion_matrix_leaves_out_absent_classes():
    answers = pd.DataFrame({"truth": ["negative", "positive"], "predicted": ["negative", None]})
    axes = plots.draw_confusion_matrix(answers, CLASSES).axes[0]
    assert labels(axes.yaxis) == ["negative", "positive"]
    assert labels(axes.xaxis) == ["negative", "positive", "no class"]


def test_draw_confusion_matrix_has_no_share_without_truth():
    answers = pd.DataFrame({"truth": ["negative"], "predicted": ["surprise"]})
    assert texts(plots.draw_confusion_matrix(answers, CLASSES)) == [
        [["0", "0%"], ["1", "100%"]],
        [["0", "–"], ["0", "–"]],
    ]


def drawn(scores=None, lanes=(), n=100, fps=10.0, **curve):
    curves = {} if scores is None else {"micro": ScoreCurve(np.asarray(scores, float), **curve)}
    return timeline.Timeline("a video", n, fps, [timeline.Track("", curves, lanes)])


def bars(figure):
    """(start, end) of the bars by colour, and how solid they are."""
    from matplotlib.colors import to_hex

    found = {}
    for bar in figure.axes[0].collections:
        box = bar.get_paths()[0].get_extents()
        found.setdefault(to_hex(bar.get_facecolor()[0]), []).append((round(box.x0, 6), round(box.x1, 6)))
    return found


def test_draw_timeline_bars_cover_both_ends():
    true = timeline.Lane(
        "micro, true", [timeline.Span(10, 19, "", 15, "right"), timeline.Span(50, 89, "", None, "wrong")], "micro"
    )
    figure = plots.draw_timeline(drawn(np.linspace(0, 1, 100), [true]))
    assert bars(figure) == {plots.OUTCOMES["right"]: [(1.0, 2.0)], plots.OUTCOMES["wrong"]: [(5.0, 9.0)]}
    assert figure.axes[0].get_xlim() == (0, 10)
    assert figure.axes[0].get_xlabel() == "time, s"
    assert "micro, true" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_draw_timeline_bars_show_confidence():
    spans = [timeline.Span(on, on + 9, "", on + 5, "open", sure) for on, sure in ((-2, 0.5), (30, 0.9), (60, 0.1))]
    found = plots.draw_timeline(drawn(np.zeros(100), [timeline.Lane("", spans)], fps=None)).axes[0].collections
    assert [bar.get_paths()[0].get_extents().x0 for bar in found] == [0, 30, 60]
    opaque = [bar.get_alpha() for bar in found]
    assert opaque[1] > opaque[0] > opaque[2]


def test_draw_timeline_draws_smoothed_and_threshold():
    raw = np.arange(100.0)
    smooth = np.arange(100.0) / 2
    lines = plots.draw_timeline(drawn(raw, smoothed=smooth, level=20.0)).axes[0].lines
    thick = {tuple(line.get_ydata()[:3]): line.get_linewidth() for line in lines}
    assert thick[0.0, 0.5, 1.0] > thick[0.0, 1.0, 2.0]
    assert (20.0, 20.0) in thick
    assert {line.get_color() for line in lines} == {timeline.COLORS["micro"]}


def test_figures_escape_formulas(tmp_path):
    lane = timeline.Lane("$\\frac$ <b>\x1b[31m", [timeline.Span(1, 2, "")])
    figure = plots.draw_timeline(
        timeline.Timeline("$\\nothing{", 10, None, [timeline.Track("$x^$", {"micro": ScoreCurve(np.ones(10))}, [lane])])
    )
    figure.savefig(tmp_path / "x.svg")
    ElementTree.parse(tmp_path / "x.svg")  # XML can hold neither the sign that a terminal obeys nor the bracket


@pytest.mark.parametrize("values", [np.full(20, np.nan), np.zeros(20), np.zeros(0), None])
def test_draw_timeline_draws_constant_scores(values, tmp_path):
    plots.draw_timeline(drawn(values, n=20, fps=30.0)).savefig(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({}, {"recognition_confusion", "analysis_confusion", "iou_sweep", "subjects", "scores"}),
        ({"tasks": ("spot",)}, {"iou_sweep", "subjects", "scores"}),
        ({"tasks": ("recognize",)}, {"recognition_confusion"}),
        ({"shift": 100}, {"recognition_confusion", "iou_sweep", "subjects", "scores"}),
    ],
)
def test_figures_of_run_that_apply(tmp_path, run, expected):
    figures = report.figures_of_run(make_run(tmp_path, **run))
    of_each_kind = {name.split("_drawn")[0]: figure for name, figure in figures.items()}
    assert of_each_kind.keys() == expected
    assert sum(name.startswith("scores") for name in figures) == (3 if "scores" in expected else 0)
    for name, figure in of_each_kind.items():
        figure.savefig(tmp_path / f"{name}.png", dpi=20)


def test_classes_of_true_positives_agree_with_summary(tmp_path):
    run = make_run(tmp_path, shift=3)
    figure = report.figures_of_run(run)["analysis_confusion"]
    printed_counts = [int(cell[0]) for row in texts(figure) for cell in row]
    assert sum(printed_counts) == run.read_json("summary.json")["analysis"]["true_positives"]["n"]


def test_plots_import_opens_no_window():
    code = (
        "import sys, pandas as pd, mebench.reports.plots as f; "
        "assert 'matplotlib' not in sys.modules;"
        "f.draw_confusion_matrix(pd.DataFrame({'truth': ['a'], 'predicted': ['a']}), ['a']);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
