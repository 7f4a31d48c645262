"""What the presets reproduce, defect by defect, on examples small enough to count by hand."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from sklearn.metrics import f1_score, recall_score

from mebench.metrics import Tables, emotions, find_convention
from mebench.metrics.summary import summarize
from tests.helpers.plain_rules import (
    Span,
    any_kind,
    area_of_every_pair,
    best_of_each_truth,
    each_truth_in_turn,
    every_free,
    every_pair,
    of_truth,
    over_a_half,
    rows,
    tables,
    top_one,
    vanishing_duplicates,
)

A, B, C = "d/1/a", "d/1/b", "d/2/c"


def score(run: Tables, convention: str, classes: tuple[str, ...] = (), kinds: tuple[str, ...] = ("micro",)):
    return summarize(run, kinds=kinds, classes=classes, seed=0, draws=0, convention=convention)


def counts(run: Tables, convention: str) -> tuple[int, int, int]:
    part = score(run, convention)["spotting"]["micro"]
    return part["tp"], part["fp"], part["fn"]


def value(part, name: str):
    return part["scores"][name]["value"]


# The example in the README of STRS-Metric, which prints "STRS: 0.2".
README_TRUTH = [
    ("1/EP02_01f", (45, 85), "happiness"),
    ("1/EP03_02", (130, 160), "others"),
    ("1/EP04_02", (20, 75), "others"),
    ("2/EP01_11f", (45, 95), "repression"),
    ("2/EP02_04f", (30, 140), "repression"),
]
README_SPOTTED = [
    ("1/EP02_01f", (10, 70), "happiness"),
    ("1/EP03_02", (100, 170), "others"),
    ("1/EP04_02", (0, 70), "others"),
    ("2/EP01_11f", (20, 90), "happiness"),
    ("2/EP02_04f", (70, 140), "happiness"),
]


@pytest.mark.parametrize("convention", ["strs_metric", "strict"])
def test_strs_metric_gives_the_example_of_its_readme(convention: str) -> None:
    truths, spotted = (
        [rows(f"d/{video}", [span], [emotion]) for video, span, emotion in table]
        for table in (README_TRUTH, README_SPOTTED)
    )
    run = tables(truths, spotted, [f"d/{video}" for video, *_ in README_TRUTH])
    summary = score(run, convention, ("happiness", "others", "repression"))
    assert summary["analysis"]["strs"]["value"] == pytest.approx(0.2)


def test_strs_metric_drops_subjects_without_spotted_intervals() -> None:
    run = tables([rows(A, [(0, 9), (50, 59)]), rows(C, [(0, 9), (50, 59)])], [rows(A, [(0, 9), (50, 59)])], [A, C])
    assert counts(run, "strs_metric") == (2, 0, 0)
    assert counts(run, "strict") == (2, 0, 2)
    assert value(score(run, "strict")["spotting"]["micro"], "f1") == pytest.approx(0.667, abs=5e-4)


def test_strs_metric_drops_false_positives_without_truth() -> None:
    run = tables([rows(A, [(0, 9), (50, 59)])], [rows(A, [(0, 9), (50, 59)]), rows(B, [(0, 9), (50, 59)])], [A, B])
    assert counts(run, "strs_metric") == (2, 0, 0)
    assert counts(run, "strict") == (2, 2, 0)
    assert value(score(run, "strict")["spotting"]["micro"], "f1") == pytest.approx(0.667, abs=5e-4)


def test_strs_metric_has_no_number_where_one_class_is_all_right() -> None:
    run = tables([rows(A, [(0, 9)], ["joy"])], [rows(A, [(0, 9)], ["joy"])], [A])
    legacy, strict = (score(run, name, ("joy",))["analysis"] for name in ("strs_metric", "strict"))
    assert legacy["strs"]["value"] is None
    assert value(legacy["true_positives"], "f1") is None
    assert strict["strs"]["value"] == 1


def test_strs_metric_and_strict_average_unspotted_emotions() -> None:
    truths = rows(A, [(0, 9), (30, 39), (60, 69), (90, 99)], ["joy", "fear", "awe", "joy"])
    run = tables([truths], [rows(A, [(0, 9), (30, 39), (90, 99)], ["joy", "fear", "joy"])], [A])
    for name in ("strs_metric", "strict"):
        part = score(run, name, ("joy", "fear", "awe"))["analysis"]["true_positives"]
        assert value(part, "f1") == pytest.approx(0.667, abs=5e-4)


def test_strs_metric_calls_mean_precision_uar() -> None:
    truths = rows(A, [(0, 9), (30, 39), (60, 69), (90, 99)], ["joy", "fear", "joy", "joy"])
    run = tables([truths], [rows(A, [(0, 9), (30, 39), (60, 69), (90, 99)], ["joy", "fear", "fear", "joy"])], [A])
    legacy, strict = (
        score(run, name, ("joy", "fear"))["analysis"]["true_positives"] for name in ("strs_metric", "strict")
    )
    assert value(legacy, "uar") == 0.75
    assert value(strict, "uar") == pytest.approx(0.8333, abs=5e-5)


def test_strs_metric_counts_one_interval_for_two_truths() -> None:
    run = tables([rows(A, [(0, 9), (1, 10)])], [rows(A, [(0, 10)])], [A])
    assert counts(run, "strs_metric") == (2, 0, 0)
    assert counts(run, "strict") == (1, 0, 1)


spans = st.tuples(st.integers(0, 14), st.integers(1, 9)).map(lambda x: (x[0], x[0] + x[1]))


@given(truths=st.lists(spans, min_size=1, max_size=5), spotted=st.lists(spans, min_size=1, max_size=5))
def test_presets_equal_plain_readings_of_released_code(truths: list[Span], spotted: list[Span]) -> None:
    truths = sorted(truths)
    run = tables([rows(A, truths)], [rows(A, spotted)], [A])
    hits = sum(row >= 0 for row in top_one(truths, spotted))
    for name in ("mean2022", "softnet2021", "boosting_vrme2025"):
        assert counts(run, name) == (hits, len(spotted) - hits, len(truths) - hits)
    assert counts(run, "strs_metric") == every_free(truths, spotted)


videos_of_spans = st.fixed_dictionaries({}, optional=dict.fromkeys((A, B, C), st.lists(spans, min_size=1, max_size=4)))


@given(truths=videos_of_spans, spotted=videos_of_spans)
def test_presets_of_2022_on_equal_plain_readings_of_code(truths, spotted) -> None:
    truths = {video: sorted(own) for video, own in truths.items()}
    run = tables([rows(v, s) for v, s in truths.items()], [rows(v, s) for v, s in spotted.items()], [A, B, C])
    assert counts(run, "sl_swin2022") == over_a_half(truths, spotted)
    assert counts(run, "auw_gcn") == best_of_each_truth(truths, spotted)
    assert counts(run, "megc2023_entries") == any_kind(truths, spotted)
    assert counts(run, "abpn2022") == best_of_each_truth(truths, spotted)
    assert (in_turn := counts(run, "spotformer")) == each_truth_in_turn(truths, spotted)
    assert counts(run, "tsmsnet2021") == vanishing_duplicates(truths, spotted)
    assert counts(run, "map_str") == every_pair(truths, spotted)
    later = {video: [(onset + 1, offset + 1) for onset, offset in own] for video, own in truths.items()}
    moved = tables([rows(v, s) for v, s in later.items()], [rows(v, s) for v, s in spotted.items()], [A, B, C])
    assert counts(moved, "spotformer, numbering=truth_from_1") == in_turn


def test_abpn2022_counts_duplicates_and_tsmsnet2021_swaps_names() -> None:
    """Three intervals, two on one truth; F1 is that of the truths found in both."""
    run = tables([rows(A, [(10, 29), (40, 59)])], [rows(A, [(10, 29), (12, 29), (80, 99)])], [A])
    for name, precision, recall, f1 in (("abpn2022", 2 / 3, 1 / 2, 2 / 5), ("tsmsnet2021", 1 / 2, 1 / 2, 1 / 2)):
        part = score(run, name)["spotting"]["micro"]
        assert [value(part, n) for n in ("precision", "recall", "f1")] == pytest.approx([precision, recall, f1])
    run = tables([rows(A, [(10, 29)])], [rows(A, [(10, 29), (80, 99)])], [A])
    part = score(run, "tsmsnet2021")["spotting"]["micro"]
    assert (value(part, "precision"), value(part, "recall")) == (1, 0.5)


def test_lgsnet_finds_a_truth_by_anything_whatever_its_kind() -> None:
    run = tables([rows(A, [(10, 29)], kind="micro")], [rows(A, [(10, 29), (11, 29)], kind="macro")], [A])
    part = score(run, "lgsnet2023", kinds=("micro", "macro"))["spotting"]["overall"]
    assert (part["tp"], part["fp"], part["fn"]) == (1, 1, 0)


@given(videos_of_spans, videos_of_spans, videos_of_spans, videos_of_spans)
def test_presets_of_megc2023_pool_overall_over_kinds(micro, macro, spotted_micro, spotted_macro) -> None:
    def both(one, other):
        return {video: one.get(video, []) + other.get(video, []) for video in (*one, *other)}

    def of_kind(spans, kind):
        return [rows(video, own, kind=kind) for video, own in spans.items()]

    run = tables(
        of_kind(micro, "micro") + of_kind(macro, "macro"),
        of_kind(spotted_micro, "micro") + of_kind(spotted_macro, "macro"),
        [A, B, C],
    )
    parts = score(run, "megc2023_entries", kinds=("micro", "macro"))["spotting"]
    assert tuple(parts["overall"][n] for n in ("tp", "fp", "fn")) == any_kind(
        both(micro, macro), both(spotted_micro, spotted_macro)
    )
    every = both(spotted_micro, spotted_macro)
    for kind, true, spotted in (("micro", micro, spotted_micro), ("macro", macro, spotted_macro)):
        expected = of_truth(true, every, spotted, {*micro, *macro})
        assert tuple(parts[kind][n] for n in ("tp", "fp", "fn")) == expected


@given(truths=videos_of_spans, spotted=videos_of_spans)
def test_sfamnet_ap_adds_up_every_hit(truths, spotted) -> None:
    run = tables([rows(v, s) for v, s in truths.items()], [rows(v, s) for v, s in spotted.items()], [A, B, C])
    part = score(run, "map_str")["spotting"]["micro"]
    if truths:
        areas = [area_of_every_pair(truths, spotted, Fraction(percent, 100)) for percent in range(50, 100, 5)]
        assert value(part, "ap50") == pytest.approx(areas[0])
        assert value(part, "ap") == pytest.approx(np.mean(areas))


def test_boosting_vrme2025_adds_nothing_for_silence() -> None:
    """MEAN's program, whose matcher ME-TST's takes, too, gives such a video the interval [0, 0]. Neither reads a video without a truth."""
    run = tables([rows(A, [(10, 29)]), rows(B, [(10, 29)])], [rows(A, [(10, 29)]), rows(C, [(10, 29)])], [A, B, C])
    assert counts(run, "boosting_vrme2025") == (1, 0, 1)
    assert counts(run, "mean2022") == (1, 1, 1)
    assert counts(run, "map_str") == (1, 1, 1)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=1, max_size=12))
def test_sklearn_macro_equals_scikit_learn(answers) -> None:
    truth, predicted = zip(*answers)
    clips = pd.DataFrame(
        {"video": [f"d/{n % 3}/{n}" for n in range(len(answers))], "truth": truth, "predicted": predicted}
    )
    empty = rows("", [])
    videos = tables([], [], clips["video"].tolist()).videos
    found = score(Tables(videos, empty, None, clips), "sklearn_macro", ("a", "b", "c", "d"))["recognition"]["scores"]
    expected = (
        f1_score(truth, predicted, average="macro", zero_division=0),
        recall_score(truth, predicted, average="macro", zero_division=0),
    )

    assert (found["uf1"]["value"], found["uar"]["value"]) == pytest.approx(expected)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abcd")), min_size=3, max_size=12))
def test_sklearn_macro_without_a_subject_equals_the_others(answers) -> None:
    """A class that only this subject's answers name is then in no mean."""
    truth, predicted = (np.array(column) for column in zip(*answers))
    subject = np.arange(len(answers)) % 3
    clips = pd.DataFrame({"unit": subject, "truth": truth, "predicted": predicted})
    rule = find_convention("sklearn_macro")
    sample = emotions.of_clips(clips, 3, ("a", "b", "c", "d"), rule)
    found = sample.compute_scores(rule, ["uf1", "uar"], 1 - np.eye(3))
    for left_out in range(3):
        rest = subject != left_out
        if set(truth[rest]) == set(truth):  # without one of its classes the mean is undefined
            words = {"average": "macro", "zero_division": 0}
            expected = (
                f1_score(truth[rest], predicted[rest], **words),
                recall_score(truth[rest], predicted[rest], **words),
            )
            assert (found["uf1"][left_out], found["uar"][left_out]) == pytest.approx(expected)
        else:
            assert np.isnan([found["uf1"][left_out], found["uar"][left_out]]).all()


