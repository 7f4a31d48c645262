import json
from dataclasses import replace

import cv2
import dlib
import numpy as np
import pytest
from mebench.datasets.synthetic import dataset as synthetic

from mebench.core import Chain
from mebench.errors import ConfigError, DataError
from mebench.features import FaceCrop, faces, landmarks
from mebench.features.base import dlib_version
from mebench.features.face_detection import NoFaceError
from mebench.features.faces import map_points
from mebench.features.gray_frames import has_color, to_gray
from mebench.features.landmarks import find_predictor

from .conftest import BOX, MemoryFrames, cropped, texture

FINGERPRINT_OF_GRAY = "7fa48be5d6d5573f"
"""Of crops before there were any in colour: stored ones and their chains stay what they are."""


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


def test_FaceCrop_crops_all_frames_to_box_of_the_first(found):
    crops = cropped(FaceCrop(size=48), frames(texture(), texture(dx=3)), None)
    assert crops.box == BOX
    assert crops.landmarks is None
    x0, y0, x1, y1 = BOX  # 48 pixels wide and high: nothing to resize
    np.testing.assert_array_equal(crops.images[1], texture(dx=3)[y0:y1, x0:x1])
    assert found.calls == [(64, 64, 1)]  # one frame is looked at, not all


def test_FaceCrop_takes_largest_face_clipped_to_frame(found):
    found.boxes = lambda gray, upsample: [(5, 5, 25, 25), (-20, -10, 40, 90), (60, 60, 900, 900)]
    assert cropped(FaceCrop(), frames(texture()), None).box == (0, 0, 40, 64)


def test_FaceCrop_upsamples_as_often_as_asked(found):
    cropped(FaceCrop(upsample=0), frames(texture()), None)
    cropped(FaceCrop(upsample=2), frames(texture()), None)
    assert [upsample for *_, upsample in found.calls] == [0, 2]


def test_FaceCrop_half_size_searches_a_quarter_of_pixels(found):
    found.boxes = lambda gray, upsample: [(4, 5, 20, 25)]
    assert cropped(FaceCrop(half_size=True), frames(texture()), None).box == (8, 10, 40, 50)
    assert found.calls == [(32, 32, 1)]


def test_FaceCrop_finds_a_face_that_appears_late(found):
    blank = np.zeros((64, 64), np.uint8)
    found.boxes = lambda gray, upsample: [BOX] if gray.any() else []
    assert cropped(FaceCrop(), frames(*[blank] * 30, *[texture()] * 30), None).box == BOX


def test_FaceCrop_fails_soon_on_videos_without_face(found):
    found.boxes = lambda gray, upsample: []
    with pytest.raises(
        NoFaceError, match=r"no face found in casme2/s1/v1 \(\d+ of its 7000 frames tried.*no_face=skip"
    ):
        cropped(FaceCrop(), frames(*[texture()] * 7000), None, "casme2/s1/v1")
    assert len(found.calls) < 100


def test_FaceCrop_takes_no_box_beside_the_frame(found):
    found.boxes = lambda gray, upsample: [(70, 0, 90, 20)]
    with pytest.raises(DataError, match="no face"):
        cropped(FaceCrop(), frames(texture()), None)


def test_FaceCrop_refuses_an_empty_video(found):
    with pytest.raises(DataError, match="v1 has no frames"):
        cropped(FaceCrop(), frames(), None, "v1")


def test_FaceCrop_makes_colour_and_alpha_gray(found):
    gray = texture()
    bgr = np.repeat(gray[..., None], 3, axis=2)
    bgra = np.dstack([bgr, np.full_like(gray, 7)])
    crops = cropped(FaceCrop(), frames(gray, gray[..., None], bgr, bgra), None).images
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
def test_FaceCrop_names_frames_that_do_not_fit(found, odd, message):
    with pytest.raises(DataError, match=message):
        cropped(FaceCrop(), frames(texture(), odd), None, "v1")


