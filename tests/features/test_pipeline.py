import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from mebench.core import Chain
from mebench.errors import ConfigError, DataError, PluginError
from mebench.features import (
    EyesAndMouth,
    FaceCrop,
    FeatureStore,
    Flow,
    MapStep,
    MinMax,
    RemoveNoseMotion,
    Resize,
    Strain,
    faces,
    flow,
    landmarks,
    pipeline,
)
from mebench.features.faces import map_points
from mebench.features.pipeline import video_source

from .conftest import BOX, cropped

CROP = FaceCrop(size=48)
FRAMES = Chain("flow", (CROP, Flow("farneback", k=2), Strain(), MinMax(), EyesAndMouth("box")))
CLIPS = Chain("onset_apex", (CROP, Flow("farneback"), Strain(), Resize(14)), "clips")
MARKED = Chain("marked", (CROP, Flow("farneback", k=2), RemoveNoseMotion(), Resize(14)))


@pytest.fixture
def no_computing(monkeypatch):
    """Calling this makes every detection and every flow fail."""

    def forbid():
        for module, name in ((faces, "detect_faces"), (flow, "make_calculator")):
            monkeypatch.setattr(module, name, lambda *_: pytest.fail("computed again"))

    return forbid


@pytest.fixture
def flows_computed(monkeypatch):
    """An item for each pair of crops whose flow was computed."""
    found = []
    calculator = flow.make_calculator

    def counted(algorithm):
        calculate = calculator(algorithm)
        return lambda a, b: found.append(algorithm) or calculate(a, b)

    monkeypatch.setattr(flow, "make_calculator", counted)
    return found


def test_frame_features_equal_steps_by_hand(store, drift):
    features = video_source(store, drift, "drift", drift.video()).frame_features(FRAMES)
    assert features.shape == (6, 42, 42, 3)
    assert features.dtype == np.float16
    crops = cropped(CROP, drift.frames(drift.video()), None).images
    for i in (0, 5):
        x = Flow("farneback").pair(crops[i], crops[i + 2]).astype(np.float16).astype(np.float32)
        for step in FRAMES.at("map"):
            x = step.apply(x, None)
        np.testing.assert_array_equal(features[i], x.astype(np.float16))


def flows(store):
    return list(store.root.glob("flow/*/*.npy"))


def test_frame_features_warm_equal_cold_bit_for_bit(store, drift, no_computing):
    """Whatever is there before: nothing, the crops, the flow, or everything; and whether flow is stored or not."""
    video = drift.video()
    cold = video_source(store, drift, "drift", video).frame_features(FRAMES).tobytes()
    assert not flows(store)
    store = FeatureStore(store.root.with_name("keeps-flow"), keep_flow=True)
    assert video_source(store, drift, "drift", video).frame_features(FRAMES).tobytes() == cold
    assert len(flows(store)) == 1
    for stages in (("crops",), ("crops", "flow")):
        later = FeatureStore(store.root.with_name("-".join(stages)))
        for stage in stages:
            shutil.copytree(store.root / stage, later.root / stage)
        assert video_source(later, drift, "drift", video).frame_features(FRAMES).tobytes() == cold
    no_computing()
    assert video_source(FeatureStore(store.root), drift, "drift", video).frame_features(FRAMES).tobytes() == cold


def test_compute_makes_features_ready(store, drift, no_computing):
    video = drift.video()
    clips = [(0, 3, 4), (2, 5, 5)]
    assert not video_source(store, drift, "drift", video, again=True).is_ready([FRAMES, CLIPS], clips)
    cost = video_source(store, drift, "drift", video, again=True).compute([FRAMES, CLIPS], clips)
    assert cost.n_frames == 8
    assert cost.seconds > 0
    assert video_source(store, drift, "drift", video, again=True).is_ready([FRAMES, CLIPS], clips)
    no_computing()
    video_source(store, drift, "drift", video, again=True).compute([FRAMES, CLIPS], clips)
    assert not video_source(store, drift, "drift", video, again=True).is_ready([FRAMES, CLIPS], [*clips, (1, 5, 5)])


SHORTER = Chain("shorter", (CROP, Flow("farneback", k=2), Resize(10)))
TWO_GAPS = Chain("two", (CROP, Flow("farneback", k=1, second=2), Resize(9)))


