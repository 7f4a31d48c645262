"""The mean over folds that are scored by themselves, compared with scikit-learn fold by fold."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from mebench.metrics import Tables
from mebench.metrics.compared_tables import Pool, compare_tables
from mebench.metrics.seed_means import summarize_seeds
from mebench.metrics.summary import summarize

CLASSES = ("negative", "positive", "surprise")


@pytest.fixture
def folds():
    """Two folds that test the same clips, and a third that tests others; none of `surprise` in the last."""
    rng = np.random.default_rng(0)
    videos = pd.DataFrame(
        [(f"{d}/{s}/{v}", f"{d}/{s}", d, None, None) for d in ("hs", "vis") for s in range(15) for v in range(2)],
        columns=["video", "subject", "dataset", "n_frames", "fps"],
    )
    truths = pd.DataFrame(columns=["video", "kind", "onset", "apex", "offset", "emotion"])
    found = {}
    for name, dataset, n in (("vis-to-hs", "hs", 3), ("nir-to-hs", "hs", 3), ("hs-to-vis", "vis", 2)):
        own = videos[videos["dataset"] == dataset]["video"]
        truth = np.array(CLASSES)[np.arange(len(own)) % n]
        predicted = np.where(rng.random(len(own)) < 0.6, truth, np.array(CLASSES)[rng.integers(3, size=len(own))])
        found[name] = Tables(videos, truths, None, pd.DataFrame({"video": own, "truth": truth, "predicted": predicted}))
    return found


def whole(folds):
    """All folds' clips in one table, as a run's."""
    first = next(iter(folds.values()))
    clips = [tables.clips.assign(part=name) for name, tables in folds.items()]
    return Tables(first.videos, first.truths, None, pd.concat(clips, ignore_index=True))


def scored(folds, **rules):
    return summarize(whole(folds), kinds=(), classes=CLASSES, seed=0, **({"draws": 50} | rules))


def test_summarize_each_fold_over_its_own_clips_and_classes(folds):
    summary = scored(folds)["recognition"]
    expected = []
    for name, tables in folds.items():
        truth, predicted = tables.clips["truth"], tables.clips["predicted"]
        labels = sorted(set(truth))
        scores = {
            "accuracy": accuracy_score(truth, predicted),
            "uf1": f1_score(truth, predicted, labels=labels, average="macro", zero_division=0),
            "uar": recall_score(truth, predicted, labels=labels, average="macro"),
        }
        part = summary["folds"][name]
        assert part["n"] == 30
        assert {metric: part["scores"][metric]["value"] for metric in scores} == pytest.approx(scores)
        expected.append(scores)
    for metric in ("accuracy", "uf1", "uar"):
        score = summary["scores"][metric]
        assert score["value"] == pytest.approx(np.mean([scores[metric] for scores in expected]))
        assert score["low"] < score["value"] < score["high"]
    assert summary["n"] == 90


def test_summarize_mean_over_one_fold_is_that_fold(folds):
    """Also where all clips of a class are right, of which leaving subjects out shows no error."""
    tables = folds["vis-to-hs"]
    sure = tables.clips["predicted"].where(tables.clips["truth"] != "positive", "positive")
    one = Tables(
        tables.videos[tables.videos["dataset"] == "hs"], tables.truths, None, tables.clips.assign(predicted=sure)
    )
    found = scored({"test_A": one})["recognition"]
    for mean, fold in ((found, found["folds"]["test_A"]), (found["details"], found["folds"]["test_A"]["details"])):
        assert mean["scores"].keys() == fold["scores"].keys()
        for name, score in mean["scores"].items():
            assert score == pytest.approx(fold["scores"][name]), name


def test_summarize_mean_is_no_surer_than_its_smallest_fold(folds):
    """Where all clips are right, an interval depends on the number of people alone."""
    right = {}
    for name, n_clips in (("vis-to-hs", 30), ("hs-to-vis", 12)):
        tables = folds[name]
        clips = tables.clips.iloc[:n_clips]
        answered = clips.assign(predicted=clips["truth"])
        right[name] = Tables(tables.videos, tables.truths, None, answered)

    found = scored(right)["recognition"]
    lows = {name: fold["scores"]["accuracy"]["low"] for name, fold in found["folds"].items()}
    assert lows["hs-to-vis"] < lows["vis-to-hs"] < 1
    assert found["scores"]["accuracy"]["low"] == pytest.approx(lows["hs-to-vis"])


def test_summarize_folds_leaves_out_undefined_recognition(folds):
    summary = scored(folds, draws=0, convention="softnet2021")
    assert "recognition" not in summary
    assert "defines no recognition" in summary["remarks"][-1]


def test_summarize_folds_ignores_names_of_videos(folds):
    def renamed(tables):
        name = {video: f"{n:03d}" for n, video in enumerate(reversed(tables.videos["video"].tolist()))}
        tables = [
            table.assign(video=table["video"].map(name)) for table in (tables.videos, tables.truths, tables.clips)
        ]
        return Tables(tables[0], tables[1], None, tables[2])

    others = {name: renamed(tables) for name, tables in folds.items()}
    one, other = (scored(each)["recognition"] for each in (folds, others))
    assert one == other


def test_compare_tables_and_Pool_take_means_over_folds(folds):
    """A method that is right where a fold has few clips, and one that is right where it has many, pooled: the other order."""
    few = folds["hs-to-vis"].clips["video"].iloc[:3].tolist()
    folds["hs-to-vis"] = Tables(
        *(getattr(folds["hs-to-vis"], name) for name in ("videos", "truths", "predictions")),
        folds["hs-to-vis"].clips.iloc[:3],
    )
    one, other = (
        {
            name: Tables(t.videos, t.truths, None, t.clips.assign(predicted=t.clips["truth"].where(right(t), "none")))
            for name, t in folds.items()
        }
        for right in (
            lambda t: t.clips["video"].isin(few) | (np.arange(len(t.clips)) % 5 < 2),
            lambda t: ~t.clips["video"].isin(few) & (np.arange(len(t.clips)) % 5 < 3),
        )
    )
    runs = [whole(one), whole(other)]

    own = [scored(run)["recognition"]["scores"]["uf1"]["value"] for run in (one, other)]
    assert own[0] > own[1]
    pooled = [Tables(run.videos, run.truths, None, run.clips.drop(columns="part")) for run in runs]
    assert (
        np.diff(
            [
                summarize(t, kinds=(), classes=CLASSES, seed=0, draws=0)["recognition"]["scores"]["uf1"]["value"]
                for t in pooled
            ]
        )
        > 0
    )

    found = compare_tables(*runs, kinds=(), classes=CLASSES, draws=50, permutations=16).scores["recognition.uf1"]
    assert (found.first.value, found.second.value) == pytest.approx(own)
    pool = Pool.from_runs(runs)
    weights = np.zeros((2, pool.units.size))
    for run, units in enumerate(pool.units):
        weights[run, units] = 1
    np.testing.assert_allclose(pool.make_scorer("recognition.uf1", (), CLASSES, "strict")(weights), own)


def test_summarize_seeds_takes_the_mean_and_leaves_folds_out(folds):
    """The folds of a second seed may test other people, so a fold of the first is no mean over seeds."""
    exchanged = {name: folds[other] for name, other in zip(folds, ("nir-to-hs", "vis-to-hs", "hs-to-vis"))}
    exchanged["hs-to-vis"] = Tables(
        *(getattr(folds["hs-to-vis"], table) for table in ("videos", "truths", "predictions")),
        folds["hs-to-vis"].clips.assign(predicted="negative"),
    )
    uf1_of_seeds = [scored(run)["recognition"]["scores"]["uf1"]["value"] for run in (folds, exchanged)]
    means = summarize_seeds([whole(folds), whole(exchanged)], kinds=(), classes=CLASSES, seed=0, draws=50)
    assert means["recognition"]["scores"]["uf1"]["value"] == pytest.approx(np.mean(uf1_of_seeds))
    assert uf1_of_seeds[0] != uf1_of_seeds[1]
    assert "folds" not in means["recognition"]