def test_FaceCrop_moves_landmarks_with_the_picture(found):
    """A bright dot in the frame lies, in the crop, where its landmark says."""
    frame = np.zeros((64, 64), np.uint8)
    frame[30, 20] = 255
    crops = cropped(FaceCrop(size=144), frames(frame), np.tile([20.0, 30.0], (68, 1)))
    weight = crops.images[0].astype(float)
    y, x = np.mgrid[:144, :144]
    centre = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
    assert crops.landmarks[0] == pytest.approx(centre, abs=0.05)


def test_FaceCrop_refuses_impossible_parameters():
    with pytest.raises(ConfigError, match="size"):
        FaceCrop(size=0)
    with pytest.raises(ConfigError, match="detector"):
        FaceCrop(detector="mtcnn")
    for margin in (-0.1, 3, "wide", True, float("nan")):
        with pytest.raises(ConfigError, match="margin of FaceCrop must be a fraction"):
            FaceCrop(margin=margin)
    with pytest.raises(ConfigError, match=r"align of FaceCrop 'pos'\. Did you mean 'pose'"):
        FaceCrop(align="pos")
    with pytest.raises(ConfigError, match="track of FaceCrop"):
        FaceCrop(track="video")
    with pytest.raises(ConfigError, match="must be odd"):
        FaceCrop(smoothing=4)


def test_detect_faces_finds_none_in_a_texture():
    assert faces.detect_faces(texture(), 0) == []


def test_FaceCrop_locates_drawn_face_around_its_landmarks():
    dataset = synthetic.Synthetic(synthetic.Synthetic.Params(subjects=1, videos=1, frames=60))
    video = dataset.videos()[0]
    landmarks = dataset.landmarks(video)
    for half_size in (False, True):
        x0, y0, x1, y1 = FaceCrop(half_size=half_size).locate(dataset.frames(video), None, video.key).box
        inner = landmarks[27:]  # nose, eyes and mouth
        assert (inner > (x0, y0)).all()
        assert (inner < (x1, y1)).all()


def test_FaceCrop_cuts_gray_frame_and_resizes(found):
    """The published programs' way but for the last gray level, also where only the face is made gray."""
    frame = np.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    x0, y0, x1, y1 = BOX
    expected = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[y0:y1, x0:x1], (128, 128))
    for crop in cropped(FaceCrop(), frames(frame, frame), None).images:
        np.testing.assert_allclose(crop.astype(int), expected, atol=1)


def test_FaceCrop_cuts_a_known_box_without_search(found):
    crop = FaceCrop(size=48)
    (cut,) = crop.cut(frames(texture()), BOX)
    np.testing.assert_array_equal(cut, texture()[4:52, 8:56])
    assert crop.locate(frames(texture())).box == BOX


def test_FaceCrop_adds_margin_as_far_as_frame_reaches(found):
    found.boxes = lambda gray, upsample: [(20, 4, 40, 24)]
    crop = FaceCrop(margin=0.25)
    assert crop.locate(frames(texture())).box == (15, 0, 45, 29)
    points = np.tile([[29.5, 14.0]], (68, 1))  # the middle of the box across and down
    np.testing.assert_allclose(cropped(crop, frames(texture()), points).landmarks[0], [63.5, 63.5])


def test_FaceCrop_decodes_each_frame_once_when_asked_for(found):
    class Counting(MemoryFrames):
        decoded = 0

        def __getitem__(self, index):
            self.decoded += 1
            return super().__getitem__(index)

    counting = Counting([texture(dx=n) for n in range(9)])
    crop = FaceCrop()
    crops = crop.cut(counting, crop.locate(counting))
    for n in range(1, 10):
        next(crops)
        assert counting.decoded == 1 + n  # one for the search


def tilted(angle):
    """A frame, and points whose eyes lie on a line that falls by `angle` degrees to the right."""
    points = np.full((68, 2), 31.5)
    points[36:42] -= 10 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    points[42:48] += 10 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    return texture(), points


