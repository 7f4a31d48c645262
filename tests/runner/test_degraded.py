"""A degraded run: the models of a finished clean one on frames that are changed, and nothing trained."""

import re

import numpy as np
import pandas as pd
import pytest

from mebench.config import resolve
from mebench.errors import ConfigError, RunError
from mebench.features import degradation
from mebench.output.progress import Progress
from mebench.runner import FittedMethod
from mebench.runner.choices import open_dataset
from mebench.runner.execute import execute_run
from mebench.runs.fold_files import safe_name

WORDS = (
    *("method=linear_spotter", "method.flow=dis", "recognizer=bi_woof", "recognizer.flow=dis", "dataset=synthetic"),
    *("dataset.subjects=3", "dataset.videos=1", "dataset.frames=60", "dataset.size=96", "bootstrap=10", "workers=1"),
    "tracking=off",
)
TABLES = ("predictions.parquet", "clips.parquet", "frame_scores.parquet")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("degraded")


@pytest.fixture(scope="module")
def words(place):
    return [*WORDS, f"runs={place / 'runs'}", f"cache={place / 'cache'}"]


@pytest.fixture(scope="module")
def clean(words):
    return execute_run(resolve(words), Progress()).folder


@pytest.fixture
def untrained(monkeypatch):
    monkeypatch.setattr(FittedMethod, "fit", lambda *_: pytest.fail("something was trained"))


def tables(folder):
    return [folder.read_table(name) for name in TABLES]


def test_open_dataset_degraded_by_zero_is_clean(words):
    config = resolve(words)
    clean = open_dataset(config.dataset_params)
    for kind in degradation.KINDS:
        made = open_dataset(config.dataset_params, f"{kind}:0")
        assert type(made) is type(clean)
        assert (made.revision, made.params, made.videos()) == (clean.revision, clean.params, clean.videos())


def test_run_degraded_by_zero_equals_the_clean_run(clean, words, untrained):
    again = execute_run(resolve([*words, "degrade=blur:0"]), Progress())
    assert again.folder.id != clean.id
    assert "blur-0" in again.folder.id
    for one, other in zip(tables(clean), tables(again.folder)):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    one = dict(again.summary)
    other = clean.read_json("summary.json")
    for name in ("run_id", "seconds"):
        del one[name], other[name]
    assert one == other


def test_run_of_degraded_dataset_trains_nothing_keeps_no_models(clean, words, untrained):
    found = execute_run(resolve([*words, "degrade=jpeg:4"]), Progress()).folder
    assert not list(found.path.glob("folds/*/model.safetensors"))
    before, after = tables(clean)[2], tables(found)[2]
    assert len(before) == len(after)
    assert not np.allclose(before["score"], after["score"], equal_nan=True)
    pd.testing.assert_frame_equal(clean.read_table("truth.parquet"), found.read_table("truth.parquet"))


def test_run_of_degraded_dataset_needs_a_clean_run(words, place):
    with pytest.raises(
        RunError, match=r"degrade=mask:2 takes the models of the finished clean run, but .*run it first"
    ):
        execute_run(resolve([*words, f"runs={place / 'none'}", "degrade=mask:2"]), Progress())


def test_run_of_degraded_dataset_needs_models_of_the_clean_run(clean, words):
    fold = clean.read_json("folds.json")["folds"][0]["fold"]
    model = clean.path / "folds" / safe_name(fold) / "model.safetensors"
    kept = model.read_bytes()
    model.unlink()
    with pytest.raises(
        RunError, match=rf"takes the models of {re.escape(clean.id)}, which keeps none of fold '{fold}'"
    ):
        execute_run(resolve([*words, "degrade=mask:2"]), Progress())
    model.write_bytes(kept)


def test_resolve_refuses_degraded_runs_that_leak():
    with pytest.raises(
        ConfigError, match="degrade=blur:2 takes the models of an honest run: leave audit and adaptation"
    ):
        resolve([*WORDS, "degrade=blur:2", "audit=leak"])


def test_resolve_refuses_unknown_degradations():
    with pytest.raises(ConfigError, match="Did you mean 'occlusion'"):
        resolve([*WORDS, "degrade=oclusion:3"])


def test_run_of_degraded_dataset_misses_faces_that_are_lost(clean, words):
    found = execute_run(resolve([*words, "degrade=noise:5"]), Progress())
    lost = found.folder.read_json("skipped.json")
    assert lost
    assert not set(lost) & set(tables(found.folder)[0]["video"])
    micro = found.summary["spotting"]["micro"]
    assert micro["tp"] + micro["fn"] == sum(clean.read_table("truth.parquet")["kind"] == "micro")
