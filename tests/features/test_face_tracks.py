"""Where the faces of a video stay, by what a detector sees in each search."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.features.face_tracks import find_face_tracks

from .conftest import MemoryFrames


def tracks(*looks):
    """Of pictures of 1000x400 pixels, two a second, in which the faces of each look are seen."""
    detections = iter(looks)
    return find_face_tracks(
        MemoryFrames(np.zeros((len(looks), 400, 1000), np.uint8)), lambda gray: next(detections), 2.0, "v"
    )


def face(x, wide=100):
    return (x, 100, x + wide, 100 + wide)


def test_find_face_tracks_gives_each_face_its_part():
    assert tracks(*[[face(600), face(100)]] * 3) == ([(50, 50, 250, 250), (550, 50, 750, 250)], 0)


@pytest.mark.parametrize("order", [1, -1])
def test_find_face_tracks_follows_nearest_face_in_any_order(order):
    found = tracks([face(400)], [face(320), face(470)][::order], [face(320), face(500)][::order])
    assert found.mixed == 0
    assert len(found.parts) == 2
    assert found.parts[1] == (400, 100, 600, 200)  # the one who stood at 400, with no room where the other one came


def test_find_face_tracks_drops_faces_in_under_a_tenth():
    assert tracks([face(100), face(700)], *[[face(100)]] * 10) == ([(50, 50, 250, 250)], 0)


@pytest.mark.parametrize("sign", [1, -1])
def test_find_face_tracks_mixes_smaller_of_two_in_camera_motion(sign):
    """Its part holds the larger one too, which would be taken for it."""
    looks = [[face(400 + sign * 20 * n, 100), face(520 + sign * 20 * n, 140)] for n in range(10)]
    found = tracks(*looks)
    left = min(x for _, (x, *_) in looks)
    right = max(x for _, (_, _, x, _) in looks)
    assert found == ([(left, 100, right, 240)], 1)


def test_find_face_tracks_mixes_two_of_a_size_in_camera_motion():
    assert tracks(*[[face(400 + 20 * n, 100), face(520 + 20 * n, 110)] for n in range(10)]) == ([], 2)


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), min_size=1, max_size=8), st.randoms())
def test_find_face_tracks_parts_hold_one_largest_face(looks, random):
    """So whoever takes the largest there follows one face; in which order the detector tells them changes nothing."""
    seen = [[face(100 * place, 60 + 8 * place) for place in look] for look in looks]
    found = tracks(*seen)
    assert tracks(*[random.sample(look, len(look)) for look in seen]) == found
    for part in found.parts:
        shown = [[box for box in look if 2 * common(box, part) >= common(box, box)] for look in seen]
        followed = [max(boxes, key=lambda box: common(box, part)) for boxes in shown if boxes]
        for (x0, y0, x1, y1), (u0, v0, u1, v1) in itertools.pairwise(followed):
            assert np.hypot(x0 + x1 - u0 - u1, y0 + y1 - v0 - v1) / 2 <= x1 - x0


def common(a, b):
    """Pixels that two boxes share, one by one."""
    return sum(b[0] <= x < b[2] for x in range(a[0], a[2])) * sum(b[1] <= y < b[3] for y in range(a[1], a[3]))
