"""Everything that a row says of several seeds concerns their mean, against permutations and draws done by hand."""

from functools import cache
from itertools import permutations, product

import numpy as np
import pytest
from sklearn.metrics import f1_score

from mebench.boards import build as boards_build, significance, standings
from mebench.boards.selection_gains import selection_gains, table_of_gains
from mebench.intake import collect as boards_collect
from mebench.metrics import ranking
from mebench.metrics.bootstrap import Resampling, derived_seed, effective_degrees, share_interval, standard_error
from mebench.metrics.compared_tables import compare_tables
from mebench.runs import RunFolder
from mebench.runs.scoring import read_tables
from tests.helpers.run_folders import CLASSES, make_run

ROWS = {"one": (2, 5), "two": (3, 4), "three": (6,)}
"""Every so-manieth answer is wrong, for each seed of each method; the third has one seed."""
N_PEOPLE = 4


def read(record):
    return read_tables(RunFolder(record.folder))


@pytest.fixture
def rows(tmp_path):
    """The runs of each row, best first."""
    for method, wrong in ROWS.items():
        for seed, every in enumerate(wrong):
            make_run(tmp_path, method=method, seed=seed, wrong_every=every, tasks=("recognize",), subjects=N_PEOPLE)
    records = boards_collect.collect_finished_runs(tmp_path)
    of_method = [sorted((r for r in records if r.method == name), key=lambda r: r.seed) for name in ROWS]
    return sorted(of_method, key=lambda runs: -mean_uf1(runs))


@cache
def counts_of(folder):
    """(people, 3, classes) right, true and named clips of a run."""
    clips = read_tables(RunFolder(folder)).clips
    counts = []
    for person in sorted(set(clips["subject"])):
        truth, named = clips.loc[clips["subject"] == person, ["truth", "predicted"]].to_numpy(str).T
        of_classes = [((truth == c) & (named == c), truth == c, named == c) for c in CLASSES]
        counts.append(np.array([[part.sum() for part in of_class] for of_class in of_classes]).T)
    return np.array(counts)


def uf1(counts, weights=None):
    """UF1 over all clips of some people, with a weight for each person."""
    right, true, named = np.tensordot(np.ones(len(counts)) if weights is None else weights, counts, axes=1)
    return np.mean(2 * right / (true + named))


def clips_of(run):
    return counts_of(run.folder)


def test_uf1_by_hand_equals_scikit_learn(rows):
    for run in rows[0]:
        clips = read(run).clips
        expected = f1_score(clips["truth"].astype(str), clips["predicted"].astype(str), labels=CLASSES, average="macro")
        assert uf1(clips_of(run)) == pytest.approx(expected)


def mean_uf1(runs, weights=None):
    return np.mean([uf1(clips_of(run), weights) for run in runs])


def test_row_has_interval_of_mean_over_seeds(rows):
    """Without each person every seed is scored, and the mean taken."""
    built = boards_build.build_tables([run for runs in rows for run in runs])
    (table,) = (table for table in built if table.task == "recognition")
    found = {row.method: row for row in table.parts[0].rows if row.measured}
    for runs in rows:
        score = found[runs[0].method].scores["uf1"]
        assert score.value == pytest.approx(mean_uf1(runs))
        without = np.array([mean_uf1(runs, person) for person in 1 - np.eye(N_PEOPLE)])
        strata = ["drawn"] * N_PEOPLE
        error, _ = standard_error(without, strata)
        ends = share_interval(mean_uf1(runs), error, effective_degrees(without, strata), N_PEOPLE)
        assert (score.low, score.high) == pytest.approx(ends)


def test_compute_standings_permutes_all_seeds_together(rows, monkeypatch):
    """All ways to exchange the answers of a person among three rows, under both seeds; a single seed goes with each."""
    asked = []
    real = significance.range_p
    monkeypatch.setattr(significance, "range_p", lambda *words: asked.append(real(*words)) or asked[-1])
    standings.compute_standings(rows, "recognition.uf1", read, [0, 1, 2])

    clips = [[clips_of(runs[seed % len(runs)]) for runs in rows] for seed in (0, 1)]

    def range_of(orders):
        """Largest less smallest mean over seeds, if each person's answers come from the rows in this order."""
        of_seeds = []
        for of_rows in clips:
            dealt = [[of_rows[order[row]][person] for person, order in enumerate(orders)] for row in range(3)]
            of_seeds.append([uf1(np.array(own)) for own in dealt])
        return np.ptp(np.mean(of_seeds, axis=0))

    first = (0, 1, 2)
    others = product(permutations(range(3)), repeat=N_PEOPLE - 1)
    ranges = np.array([range_of([first, *orders]) for orders in others])
    assert asked[0][0] == pytest.approx(np.mean(ranges >= ranges[0] - 1e-9))