def test_mean2022_and_softnet2021_drop_videos_without_truth() -> None:
    macro = rows(B, [(0, 9)], kind="macro")
    run = tables(
        [rows(A, [(0, 9)]), macro], [rows(A, [(0, 9)]), rows(B, [(0, 9), (50, 59)]), rows(C, [(0, 9)])], [A, B, C]
    )
    assert counts(run, "mean2022") == counts(run, "softnet2021") == (1, 0, 0)
    assert counts(run, "strict") == (1, 3, 0)


def test_mean2022_and_softnet2021_punish_silence() -> None:
    run = tables([rows(A, [(10, 19)]), rows(B, [(10, 19)])], [rows(A, [(10, 19)])], [A, B])
    assert counts(run, "mean2022") == counts(run, "softnet2021") == (1, 1, 1)
    assert counts(run, "strict") == (1, 0, 1)
    # The dummy [0, 0] is an interval as any other, and may even be right.
    lucky = tables([rows(A, [(0, 1)]), rows(B, [(10, 19)])], [rows(B, [(10, 19)])], [A, B])
    assert counts(lucky, "mean2022") == (2, 0, 0)
    unlucky = tables([rows(A, [(0, 2)]), rows(B, [(10, 19)])], [rows(B, [(10, 19)])], [A, B])
    assert counts(unlucky, "mean2022") == (1, 1, 1)  # one frame of three


