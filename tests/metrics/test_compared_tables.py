"""Two runs on the same subjects, score by score."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from mebench.errors import ConfigError, DataError
from mebench.metrics import Tables, catalogue, compared_tables
from mebench.metrics.compared_tables import compare_tables, with_one_score
from mebench.metrics.conventions import CONVENTIONS
from mebench.metrics.score_table import ScoreTable
from mebench.metrics.summary import summarize
from tests.helpers.nightly import by_day

CLASSES = ("negative", "positive", "surprise")
KINDS = ("micro", "macro")


def truth(subjects=8, members=("x",)):
    videos = [(f"{members[s % len(members)]}/{s:02d}", f"v{v}") for s in range(subjects) for v in range(2)]
    rows = [
        (f"{subject}/{video}", "micro", 100 * n, 100 * n + 15, CLASSES[(index + n) % 3])
        for index, (subject, video) in enumerate(videos)
        for n in range(1, 4)
    ] + [(f"{subject}/{video}", "macro", 500, 560, None) for subject, video in videos]
    return (
        pd.DataFrame(
            [(f"{s}/{v}", s, s.partition("/")[0], 900, 30.0) for s, v in videos],
            columns=["video", "subject", "dataset", "n_frames", "fps"],
        ),
        pd.DataFrame(rows, columns=["video", "kind", "onset", "offset", "emotion"]).assign(apex=float("nan")),
    )


def run(seed, quality=0.6, **of_truth):
    """A method that finds each expression and names each emotion with a probability of its own."""
    videos, truths = truth(**of_truth)
    rng = np.random.default_rng(seed)
    n = len(truths)
    late = np.where(rng.random(n) < quality, rng.integers(0, 4, n), rng.integers(12, 60, n))
    named = np.where(rng.random(n) < quality, truths["emotion"].fillna(""), "positive")
    spotted = truths.assign(
        onset=truths["onset"] + late, offset=truths["offset"] + late, confidence=rng.random(n), emotion=named, draw=0
    )
    spotted["apex"] = (spotted["onset"] + spotted["offset"]) / 2
    clips = truths[truths["emotion"].notna()][["video", "emotion"]].rename(columns={"emotion": "truth"})
    predicted = np.where(rng.random(len(clips)) < quality, clips["truth"], "negative")
    return Tables(videos, truths, spotted[rng.random(n) < 0.9], clips.assign(predicted=predicted))


def compared(first, second, **settings_):
    settings_ = {"kinds": KINDS, "classes": CLASSES, "draws": 50, "permutations": 64} | settings_
    return compare_tables(first, second, **settings_)


def shuffled(tables, seed):
    rng = np.random.default_rng(seed)

    def mixed(table):
        return table.iloc[rng.permutation(len(table))]

    return replace(
        tables, videos=mixed(tables.videos), truths=mixed(tables.truths), predictions=mixed(tables.predictions)
    )


@pytest.mark.parametrize("members", [("x",), ("x", "y")])
def test_compare_tables_values_are_those_of_each_run(members):
    first, second = run(0, members=members), run(1, members=members)
    found = compared(first, second, metrics=["all"], permutations=4)
    for side, tables in (("first", first), ("second", second)):
        alone = summarize(tables, kinds=KINDS, classes=CLASSES, seed=0, draws=50)
        for kind in (*KINDS, "overall"):
            for name, score in alone["spotting"][kind]["scores"].items():
                assert getattr(found.scores[f"spotting.{kind}.{name}"], side).plain() == pytest.approx(
                    score, nan_ok=True
                )
        assert getattr(found.scores["analysis.strs"], side).plain() == pytest.approx(alone["analysis"]["strs"])
        for name, score in alone["recognition"]["scores"].items():
            assert getattr(found.scores[f"recognition.{name}"], side).plain() == pytest.approx(score)
        for member, part in alone["recognition"].get("members", {}).items():
            assert getattr(found.scores[f"recognition.members.{member}.uf1"], side).plain() == pytest.approx(
                part["scores"]["uf1"]
            )


def plain_scores(summary):
    """All scores of a summary by path, in the form of files."""
    return {path: score.plain() for path, score in ScoreTable.read(summary).by_path().items()}


def test_compare_tables_hardest_people_are_shared_by_runs():
    first, second = run(1, subjects=6), run(2, quality=0.4, subjects=6)
    sides = (first, second)
    people = sorted(first.videos["subject"].unique())
    each_alone = [{person: plain_scores(alone(side, {person})) for person in people} for side in sides]
    hard_alone = cache(lambda number, hard: plain_scores(alone(sides[number], hard)))
    for path, row in compared(first, second).scores.items():
        judge = "recognition.accuracy"
        if path == "analysis.strs":
            judge = "spotting.micro.f1"
        elif path.startswith("spotting"):
            judge = f"{path.removesuffix('.f1')}.f1"
        each = np.array([[scores[judge]["value"] for scores in side.values()] for side in each_alone])
        ranks = stats.rankdata(each, axis=1).mean(axis=0)
        hard = frozenset(people[n] for n in np.argsort(ranks, kind="stable")[:2])  # a fifth of six, rounded up
        assert row.hardest["people"] == 2
        for number, found in enumerate(row.hardest["scores"]):
            assert found["value"] == pytest.approx(hard_alone(number, hard)[path]["value"])


def alone(tables, some):
    """The scores of some people, without the others."""
    videos = tables.videos[tables.videos["subject"].isin(some)]
    own = [t[t["video"].isin(videos["video"])] for t in (tables.truths, tables.predictions, tables.clips)]
    return summarize(Tables(videos, *own), kinds=KINDS, classes=CLASSES, seed=0, draws=0)


def test_compare_tables_takes_person_under_several_ids_as_one():
    """Both recordings of each person, each under an id of its own, show what one recording of all their videos shows."""

    def recorded(tables):
        marks = ["hs", "vis"] * (len(tables.videos) // 2)
        own = [f"{mark}/{subject}" for mark, subject in zip(marks, tables.videos["subject"])]
        person = tables.videos["subject"]
        return replace(tables, videos=tables.videos.assign(dataset=marks, subject=own, person=person))

    first, second = run(0), run(3, 0.3)
    one = compared(first, second, metrics=["all"])
    several = compared(recorded(first), recorded(second), metrics=["all"])
    assert one.subjects == several.subjects == 8
    shares = [path for path in one.scores if catalogue.find_metric(path.rpartition(".")[2]).scale == "share"]
    assert len(shares) > 20
    for path in shares:
        row, other = one.scores[path], several.scores[path]
        for part in ("first", "second", "difference"):
            assert getattr(other, part) == pytest.approx(getattr(row, part)), (path, part)
        assert [other.p, other.wilcoxon_p, other.detectable] == pytest.approx([row.p, row.wilcoxon_p, row.detectable])
    assert several.scores["recognition.members.vis.uf1"].subjects == 8
    remarks = summarize(recorded(first), kinds=KINDS, classes=CLASSES, seed=0, draws=0)["remarks"]
    assert "the 16 subjects are 8 people: intervals and tests leave each out under all ids" in remarks
    former = replace(recorded(first), videos=recorded(first).videos.drop(columns="person"))  # of an earlier version
    assert compared(former, recorded(second)).subjects == 8


def test_compare_tables_exact_p_equals_brute_force():
    """Brute force on 4 subjects: exchange predictions in the tables themselves and score each pair of runs anew."""
    first, second = run(0, subjects=4), run(3, 0.3, subjects=4)
    people = sorted(set(first.videos["subject"]))

    def mixed(choice):
        """The scores of the first run with the second's answers for whom the choice says."""

        def of(name):
            rows = [getattr(second if yes else first, name) for yes in choice]
            return pd.concat([t[t["video"].str.startswith(p)] for t, p in zip(rows, people)], ignore_index=True)

        tables = replace(first, predictions=of("predictions"), clips=of("clips"))
        summary = summarize(tables, kinds=KINDS, classes=CLASSES, seed=0, draws=0)
        return {
            "spotting.overall.f1": summary["spotting"]["overall"]["scores"]["f1"]["value"],
            "spotting.micro.ap": summary["spotting"]["micro"]["scores"]["ap"]["value"],
            "analysis.strs": summary["analysis"]["strs"]["value"],
            "recognition.uf1": summary["recognition"]["scores"]["uf1"]["value"],
        }

    scores = {choice: mixed(choice) for choice in product([False, True], repeat=4)}
    differences = []
    for choice, one in scores.items():  # the second run has the answers that the first has given away
        other = scores[tuple(not yes for yes in choice)]
        differences.append({path: one[path] - other[path] for path in one})
    found = compared(first, second, metrics=list(differences[0]))
    assert found.exact
    assert found.permutations == 8
    assert found.scores["analysis.strs"].subjects == 4
    for path, row in found.scores.items():
        all_of_them = np.abs([d[path] for d in differences])
        assert row.difference.value == pytest.approx(differences[0][path])
        assert row.p == pytest.approx(np.mean(all_of_them >= all_of_them[0] - 1e-9))