def test_FaceCrop_levels_eyes_by_one_turn_for_all_frames(found):
    frame, points = tilted(30)
    crop = FaceCrop(align="eyes", size=48)
    crops = cropped(crop, frames(frame, frame), points)
    left, right = crops.landmarks[36], crops.landmarks[42]
    assert left[1] == pytest.approx(right[1])
    assert right[0] - left[0] == pytest.approx(20)
    np.testing.assert_array_equal(crops.images[0], crops.images[1])
    turned = cv2.getRotationMatrix2D(((BOX[0] + BOX[2] - 1) / 2, (BOX[1] + BOX[3] - 1) / 2), 30, 1)
    expected = cv2.warpAffine(frame, turned, (64, 64), borderMode=cv2.BORDER_REPLICATE)[4:52, 8:56]
    assert np.abs(crops.images[0].astype(int) - expected).max() <= 2


def test_FaceCrop_of_level_eyes_changes_only_by_rounding(found):
    frame, points = tilted(0)
    plain = cropped(FaceCrop(size=48), frames(frame), points)
    level = cropped(FaceCrop(size=48, align="eyes"), frames(frame), points)
    np.testing.assert_allclose(level.landmarks, plain.landmarks)
    np.testing.assert_array_equal(level.images, plain.images)


@pytest.mark.parametrize("points", [np.full((68, 2), np.nan), np.zeros((5, 2))])
def test_FaceCrop_refuses_odd_landmarks_of_the_dataset(found, points):
    with pytest.raises(DataError, match="landmarks of v1"):
        FaceCrop().locate(frames(texture()), points, "v1")


def test_Reference_survives_json_exactly(found):
    for kwargs, points in (({}, None), ({"align": "eyes"}, tilted(17)[1] / 3)):
        reference = FaceCrop(margin=0.1, **kwargs).locate(frames(texture()), points)
        again = faces.Reference.from_json(json.loads(json.dumps(reference.as_json())))
        assert (again.frame, again.face, again.box) == (reference.frame, reference.face, reference.box)
        np.testing.assert_array_equal(again.matrix, reference.matrix)
        assert (again.landmarks is None) == (points is None)
        if points is not None:
            np.testing.assert_array_equal(again.crop_landmarks, reference.crop_landmarks)


def test_FaceCrop_identity_omits_options_without_effect():
    """So that stores from before an option stay good, and a card changes when and only when its numbers can."""
    plain = FaceCrop()
    assert plain.describe() == "FaceCrop(size=128, detector='dlib', upsample=1, half_size=False) v2"
    for same in ({"smoothing": 5}, {"margin": 0}, {"landmarks": "/a/file.dat"}):
        assert replace(plain, **same).identity() == plain.identity()
    pose = FaceCrop(align="pose")
    assert replace(pose, track="frame").identity() == pose.identity()  # pose follows anyway
    assert FaceCrop(margin=1).identity() == FaceCrop(margin=1.0).identity()
    others = [
        {"margin": 0.1}, {"align": "eyes"}, {"align": "pose"}, {"track": "frame"}, {"track": "frame", "smoothing": 5},
        {"align": "pose", "smoothing": 5}, {"align": "eyes", "track": "frame"}, {"size": 64}, {"half_size": True}, {},
    ]  # fmt: skip
    assert len({json.dumps(FaceCrop(**other).identity()) for other in others}) == len(others)
    assert len({FaceCrop(**other).describe() for other in others}) == len(others)


def test_dlib_version_is_known():
    assert dlib_version().startswith(".".join(dlib.__version__.split(".")[:2]))


needs_predictor = pytest.mark.skipif(find_predictor() is None, reason="needs the extra mebench[landmarks]")


@pytest.fixture(scope="module")
def drawn():
    """A drawn face of 192 pixels, with its landmarks."""
    dataset = synthetic.Synthetic(synthetic.Synthetic.Params(subjects=1, videos=1, frames=60))
    video = dataset.videos()[0]
    return dataset.frames(video)[0], dataset.landmarks(video)


@pytest.fixture(scope="module")
def wandering(drawn):
    """The face in sensor noise, its head moving 50 pixels across and back; with where its landmarks truly are."""
    picture, points = drawn
    wide = cv2.copyMakeBorder(picture, 20, 20, 60, 60, cv2.BORDER_REPLICATE)
    shifts = 25 * np.sin(np.linspace(0, 2 * np.pi, 41))
    noise = np.random.default_rng(0)
    images = []
    for shift in shifts:
        there = cv2.warpAffine(
            wide, np.float32([[1, 0, shift], [0, 1, 0]]), wide.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
        )
        images.append(np.clip(there + noise.normal(0, 2, there.shape), 0, 255).astype(np.uint8))
    return MemoryFrames(images), [np.add(points, (60 + shift, 20)) for shift in shifts]


