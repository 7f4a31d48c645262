"""Methods over several datasets: who is compared, on whom, and that the figures are those of the tables."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mebench.boards import build, several_datasets
from mebench.boards.site.site_pages import Site
from mebench.intake import collect
from tests.cli.conftest import mebench
from tests.helpers.run_folders import make_run, make_runs_on_two_datasets

__all__ = ["mebench"]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Two methods on two datasets, where `late` is worse; on another table of the first dataset it is better."""
    runs = tmp_path_factory.mktemp("across")
    make_runs_on_two_datasets(runs, {"early": 2, "late": 9})
    for method, shift in (("early", 9), ("late", 2)):
        settings = {"protocol": "kfold"}
        make_run(
            runs,
            method=method,
            dataset="one",
            members=("one",),
            subjects=3,
            shift=shift,
            tasks=("spot",),
            settings=settings,
        )
    return runs


def test_pairs_of_counts_each_person_once(board):
    records = collect.collect_finished_runs(board)
    tables = build.build_tables(records)
    (found,) = several_datasets.pairs_of(tables, records)
    page = dict(Site(tables, records, []).make_pages())["ranks.html"]
    assert page.count("data-sortable") == 2
    assert f'data-order="{found["p_holm"]}"' in page
    assert (found["first"], found["second"], found["people"]) == ("early", "late", 13)
    assert [name for name, _ in found["datasets"]] == [
        "spotting-two-loso",
        "spotting-one-loso",
    ]  # the most people first
    beats = [rows[0].beats[1] for table in tables if table.protocol == "loso" for rows in [table.parts[0].rows]]
    z = stats.norm.ppf(np.clip(beats, 0.0005, 0.9995))
    people = np.array([4, 9])
    assert found["difference"]["value"] == pytest.approx(z.sum() / np.sqrt(people).sum())
    p = stats.combine_pvalues(stats.norm.sf(z), method="stouffer", weights=np.sqrt(people)).pvalue
    assert found["p"] == found["p_holm"] == pytest.approx(2 * p, rel=1e-6)


def test_pairs_of_adjusts_and_orders_pairs(tmp_path):
    """Three methods are three pairs: the clearest differences first, adjusted by the steps of Holm."""
    make_runs_on_two_datasets(tmp_path, {"even": 2, "early": 2, "late": 9})
    records = collect.collect_finished_runs(tmp_path)
    pairs = several_datasets.pairs_of(build.build_tables(records), records)
    chances = [pair["p"] for pair in pairs]
    assert len(chances) == 3
    assert chances == sorted(chances)
    steps = np.maximum.accumulate([3 * chances[0], 2 * chances[1], chances[2]])
    assert [pair["p_holm"] for pair in pairs] == pytest.approx(np.minimum(steps, 1))


def test_pairs_of_needs_two_datasets(board):
    records = [record for record in collect.collect_finished_runs(board) if record.dataset == "one"]
    assert several_datasets.pairs_of(build.build_tables(records), records) == []


def test_pairs_of_counts_people_of_member(board):
    records = collect.collect_finished_runs(board)
    tables = [table for table in build.build_tables(records) if table.protocol == "loso"]
    members = [
        replace(
            t,
            parts=(
                replace(t.parts[0], name="members", rows=tuple(replace(r, member=t.dataset) for r in t.parts[0].rows)),
            ),
        )
        for t in tables
    ]
    assert several_datasets.pairs_of(members, records)[0]["people"] == 13


def test_pairs_of_separates_members_of_similar_names(tmp_path):
    for method, shift in (("early", 2), ("late", 9)):
        members = ("casme", "casme2")
        make_run(
            tmp_path, method=method, dataset="casme+casme2", members=members, subjects=8, shift=shift, tasks=("spot",)
        )
    records = collect.collect_finished_runs(tmp_path)
    tables = build.build_tables(records)
    pooled = [replace(table, parts=table.parts[:1]) for table in tables]  # such as that of protocol=pairs
    for every in (tables, pooled + tables):
        pairs = several_datasets.pairs_of(every, records)
        assert pairs
        assert all(len(pair["datasets"]) == 2 and pair["people"] == 8 for pair in pairs)


def test_across_prints_pairs(mebench, board, tmp_path):
    code, out, _ = mebench(
        "leaderboard", "across", "--runs", board, "--out", tmp_path, "--json", tmp_path / "pairs.json"
    )
    (pair,) = json.loads((tmp_path / "pairs.json").read_text())["pairs"]
    assert code == 0
    assert pair["first"] == "early"
    assert "methods over several datasets" in out
    assert "early" in out
    make_run(tmp_path / "runs", method="early", tasks=("spot",))
    code, out, _ = mebench("leaderboard", "across", "--runs", tmp_path / "runs", "--out", tmp_path)
    assert (code, out) == (0, "no two methods have a rank on the same two datasets, with other people in each\n")