def test_mean2022_ranks_a_dummy_at_its_video() -> None:
    """Average precision goes by the rows, so a false positive before a hit costs and one after it does not."""
    for silent, ap in (([A], 0.5 * 0.5), ([B], 1 * 0.5)):
        spoken = B if silent == [A] else A
        run = tables([rows(A, [(10, 19)]), rows(B, [(10, 19)])], [rows(spoken, [(10, 19)])], [A, B])
        assert value(score(run, "mean2022")["spotting"]["micro"], "ap50") == ap


def test_mean2022_ranks_by_rows_whatever_the_confidence() -> None:
    run = tables([rows(A, [(10, 19), (50, 59)])], [rows(A, [(80, 89), (10, 19), (50, 59)])], [A])
    assert run.predictions is not None
    sure = Tables(run.videos, run.truths, run.predictions.assign(confidence=[0.1, 0.9, 0.8]))
    assert value(score(sure, "strict")["spotting"]["micro"], "ap50") == 1
    assert value(score(sure, "mean2022")["spotting"]["micro"], "ap50") == pytest.approx(2 / 3)
    unsure = Tables(run.videos, run.truths, run.predictions.assign(confidence=None))
    by_strict = score(unsure, "strict")
    assert value(by_strict["spotting"]["micro"], "ap50") is None
    assert any("no confidence" in line for line in by_strict["remarks"])
    assert value(score(unsure, "mean2022")["spotting"]["micro"], "ap50") == pytest.approx(2 / 3)


