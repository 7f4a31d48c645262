import numpy as np
from hypothesis import given, strategies as st

from mebench.metrics import ranked_scores

ranked = st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=15)


@given(ranked)
def test_detection_curve_points_are_what_thresholds_leave(spotted: list[tuple[int, bool]]) -> None:
    spotted = sorted(spotted, key=lambda x: -x[0])
    confidence = np.array([float(c) for c, _ in spotted])
    hits = np.array([hit for _, hit in spotted], dtype=bool)
    curve = ranked_scores.detection_curve(hits, confidence, n_truths=20, minutes=3.0)
    assert curve["confidence"].tolist() == sorted(set(confidence.tolist()), reverse=True)
    for threshold, recall, rate in zip(*curve.values()):
        kept = hits[confidence >= threshold]
        assert (recall, rate) == (kept.sum() / 20, (~kept).sum() / 3)


def test_detection_curve_without_truths_or_lengths_is_undefined() -> None:
    curve = ranked_scores.detection_curve(np.array([False]), np.array([0.5]), n_truths=0, minutes=float("nan"))
    assert np.isnan(curve["recall"]).all()
    assert np.isnan(curve["fp_per_minute"]).all()
    assert len(ranked_scores.detection_curve(np.array([], dtype=bool), np.array([]), 3, 1.0)["recall"]) == 0


def test_detection_curve_thinned_keeps_both_ends() -> None:
    n = 1000
    found = np.arange(n) % 3 == 0, np.linspace(1, 0, n), 400, 10.0
    curve, few = (ranked_scores.detection_curve(*found, points=points) for points in (n, 50))
    assert (len(curve["recall"]), len(few["recall"])) == (n, 50)
    assert (few["recall"][0], few["recall"][-1]) == (curve["recall"][0], curve["recall"][-1])
    assert set(zip(*few.values())) < set(zip(*curve.values()))
