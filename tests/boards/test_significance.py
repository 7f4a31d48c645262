from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from mebench.boards import build as boards_build, significance, standings
from mebench.boards.rows import rank_rows
from mebench.intake import collect as boards_collect
from mebench.metrics import Tables, compared_tables, ranking
from mebench.metrics.bootstrap import Resampling, derived_seed
from mebench.metrics.compared_tables import Pool, compare_tables
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.summary import summarize
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables, score_run
from tests.helpers.nightly import by_day
from tests.helpers.run_folders import make_run

UNLIKE = ("strict", "li2017", "mean2022", "megc2020", "activitynet", "lgsnet2023")
"""Conventions that differ in matching and in what counts: by day they represent all."""


@given(st.integers(2, 6).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=15, max_size=15))))
def test_significance_groups_join_indistinguishable_rows(case):
    n, distinct = case
    pairs = list(combinations(range(n), 2))
    differ = {pair for pair, yes in zip(pairs, distinct) if yes}

    separated = np.zeros((n, n), dtype=bool)
    for pair in differ:
        separated[pair] = True
    found = significance.significance_groups(separated, np.ones(n, bool))
    for one, other in pairs:
        assert bool(set(found[one]) & set(found[other])) == ((one, other) not in differ)
    assert found[0].startswith("a")


def test_compute_standings_omits_untestable_row(tmp_path):
    make_run(tmp_path, tasks=("spot",))
    (alone,) = boards_collect.collect_finished_runs(tmp_path)
    (found,) = standings.compute_standings([[alone]], "spotting.micro.f1", read, [0])
    assert found["group"] == ""
    assert "ranks" not in found
    assert found["hardest"]["people"] == 1
    assert standings.compute_standings([[alone]], "recognition.uf1", read, [0]) == [{}]


def test_compute_standings_separates_all_from_nothing(tmp_path):
    make_run(tmp_path, method="good", subjects=8, tasks=("spot",))
    make_run(tmp_path, method="like", subjects=8, tasks=("spot",), shift=1)
    make_run(tmp_path, method="lost", subjects=8, tasks=("spot",), shift=70)
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    groups = {row.method: row.group for row in table.parts[0].rows if row.measured}
    assert groups == {"good": "a", "like": "a", "lost": "b"}


def test_compute_standings_omits_undefined_score(tmp_path):
    """It hit nothing, so under `mean2022` there is no true positive whose emotion could be judged; nor does it widen others' ranks."""
    for method, shift in (("good", 0), ("weak", 0), ("lost", 300)):
        run = make_run(tmp_path, method=method, subjects=8, shift=shift)
        if method == "weak":
            run.write_table("predictions.parquet", run.read_table("predictions.parquet").assign(emotion="positive"))
        run.write_json("summary.json", run.read_json("summary.json") | score_run(run, 0, 0, "mean2022"))
    (table,) = (
        table
        for table in boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
        if table.task == "analysis"
    )
    rows = {row.method: row for row in table.parts[0].rows if row.measured}
    assert rows["lost"].scores["strs"].value is None
    assert {method: row.group for method, row in rows.items()} == {"good": "a", "weak": "b", "lost": ""}
    ranks = {one.row.method: (one.rank, one.low, one.high) for one in rank_rows(table.parts[0]) if one.row.measured}
    assert ranks == {"good": (1, 1, 1), "weak": (2, 2, 2), "lost": (None, 0, 0)}


def test_compute_standings_ranks_nobody_by_one_person(tmp_path):
    """Where only one person is known, no draw is of other people."""
    for method, every in (("mean", 4), ("htnet", 2)):
        make_run(tmp_path, method=method, subjects=1, tasks=("recognize",), wrong_every=every)
    records = boards_collect.collect_finished_runs(tmp_path)
    found = standings.compute_standings([[record] for record in records], "recognition.uf1", read, [0, 1])
    assert [set(row) for row in found] == [{"group"}, {"group"}]


F1_ALONE = replace(CONVENTIONS["strict"], scores=frozenset({"f1"}))


def read(record):
    return read_tables(RunFolder(record.folder))