@settings(max_examples=3)
@given(st.integers(0, 1000), st.sampled_from([6, 20]))
def test_compare_tables_of_swapped_runs_turns_signs_alone(seed, subjects):
    a, b = run(seed, 0.7, subjects=subjects), run(seed + 1, 0.5, subjects=subjects)
    there, back = compared(a, b), compared(b, a)
    for path, row in there.scores.items():
        mirror = back.scores[path]
        assert (row.first, row.second) == (mirror.second, mirror.first)
        assert row.difference.value == pytest.approx(-mirror.difference.value)
        if row.difference.low is None:
            assert row.difference.reason == mirror.difference.reason
        else:
            assert row.difference.low == pytest.approx(-mirror.difference.high)
        assert (row.p, row.p_holm, row.wilcoxon_p) == pytest.approx((mirror.p, mirror.p_holm, mirror.wilcoxon_p))
        asked = path.startswith("spotting.")  # few subjects show every class, so of means over classes it is not
        assert (row.wilcoxon_p is None) == (row.rank_biserial is None) == (not asked)
        assert not asked or row.rank_biserial == pytest.approx(-mirror.rank_biserial)
        assert row.detectable == pytest.approx(mirror.detectable)
    assert there.mcnemar.p == back.mcnemar.p


@pytest.mark.parametrize("subjects", [5, 6])
def test_compare_tables_detects_nothing_if_least_p_is_too_large(subjects):
    found = compared(run(0, 0.7, subjects=subjects), run(1, 0.5, subjects=subjects))
    assert found.exact
    assert 1 / found.permutations == 0.5 ** (subjects - 1)
    differences = [row.detectable for row in found.scores.values() if row.p is not None and not row.same]
    assert any(detectable is not None for detectable in differences) == (1 / found.permutations < 0.05)


