"""How action units move a face."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from mebench.datasets.synthetic import anatomy, lids, nuisance, render

from mebench.features import action_units

SUBJECT = render.make_subject(0, 0, 192, 0.6, 1.0)
IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@pytest.fixture(scope="module", autouse=True)
def _forgotten():
    """What a subject's action units do takes 14 MB for each."""
    yield
    render.make_subject.cache_clear()
    vars(SUBJECT).pop("fields", None)


def _state(strengths=None, blink=0.0, pose=IDENTITY, **light):
    strengths = strengths or {}
    curves = np.zeros((len(action_units.UNITS), 2))
    for unit, strength in strengths.items():
        curves[action_units.UNITS.index(unit)] = strength
    return render.State(curves, blink, pose, 0.0, 0.0, light.get("gain", 1.0), light.get("tilt", 0.0))


def _grey(state, subject=SUBJECT):
    return cv2.cvtColor(np.clip(render.draw(subject, state), 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY)


def _steepest(subject, strengths):
    """Largest gradient of the summed field on every pixel, of either lip's layer where it is seen."""
    fields = subject.fields
    seam = subject.seam[40, 1]
    push = np.einsum("us,ushwc->hwc", strengths, fields.push)
    part = np.einsum("us,ushw->hw", strengths, fields.part)
    lower = push + np.stack([np.zeros_like(part), part], axis=-1)
    below = np.arange(subject.size) > seam
    steepness = 0.0
    for layer, seen in ((push, ~below), (lower, below)):
        gradients = [g for axis in (0, 1) for g in np.gradient(layer[..., axis])]
        steepness = max(steepness, float(np.sqrt(sum(g**2 for g in gradients))[seen].max()))
    return steepness


LIPS_OF_ONE_SIDE = np.zeros((len(action_units.UNITS), 2))
LIPS_OF_ONE_SIDE[[action_units.UNITS.index(24), action_units.UNITS.index(25)], 0] = 1.5


@settings(max_examples=12)
@example(curves=LIPS_OF_ONE_SIDE)
@given(
    curves=arrays(np.float64, (len(action_units.UNITS), 2), elements=st.sampled_from([0.0, 0.0, 0.1, 0.5, 1.0, 1.5]))
)
def test_skin_never_folds(curves):
    """A gradient below 1 keeps the map invertible; some room is left."""
    strengths = SUBJECT.fields.strengths(curves)
    assert _steepest(SUBJECT, strengths) <= action_units.STEEPEST + 1e-6
    assert (strengths <= curves * SUBJECT.fields.gain + 1e-12).all()


@pytest.mark.parametrize("subject", range(4))
def test_state_caps_strong_surprise(subject):
    """Units 1, 2 and 5 together would fold the eyes."""
    face = render.make_subject(0, subject, 192, 0.6, 1.0)
    curves = _state({1: 1.0, 2: 1.0, 5: 1.0, 26: 1.0}).strengths
    assert _steepest(face, curves * face.fields.gain) > 0.8
    capped = face.fields.strengths(curves)
    assert _steepest(face, capped) == pytest.approx(action_units.STEEPEST, abs=0.01)


def test_state_never_caps_micro_expressions():
    fields = SUBJECT.fields
    for units in ((1, 2, 5, 25, 26), (4, 7, 9, 10, 17), (6, 12)):
        curves = _state(dict.fromkeys(units, 0.18)).strengths
        np.testing.assert_array_equal(fields.strengths(curves), curves * fields.gain)


@pytest.mark.parametrize("unit", [u for u in action_units.UNITS if u not in (5, 7)])
def test_units_move_skin_by_4_to_15_percent(unit):
    index = action_units.UNITS.index(unit)
    moved = []
    for subject in range(3):
        fields = render.make_subject(0, subject, 192, 0.6, 1.0).fields
        field = fields.push[index].copy()
        field[..., 1] += fields.part[index]
        moved.append(np.linalg.norm(field, axis=-1).max() / SUBJECT.width)
    assert 0.02 < np.mean(moved) < 0.15


def test_lids_move_no_skin():
    for unit in (5, 7):
        assert not SUBJECT.fields.push[action_units.UNITS.index(unit)].any()
    np.testing.assert_array_equal(lids.lids(np.zeros((17, 2)), 0.0), [[0, 1], [0, 1]])
    wide, narrow = (lids.lids(_state({unit: 1.0}).strengths, 0.0) for unit in (5, 7))
    assert (wide[:, 0] < 0).all()
    assert (narrow[:, 0] > 0).all()
    assert (narrow[:, 1] < 1).all()
    for unit in (5, 7):
        closed = lids.lids(_state({unit: 1.0}).strengths, 1.0)
        assert (closed[:, 0] >= closed[:, 1]).all()


def test_draw_blink_hides_eye_alone():
    open_, closed = render.draw(SUBJECT, _state()), render.draw(SUBJECT, _state(blink=1.0))
    changed = np.abs(open_ - closed).max(axis=2) > 1e-3
    eyes = SUBJECT.landmarks[36:48]
    x, y = np.round(eyes[:6].mean(0)).astype(int)
    assert changed[y, x]
    assert not changed[int(eyes[:, 1].max()) + 15 :].any()


def test_draw_jaw_parts_lips():
    """Between the lips it is darker than skin, and the upper lip stays."""
    closed, open_ = _grey(_state()).astype(float), _grey(_state({26: 0.8, 25: 0.8})).astype(float)
    moved = render.landmarks(SUBJECT, _state({26: 0.8, 25: 0.8})) - SUBJECT.landmarks
    assert moved[57, 1] > 5
    assert abs(moved[51, 1]) < 0.5
    x, y = np.round(SUBJECT.landmarks[66]).astype(int)
    gap = slice(y + 3, y + int(moved[57, 1]) - 1)
    assert open_[gap, x].min() < closed[gap, x].min()


@pytest.mark.parametrize(("unit", "point"), [(12, 48), (15, 48), (4, 21), (1, 20), (2, 18), (17, 57)])
def test_landmarks_equal_optical_flow(unit, point):
    """Farneback's flow knows nothing of the fields. Down only: along a brow, flow sees little."""
    rest, moved = _state(), _state({unit: 0.15})
    flow = cv2.calcOpticalFlowFarneback(_grey(rest), _grey(moved), None, 0.5, 3, 13, 5, 5, 1.1, 0)
    expected = (render.landmarks(SUBJECT, moved) - render.landmarks(SUBJECT, rest))[point]
    x, y = np.round(SUBJECT.landmarks[point]).astype(int)
    found = np.median(flow[y - 2 : y + 3, x - 2 : x + 3, 1])
    assert abs(expected[1]) > 0.5
    assert found == pytest.approx(expected[1], rel=0.35)


def test_landmarks_follow_pose():
    pose = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]])
    np.testing.assert_allclose(render.landmarks(SUBJECT, _state(pose=pose)) - SUBJECT.landmarks, [[3.0, -2.0]] * 68)
    shifted, still = render.draw(SUBJECT, _state(pose=pose)), render.draw(SUBJECT, _state())
    np.testing.assert_allclose(shifted[10:-10, 10:-10], still[12:-8, 7:-13], atol=1.5)


