"""Spotting scores against published counts and small cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, strategies as st

from mebench.metrics import Tables, spotting_scores
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.matching import pair_intervals
from mebench.metrics.spotting_scores import SpottingCounts, precision_recall_f1

# Counts and F1 of the MDMD baseline (He et al. 2020, MEGC2020).
MDMD = [
    ((109, 1414, 191), 0.1196),  # CAS(ME)^2 macro
    ((21, 5014, 36), 0.0082),  # CAS(ME)^2 micro
    ((130, 6428, 227), 0.0376),  # CAS(ME)^2 overall
    ((22, 334, 321), 0.0629),  # SAMM-LV macro
    ((29, 1407, 130), 0.0364),  # SAMM-LV micro
    ((51, 1741, 451), 0.0445),  # SAMM-LV overall
    ((181, 8169, 678), 0.0393),  # both
]
# Table 5 of MEAN (Liong, See and Chan 2023): spotting counts and F1, analysis F1, STRS.
TABLE_5 = [
    ((159, 85, 85), 0.6516, 0.5927, 0.3862),  # CASME II
    ((60, 97, 97), 0.3822, 0.5149, 0.1968),  # SMIC-E-HS
    ((31, 40, 40), 0.4366, 0.7470, 0.3261),  # SMIC-E-VIS
    ((22, 49, 49), 0.3099, 0.6667, 0.2066),  # SMIC-E-NIR
    ((17, 206, 40), 0.1214, 0.6667, 0.0809),  # CAS(ME)^2
    ((26, 363, 133), 0.0949, 0.5263, 0.0499),  # SAMMLV
]
Row = tuple[str, int, int | None, int]
Spot = tuple[str, int, int, int, float]


def counts(truths: list[Row], spotted: list[Spot], kind: str = "micro", fps: float = 25.0) -> SpottingCounts:
    """Rows are (video, onset, apex, offset[, confidence]); videos a and b show two subjects for 1500 frames each."""
    videos = pd.DataFrame({"video": ["a", "b"], "subject": ["1", "2"], "dataset": "d", "n_frames": 1500, "fps": fps})
    true = pd.DataFrame(truths, columns=["video", "onset", "apex", "offset"]).assign(kind="micro", emotion=None)
    predictions = pd.DataFrame(spotted, columns=["video", "onset", "apex", "offset", "confidence"])
    ordered = Tables(videos, true, predictions.assign(kind=kind, emotion=None, draw=0)).put_in_order()
    assert ordered.predictions is not None
    minutes = np.array([1500 / fps / 60] * 2)
    return spotting_scores.count_spotting(ordered.truths, ordered.predictions, minutes, CONVENTIONS["strict"])


def values(*args, **kwargs) -> dict[str, float]:
    return {name: float(v[0]) for name, v in counts(*args, **kwargs).compute_scores(np.ones((1, 2))).items()}


@pytest.mark.parametrize(("tp_fp_fn", "f1"), MDMD)
def test_precision_recall_f1_gives_published_f1(tp_fp_fn: tuple[int, int, int], f1: float) -> None:
    assert precision_recall_f1(*tp_fp_fn)[2] == pytest.approx(f1, abs=5e-5)


@pytest.mark.parametrize(("tp_fp_fn", "f1", "analysis", "strs"), TABLE_5)
def test_precision_recall_f1_gives_published_strs(
    tp_fp_fn: tuple[int, int, int], f1: float, analysis: float, strs: float
) -> None:
    assert precision_recall_f1(*tp_fp_fn)[2] == pytest.approx(f1, abs=5e-5)
    assert precision_recall_f1(*tp_fp_fn)[2] * analysis == pytest.approx(strs, abs=1e-4)


amounts = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))


@given(amounts, amounts)
def test_precision_recall_f1_pooled_lies_between_parts(a: tuple[int, int, int], b: tuple[int, int, int]) -> None:
    pooled = precision_recall_f1(*(x + y for x, y in zip(a, b)))
    denominators = [(x[0] + x[1], x[0] + x[2], 2 * x[0] + x[1] + x[2]) for x in (a, b)]
    for n, value in enumerate(pooled):
        parts = [precision_recall_f1(*x)[n] for x, d in zip((a, b), denominators) if d[n]] or [0.0]
        assert min(parts) - 1e-12 <= value <= max(parts) + 1e-12


def test_spotting_scores_of_two_hits_of_three_truths() -> None:
    truths = [("a", 10, 14, 19), ("a", 50, None, 59), ("b", 30, 34, 39)]
    spotted = [("a", 11, 16, 20, 0.9), ("b", 70, 75, 80, 0.8), ("b", 31, 33, 41, 0.7)]
    scores = values(truths, spotted)

    assert scores["precision"] == scores["recall"] == scores["f1"] == pytest.approx(2 / 3)
    assert scores["ap50"] == pytest.approx((1 + 2 / 3) / 3)
    # IoU is 9 / 11 for the first hit and 9 / 12 for the other: they count up to .80 and .75, 7 and 6 of 10 levels.
    assert scores["ap"] == pytest.approx((6 * (1 + 2 / 3) / 3 + 1 / 3) / 10)
    # b has one truth, so its second interval, which contains the apex, is not asked.
    assert scores["asr"] == pytest.approx(1 / 3)
    assert scores["apex_mae_ms"] == pytest.approx((2 + 1) / 2 * 40)
    assert scores["fp_per_minute"] == pytest.approx(1 / 2)


def test_asr_of_short_videos_is_equation_13() -> None:
    truths = [("a", 10, 14, 19), ("b", 10, 14, 19)]
    assert values(truths, [("a", 0, 11, 30, 0.5), ("b", 0, 18, 30, 0.5)])["asr"] == 1
    # Onset and offset themselves are outside, and only the surest interval of a video counts.
    assert values(truths, [("a", 0, 10, 30, 0.5), ("b", 0, 19, 30, 0.5)])["asr"] == 0
    assert values(truths, [("a", 0, 5, 30, 0.9), ("a", 0, 15, 30, 0.5)])["asr"] == 0


def test_asr_claims_one_truth_once() -> None:
    truths = [("a", 10, 14, 19), ("a", 50, 55, 59)]
    assert values(truths, [("a", 0, 13, 30, 0.9), ("a", 0, 15, 30, 0.8), ("a", 0, 55, 60, 0.7)])["asr"] == 0.5


def test_apex_claims_do_not_need_an_overlap_of_a_half() -> None:
    truths = pd.DataFrame({"video": ["a"], "kind": "micro", "onset": [10], "offset": [19]})
    spotted = pd.DataFrame({"video": ["a"], "kind": "micro", "onset": [0], "apex": [15.0], "offset": [99], "draw": 0})
    assert spotting_scores.apex_claims(
        truths, spotted, pair_intervals(truths, spotted, CONVENTIONS["strict"])
    ).tolist() == [True]


def test_spotting_scores_count_false_positives_without_truths() -> None:
    scores = values([("a", 10, 14, 19)], [("a", 10, 14, 19, 0.9), ("b", 10, 14, 19, 0.8)])
    assert scores["precision"] == 0.5
    assert scores["fp_per_minute"] == 0.5


def test_spotting_scores_of_no_predictions_are_zero() -> None:
    nothing = values([("a", 10, 14, 19)], [])
    assert [nothing[name] for name in ("precision", "recall", "f1", "ap50", "ap", "asr", "fp_per_minute")] == [0] * 7
    assert np.isnan(nothing["apex_mae_ms"])


def test_spotting_scores_of_false_alarms_alone_are_zero() -> None:
    scores = values([], [("a", 10, 14, 19, 0.9)])
    assert scores.pop("fp_per_minute") == 0.5
    assert (scores.pop("precision"), scores.pop("f1")) == (0, 0)
    assert np.isnan(list(scores.values())).all()


def test_spotting_scores_of_nothing_are_undefined() -> None:
    scores = values([], [])
    assert scores.pop("fp_per_minute") == 0
    assert np.isnan(list(scores.values())).all()


def test_spotting_scores_never_match_another_kind() -> None:
    assert values([("a", 10, 14, 19)], [("a", 10, 14, 19, 0.9)], kind="macro")["f1"] == 0


videos = st.sampled_from(["a", "b"])
intervals = st.tuples(videos, st.integers(0, 30), st.integers(0, 12)).map(
    lambda x: (x[0], x[1], x[1] + x[2] // 2, x[1] + x[2])
)
confidences = st.floats(0, 1)
spots = st.tuples(intervals, confidences).map(lambda x: (*x[0], x[1]))


@given(
    truths=st.lists(intervals, min_size=1, max_size=5),
    spotted=st.lists(spots, max_size=6, unique_by=lambda spot: spot[-1]),
    sure=confidences,
)
def test_spotting_scores_never_rise_by_a_false_positive(truths: list[Row], spotted: list[Spot], sure: float) -> None:
    assume(sure not in {spot[-1] for spot in spotted})
    before, after = values(truths, spotted), values(truths, [*spotted, ("a", 1000, 1005, 1010, sure)])
    for name in ("precision", "recall", "f1", "ap50", "ap", "asr"):
        assert after[name] <= before[name] + 1e-12
    assert after["fp_per_minute"] > before["fp_per_minute"]


@given(
    truths=st.lists(intervals, min_size=1, max_size=5),
    spotted=st.lists(intervals, max_size=6, unique=True),
    weights=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_spotting_scores_weights_are_copies_of_subjects(
    truths: list[Row], spotted: list[Row], weights: tuple[int, int]
) -> None:
    """Weighting subjects equals writing their rows down that often, under new names."""
    # Two false positives for each, so that whoever is drawn has confidences that differ.
    wrong = [(video, at, at, at + 9) for video in "ab" for at in (1000, 1100)]
    ranked = [(*row, 1 - n / 20) for n, row in enumerate([*spotted, *wrong])]
    weighted = counts(truths, ranked).compute_scores(np.array([weights], dtype=float))

    times = dict(zip("ab", weights))
    copies = [f"{v}{n}" for v in "ab" for n in range(times[v])]
    table = pd.DataFrame({"video": copies, "subject": copies, "dataset": "d", "n_frames": 1500, "fps": 25.0})

    def written(rows, *extra: str) -> pd.DataFrame:
        names = ["video", "onset", "apex", "offset", *extra]
        copied = [(f"{v}{n}", *rest) for v, *rest in rows for n in range(times[v])]
        return pd.DataFrame(copied, columns=names).assign(kind="micro", emotion=None)

    ordered = Tables(table, written(truths), written(ranked, "confidence").assign(draw=0)).put_in_order()
    assert ordered.predictions is not None
    minutes = np.full(len(copies), 1.0)
    plain = spotting_scores.count_spotting(
        ordered.truths, ordered.predictions, minutes, CONVENTIONS["strict"]
    ).compute_scores(np.ones((1, len(copies))))
    for name, value in plain.items():
        np.testing.assert_allclose(weighted[name], value, atol=1e-12)


@given(truths=st.lists(intervals, min_size=1, max_size=5), spotted=st.lists(intervals, min_size=1, max_size=6))
def test_average_precision_falls_most_by_a_first_false_positive(truths: list[Row], spotted: list[Row]) -> None:
    ranked = [(*row, 1 - n / 10) for n, row in enumerate(spotted)]
    before, first, last = (
        values(truths, [*ranked, *extra])
        for extra in ([], [("a", 1000, 1005, 1010, 2.0)], [("a", 1000, 1005, 1010, 0.0)])
    )
    assert first["ap50"] <= before["ap50"] == pytest.approx(last["ap50"])
    if before["ap50"]:
        assert first["ap50"] < before["ap50"]


def test_average_precision_needs_confidences_that_differ() -> None:
    truths, pair_of = [("a", 10, 14, 19), ("a", 50, 54, 59)], [("a", 10, 14, 19), ("a", 80, 84, 89)]
    assert np.isnan(values(truths, [(*row, 0.5) for row in pair_of])["ap50"])
    assert np.isnan(values(truths, [(*row, None) for row in pair_of])["ap"])
    assert values(truths, [(*pair_of[0], 0.5)])["ap50"] == 0.5  # one interval needs no ranking


@pytest.mark.parametrize("sure", [None, 0.5])
def test_asr_needs_confidences_where_intervals_outnumber_truths(sure: float | None) -> None:
    """Else the earliest would pass for the surest."""
    truths = [("a", 100, 104, 109)]
    early = ("a", 10, 14, 19)
    right = ("a", 100, 104, 109)
    assert values(truths, [(*early, 0.1), (*right, 0.9)])["asr"] == 1
    assert np.isnan(values(truths, [(*early, sure), (*right, sure)])["asr"])
    one_each = [("b", 10, 14, 19, sure), (*right, sure)]  # and one where nothing is to be found
    assert values(truths, one_each)["asr"] == 1
