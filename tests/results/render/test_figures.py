import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion

from mebench.results.render.plots import COLORS, confusion_matrix, figures_of, score_curve
from tests.run_folders import CLASSES, make_run

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


def intervals(**columns):
    table = pd.DataFrame(columns)
    return table.assign(kind="micro") if "kind" not in table else table


NOTHING = pd.DataFrame(columns=["kind", "onset", "apex", "offset", "confidence"])


def test_a_confusion_matrix_shows_counts_and_shares_of_the_true_class():
    rng = np.random.default_rng(0)
    truth, said = (rng.choice(CLASSES, 200, p=[0.6, 0.3, 0.1]) for _ in range(2))
    figure = confusion_matrix(pd.DataFrame({"truth": truth, "predicted": said}), CLASSES)
    counts = sklearn_confusion(truth, said, labels=list(CLASSES))
    shares = sklearn_confusion(truth, said, labels=list(CLASSES), normalize="true")
    assert [[int(cell[0]) for cell in row] for row in texts(figure)] == counts.tolist()
    assert [[cell[1] for cell in row] for row in texts(figure)] == [[f"{s:.0%}" for s in row] for row in shares]
    (picture,) = figure.axes[0].images
    np.testing.assert_allclose(picture.get_array(), shares)
    assert picture.get_clim() == (0, 1)  # two runs' colours mean the same


def test_classes_that_never_occur_are_not_shown_and_answers_that_are_no_class_are():
    answers = pd.DataFrame({"truth": ["negative", "positive"], "predicted": ["negative", None]})
    axes = confusion_matrix(answers, CLASSES).axes[0]
    assert labels(axes.yaxis) == ["negative", "positive"]
    assert labels(axes.xaxis) == ["negative", "positive", "no class"]


def test_a_class_that_was_only_answered_has_no_share():
    answers = pd.DataFrame({"truth": ["negative"], "predicted": ["surprise"]})
    assert texts(confusion_matrix(answers, CLASSES)) == [
        [["0", "0%"], ["1", "100%"]],
        [["0", "–"], ["0", "–"]],
    ]


def spans(figure):
    """(start, end) of the shades of annotated intervals, by colour."""
    from matplotlib.colors import to_hex

    found = {}
    for patch in figure.axes[0].patches:
        box = patch.get_extents().transformed(figure.axes[0].transData.inverted())
        found.setdefault(to_hex(patch.get_facecolor()), []).append((round(box.x0, 6), round(box.x1, 6)))
    return found


def test_annotations_cover_both_of_their_ends_in_seconds():
    scores = intervals(frame=range(100), score=np.linspace(0, 1, 100))
    truths = intervals(kind=["micro", "macro"], onset=[10, 50], apex=[15, None], offset=[19, 89])
    figure = score_curve(scores, truths, NOTHING, fps=10.0)
    assert spans(figure) == {COLORS["micro"]: [(1.0, 2.0)], COLORS["macro"]: [(5.0, 9.0)]}
    assert figure.axes[0].get_xlim() == (0, 10)
    assert figure.axes[0].get_xlabel() == "time, s"


def test_marks_of_apexes_lie_over_the_curve_and_the_curve_over_shades_and_bars():
    scores = intervals(frame=range(100), score=np.linspace(0, 1, 100))
    expression = {"onset": [10], "apex": [15], "offset": [39]}
    axes = score_curve(scores, intervals(**expression), intervals(**expression, confidence=[0.5]), fps=10.0).axes[0]
    marks = {line.get_zorder() for line in axes.lines if line.get_marker() in ("v", "^")}
    (curve,) = (line.get_zorder() for line in axes.lines if len(line.get_xdata()) == len(scores))
    under = {drawn.get_zorder() for drawn in (*axes.patches, *axes.collections)}
    assert max(under) < curve < min(marks)


def test_the_surer_a_spotted_interval_the_darker_its_bar():
    scores = intervals(frame=range(100), score=np.zeros(100))
    spotted = intervals(onset=[-2, 30, 60], apex=[3, 35, 65], offset=[7, 39, 69], confidence=[0.5, 0.9, 0.1])
    bars = score_curve(scores, NOTHING, spotted, fps=None).axes[0].collections
    starts = [bar.get_paths()[0].get_extents().x0 for bar in bars]
    opaque = [bar.get_alpha() for bar in bars]
    assert starts == [-2, 30, 60]
    assert opaque[1] > opaque[0] > opaque[2]


@pytest.mark.parametrize("values", [np.full(20, np.nan), np.zeros(20), np.zeros(0)])
def test_a_curve_without_any_height_is_drawn(values, tmp_path):
    scores = intervals(frame=np.arange(len(values)), score=values)
    if not len(values):
        scores["kind"] = pd.Series(dtype=object)
    score_curve(scores, NOTHING, NOTHING, fps=30.0).savefig(tmp_path / "x.png")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({}, {"recognition_confusion", "analysis_confusion", "scores"}),
        ({"tasks": ("spot",)}, {"scores"}),
        ({"tasks": ("recognize",)}, {"recognition_confusion"}),
        ({"shift": 100}, {"recognition_confusion", "scores"}),
    ],
)
def test_a_run_has_the_figures_that_apply(tmp_path, run, expected):
    figures = figures_of(make_run(tmp_path, **run))
    assert {name.split("_drawn")[0] for name in figures} == expected
    assert sum(name.startswith("scores") for name in figures) == (3 if "scores" in expected else 0)
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")


def test_the_matrix_of_true_positives_counts_what_the_summary_counts(tmp_path):
    run = make_run(tmp_path, shift=3)
    figure = figures_of(run)["analysis_confusion"]
    assert (
        sum(int(cell[0]) for row in texts(figure) for cell in row)
        == run.read_json("summary.json")["analysis"]["true_positives"]["n"]
    )


def test_nothing_is_drawn_on_import_and_no_window_is_opened():
    code = (
        "import sys, pandas as pd, mebench.results.render.plots as f; assert 'matplotlib' not in sys.modules;"
        "f.confusion_matrix(pd.DataFrame({'truth': ['a'], 'predicted': ['a']}), ['a']);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
