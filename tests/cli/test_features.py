"""`mebench features`: the cards of a method's chains, and computing them ahead of a run."""

import json

from mebench.config import resolve
from mebench.runner import make_plan, prepare
from tests.helpers.plugin_folders import SMALL, blind_words

STRAIN = ("method=optical_strain", "method.flow=dis")


def test_features_explain_prints_a_card_for_each_chain(mebench, tmp_path):
    file = tmp_path / "cards.json"
    code, out, _ = mebench("features", "explain", "method=mean", "dataset=synthetic", *SMALL, "--json", file)
    assert code == 0
    for line in ("mean_frames: one feature for each frame i that has a frame i + 3.", "1. FaceCrop (version 2)."):
        assert line in out
    cards = json.loads(file.read_text())["datasets"]["synthetic"]
    assert {card["chain"] for card in cards} == {"mean_frames", "mean_clips"}
    assert all(card["fingerprint"] in out and card["text"] in out for card in cards)
    assert "from the dataset synthetic" in out


def test_features_explain_changes_with_feature_settings_alone(mebench):
    words = ("features", "explain", "method=mean", "dataset=synthetic", *SMALL)
    one, other, same = (mebench(*words, word)[1] for word in ("seed=0", "method.flow=dis", "dataset.subjects=4"))
    assert one != other
    assert one == same


def test_features_explain_of_a_method_without_features_says_so(mebench):
    assert mebench("features", "explain", "method=random", "dataset=synthetic", *SMALL)[1].startswith("method random")


def test_features_compute_goes_on_and_lists_failed_videos(mebench, own_folder, tmp_path):
    words = [*STRAIN, "workers=1", *blind_words(tmp_path)]
    code, out, err = mebench("features", "compute", *words)
    assert code == 5
    assert "features of 2 videos (80 frames) computed" in out
    assert "failed: synthetic/s002/v01: no face found in synthetic/s002/v01" in err
    assert "the features of 1 of 3 videos failed" in err
    assert "features: 3/3 videos, 80 frames" in err
    assert [v.key for v in prepare.missing_videos(make_plan(resolve(words)).features)] == ["synthetic/s002/v01"]

    # What is stored stays; a faceless video is no failure where it may be skipped.
    code, out, err = mebench("features", "compute", *words, "no_face=skip", "--json", "-")
    report = json.loads(out)
    assert code == 0
    assert (report["computed"], report["frames"], report["failed"]) == (0, 0, {})
    assert list(report["skipped"]) == ["synthetic/s002/v01"]
    assert "skipped: synthetic/s002/v01" in err
