from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mebench.errors import DataError
from mebench.metrics import noise
from mebench.runs.scoring import read_tables
from tests.helpers.run_folders import CLASSES, FPS, make_run

PATHS = ("spotting.micro.f1", "recognition.accuracy")
RULES = (["micro"], CLASSES)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noisy")
    made = (
        make_run(folder, "good", subjects=20, wrong_every=50),
        make_run(folder, "late", shift=6, subjects=20, wrong_every=2),
    )
    return [read_tables(run) for run in made]


def test_under_noise_takes_first_draw_and_fewer_alarms(runs):
    answers = runs[1].predictions
    paths = ["spotting.micro.ap50", "spotting.micro.fp_per_minute"]
    drawn = replace(runs[1], predictions=pd.concat([answers, answers.assign(draw=1, onset=0)]))
    found = noise.under_noise([runs[0], drawn], {}, paths, *RULES, draws=2)
    assert found == noise.under_noise(runs, {}, paths, *RULES, draws=2)
    assert [found[path]["ceiling"]["value"] for path in paths] == [1, 0]
    for path in paths:
        assert [run["ranks"] for run in found[path]["runs"]] == [[1, 1], [2, 2]]


def test_under_noise_of_nothing_changes_nothing(runs):
    found = noise.under_noise(runs, {}, PATHS, *RULES, draws=2)
    for path in PATHS:
        assert found[path]["ceiling"] == {"value": 1.0, "low": 1.0, "high": 1.0}
        for run in found[path]["runs"]:
            assert run["noisy"]["value"] == run["noisy"]["low"] == pytest.approx(run["value"])
        assert [run["ranks"] for run in found[path]["runs"]] == [[1, 1], [2, 2]]


def test_recode_truths_moves_ends_as_asked_in_order(runs):
    coders = {"onset": 200, "apex": 100, "offset": 300}
    off = []
    before = runs[0].truths.sort_values(["video", "kind", "onset", "offset"])
    for seed in range(20):
        after = noise.recode_truths(runs[0], coders, CLASSES, seed).truths
        assert (after["onset"] >= 0).all()
        assert (after["onset"] <= after["offset"]).all()
        marked = after.dropna(subset="apex")
        assert ((marked["onset"] <= marked["apex"]) & (marked["apex"] <= marked["offset"])).all()
        off.append((after["onset"].to_numpy() - before["onset"].to_numpy()) / FPS)
        assert after["emotion"].tolist() == before["emotion"].tolist()
    assert np.std(off) == pytest.approx(0.2, rel=0.1)


def test_recode_truths_gives_all_runs_one_coder(runs):
    coders = {"onset": 100, "label": 0.3}
    one, other = (noise.recode_truths(run, coders, CLASSES, 5) for run in runs)
    assert one.truths.equals(other.truths)
    assert one.clips["truth"].tolist() == other.clips["truth"].tolist()


def test_under_noise_ceiling_is_the_share_coders_agree_on(runs):
    alone = [replace(run, predictions=None) for run in runs]
    found = noise.under_noise(alone, {"label": 0.2}, ["recognition.accuracy"], *RULES, draws=15)
    top, (good, _) = found["recognition.accuracy"]["ceiling"], found["recognition.accuracy"]["runs"]
    assert top["value"] == pytest.approx(0.8, abs=0.03)
    assert top["low"] < 0.8 < top["high"]
    assert good["noisy"]["value"] <= top["value"] + 0.01
    assert good["value"] > 0.95


def test_recode_truths_needs_frame_rates_of_spotted_videos(runs):
    bare = replace(runs[0], videos=runs[0].videos.assign(fps=None))
    with pytest.raises(DataError, match=r"the frame rate of drawn/00/v0 is unknown"):
        noise.recode_truths(bare, {"onset": 10}, CLASSES, 0)
    alone = noise.recode_truths(replace(bare, predictions=None), {"onset": 10}, CLASSES, 0)
    assert alone.truths["onset"].tolist() == bare.truths.sort_values(["video", "kind", "onset"])["onset"].tolist()
