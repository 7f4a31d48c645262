"""A board with the rows of what is installed."""

import shutil
from pathlib import Path

import pytest

from mebench.api import boards
from mebench.errors import RunError

LEADERBOARDS = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture
def home(tmp_path):
    """A folder with public answers alone."""
    (tmp_path / "rescored").mkdir()
    for ending in ("yaml", "json"):
        shutil.copy(LEADERBOARDS / "rescored" / f"mdmd.{ending}", tmp_path / "rescored")
    return tmp_path


def test_read_board_takes_rows_of_capabilities(home):
    said = []
    board = boards.read_board(Path("none"), home, said.append)
    rescored, questions = board.sources
    assert (rescored.in_words, questions.in_words) == ("1 source rescored", "")
    rows = [row for table in board.make_tables() for part in table.parts for row in part.rescored]
    assert {row.source for row in rows} == {"mdmd"}
    assert board.guest_tables() == []


def test_read_board_needs_no_capability_that_is_missing(home, monkeypatch):
    monkeypatch.setattr(boards, "SOURCES", ("nowhere",))
    with pytest.raises(RunError, match="no finished run"):
        boards.read_board(Path("none"), home, print)
    shutil.copy(LEADERBOARDS / "published.csv", home)
    board = boards.read_board(Path("none"), home, print)
    assert board.sources == []
    assert board.make_tables() == []
