"""The peak rule against a plain reading, and the receiver operating characteristic against scikit-learn."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import auc

from mebench.metrics import Tables, li2017
from mebench.metrics.curve_counts import rates_over_confidence
from mebench.metrics.summary import summarize


@given(onset=st.integers(-5, 30), length=st.integers(1, 12), at=st.integers(0, 11), true=st.integers(0, 20))
def test_peak_hits_allow_a_quarter_outside(onset: int, length: int, at: int, true: int) -> None:
    offset, apex = onset + length - 1, onset + min(at, length - 1)
    spotted = pd.DataFrame({"onset": [onset], "apex": [apex], "offset": [offset]})
    truth = pd.DataFrame({"onset": [true], "offset": [true + 6]})
    spare = Fraction(length - 1, 4)
    row = np.array([0])
    assert li2017.peak_hits(truth, spotted, row, row).tolist() == [true - spare <= apex <= true + 6 + spare]


def test_peak_hits_without_apex_take_the_middle() -> None:
    spotted = pd.DataFrame({"onset": [10, 10], "apex": [np.nan, 19.0], "offset": [19, 19]})
    truth = pd.DataFrame({"onset": [0], "offset": [13]})
    assert li2017.peak_hits(truth, spotted, np.array([0, 1]), np.array([0, 0])).tolist() == [True, False]


def test_rates_over_confidence_are_what_thresholds_leave() -> None:
    rng = np.random.default_rng(0)
    sure = rng.integers(0, 10, 40).astype(float)
    found, wrong = np.where(rng.random(40) < 0.3, 12.0, 0), np.where(rng.random(40) < 0.5, 9.0, 0)
    thresholds, fpr, tpr = rates_over_confidence(sure, found, wrong, true_frames=600, other_frames=3000)
    for threshold, x, y in zip(thresholds, fpr, tpr):
        kept = sure >= threshold
        assert (y, x) == pytest.approx((found[kept].sum() / 600, wrong[kept].sum() / 3000))
    area = li2017.area_under(fpr, tpr)
    assert area == pytest.approx(auc([0, *fpr, 1], [0, *tpr, 1]))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 20), st.integers(1, 9)), max_size=8))
def test_count_newly_covered_counts_shared_frames_once(rows: list[tuple[str, int, int]]) -> None:
    truths = pd.DataFrame(
        [(v, "micro", on, on + n - 1) for v, on, n in rows], columns=["video", "kind", "onset", "offset"]
    )
    union = {(v, frame) for v, on, n in rows for frame in range(on, on + n)}
    assert li2017.count_newly_covered(truths).sum() == len(union)


def test_li2017_rates_without_truth_or_length_are_undefined() -> None:
    """Without a truth there is no true positive rate, without the length of a video no false positive rate."""
    video = {"video": ["d/s/a"], "subject": "d/s", "dataset": "d", "fps": 30.0}
    spotted = pd.DataFrame({"video": ["d/s/a"], "kind": "micro", "onset": 1, "apex": 5, "offset": 9, "emotion": None})
    spotted = spotted.assign(confidence=1.0, draw=0)
    for n_frames, rate in ((np.nan, None), (90.0, 9 / 90)):
        tables = Tables(pd.DataFrame(video).assign(n_frames=n_frames), spotted[:0], spotted)
        found = summarize(tables, kinds=["micro"], classes=[], seed=0, convention="li2017", draws=0)
        rates = found["spotting"]["micro"]["details"]["scores"]
        assert (rates["tpr"]["value"], rates["fpr"]["value"]) == (None, rate)