def wander(crop, wandering):
    """How far the face strays in the crops: the largest distance in crop pixels from its place in the first, by frame."""
    images, points = wandering
    reference = crop.locate(images, points[0])
    grays = (to_gray(images[n], n, "v1") for n in range(len(images)))
    ways = [way for _, way in crop.map_to_crops(grays, reference, "v1")]
    places = np.array([map_points(p[17:], way).mean(axis=0) for p, way in zip(points, ways)])
    return np.linalg.norm(places - places[0], axis=1).max()


def test_FaceCrop_track_keeps_moving_face_in_crop(wandering):
    assert wander(FaceCrop(align="eyes", upsample=0), wandering) > 20
    # The box stays within 5 % of its width, 6 pixels; the tracker wavers by 2 more.
    assert wander(FaceCrop(track="frame", upsample=0), wandering) < 10
    assert wander(FaceCrop(track="frame", align="eyes", upsample=0), wandering) < 10


def test_FaceCrop_track_holds_box_of_a_still_head(drawn):
    """Sensor noise makes the tracker waver; the crops do not."""
    noise = np.random.default_rng(1)
    images = [np.clip(drawn[0] + noise.normal(0, 3, drawn[0].shape), 0, 255).astype(np.uint8) for _ in range(25)]
    crop = FaceCrop(track="frame", upsample=0)
    reference = crop.locate(MemoryFrames(images))
    for _, way in crop.map_to_crops((to_gray(image, 0, "v1") for image in images), reference, "v1"):
        np.testing.assert_array_equal(way, reference.matrix)


@pytest.mark.parametrize("wide", [80, 300])
def test_FaceCrop_track_searches_only_around_the_face(drawn, monkeypatch, wide):
    """The detector finds it there, in a picture of a size that it needs: the whole frame is searched once."""
    frame = np.full((400, 640, 3), 110, np.uint8)
    frame[30 : 30 + wide, 200 : 200 + wide] = cv2.resize(drawn[0], (wide, wide))
    monkeypatch.setattr(landmarks, "CHECK_EVERY", 2)
    sizes = list[int]()
    faces = FaceCrop.detect_faces
    monkeypatch.setattr(FaceCrop, "detect_faces", lambda crop, gray: sizes.append(gray.size) or faces(crop, gray))
    images = MemoryFrames([frame] * 7)
    crop = FaceCrop(track="frame", size=8)

    assert len([*crop.cut(images, crop.locate(images))]) == 7
    assert sizes[0] == 400 * 640
    assert len(sizes) == 4
    assert max(sizes[1:]) <= 162**2


@pytest.mark.parametrize(
    ("options", "n_frames"),
    [
        ({}, 0),
        ({"track": "frame"}, 4),
        pytest.param({"align": "pose"}, 6, marks=needs_predictor),
    ],
    ids=str,
)
def test_FaceCrop_lookahead_counts_frames_that_a_crop_awaits(drawn, options, n_frames):
    crop = FaceCrop(upsample=0, smoothing=5, size=8, **options)
    images = [drawn[0]] * 10
    taken = []
    crops = crop.cut((taken.append(image) or image for image in images), crop.locate(MemoryFrames(images)))
    next(crops)
    assert len(taken) - 1 == crop.lookahead == n_frames


@needs_predictor
def test_FaceCrop_pose_keeps_moving_face_in_place(wandering):
    assert wander(FaceCrop(align="pose", upsample=0), wandering) < 3


@needs_predictor
def test_FaceCrop_pose_turns_tilted_head_upright(drawn):
    picture, _ = drawn
    height, width = picture.shape[:2]
    tilt = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1)
    tilted = cv2.warpAffine(picture, tilt, (width, height), borderMode=cv2.BORDER_REPLICATE)
    for align in ("pose", "eyes"):
        landmarks = cropped(FaceCrop(align=align, margin=0.2), frames(tilted), None).landmarks
        x, y = landmarks[42:48].mean(axis=0) - landmarks[36:42].mean(axis=0)
        assert abs(np.degrees(np.arctan2(y, x))) < 2
        assert ((landmarks > 0) & (landmarks < 128)).all()


