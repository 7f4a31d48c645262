"""Cuts between crops, against NumPy's correlation."""

import cv2
import numpy as np
import pytest

from mebench.features import FaceCrop, Flow
from mebench.features.cuts import (
    correlate_crops,
    correlate_pictures,
    find_cuts,
    find_other_pictures,
    frames_across_cuts,
)
from mebench.features.faces import box_to_crop, warp_to_crop

from .conftest import texture


def test_correlate_crops_equals_numpy_on_every_second_pixel():
    a, b = texture(), texture(dx=2.0, dy=1.0)
    expected = np.corrcoef(a[::2, ::2].ravel(), b[::2, ::2].ravel())[0, 1]
    assert correlate_crops(a, b) == pytest.approx(expected)


def test_correlate_crops_of_flat_pictures():
    flat, other = np.full((64, 64), 7, np.uint8), np.full((64, 64), 200, np.uint8)
    assert correlate_crops(flat, other) == 1
    assert correlate_crops(flat, texture()) == 0


def test_find_cuts_between_pictures_and_not_in_other_light():
    face = texture()
    other = 255 - texture()
    dimmed = (0.8 * face).astype(np.uint8)
    assert find_cuts(np.stack([face, dimmed, texture(dx=0.5), other, other, face]), fps=2.0) == [(3, 3), (5, 5)]
    assert find_cuts(np.stack([face]), fps=25.0) == []


def test_find_cuts_takes_known_places_of_like_pictures():
    face = texture()
    assert find_cuts(np.stack([face] * 5), fps=2.0, known={3}) == [(3, 3)]


def test_find_cuts_takes_a_gliding_box_as_one_cut():
    face = texture()
    other = 255 - texture()
    third = texture(dx=30.0, dy=20.0)
    assert find_cuts(np.stack([face, face, other, third, face, face]), fps=25.0) == [(2, 4)]


@pytest.mark.parametrize(("stride", "expected"), [(1, {4, 5}), (3, {2, 3, 4, 5, 6, 7})])
def test_frames_across_cuts_are_those_whose_flow_sees_the_cut(stride, expected):
    """Frame 6 follows the cut; flow over 2 frames, interpolated between every third one."""
    across = frames_across_cuts([(6, 6)], 12, Flow("tvl1", k=2, stride=stride))
    assert set(np.flatnonzero(across)) == expected


def test_frames_across_cuts_without_flow_are_none():
    assert not frames_across_cuts([(6, 6)], 12, None).any()
    assert set(np.flatnonzero(frames_across_cuts([(6, 8)], 12, None))) == {6, 7}


class JumpingBox(FaceCrop):
    """A box that jumps at one frame, and a film that need not."""

    def map_to_crops(self, pictures, reference, label):
        for index, picture in enumerate(pictures):
            left = 0 if index < 5 else 90
            yield picture, box_to_crop((left, 20, left + 64, 84), self.size)


def crops_of(film, crop):
    grays = iter(film)
    return np.stack(
        [warp_to_crop(picture, matrix, crop.size) for picture, matrix in crop.map_to_crops(grays, None, "")]
    )


def test_find_other_pictures_tells_cuts_from_jumps_of_the_box():
    """In both the neighbouring crops differ."""
    picture = np.hstack([texture(), 255 - texture(dx=9.0)]).astype(np.uint8)
    crop = JumpingBox(size=64, track="frame")
    goes_on = [picture] * 10
    cut = [picture] * 5 + [np.ascontiguousarray(picture[::-1])] * 5
    for film in (goes_on, cut):
        assert find_cuts(crops_of(film, crop), fps=25.0) == [(5, 5)]
    assert find_other_pictures(goes_on, "film", {5}) == set()
    assert find_other_pictures(cut, "film", {5}) == {5}
    assert find_other_pictures(cut, "film", set()) == set()


def test_find_other_pictures_takes_no_shaking_for_cuts():
    """The whole picture moves by a tenth of its side to and fro, so that crops at one place differ at each frame."""
    wide = cv2.resize(texture(), (200, 200), interpolation=cv2.INTER_CUBIC)
    shaken = [np.ascontiguousarray(np.roll(wide, 20 * (frame % 2), axis=1)) for frame in range(6)]
    crops = np.stack([picture[68:132, 68:132] for picture in shaken])
    assert find_cuts(crops, fps=25.0) == [(1, 5)]
    assert find_other_pictures(shaken, "film", {1, 2, 3, 4, 5}) == set()
    assert find_other_pictures([*shaken, 255 - wide], "film", {5, 6}) == {6}


def test_correlate_pictures_equals_numpy_at_the_best_place():
    before, after = texture(), texture(dx=3.0, dy=-2.0)
    middle = before[8:-8, 8:-8]
    places = [after[row : row + 48, column : column + 48] for row in range(17) for column in range(17)]
    expected = max(np.corrcoef(middle.ravel(), place.ravel())[0, 1] for place in places)
    assert correlate_pictures(before, after) == pytest.approx(expected, abs=1e-4)


def test_correlate_pictures_of_flat_ones():
    black, gray = np.zeros((64, 64), np.uint8), np.full((64, 64), 99, np.uint8)
    assert correlate_pictures(black, gray) == 1
    assert correlate_pictures(black, texture()) == correlate_pictures(texture(), black) == 0
