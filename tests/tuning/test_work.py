"""Proposals from stored frame scores are those of a fold trained anew with the same parameters, bit for bit."""

import dataclasses

import numpy as np

from mebench.config import resolve
from mebench.runner.fold import execute
from mebench.runner.plan import make_plan
from mebench.tuning.space import with_values
from mebench.tuning.work import propose_again, with_config


def test_mean_spots_and_names_as_if_it_had_been_trained_again(tiny):
    words = ["method=mean", "method.preset=short", "method.epochs_spot=1", "method.epochs_recognition=1"]
    plan = make_plan(resolve([*tiny, *words]))
    values = {"method.smoothing": "gaussian_3", "method.interval": "score_curve", "method.curve_height": 0.3}
    fold, other = plan.folds[0], with_config(plan, with_values(plan.config, values))
    stored, whole = execute(plan, fold), execute(other, fold)
    again = propose_again(other, fold, stored)
    assert again.predictions == whole.predictions and whole.predictions != stored.predictions
    assert all(p.emotion for p in again.predictions)
    for key, scores in whole.frame_scores.items():
        np.testing.assert_array_equal(again.frame_scores[key], scores)


def test_who_is_held_out_follows_the_parameters(tiny):
    plan = make_plan(resolve([*tiny, "method=mean"]))
    assert not plan.selects
    config = with_values(plan.config, {"method.threshold": "absolute"})
    assert with_config(plan, config) == dataclasses.replace(make_plan(config), dataset=plan.dataset)
