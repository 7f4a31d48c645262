"""Tuning from Python gives what the command does, as objects; objects of Lightning reach every trial."""

import json
import os
import sys
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from lightning.pytorch.callbacks import LearningRateMonitor

import mebench
from mebench.errors import ConfigError
from mebench.output.progress import Silent
from mebench.testing.folders import write_plugin as write
from tests.helpers.plugin_folders import PLUGINS

pytestmark = pytest.mark.usefixtures("untracked", "write_plugin")


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """Tunes a method of known optimum over some trials, without figures."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setattr("mebench.tuning.run_studies.write_study_figures", lambda *_: [])
    words = ["method=tunable", "dataset=toy_places", "bootstrap=20", "workers=1"]

    def tune(*more, **options):
        options = {"trials": 4, "acts": "postprocess", **options}
        return mebench.tune(*words, *more, plugins=PLUGINS, cache=tmp_path / "cache", progress=Silent(), **options)

    return tune


def test_tune_gives_values_scores_trials_and_runs(tuned, tmp_path):
    found = tuned("dataset.subjects=5")
    assert found.summary == json.loads((Path(found.summary["folder"]) / "outcome.json").read_text())
    (study,) = found.summary["studies"].values()
    assert found.values == study["best"]["params"]
    assert found.conclusion == found.summary["conclusion"]
    assert found.conclusion in unescape(found._repr_html_())
    score = found.scores.loc["spotting.micro.f1"]
    assert score["default"] == found.default.scores.loc["spotting.micro.f1", "value"]
    assert score["tuned"] == found.tuned.scores.loc["spotting.micro.f1", "value"]
    assert score["gain"] == pytest.approx(score["tuned"] - score["default"])
    assert list(found.trials["trial"]) == [0, 1, 2, 3]
    assert set(found.trials["study"]) == set(found.summary["studies"])
    trials, best, untuned = found.plot_history().axes[0].lines
    assert trials.get_ydata().tolist() == found.trials["spotting.micro.f1"].tolist()
    assert best.get_ydata()[-1] == found.trials["spotting.micro.f1"].max()
    assert untuned.get_ydata()[0] == found.trials["spotting.micro.f1"][0]
    assert found.conclusion in str(found)
    found.write(tmp_path / "tuned.yaml")
    written = yaml.safe_load((tmp_path / "tuned.yaml").read_text())
    assert written["method"]["p"] == found.values["method.p"]


def test_tune_reads_ranges_and_nested_studies(tuned):
    found = tuned("dataset.subjects=3", nested=True, trials=2, param={"p": {"low": 0.2, "high": 0.4}}, acts=())
    assert found.summary["parameters"]["method.p"]["high"] == 0.4
    assert len(set(found.trials["study"])) == len(found.summary["studies"]) == 3


def test_tune_refuses_what_the_command_refuses(tuned):
    with pytest.raises(ConfigError, match="--trials must be 1 or more, not 0"):
        tuned(trials=0)


def test_tune_gives_each_fold_copies_of_objects(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.tuning.run_studies.write_study_figures", lambda *_: [])
    write("method", "net", tmp_path / "plugins", "network")
    words = [*tiny, "method=net", "method.epochs=1", "method.filters=2", "workers=1", "bootstrap=0"]
    found = mebench.tune(
        *words,
        plugins=tmp_path / "plugins",
        trials=1,
        param={"lr": {"low": 0.001, "high": 0.01}},
        tuning_subjects=2,
        trainer={
            "callbacks": [LearningRateMonitor()],
            "optimizer": lambda parameters: torch.optim.SGD(parameters, lr=0.25),
            "log_every_n_steps": 1,
        },
        progress=Silent(),
    )
    assert set(found.default.history["lr-SGD"].dropna()) == {0.25}
    assert isinstance(found.trials, pd.DataFrame)