def test_compute_shares_flow_of_features_and_drops_it(store, drift, flows_computed):
    alone = [
        video_source(FeatureStore(store.root.with_name(chain.name)), drift, "drift", drift.video()).frame_features(
            chain
        )
        for chain in (FRAMES, SHORTER, TWO_GAPS)
    ]
    flows_computed.clear()
    video_source(store, drift, "drift", drift.video(), again=True).compute([FRAMES, SHORTER, TWO_GAPS], [])
    assert len(flows_computed) == 6 + 7  # over two frames, and over one
    assert sorted(path.name for path in store.root.iterdir()) == ["crops", "feature"]
    for chain, expected in zip((FRAMES, SHORTER, TWO_GAPS), alone):
        np.testing.assert_array_equal(
            video_source(store, drift, "drift", drift.video()).frame_features(chain), expected
        )
    assert len(flows_computed) == 6 + 7


def test_compute_shares_flow_of_clips(store, drift, flows_computed):
    other = replace(CLIPS, name="other", steps=(*CLIPS.steps[:2], Resize(9)))
    video_source(store, drift, "drift", drift.video(), again=True).compute(
        [CLIPS, other], [(1, 4, 5), (1, 4, 7), (0, 3, 4)]
    )
    assert len(flows_computed) == 2  # the offset does not matter


def test_compute_with_kept_flow_reuses_it(store, drift, flows_computed):
    store.keep_flow = True
    video_source(store, drift, "drift", drift.video(), again=True).compute([FRAMES], [])
    assert len(flows_computed) == 6
    later = FeatureStore(store.root)  # does not keep what it computes, but reads what is there
    assert video_source(later, drift, "drift", drift.video()).frame_features(SHORTER).shape == (6, 10, 10, 2)
    assert len(flows_computed) == 6
    assert len(flows(store)) == 1
    assert len(list(store.root.glob("crops/*/*.npy"))) == 1


def test_compute_keeps_a_feature_that_is_the_flow(store, drift, flows_computed):
    plain = Chain("plain", (CROP, Flow("farneback", k=2)))
    video_source(store, drift, "drift", drift.video(), again=True).compute([plain], [])
    assert len(flows_computed) == 6
    assert not flows(store)
    assert video_source(FeatureStore(store.root), drift, "drift", drift.video()).frame_features(plain).shape == (
        6,
        48,
        48,
        2,
    )
    assert len(flows_computed) == 6


def test_clip_feature_is_the_flow_from_onset_to_apex(store, drift):
    video = drift.video()
    feature = video_source(store, drift, "drift", video).clip_feature(CLIPS, 1, 6)
    crops = cropped(CROP, drift.frames(video), None).images
    x = Flow("farneback").pair(crops[1], crops[6]).astype(np.float16).astype(np.float32)
    expected = Resize(14).apply(Strain().apply(x, None), None).astype(np.float16)
    np.testing.assert_array_equal(feature, expected)


def test_clip_feature_is_computed_once(store, drift, no_computing):
    video = drift.video()
    first = video_source(store, drift, "drift", video).clip_feature(CLIPS, 1, 6)
    no_computing()
    looked = drift.decoded
    assert video_source(store, drift, "drift", video).clip_feature(CLIPS, 1, 6) is first
    assert drift.decoded == looked  # not even for a fingerprint
    np.testing.assert_array_equal(
        video_source(FeatureStore(store.root), drift, "drift", video).clip_feature(CLIPS, 1, 6), first
    )
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0


def test_clip_feature_forgets_least_recent_beyond_limit(store, drift, monkeypatch):
    monkeypatch.setattr(pipeline, "MOST_RECENT", 2)
    a, b = (video_source(store, drift, "drift", drift.video()).clip_feature(CLIPS, 1, apex) for apex in (6, 5))
    assert video_source(store, drift, "drift", drift.video()).clip_feature(CLIPS, 1, 6) is a
    c = video_source(store, drift, "drift", drift.video()).clip_feature(CLIPS, 1, 4)
    assert [*map(id, store.recent.values())] == [id(a), id(c)]
    assert video_source(store, drift, "drift", drift.video()).clip_feature(CLIPS, 1, 5) is not b


def test_clip_feature_of_apex_on_onset_is_zero(store, drift):
    assert not video_source(store, drift, "drift", drift.video()).clip_feature(CLIPS, 4, 4).any()


@pytest.mark.parametrize("clip", [(-1, 3), (0, 8), (9, 9)])
def test_clip_feature_refuses_clips_outside_the_video(store, drift, clip):
    with pytest.raises(DataError, match="drift/s1/v1 has the frames 0 to 7"):
        video_source(store, drift, "drift", drift.video()).clip_feature(CLIPS, *clip)


@pytest.mark.parametrize(("n", "rows"), [(1, 0), (2, 0), (3, 1)])
def test_frame_features_of_k_frames_are_empty_with_shape(store, drift, n, rows):
    drift.n = n
    assert video_source(store, drift, "drift", drift.video()).frame_features(FRAMES).shape == (rows, 42, 42, 3)
    assert video_source(store, drift, "drift", drift.video(), again=True).is_ready([FRAMES], [])


