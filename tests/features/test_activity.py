"""What a person does, on moving textures."""

import numpy as np
import pytest

from mebench.features.activity import FaceMotion, activity_at, find_activities, measure_face_motion

from .conftest import texture

FPS = 25.0
FACE = texture(height=128, width=128)


def crops_of(head_px=0.0, mouth_px=0.0, n=50):
    """Crops whose picture swings as a whole, and whose mouth swings against it, by so many pixels at 3 Hz."""
    swings = np.sin(2 * np.pi * 3 * np.arange(n) / FPS)
    crops = [texture(height=128, width=128, dx=head_px * swing) for swing in swings]
    for crop, swing in zip(crops, swings):
        crop[80:, 32:96] = texture(height=128, width=128, dx=head_px * swing, dy=mouth_px * swing)[80:, 32:96]
    return np.stack(crops)


@pytest.mark.parametrize(
    ("head_px", "mouth_px", "expected"), [(0.0, 0.0, "still"), (0.0, 4.0, "speech"), (3.0, 0.0, "turning")]
)
def test_measure_face_motion_tells_what_a_person_does(head_px, mouth_px, expected):
    motion = measure_face_motion(crops_of(head_px, mouth_px), FPS)
    assert set(motion.activities()) == {expected}


def test_measure_face_motion_of_a_known_shift():
    """A mean way of half the face's width a second, from a picture that slides by 2.56 of 128 pixels a frame."""
    crops = np.stack([texture(height=128, width=128, dx=0.64 * n) for n in range(30)])
    motion = measure_face_motion(crops, FPS)
    assert motion.head[15] == pytest.approx(0.64 * FPS / 128, rel=0.15)


def test_find_activities_leaves_out_short_and_joins_near_ones():
    mouth = np.zeros(100)
    mouth[10:40] = mouth[44:60] = mouth[90:93] = 0.5
    found = find_activities(FaceMotion(mouth, np.zeros(100)), FPS)
    assert found == ((10, 59, "speech"),)
    assert [activity_at(found, frame) for frame in (9, 10, 42, 60)] == ["still", "speech", "speech", "still"]


def test_measure_face_motion_of_one_frame_is_none():
    motion = measure_face_motion(FACE[None], FPS)
    assert motion.mouth.tolist() == motion.head.tolist() == [0.0]
