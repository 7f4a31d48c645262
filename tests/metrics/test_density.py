"""False positives by what they lie on, F1 at another density, and recall at so many false positives a minute, against brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from mebench.metrics import Tables, ranked_scores, scores_in_time
from mebench.metrics.curve_counts import rank_units
from mebench.metrics.summary import summarize
from tests.metrics.test_summary import CLASSES, spot, tables, truth, videos

NAMES = [f"d/{n}/a" for n in range(6)]  # of 5 minutes each


def drawn(seed: int) -> Tables:
    """Six videos of micro- and macro-expressions that do not overlap, and spotted intervals on and beside them."""
    rng = np.random.default_rng(seed)
    true, spotted = [], []
    for name in NAMES:
        starts = rng.choice(np.arange(0, 8900, 20), 12, replace=False).tolist()
        true += [truth(name, start) for start in starts[:5]] + [
            truth(name, start, kind="macro") for start in starts[5:]
        ]
        on = [start + int(rng.integers(-8, 9)) for start in starts[2:10]]
        spotted += [
            spot(name, max(start, 0), sure=float(rng.random())) for start in on + rng.integers(0, 8900, 4).tolist()
        ]
    return tables(videos(*NAMES), true, spotted)


def micro(run: Tables, convention: str = "strict") -> dict[str, float]:
    found = summarize(run, kinds=["micro"], classes=CLASSES, seed=0, draws=0, convention=convention)
    scores = found["spotting"]["micro"]
    return {**{n: score["value"] for n, score in scores["scores"].items()}, "tp": scores["tp"], "fp": scores["fp"]}


@pytest.mark.parametrize("seed", range(5))
def test_DENSITIES_of_the_run_itself_give_its_own_f1(monkeypatch, seed: int) -> None:
    run = drawn(seed)
    micros, macros, minutes = 5 * 6, 7 * 6, 9000 * 6 / 30 / 60
    of_runs = {"cas_me2": (micros, macros, minutes), "samm_lv": (micros, macros, 10 * minutes)}
    monkeypatch.setattr(scores_in_time, "DENSITIES", of_runs)
    found = micro(run)

    assert found["f1@cas_me2"] == pytest.approx(found["f1"])
    assert (
        found["f1@samm_lv"] < found["f1"]
    )  # a tenth as many expressions a minute, and as many false positives elsewhere


@pytest.mark.parametrize("seed", range(5))
def test_density_places_false_positives_by_shared_frames(seed: int) -> None:
    run = drawn(seed)
    on_macro = 0
    elsewhere = 0
    assert run.predictions is not None
    for _, video, a, b in run.predictions[["video", "onset", "offset"]].itertuples():
        shared = {kind for name, kind, c, d, *_ in run.truths[["video", "kind", "onset", "offset"]].to_numpy()
                  if name == video and a <= d and c <= b}  # fmt: skip
        on_macro += "macro" in shared and "micro" not in shared
        elsewhere += not shared
    found = micro(run)
    assert found["fp"] == len(run.predictions) - found["tp"]
    assert found["fp_per_macro"] == pytest.approx(on_macro / 42)
    assert found["fp_elsewhere"] == pytest.approx(elsewhere / (30 - 72 * 11 / 30 / 60))


def test_density_numbering_of_truths_moves_no_false_positive() -> None:
    run = drawn(0)
    moved = run.truths.assign(**{name: run.truths[name] + 1 for name in ("onset", "apex", "offset")})
    assert run.predictions is not None
    found = micro(Tables(run.videos, moved, run.predictions), "strict, numbering=truth_from_1")
    assert found["fp_per_macro"]
    assert found == micro(run)


def test_density_without_macros_or_lengths_is_None() -> None:
    alone = tables(videos("d/1/a"), [truth("d/1/a", 50)], [spot("d/1/a", 50), spot("d/1/a", 500)])
    found = micro(alone)
    assert found["fp_per_macro"] is found["f1@cas_me2"] is None
    assert found["fp_elsewhere"] == pytest.approx(1 / (5 - 11 / 30 / 60))
    unknown = micro(tables(videos("d/1/a", n_frames=None), [truth("d/1/a", 50)], [spot("d/1/a", 50)]))
    assert unknown["fp_elsewhere"] is unknown["f1@samm_lv"] is unknown["recall_at_one"] is None


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 2)), max_size=15))
def test_recall_at_rate_is_the_best_of_all_thresholds(spotted: list[tuple[int, bool, int]]) -> None:
    spotted = sorted(spotted, key=lambda row: -row[0])
    sure, hits = np.array([float(row[0]) for row in spotted]), np.array([row[1] for row in spotted], dtype=bool)
    unit = np.array([row[2] for row in spotted], dtype=np.int64)
    truths, minutes, weights = np.array([9.0, 4, 7]), np.array([2.0, 1, 3]), np.array([[1.0, 1, 1], [0, 2, 1]])
    ranking = rank_units(unit, 3, sure)
    found = ranked_scores.recall_at_rates(hits, ranking, truths, minutes, weights, (0.5, 1.0, 2.0))
    for n, weight in enumerate(weights):
        table = pd.DataFrame({"sure": sure, "hit": hits, "weight": weight[unit] if len(unit) else []})
        for rate in (0.5, 1.0, 2.0):
            best = 0.0
            for threshold in sure.tolist():
                kept = table[table["sure"] >= threshold]
                if kept["weight"][~kept["hit"]].sum() <= rate * (weight @ minutes):
                    best = max(best, kept["weight"][kept["hit"]].sum())
            assert found[rate][n] == pytest.approx(best / (weight @ truths))
