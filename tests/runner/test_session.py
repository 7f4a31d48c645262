"""One run under way: what its folds give is kept, and what cannot be kept is that fold's own trouble."""

from dataclasses import replace

import numpy as np
import pytest

from mebench.config import resolve
from mebench.core import Prediction
from mebench.errors import PluginError, RunError
from mebench.runner import host, make_plan
from mebench.runner.session import open_session


@pytest.fixture
def session(moody):
    session = open_session(make_plan(resolve(moody())))
    yield session
    session.lock.release()


def test_open_session_refuses_a_plugin_edited_since_import(moody, tmp_path):
    """Its folds would be those of the old code in part, under the key of the new."""
    folder = tmp_path / "mine" / "methods" / "moody"
    open_session(make_plan(resolve(moody()))).lock.release()
    settings = folder / "config.yaml"
    settings.write_text(settings.read_text() + "params: {gate: other}\n")  # which is read anew
    plan = make_plan(resolve(moody()))
    open_session(plan).lock.release()
    assert plan.methods[0].params.gate == "other"
    params = folder / "params.py"
    params.write_text(params.read_text().replace('gate: str = ""', 'gate: str = "x"'))
    with pytest.raises(
        PluginError, match=r"method 'moody' .* was edited since this program imported it: start the prog"
    ):
        open_session(make_plan(resolve(moody())))


@pytest.mark.parametrize(
    "answer",
    [
        {"predictions": [Prediction("toy/1/v1", "micro", 10.5, 12, 14, 0.5)]},
        {"predictions": [Prediction("toy/1/v1", "micro", 10, 12, 10**30, 0.5)]},
        {"notes": {"threshold": object()}},
    ],
)
def test_store_fold_fails_a_fold_whose_answers_fit_no_table(session, answer):
    first, second, _ = session.plan.data.folds
    session.store_fold(first, replace(host.execute_fold(session.plan, first), **answer))
    session.store_fold(second, host.execute_fold(session.plan, second))
    assert session.folder.finished_folds() == {"toy/2"}
    assert session.left == {"toy/3"}
    with pytest.raises(
        RunError, match=r"1 of 3 folds failed; fold 'toy/1': the answers of its method cannot be stored"
    ):
        session.finish()


def test_store_fold_names_videos_without_any_score(session):
    """Where something is spotted nevertheless, as by `random`, that is the method's way."""
    nothing = np.full((30, 1), np.nan)
    for fold in session.plan.data.folds:
        videos = [v.key for v in session.plan.data.videos if v.subject_key in fold.test]
        answer = {"frame_scores": dict.fromkeys(videos, nothing), "predictions": []}
        if fold.key == "toy/2":
            answer["predictions"] = [Prediction(videos[0], "micro", 10, 12, 14, 0.5)]
        session.store_fold(fold, replace(host.execute_fold(session.plan, fold), **answer))
    (line,) = session.unscored_warning()
    left = len(session.plan.data.videos) - 1
    assert f"no frame of {left} of {left + 1} videos has a score" in line
    assert "such as toy/1/v1 of" in line


def folds_of(session):
    return [fold.key for _, fold in (task.key for task in session.make_tasks({}))]


def test_Session_takes_the_fold_that_trains_most_first(moody):
    """Seven subjects in three parts: who tests three of them trains four, the others train five; equal ones by name."""
    session = open_session(make_plan(resolve(moody("dataset.subjects=7", "protocol=kfold", "protocol.folds=3"))))
    trained = {fold.key: 7 - len(fold.test) for fold in session.plan.data.folds}
    assert trained == {"part1": 4, "part2": 5, "part3": 5}
    assert folds_of(session) == ["part2", "part3", "part1"]
    session.left -= {"part2"}
    assert folds_of(session) == ["part3", "part1"]
    session.lock.release()


def test_Session_takes_equal_folds_by_name(session):
    backwards = replace(session.plan.data, folds=session.plan.data.folds[::-1])
    session.plan = replace(session.plan, data=backwards)
    assert folds_of(session) == ["toy/1", "toy/2", "toy/3"]