def test_compare_tables_of_a_run_with_itself_finds_nothing():
    found = compared(run(0), run(0))
    assert set(found.scores) == set(compared_tables.MAIN) - {"recognition.unit_f1"}  # nobody asked for an action unit
    for row in found.scores.values():
        assert row.same
        assert row.p == row.p_holm == 1
        assert (row.wilcoxon_p, row.rank_biserial) in {(1, 0), (None, None)}
        assert row.difference.value == 0
        if row.first.low is not None:
            assert row.difference.low <= 0 <= row.difference.high
        assert row.detectable is None  # who never differ show no spread to judge by


def test_compare_tables_compares_unit_f1_if_asked():
    def asked(tables):
        shown = {"negative": "AU4", "positive": "absent", "surprise": "absent"}
        clips = tables.clips.assign(**{column: tables.clips[column].map(shown) for column in ("truth", "predicted")})
        return Tables(tables.videos, tables.truths, None, clips)

    found = compared(asked(run(0)), asked(run(1)), classes=("absent", "AU4"))
    assert set(found.scores) == {"recognition.uf1", "recognition.uar", "recognition.unit_f1"}
    assert found.scores["recognition.unit_f1"].first.value == pytest.approx(f1_of("AU4", asked(run(0)).clips))


def f1_of(unit, clips):
    return f1_score(clips["truth"], clips["predicted"], pos_label=unit)


@settings(max_examples=2)
@given(st.integers(0, 1000))
def test_compare_tables_ignores_order_of_rows(seed):
    first, second = run(0), run(1)
    assert compared(shuffled(first, seed), shuffled(second, seed + 1)) == compared(first, second)


def test_compare_tables_adjusts_scores_tested_at_once():
    first, second = run(0, 0.8), run(1, 0.4)
    many, one = compared(first, second), compared(first, second, metrics=["strs"])
    assert one.scores["analysis.strs"].p_holm == one.scores["analysis.strs"].p == many.scores["analysis.strs"].p
    assert many.scores["analysis.strs"].p_holm > many.scores["analysis.strs"].p


