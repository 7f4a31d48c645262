import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

from mebench.errors import DataError
from mebench.features import BlockMeans, EyesAndMouth, Resize
from mebench.features.regions import clamp_region


def ramp(size=128):
    """A map whose channels are the x and the y of each pixel: what is in a region tells where it came from."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    return np.stack([x, y], axis=-1)


def test_EyesAndMouth_paper_puts_two_eyes_above_mouth(face_points):
    regions = EyesAndMouth("paper").apply(ramp(), face_points)
    assert regions.shape == (42, 42, 2)
    left, right, mouth = regions[:21, :21], regions[:21, 21:], regions[21:]
    p = face_points
    m = 12
    for region, (x0, y0, x1, y1) in [
        (left, (p[17, 0] - m, p[19, 1] - m, p[21, 0] + m, p[41, 1] + m)),
        (right, (p[22, 0] - m, p[24, 1] - m, p[26, 0] + m, p[46, 1] + m)),
        (mouth, (p[60, 0] - m, p[50, 1] - m, p[64, 0] + m, p[57, 1] + m)),
    ]:
        # The middle of a resized region is the middle of the region; its ends are within a source pixel or two.
        assert region.mean(axis=(0, 1)) == pytest.approx([(x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2], abs=0.5)
        assert region[..., 0].min() == pytest.approx(max(x0, 0), abs=2)
        assert region[..., 1].max() == pytest.approx(y1 - 1, abs=2)


def test_EyesAndMouth_released_code_has_one_box_across_eyes(face_points):
    x = ramp()
    regions = EyesAndMouth("released_code").apply(x, face_points)
    p = face_points.astype(int)
    m = 12
    top = x[
        max(min(p[19, 1], p[24, 1]) - m, 0) : max(p[41, 1], p[46, 1]) + m,
        max(p[17, 0] - m, 0) : min(p[26, 0] + m, 128),
    ]
    np.testing.assert_allclose(regions[:21], cv2.resize(top, (42, 21)), rtol=1e-5, atol=1e-5)


def test_EyesAndMouth_layouts_share_mouth_and_differ_over_nose(face_points):
    x = ramp()
    paper, released = (EyesAndMouth(layout, margin=0).apply(x, face_points) for layout in ("paper", "released_code"))
    np.testing.assert_array_equal(paper[21:], released[21:])
    # Along the eyes x leaps from the end of one brow (52) to the start of the other (76), or runs on evenly.
    leaps = np.diff(paper[10, :, 0])
    assert leaps.argmax() == 20
    assert leaps.max() == pytest.approx(76 - 52 + 40 / 21)  # 40 pixels in 21
    assert np.ptp(np.diff(released[10, 1:-1, 0])) < 1e-3


def test_EyesAndMouth_box_is_near_a_usual_face(face_points):
    step = EyesAndMouth("box")
    assert not step.needs_landmarks
    boxed, paper = step.apply(ramp(), None), EyesAndMouth("paper").apply(ramp(), face_points)
    assert np.abs(boxed - paper).max() < 15


@pytest.mark.parametrize("layout", ["paper", "released_code"])
def test_EyesAndMouth_without_landmarks_names_the_remedy(layout):
    with pytest.raises(DataError, match=r"method\.regions=box"):
        EyesAndMouth(layout).apply(ramp(), None)


coordinates = st.floats(-400, 400)


@given(
    points=hnp.arrays(np.float64, (68, 2), elements=coordinates),
    layout=st.sampled_from(["paper", "released_code", "box"]),
    margin=st.integers(0, 200),
    size=st.integers(2, 64),
)
def test_EyesAndMouth_regions_lie_inside_the_crop(points, layout, margin, size):
    regions = EyesAndMouth(layout, margin).apply(ramp(size), points)
    assert regions.shape == (42, 42, 2)
    assert regions.min() >= -1e-3
    assert regions.max() <= size - 1 + 1e-3


@given(st.tuples(*[coordinates] * 4), st.integers(1, 50), st.integers(1, 50))
def test_clamp_region_is_inside_and_never_empty(region, width, height):
    x0, y0, x1, y1 = clamp_region(region, width, height)
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_EyesAndMouth_takes_any_number_of_channels(channels, face_points):
    x = np.random.default_rng(0).random((128, 128, channels), np.float32)
    whole = EyesAndMouth().apply(x, face_points)
    assert whole.shape == (42, 42, channels)
    one_by_one = [EyesAndMouth().apply(x[..., c : c + 1], face_points) for c in range(channels)]
    np.testing.assert_allclose(whole, np.concatenate(one_by_one, axis=-1), atol=1e-5)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20), st.integers(1, 20))
def test_BlockMeans_equal_means_of_blocks(height, width, rows, cols):
    x = np.random.default_rng(0).random((height, width, 2), np.float32)
    if rows > height or cols > width:
        with pytest.raises(DataError, match="fewer blocks"):
            BlockMeans(rows, cols).apply(x, None)
        return
    means = BlockMeans(rows, cols).apply(x, None)
    assert means.shape == (rows, cols, 2)
    for r in range(rows):
        for c in range(cols):
            block = x[r * height // rows : (r + 1) * height // rows, c * width // cols : (c + 1) * width // cols]
            assert means[r, c] == pytest.approx(block.mean(axis=(0, 1)), rel=1e-5)


def test_Resize_by_a_whole_number_averages():
    x = np.random.default_rng(0).random((12, 12, 3), np.float32)
    np.testing.assert_allclose(Resize(4).apply(x, None), BlockMeans(4, 4).apply(x, None), rtol=1e-5)


@pytest.mark.parametrize("layout", ["paper", "released_code"])
def test_EyesAndMouth_refuses_nan_landmarks(layout, face_points):
    face_points[[3, 60]] = np.nan
    with pytest.raises(
        DataError, match=r"^EyesAndMouth needs 68 facial landmarks \(x, y\) and 2 of them are not numbers"
    ):
        EyesAndMouth(layout).apply(ramp(), face_points)
    with pytest.raises(DataError, match=r"their shape is \(5, 2\)"):
        EyesAndMouth(layout).apply(ramp(), face_points[:5])
    EyesAndMouth("box").apply(ramp(), face_points)
