"""Each degradation keeps what it must keep, changes what it is named after, and changes more of it the stronger it is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mebench.errors import ConfigError, DataError
from mebench.features import degradation
from mebench.features.degradation import (
    KINDS,
    SHAPES,
    Degradation,
    DegradedFrames,
    degradation_names,
    relation_names,
)
from mebench.features.degraded_dataset import DegradedDataset
from tests.plugins.lab.dataset import HEIGHT, WIDTH, Film, Lab, N
from tests.plugins.lab.params import Params

EVERY = range(1, 6)


def degraded(kind, strength, person=0, colors=3):
    lab = Lab(Params(colors))
    return DegradedDataset(lab, Degradation(kind, strength)).frames(lab.videos()[person])


def error(kind, strength, colors=3):
    """Mean absolute change of gray values over frames."""
    frames = degraded(kind, strength, colors=colors)
    clean = Film(colors)
    return np.mean([np.abs(frames[i].astype(float) - clean[i]).mean() for i in range(1, N, 3)])


def sharpness(image):
    return cv2.Laplacian(image.astype(np.float64), cv2.CV_64F).var()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colors", [0, 3])
def test_DegradedFrames_depend_on_video_and_frame_alone(kind, colors):
    frames, again = degraded(kind, 3, colors=colors), degraded(kind, 3, colors=colors)
    backwards = [again[i] for i in (21, 5)][::-1]
    for index, later in zip((5, 21), backwards):
        assert frames[index].shape == Film(colors)[0].shape
        assert frames[index].dtype == np.uint8
        np.testing.assert_array_equal(frames[index], later)
    with pytest.raises(IndexError):
        frames[len(frames)]


def test_DegradedDataset_revision_differs_for_each_strength():
    lab = Lab(Params())
    found = {DegradedDataset(lab, Degradation(kind, strength)).revision for kind in KINDS for strength in EVERY}
    assert len(found) == 5 * len(KINDS)
    assert degraded("blur", 1).fingerprint() != degraded("blur", 2).fingerprint() != "film"


@pytest.mark.parametrize("kind", ["blur", "resolution"])
def test_Degradation_blur_and_resolution_lose_high_frequencies(kind):
    found = [sharpness(Film(3)[4]), *(sharpness(degraded(kind, strength)[4]) for strength in EVERY)]
    assert found == sorted(found, reverse=True)
    assert found[5] < 0.1 * found[0]


@pytest.mark.parametrize("kind", ["jpeg", "h264", "noise", "light", "brightness", "motion", "rate"])
def test_Degradation_strength_moves_away_from_clean_frames(kind):
    found = [error(kind, strength) for strength in EVERY]
    assert found == sorted(found)
    assert found[4] > 1.5 * found[0] > 0


def test_Degradation_noise_is_new_in_each_frame():
    frames = degraded("noise", 3)
    clean = Film(3)
    one, other = (frames[i].astype(float) - clean[i] for i in (4, 5))
    assert abs(one.std() - KINDS["noise"].levels[2]) < 1
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05


def test_Degradation_h264_at_best_quality_keeps_the_frame():
    assert error("h264", 1, colors=0) < 4  # CRF 23, on a fine texture


def test_Degradation_light_has_a_period_of_two_seconds():
    frames = degraded("light", 4)
    clean = Film(3)
    gain = np.array([frames[i].mean() / clean[i].mean() for i in range(N)])
    assert gain.max() <= 1.001
    assert abs(gain.min() - 0.6) < 0.02
    np.testing.assert_allclose(gain[:20], gain[20:], atol=0.005)  # 10 frames a second


@pytest.mark.parametrize("shape", SHAPES)
def test_Degradation_occlusion_changes_its_region_alone(shape):
    sizes = []
    for strength in EVERY:
        frames = degraded(shape, strength)
        clean = Film(3)
        behind = degradation.covered_pixels(frames, shape, clean[0].shape, KINDS[shape].levels[strength - 1])
        for index in (0, 17):
            np.testing.assert_array_equal(frames[index][~behind], clean[index][~behind])
            assert (frames[index][behind] == degradation.PAINTS[shape]).all()
        sizes.append(behind.sum())
    assert sizes == sorted(set(sizes))
    assert sizes[-1] < 0.6 * HEIGHT * WIDTH


@pytest.mark.parametrize("kind", ["sunglasses", "face_mask", "block"])
def test_Degradation_things_are_one_gray_and_stay_for_a_video(kind):
    frames = degraded(kind, 5)
    clean = Film(3)
    changed = [(frames[index] != clean[index]).any(axis=2) for index in (0, 17)]
    grays = {
        int(value) for index, behind in zip((0, 17), changed, strict=True) for value in np.unique(frames[index][behind])
    }
    assert len(grays) == 1
    assert (changed[0] & changed[1]).sum() > 0.9 * max(one.sum() for one in changed)
    other = degraded(kind, 5, person=1)
    assert (other[0] != frames[0]).any()


def test_Degradation_covers_regions_where_they_are_named():
    frames = degraded("mask", 5)
    x0, y0, x1, y1 = frames.face
    rows = {
        shape: np.flatnonzero(degradation.covered_pixels(frames, shape, (HEIGHT, WIDTH), 1.0).any(1))
        for shape in SHAPES
    }
    middle = (y0 + y1) / 2
    assert rows["glasses"].max() < middle < rows["mask"].mean()
    assert rows["hand"].mean() > middle
    half = degradation.covered_pixels(frames, "half_face", (HEIGHT, WIDTH), 1.0)
    left, right = half[y0:y1, x0 : (x0 + x1) // 2].mean(), half[y0:y1, (x0 + x1) // 2 + 1 : x1].mean()
    assert sorted((left, right)) == [0, pytest.approx(1, abs=0.05)]


def test_DegradedFrames_face_reaches_over_the_brows():
    """Landmarks end there, a little below the forehead."""
    brows, chin = 20, 100
    points = np.stack([np.linspace(10, 70, 68), np.linspace(brows, chin, 68)], axis=1)
    video = Lab(Params(3)).videos()[0]
    x0, y0, x1, y1 = DegradedFrames(Film(3), video, Degradation("mask", 1), points).face
    assert (x0, x1, y1) == (10, 70, chin)
    assert 0 < brows - y0 < (chin - brows) / 4


def test_Degradation_occlusion_draws_one_shape_for_a_video():
    lab = Lab(Params())
    shapes = set()
    for n in range(12):
        video = replace(lab.videos()[0], id=str(n))
        frames = DegradedFrames(Film(3), video, Degradation("occlusion", 4), lab.landmarks(video))
        (shape,) = (
            shape
            for shape in SHAPES
            if (frames[3] == DegradedFrames(Film(3), video, Degradation(shape, 4), lab.landmarks(video))[3]).all()
            or (frames[3] == degradation.PAINTS[shape]).all(axis=2).sum() > 100
        )
        shapes.add(shape)
    assert shapes == set(SHAPES)


@pytest.mark.parametrize("kind", ["dropped", "doubled"])
def test_Degradation_lost_frames_keep_count_and_time(kind):
    stood = []
    for strength in EVERY:
        frames = degraded(kind, strength)
        clean = [Film(3)[i] for i in range(N)]
        assert len(frames) == N
        shown = [next(j for j in range(i, -1, -1) if (frames[i] == clean[j]).all()) for i in range(N)]
        assert shown == sorted(shown)
        assert shown[0] == 0
        stood.append(sum(i != j for i, j in enumerate(shown)))
        if kind == "doubled":
            assert stood[-1] == N // KINDS[kind].levels[strength - 1]
            assert max(i - j for i, j in enumerate(shown)) == 1
    assert stood == sorted(stood)
    assert stood[-1] >= 0.25 * N


def test_Degradation_blurred_has_the_share_of_its_strength():
    for strength in EVERY:
        frames = degraded("blurred", strength)
        clean = Film(3)
        soft = [sharpness(frames[i]) < 0.9 * sharpness(clean[i]) for i in range(N)]
        same = [(frames[i] == clean[i]).all() for i in range(N)]
        assert [not one for one in soft] == same
        assert abs(np.mean(soft) - KINDS["blurred"].levels[strength - 1]) < 0.2


def test_Degradation_rate_keeps_recorded_frames_and_mixes_others():
    # every fourth
    frames = degraded("rate", 3)
    clean = Film(3)
    np.testing.assert_array_equal(frames[8], clean[8])
    mixed = 0.75 * clean[8].astype(float) + 0.25 * clean[12]
    assert np.abs(frames[9] - mixed).max() <= 0.51


def test_Degradation_motion_starts_in_place_and_grows():
    shifts = []
    for strength in EVERY:
        frames = degraded("motion", strength)
        clean = Film(0)
        np.testing.assert_allclose(frames[0].astype(float), Film(3)[0], atol=1)
        gray = [cv2.cvtColor(frames[i], cv2.COLOR_BGR2GRAY) for i in range(0, N, 5)]
        still = [cv2.cvtColor(Film(3)[i], cv2.COLOR_BGR2GRAY) for i in range(0, N, 5)]
        found = [cv2.phaseCorrelate(a.astype(np.float64), b.astype(np.float64))[0] for a, b in zip(still, gray)]
        shifts.append(np.hypot(*np.array(found).T).max())
    assert shifts == sorted(shifts)
    assert 0.2 < shifts[0] < 2 < shifts[4] < 0.4 * 60
    assert clean is not None


# -- relations --------------------------------------------------------------------------------------------------------------


def test_Degradation_mirror_moves_landmarks_to_the_other_side():
    lab = Lab(Params())
    video = lab.videos()[0]
    once = DegradedDataset(lab, Degradation("mirror", 1))
    np.testing.assert_array_equal(once.frames(video)[6], Film(3)[6][:, ::-1])
    left_eye, mirrored = lab.landmarks(video)[36], once.landmarks(video)[45]
    np.testing.assert_allclose(mirrored, (WIDTH - 1 - left_eye[0], left_eye[1]))
    twice = DegradedDataset(once, Degradation("mirror", 1))
    np.testing.assert_array_equal(twice.frames(video)[6], Film(3)[6])
    np.testing.assert_allclose(twice.landmarks(video), lab.landmarks(video))


def test_Degradation_shift_moves_picture_and_landmarks():
    lab = Lab(Params())
    video = lab.videos()[0]
    moved = DegradedDataset(lab, Degradation("shift", 3))
    np.testing.assert_array_equal(moved.frames(video)[2][4:, 4:], Film(3)[2][:-4, :-4])
    np.testing.assert_allclose(moved.landmarks(video) - lab.landmarks(video), 4)


def test_Degradation_padding_and_doubled_rate_move_annotations():
    lab = Lab(Params())
    padded, doubled = (DegradedDataset(lab, Degradation(kind, 5)) for kind in ("padding", "double_rate"))
    (e,) = padded.videos()[0].expressions
    assert (padded.videos()[0].n_frames, e.onset, e.apex, e.offset) == (N + 10, 18, 20, 24)
    frames = padded.frames(padded.videos()[0])
    assert len(frames) == N + 10
    assert all((frames[i] == Film(3)[0]).all() for i in (0, 10))
    np.testing.assert_array_equal(frames[15], Film(3)[5])

    (e,) = doubled.videos()[0].expressions
    frames = doubled.frames(doubled.videos()[0])
    assert (doubled.videos()[0].fps, len(frames), e.onset, e.apex, e.offset) == (20, 2 * N, 16, 20, 28)
    np.testing.assert_array_equal(frames[16], Film(3)[8])
    assert np.abs(frames[17] - (Film(3)[8] / 2 + Film(3)[9] / 2)).max() <= 0.51


def test_Degradation_still_shows_the_first_frame():
    assert (degraded("still", 1)[30] == Film(3)[0]).all()


# -- maps, models, words ----------------------------------------------------------------------------------------------------


def test_DegradedDataset_degrades_maps_as_pictures():
    lab = Lab(Params())
    video = lab.videos()[0]
    clean = lab.provided(None, "map")
    found = DegradedDataset(lab, Degradation("half_face", 5)).provided(video, "map")
    behind = (found == np.median(clean, axis=(0, 1)).astype(np.uint8)).all(axis=2)
    assert 0.4 < behind.mean() < 0.65
    np.testing.assert_array_equal(found[~behind], clean[~behind])
    blurred = [sharpness(DegradedDataset(lab, Degradation("blur", s)).provided(video, "map")) for s in EVERY]
    assert blurred == sorted(blurred, reverse=True)


@pytest.mark.parametrize(
    ("kind", "name"), [("h264", "map"), ("motion", "map"), ("mirror", "map"), ("blur", "histogram")]
)
def test_DegradedDataset_refuses_kinds_senseless_for_features(kind, name):
    lab = Lab(Params())
    with pytest.raises(
        DataError, match=rf"degrade={kind} changes frames, and lab gives {name} ready-made: .*one of .*blur, noise"
    ):
        DegradedDataset(lab, Degradation(kind, 2)).provided(lab.videos()[0], name)


def network(tmp_path, *nodes):
    onnx = pytest.importorskip("onnx")
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 1, None, None])  # noqa: E731
    scales = onnx.numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    made = [onnx.helper.make_node(*node, **more) for *node, more in nodes]
    graph = onnx.helper.make_graph(made, "x", [value("in")], [value("out")], [scales])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "net.onnx")
    return str(tmp_path / "net.onnx")


def test_Degradation_resolution_enlarges_by_a_network(tmp_path):
    twice = network(tmp_path, ("Resize", ["in", "", "scales"], ["out"], {"mode": "nearest"}))
    lab = Lab(Params())
    video = lab.videos()[0]
    how = Degradation.from_text(f"resolution:4:{twice}")
    frames = DegradedDataset(lab, how).frames(video)
    _, y0, _, y1 = frames.face
    size = round(WIDTH * 26 * 7 / 13 / 60), round(HEIGHT * 26 / (y1 - y0))
    small = cv2.resize(Film(3)[5], size, interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small.repeat(2, 0).repeat(2, 1), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)

    assert np.abs(frames[5].astype(int) - expected).max() <= 2
    assert how.identity != Degradation.from_text("resolution:4").identity


def test_Degradation_resolution_refuses_files_of_no_network(tmp_path):
    (tmp_path / "other.onnx").write_text("no network")
    lab = Lab(Params())
    frames = DegradedDataset(lab, Degradation.from_text(f"resolution:2:{tmp_path / 'other.onnx'}")).frames(
        lab.videos()[0]
    )
    with pytest.raises(DataError, match=r"other\.onnx enlarges no picture: degrade=resolution takes a network in ONNX"):
        frames[0]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("oclusion:3", r"unknown degradation 'oclusion'. Did you mean 'occlusion'\?"),
        ("blur:9", "the strength must be a whole number from 0 to 5, not '9'"),
        ("blur", "the strength must be a whole number from 0 to 5, not ''"),
        ("blur:2:net.onnx", "only resolution takes a model, not blur"),
        ("resolution:2:/nowhere/net.onnx", "there is no file /nowhere/net.onnx"),
    ],
)
def test_Degradation_of_refuses_wrong_words(word, message):
    with pytest.raises(ConfigError, match=message):
        Degradation.from_text(word)


def test_Degradation_resolution_at_strongest_is_7_by_13_pixels():
    assert KINDS["resolution"].levels[4] * 7 / 13 == 7
    assert set(degradation_names()) | set(relation_names()) == set(KINDS)