def test_compare_tables_takes_metrics_by_word_and_path():
    first, second = run(0), run(1)
    assert set(compared(first, second, metrics=["asr"]).scores) == {f"spotting.{k}.asr" for k in (*KINDS, "overall")}
    assert set(compared(first, second, metrics=["recognition.uar"]).scores) == {"recognition.uar"}
    by_name = {
        "analysis.strs": {"analysis.strs"},
        "analysis.acc_mesr": {"analysis.acc_mesr"},
        "analysis.strs.acc_mesr": {"analysis.acc_mesr"},  # by its section
        "spotting.micro.details.f1_at_iou.0.50": {"spotting.micro.details.f1_at_iou.0.50"},
        "spotting.micro.f1_at_iou.0.50": {"spotting.micro.details.f1_at_iou.0.50"},
        "f1_at_iou.0.50": {f"spotting.{kind}.details.f1_at_iou.0.50" for kind in (*KINDS, "overall")},
    }
    for word, paths in by_name.items():
        assert set(compared(first, second, metrics=[word], draws=0, permutations=1).scores) == paths
    with pytest.raises(ConfigError, match=r"unknown metric of these runs 'uff'. Did you mean 'uf1'"):
        compared(first, second, metrics=["uff"])
    with pytest.raises(ConfigError, match=r"'0\.5'\. Known: [a-z]"):  # a threshold alone is no metric
        compared(first, second, metrics=["0.5"])


def test_compare_tables_names_scores_as_in_the_summary():
    first, second = run(0, members=("x", "y")), run(1, members=("x", "y"))
    found = compared(first, second, metrics=["all"], draws=0, permutations=1)
    alone = summarize(first, kinds=KINDS, classes=CLASSES, seed=0, draws=0)
    assert set(found.scores) == set(plain_scores(alone))


def test_compare_tables_tests_equal_scipy_on_right_answers():
    runs = run(0, 0.8), run(1, 0.4)
    first, second = ((tables.clips["truth"] == tables.clips["predicted"]).to_numpy() for tables in runs)
    found = compared(*runs, metrics=["recognition.accuracy"])
    alone = [first & ~second, second & ~first]
    assert (found.mcnemar.first_only, found.mcnemar.second_only) == tuple(map(sum, alone))
    assert found.mcnemar.p == pytest.approx(stats.binomtest(sum(alone[0]), sum(map(sum, alone))).pvalue)
    subject = runs[0].clips["video"].str.rpartition("/")[0]
    difference = pd.Series(first.astype(float) - second).groupby(subject.to_numpy()).mean()
    accuracy = found.scores["recognition.accuracy"]
    assert accuracy.wilcoxon_n == len(difference) == 8
    assert accuracy.wilcoxon_p == pytest.approx(stats.wilcoxon(difference.round(12), zero_method="pratt").pvalue)


def test_compare_tables_wilcoxon_skips_people_without_clips():
    """Of two members with ten subjects each, one of whom has no clip; by hand on the others, and on those of a member."""

    def but_one(tables):
        return replace(tables, clips=tables.clips[~tables.clips["video"].str.startswith("x/00/")])

    runs = [but_one(run(seed, quality, subjects=20, members=("x", "y"))) for seed, quality in ((0, 0.8), (1, 0.6))]
    parts = ("recognition", 19), ("recognition.members.x", 9), ("recognition.members.y", 10)
    paths = [f"{part}.{name}" for part, _ in parts for name in ("accuracy", "wf1", "details.wr")]
    found = compared(*runs, metrics=paths).scores
    one, other = ((tables.clips["truth"] == tables.clips["predicted"]).astype(float) for tables in runs)
    of_each = (one - other).groupby(runs[0].clips["video"].str.rpartition("/")[0]).mean().round(12)
    for part, n in parts:
        own = of_each[of_each.index.str.startswith(part[-1])] if "members" in part else of_each
        for name in ("accuracy", "details.wr"):
            row = found[f"{part}.{name}"]
            assert row.wilcoxon_n == len(own) == n
            assert row.wilcoxon_p == pytest.approx(stats.wilcoxon(own, zero_method="pratt").pvalue)
        assert found[f"{part}.wf1"].wilcoxon_n == n


def test_compare_tables_skips_what_only_one_run_did():
    found = compared(replace(run(0), clips=None), run(1))
    assert found.mcnemar is None
    assert not any(path.startswith("recognition") for path in found.scores)