@needs_predictor
def test_FaceCrop_finds_landmarks_on_frame_of_the_face(drawn):
    blank = np.zeros_like(drawn[0])
    images = frames(*[blank] * 2, drawn[0])
    crop = FaceCrop(upsample=0)
    reference = crop.with_landmarks(images, crop.locate(images))
    assert reference.frame == 2
    errors = np.linalg.norm(reference.landmarks - drawn[1], axis=1)
    assert errors.mean() < 5
    assert crop.with_landmarks(images, reference) is reference


@pytest.mark.parametrize("align", ["eyes", "pose"])
def test_FaceCrop_names_the_remedy_without_landmark_file(found, monkeypatch, tmp_path, align):
    monkeypatch.setenv("MEBENCH_LANDMARKS", str(tmp_path / "gone.dat"))
    with pytest.raises(DataError, match=r"there is no landmark file .*gone\.dat"):
        FaceCrop(align=align).locate(frames(texture()), None, "v1")


def test_FaceCrop_with_own_landmarks_needs_no_file(found, monkeypatch):
    monkeypatch.setattr("mebench.features.landmarks.LANDMARKS_PACKAGE", "no-such-package-of-landmarks")
    monkeypatch.delenv("MEBENCH_LANDMARKS", raising=False)
    frame, points = tilted(5)
    assert FaceCrop(align="eyes").locate(frames(frame), points).landmarks is not None
    with pytest.raises(DataError, match=r"method\.align=pose needs 68 facial landmarks, but v1 has none"):
        FaceCrop(align="pose").locate(frames(frame), points, "v1")


def color_texture(dx=0.0):
    """A texture with another pattern in each of the channels B, G and R."""
    return np.stack([texture(dx=dx, seed=seed) for seed in range(3)], axis=-1)


@pytest.mark.usefixtures("found")
def test_FaceCrop_cuts_same_box_in_color():
    video = frames(color_texture(), color_texture(dx=3))
    crops = cropped(FaceCrop(size=32, color=True), video, None)
    x0, y0, x1, y1 = BOX
    expected = [
        np.stack(
            [
                cv2.resize(frame[y0:y1, x0:x1, c].copy(), (32, 32), interpolation=cv2.INTER_LINEAR_EXACT)
                for c in range(3)
            ],
            -1,
        )
        for frame in video.images
    ]
    np.testing.assert_array_equal(crops.images, expected)
    assert crops.box == cropped(FaceCrop(size=32), video, None).box


@pytest.mark.usefixtures("found")
def test_FaceCrop_in_color_repeats_gray_frames():
    gray = cropped(FaceCrop(size=32), frames(texture(), texture(dx=3)), None).images
    color = cropped(FaceCrop(size=32, color=True), frames(texture(), texture(dx=3)), None).images
    for channel in range(3):
        np.testing.assert_array_equal(color[..., channel], gray)


@pytest.mark.usefixtures("found")
def test_FaceCrop_in_color_follows_face_as_gray_does():
    video = frames(*[np.repeat(texture(dx=dx)[..., None], 3, axis=2) for dx in (0, 1, 2)])
    gray = cropped(FaceCrop(size=32, track="frame"), video, None).images
    color = cropped(FaceCrop(size=32, track="frame", color=True), video, None).images
    np.testing.assert_array_equal(color[..., 1], gray)


def test_FaceCrop_in_color_is_a_chain_of_its_own():
    gray, color = (Chain("crops", (FaceCrop(color=color),)).fingerprint() for color in (False, True))
    assert gray == FINGERPRINT_OF_GRAY != color


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (texture(), False),
        (np.repeat(texture()[..., None], 3, axis=2), False),
        (color_texture(), True),
        (texture()[..., None], False),
    ],
)
def test_has_color_tells_gray_recordings(frame, expected):
    assert has_color(frame) is expected