def test_video_source_takes_provided_features(store, drift, monkeypatch):
    drift.ready = np.ones((28, 28, 3), np.uint8)
    monkeypatch.setattr(drift, "frames", lambda video: pytest.fail("there are no frames"))
    video = replace(drift.video(), n_frames=1)
    assert video_source(store, drift, "drift", video, again=True).is_ready([FRAMES, CLIPS], [(0, 0, 0)])
    cost = video_source(store, drift, "drift", video, again=True).compute([FRAMES, CLIPS], [(0, 0, 0)])
    assert cost.n_frames == 1
    assert video_source(store, drift, "drift", video).frame_features(FRAMES) is drift.ready
    assert video_source(store, drift, "drift", video).clip_feature(CLIPS, 0, 0) is drift.ready
    assert not store.root.exists()


def test_video_source_of_other_frames_is_another_entry(store, drift):
    video = drift.video()
    video_source(store, drift, "drift", video, again=True).compute([FRAMES], [])
    drift.n = 9
    assert not video_source(store, drift, "drift", video, again=True).is_ready([FRAMES], [])
    assert video_source(store, drift, "drift", video).frame_features(FRAMES).shape[0] == 7


def test_video_source_of_other_landmarks_redoes_their_readers(store, drift, face_points):
    video = drift.video()
    drift.points = face_points / 2
    video_source(store, drift, "drift", video, again=True).compute([FRAMES, MARKED], [])
    drift.points = face_points / 2 + 1
    assert video_source(store, drift, "drift", video, again=True).is_ready([FRAMES], [])
    assert not video_source(store, drift, "drift", video, again=True).is_ready([MARKED], [])


def test_video_source_of_another_dlib_is_another_entry(store, drift, monkeypatch):
    video_source(store, drift, "drift", drift.video(), again=True).compute([FRAMES], [])
    monkeypatch.setattr(pipeline, "dlib_version", lambda: "0.0.1")
    assert not video_source(store, drift, "drift", drift.video(), again=True).is_ready([FRAMES], [])


def test_video_source_of_another_predictor_rekeys_readers_only(store, drift, tmp_path):
    file = tmp_path / "predictor.dat"

    def keys(crop, stage):
        found = []
        for content in (b"one model", b"another model"):
            file.write_bytes(content)
            look = pipeline.VideoSource(store, drift, "drift", drift.video())
            found.append([look.key(stage, replace(c, steps=(crop, *c.steps[1:])), None) for c in (FRAMES, MARKED)])
        return [a != b for a, b in zip(*found)]

    still = replace(CROP, landmarks=str(file))
    assert keys(still, "crops") == keys(still, "flow") == [False, False]
    assert keys(still, "feature") == [False, True]
    turned = replace(still, align="eyes")
    assert keys(turned, "crops") == keys(turned, "flow") == keys(turned, "feature") == [True, True]
    drift.points = np.full((68, 2), 5.0)  # the dataset's own are taken, whatever the file holds
    assert keys(turned, "feature") == [False, False]


def test_video_source_finds_landmarks_once_a_video(store, drift, monkeypatch, face_points):
    calls = []

    def points(predictor, gray, face):
        calls.append(face)
        return face_points / 2

    monkeypatch.setattr(landmarks, "find_predictor", lambda path=None: Path(__file__))
    monkeypatch.setattr(faces, "predicted_landmarks", points)
    marked = Chain("c", (CROP, Flow("farneback"), RemoveNoseMotion(), Resize(14)), "clips")
    found = [video_source(store, drift, "drift", drift.video()).clip_feature(marked, 0, apex) for apex in (2, 4)]
    assert len(calls) == 1
    drift.points = face_points / 2
    own = [video_source(store, drift, "drift", drift.video()).clip_feature(marked, 0, apex) for apex in (2, 4)]
    np.testing.assert_array_equal(found, own)


def test_video_source_gives_landmarks_in_pixels_of_the_crop(store, drift, face_points):
    drift.points = face_points / 2
    features = video_source(store, drift, "drift", drift.video()).frame_features(MARKED)
    crops = cropped(CROP, drift.frames(drift.video()), None).images
    x = Flow("farneback").pair(crops[0], crops[2]).astype(np.float16).astype(np.float32)
    x = RemoveNoseMotion().apply(x, map_points(face_points / 2, faces.box_to_crop(BOX, 48)))
    np.testing.assert_array_equal(features[0], Resize(14).apply(x, None).astype(np.float16))


