"""Which expressions a contact sheet shows."""

import pytest
from hypothesis import given, strategies as st

from mebench.core import Expression, Video
from mebench.errors import ConfigError, DataError
from mebench.inspection import tiles


def videos(*counts):
    """One video for each person, with so many expressions."""
    return [
        Video("d", f"{s:02d}", "v", 10.0, 999, tuple(Expression(20 * i, 20 * i + 5) for i in range(n)))
        for s, n in enumerate(counts)
    ]


def people(chosen):
    return [one.video.subject for one in chosen]


def test_choose_expressions_takes_each_person_once_then_twice():
    assert people(tiles.choose_expressions(videos(3, 2, 1), 3)) == ["00", "01", "02"]
    assert people(tiles.choose_expressions(videos(3, 2, 1), 5)) == ["00", "00", "01", "01", "02"]


def test_choose_expressions_spreads_over_many_people():
    assert people(tiles.choose_expressions(videos(*[1] * 10), 5)) == ["00", "02", "04", "06", "08"]


def test_choose_expressions_keeps_one_person_or_video():
    assert people(tiles.choose_expressions(videos(3, 2, 1), 9, subject="01")) == ["01", "01"]
    assert len(tiles.choose_expressions(videos(3, 2, 1), 9, video="v")) == 6
    with pytest.raises(ConfigError, match=r"unknown subject with expressions '1'\. Did you mean '01'"):
        tiles.choose_expressions(videos(3, 2, 0), 9, subject="1")
    with pytest.raises(ConfigError, match="1 or more, not 0"):
        tiles.choose_expressions(videos(1), 0)


@given(st.lists(st.integers(0, 5), max_size=8).filter(any), st.integers(1, 12))
def test_choose_expressions_takes_no_expression_twice(counts, n):
    chosen = tiles.choose_expressions(videos(*counts), n)
    assert len(chosen) == min(n, sum(counts)) == len({(o.video.key, o.expression.onset) for o in chosen})
    taken = {s: people(chosen).count(f"{s:02d}") for s in range(len(counts))}
    most = max(taken.values())
    assert all(taken[s] >= min(counts[s], most - 1) for s in taken)


def test_choose_expressions_refuses_videos_without_expressions():
    with pytest.raises(DataError, match="these videos have no annotated expression"):
        tiles.choose_expressions(videos(0, 0), 3)
