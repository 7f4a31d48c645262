"""Running speech: how much of it, how irregular, and that expressions happen meanwhile."""

from dataclasses import replace

import numpy as np
import pytest
from mebench.datasets.synthetic import dataset, events, nuisance
from mebench.datasets.synthetic.speech import talk

from mebench.features.action_units import UNITS

PARAMS = dataset.Synthetic.Params(seed=3, frames=3000, talking=0.7, speech=0.0, micros=10.0, macros=0.0, twitches=0.0)


def test_talk_fills_its_share_of_the_time():
    spoken = [talk(PARAMS, subject, 0) for subject in range(8)]
    frames = sum(last - first + 1 for one in spoken for first, last in one.phrases)
    assert frames / (8 * PARAMS.frames) == pytest.approx(0.7, abs=0.08)


def test_talk_is_nothing_by_default():
    silent = talk(replace(PARAMS, talking=0.0), 0, 0)
    assert not silent.strengths.any()
    assert not silent.nods.any()
    assert silent.phrases == ()


def test_talk_is_irregular():
    """The drawn brief speech has one rate a video; here the openings of the jaw come at varying intervals."""
    jaw = talk(PARAMS, 1, 0).strengths[:, UNITS.index(26), 0]
    peaks = np.flatnonzero((jaw[1:-1] > jaw[:-2]) & (jaw[1:-1] >= jaw[2:]) & (jaw[1:-1] > 0.05))
    between = np.diff(peaks) / PARAMS.fps
    within_phrases = between[between < 1]
    assert 0.1 < np.median(within_phrases) < 0.6
    assert within_phrases.std() > 0.3 * within_phrases.mean()


def test_write_script_has_expressions_during_speech():
    script = events.write_script(PARAMS, 0, 0)
    speaks = np.zeros(PARAMS.frames, bool)
    for movement in script.unlabelled:
        if movement.kind == "speech":
            speaks[movement.onset : movement.offset + 1] = True
    during = [speaks[event.apex] for event in script.events]
    assert 0.4 < np.mean(during) < 1.0
    silent = events.write_script(replace(PARAMS, talking=0.0), 0, 0)
    assert silent.events == script.events
    np.testing.assert_array_equal(silent.micro, script.micro)


def test_move_head_nods_while_the_person_speaks():
    speaking, silent = (nuisance.move_head(replace(PARAMS, talking=share), 0, 0) for share in (0.7, 0.0))
    np.testing.assert_array_equal(speaking.x, silent.x)
    assert np.abs(speaking.pitch - silent.pitch).max() > np.deg2rad(PARAMS.yaw)
    assert not np.array_equal(speaking.yaw, silent.yaw)