def test_mean2022_ap_and_f1_may_disagree_on_true_positives() -> None:
    # The second interval's best truth is taken: F1 gives it up, average precision goes on to the next.
    run = tables([rows(A, [(0, 9), (2, 11)])], [rows(A, [(2, 11), (2, 12)])], [A])
    part = score(run, "mean2022")["spotting"]["micro"]
    assert (part["tp"], value(part, "ap50")) == (1, 1.0)


def test_mean2022_drops_degenerate_classes_and_may_lose_uar() -> None:
    run = tables([rows(A, [(0, 9), (30, 39)], ["joy", "fear"])], [rows(A, [(0, 9), (30, 39)], ["joy", "awe"])], [A])
    part = score(run, "mean2022", ("joy", "fear", "awe", "anger"))["analysis"]["true_positives"]
    # Nobody is angry or said to be: three classes remain. Precision 1, 0/0, 0; recall 1, 0, 0/0.
    assert (value(part, "precision"), value(part, "recall")) == pytest.approx((1 / 3, 1 / 3))
    assert value(part, "uf1") == pytest.approx(1 / 3)
    assert value(part, "uar") is None


def test_mean2022_shifts_answers_after_an_unscored_truth() -> None:
    truths = rows(A, [(0, 9), (30, 39), (60, 69)], ["others", "joy", "fear"])
    run = tables([truths], [rows(A, [(0, 9), (30, 39), (60, 69)], ["fear", "joy", "fear"])], [A])
    legacy, strict = (
        score(run, name, ("joy", "fear"))["analysis"]["true_positives"] for name in ("mean2022", "strict")
    )

    assert strict["n"] == legacy["n"] == 2
    assert value(strict, "accuracy") == 1
    # Joy meets the answer to "others", fear the answer to joy.
    assert value(legacy, "accuracy") == 0


