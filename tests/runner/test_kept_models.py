"""Weights that a run keeps: of all folds, of none, or of the first."""

import json

import pandas as pd
import pytest

from mebench.config import resolve
from mebench.errors import RunError
from mebench.inference.models import models_of_run
from mebench.output.progress import Silent
from mebench.runner import fold, fold_check
from mebench.runner.execute import execute_run
from mebench.runs.fold_files import MODEL, RECORD, TABLES
from mebench.runs.folder import TRAINING
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


def test_fold_hands_over_large_weights_unchanged(moody, monkeypatch):
    sent = execute_run(resolve(moody()), Silent()).folder
    monkeypatch.setattr(fold, "MOST_SENT", 0)
    monkeypatch.setattr(fold_check, "LARGEST_HEADER", 200)  # of a file no more than its header is read for the check
    copied = execute_run(resolve(moody()), Silent()).folder
    assert len(folds_with_model(copied)) > 1
    for model in sent.path.glob(f"folds/*/{MODEL}"):
        other = copied.path / model.relative_to(sent.path)
        assert other.read_bytes() == model.read_bytes()
        records = [json.loads((file.parent / RECORD).read_text()) for file in (model, other)]
        assert [*records[0]["files"].items()] == [*records[1]["files"].items()]
    assert not copied.list_changed_files()
    assert not (copied.path / TRAINING).exists()


def test_fold_that_leaves_a_link_as_weights_is_refused(moody, monkeypatch, tmp_path):
    """A fold may leave a link to what it could not read."""
    monkeypatch.setattr(fold, "MOST_SENT", 0)
    monkeypatch.setattr(fold, "save_file", lambda tensors, file: file.symlink_to(tmp_path / "labels"))
    (tmp_path / "labels").write_text("happiness")
    with pytest.raises(RunError, match="the fold returned as a model"):
        execute_run(resolve(moody()), Silent())


def test_run_of_trained_folds_keeps_models_as_asked(moody, tmp_path):
    settings = tmp_path / "mine" / "methods" / "moody" / "config.yaml"
    settings.write_text(settings.read_text() + "search: {trouble: {choices: [a], acts: postprocess}}\n")
    first = execute_run(resolve(moody()), Silent()).folder
    again = execute_run(resolve(moody("method.trouble=[9=raise]", "keep_models=none")), Silent()).folder
    assert folds_with_model(first)
    keys = [entry["fold"] for entry in again.read_json("folds.json")["folds"]]
    assert {again.fold_record(key)["trained_in"] for key in keys} == {first.id}
    assert folds_with_model(again) == set()


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
