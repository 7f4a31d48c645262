from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mebench.leaderboard import significance
from mebench.leaderboard.collect import collect
from mebench.leaderboard.significance import letters
from mebench.leaderboard.tables import build
from mebench.runner.folder import RunFolder
from mebench.runner.scoring import tables_of
from tests.run_folders import make_run


class Stub:
    """Stands for a record whose number decides its p values."""

    def __init__(self, number):
        self.number = number


@given(st.integers(2, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=15, max_size=15))))
def test_two_rows_share_a_letter_if_and_only_if_no_test_tells_them_apart(case):
    n, apart = case
    pairs = list(combinations(range(n), 2))
    differ = {pair for pair, yes in zip(pairs, apart) if yes}

    def p(one, other, path, read):
        return 0.0001 if (one.number, other.number) in differ else 0.9

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(significance, "_p", p)
        found = letters([Stub(i) for i in range(n)], "spotting.micro.f1", tables_of)
    for one, other in pairs:
        assert bool(set(found[one]) & set(found[other])) == ((one, other) not in differ)
    assert found[0].startswith("a")


def test_holm_makes_a_small_p_of_many_pairs_large(monkeypatch):
    monkeypatch.setattr(significance, "_p", lambda *_: 0.02)
    assert letters([Stub(i) for i in range(2)], "", tables_of) == ["a", "b"]
    assert letters([Stub(i) for i in range(3)], "", tables_of) == ["a", "a", "a"]  # 3 x .02 > .05


def test_what_cannot_be_tested_has_no_letter(monkeypatch):
    monkeypatch.setattr(significance, "_p", lambda *_: None)
    assert letters([Stub(0), Stub(1)], "", tables_of) == ["", ""]
    assert letters([Stub(0)], "", tables_of) == [""]


def test_a_method_that_finds_all_is_told_from_one_that_finds_nothing(tmp_path):
    make_run(tmp_path, method="good", subjects=8, tasks=("spot",))
    make_run(tmp_path, method="like", subjects=8, tasks=("spot",), shift=1)
    make_run(tmp_path, method="lost", subjects=8, tasks=("spot",), shift=70)
    (table,) = build(collect(tmp_path))
    groups = {row.method: row.group for row in table.parts[0].rows if row.measured}
    assert groups == {"good": "a", "like": "a", "lost": "b"}


def test_the_p_value_is_that_of_the_whole_comparison(tmp_path):
    from mebench.metrics.statistics.comparison import compare

    for method, shift in (("one", 0), ("two", 5)):
        make_run(tmp_path, method, method=method, shift=shift, wrong_every=shift + 2)
    one, two = collect(tmp_path)

    def read(record):
        return tables_of(RunFolder(record.folder))

    for path in ("spotting.micro.f1", "analysis.strs", "recognition.uf1"):
        whole = compare(
            read(one),
            read(two),
            kinds=["micro"],
            classes=one.about["classes"],
            metrics=["all"],
            draws=0,
            permutations=1999,
        )
        assert significance._p(one, two, path, read) == whole.scores[path].p


def test_rows_with_other_annotations_take_no_part(tmp_path):
    make_run(tmp_path, method="a", tasks=("spot",))
    make_run(tmp_path, method="b", tasks=("spot",), shift=60)
    make_run(tmp_path, method="c", tasks=("spot",), subjects=5)
    (table,) = build(collect(tmp_path))
    groups = {row.method: row.group for row in table.parts[0].rows if row.measured}
    assert groups["c"] == "" and groups["a"] and groups["b"]
