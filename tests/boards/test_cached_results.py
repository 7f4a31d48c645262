"""What boards keep in the cache: tables, pages and checks, which are computed again when runs or code change."""

import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from mebench import result_cache
from mebench._installation import PACKAGE
from mebench.boards import build as tables, chance_rows, site, table_files
from mebench.cli import leaderboard
from mebench.intake import checking, export
from mebench.records import levels_of_chance, record
from mebench.reports import report
from mebench.runs import RunFolder
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
    for module, name in ((tables, "compute_standings"), (report, "values_of_page")):
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, own=own, name=name: found.append(name) or own(*args))
    return found


@pytest.fixture
def no_cards(monkeypatch):
    """Without a page for each method and dataset: a hundred, of which none is kept."""
    none = SimpleNamespace(PLUGIN_KINDS=("method", "dataset"), list_plugins=lambda kind: {})
    monkeypatch.setattr(site.site_pages, "registry", none)


def test_build_computes_only_what_a_new_run_changes(tmp_path, made, no_cards):
    for shift, method in enumerate(("one", "two")):
        make_run(tmp_path / "runs", method=method, shift=5 * shift, tasks=("spot",))
    leaderboard.leaderboard_build_command("runs")
    first = files(tmp_path / "leaderboards")
    tests = made.count("compute_standings")
    assert made.count("values_of_page") == 2
    assert tests
    leaderboard.leaderboard_build_command("runs")
    assert len(made) == tests + 2
    assert files(tmp_path / "leaderboards") == first
    make_run(tmp_path / "runs", method="three", shift=10, tasks=("spot",))
    leaderboard.leaderboard_build_command("runs")
    assert made.count("values_of_page") == 3
    assert made.count("compute_standings") == tests + 1
    kept = files(tmp_path / "leaderboards")
    for entry in result_cache.cache_folder().iterdir():
        entry.unlink()
    leaderboard.leaderboard_build_command("runs")
    assert files(tmp_path / "leaderboards") == kept, "from nothing, the same bytes"


def test_cached_hashes_all_code_that_computes(tmp_path, monkeypatch, names_rows, no_cards):
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

    for module in (tables, chance_rows, site.site_pages, record, checking, table_files, levels_of_chance):
        monkeypatch.setattr(module, "cached_result", watched)
    for shift, method in enumerate(("one", "two")):
        make_run(tmp_path / "runs", method=method, shift=5 * shift)
        export.export_record(
            RunFolder.open_finished(str(tmp_path / "runs"), method), tmp_path / "leaderboards" / "records"
        )
    leaderboard.leaderboard_build_command("nowhere")
    assert len(ran) == 10
    for code, functions in ran.items():
        # Lambdas read tables for others.
        named = {f.co_filename for f in functions if f.co_name not in ("<module>", "<lambda>")}
        computing = {Path(file).relative_to(PACKAGE) for file in named if file.startswith(f"{PACKAGE}/")}
        hashed = {file.relative_to(PACKAGE) for pattern in code for file in PACKAGE.glob(pattern)}
        assert computing
        assert sorted(computing - hashed - {Path("_fast_imports.py"), Path("lazy_imports.py")}) == []
