"""Weights that a run keeps: of all folds, of none, or of the first."""

import pandas as pd
import pytest

from mebench.config import resolve
from mebench.errors import RunError
from mebench.inference.models import models_of_run
from mebench.output.progress import Silent
from mebench.runner.execute import execute_run
from mebench.runs.fold_files import MODEL, TABLES
from tests.helpers.same_process import stand_in


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    stand_in(monkeypatch.setattr)


def folds_with_model(run):
    return {file.parent.name for file in run.path.glob(f"folds/*/{MODEL}")}


def test_run_keeps_models_as_asked_and_answers_alike(moody):
    runs = {
        kept: execute_run(resolve(moody(f"keep_models={kept}")), Silent()).folder for kept in ("all", "none", "first")
    }
    every = folds_with_model(runs["all"])
    assert len(every) > 1
    assert folds_with_model(runs["none"]) == set()
    assert folds_with_model(runs["first"]) == {min(every)}
    assert len({run.key for run in runs.values()}) == 1
    for table in TABLES:
        for run in runs.values():
            pd.testing.assert_frame_equal(run.read_table(table), runs["all"].read_table(table), check_exact=True)


def test_models_of_run_names_the_setting_that_kept_none(moody):
    run = execute_run(resolve(moody("keep_models=first")), Silent()).folder
    first, *others = [entry["fold"] for entry in run.read_json("folds.json")["folds"]]
    assert [model.fold for model in models_of_run(run, first)] == [first]
    with pytest.raises(RunError, match=r"keeps no models: .* keep_models=all"):
        models_of_run(run, others[0])


def test_degraded_run_refuses_a_clean_one_without_models(moody):
    execute_run(resolve(moody("keep_models=none")), Silent())
    with pytest.raises(RunError, match=r"takes the models of .*, which keeps none of fold"):
        execute_run(resolve(moody("degrade=blur:2")), Silent())
