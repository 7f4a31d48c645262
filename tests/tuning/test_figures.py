"""What figures of a study show, read back from matplotlib's objects."""

import pytest

from mebench.tuning.figures import history, importance, pareto, slices
from mebench.tuning.records import Objective, Study, Trial
from mebench.tuning.space import Dimension, Space

SPACE = Space(
    (
        Dimension("method.lr", "training", 0.01, low=1e-5, high=0.1, log=True),
        Dimension("method.p", "postprocess", 0.5, low=0.0, high=1.0),
        Dimension("method.merge", "postprocess", "none", choices=("none", "near")),
    )
)
F1, COST = Objective("spotting.micro.f1", "maximize"), Objective("cost", "minimize")
VALUES = ((0.2, 5.0), (0.1, 1.0), (0.4, 9.0), (0.3, 9.0))
"""F1 and cost; nothing beats the first three in both."""


def params(number):
    return {"method.lr": 10.0 ** -(number + 1), "method.p": number / 10, "method.merge": ("none", "near")[number % 2]}


TRIALS = tuple(Trial(n, "complete", params(n), values) for n, values in enumerate(VALUES))
STOPPED = Trial(4, "pruned", params(4), steps={0: 0.05, 1: 0.15})
STUDY = Study("s", (F1, COST), (*TRIALS, STOPPED), {"method.p": 0.75, "method.lr": 0.25}, TRIALS[0])


def points(axes):
    """The dots of each row of the legend."""
    return {dots.get_label(): dots.get_offsets().tolist() for dots in axes.collections}


def test_history_shows_each_trial_and_the_best_so_far():
    (axes,) = history(STUDY, SPACE).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[0, 0.2], [1, 0.2], [2, 0.4], [3, 0.4]]
    found = points(axes)
    assert found["trial"] == [[n, f1] for n, (f1, _) in enumerate(VALUES)]
    assert (found["default"], found["best"]) == ([[0, 0.2]], [[2, 0.4]])
    assert found["pruned, over the folds until then"] == [[4, 0.15]]


def test_the_best_so_far_of_what_should_be_small_falls():
    study = Study("s", (COST,), tuple(Trial(t.number, t.state, t.params, t.values[1:]) for t in TRIALS))
    (axes,) = history(study, SPACE).axes
    assert axes.lines[0].get_ydata().tolist() == [5.0, 1.0, 1.0, 1.0]
    assert points(axes)["best"] == [[1, 1.0]] and "default" not in points(axes)


def test_importance_is_a_bar_for_each_parameter_from_nothing_on():
    (axes,) = importance(STUDY).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["lr", "p"]  # the largest on top
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.75]
    left, right = axes.get_xlim()
    assert left == 0 and right > 0.75
    (axes,) = importance(Study("s", (F1,), TRIALS, {"method.p": 0.0})).axes
    assert axes.get_xlim() == (0, 1)


def test_slices_show_each_parameter_on_its_own_scale():
    lr, p, merge = slices(STUDY, SPACE).axes
    assert (lr.get_xscale(), p.get_xscale()) == ("log", "linear")
    assert [axes.get_xlabel() for axes in (lr, p, merge)] == ["lr", "p", "merge"]
    f1 = [f1 for f1, _ in VALUES]
    assert points(lr)["trial"] == [[pytest.approx(10.0 ** -(n + 1)), y] for n, y in enumerate(f1)]
    assert points(merge)["trial"] == [[n % 2, y] for n, y in enumerate(f1)]
    assert [label.get_text() for label in merge.get_xticklabels()] == ["none", "near"]
    assert merge.get_xlim()[0] < 0 and merge.get_xlim()[1] > 1


@pytest.mark.parametrize(("dimensions", "grid"), [(1, (1, 1)), (3, (1, 3)), (4, (2, 3)), (7, (3, 3))])
def test_slices_stand_three_beside_one_another_and_leave_no_empty_axes(dimensions, grid):
    several = Space(tuple(Dimension(f"method.p{n}", "postprocess", 0.5, low=0, high=1) for n in range(dimensions)))
    trials = tuple(
        Trial(n, "complete", dict.fromkeys((d.key for d in several.dimensions), 0.5), (0.1,)) for n in (0, 1)
    )
    figure = slices(Study("s", (F1,), trials), several)
    assert sum(axes.get_visible() for axes in figure.axes) == dimensions
    assert figure.axes[0].get_gridspec().get_geometry() == grid


def test_the_pareto_front_joins_what_nothing_beats():
    (axes,) = pareto(STUDY, SPACE).axes
    assert axes.lines[0].get_xydata().tolist() == [[0.4, 9.0], [0.2, 5.0], [0.1, 1.0]]
    assert [(note.get_text(), note.xy) for note in axes.texts] == [("2", (0.4, 9)), ("0", (0.2, 5)), ("1", (0.1, 1))]
    assert points(axes)["trial"] == [list(values) for values in VALUES] and "best" not in points(axes)
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "spotting.micro.f1 (higher is better)",
        "cost (lower is better)",
    )


def test_the_front_goes_from_the_best_in_the_first_objective_on():
    turned = tuple(Trial(t.number, t.state, t.params, t.values[::-1]) for t in TRIALS)
    assert [t.values[0] for t in Study("s", (COST, F1), turned).front()] == [1.0, 5.0, 9.0]
    assert [t.values[0] for t in STUDY.front()] == [0.4, 0.2, 0.1]


def test_of_three_objectives_the_front_shows_two_and_says_so():
    """What is worst in both may be best in the third."""
    third = Objective("spotting.micro.recall", "maximize")
    trials = tuple(Trial(n, "complete", params(n), (*values, n / 10)) for n, values in enumerate(VALUES))
    (axes,) = pareto(Study("s", (F1, COST, third), trials), SPACE).axes
    assert axes.lines[0].get_label() == "Pareto front, of 3 objectives"
    assert axes.lines[0].get_xydata().tolist() == [[0.4, 9.0], [0.3, 9.0], [0.2, 5.0], [0.1, 1.0]]
    (axes,) = pareto(STUDY, SPACE).axes
    assert axes.lines[0].get_label() == "Pareto front"
