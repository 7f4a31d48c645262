"""The boards that come with the package, and a user's rows among them."""

import json
import shutil
from pathlib import Path

import pytest

import mebench
from mebench.api.boards import read_board
from mebench.boards import included
from mebench.boards.included import IncludedBoards, add_included, included_folder, read_included
from mebench.boards.rows import rank_rows
from mebench.boards.table_files import texts_of_table
from mebench.boards.written_tables import find_written_tables
from mebench.cli import leaderboard
from mebench.errors import ConfigError
from tests.helpers.run_folders import make_run

SHIPPED = Path(__file__).parents[2] / "leaderboards"


@pytest.fixture
def as_installed(monkeypatch, tmp_path):
    """As in a package: there is no checkout, and the tables lie in the package."""
    monkeypatch.setattr(included, "checkout_folder", lambda _: [])
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def boards():
    return read_included(SHIPPED)


@pytest.fixture
def small(tmp_path):
    """Included boards of two rows, made of two runs."""
    for method, every in (("best", 100), ("worst", 1)):
        make_run(tmp_path / "theirs", method=method, wrong_every=every, tasks=("recognize",))
    return IncludedBoards(read_board(tmp_path / "theirs", tmp_path, print).make_tables())


def named(tables):
    """The rows of emotions of all clips."""
    (table,) = tables
    (part,) = (part for part in table.parts if part.name == "all clips")
    return part


def test_read_included_has_the_rows_of_the_checkout(boards):
    for table in boards.tables:
        content = json.loads((SHIPPED / "tables" / f"{table.name}.json").read_text(encoding="utf-8"))
        measured = [part for part in content["parts"] if part["rows"]]
        shown = json.loads(texts_of_table(table)["json"])["parts"]
        assert shown == [{**part, "published": [], "rescored": []} for part in measured]
        n_rows = {part["name"]: len(part["rows"]) for part in measured}
        assert {part.name: len(part.rows) for part in table.parts} == n_rows
    assert [gain.plain() for gain in boards.gains] == json.loads((SHIPPED / "tables/selection.json").read_text("utf-8"))


def test_leaderboard_has_included_rows_where_installed(as_installed, tmp_path):
    rows = mebench.leaderboard(runs="none", folder=tmp_path)
    files = find_written_tables(SHIPPED / "tables").values()
    written = [json.loads(file.read_text("utf-8")) for file in files]
    parts = [part for table in written for part in table["parts"]]
    n_rows = [len(part["rows"]) + len(part["published"]) + len(part["rescored"]) for part in parts]
    assert len(rows) == sum(n_rows)
    assert "MEGC 2019, by person" in set(rows["board"])


def test_table_takes_included_boards_where_installed(as_installed, tmp_path):
    tables = tmp_path / "leaderboards" / "tables"  # as a build leaves them
    tables.mkdir(parents=True)
    shutil.copy(SHIPPED / "tables" / "recognition-megc2019_flow-loso.json", tables)
    latex = mebench.table("megc2019", rows=["htnet", "logistic"], metrics="uf1").to_latex()
    assert "HTNet" in latex


def test_add_included_sorts_own_rows_among_the_others(small, tmp_path):
    make_run(tmp_path / "runs", method="between", wrong_every=3, tasks=("recognize",))
    own = read_board(tmp_path / "runs", tmp_path, print).make_tables()

    part = named(add_included(own, small.tables))

    measured = [row for row in part.rows if row.measured]
    assert [row.method for row in measured] == ["best", "between", "worst"]
    assert included.OWN_ROW in measured[1].remark
    assert not measured[1].group
    assert measured[0].group  # as it was
    assert [part.find_rivals(row) for row in measured[:1]] == [[measured[0], measured[2]]]
    ranked = [one for one in rank_rows(part) if one.row.measured]
    assert [one.rank for one in ranked] == [1, 2, 3]


def test_add_included_keeps_tables_of_one_side(small, boards):
    both = add_included(small.tables, boards.tables)
    assert len(both) == len(small.tables) + len(boards.tables)
    assert add_included(small.tables, ()) == [*small.tables]


def test_build_writes_included_boards_on_demand(tmp_path, capsys, monkeypatch, small):
    monkeypatch.setattr("mebench.api.boards.read_included", lambda _: small)
    make_run(tmp_path / "runs", method="between", wrong_every=3, tasks=("recognize",))
    leaderboard.leaderboard_build_command(str(tmp_path / "runs"), str(tmp_path / "out"), records_in="included")

    assert "from 1 run and 2 runs of the included boards" in capsys.readouterr().out
    site = tmp_path / "out" / "site"
    (name,) = (table.name for table in small.tables)
    page = (site / "tables" / f"{name}.html").read_text(encoding="utf-8")
    assert "between" in page
    linked = {file.name for file in site.glob("runs/*.html")}
    assert len(linked) == 1
    assert page.count("runs/") == page.count(f"runs/{linked.pop()}")  # no link to a page that is not there


def test_included_folder_says_where_there_is_none(tmp_path, monkeypatch, as_installed):
    assert included_folder(tmp_path / "records", None) == SHIPPED
    assert included_folder(tmp_path / "records", Path("none")) is None
    (tmp_path / "records").mkdir()
    assert included_folder(tmp_path / "records", None) is None
    monkeypatch.setattr(included, "shipped_folder", lambda _: [])
    with pytest.raises(ConfigError, match="includes no boards: name a folder"):
        included_folder(tmp_path / "records", Path("included"))