def test_range_p_of_two_rows_equals_compare(tmp_path, monkeypatch):
    for method, shift in (("one", 0), ("two", 5)):
        make_run(tmp_path, method, method=method, shift=shift, wrong_every=shift + 2)
    one, two = boards_collect.collect_finished_runs(tmp_path)
    whole = compare_tables(
        read(one), read(two), kinds=["micro"], classes=one.about["classes"], metrics=["all"], draws=0
    )
    asked = []
    real = significance.range_p
    monkeypatch.setattr(significance, "range_p", lambda *words: asked.append(real(*words[:-1])) or asked[-1])
    for path in ("spotting.micro.f1", "analysis.strs", "recognition.uf1"):
        groups = [row["group"] for row in standings.compute_standings([[one], [two]], path, read, [0, 1])]
        assert asked.pop() == whole.scores[path].p
        assert groups == (["a", "b"] if whole.scores[path].p <= 0.05 else ["a", "a"])


@pytest.mark.parametrize("convention", by_day(CONVENTIONS, *UNLIKE))
def test_chosen_weights_score_as_weights(tmp_path, convention):
    for method, shift in (("one", 0), ("two", 5)):
        make_run(tmp_path, method, method=method, shift=shift, kinds=("micro", "macro"), tasks=("spot",))
    pool = Pool.from_runs([read(record) for record in boards_collect.collect_finished_runs(tmp_path)])
    sections = compared_tables.sections_of(pool.tables, pool.units.size, ["micro", "macro"], ("positive",), convention)
    orders = next(significance.subject_permutations(2, pool.units.shape[1], 5, seed=0)[0])
    chosen = significance.ChosenWeights(pool.units[None], pool.units.size, orders)
    places = pool.units[orders.swapaxes(1, 2), np.arange(pool.units.shape[1])].reshape(-1, pool.units.shape[1])
    weights = np.zeros((len(places), pool.units.size))
    np.put_along_axis(weights, places, 1.0, axis=1)

    def one_score(section, name):
        return lambda chosen: sections[section].evaluate(chosen)[name]

    for section in {"spotting.micro", "spotting.overall"} & sections.keys():
        for name, values in sections[section].evaluate(weights).items():
            dealt = one_score(section, name)(chosen)
            np.testing.assert_allclose(dealt, values, rtol=1e-12)


@pytest.mark.parametrize("alike", ["nothing", "a column", "a subject", "everything"])
def test_chosen_weights_sum_whole_numbers_as_weights(alike):
    """What all runs have in common is left out of the product, and is in the sums all the same."""
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 9, (4, 5, 2, 3))  # runs, subjects, and two axes of counts
    if alike == "a column":
        counts[:, :, 1, 2] = counts[0, :, 1, 2]
    elif alike == "a subject":
        counts[:, 2] = counts[0, 2]
    elif alike == "everything":
        counts[:] = counts[0]
    of_units = counts.reshape(20, 2, 3)
    sets = np.arange(20).reshape(4, 5)[[[0, 1, 2], [1, 2, 3]]]
    orders = rng.permuted(np.broadcast_to(np.arange(3), (6, 5, 3)), axis=2)
    sums = significance.ChosenWeights(sets, 20, orders) @ of_units
    expected = [
        sum(of_units[runs[order[subject, place], subject]] for subject in range(5))
        for runs in sets
        for order in orders
        for place in range(3)
    ]
    assert sums.tolist() == np.array(expected).tolist()


@pytest.mark.parametrize("convention", by_day(CONVENTIONS, *UNLIKE))
def test_pool_scores_each_run_as_alone(tmp_path, convention):
    """The named classes are two of three, so that under `mean2022` answers are dropped and the others shifted."""
    for method, shift, every in (("one", 0, 2), ("two", 5, 3), ("three", 2, 5)):
        make_run(tmp_path, method, method=method, shift=shift, wrong_every=every)
    runs = [read(record) for record in boards_collect.collect_finished_runs(tmp_path)]
    pool = Pool.from_runs(runs)
    words = (["micro"], ("positive", "surprise"), convention)
    summaries = [
        summarize(run, kinds=words[0], classes=words[1], convention=convention, seed=0, draws=0) for run in runs
    ]
    alone = [ScoreTable.read(summary).by_path() for summary in summaries]
    weights = np.zeros((3, pool.units.size))
    np.put_along_axis(weights, pool.units, 1.0, axis=1)
    sections = compared_tables.sections_of(pool.tables, pool.units.size, *words)

    scores = {
        compared_tables.path_of(section, name): values
        for section, part in sections.items()
        for name, values in part.evaluate(weights).items()
    }
    assert set(scores) == set(alone[0]) == set(alone[1]) == set(alone[2])
    for path, values in scores.items():
        expected = [np.nan if own[path].value is None else own[path].value for own in alone]
        np.testing.assert_allclose(values, expected, rtol=1e-12, err_msg=path)


