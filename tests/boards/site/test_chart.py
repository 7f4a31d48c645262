"""A figure of scores against cost, read back from its SVG: places become numbers again by the ticks."""

import math
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from mebench.boards import site
from mebench.reports import page_templates
from mebench.score_type import Score

TEMPLATES = page_templates.template_environment(Path(site.__file__).parent / "templates")


def point(number, seconds, value, low=None, high=None):
    scores = {"f1": Score(value, low, high)}
    costs = {"fit_seconds": seconds, "predict_seconds": 0.0}
    return site.chart.ChartPoint(
        number, SimpleNamespace(method=f"m{number}", scores=scores, costs=costs), f"#{number}", f"m{number}"
    )


def chance(name, value):
    return SimpleNamespace(method=f"random ({name})", scores={"f1": Score(value)})


class Read:
    """One of the drawings, the wide one by default."""

    def __init__(self, points, levels=(), published=(), which=0):
        found = ElementTree.fromstring(f"<x>{site.chart.draw_chart(TEMPLATES, 'f1', points, levels, published)}</x>")
        self.svg = found[which][0]
        self.ticks = {
            float(t.text.replace(",", "")): float(t.get("x")) for t in self.svg.iter("text") if t.get("class") == "tick"
        }
        lines = self.svg.find("g[@class='across']")
        scale = [(float(t.get("y")), float(t.text)) for t in lines if t.tag == "text" and not t.get("class")]
        self.down = np.polyfit(*zip(*scale), 1)
        self.across = np.polyfit([*self.ticks.values()], [math.log10(tick) for tick in self.ticks], 1)

    def value(self, y):
        return pytest.approx(np.polyval(self.down, float(y)), abs=0.005)

    def seconds(self, x):
        return pytest.approx(10 ** np.polyval(self.across, float(x)), rel=0.02)

    def group(self, name, tag):
        return [one for one in self.svg.find(f"g[@class='{name}']") if one.tag.endswith(tag)]


@pytest.mark.parametrize(
    "seconds", [(5.0,), (0.02, 40_000.0), (9.0, 11.0), (1.0, 10.0, 100.0), (0.0, 3.0), (15.0, 30.0)]
)
@pytest.mark.parametrize("which", [0, 1])
def test_draw_chart_has_points_inside_powers_of_ten(seconds, which):
    read = Read([point(n, s, 0.5) for n, s in enumerate(seconds, 1)], which=which)
    left = min(read.ticks)
    right = max(read.ticks)
    assert 1.6 <= max(min(seconds), site.chart.LEAST) / left < 16
    assert 3 <= right / max(seconds) < 30
    powers = [round(math.log10(tick)) for tick in read.ticks]
    wide = {"middle": 0.5, "end": 1.0}
    marks = [text for text in read.svg.iter("text") if text.get("class") == "tick"]
    begins = [float(mark.get("x")) - 6 * len(mark.text) * wide[mark.get("text-anchor")] for mark in marks]
    assert all(one + 6 * len(mark.text) < other for one, other, mark in zip(begins, begins[1:], marks))
    assert powers == [*range(powers[0], powers[-1] + 1)] or len(powers) > 4
    places = [circle.get("cx") for circle in read.svg.iter("circle")]
    assert [max(s, site.chart.LEAST) for s in seconds] == [read.seconds(place) for place in places]


def test_draw_chart_point_has_interval_title_and_link():
    read = Read([point(1, 5.0, 0.5, 0.4, 0.7), point(2, 50.0, 0.6)])
    (whisker,) = (line for line in read.svg.iter("line") if line.get("class") == "whisker")
    assert [read.value(whisker.get(end)) for end in ("y1", "y2")] == [0.4, 0.7]
    assert [read.value(circle.get("cy")) for circle in read.svg.iter("circle")] == [0.5, 0.6]
    links = {a.get("href"): a.get("aria-label") for a in read.svg.iter("a")}
    assert links == {"#1": "m1: F1 0.500 [0.400, 0.700], 5.00 s", "#2": "m2: F1 0.600, 50.0 s"}
    assert [title.text for title in read.svg.iter("title")] == list(links.values())


def test_draw_chart_without_score_is_empty():
    assert not site.chart.draw_chart(TEMPLATES, "f1", [point(1, 5.0, None)], (), ())


def test_draw_chart_names_do_not_overlap():
    read = Read([point(n, 5.0 * 1.02**n, 0.5) for n in range(1, 12)])
    names = read.group("names", "text")
    assert 0 < len(names) < 11, "where they are crowded, some are left out"
    boxes = {(name.get("x"), name.get("y"), name.get("text-anchor")) for name in names}
    assert len(boxes) == len(names)


def test_draw_chart_has_close_published_side_by_side():
    values = [0.5, 0.51, 0.8, 0.505, 0.495, 0.5, 0.5, 1.2]
    lines = [
        SimpleNamespace(method=f"m{n}", values={"f1": str(v)}, source="a", table="1", caveats_in_words=lambda: "")
        for n, v in enumerate(values)
    ]
    read = Read([point(1, 5.0, 0.5)], published=lines)
    places = [re.findall(r"[\d.]+", one.get("transform")) for one in read.group("printed", "path")]
    assert values[:-1] == [read.value(y) for _, y in places], "a score above 1 is none of this scale"
    across = [float(x) for x, _ in places]
    assert np.argsort(np.unique(across)).tolist() == [0, 1, 2, 3, 4]
    assert [np.unique(across).tolist().index(x) for x in across] == [0, 1, 0, 2, 3, 4, 0]  # five places, then the first
    (head,) = read.group("printed", "text")
    assert float(head.get("x")) == pytest.approx((min(across) + max(across)) / 2, abs=0.2)


@pytest.mark.parametrize(
    ("high", "words"),
    [(0.3, ["chance, as many as truths", "chance, best rate"]), (0.05, ["chance, as many as truths and best rate"])],
)
def test_draw_chart_joins_labels_of_close_levels(high, words):
    read = Read([point(1, 5.0, 0.5)], [chance("best rate", high), chance("as many as truths", 0.04)])
    assert [0.04, high] == [read.value(line.get("y1")) for line in read.group("levels", "line")]
    labels = read.group("levels", "text")
    assert [text.text for text in labels] == words
    assert float(labels[-1].get("y")) == pytest.approx(float(read.group("levels", "line")[-1].get("y1")) - 6, abs=0.2)