def test_compute_standings_of_two_rows_equals_compare_over_seeds(rows, monkeypatch):
    asked = []
    real = significance.range_p
    monkeypatch.setattr(significance, "range_p", lambda *words: asked.append(real(*words[:-1])) or asked[-1])
    for one, other in ((rows[0], rows[2]), (rows[1], rows[2]), (rows[0], rows[1])):
        standings.compute_standings([one, other], "recognition.uf1", read, [0, 1])
        compared = compare_tables(
            [*map(read, one)], [*map(read, other)], kinds=["micro"], classes=CLASSES, metrics=["uf1"], draws=0
        )
        assert asked.pop()[0] == compared.scores["recognition.uf1"].p


def test_compute_standings_ranks_means_over_seeds(rows, monkeypatch):
    monkeypatch.setattr(standings, "DRAWS", 60)
    found = standings.compute_standings(rows, "recognition.uf1", read, [0, 1, 2])
    draws = Resampling.of_subjects(["drawn"] * N_PEOPLE, 60, derived_seed(0, "ranks")).weights
    drawn = np.array([[mean_uf1(runs, weights) for weights in draws] for runs in rows])
    for row, ranks, beats in zip(found, ranking.rank_intervals(drawn), ranking.win_shares(drawn)):
        assert row["ranks"] == [*ranks]
        assert row["beats"] == pytest.approx(beats, abs=6e-4)


def test_compute_standings_finds_hardest_people_by_mean(rows):
    found = standings.compute_standings(rows, "recognition.uf1", read, [0, 1, 2])
    accuracy = np.array(
        [np.mean([[own[0].sum() / own[1].sum() for own in clips_of(run)] for run in runs], axis=0) for runs in rows]
    )
    hardest = np.isin(np.arange(N_PEOPLE), ranking.hardest_people(accuracy))
    for row, runs in zip(found, rows):
        assert row["hardest"]["value"] == pytest.approx(mean_uf1(runs, hardest))


def test_units_of_rounds_give_each_seed_equally_often(rows):
    pooled = standings.PooledRows.from_rows(rows, "recognition.uf1", read)
    n_subjects = pooled.pool.units.shape[1]
    n_rounds = len(pooled.units_of_rounds)
    for number, seeds in enumerate(pooled.seeds):
        dealt = [units.reshape(-1, n_subjects)[number].tolist() for units in pooled.units_of_rounds]
        assert sorted(dealt) == sorted(pooled.pool.units[[*seeds] * (n_rounds // len(seeds))].tolist())
    assert n_rounds == 2


def test_selection_gain_has_interval_of_mean(tmp_path):
    """Its ends are those of the comparison of all seeds; without an honest run nobody knows them."""
    sides = {"leaking": (7, 6), "honest": (2, 3)}
    for side, wrong in sides.items():
        for seed, every in enumerate(wrong):
            selection = "test" if side == "leaking" else "fixed"
            make_run(tmp_path, f"{side}{seed}", seed=seed, wrong_every=every, tasks=("recognize",), selection=selection)
    for seed in (0, 1):
        alone = compare_tables(
            *(read_tables(RunFolder(tmp_path / f"{side}{seed}")) for side in sides),
            kinds=[],
            classes=CLASSES,
            metrics=["uf1"],
        )
        worth = {
            "honest": f"honest{seed}",
            "looks": {"least": 4, "mean": 4.0, "most": 4},
            "differences": {"recognition.uf1": alone.scores["recognition.uf1"].difference.plain()},
        }
        audit = {"values": [{"name": "worth of the looks", "saw": "test", "value": worth}]}
        RunFolder(tmp_path / f"leaking{seed}").write_json("audit.json", audit)
    records = boards_collect.collect_finished_runs(tmp_path)
    both = compare_tables(
        *([read_tables(RunFolder(tmp_path / f"{side}{seed}")) for seed in (0, 1)] for side in sides),
        kinds=[],
        classes=CLASSES,
        metrics=["uf1"],
    )
    gain = both.scores["recognition.uf1"].difference

    (row,) = table_of_gains(selection_gains(records, {}, [])).plain()
    assert row["gain"] == f"{gain.value:+.3f} [{gain.low:.3f}, {gain.high:.3f}]"
    (row,) = table_of_gains(selection_gains([r for r in records if r.id != "honest1"], {}, [])).plain()
    assert row["gain"].strip() == f"{gain.value:+.3f}"
