"""What there is to run, and the leaderboard, as data frames."""

import shutil
from pathlib import Path

import pytest

import mebench
import mebench.datasets  # the packages of plugins can be called whether or not they were imported
import mebench.methods
from mebench.config import registry
from mebench.errors import ConfigError, RunError
from tests.helpers.run_folders import make_run

PUBLISHED = Path(__file__).parents[2] / "leaderboards" / "published.csv"


def test_methods_and_datasets_list_plugins():
    methods, datasets = mebench.methods(), mebench.datasets()
    assert list(methods.index) == sorted(registry.list_plugins("method"))
    assert methods.index.name == "method"
    assert methods.loc["mean", "tasks"] == "recognize, spot" or methods.loc["mean", "tasks"] == "spot, recognize"
    assert "synthetic" in datasets.index
    assert (datasets["broken"] == "").all()
    assert mebench.methods.mean if hasattr(mebench.methods, "mean") else True


def test_methods_list_plugins_of_a_folder(write_plugin):
    assert mebench.methods(plugins=write_plugin("method", "extra")).loc["extra", "title"] == "Extra"


def test_leaderboard_has_the_lines_of_its_tables(tmp_path):
    for method, seed in (("one", 0), ("one", 1), ("two", 0)):
        make_run(tmp_path / "runs", method=method, seed=seed)
    board = mebench.leaderboard("spotting", runs=str(tmp_path / "runs"), folder=tmp_path)
    measured = board[board["provenance"] == "measured"].set_index("method")
    assert dict(measured["seeds"]) == {"one": 2, "two": 1}
    assert (measured["f1"] == 1).all()
    assert {"chance", "measured"} == set(board["provenance"])
    assert set(board["dataset"]) == {"drawn"}
    assert set(mebench.leaderboard(runs=str(tmp_path / "runs"), folder=tmp_path)["task"]) == {
        "spotting",
        "analysis",
        "recognition",
    }
    nothing = mebench.leaderboard(dataset="other", runs=str(tmp_path / "runs"), folder=tmp_path)
    assert nothing.empty
    assert set(board.columns) <= set(nothing.columns)
    with pytest.raises(ConfigError, match=r"unknown task or board 'spoting'. Did you mean 'spotting'"):
        mebench.leaderboard("spoting", runs=str(tmp_path / "runs"), folder=tmp_path)


def test_leaderboard_marks_published_results(tmp_path):
    make_run(tmp_path / "runs", dataset="casme2", members=("casme2",), tasks=("recognize",))
    (tmp_path / "board").mkdir()
    shutil.copy(PUBLISHED, tmp_path / "board")
    board = mebench.leaderboard(runs=str(tmp_path / "runs"), folder=tmp_path / "board")
    assert {"measured", "published"} <= set(board["provenance"])
    assert (board.loc[board["provenance"] == "published", "source"] != "").all()


def test_leaderboard_and_methods_say_if_nothing_is_there(tmp_path, monkeypatch):
    with pytest.raises(RunError, match="no finished run"):
        mebench.leaderboard(runs=str(tmp_path), folder=tmp_path)
    (tmp_path / "home").mkdir()
    shutil.copy(PUBLISHED, tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path))
    for task in (None, "recognition"):  # what others published stands beside measured rows alone
        with pytest.raises(RunError, match=r"no finished run .* only with measured rows"):
            mebench.leaderboard(task, runs=str(tmp_path), folder="~/home")


def test_leaderboard_shows_a_named_board_by_its_spellings(tmp_path):
    for method in ("one", "two"):
        make_run(tmp_path / "runs", method=method)
    (tmp_path / "boards.yaml").write_text(
        "- {id: ours2019, title: Ours, question: Who?, about: Drawn., task: spotting, dataset: drawn, protocol: [loso]}\n"
    )
    for name in ("ours2019", "Ours 2019", "ours19"):
        board = mebench.leaderboard(name, runs=str(tmp_path / "runs"), folder=tmp_path)
        assert set(board.loc[board["provenance"] == "measured", "method"]) == {"one", "two"}
        assert set(board["task"]) == {"spotting"}