def test_compare_tables_takes_one_run_with_searched_videos():
    first, second = run(0), run(1)
    says = replace(second, videos=second.videos.assign(processed=[KINDS] * len(second.videos)))
    assert compared(first, says, permutations=2) == compared(first, second, permutations=2)


def test_compare_tables_needs_equal_clips():
    other = run(1)
    with pytest.raises(DataError, match="clips of the two runs differ"):
        compared(run(0), replace(other, clips=other.clips.iloc[::-1]))


def naming(tables, another):
    """The same run, which names another class in every fourth answer."""

    def answers(answered):
        return answered.mask(np.arange(len(answered)) % 4 == 1, another)

    spotted, clips = tables.predictions, tables.clips
    return replace(
        tables,
        predictions=spotted.assign(emotion=answers(spotted["emotion"])),
        clips=clips.assign(predicted=answers(clips["predicted"])),
    )


NAMED = "strict, classes=in_truth_or_predicted"
UNLIKE = ("strict", "li2017", "mean2022", "megc2020", "activitynet", "lgsnet2023", NAMED)
"""Conventions that differ in matching, in what counts, and in classes: by day they represent all."""


@pytest.mark.parametrize("convention", by_day([*CONVENTIONS, NAMED], *UNLIKE))
def test_compare_tables_equals_each_run_under_every_convention(convention):
    """Also where a convention leaves out videos, goes by the order of rows, pairs an answer with another's truth, or counts
    the classes that were named: one names awe, the other does not."""
    classes = (*CLASSES[:2], "awe")  # a surprise is no class
    words = {"kinds": KINDS, "classes": classes, "convention": convention, "draws": 50}
    first = run(0, subjects=5)
    second = naming(run(1, 0.3, subjects=5), "awe")
    found = compared(first, second, metrics=["all"], permutations=2, **words)
    for side, tables in (("first", first), ("second", second)):
        alone = plain_scores(summarize(tables, seed=0, **words))
        assert {path: getattr(row, side).plain() for path, row in found.scores.items()} == {
            path: pytest.approx(score) for path, score in alone.items()
        }


@pytest.mark.parametrize("confidence", [0.5, None])
@pytest.mark.parametrize("overall", ["strict", "activitynet"])
def test_compare_tables_of_unranked_run_has_no_ap(confidence, overall):
    sure, ranked = run(0), run(1)
    flat = replace(sure, predictions=sure.predictions.assign(confidence=confidence))
    paths = [f"spotting.{kind}.{name}" for kind in (*KINDS, "overall") for name in ("ap50", "ap")]
    there, back = (
        compared(*runs, metrics=["ap50", "ap", "f1"], convention=overall, permutations=2)
        for runs in ((flat, ranked), (ranked, flat))
    )
    alone = plain_scores(summarize(ranked, kinds=KINDS, classes=CLASSES, seed=0, draws=50, convention=overall))
    for path in paths:
        row, mirror = there.scores[path], back.scores[path]
        assert row.first.value is row.difference.value is row.p is row.p_holm is None
        assert row.wilcoxon_p is None
        assert not row.same
        assert row.second == mirror.first
        assert row.second.plain() == pytest.approx(alone[path])
        assert mirror.second.value is mirror.p is None
    assert there.scores["spotting.micro.f1"].p is not None


def test_compare_tables_exchange_averages_classes_then_named():
    """Brute force on 4 subjects with scikit-learn, which takes the classes that it sees."""
    first = run(0, 0.8, subjects=4)
    second = naming(run(1, subjects=4), "awe")
    classes = (*CLASSES, "awe")
    true = first.clips["truth"]
    person = first.clips["video"].str.rpartition("/")[0]

    def uf1(exchanged):
        swapped = person.isin(exchanged)
        one = first.clips["predicted"].where(~swapped, second.clips["predicted"])
        other = second.clips["predicted"].where(~swapped, first.clips["predicted"])
        return [f1_score(true, answered, average="macro", zero_division=0) for answered in (one, other)]

    people = sorted(set(person))
    scores = [uf1([p for p, yes in zip(people, choice) if yes]) for choice in product([False, True], repeat=4)]
    found = compared(first, second, classes=classes, convention="sklearn_macro").scores["recognition.uf1"]
    assert [found.first.value, found.second.value] == pytest.approx(scores[0])
    differences = np.abs([one - other for one, other in scores])
    assert found.p == pytest.approx(np.mean(differences >= differences[0] - 1e-9))