def test_pool_scores_permutation_as_joined_tables(tmp_path):
    """Three runs, each of which gets the predictions of other subjects from another run."""
    for method, shift, every in (("one", 0, 2), ("two", 4, 3), ("three", 9, 5)):
        make_run(tmp_path, method, method=method, shift=shift, wrong_every=every, kinds=("micro", "macro"))
    records = boards_collect.collect_finished_runs(tmp_path)
    runs = [read(record) for record in records]
    pool = Pool.from_runs(runs)
    subjects = sorted(set(runs[0].videos["subject"]))

    classes = records[0].about["classes"]
    for dealt in ([0, 1, 2, 0], [2, 2, 1, 0], [1, 0, 0, 1]):
        mixed = Tables(
            runs[0].videos,
            runs[0].truths,
            *(
                pd.concat([part(runs[run], name, subject) for run, subject in zip(dealt, subjects)])
                for name in ("predictions", "clips")
            ),
        )
        by_hand = summarize(mixed, kinds=["micro", "macro"], classes=classes, seed=0, draws=0)
        weights = np.zeros((1, pool.units.size))
        weights[0, pool.units[dealt, range(4)]] = 1
        for path, expected in (
            ("spotting.overall.f1", by_hand["spotting"]["overall"]["scores"]["f1"]),
            ("analysis.strs", by_hand["analysis"]["strs"]),
            ("recognition.uf1", by_hand["recognition"]["scores"]["uf1"]),
        ):
            score = pool.make_scorer(path, ["micro", "macro"], classes, "strict")
            assert score(weights)[0] == pytest.approx(expected["value"])


def part(tables, name, subject):
    table = getattr(tables, name)
    return table[table["video"].str.startswith(f"{subject}/")]


def test_compute_standings_without_score_is_empty(tmp_path):
    for method in ("one", "two"):
        make_run(tmp_path, method, method=method, tasks=("spot",))
    assert standings.compute_standings(
        [[one] for one in boards_collect.collect_finished_runs(tmp_path)], "recognition.uf1", read, [0, 1]
    ) == [{}, {}]


def test_compute_standings_takes_strs_of_zero(tmp_path):
    for method in ("good", "silent"):
        make_run(tmp_path, method, method=method, subjects=8, wrong_every=50)
    good, silent = boards_collect.collect_finished_runs(tmp_path)

    def answers(record):
        tables = read(record)
        return tables if record is good else replace(tables, predictions=tables.predictions.iloc[:0])

    found = standings.compute_standings([[good], [silent]], "analysis.strs", answers, [0, 1])
    assert [row["group"] for row in found] == ["a", "b"]
    assert [row["ranks"] for row in found] == [[1, 1], [2, 2]]


