"""The chart of the first page shows what the committed table says."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="needs the checkout: docs/ is no part of the sdist"
)

if (ROOT / "docs").is_dir():
    from docs import selection_chart


def test_chart_is_drawn_from_committed_table():
    assert selection_chart.CHART.read_text("utf-8") == selection_chart.chart(), "run: python docs/selection_chart.py"


def test_pairs_are_of_all_rows_chosen_on_tested_people():
    (part, *_) = json.loads((ROOT / "leaderboards/tables/recognition-megc2019_flow-loso.json").read_text())["parts"]
    chosen = {row["method"]: row["scores"]["uf1"]["value"] for row in part["rows"] if row["selection"] == "test"}
    assert {method: leaking for method, _, leaking in selection_chart.pairs()} == chosen
    assert ("ststnet", pytest.approx(0.696, abs=5e-4), pytest.approx(0.762, abs=5e-4)) in selection_chart.pairs()


def test_chart_is_described_on_first_page():
    pairs = selection_chart.pairs()
    words = (ROOT / "docs/index.md").read_text("utf-8")
    (honest, leaking) = (sorted(values) for values in zip(*(pair[1:] for pair in pairs), strict=True))
    ends = [f"{value:.2f}".removeprefix("0") for value in (honest[0], honest[-1], leaking[0], leaking[-1])]
    assert len(pairs) == 11
    assert "![UF1 of eleven methods on MEGC 2019: the last epoch lies between {} and {}, ".format(*ends) in words
    assert "the best epoch of each tested person between {2} and {3}](selection.svg)".format(*ends) in words
