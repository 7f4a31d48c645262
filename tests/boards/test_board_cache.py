import pytest

from mebench.boards import board_cache, cached
from mebench.boards import build as tables
from mebench.cli.leaderboard import build
from mebench.reports import report
from tests.helpers.run_folders import make_run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture
def made(monkeypatch):
    """The pages of runs, and the tables whose rows were tested, that were made."""
    found = []
    for module, name in ((tables, "standing"), (report, "values_of")):
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, own=own, name=name: found.append(name) or own(*args))
    return found


def test_a_value_is_made_once_and_again_where_its_entry_is_damaged():
    made = []

    def make():
        made.append(1)
        return {"letters": ["a", "ab"], "n": 0.1 + 0.2}

    first = cached(make, "f1", ["one", "two"])
    assert cached(make, "f1", ["one", "two"]) == first and len(made) == 1
    cached(make, "f1", ["two", "one"])
    assert len(made) == 2
    for entry in board_cache.folder().iterdir():
        entry.write_text(entry.read_text().replace("ab", "cd"))
    assert cached(make, "f1", ["one", "two"]) == first and len(made) == 3


def test_a_board_is_built_again_from_what_is_there_and_what_a_new_run_changes(tmp_path, made):
    for shift, method in enumerate(("one", "two")):
        make_run(tmp_path / "runs", method=method, shift=5 * shift, tasks=("spot",))
    build("runs")
    first, tests = files(tmp_path / "leaderboards"), made.count("standing")
    assert made.count("values_of") == 2 and tests
    build("runs")
    assert len(made) == tests + 2 and files(tmp_path / "leaderboards") == first
    make_run(tmp_path / "runs", method="three", shift=10, tasks=("spot",))
    build("runs")
    assert made.count("values_of") == 3 and made.count("standing") == tests + 1
    kept = files(tmp_path / "leaderboards")
    for entry in board_cache.folder().iterdir():
        entry.unlink()
    build("runs")
    assert files(tmp_path / "leaderboards") == kept, "from nothing, the same bytes"


def test_entries_that_no_board_asked_for_lately_are_removed(monkeypatch):
    cached(lambda: 1, "old")
    monkeypatch.setattr(board_cache.time, "time", lambda: 1e12)
    cached(lambda: 2, "new")
    monkeypatch.setattr(board_cache, "UNUSED_SECONDS", 1e13)
    board_cache.forget_unused()
    assert len([*board_cache.folder().iterdir()]) == 2
    monkeypatch.setattr(board_cache, "UNUSED_SECONDS", 1)
    board_cache.forget_unused()
    assert not [*board_cache.folder().iterdir()]