def test_compare_tables_of_one_interval_has_average_precision():
    """Nothing has to be ranked there; two such runs with equal confidences are a pool in which nothing is."""
    one, two = (replace(run(n), predictions=run(n).predictions.iloc[[n]].assign(confidence=0.5)) for n in (0, 1))
    found = compared(one, two, metrics=["spotting.micro.ap50"]).scores["spotting.micro.ap50"]
    for score, tables in ((found.first, one), (found.second, two)):
        alone = plain_scores(summarize(tables, kinds=KINDS, classes=CLASSES, seed=0, draws=50))
        assert score.plain() == alone["spotting.micro.ap50"]


def test_compare_tables_skips_analysis_without_emotions():
    """Alone it has no analysis; of one that names emotions and spots nothing it is 0, as alone."""
    names = run(0)
    silent = replace(run(1), predictions=run(1).predictions.iloc[:0])
    mute = replace(run(1), predictions=run(1).predictions.assign(emotion=None))
    for other in (mute, replace(silent, clips=None)):
        for pair in ((names, other), (other, names)):
            found = compared(*pair, permutations=2).scores
            assert not any(path.startswith("analysis") for path in found)
    assert compared(names, silent, metrics=["strs"]).scores["analysis.strs"].second.value == 0


def test_compare_tables_over_seeds_exchanges_subjects_in_all():
    """Against each subject's exchange done by hand, under both seeds, and the mean of the plain scores."""
    subjects = 4
    ones = [run(seed, 0.8, subjects=subjects) for seed in (1, 2)]
    others = [run(seed, 0.3, subjects=subjects) for seed in (3, 4)]
    found = compared(ones, others, metrics=["spotting.micro.f1"])
    row = found.scores["spotting.micro.f1"]
    alone = [compared(a, b, metrics=["spotting.micro.f1"]).scores["spotting.micro.f1"] for a, b in zip(ones, others)]
    assert row.first.value == pytest.approx(np.mean([one.first.value for one in alone]))
    assert row.difference.value == pytest.approx(np.mean([one.difference.value for one in alone]))
    names = sorted(set(ones[0].videos["subject"]))

    def exchanged(a, b, these):
        def of(table, keep):
            own = dict(zip(a.videos["video"], a.videos["subject"]))
            return table[[(own[video] in these) == keep for video in table["video"]]]

        predictions = [
            pd.concat([of(x.predictions, False), of(y.predictions, True)], ignore_index=True)
            for x, y in ((a, b), (b, a))
        ]
        return [replace(x, predictions=table) for x, table in zip((a, b), predictions)]

    only_f1 = replace(CONVENTIONS["strict"], scores=frozenset({"f1"}))

    def f1(tables):
        words = {"kinds": ("micro",), "classes": CLASSES, "convention": only_f1}
        found = summarize(replace(tables, clips=None), seed=0, draws=0, **words)
        return found["spotting"]["micro"]["scores"]["f1"]["value"]

    differences = []
    for n in range(2 ** (subjects - 1)):
        these = {name for place, name in enumerate(names[1:]) if n >> place & 1}
        pairs = [exchanged(a, b, these) for a, b in zip(ones, others)]
        differences.append(np.mean([f1(b) - f1(a) for a, b in pairs]))
    extreme = np.mean(np.abs(differences) >= abs(row.difference.value) - 1e-12)
    assert row.p == pytest.approx(extreme)


@pytest.mark.parametrize("path", ["spotting.micro.f1", "analysis.strs", "recognition.uf1", "recognition.members.x.uf1"])
def test_compare_tables_with_one_score_gives_what_all_give(path):
    first, second = run(0, members=("x", "y")), run(1, members=("x", "y"))
    alone = with_one_score(CONVENTIONS["strict"], path)
    among_all, by_itself = (
        compared(first, second, metrics=[path], permutations=4, convention=convention).scores[path]
        for convention in ("strict", alone)
    )
    for name in ("first", "second", "difference", "p"):
        assert getattr(by_itself, name) == getattr(among_all, name)
    other = "spotting.micro.precision"
    assert compared(first, second, metrics=[other], convention=alone).scores[other].first.value is None
