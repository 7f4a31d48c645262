"""Proposals from stored frame scores are those of a fold trained anew with the same parameters, bit for bit."""

import dataclasses

import numpy as np
import pytest

from mebench.config import resolve
from mebench.errors import DataError
from mebench.features.face_detection import NoFaceError
from mebench.output.progress import Progress
from mebench.runner import host, make_plan
from mebench.runner.prepare import Prepared
from mebench.sandbox import isolation
from mebench.tuning import run_studies
from mebench.tuning.space import with_values


def test_tuning_reuses_mean_as_if_it_had_trained_again(tiny):
    words = ["method=mean", "method.preset=short", "method.epochs_spot=1", "method.epochs_recognition=1"]
    plan = make_plan(resolve([*tiny, *words]))
    values = {"method.smoothing": "gaussian_3", "method.interval": "score_curve", "method.curve_height": 0.3}
    fold = plan.data.folds[0]
    other = run_studies.change_parameters(plan, values)
    stored, whole = host.execute_fold(plan, fold), host.execute_fold(other, fold)
    again = host.execute_fold(other, fold, stored)
    assert again.predictions == whole.predictions
    assert whole.predictions != stored.predictions
    assert all(p.emotion for p in again.predictions)
    for key, scores in whole.frame_scores.items():
        np.testing.assert_array_equal(again.frame_scores[key], scores)


def test_tuning_changed_holds_out_by_the_parameters(tiny):
    plan = make_plan(resolve([*tiny, "method=mean"]))
    assert not plan.data.selects
    values = {"method.threshold": "absolute"}
    replanned = make_plan(with_values(plan.config, values))
    of_one_dataset = dataclasses.replace(replanned.data, dataset=plan.data.dataset)
    assert run_studies.change_parameters(plan, values) == dataclasses.replace(replanned, data=of_one_dataset)


@pytest.mark.parametrize(
    ("no_face", "error", "raised"),
    [
        ("skip", NoFaceError("no face"), None),
        ("skip", DataError("no frames"), "no frames"),
        ("error", NoFaceError("no face"), "no face"),
        ("error", None, "the features of toy_places/1/v1 failed: its worker process died"),
    ],
)
def test_StoredFeatures_leave_out_videos_without_face_on_request(toy, monkeypatch, no_face, error, raised):
    plan = make_plan(resolve(toy(f"no_face={no_face}")))
    failure = isolation.Failure("its worker process died", "", error)
    monkeypatch.setattr(
        run_studies, "prepare_features", lambda *_: Prepared(0, {}, {("home", "toy_places/1/v1"): failure})
    )
    if raised is None:
        assert run_studies.StoredFeatures(None, Progress()).prepare(plan).data.skipped == {
            "toy_places/1/v1": failure.reason
        }
    else:
        with pytest.raises(DataError, match=raised):
            run_studies.StoredFeatures(None, Progress()).prepare(plan)