@pytest.mark.parametrize(("yaw", "pitch"), [(0.02, 0.0), (0.0, 0.02), (0.01, -0.015)])
def test_draw_turned_head_equals_pinhole(yaw, pitch):
    """Points in space, turned about the middle of the head and projected, near less far: the drawing has it to first order."""
    middle = (SUBJECT.size - 1) / 2
    points = SUBJECT.landmarks
    depth = cv2.remap(SUBJECT.depth, *points.astype(np.float32).T.copy(), cv2.INTER_LINEAR).ravel()

    def pinhole(camera):
        x, y = ((points - middle) * (1 - depth / camera)[:, None]).T
        turned = np.stack([x + depth * yaw, y + depth * pitch], axis=1)
        return turned / (1 - (depth - x * yaw - y * pitch) / camera)[:, None] + middle

    def drawn(camera):
        return dataclasses.replace(_state(), yaw=yaw, pitch=pitch, camera=camera)

    near = 6 * SUBJECT.width
    far = 1e9
    change = render.landmarks(SUBJECT, drawn(near)) - render.landmarks(SUBJECT, drawn(far))
    expected = pinhole(near) - pinhole(far)
    assert 0.04 < np.abs(expected).max() < 0.5
    np.testing.assert_allclose(change, expected, atol=0.025)
    np.testing.assert_allclose(render.landmarks(SUBJECT, drawn(0.0)), render.landmarks(SUBJECT, drawn(far)), atol=1e-5)
    pictures = [render.draw(SUBJECT, drawn(camera)) for camera in (0.0, far, near)]
    np.testing.assert_allclose(pictures[0], pictures[1], atol=0.05)
    assert np.abs(pictures[0] - pictures[2]).max() > 1


def test_draw_scales_with_light():
    np.testing.assert_allclose(render.draw(SUBJECT, _state(gain=1.1)), 1.1 * render.draw(SUBJECT, _state()), rtol=1e-4)


def test_mean_points_are_symmetric():
    points = anatomy.mean_points()
    mirrored = points[list(action_units.MIRROR)] * (-1, 1)
    np.testing.assert_allclose(points, mirrored, atol=1e-12)
    assert [action_units.MIRROR[i] for i in action_units.MIRROR] == list(range(68))


@given(seed=st.integers(0, 1000), rms=st.sampled_from([0.0, 0.3, 2.0]))
def test_wander_is_as_far_as_asked(seed, rms):
    course = nuisance.wander(np.random.RandomState(seed), 300, 30.0, 1.2, rms)
    assert course.shape == (300,)
    assert course.std() == pytest.approx(rms, abs=1e-6)
    assert np.abs(np.diff(course)).max() <= rms
