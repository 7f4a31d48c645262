"""What is made when it is first asked for is made once, and equals what was there from the beginning."""

import pytest

from mebench.runner.deferred import DeferredEntries, DeferredItems


def test_DeferredItems_are_made_once_and_only_if_asked():
    made = []
    items = DeferredItems(lambda: made.append(1) or ["a", "b", "c"], 3)
    assert len(items) == 3
    assert items
    assert made == []
    assert ([*items], items[-1], items[1:]) == (["a", "b", "c"], "c", ("b", "c"))
    assert made == [1]
    assert items == ["a", "b", "c"] != DeferredItems(lambda: ["a"], 1)


def test_DeferredEntries_open_for_an_unknown_key_alone():
    made = []
    entries = DeferredEntries({"known": 1}, lambda: made.append(1) or {"other": 2, "known": 3})
    assert entries["known"] == 1
    assert made == []
    assert entries["other"] == 2
    assert entries == {"other": 2, "known": 1}
    assert made == [1]
    with pytest.raises(KeyError):
        entries["third"]
