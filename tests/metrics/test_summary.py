"""The whole summary against published numbers and against what must hold for every run."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from mebench.errors import ConfigError
from mebench.metrics import Tables, bootstrap, compared_tables
from mebench.metrics.catalogue import METRICS
from mebench.metrics.summary import summarize

CLASSES = ["negative", "positive", "surprise"]
ANALYSIS = ["accuracy", "precision", "recall", "f1", "uf1", "uar"]
SPOTTING = ["precision", "recall", "f1", "ap50", "ap", "asr", "apex_mae_ms", "fp_per_minute"]
SPOTTING += [
    "recall_at_half",
    "recall_at_one",
    "recall_at_two",
    "fp_per_macro",
    "fp_elsewhere",
    "f1@cas_me2",
    "f1@samm_lv",
]
RECOGNITION = ["accuracy", "wf1", "uf1", "uar"]


def videos(*names: str, n_frames: int | None = 9000, fps: float | None = 30.0) -> pd.DataFrame:
    subject = [name.rsplit("/", 1)[0] for name in names]
    dataset = [name.split("/")[0] for name in names]
    return pd.DataFrame({"video": names, "subject": subject, "dataset": dataset, "n_frames": n_frames, "fps": fps})


def truth(video: str, start: int, emotion: str | None = None, kind: str = "micro") -> dict[str, object]:
    onset = start
    apex = start + 5
    offset = start + 10
    return {"video": video, "kind": kind, "onset": onset, "apex": apex, "offset": offset, "emotion": emotion}


def spot(video: str, start: int, emotion: str | None = None, kind: str = "micro", sure: float = 0.5, draw: int = 0):
    return {**truth(video, start, emotion, kind), "confidence": sure, "draw": draw}


def tables(videos: pd.DataFrame, truths: Sequence[object], spotted: Sequence[object], clips=None) -> Tables:
    columns = list(truth("", 0))
    named = None if clips is None else pd.DataFrame(clips, columns=["video", "truth", "predicted"])
    true = pd.DataFrame(truths, columns=columns)
    return Tables(videos, true, pd.DataFrame(spotted, columns=[*columns, "confidence", "draw"]), named)


def random_run(seed: int = 0, subjects: int = 6, datasets: Sequence[str] = ("d", "e")) -> Tables:
    """A run with hits, misses, overlaps, both kinds and emotions."""
    rng = np.random.default_rng(seed)
    names = [f"{d}/{s}/{v}" for d in datasets for s in range(subjects) for v in range(2)]
    true, spotted, clips = [], [], []
    for name in names:
        for start in range(0, 400, 80):
            emotion = rng.choice([*CLASSES, None])
            kind = str(rng.choice(["micro", "macro"]))
            true.append(truth(name, start, emotion, kind))
            if emotion is not None:
                clips.append((name, emotion, rng.choice(CLASSES)))
            for _ in range(rng.integers(0, 3)):
                at = start + int(rng.integers(-6, 7))
                sure = float(rng.random())
                spotted.append(spot(name, at, rng.choice(CLASSES), kind, sure))
    return tables(videos(*names), true, spotted, clips)


def score(run: Tables, kinds: Sequence[str] = ("micro",), draws: int = 50, classes: Sequence[str] = CLASSES, **how):
    return summarize(run, kinds=kinds, classes=classes, seed=0, draws=draws, **how)


def value(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: numbers["value"] for name, numbers in scores.items()}


# Counts of the MDMD baseline (He et al. 2020, MEGC2020): true positives, false positives, false negatives.
MDMD = {
    "cas": {"macro": (109, 1414, 191), "micro": (21, 5014, 36)},
    "samm": {"macro": (22, 334, 321), "micro": (29, 1407, 130)},
}
MDMD_F1 = [
    (["cas"], {"macro": 0.1196, "micro": 0.0082, "overall": 0.0376}),
    (["samm"], {"macro": 0.0629, "micro": 0.0364, "overall": 0.0445}),
    (["cas", "samm"], {"overall": 0.0393}),
]


@pytest.mark.parametrize(("datasets", "f1"), MDMD_F1)
def test_summarize_gives_published_f1_of_mdmd(datasets: list[str], f1: dict[str, float]) -> None:
    true, spotted = [], []
    for dataset in datasets:
        for kind, (tp, fp, fn) in MDMD[dataset].items():
            video = f"{dataset}/1/a"
            true += [truth(video, 20 * n, kind=kind) for n in range(tp + fn)]
            spotted += [spot(video, 20 * n, kind=kind) for n in [*range(tp), *range(10000, 10000 + fp)]]
    run = tables(videos(*[f"{d}/1/a" for d in datasets]), true, spotted)
    spotting = score(run, ["micro", "macro"], draws=2)["spotting"]
    for name, expected in f1.items():
        assert spotting[name]["scores"]["f1"]["value"] == pytest.approx(expected, abs=5e-5)
    for name in ("precision", "recall", "f1"):
        parts = [spotting[kind]["scores"][name]["value"] for kind in ("micro", "macro")]
        assert min(parts) <= spotting["overall"]["scores"][name]["value"] <= max(parts)


# MEAN (Liong, See and Chan 2023), Table 5, long videos: counts, three-class confusion matrix of the true positives that
# has its totals and scores, and precision, recall, F1, UF1 and STRS as printed.
MEAN = [
    ((17, 206, 40), [[1, 0, 0], [1, 2, 0], [0, 2, 1]], (0.6667, 0.6667, 0.6667, 0.5794), 0.0809),
    ((26, 363, 133), [[13, 0, 1], [1, 1, 0], [3, 0, 0]], (0.5882, 0.4762, 0.5263, 0.5018), 0.0499),
]


@pytest.mark.parametrize(("counts", "matrix", "analysis", "strs"), MEAN)
def test_summarize_gives_published_strs_of_mean(counts, matrix, analysis, strs) -> None:
    tp, fp, fn = counts
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(matrix[i][j])]
    true = [truth("d/1/a", 20 * n, CLASSES[i]) for n, (i, _) in enumerate(pairs)]
    spotted = [spot("d/1/a", 20 * n, CLASSES[j]) for n, (_, j) in enumerate(pairs)]
    # The other true positives are of emotions that the scheme does not map; what is not found has some class.
    true += [truth("d/1/a", 20 * n) for n in range(len(pairs), tp)]
    spotted += [spot("d/1/a", 20 * n, "negative") for n in range(len(pairs), tp)]
    true += [truth("d/1/a", 20 * n, "positive") for n in range(tp, tp + fn)]
    spotted += [spot("d/1/a", 20 * n, "positive") for n in range(1000, 1000 + fp)]
    summary = score(tables(videos("d/1/a"), true, spotted), draws=3)
    assert [summary["spotting"]["micro"][name] for name in ("tp", "fp", "fn")] == list(counts)
    part = summary["analysis"]["true_positives"]
    assert part["n"] == len(pairs)
    found = value(part["scores"])
    assert (found["precision"], found["recall"], found["f1"], found["uf1"]) == pytest.approx(analysis, abs=5e-5)
    assert found["uar"] == found["recall"]
    # The paper multiplies rounded scores.
    assert summary["analysis"]["strs"]["value"] == pytest.approx(strs, abs=1e-4)


def test_summarize_has_the_promised_keys_and_survives_json() -> None:
    summary = score(random_run(), ["micro", "macro"])
    assert list(summary) == ["convention", "rules", "remarks", "bootstrap", "spotting", "analysis", "recognition"]
    assert list(summary["spotting"]) == ["micro", "macro", "overall"]
    for part in summary["spotting"].values():
        assert list(part) == ["tp", "fp", "fn", "scores", "details"]
        assert list(part["scores"]) == SPOTTING
        assert list(part["details"]) == ["scores", "f1_at_iou", "curve", "calibration"]
        assert list(part["details"]["scores"]) == ["apex_mae_frames", "onset_bias_ms", "offset_bias_ms"]
        assert list(part["details"]["f1_at_iou"])[::9] == ["0.05", "0.50", "0.95"]
        assert part["details"]["f1_at_iou"]["0.50"] == part["scores"]["f1"]
        assert part["details"]["curve"]["recall"][-1] == pytest.approx(part["scores"]["recall"]["value"])
    assert summary["rules"].startswith("strict: ")
    assert summary["remarks"] == []
    assert list(summary["analysis"]) == ["strs", "acc_mesr", "true_positives"]
    assert list(summary["analysis"]["true_positives"]["scores"]) == ANALYSIS
    assert list(summary["recognition"]) == ["n", "scores", "details", "members"]
    assert list(summary["recognition"]["details"]["scores"]) == ["precision", "recall", "f1", "wr"]
    assert list(summary["recognition"]["scores"]) == RECOGNITION
    assert list(summary["recognition"]["members"]) == ["d", "e"]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_summarize_omits_sections_that_do_not_apply() -> None:
    run = random_run(datasets=["d"])
    always = {"convention", "rules", "remarks", "bootstrap"}
    assert set(score(replace(run, predictions=None))) == {*always, "recognition"}
    assert set(score(replace(run, clips=None))) == {*always, "spotting", "analysis"}
    assert run.predictions is not None
    silent = replace(run, predictions=run.predictions.assign(emotion=None), clips=None)
    assert set(score(silent)) == {*always, "spotting"}
    assert list(score(run)["spotting"]) == ["micro"]
    assert "members" not in score(run)["recognition"]
    with pytest.raises(ConfigError, match="unknown convention 'lax'"):
        summarize(run, kinds=["micro"], classes=CLASSES, seed=0, convention="lax")


@pytest.mark.parametrize("seed", range(3))
def test_summarize_ignores_order_of_rows(seed: int) -> None:
    run = random_run()
    assert run.predictions is not None
    assert run.clips is not None
    # Ties of confidence, and copies that differ in their emotion only, are the hard part.
    copies = run.predictions.assign(emotion="surprise")
    crowded = pd.concat([run.predictions, copies], ignore_index=True).assign(confidence=0.5)
    given = [run.videos, run.truths, crowded, run.clips]
    shuffled = [table.sample(frac=1, random_state=seed) for table in given]
    kinds = ["micro", "macro"]
    assert score(Tables(*shuffled), kinds) == score(Tables(*given), kinds)


def test_summarize_rewards_no_copies_with_other_emotions() -> None:
    rng = np.random.default_rng(0)
    names = [f"d/{n}/a" for n in range(12)]
    true = [truth(name, 100, rng.choice(CLASSES)) for name in names]
    one = score(tables(videos(*names), true, [spot(name, 100, CLASSES[0]) for name in names]))
    three = score(tables(videos(*names), true, [spot(name, 100, c) for name in names for c in CLASSES]))

    assert three["spotting"]["micro"]["tp"] == one["spotting"]["micro"]["tp"] == 12
    assert three["spotting"]["micro"]["fp"] == 24
    assert three["analysis"]["true_positives"] == one["analysis"]["true_positives"]
    assert three["analysis"]["strs"]["value"] < one["analysis"]["strs"]["value"]


def test_summarize_takes_emotion_of_the_surest_copy() -> None:
    spotted = [spot("d/1/a", 100, c, sure=sure) for c, sure in zip(CLASSES, (0.3, 0.9, 0.6))]
    run = tables(videos("d/1/a"), [truth("d/1/a", 100, "positive")], spotted)
    assert score(run)["analysis"]["true_positives"]["scores"]["accuracy"]["value"] == 1


def test_summarize_spotting_ignores_emotions() -> None:
    run = random_run()
    assert run.predictions is not None
    other = replace(run, predictions=run.predictions.assign(emotion=run.predictions["emotion"].to_numpy()[::-1]))
    assert score(other)["spotting"] == score(run)["spotting"]
    assert score(other)["analysis"] != score(run)["analysis"]


def test_summarize_takes_equal_subjects_as_binomial_samples() -> None:
    """Nothing but their number says how far others may be off; of what is no share nothing does."""
    names = [f"d/{n}/a" for n in range(5)]
    true = [truth(name, 50 * n, CLASSES[n % 3]) for name in names for n in range(6)]
    spotted = [spot(name, 50 * n, CLASSES[n % 2], sure=0.1 * n) for name in names for n in (0, 1, 2, 7)]
    clips = [(name, CLASSES[n], CLASSES[n % 2]) for name in names for n in range(3)]
    summary = score(tables(videos(*names), true, spotted, clips))
    parts = (summary["spotting"]["micro"], summary["analysis"]["true_positives"], summary["recognition"])
    scores = {name: n for part in parts for name, n in part["scores"].items()} | {"strs": summary["analysis"]["strs"]}
    for name, numbers in scores.items():
        if numbers["value"] is None:
            assert name in ("fp_per_macro", "f1@cas_me2", "f1@samm_lv")  # there is no macro-expression
        elif METRICS[name].scale == "share":
            right = 5 * numbers["value"]
            exact = (beta.ppf(0.025, right, 6 - right), beta.ppf(0.975, right + 1, 5 - right))
            assert (numbers["low"], numbers["high"]) == pytest.approx(tuple(np.nan_to_num(exact, nan=numbers["value"])))
        else:
            assert numbers["low"] is numbers["high"] is None
            assert "whoever is left out" in numbers["reason"]


@pytest.mark.parametrize(
    ("clips", "reason"),
    [
        ([("negative", 9), ("positive", 3)], "positive rests on 3 samples of 3 subjects"),
        ([("negative", 9), ("positive", 9)], None),
        (
            [("negative", 2), ("positive", 2)],
            "negative rests on 2 samples of 2 subjects, positive rests on 2 samples of 2 subjects",
        ),
    ],
)
def test_summarize_names_class_of_few_and_omits_intervals(clips, reason) -> None:
    """Fewer than 5 samples, or fewer than 3 subjects; each subject has one clip of a class at most."""
    answers = [(f"d/{n}/{label}", label, label) for label, times in clips for n in range(times)]
    names = dict.fromkeys(name for name, *_ in answers)
    scores = score(tables(videos(*names), [], None, answers))["recognition"]["scores"]
    assert [scores[name].get("reason") for name in ("uf1", "uar")] == [reason, reason]
    assert (scores["uf1"]["low"] is None) == (reason is not None)
    assert scores["accuracy"]["low"] is not None  # takes all samples alike


@pytest.mark.parametrize("seed", range(2))
def test_summarize_weights_are_copies_of_a_subject(seed: int) -> None:
    """What intervals are made of: scores under weights are those of tables that hold each subject so often."""
    run = random_run(seed, subjects=20)
    assert run.predictions is not None
    assert run.clips is not None
    people = sorted(set(zip(run.videos["dataset"], run.videos["subject"])))
    weights = bootstrap.subject_weights([dataset for dataset, _ in people], 1, seed)
    times = {f"{subject}/": int(n) for (_, subject), n in zip(people, weights[0])}

    def written(table: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for subject, n in times.items():
            own = table[table["video"].str.startswith(subject)]
            for copy in range(n):
                name = own["video"].str.replace(subject, f"{subject[:-1]}x{copy}/", regex=False)
                parts.append(
                    own.assign(
                        video=name, **({"subject": name.str.rsplit("/", n=1).str[0]} if "subject" in own else {})
                    )
                )
        return pd.concat(parts, ignore_index=True)

    explicit = Tables(*(written(table) for table in (run.videos, run.truths, run.predictions, run.clips)))
    sections = compared_tables.sections_of(run, len(people), ["micro", "macro"], CLASSES, "strict")
    copies = compared_tables.sections_of(explicit, int(weights.sum()), ["micro", "macro"], CLASSES, "strict")
    assert {"spotting.overall", "analysis.strs", "recognition.members.e", "spotting.micro.f1_at_iou"} <= set(sections)
    for name, section in sections.items():
        found, expected = section.evaluate(weights), copies[name].evaluate(np.ones((1, int(weights.sum()))))
        assert {n: v[0] for n, v in found.items()} == pytest.approx({n: v[0] for n, v in expected.items()}, nan_ok=True)


def test_summarize_omits_interval_that_one_subject_decides() -> None:
    """One of twenty subjects alone shows surprise, and alone shows anything: without him nothing is defined."""
    names = [f"d/{n:02}/a" for n in range(20)]
    true = [truth(names[0], 0, "surprise")]
    clips = [(names[0], "surprise", "surprise"), *((name, "negative", "negative") for name in names)]
    run = tables(videos(*names), true, [spot(names[0], 0, "surprise")], clips)
    summary = score(run, draws=1000)
    skipped = summary["bootstrap"]["skipped"]
    assert skipped["recognition.uf1"] == skipped["analysis.strs"] == skipped["spotting.micro"] == 1
    f1 = summary["spotting"]["micro"]["scores"]["f1"]
    assert f1 == {"value": 1.0, "low": None, "high": None, "reason": "without one of the subjects it is undefined"}
    assert summary["recognition"]["scores"]["uf1"]["reason"] == "surprise rests on 1 sample of 1 subject"


def test_summarize_scores_methods_of_chance_draw_by_draw() -> None:
    run = random_run(datasets=["d"])
    assert run.predictions is not None
    draws = [run.predictions.sample(frac=0.5, random_state=n) for n in range(4)]
    together = score(replace(run, predictions=pd.concat([part.assign(draw=n) for n, part in enumerate(draws)])))
    alone = [score(replace(run, predictions=part)) for part in draws]

    def check(numbers: dict[str, float], path: Sequence[str]) -> None:
        each = []
        for part in alone:
            for word in path:
                part = part[word]
            each.append(part["value"])
        assert numbers["value"] == pytest.approx(np.mean(each))
        assert (numbers["low"], numbers["high"]) == pytest.approx(tuple(np.percentile(each, [2.5, 97.5])))

    for name in SPOTTING:
        check(together["spotting"]["micro"]["scores"][name], ["spotting", "micro", "scores", name])
    for name in ANALYSIS:
        path = ["analysis", "true_positives", "scores", name]
        check(together["analysis"]["true_positives"]["scores"][name], path)
    check(together["analysis"]["strs"], ["analysis", "strs"])
    assert together["spotting"]["micro"]["tp"] == np.mean([part["spotting"]["micro"]["tp"] for part in alone])
    assert together["recognition"] == alone[0]["recognition"]


def test_summarize_all_intervals_asks_the_surest() -> None:
    names = ["d/1/a", "d/2/a", "d/3/a", "d/4/a"]
    emotions = ["negative", "positive", "negative", None]
    true = [truth(name, 100, emotion) for name, emotion in zip(names, emotions)]
    spotted = [
        spot(names[0], 500, "negative", sure=0.9),  # nowhere near, but asked
        spot(names[0], 100, "positive", sure=0.1),
        spot(names[1], 100, "positive"),
        spot(names[3], 100, "positive"),  # its truth has no scored class
    ]  # the third video has none: a wrong answer
    part = score(tables(videos(*names), true, spotted))["analysis"]["all_intervals"]
    assert part["n"] == 3
    found = value(part["scores"])
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["precision"] == 1
    more = [*true, truth(names[0], 300, "negative", kind="macro")]
    assert "all_intervals" not in score(tables(videos(*names), more, spotted))["analysis"]


def test_summarize_all_intervals_needs_confidences() -> None:
    true = [truth("d/1/a", 100, "negative")]
    spotted = [spot("d/1/a", at, "negative", sure=None) for at in (10, 100)]
    summary = score(tables(videos("d/1/a"), true, spotted))
    assert summary["spotting"]["micro"]["scores"]["asr"]["value"] is None
    assert "all_intervals" not in summary["analysis"]
    assert any(
        line.startswith("the apex spotting rate of micro is left out: no confidence") for line in summary["remarks"]
    )
    assert "all_intervals" in score(tables(videos("d/1/a"), true, spotted[1:]))["analysis"]


def test_summarize_ignores_names_of_subjects() -> None:
    """A hundred videos, all equally sure but one; the first half is right."""
    found = []
    for step in (1, -1):
        names = [f"d/{n:03d}/v" for n in range(100)][::step]
        spotted = [spot(name, 100 + 300 * (n >= 50), sure=0.9 if n == 70 else 1.0) for n, name in enumerate(names)]
        found.append(score(tables(videos(*names), [truth(name, 100) for name in names], spotted))["spotting"]["micro"])
    assert [value(part["scores"])["ap50"] for part in found] == pytest.approx([0.5 * 50 / 99] * 2)


def test_summarize_gives_curve_whatever_else_is_scored() -> None:
    one = tables(
        videos("d/1/a"), [truth("d/1/a", 10), truth("d/1/a", 100)], [spot("d/1/a", 10), spot("d/1/a", 106, sure=0.9)]
    )

    def curve(rules: str) -> list[float]:
        return score(one, convention=rules)["spotting"]["micro"]["details"]["curve"]["recall"]

    assert curve("strict, scores=f1+fp_per_minute+recall") == curve("strict") == [0, 0.5]
    assert curve("strict, threshold=0.2") == [0.5, 1]


def test_summarize_li2017_counts_outside_frames_once() -> None:
    true = [truth("d/1/a", 10) | {"offset": 59}, truth("d/1/a", 20) | {"offset": 69}]
    spotted = [spot("d/1/a", 30, sure=0.6), spot("d/1/a", 90, sure=0.5) | {"offset": 99}]
    part = score(tables(videos("d/1/a", n_frames=110), true, spotted), convention="li2017")["spotting"]["micro"]
    assert part["details"]["scores"]["fpr"]["value"] == pytest.approx(10 / 50)
    assert part["details"]["curve"]["fpr"] == pytest.approx([0, 10 / 50])


def test_summarize_scores_only_classes_of_the_truth() -> None:
    clips = [("d/1/a", "negative", "negative"), ("d/1/a", "positive", "surprise")]
    found = value(
        score(Tables(videos("d/1/a"), tables(videos(), [], []).truths, None, tables(videos(), [], [], clips).clips))[
            "recognition"
        ]["scores"]
    )
    assert found == {"accuracy": 0.5, "wf1": 0.5, "uf1": 0.5, "uar": 0.5}


def test_summarize_keeps_unspotted_classes_in_the_mean() -> None:
    true = [truth("d/1/a", 50 * n, c) for n, c in enumerate(CLASSES)]
    summary = score(tables(videos("d/1/a"), true, [spot("d/1/a", 0, CLASSES[0])]))
    found = value(summary["analysis"]["true_positives"]["scores"])
    assert found["accuracy"] == 1
    assert found["f1"] == pytest.approx(1 / 3)
    assert summary["analysis"]["strs"]["value"] == pytest.approx(2 * 1 / (1 + 3) / 3)


def test_summarize_strs_without_spotted_intervals_is_zero() -> None:
    run = tables(videos("d/1/a"), [truth("d/1/a", 0, "negative")], [], [("d/1/a", "negative", "negative")])
    summary = score(run)
    assert summary["analysis"]["strs"]["value"] == 0
    assert summary["analysis"]["true_positives"]["n"] == 0
    assert summary["spotting"]["micro"]["scores"]["apex_mae_ms"] == {"value": None, "low": None, "high": None}


def test_summarize_undefined_scores_are_None() -> None:
    empty = tables(videos("d/1/a", n_frames=None), [], [spot("d/1/a", 0)])
    part = score(empty)["spotting"]["micro"]
    assert (part["tp"], part["fp"], part["fn"]) == (0, 1, 0)
    scores = value(part["scores"])
    defined = {name for name, value_ in scores.items() if value_ is not None}
    assert defined == {"precision", "f1"}
    assert (scores["precision"], scores["f1"]) == (0, 0)  # a false alarm, and nothing else
    known = score(replace(empty, videos=videos("d/1/a")))["spotting"]["micro"]["scores"]
    assert known["fp_per_minute"]["value"] == pytest.approx(1 / 5)


def test_summarize_scores_lone_false_alarms_as_0_under_megc2020() -> None:
    only_alarms = tables(videos("d/1/a"), [], [spot("d/1/a", 0)])
    details = score(only_alarms, convention="megc2020")["spotting"]["micro"]["details"]["scores"]
    assert (details["precision_large"]["value"], details["f1_large"]["value"]) == (0, 0)


@pytest.mark.parametrize("counting", ["all", "with_truth", "with_result", "of_spotted_subjects"])
def test_summarize_false_positives_a_minute_need_all_videos(counting: str) -> None:
    both = tables(videos("d/1/a", "d/2/b"), [truth("d/1/a", 10)], [spot("d/1/a", 100), spot("d/2/b", 10)])
    summary = score(both, convention=f"strict, videos={counting}")
    found = summary["spotting"]["micro"]["scores"]["fp_per_minute"]["value"]
    remarked = "the minutes of all videos" in str(summary["remarks"])
    assert (found, remarked) == ((pytest.approx(2 / 10), False) if counting == "all" else (None, True))


@pytest.mark.parametrize("convention", ["mean2022", "softnet2021", "megc2020", "strs_metric", "li2017", "activitynet"])
def test_summarize_has_one_shape_under_every_convention(convention: str) -> None:
    summary = summarize(
        random_run(), kinds=["micro", "macro"], classes=CLASSES, seed=0, draws=20, convention=convention
    )
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    for part in summary["spotting"].values():
        assert list(part["scores"]) == SPOTTING
        assert part["scores"]["f1"]["value"] > 0
        assert part["fn"] >= 0
        assert part["tp"] > 0
    if "analysis" in summary:
        assert list(summary["analysis"]["true_positives"]["scores"]) == ANALYSIS
    overall, micro, macro = (summary["spotting"][name] for name in ("overall", "micro", "macro"))
    assert [overall[n] for n in ("tp", "fp", "fn")] == [micro[n] + macro[n] for n in ("tp", "fp", "fn")]


def test_summarize_scores_an_empty_run_under_every_convention() -> None:
    from mebench.metrics.conventions import CONVENTIONS

    for name in (name for name, rule in CONVENTIONS.items() if "spotting" in rule.sections):
        nothing = summarize(
            tables(videos("d/1/a"), [], []), kinds=["micro"], classes=CLASSES, seed=0, convention=name, draws=5
        )
        part = nothing["spotting"]["micro"]
        assert (part["tp"], part["fp"], part["fn"]) == (0, 0, 0)
        silent = summarize(
            tables(videos("d/1/a"), [truth("d/1/a", 50, "negative")], []),
            kinds=["micro"],
            classes=CLASSES,
            seed=0,
            convention=name,
            draws=5,
        )
        assert silent["spotting"]["micro"]["tp"] == 0
