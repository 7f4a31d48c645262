"""The box at the head of a method's card says what plugins and committed records say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from mebench.core.peaks import peaks_of

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").is_dir(), reason="needs the checkout: docs/ is no part of the sdist"
)

if (ROOT / "docs").is_dir():
    from docs import cards

METHODS = sorted(path.parent.name for path in (ROOT / "methods").glob("*/config.yaml"))


def test_cards_have_year_of_each_paper():
    configs = {method: yaml.safe_load((ROOT / f"methods/{method}/config.yaml").read_text()) for method in METHODS}
    years = {method: cards.year_of(config) for method, config in configs.items() if config.get("paper")}
    assert len(years) > 20, years
    assert all(re.fullmatch(r"(19|20)\d\d", year) for year in years.values()), years
    assert (years["spotformer"], years["rcn"], years["htnet"]) == ("2024", "2020", "2024")


def test_cards_have_scores_of_named_records():
    board = json.loads((ROOT / "leaderboards/tables/recognition-megc2019_flow-loso.json").read_text())
    row = cards.row_of(board, "ststnet")
    records = [json.loads((ROOT / f"leaderboards/records/{run}/record.json").read_text()) for run in row["runs"]]
    values = [record["summary"]["recognition"]["scores"]["uf1"]["value"] for record in records]
    assert len(values) == 3
    line, *_ = cards.scores("ststnet")
    assert line.startswith(f"UF1 **{sum(values) / 3:.3f}** [")
    assert "Cost: " in line


@pytest.mark.parametrize("method", METHODS)
def test_cards_have_cost_of_each_score(method):
    assert all(" to fit all folds, " in line for line in cards.scores(method))


def test_cards_count_parameters_of_networks_alone():
    assert " parameters." in cards.scores("ststnet")[0]
    assert "parameter" not in cards.scores("probe")[0]


def test_cards_quote_no_row_selected_on_tested_people():
    board = json.loads((ROOT / "leaderboards/tables/recognition-megc2019_flow-loso.json").read_text())
    assert {cards.row_of(board, method)["selection"] for method in ("htnet", "resnet10", "logistic")} == {"fixed"}


def test_cards_have_chain_of_method_as_input():
    assert cards.inputs("ststnet") == "FaceCrop → Flow → Strain → FlowImage"
    assert cards.inputs("random") == "none"


def test_cards_say_which_of_equal_peaks_stays():
    """Their public programs call SciPy's `find_peaks`, which keeps another one (read in each program)."""
    programs = ("boosting_vrme", "me_tst", "mean", "mtsn", "sfamnet", "softnet", "tsmsnet")
    smoothed = np.array([0.0, 1.0, 0.0, 1.0, 0.0])
    assert peaks_of(smoothed, 0.5, 3).tolist() == [3]
    for method in programs:
        text = (ROOT / f"methods/{method}/README.md").read_text()
        (row,) = (line for line in text.splitlines() if "of equally high peaks" in line)
        assert "the last stays" in row, method
        assert "SciPy's `find_peaks` (`" in row, method