def test_mean2022_asks_for_first_apex_of_each_video() -> None:
    run = tables(
        [rows(A, [(0, 9), (50, 59)]), rows(B, [(0, 9)])], [rows(A, [(0, 9), (50, 59)]), rows(B, [(7, 30)])], [A, B]
    )
    legacy, strict = (score(run, name)["spotting"]["micro"] for name in ("mean2022", "strict"))
    assert value(legacy, "asr") == 1 / 2  # one of two videos
    assert value(strict, "asr") == 2 / 3  # two of three truths
    assert value(legacy["details"], "apex_mae_frames") == (0 + 14) / 2


def test_megc2020_counts_truths_not_intervals() -> None:
    run = tables([rows(A, [(0, 9), (1, 10), (50, 59)])], [rows(A, [(0, 10), (50, 58), (51, 59)])], [A])
    part = score(run, "megc2020")["spotting"]["micro"]
    assert (part["tp"], part["fp"], part["fn"]) == (3, 0, 0)  # one interval for two truths, two for one
    assert value(part["details"], "precision_large") == pytest.approx(4 / 3)  # four hits of three intervals
    assert counts(run, "strict") == (2, 1, 1)


def test_megc2020_skips_videos_that_nobody_processed() -> None:
    truths = [rows(A, [(0, 9)]), rows(B, [(0, 9), (20, 29)]), rows(B, [(0, 9)], kind="macro")]
    names, spotted = [A, B, C], [rows(A, [(0, 9)]), rows(C, [(0, 9)])]
    for looked_for, expected in (((), (1, 1, 0)), (("macro",), (1, 1, 0)), (("macro", "micro"), (1, 1, 2))):
        run = tables(truths, spotted, names, processed=[("micro",), looked_for, ()])
        assert counts(run, "megc2020") == expected
        assert counts(run, "strict") == (1, 1, 2)
        skipped = any("leaves out 2 truths" in line for line in score(run, "megc2020")["remarks"])
        assert skipped == ("micro" not in looked_for)
    # Who does not say processed all: a run does.
    assert counts(tables(truths, spotted, names), "megc2020") == (1, 1, 2)


