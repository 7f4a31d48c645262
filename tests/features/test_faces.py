import numpy as np
import pytest

from mebench.errors import ConfigError, DataError
from mebench.features import FaceCrop, faces

from .conftest import BOX, MemoryFrames, texture


@pytest.fixture
def found(monkeypatch):
    """The boxes that the detector finds, by default one; `calls` collects (height, width, upsample)."""
    calls = []

    def detect(gray, upsample):
        calls.append((*gray.shape, upsample))
        return detect.boxes(gray, upsample)

    detect.boxes = lambda gray, upsample: [BOX]
    detect.calls = calls
    monkeypatch.setattr(faces, "detect_faces", detect)
    return detect


def frames(*images):
    return MemoryFrames(list(images))


def test_all_frames_are_cropped_to_the_box_of_the_first(found):
    crops = FaceCrop(size=48).apply(frames(texture(), texture(dx=3)), None)
    assert crops.box == BOX
    assert crops.landmarks is None
    x0, y0, x1, y1 = BOX  # 48 pixels wide and high: nothing to resize
    np.testing.assert_array_equal(crops.images[1], texture(dx=3)[y0:y1, x0:x1])
    assert found.calls == [(64, 64, 1)]  # one frame is looked at, not all


def test_the_largest_face_wins_and_is_clipped_to_the_frame(found):
    found.boxes = lambda gray, upsample: [(5, 5, 25, 25), (-20, -10, 40, 90), (60, 60, 900, 900)]
    assert FaceCrop().apply(frames(texture()), None).box == (0, 0, 40, 64)


def test_the_frame_is_upsampled_as_often_as_asked(found):
    FaceCrop(upsample=0).apply(frames(texture()), None)
    FaceCrop(upsample=2).apply(frames(texture()), None)
    assert [upsample for *_, upsample in found.calls] == [0, 2]


def test_half_size_looks_at_a_quarter_of_the_pixels_and_gives_a_box_of_the_frame(found):
    found.boxes = lambda gray, upsample: [(4, 5, 20, 25)]
    assert FaceCrop(half_size=True).apply(frames(texture()), None).box == (8, 10, 40, 50)
    assert found.calls == [(32, 32, 1)]


def test_a_face_that_appears_late_is_found(found):
    blank = np.zeros((64, 64), np.uint8)
    found.boxes = lambda gray, upsample: [BOX] if gray.any() else []
    assert FaceCrop().apply(frames(*[blank] * 30, *[texture()] * 30), None).box == BOX


def test_a_faceless_video_fails_soon_and_by_name(found):
    found.boxes = lambda gray, upsample: []
    with pytest.raises(DataError, match=r"no face found in casme2/s1/v1 .* of its 7000 frames"):
        FaceCrop().apply(frames(*[texture()] * 7000), None, "casme2/s1/v1")
    assert len(found.calls) < 100


def test_a_box_beside_the_frame_is_no_face(found):
    found.boxes = lambda gray, upsample: [(70, 0, 90, 20)]
    with pytest.raises(DataError, match="no face"):
        FaceCrop().apply(frames(texture()), None)


def test_an_empty_video_is_refused(found):
    with pytest.raises(DataError, match="v1 has no frames"):
        FaceCrop().apply(frames(), None, "v1")


def test_colour_and_alpha_become_gray(found):
    gray = texture()
    bgr = np.repeat(gray[..., None], 3, axis=2)
    bgra = np.dstack([bgr, np.full_like(gray, 7)])
    crops = FaceCrop().apply(frames(gray, gray[..., None], bgr, bgra), None).images
    assert all(np.array_equal(crop, crops[0]) for crop in crops)


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (texture().astype(np.uint16), "frame 1 of v1 holds uint16 values"),
        (texture() / 255, "frame 1 of v1 holds float64 values"),
        (np.zeros((64, 64, 2), np.uint8), r"frame 1 of v1 has the shape \(64, 64, 2\)"),
        (np.zeros((48, 64), np.uint8), "frame 1 of v1 is 64x48 pixels and frame 0 is 64x64"),
    ],
)
def test_a_frame_that_does_not_fit_is_named(found, odd, message):
    with pytest.raises(DataError, match=message):
        FaceCrop().apply(frames(texture(), odd), None, "v1")


def test_landmarks_follow_the_picture(found):
    """A bright dot in the frame lies, in the crop, where its landmark says."""
    frame = np.zeros((64, 64), np.uint8)
    frame[30, 20] = 255
    crops = FaceCrop(size=144).apply(frames(frame), np.tile([20.0, 30.0], (68, 1)))
    weight = crops.images[0].astype(float)
    y, x = np.mgrid[:144, :144]
    centre = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
    assert crops.landmarks[0] == pytest.approx(centre, abs=0.05)


def test_impossible_parameters_are_refused():
    with pytest.raises(ConfigError, match="size"):
        FaceCrop(size=0)
    with pytest.raises(ConfigError, match="detector"):
        FaceCrop(detector="mtcnn")


def test_dlib_finds_no_face_in_a_texture():
    assert faces.detect_faces(texture(), 0) == []


def test_dlib_finds_the_drawn_face_where_its_landmarks_are():
    synthetic = pytest.importorskip("mebench.datasets.synthetic.dataset", exc_type=ImportError)
    params = pytest.importorskip("mebench.datasets.synthetic.params", exc_type=ImportError)
    dataset = synthetic.Synthetic(params.Params(subjects=1, videos=1, frames=60))
    video = dataset.videos()[0]
    landmarks = dataset.landmarks(video)
    for half_size in (False, True):
        x0, y0, x1, y1 = FaceCrop(half_size=half_size).find(dataset.frames(video), video.key)
        inner = landmarks[27:]  # nose, eyes and mouth
        assert (inner > (x0, y0)).all()
        assert (inner < (x1, y1)).all()
