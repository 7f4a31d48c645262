"""`mebench features`: the cards of a method's chains, and computing them ahead of a run."""

import json

import numpy as np

from mebench.config import resolve
from mebench.features.pipeline import video_source
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
    assert "features: 3/3 videos, 80 of 120 frames" in err
    assert [v.key for v in prepare.missing_videos(make_plan(resolve(words)).features)] == ["synthetic/s002/v01"]

    # What is stored stays; a faceless video is no failure where it may be skipped.
    code, out, err = mebench("features", "compute", *words, "no_face=skip", "--json", "-")
    report = json.loads(out)
    assert code == 0
    assert (report["computed"], report["frames"], report["failed"]) == (0, 0, {})
    assert list(report["skipped"]) == ["synthetic/s002/v01"]
    assert "skipped: synthetic/s002/v01" in err


def test_features_show_draws_what_a_network_gets(mebench, own_folder, tmp_path):
    words = ("method=mean", "method.flow=farneback", "dataset=synthetic", *SMALL, "clip=1")
    code, _, _ = mebench("features", "show", *words, "-o", tmp_path / "seen.png", "--json", tmp_path / "seen.json")
    assert code == 0
    assert (tmp_path / "seen.png").stat().st_size > 10_000
    assert (tmp_path / "seen_2.png").is_file()
    shown = json.loads((tmp_path / "seen.json").read_text())
    plan = make_plan(resolve([word for word in words if word != "clip=1"]))
    video = next(video for video in plan.data.videos if video.key == shown["video"])
    source = video_source(plan.features.store, *plan.data.find_home(video), video)
    (chain,) = [chain for chain in plan.features.chains_of(video) if chain.name == "mean_clips"]
    feature = source.clip_feature(chain, *shown["clip"])
    (last,) = [stage for stage in shown["stages"] if stage["chain"] == chain.name][-1:]
    assert (last["step"], last["shape"]) == ("EyesAndMouth", list(feature.shape))
    least, most = map(float, last["range"].split(" to "))
    np.testing.assert_allclose([least, most], [feature.min(), feature.max()], rtol=2e-3, atol=1e-4)


def test_features_show_names_the_clips_there_are(mebench):
    words = ("features", "show", "method=mean", "dataset=synthetic", *SMALL)
    code, _, errors = mebench(*words, "clip=99")
    assert code == 2
    assert "clip=99: the dataset has the clips 1 to " in errors
