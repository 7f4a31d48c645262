"""Scores of clips with several classes at once, beside scikit-learn's and a single class's."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from mebench.metrics import Tables
from mebench.metrics.summary import summarize

CLASSES = ("anger", "fear", "joy")


def drawn(seed, people=12, clips=6, alone=False):
    rng = np.random.default_rng(seed)

    def label():
        n = 1 if alone else rng.integers(1, 3)
        return "+".join(sorted(rng.choice(CLASSES, n, replace=False)))

    rows = [(f"d/{p:02}/{c}", f"d/{p:02}", label()) for p in range(people) for c in range(clips)]
    table = pd.DataFrame(rows, columns=["video", "subject", "truth"])
    right = rng.random(len(table)) < 0.5
    return table.assign(dataset="d", predicted=[t if ok else label() for t, ok in zip(table["truth"], right)])


def summarized(clips, **how):
    videos = clips[["video", "subject", "dataset"]].assign(n_frames=10, fps=30.0)
    truths = pd.DataFrame(columns=["video", "kind", "onset", "apex", "offset", "emotion"])
    return summarize(Tables(videos, truths, clips=clips), kinds=[], classes=CLASSES, seed=0, **how)


def scored(clips, **how):
    return summarized(clips, **how)["recognition"]


def values(section):
    return {name: score["value"] for name, score in (*section["scores"].items(), *section["details"]["scores"].items())}


@pytest.mark.parametrize("seed", range(5))
def test_label_sets_scores_equal_scikit_learn(seed):
    clips = drawn(seed)
    true, predicted = (
        np.array([[c in label.split("+") for c in CLASSES] for label in clips[name]]) for name in ("truth", "predicted")
    )
    found = values(scored(clips))
    macro = {"average": "macro", "zero_division": 0}
    assert found == pytest.approx(
        {
            "uf1": f1_score(true, predicted, **macro),
            "uar": recall_score(true, predicted, **macro),
            "recall": recall_score(true, predicted, **macro),
            "precision": precision_score(true, predicted, **macro),
            "wf1": f1_score(true, predicted, average="weighted"),
            "wr": recall_score(true, predicted, average="micro"),
            "accuracy": accuracy_score(true, predicted),
            "jaccard": jaccard_score(true, predicted, average="samples"),
            "f1": found["f1"],
        }
    )
    each = scored(clips)["details"]["of_classes"]
    assert [each[name]["value"] for name in CLASSES] == pytest.approx(list(f1_score(true, predicted, average=None)))


def test_label_sets_of_one_class_score_as_single_classes():
    clips = drawn(0, alone=True)
    alone = scored(clips)
    one = clips["predicted"].iloc[0]
    other = next(name for name in CLASSES if name != one)
    sets = clips.assign(predicted=[f"{one}+{other}", *clips["predicted"][1:]])  # one answer too many
    single, joined = values(alone), values(scored(sets))
    assert joined["uar"] == pytest.approx(single["uar"], abs=0.06)
    assert joined["accuracy"] == pytest.approx(single["accuracy"] - (one == clips["truth"].iloc[0]) / len(clips))


def test_label_sets_scores_have_intervals_over_people():
    section = scored(drawn(1))
    for score in (*section["scores"].values(), *section["details"]["of_classes"].values()):
        assert 0 <= score["low"] < score["value"] < score["high"] <= 1


def test_label_sets_skip_unshown_classes():
    clips = drawn(2)
    clips["truth"] = ["anger+joy" if "fear" in label else label for label in clips["truth"]]
    section = scored(clips.assign(predicted=None))
    assert set(section["details"]["of_classes"]) == {"anger", "joy"}
    assert values(section)["jaccard"] == values(section)["uf1"] == 0


def test_label_sets_of_folds_are_pooled_without_a_remark():
    clips = drawn(0)
    summary = summarized(clips.assign(part=[f"fold {n % 2}" for n in range(len(clips))]))
    assert values(summary["recognition"]) == values(scored(clips))
    assert not [remark for remark in summary["remarks"] if "scored by itself" in remark]