def test_compute_standings_ranks_as_single_draws(tmp_path):
    """The tables of each draw are written out by hand, with a person as often as drawn, and scored as a run is."""
    # Each row has, in less than 2.5 % of the draws, a rank that it has in no other: its 95 % are not all of its ranks.
    for method, found in (("one", r"0[023]/"), ("two", r"0[013]/"), ("three", r"01/v0")):
        run = make_run(tmp_path, method, method=method, subjects=4, tasks=("spot",))
        answers = run.read_table("predictions.parquet")
        late = ~answers["video"].str.contains(found) | ((method == "three") & answers["video"].duplicated())
        answers.loc[late, ["onset", "apex", "offset"]] += 40
        run.write_table("predictions.parquet", answers)
    records = boards_collect.collect_finished_runs(tmp_path)
    runs = [read(record) for record in records]
    classes = records[0].about["classes"]
    people = sorted(set(runs[0].videos["subject"]))
    (strata,) = set(runs[0].videos["dataset"])
    draws = Resampling.of_subjects([strata] * 4, standings.DRAWS, derived_seed(0, "ranks")).weights[:400]

    @cache
    def copied(number, name, person, n):
        table = getattr(runs[number], name)
        own = table[table["video"].str.startswith(f"{person}/")]
        return own.assign(**{column: f"{n}|" + own[column] for column in ("video", "subject") if column in own})

    @cache  # draws of four people are often equal
    def of_draw(number, weights):
        drawn = [(person, n) for person, times in zip(people, weights) for n in range(int(times))]
        tables = Tables(
            *(pd.concat([copied(number, name, *one) for one in drawn]) for name in ("videos", "truths", "predictions"))
        )
        return value_of(summarize(tables, kinds=["micro"], classes=classes, seed=0, draws=0, convention=F1_ALONE))

    by_hand = np.array([[of_draw(number, tuple(weights)) for weights in draws] for number in range(3)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Resampling, "of_subjects", classmethod(lambda cls, *_: cls(draws, strata=(strata,) * 4)))
        found = standings.compute_standings([[record] for record in records], "spotting.micro.f1", read, [0, 1, 2])
        outside = []
    for one, row in enumerate(found):
        above = by_hand > by_hand[one] + ranking.EQUAL
        as_good = by_hand >= by_hand[one] - ranking.EQUAL
        assert row["beats"] == pytest.approx((1 - 0.5 * (above + 1.0 * as_good)).mean(axis=1), abs=6e-4)
        ranks = np.sort(1 + above.sum(axis=0)), np.sort(as_good.sum(axis=0))
        # Of 400, the 10th is the first up to which 2.5 % lie, and the 390th the first up to which 97.5 % lie.
        assert row["ranks"] == [ranks[0][9], ranks[1][389]]
        outside.append(row["ranks"] != [ranks[0][0], ranks[1][-1]])
    assert all(outside)


def value_of(found):
    return found["spotting"]["micro"]["scores"]["f1"]["value"]


def test_compute_standings_uses_same_hardest_people(tmp_path):
    """Of ten people two are hard for both methods, and another one for one of them alone."""
    for method, lost in (("one", ("/01/", "/04/")), ("two", ("/01/", "/04/", "/07/"))):
        run = make_run(tmp_path, method, method=method, subjects=10, tasks=("spot",))
        answers = run.read_table("predictions.parquet")
        run.write_table("predictions.parquet", answers[~answers["video"].str.contains("|".join(lost))])
    records = boards_collect.collect_finished_runs(tmp_path)
    found = standings.compute_standings([[record] for record in records], "spotting.micro.f1", read, [0, 1])
    assert [row["hardest"]["people"] for row in found] == [2, 2]
    for record, row in zip(records, found):
        tables = read(record)
        own = tables.videos[tables.videos["subject"].str.endswith(("/01", "/04"))]
        of = [table[table["video"].isin(own["video"])] for table in (tables.truths, tables.predictions)]
        assert row["hardest"]["value"] == value_of(
            summarize(Tables(own, *of), kinds=["micro"], classes=(), seed=0, draws=0)
        )


def test_compute_standings_lets_no_stranger_choose_the_hardest(tmp_path):
    """Whom a stranger's answers make hard is hard for nobody else; without any trusted row all ranked ones decide."""
    for method, lost in (("one", ("/01/", "/04/")), ("other", ("/07/", "/08/")), ("stranger", ("/07/", "/08/"))):
        run = make_run(tmp_path, method, method=method, subjects=10, tasks=("spot",))
        answers = run.read_table("predictions.parquet")
        run.write_table("predictions.parquet", answers[~answers["video"].str.contains("|".join(lost))])
    records = [[record] for record in boards_collect.collect_finished_runs(tmp_path)]
    alone = standings.compute_standings(records[:1], "spotting.micro.f1", read, [0], [0])
    beside = standings.compute_standings(records, "spotting.micro.f1", read, [0, 1, 2], [0])
    assert beside[0]["hardest"] == alone[0]["hardest"]
    without = standings.compute_standings(records, "spotting.micro.f1", read, [0, 1, 2])
    assert without == standings.compute_standings(records, "spotting.micro.f1", read, [0, 1, 2], [0, 1, 2])
    assert without[0]["hardest"]["value"] > alone[0]["hardest"]["value"]


def test_compute_standings_ranks_judged_rows_only(tmp_path):
    make_run(tmp_path, method="ststnet", tasks=("recognize",), selection="test", wrong_every=50)
    for method, every in (("mean", 4), ("htnet", 2)):
        make_run(tmp_path, method=method, tasks=("recognize",), wrong_every=every)
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    rows = {row.method: row for row in table.parts[0].rows if row.measured}

    assert not rows["ststnet"].ranks
    assert len(rows["mean"].beats) == 2
    assert max(rows["htnet"].ranks) == 2
    assert table.parts[0].beats_next(rows["mean"]) == rows["mean"].beats[1] == 1 - rows["htnet"].beats[0]


def test_build_tests_no_row_of_other_annotations(tmp_path):
    make_run(tmp_path, method="a", tasks=("spot",))
    make_run(tmp_path, method="b", tasks=("spot",), shift=60)
    make_run(tmp_path, method="c", tasks=("spot",), subjects=5)
    (table,) = boards_build.build_tables(boards_collect.collect_finished_runs(tmp_path))
    groups = {row.method: row.group for row in table.parts[0].rows if row.measured}
    assert groups["c"] == ""
    assert groups["a"]
    assert groups["b"]