def test_li2017_looks_at_peaks() -> None:
    # Nine frames: the peak at 8 may lie 2 outside; the second finds it again, the third is 9 wrong frames.
    spotted = rows(A, [(4, 12), (11, 19), (30, 38)], ["joy", "joy", "joy"])
    run = tables([rows(A, [(10, 20)], ["joy"])], [spotted], [A], n_frames=100)
    summary = score(run, "li2017", ("joy",))
    part = summary["spotting"]["micro"]

    assert (part["tp"], part["fp"], part["fn"]) == (1, 1, 0)
    assert value(part["details"], "tpr") == 1
    assert value(part["details"], "fpr") == pytest.approx(9 / 89)
    assert summary["analysis"]["acc_mesr"]["value"] == 1
    assert part["details"]["auc"] == pytest.approx(1)
    assert part["details"]["curve"]["tpr"] == [1, 1, 1]
    assert counts(run, "strict") == (1, 2, 0)


def test_activitynet_takes_next_free_truth_and_averages_kinds() -> None:
    truths = [rows(A, [(0, 10), (2, 12)]), rows(A, [(100, 140)], kind="macro")]
    run = tables(truths, [rows(A, [(0, 10), (0, 11)]), rows(A, [(200, 240)], kind="macro")], [A])
    summary = score(run, "activitynet", kinds=("micro", "macro"))
    assert value(summary["spotting"]["micro"], "ap50") == 1
    assert value(summary["spotting"]["macro"], "ap50") == 0
    assert value(summary["spotting"]["overall"], "ap50") == 0.5
    pooled = score(run, "strict", kinds=("micro", "macro"))["spotting"]["overall"]
    assert value(pooled, "ap50") == pytest.approx(2 / 3)
    # The mean is that of the kinds which occur in the truth: nobody showed a macro-expression.
    micro_alone = score(tables(truths[:1], [run.predictions], [A]), "activitynet", kinds=("micro", "macro"))["spotting"]
    assert value(micro_alone["overall"], "ap50") == value(micro_alone["micro"], "ap50") == 1


def test_presets_leave_out_and_say_what_they_do_not_define() -> None:
    clips = pd.DataFrame({"video": [A], "truth": ["joy"], "predicted": ["joy"]})
    run = tables([rows(A, [(0, 9)], ["joy"])], [rows(A, [(0, 9)], ["joy"])], [A])
    full = Tables(run.videos, run.truths, run.predictions, clips)
    for name, missing in {
        "softnet2021": {"analysis", "recognition"},
        "megc2020": {"analysis", "recognition"},
        "activitynet": {"analysis", "recognition"},
        "strs_metric": {"recognition"},
        "li2017": {"recognition"},
        "mean2022": set(),
        "strict": set(),
    }.items():
        summary = score(full, name, ("joy",))
        assert {"analysis", "recognition"} - set(summary) == missing
        assert summary["convention"] == name
        assert summary["rules"].startswith(f"{name}: ")
        for section in missing:
            assert any(f"{name} defines no {section}" in line for line in summary["remarks"])
    assert value(score(full, "megc2020")["spotting"]["micro"], "ap") is None
