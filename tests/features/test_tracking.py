import dlib
import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.features import landmarks

from .conftest import BOX, texture

WIDTH = 24
"""Of the smallest face that a detector finds: `BOX` is twice as wide, so that nothing is reduced for it."""


@given(st.lists(st.floats(-100, 100), max_size=40), st.integers(0, 6).map(lambda n: 2 * n + 1))
def test_smooth_vectors_is_the_mean_of_a_centred_window(values, window):
    pairs = [(n, np.array([value, -value])) for n, value in enumerate(values)]
    found = list(landmarks.smooth_vectors(iter(pairs), window))
    assert [item for item, _ in found] == list(range(len(values)))
    for n, (_, vector) in enumerate(found):
        reach = min(window // 2, n, len(values) - 1 - n)
        mean = sum(values[n - reach : n + reach + 1]) / (2 * reach + 1)
        assert vector == pytest.approx([mean, -mean])


def test_smooth_vectors_keeps_steady_motion():
    line = [(None, np.array([float(n)])) for n in range(20)]
    assert [float(v[0]) for _, v in landmarks.smooth_vectors(line, 9)] == pytest.approx(range(20))


def test_smooth_vectors_holds_few_items_in_memory():
    read = []

    def source():
        for n in range(1000):
            read.append(n)
            yield n, np.zeros(1)

    for n, _ in landmarks.smooth_vectors(source(), 9):
        assert len(read) <= n + 5


def test_hold_still_boxes_follow_only_real_motion():
    boxes = [(0, 0, 100, 100), (2, 1, 101, 99), (-2, 0, 98, 102), (12, 0, 112, 100), (13, 0, 113, 100)]
    found = [box.tolist() for _, box in landmarks.hold_still_boxes((None, np.array(box, float)) for box in boxes)]
    assert found == [list(boxes[0])] * 3 + [list(boxes[3])] * 2


class Nowhere:
    """A tracker that sees its object as sharply as `sharpness` says, always in one place."""

    sharpness = 20.0

    def start_track(self, gray, box):
        self.box = box

    def update(self, gray):
        return Nowhere.sharpness

    def get_position(self):
        return self.box


@pytest.fixture
def nowhere(monkeypatch):
    monkeypatch.setattr(dlib, "correlation_tracker", Nowhere)
    monkeypatch.setattr(Nowhere, "sharpness", 20.0)


def test_FaceTracker_searches_lost_face_at_once_then_rarely(nowhere, monkeypatch):
    found, calls = [[]], []
    tracker = landmarks.FaceTracker(0, BOX, lambda gray: calls.append(1) or found[0], WIDTH)
    assert [tracker.follow(texture()) for _ in range(3)] == [BOX] * 3
    assert not calls
    monkeypatch.setattr(Nowhere, "sharpness", 3.0)
    assert [tracker.follow(texture()) for _ in range(20)] == [BOX] * 20  # where it was last
    assert len(calls) == 2
    found[0] = [(0, 0, 40, 40)]
    assert tracker.follow(texture()) == (0, 0, 40, 40)


@pytest.mark.parametrize(("detected", "expected"), [((10, 6, 58, 54), BOX), ((0, 0, 20, 20), (0, 0, 20, 20))])
def test_FaceTracker_corrects_drift_only(nowhere, detected, expected):
    tracker = landmarks.FaceTracker(0, BOX, lambda gray: [detected], WIDTH)
    boxes = [tracker.follow(texture()) for _ in range(landmarks.CHECK_EVERY + 1)]
    assert boxes[-2] == BOX
    assert boxes[-1] == expected


AWAY = (200, 4, 248, 52)
"""Somebody else, four widths from `BOX`."""


def test_FaceTracker_leaves_far_face_until_three_misses(nowhere):
    tracker = landmarks.FaceTracker(0, BOX, lambda gray: [AWAY], WIDTH)
    often = landmarks.MISSES
    wide = np.zeros((60, 300), np.uint8)
    boxes = [tracker.follow(wide) for _ in range(often * landmarks.CHECK_EVERY + 1)]
    assert boxes == [BOX] * often * landmarks.CHECK_EVERY + [AWAY]


def seen_by_turn(*looks):
    """Finds the faces of the turn that a pixel of the frame names, where they lie in the picture."""
    return lambda gray: [face for face in looks[gray[1, 0]] if face[2] <= gray.shape[1]] if gray.size > 1 else []


def wide_frame(turn, seen=True):
    frame = np.zeros((60, 300), np.uint8)
    frame[0, 0], frame[1, 0] = seen, turn
    return frame


def test_FaceTracker_keeps_a_face_that_was_hidden(nowhere):
    detect = seen_by_turn([BOX], [AWAY], [], [AWAY, (12, 4, 60, 52)], [AWAY], [AWAY])
    tracker = landmarks.FaceTracker(0, BOX, detect, WIDTH)
    turns = (index // landmarks.CHECK_EVERY for index in range(5 * landmarks.CHECK_EVERY + 1))
    assert {tracker.follow(wide_frame(turn)) for turn in turns} == {BOX}


def test_FaceTracker_takes_nearer_not_larger_face(nowhere, monkeypatch):
    tracker = landmarks.FaceTracker(0, BOX, lambda gray: [(20, 0, 90, 60), (10, 6, 54, 50)], WIDTH)
    tracker.follow(texture())
    monkeypatch.setattr(Nowhere, "sharpness", 3.0)
    assert tracker.follow(texture()) == (10, 6, 54, 50)


def test_FaceTracker_begins_where_the_face_was_found(nowhere, monkeypatch):
    monkeypatch.setattr(Nowhere, "sharpness", 3.0)
    calls = []
    tracker = landmarks.FaceTracker(5, BOX, lambda gray: calls.append(1) or [], WIDTH)
    for _ in range(6):
        tracker.follow(texture())
    assert not calls  # five frames before it and the one that begins


class Marked(Nowhere):
    """A tracker that loses its object where the first pixel of a frame is 0."""

    def update(self, gray):
        return 20.0 if gray[0, 0] else 3.0


LENGTH = 4 * landmarks.CHECK_EVERY


@given(
    lost=st.lists(st.tuples(st.integers(1, LENGTH), st.integers(1, 130)), max_size=3),
    seen=st.lists(st.sampled_from([[], [BOX], [(10, 6, 54, 50)], [(0, 0, 20, 20)], [AWAY]]), min_size=1, max_size=7),
    start=st.integers(0, 120),
)
def test_FaceTracker_searching_near_first_changes_no_box(lost, seen, start):
    lost_at = {index for begin, length in lost for index in range(begin, begin + length)}
    grays = [wide_frame(index % len(seen), index not in lost_at) for index in range(LENGTH)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dlib, "correlation_tracker", Marked)
        # One that finds faces of any width is shown the surroundings as one pixel, and then the whole frame.
        near, whole = (landmarks.FaceTracker(start, BOX, seen_by_turn(*seen), width) for width in (WIDTH, 0))
        assert [near.follow(gray) for gray in grays] == [whole.follow(gray) for gray in grays]


def test_FaceTracker_follows_a_texture():
    tracker = landmarks.FaceTracker(0, BOX, lambda gray: [], WIDTH)
    boxes = np.array([tracker.follow(texture(dx=dx, dy=-dx / 2)) for dx in range(0, 12, 2)])
    shift = boxes[-1] - boxes[0]
    assert (shift[0::2].mean(), shift[1::2].mean()) == pytest.approx((10, -5), abs=2)
