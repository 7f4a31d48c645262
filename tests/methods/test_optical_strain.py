"""Optical strain as a spotter: its score is the strain of the regions, and nothing is trained."""

import numpy as np
from mebench.methods.optical_strain.method import CHAIN, OpticalStrain
from mebench.methods.optical_strain.params import Params

from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.features import MaskEyes

TIMING = Timing(30.0, 3, {"micro": 5, "macro": 20})


def method(kinds=("micro",), **params):
    return OpticalStrain(Params(**params), Task(frozenset({"spot"}), kinds))


def view(features, n_frames):
    return VideoView("d/s/v", SubjectKey("d", "s"), 30.0, n_frames, TIMING, {CHAIN: features}.__getitem__, None)


def test_the_score_is_the_mean_strain_of_both_regions_and_undefined_without_a_partner():
    features = np.random.default_rng(0).random((97, 2, 1, 3)).astype(np.float16)
    scores = method().score_frames(view(features, 100))
    assert scores.shape == (100, 1)
    np.testing.assert_allclose(scores[:97, 0], [(f[0, 0, 2] + f[1, 0, 2]) / 2 for f in features.astype(float)])
    assert np.isnan(scores[97:]).all()


def test_a_burst_of_strain_is_spotted_with_intervals_of_each_kinds_own_length():
    features = np.full((197, 2, 1, 3), 0.1, np.float16)
    features[90:100, ..., 2] = 1
    spotter = method(kinds=("micro", "macro"))
    video = view(features, 200)
    micro, macro = spotter.propose(video, spotter.score_frames(video))
    assert abs(micro.apex - 95) <= 1 and (micro.onset, micro.offset) == (micro.apex - 5, micro.apex + 4)
    assert (macro.onset, macro.offset) == (macro.apex - 20, macro.apex + 19)


def test_there_is_nothing_to_train():
    assert method().stages() == ()
    assert not method().state_dict()


def test_the_eyes_are_masked_where_landmarks_tell_where_they_are():
    def masks(**params):
        return [step for step in method(**params).chains(TIMING)[CHAIN].steps if isinstance(step, MaskEyes)]

    assert masks(eye_margin=7) == [MaskEyes(7)]
    assert masks(regions="box") == []
