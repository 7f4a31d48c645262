"""The axes of a figure of scores against cost, read back from matplotlib's objects."""

import math
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

from mebench.boards.site.chart import LEAST, Point, _draw, _draw_published


def point(number, seconds, value, low=None, high=None):
    scores = {"f1": {"value": value, "low": low, "high": high}}
    costs = {"fit_seconds": seconds, "predict_seconds": 0.0}
    return Point(number, SimpleNamespace(method=f"m{number}", scores=scores, costs=costs), f"#{number}", f"m{number}")


def drawn(*points):
    axes = Figure().add_subplot()
    return axes, _draw(axes, "f1", points, (), 1.0)


@pytest.mark.parametrize(
    "seconds", [(5.0,), (0.02, 40_000.0), (9.0, 11.0), (1.0, 10.0, 100.0), (0.0, 3.0), (15.0, 30.0)]
)
def test_all_points_lie_inside_whole_powers_of_ten_with_room_at_the_right_and_no_more(seconds):
    axes, _ = drawn(*(point(n, s, 0.5) for n, s in enumerate(seconds, 1)))
    left, right = axes.get_xlim()
    assert 1.6 <= max(min(seconds), LEAST) / left < 16 and 3 <= right / max(seconds) < 30
    for end in (left, right):
        assert math.log10(end) == pytest.approx(round(math.log10(end)))
    assert axes.get_xscale() == "log"


def test_a_point_has_its_interval_and_says_its_numbers():
    axes, titles = drawn(point(1, 5.0, 0.5, 0.4, 0.7), point(2, 50.0, 0.6))
    whiskers = [line.get_ydata().tolist() for line in axes.lines if len(line.get_ydata()) == 2]
    assert whiskers == [[0.4, 0.7]]
    places = [line.get_xydata().tolist() for line in axes.lines if len(line.get_ydata()) == 1]
    assert places == [[[5.0, 0.5]], [[50.0, 0.6]]]
    assert titles == {"point-1": "m1: F1 0.500 [0.400, 0.700], 5.00 s", "point-2": "m2: F1 0.600, 50.0 s"}


def test_published_scores_stand_side_by_side_where_they_are_close_and_clear_of_the_edges():
    values = [0.5, 0.51, 0.8, 0.505, 0.495, 0.5, 0.5]
    lines = [
        SimpleNamespace(method=f"m{n}", values={"f1": v}, source="a", table="1", caveats_in_words=lambda: "")
        for n, v in enumerate(values)
    ]
    axes = Figure().add_subplot()
    _draw_published(axes, "f1", lines)
    assert [line.get_ydata().tolist() for line in axes.lines] == [[v] for v in values]
    across = [float(line.get_xdata()[0]) for line in axes.lines]
    assert across == [0, 1, 0, 2, 3, 4, 0]  # five places, then the first again
    left, right = axes.get_xlim()
    assert min(across) - left == right - max(across) == 1


@pytest.mark.parametrize(
    ("high", "words"),
    [(0.3, ["chance, as many as truths", "chance, best rate"]), (0.07, ["chance, as many as truths and best rate"])],
)
def test_two_levels_of_chance_have_one_label_where_there_is_no_room_for_two(high, words):
    rows = [
        SimpleNamespace(method=f"random ({name})", scores={"f1": {"value": value}})
        for name, value in (("best rate", high), ("as many as truths", 0.04))
    ]
    axes = Figure().add_subplot()
    _draw(axes, "f1", [point(1, 5.0, 0.5)], rows, 1.0)
    assert sorted(line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--") == [0.04, high]
    labels = [text for text in axes.texts if text.get_text().startswith("chance")]
    assert [text.get_text() for text in labels] == words and labels[-1].xy[1] == high
