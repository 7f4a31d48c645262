"""What the contract of a method does by itself: spotting by the shared options."""

from dataclasses import dataclass

import numpy as np
import pytest

from mebench.core import Expression, LabelledVideo, Method, SubjectKey, Task, Timing
from mebench.spotting import Spotted, SpottingParams, spot

K_PRIME = 4


@dataclass(frozen=True)
class Params(SpottingParams):
    """Nothing of its own."""


class Spotter(Method):
    """Its scores are what the video's only chain says."""

    Params = Params
    tasks = frozenset({"spot"})

    def score_frames(self, video):
        return video.features("scores")[:, None]


def method(one_per_video=False, **options):
    return Spotter(Params(**options), Task(frozenset({"spot"}), one_per_video=one_per_video))


def video(scores, *truths):
    scores = np.asarray(scores, float)
    timing = Timing(30.0, 3, {"micro": K_PRIME})
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, len(scores), timing, lambda chain: scores, None)
    return LabelledVideo(*common, expressions=truths, labels=(0,) * len(truths))


def bump(height, at=40, n=100, seed=0):
    scores = np.random.default_rng(seed).normal(0, 0.05, n)
    scores[at : at + 2 * K_PRIME] += height
    return scores


def proposed(m, view):
    return [Spotted(p.onset, p.apex, p.offset, p.confidence) for p in m.propose(view, m.score_frames(view))]


@pytest.mark.parametrize(
    "options", [{}, {"p": 0.2, "rule": "released_code"}, {"smoothing": "gaussian_3"}, {"nms": 0.0, "p": 0.1}]
)
def test_Method_propose_follows_spotting_options(options):
    view = video(bump(1.0))
    assert proposed(method(**options), view) == spot(bump(1.0), K_PRIME, options=SpottingParams(**options)) != []


def test_Method_propose_takes_highest_peak_of_short_videos():
    (found,) = proposed(method(one_per_video=True, p=1.0), video(bump(1.0)))
    assert abs(found.apex - 44) <= K_PRIME


def test_Method_learns_absolute_threshold_on_validation_subjects():
    low, high = video(bump(1.0), Expression(40, 47)), video(bump(9.0), Expression(40, 47))
    m = method(threshold="absolute")
    m.fit_closed_form([low], [high])
    on_valid = m.thresholds.item()
    m.fit_closed_form([low], [])

    assert m.thresholds.item() < 1.0 < on_valid < 9.0
    assert m.notes == {"threshold_micro": m.thresholds.item()}
    assert proposed(m, video(bump(0.0, seed=5))) == []
    assert Spotter.holds_out(m.params)
    assert not Spotter.holds_out(Params())


def test_Method_spots_nothing_before_threshold_is_learnt():
    assert proposed(method(threshold="absolute"), video(bump(9.0))) == []


def test_Method_state_gains_thresholds_only_if_absolute():
    assert list(method().state_dict()) == []
    assert list(method(threshold="absolute").state_dict()) == ["thresholds"]


def test_Method_looks_at_test_video_unless_threshold_is_learnt():
    spots = frozenset({"spot"})
    assert Spotter.looks_at_test_video(spots, Params()) == Spotter.looks_at_test_video(spots) == "video"
    assert Spotter.looks_at_test_video(spots, Params(threshold="absolute")) == "none"
    assert Spotter.looks_at_test_video(spots, Params(threshold="absolute", interval="score_curve")) == "video"
    assert Spotter.looks_at_test_video(spots, Params(threshold="absolute", baseline=2.0)) == "video"
    assert Spotter.looks_at_test_video(frozenset({"recognize"}), Params()) == "none"
