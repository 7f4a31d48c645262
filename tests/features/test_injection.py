"""Injections: places and pixels, against known displacements."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from mebench.features.faces import HEAD
from mebench.features.injection import (
    EXPRESSIONS,
    STEEPEST,
    STRENGTHS,
    VERSION,
    WIDTH,
    FaceCourse,
    InjectedFrames,
    Injection,
    PersonFields,
    draw_injections,
)

from .conftest import MemoryFrames, texture

FPS = 25.0
SIZE = 256
ALL_USABLE = np.ones(250, np.bool_)


def course_of(n=250, usable=ALL_USABLE, activities=(), drift=0.0):
    """A frontal face 140 pixels wide, which drifts to the right."""
    points = HEAD[:, :2] + (SIZE / 2, SIZE / 2 - 40)
    return FaceCourse(points + np.arange(n)[:, None, None] * np.array([drift, 0.0]), usable[:n], activities)


COURSE = course_of()
FILM = MemoryFrames(np.stack([np.repeat(texture(SIZE, SIZE)[..., None], 3, axis=2)] * 12))


def test_draw_injections_never_changes():
    """Places, strengths and expressions follow from seed, name and version alone."""
    drawn = draw_injections(COURSE, FPS, "film", seed=3, copy=1)
    assert [(one.expression, one.side, one.onset, one.apex, one.offset) for one in drawn] == GOLDEN
    assert drawn == draw_injections(COURSE, FPS, "film", seed=3, copy=1)
    assert drawn != draw_injections(COURSE, FPS, "film", seed=3, copy=2)
    assert drawn != draw_injections(COURSE, FPS, "other", seed=3, copy=1)


def test_draw_injections_keep_their_distance_and_length():
    for copy in range(20):
        drawn = draw_injections(COURSE, FPS, "film", copy=copy)
        assert drawn
        for one in drawn:
            assert one.onset >= 1.1 * FPS
            assert one.offset <= 250 - 1.1 * FPS
            assert 0.2 * FPS <= one.offset - one.onset <= 0.5 * FPS + 1
            assert one.apex - one.onset <= one.offset - one.apex
        assert all(after.onset - before.offset >= 1.05 * FPS for before, after in pairwise(drawn))


def test_draw_injections_leave_out_frames_without_a_face():
    usable = ALL_USABLE.copy()
    usable[:120] = False
    course = course_of(usable=usable, activities=((120, 180, "speech"),))
    drawn = [one for copy in range(10) for one in draw_injections(course, FPS, "film", copy=copy)]
    assert min(one.onset for one in drawn) >= 120
    assert {one.activity for one in drawn} == {"speech", "still"}
    assert all((one.activity == "speech") == (one.apex <= 180) for one in drawn)


def test_draw_injections_take_each_strength_as_often():
    strengths = [one.strength for copy in range(40) for one in draw_injections(COURSE, FPS, "film", copy=copy)]
    weak = [strength for strength in strengths if strength < 8]
    counts = [weak.count(step) for step in STRENGTHS if step < 8]
    assert max(counts) - min(counts) <= 40


def test_draw_injections_of_a_short_film():
    """Three seconds have room for one."""
    assert all(len(draw_injections(course_of(75), FPS, "film", copy=copy)) == 1 for copy in range(5))
    assert draw_injections(course_of(40), FPS, "film") == ()


def test_draw_injections_nearer_to_each_other_fill_a_short_film():
    copies = [draw_injections(course_of(75), FPS, "film", copy=copy, apart=0.4) for copy in range(20)]
    assert sum(map(len, copies)) >= 30
    for drawn in copies:
        assert drawn[0].onset >= 0.4 * FPS
        assert drawn[-1].offset <= 75 - 0.4 * FPS
        assert all(after.onset - before.offset >= 0.35 * FPS for before, after in pairwise(drawn))


def field_of(expression, strength):
    side = 0 if "side" in expression else None
    return PersonFields(COURSE, "film").field(Injection(expression, side, strength, 2, 5, 10))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_PersonFields_hold_a_smooth_movement_of_one(expression):
    """By least squares, whatever its patches do; one that is too strong for patches is the smooth movement alone."""
    smooth, uneven = field_of(expression, 1000.0).push, field_of(expression, 2.0).push
    assert np.linalg.norm(smooth, axis=2).max() == pytest.approx(1, abs=1e-5)
    share, *_ = np.linalg.lstsq(smooth.reshape(-1, 1), uneven.ravel(), rcond=None)
    assert share[0] == pytest.approx(1, abs=1e-4)
    assert np.abs(uneven - smooth).max() > 0.05


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_PersonFields_even_patches_out_before_skin_folds(expression):
    eyes = WIDTH * COURSE.eye_distance
    limits = []
    for strength in (2.0, 8.0, 1000.0):
        field = field_of(expression, strength)
        slopes = np.stack([np.gradient(field.push[..., axis]) for axis in (0, 1)]) * eyes
        limits.append(100 * STEEPEST / np.sqrt((slopes**2).sum((0, 1))).max())
        assert field.most == pytest.approx(limits[-1], rel=1e-3)
    assert limits[0] >= 2.0
    assert limits[1] >= min(8.0, limits[2] - 1e-6)


def test_PersonFields_never_change():
    """Displacements at four places of the canvas; whoever changes them raises `VERSION`."""
    push = field_of("6+12", 8.0).push
    assert VERSION == 2
    np.testing.assert_allclose(push[130:170:13, 90], GOLDEN_PUSH, atol=2e-3)


def injected(strength=8.0, shading=False, sham=False, expression="6+12", side=None):
    one = Injection(expression, side, strength, 2, 5, 10)
    return one, InjectedFrames(FILM, COURSE, [one], "film", shading=shading, sham=sham)


def test_InjectedFrames_touch_only_frames_inside():
    one, frames = injected()
    untouched = [np.array_equal(frames[index], FILM[index]) for index in range(len(FILM))]
    assert untouched == [index <= one.onset or index >= one.offset for index in range(len(FILM))]


@pytest.mark.parametrize(("expression", "side"), [("6+12", None), ("2 one side", 1), ("17", None)])
def test_InjectedFrames_move_the_skin_as_far_as_they_say(expression, side):
    _, frames = injected(6.0, expression=expression, side=side)
    gray = [cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) for picture in (FILM[5], frames[5])]
    # A window of 5 pixels: the fields are narrow, and a wider one averages over their flanks (15 pixels measure half).
    flow = cv2.calcOpticalFlowFarneback(*gray, None, 0.5, 3, 5, 10, 5, 1.1, 0)
    assert 100 * np.linalg.norm(flow, axis=2).max() / COURSE.eye_pixels == pytest.approx(6.0, rel=0.25)


def test_InjectedFrames_of_a_sham_are_resampled_and_unmoved():
    _, moved = injected()
    _, sham = injected(sham=True)
    away = np.abs(moved[5].astype(int) - FILM[5]).mean()
    back = np.abs(sham[5].astype(int) - FILM[5]).mean()
    assert 0 < back < 0.1 * away


def test_InjectedFrames_darken_furrows_on_demand():
    _, plain = injected(shading=False, expression="4")
    _, shaded = injected(shading=True, expression="4")
    assert not np.array_equal(plain[5], shaded[5])
    assert shaded[5].mean() < plain[5].mean()


def test_InjectedFrames_have_a_fingerprint_of_all_that_is_put_in():
    prints = {
        injected(strength, shading, sham)[1].fingerprint()
        for strength in (4.0, 8.0)
        for shading in (False, True)
        for sham in (False, True)
    }
    assert len(prints) == 8
    assert injected()[1].fingerprint() == injected()[1].fingerprint()


def test_InjectedFrames_of_gray_films():
    gray = MemoryFrames(FILM.images[..., 0])
    frames = InjectedFrames(gray, COURSE, [Injection("4", None, 8.0, 2, 5, 10)], "film", shading=True)
    assert frames[5].shape == (SIZE, SIZE)
    assert not np.array_equal(frames[5], gray[5])


def test_Injection_rises_and_falls_once():
    one = Injection("12 one side", 0, 8.0, 10, 14, 20)
    course = [one.strength_at(frame) for frame in range(8, 23)]
    assert course[:3] == [0, 0, 0]
    assert course[-3:] == [0, 0, 0]
    assert one.strength_at(14) == 8.0
    assert np.all(np.diff(course[2:7]) > 0)
    assert np.all(np.diff(course[6:13]) < 0)
    assert one.units == ("R12",)


def test_FaceCourse_follows_a_face_and_keeps_its_shape():
    moving = course_of(30, drift=1.5)
    np.testing.assert_allclose(moving.own_points, HEAD[:, :2] / 140, atol=1e-6)
    assert np.allclose(moving.maps[10, :, 2] - moving.maps[0, :, 2], (15.0, 0.0))
    assert moving.eye_pixels == pytest.approx(140 * moving.eye_distance)


def test_FaceCourse_is_read_as_it_was_written(tmp_path):
    course = course_of(40, activities=((3, 20, "turning"),))
    course.write(tmp_path / "course.npz")
    again = FaceCourse.read(tmp_path / "course.npz")
    assert again.activities == course.activities
    np.testing.assert_array_equal(again.landmarks, course.landmarks)
    np.testing.assert_array_equal(again.usable, course.usable)
    assert course_of(40, activities=((3, 30, "turning"),)).main_activity == "turning"


GOLDEN = [("14 one side", 1, 46, 49, 54), ("12 one side", 1, 112, 116, 122), ("9", None, 193, 197, 203)]
GOLDEN_PUSH = [(0.0258, -0.1476), (-0.0177, 0.0299), (-0.2059, -0.4266), (-0.6199, -0.9097)]