def test_video_source_names_step_without_landmarks(store, drift, monkeypatch):
    monkeypatch.setattr(landmarks, "find_predictor", lambda path=None: None)
    chain = replace(FRAMES, steps=(*FRAMES.steps[:-1], EyesAndMouth("paper")))
    with pytest.raises(DataError, match=r"drift/s1/v1 has none: .*method\.regions=box"):
        video_source(store, drift, "drift", drift.video()).frame_features(chain)


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((68, 2), np.nan)])
def test_video_source_refuses_wrong_landmarks(store, drift, points):
    drift.points = points
    assert not video_source(store, drift, "drift", drift.video(), again=True).is_ready(
        [MARKED], []
    )  # the worker that computes it will say why
    with pytest.raises(DataError, match="landmarks of drift/s1/v1"):
        video_source(store, drift, "drift", drift.video()).frame_features(MARKED)


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (Chain("c", ()), "must be FaceCrop, .* and then map steps, not empty"),
        (Chain("c", (CROP, Strain())), "not FaceCrop, Strain"),
        (Chain("c", (CROP, Flow(k=1), Flow(k=1))), "not FaceCrop, Flow, Flow"),
        (Chain("c", (CROP, Flow())), r"Flow\(k=...\)"),
        (Chain("c", (CROP, Flow()), "clips"), "ask it for clips, not frames"),
    ],
)
def test_video_source_refuses_steps_that_do_not_fit(store, drift, chain, message):
    with pytest.raises(ConfigError, match=message):
        video_source(store, drift, "drift", drift.video()).frame_features(chain)


@dataclass(frozen=True)
class Mean(MapStep):
    """A step that forgets the channels."""

    def apply(self, x, landmarks):
        return x.mean()


@dataclass(frozen=True)
class OddRows(MapStep):
    """A step that cannot work on what it gets."""

    def apply(self, x, landmarks):
        return x.reshape(7, -1, 3)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Mean(), r"v1: the step Mean gives an array of shape \(\) instead of \(H, W, C\)"),
        (
            OddRows(),
            r"v1: the step OddRows fails on an array of shape \(48, 48, 2\) with ValueError: [^.]+\. Correct the step",
        ),
    ],
    ids=["another shape", "an error"],
)
def test_feature_names_the_step_that_is_wrong(store, drift, step, message):
    chain = Chain("x", (CROP, Flow("farneback", k=2), step, Strain()))
    with pytest.raises(PluginError, match=message):
        video_source(store, drift, "drift", drift.video()).feature(chain, None)


def test_clip_feature_refuses_chain_with_a_gap(store, drift):
    with pytest.raises(ConfigError, match="leave k and stride out"):
        video_source(store, drift, "drift", drift.video()).clip_feature(Chain("c", (CROP, Flow(k=3)), "clips"), 0, 1)


def test_compute_runs_opencv_in_one_thread(store, drift, monkeypatch):
    import cv2

    before = cv2.getNumThreads()
    seen = []
    square = flow.make_calculator("dis")
    monkeypatch.setattr(
        flow, "make_calculator", lambda _: lambda a, b: (seen.append(cv2.getNumThreads()), square(a, b))[1]
    )
    cv2.setNumThreads(2)
    try:
        video_source(store, drift, "drift", drift.video(), again=True).compute([FRAMES], [])
    finally:
        cv2.setNumThreads(before)
    assert set(seen) == {1}


LIGHT = """
import sys
from mebench.core import Chain, Dataset, Video
from mebench.features import FaceCrop, FeatureStore, Flow, video_source

class Frames:
    def fingerprint(self):
        return "f"

class Data(Dataset):
    revision = "1"
    def frames(self, video):
        return Frames()

video = Video("d", "s", "v", 30.0, 5)
chain = Chain("c", (FaceCrop(), Flow(k=1)))
assert not video_source(FeatureStore(sys.argv[1]), Data(None), "d", video).is_ready([chain], [])
print(*{"cv2", "dlib", "torch", "pandas", "scipy"} & set(sys.modules))
"""


def test_is_ready_imports_nothing_heavy(tmp_path):
    done = subprocess.run([sys.executable, "-c", LIGHT, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_pipeline_reads_long_film_in_little_memory(tmp_path):
    """128 MiB of stored rows, of which no more than a fifth may be there at once."""

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    stored = np.memmap(tmp_path / "crops", np.uint8, "w+", shape=(8192, 128, 128))
    stored[::100] = 7
    stored.flush()
    film = np.memmap(stored.filename, np.uint8, "r", shape=stored.shape)
    before = resident()
    most = 0
    total = 0
    for number, row in enumerate(pipeline.read_stored_rows(film)):
        total += int(row.max())
        if number % 256 == 0:
            most = max(most, resident() - before)
    assert total == 7 * 82
    assert most < stored.nbytes / 5
