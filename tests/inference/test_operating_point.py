"""Levels by false alarms, against counting at every height."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from safetensors.torch import load_file

from mebench.core import Expression, Prediction, Timing, Video
from mebench.core.peaks import ScoreCurve
from mebench.errors import ConfigError, RunError
from mebench.inference.models import included_models, read_model
from mebench.inference.operating_point import (
    QuietFilms,
    choose_level,
    operating_points,
    quiet_films,
    write_with_levels,
)
from mebench.inference.predict import Answer

heights = st.lists(st.integers(0, 8).map(lambda n: n / 8), max_size=12)


def answer(*spotted, n_frames=1500, unseen=()):
    """An answer at 25 frames a second; an interval is its onset, its offset and its height."""
    found = [Prediction("a/b/c", "micro", on, (on + off) // 2, off, height) for on, off, height in spotted]
    return Answer(found, {"micro": ScoreCurve(np.zeros(n_frames))}, Timing(25.0, 3, {"micro": 5}), tuple(unseen))


@given(heights, st.sampled_from([0.5, 1.0, 2.0, 5.0]), st.sampled_from([0.5, 1.0, 2.4]))
def test_level_for_is_the_lowest_that_keeps_the_rate(confidences, rate, minutes):
    films = QuietFilms(np.array(confidences), minutes)
    level = films.level_for(rate)
    assert films.rate(level) <= rate
    lower = [height for height in confidences if height < level]
    assert all(films.rate(height) > rate for height in lower)


def test_choose_level_holds_for_the_worst_kind():
    films = {"still": QuietFilms(np.array([0.1]), 1.0), "speech": QuietFilms(np.array([0.4, 0.6, 0.2]), 1.0)}
    assert choose_level(films, 1.0) == pytest.approx(0.5)
    assert choose_level({"still": QuietFilms(np.array([]), 1.0)}, 1.0) == 0.0


@pytest.mark.parametrize(("films", "most"), [({}, 1.0), ({"still": QuietFilms(np.array([]), 1.0)}, 0.0)])
def test_choose_level_needs_films_and_a_rate(films, most):
    with pytest.raises(ConfigError, match="false alarms a minute above 0"):
        choose_level(films, most)


def test_quiet_films_count_time_with_a_face_only():
    films = quiet_films([answer((10, 20, 0.3), unseen=[(0, 749)]), answer()], "micro")
    assert films.minutes == pytest.approx(1.5)
    assert films.rate(0.2) == pytest.approx(1 / 1.5)
    with pytest.raises(RunError, match="show no face"):
        quiet_films([answer(unseen=[(0, 1499)])], "micro")


def test_operating_points_trade_recall_for_alarms():
    truth = (Expression(100, 109), Expression(400, 409))
    video = Video("a", "b", "c", fps=25.0, n_frames=1500, expressions=truth)
    tested = answer((100, 109, 0.9), (401, 410, 0.3), (700, 709, 0.5), (104, 112, 0.2))
    films = {"still": QuietFilms(np.array([0.1, 0.4]), 1.0)}
    strict, loose = operating_points(films, [(video, tested)], "micro", rates=[], levels=[0.45, 0.15])
    assert (strict.recall, strict.false, strict.quiet) == (0.5, 1.0, 0.0)
    assert (loose.recall, loose.false, loose.quiet) == (1.0, 2.0, 1.0)


def test_write_with_levels_changes_the_level_alone(tmp_path):
    file = next(path for path, header in included_models().items() if header.name == "mean")
    model = read_model(file)
    write_with_levels(tmp_path / "a.safetensors", model, model.header, [0.25])
    before, after = load_file(file), load_file(tmp_path / "a.safetensors")
    assert after.pop("thresholds").tolist() == [0.25]
    assert all((after[name] == before[name]).all() for name in after)
    assert read_model(tmp_path / "a.safetensors").header == model.header
    with pytest.raises(RunError, match="has no level for each of its kinds"):
        write_with_levels(tmp_path / "b.safetensors", model, model.header, [0.1, 0.2])
