import time

import pytest

from mebench import result_cache, shared_work
from mebench.shared_work import Team, joined_team, make_ahead, results_in_order, team_of
from tests.helpers.thread_workers import replace_workers


@pytest.fixture
def called(monkeypatch):
    return replace_workers(monkeypatch)


@pytest.fixture(autouse=True)
def in_an_empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(result_cache, "cache_folder", lambda: tmp_path / "cache")


def square(made_by, number):
    """A slow result, which says by whom it is made."""

    def make():
        time.sleep(0.0005)
        made_by.append(number)
        return number**2

    return result_cache.cached_result(make, (), "square", number)


def test_results_in_order_are_made_by_all_of_a_team_once(called):
    first, second = [], []

    def help_with(claims):
        with joined_team(claims):
            make_ahead("squares", range(200), lambda number: square(second, number))

    with team_of(2, help_with, ()):
        results = [*results_in_order("squares", range(200), lambda number: square(first, number))]

    assert results == [number**2 for number in range(200)]
    assert called == ["help_with"]
    assert len(first) >= shared_work.MANY
    assert second
    assert sorted(first + second) == [*range(200)]


def test_results_in_order_call_nobody_for_a_few(called):
    few = range(shared_work.MANY - 1)
    with team_of(2, pytest.fail, ()):
        results = [*results_in_order("squares", few, lambda number: square([], number))]
        assert [*results_in_order("squares", few, lambda number: square([], number))] == results
    assert not called


def test_results_in_order_tell_each_remark_once(called):
    told = []

    def tell(number):
        told.append(number)
        return square([], number)

    with team_of(2, lambda claims: None, ()):
        [*results_in_order("squares", range(60), tell, silently=lambda number: square([], number))]
    assert told == [*range(60)]


def test_results_in_order_raise_in_their_turn(called):
    def work(number):
        if number == 60:
            raise ValueError("sixty")
        return square([], number)

    results = []
    with team_of(2, lambda claims: None, ()), pytest.raises(ValueError, match="sixty"):
        results += results_in_order("squares", range(100), work)
    assert results == [number**2 for number in range(60)]


def test_Team_takes_the_largest_item_that_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_work, "LOOK_SECONDS", 0)
    (tmp_path / "squares-1-3").touch()  # by a process that has ended since: nobody waits for it for long
    done = []
    Team(tmp_path).make_ahead("squares", range(6), done.append, size=lambda number: number)
    assert done == [5, 4, 2, 1, 0]


def test_team_of_shares_nothing_that_the_cache_cannot_keep(called, monkeypatch):
    monkeypatch.setattr(result_cache.os, "access", lambda *_: False)
    with team_of(2, pytest.fail, ()):
        assert [*results_in_order("squares", range(60), lambda number: square([], number))][-1] == 59**2
    assert not called
