"""Slow results are kept by the hashes of their inputs and of the code that computes them."""

import pytest

from mebench import result_cache
from mebench.result_cache import cached_result


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(result_cache, "cache_folder", lambda: folder)


def test_cached_computes_once_and_again_if_damaged():
    made = []

    def make():
        made.append(1)
        return {"letters": ["a", "ab"], "n": 0.1 + 0.2}

    first = cached_result(make, (), "f1", ["one", "two"])
    assert cached_result(make, (), "f1", ["one", "two"]) == first
    assert len(made) == 1
    cached_result(make, (), "f1", ["two", "one"])
    assert len(made) == 2
    for entry in result_cache.cache_folder().iterdir():
        entry.write_text(entry.read_text().replace("ab", "cd"))
    assert cached_result(make, (), "f1", ["one", "two"]) == first
    assert len(made) == 3


def test_cached_computes_again_if_code_changes(tmp_path, monkeypatch):
    def value(source, other="1"):
        result_cache.hash_of_code.cache_clear()
        (tmp_path / "scores.py").write_text(source)
        (tmp_path / "pages.py").write_text(other)
        return cached_result(lambda: source, ("sc*.py",), "f1")

    monkeypatch.setattr(result_cache, "PACKAGE", tmp_path)
    first = value('"""Scores."""\nscore = 1\n')
    assert value('"""The scores of a run."""\n\nscore = 1  # a comment\n', other="2") == first
    assert value('"""Scores."""\nscore = 2\n') != first
    result_cache.hash_of_code.cache_clear()


def test_hash_of_code_parses_an_unchanged_file_once(tmp_path, monkeypatch):
    monkeypatch.setattr(result_cache, "PACKAGE", tmp_path)
    (tmp_path / "scores.py").write_text("score = 1\n")
    result_cache.hash_of_code.cache_clear()
    first = result_cache.hash_of_code(("scores.py",))
    monkeypatch.setattr(result_cache, "code_hash", lambda _: pytest.fail("it was parsed"))
    result_cache.hash_of_code.cache_clear()
    assert result_cache.hash_of_code(("scores.py",)) == first
    result_cache.hash_of_code.cache_clear()


def test_forget_unused_removes_entries_without_recent_use(monkeypatch):
    cached_result(lambda: 1, (), "old")
    monkeypatch.setattr(result_cache.time, "time", lambda: 1e12)
    cached_result(lambda: 2, (), "new")
    monkeypatch.setattr(result_cache, "UNUSED_SECONDS", 1e13)
    result_cache.forget_unused()
    assert len([*result_cache.cache_folder().iterdir()]) == 2
    monkeypatch.setattr(result_cache, "UNUSED_SECONDS", 1)
    result_cache.forget_unused()
    assert not [*result_cache.cache_folder().iterdir()]
