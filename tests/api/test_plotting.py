"""Figures of runs and boards: what they hold, and what is refused."""

import shutil
from pathlib import Path

import pytest
from scipy import stats

import mebench
from mebench.api import plotting
from mebench.boards.comparison_plots import ComparedRow, DatasetEffect, draw_significance
from mebench.boards.row_plots import PlottedRow, draw_scores
from mebench.errors import ConfigError, RunError
from mebench.score_type import Score
from tests.helpers.run_folders import make_runs_on_two_datasets

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"
NEEDS_RECORDS = pytest.mark.skipif(not (LEADERBOARDS / "records").is_dir(), reason="needs the checkout's records")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    make_runs_on_two_datasets(folder, {"early": 2, "late": 9})
    return str(folder)


def test_plot_of_significance_counts_draws_of_the_row(runs):
    drawing = plotting.draw(["early-one", "late-one"], "significance", **_choices(runs))
    (first, row), (second, other) = (found for found in enumerate(drawing.data["rows"]) if found[1]["groups"])
    assert [row["method"], other["method"]] == ["early", "late"]
    assert row["beats"][second] == pytest.approx(1 - other["beats"][first])
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert texts == [f"{100 * row['beats'][second]:.0f}", f"{100 * other['beats'][first]:.0f}"]


def test_plot_of_significance_frames_distinguishable_pairs():
    rows = [ComparedRow("a", ("a",), (0.5, 1.0)), ComparedRow("b", ("b",), (0.0, 0.5))]
    alike = [ComparedRow("a", ("a",), (0.5, 0.9)), ComparedRow("b", ("a",), (0.1, 0.5))]
    assert [len(draw_significance(one, "UF1").axes[0].patches) for one in (rows, alike)] == [2, 0]


def test_plot_of_pair_has_a_bar_for_each_person(runs):
    figure = mebench.plot("early-two", "late-two", kind="paired", runs=runs)
    assert len(figure.axes[0].patches) == 9
    compared = mebench.compare("early-two", "late-two", runs=runs)
    assert [bar.get_height() for bar in compared.plot().axes[0].patches] == [
        bar.get_height() for bar in figure.axes[0].patches
    ]


def test_meta_analysis_puts_all_people_together(runs, tmp_path):
    drawing = plotting.draw(["early", "late"], "meta-analysis", **_choices(runs))
    data = drawing.data
    assert (data["first"], data["second"]) == ("early", "late")
    assert {one["dataset"]: one["people"] for one in data["datasets"]} == {"one": 4, "two": 9}
    assert data["together"]["people"] == 13
    turned = plotting.draw(["late", "early"], "meta-analysis", **_choices(runs)).data
    assert turned["together"]["difference"]["value"] == pytest.approx(-data["together"]["difference"]["value"])
    mebench.plot("early", "late", kind="meta-analysis", runs=runs, target=tmp_path / "m.svg")
    assert "standardised mean difference" in (tmp_path / "m.svg").read_text()


@pytest.mark.parametrize(("beats", "people"), [(0.8, 16), (0.3, 25)])
def test_effect_is_the_quantile_over_the_root_of_people(beats, people):
    effect = DatasetEffect("one", beats, people)
    assert effect.difference.value == pytest.approx(stats.norm.ppf(beats) / people**0.5)
    assert effect.difference.low == pytest.approx(effect.difference.value - 1.96 / people**0.5)
    assert effect.p == pytest.approx(2 * min(beats, 1 - beats))
    assert not effect.is_clipped
    assert DatasetEffect("one", 1.0, people).is_clipped


@NEEDS_RECORDS
def test_board_gives_pairs_and_databases_of_two_rows():
    chosen = _choices("", rows=["logistic", "off_apexnet"])
    data = plotting.draw(["megc2019"], "meta-analysis", **chosen).data
    assert (data["first"], data["second"]) == ("Logistic regression", "OFF-ApexNet")
    assert sorted(one["dataset"] for one in data["datasets"]) == ["CASME II", "SAMM", "smic"]
    assert sum(one["people"] for one in data["datasets"]) == 68
    assert data["together"]["difference"]["value"] < 0  # the board has OFF-ApexNet above logistic regression
    pair = plotting.draw(["megc2019"], "paired", **chosen).data
    assert (pair["first"]["method"], pair["second"]["method"]) == ("logistic", "off_apexnet")


@pytest.mark.parametrize(
    ("names", "kind", "choices", "sentence"),
    [
        (["early", "late"], "pared", {}, "unknown kind 'pared'. Did you mean 'paired'"),
        (["early-one"], "paired", {}, "a paired plot shows two runs, not 1"),
        (["early-one"], "significance", {}, "needs two rows that were tested"),
        (["early"], "meta-analysis", {}, r"the runs are of 1 \(early\)"),
        (["early-one", "late-one"], "meta-analysis", {}, "needs two datasets"),
        (["megc2019"], "paired", {}, "two rows are compared, and"),
        (["megc2019"], "significance", {"published": True}, "leave out --published"),
        (["casme2-spotting"], "meta-analysis", {}, "only answers of others"),
    ],
)
def test_plot_refuses_what_no_figure_can_show(runs, names, kind, choices, sentence):
    with pytest.raises((ConfigError, RunError), match=sentence):
        plotting.draw(names, kind, **_choices(runs, **choices))


def test_board_without_records_is_refused(tmp_path):
    (tmp_path / "tables").mkdir()
    for table in (LEADERBOARDS / "tables").glob("recognition-megc2019_flow-loso.json"):
        shutil.copy(table, tmp_path / "tables")
    (tmp_path / "boards.yaml").symlink_to(LEADERBOARDS / "boards.yaml")
    chosen = _choices("", rows=["logistic", "off_apexnet"], folder=tmp_path)
    with pytest.raises(RunError, match=f"are not in {tmp_path / 'records'}, and this figure needs them"):
        plotting.draw(["megc2019"], "paired", **chosen)


def _choices(runs, **others):
    """The arguments of `plot` apart from names and kind."""
    usual = {"metrics": (), "rows": (), "task": "", "part": "", "folder": LEADERBOARDS, "published": False}
    return {**usual, "runs": runs, **others}


def test_plots_break_a_title_that_is_wider_than_the_figure():
    title = (
        "Recognition on Synthetic, leave one subject out, preset easy; subjects=6, videos=1, 22 clips, and more of it"
    )
    compared = [ComparedRow("a", ("a",), (0.5, 0.9)), ComparedRow("b", ("a",), (0.1, 0.5))]
    plotted = [PlottedRow("a", {"uf1": Score(0.5)})]
    for figure in (draw_significance(compared, "UF1", title), draw_scores(plotted, {"uf1": "UF1"}, title)):
        figure.canvas.draw()
        (shown,) = (text for text in figure.texts if text.get_fontsize() == 10)
        assert shown.get_window_extent().x1 <= figure.bbox.x1
        assert " ".join(shown.get_text().split()) == title


@pytest.mark.parametrize(("score", "label"), [(Score(0.5), "UF1"), (Score(0.5, 0.4, 0.6), "UF1, 95 % interval")])
def test_plot_of_scores_names_intervals_where_one_is_drawn(score, label):
    figure = draw_scores([PlottedRow("a", {"uf1": score})], {"uf1": "UF1"})
    assert figure.axes[0].get_xlabel() == label
