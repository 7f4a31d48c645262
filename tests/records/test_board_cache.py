import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from mebench.boards import build as tables, checking, export, site
from mebench.cli import leaderboard
from mebench.records import board_cache, cached, record
from mebench.reports import report
from mebench.runs import RunFolder
from tests.helpers.run_folders import make_run

PACKAGE = board_cache.PACKAGE


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

    first = cached(make, (), "f1", ["one", "two"])
    assert cached(make, (), "f1", ["one", "two"]) == first
    assert len(made) == 1
    cached(make, (), "f1", ["two", "one"])
    assert len(made) == 2
    for entry in board_cache.folder().iterdir():
        entry.write_text(entry.read_text().replace("ab", "cd"))
    assert cached(make, (), "f1", ["one", "two"]) == first
    assert len(made) == 3


@pytest.fixture
def no_cards(monkeypatch):
    """Without a page for each method and dataset: a hundred, of which none is kept."""
    none = SimpleNamespace(PLUGIN_KINDS=("method", "dataset"), plugins=lambda kind: {})
    monkeypatch.setattr(site.site_pages, "registry", none)


def test_a_board_is_built_again_from_what_is_there_and_what_a_new_run_changes(tmp_path, made, no_cards):
    for shift, method in enumerate(("one", "two")):
        make_run(tmp_path / "runs", method=method, shift=5 * shift, tasks=("spot",))
    leaderboard.build("runs")
    first, tests = files(tmp_path / "leaderboards"), made.count("standing")
    assert made.count("values_of") == 2
    assert tests
    leaderboard.build("runs")
    assert len(made) == tests + 2
    assert files(tmp_path / "leaderboards") == first
    make_run(tmp_path / "runs", method="three", shift=10, tasks=("spot",))
    leaderboard.build("runs")
    assert made.count("values_of") == 3
    assert made.count("standing") == tests + 1
    kept = files(tmp_path / "leaderboards")
    for entry in board_cache.folder().iterdir():
        entry.unlink()
    leaderboard.build("runs")
    assert files(tmp_path / "leaderboards") == kept, "from nothing, the same bytes"


def test_a_value_is_made_again_where_code_that_computes_it_says_something_else(tmp_path, monkeypatch):
    def value(source, other="1"):
        board_cache._hash_of.cache_clear()
        (tmp_path / "scores.py").write_text(source)
        (tmp_path / "pages.py").write_text(other)
        return cached(lambda: source, ("sc*.py",), "f1")

    monkeypatch.setattr(board_cache, "PACKAGE", tmp_path)
    first = value('"""Scores."""\nscore = 1\n')
    assert value('"""The scores of a run."""\n\nscore = 1  # a comment\n', other="2") == first
    assert value('"""Scores."""\nscore = 2\n') != first
    board_cache._hash_of.cache_clear()


def test_the_code_that_is_hashed_is_all_that_computes(tmp_path, monkeypatch, no_cards):
    """All of mebench that runs while an answer is made, but for what imports a package."""
    ran = defaultdict(set)

    def watched(make, code, *inputs):
        def seen(frame, *_):  # of each call, and of nothing inside it
            ran[code].add(frame.f_code)

        former = sys.gettrace()
        sys.settrace(seen)
        try:
            return make()
        finally:
            sys.settrace(former)

    for module in (tables, site.site_pages, record, checking):
        monkeypatch.setattr(module, "cached", watched)
    for shift, method in enumerate(("one", "two")):
        make_run(tmp_path / "runs", method=method, shift=5 * shift)
        export.export(RunFolder.finished(str(tmp_path / "runs"), method), tmp_path / "leaderboards" / "records")
    leaderboard.build("nowhere")
    assert len(ran) == 5
    for code, functions in ran.items():
        # Lambdas read tables for others.
        named = {f.co_filename for f in functions if f.co_name not in ("<module>", "<lambda>")}
        computing = {Path(file).relative_to(PACKAGE) for file in named if file.startswith(f"{PACKAGE}/")}
        hashed = {file.relative_to(PACKAGE) for pattern in code for file in PACKAGE.glob(pattern)}
        assert computing
        assert not computing - hashed - {Path("_lightly.py")}


def test_entries_that_no_board_asked_for_lately_are_removed(monkeypatch):
    cached(lambda: 1, (), "old")
    monkeypatch.setattr(board_cache.time, "time", lambda: 1e12)
    cached(lambda: 2, (), "new")
    monkeypatch.setattr(board_cache, "UNUSED_SECONDS", 1e13)
    board_cache.forget_unused()
    assert len([*board_cache.folder().iterdir()]) == 2
    monkeypatch.setattr(board_cache, "UNUSED_SECONDS", 1)
    board_cache.forget_unused()
    assert not [*board_cache.folder().iterdir()]
