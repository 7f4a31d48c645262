"""The shapes of chains: what each computes, what it shares, and the orders that are refused."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from mebench.core import Chain
from mebench.errors import ConfigError, DataError, PluginError
from mebench.features import FaceCrop, Flow, ImageStep, Resize, Strain, VolumeStep, flow, pipeline
from mebench.features.base import SequenceStep
from mebench.features.pipeline import VideoSource, video_source

from .conftest import cropped

CROP = FaceCrop(size=48)
FLOW = Flow("farneback")


@dataclass(frozen=True)
class Brightness(ImageStep):
    def apply(self, crop):
        return np.full((1, 1, 1), crop.mean(), np.float32)


@dataclass(frozen=True)
class MeanOverTime(VolumeStep):
    def apply(self, crops):
        return crops.mean(axis=0, dtype=np.float32)[..., None]


@dataclass(frozen=True)
class Invert(SequenceStep):
    def apply(self, crops, fps):
        return 255 - crops


@dataclass(frozen=True)
class TimesRate(SequenceStep):
    def apply(self, crops, fps):
        return np.clip(crops * (fps / 30), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class EverySecond(SequenceStep):
    keeps_length: ClassVar[bool] = False

    def apply(self, crops, fps):
        return crops[::2]


@dataclass(frozen=True)
class Careless(SequenceStep):
    def apply(self, crops, fps):
        return crops[1:]


def crops_of(drift):
    return cropped(CROP, drift.frames(drift.video()), None).images


def stored(x):
    return np.asarray(x, np.float16)


def test_ImageStep_gives_a_row_for_every_frame(store, drift):
    chain = Chain("brightness", (CROP, Brightness()))
    rows = video_source(store, drift, "drift", drift.video()).frame_features(chain)
    np.testing.assert_array_equal(rows[:, 0, 0, 0], stored(crops_of(drift).mean(axis=(1, 2), dtype=np.float64)))


def test_ImageStep_of_clip_sees_the_apex(store, drift):
    chain = Chain("brightness", (CROP, Brightness(), Resize(2)), "clips")
    feature = video_source(store, drift, "drift", drift.video()).clip_feature(chain, 1, 5, 6)
    np.testing.assert_array_equal(feature, stored(np.full((2, 2, 1), crops_of(drift)[5].mean())))


def test_VolumeStep_sees_all_frames_of_a_clip(store, drift):
    chain = Chain("mean", (CROP, MeanOverTime()), "clips")
    feature = video_source(store, drift, "drift", drift.video()).clip_feature(chain, 2, 4, 6)
    np.testing.assert_array_equal(feature[..., 0], stored(crops_of(drift)[2:7].mean(axis=0, dtype=np.float32)))


def test_SequenceStep_runs_in_order(store, drift):
    chain = Chain("mean", (CROP, Invert(), EverySecond(), MeanOverTime()), "clips")
    feature = video_source(store, drift, "drift", drift.video()).clip_feature(chain, 1, 3, 6)
    expected = (255 - crops_of(drift)[1:7])[::2].mean(axis=0, dtype=np.float32)
    np.testing.assert_array_equal(feature[..., 0], stored(expected))


def test_SequenceStep_changes_onset_and_apex_before_flow(store, drift):
    chain = Chain("flow", (CROP, Invert(), FLOW, Strain()), "clips")
    feature = video_source(store, drift, "drift", drift.video()).clip_feature(chain, 1, 4, 6)
    inverted = 255 - crops_of(drift)
    x = FLOW.pair(inverted[1], inverted[4]).astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(feature, stored(Strain().apply(x, None)))


CHAINS = {
    "flow": ((CROP, FLOW, Strain()), "onset apex"),
    "image": ((CROP, Brightness()), "apex"),
    "volume": ((CROP, EverySecond(), MeanOverTime()), "onset offset"),
    "magnified flow": ((CROP, Invert(), FLOW, Strain()), "onset apex offset"),
    "magnified image": ((CROP, Invert(), Brightness()), "onset apex offset"),
}


@pytest.mark.parametrize("name", CHAINS)
def test_key_of_clip_differs_only_by_frames_it_depends_on(store, drift, name):
    steps, depends = CHAINS[name]
    source = VideoSource(store, drift, "drift", drift.video())
    chain = Chain(name, steps, "clips")
    key = source.key("feature", chain, (1, 4, 6))
    others = {"onset": (0, 4, 6), "apex": (1, 5, 6), "offset": (1, 4, 7)}
    changed = [frame for frame, clip in others.items() if source.key("feature", chain, clip) != key]
    assert changed == depends.split()
    assert source.key("crops", chain, (1, 4, 6)) == source.key("crops", chain, (0, 5, 7))


def test_clip_feature_is_shared_by_clips_of_other_offsets(store, drift, monkeypatch):
    chain = Chain("flow", (CROP, FLOW, Strain()), "clips")
    video_source(store, drift, "drift", drift.video(), again=True).compute([chain], [(1, 4, 5)])
    monkeypatch.setattr(flow, "make_calculator", lambda _: pytest.fail("the feature is there"))
    video_source(store, drift, "drift", drift.video(), again=True).compute([chain], [(1, 4, 7)])
    video_source(store, drift, "drift", drift.video()).clip_feature(chain, 1, 4, 6)


def test_key_holds_frame_rate_only_if_a_step_reads_it(store, drift):
    from dataclasses import replace

    slow = drift.video()
    fast = replace(drift.video(), fps=60.0)
    chain, plain = Chain("x", (CROP, TimesRate(), FLOW), "clips"), Chain("x", (CROP, FLOW), "clips")
    for stage, one, differ in (
        ("crops", chain, False),
        ("flow", chain, True),
        ("feature", chain, True),
        ("flow", plain, False),
        ("feature", plain, False),
    ):
        keys = {VideoSource(store, drift, "drift", video).key(stage, one, (0, 1, 2)) for video in (slow, fast)}
        assert len(keys) == 1 + differ


REFUSED = [
    ((), "frames", "must be FaceCrop, .* not empty"),
    ((CROP,), "frames", "not FaceCrop"),
    ((FLOW, CROP), "clips", "not Flow, FaceCrop"),
    ((CROP, Strain(), FLOW), "clips", "not FaceCrop, Strain, Flow"),
    ((CROP, FLOW, Invert()), "clips", "not FaceCrop, Flow, Invert"),
    ((CROP, CROP, FLOW), "clips", "not FaceCrop, FaceCrop, Flow"),
    ((CROP, FLOW, Brightness()), "clips", "one of Flow, an image step or a volume step"),
    ((CROP, Brightness(), Brightness()), "frames", "one of Flow, an image step or a volume step"),
    ((CROP, MeanOverTime()), "frames", "'frames' cannot hold MeanOverTime, which works on a whole clip"),
    ((CROP, Invert(), Brightness()), "frames", "'frames' cannot hold Invert, which works on a whole clip"),
    ((CROP, EverySecond(), FLOW), "clips", "EverySecond before Flow: it changes the number of frames"),
    ((CROP, EverySecond(), Invert(), Brightness()), "clips", "EverySecond before Brightness"),
    ((CROP, Flow()), "frames", r"Flow\(k=...\)"),
    ((CROP, Flow(k=2)), "clips", "leave k and stride out"),
]


@pytest.mark.parametrize(("steps", "scope", "message"), REFUSED)
def test_pipeline_refuses_steps_in_wrong_order(steps, scope, message):
    with pytest.raises(ConfigError, match=message) as error:
        pipeline.route_of(Chain("c", steps, scope))
    assert "\n" not in str(error.value)


def test_clip_feature_names_step_that_drops_frames(store, drift):
    chain = Chain("x", (CROP, Careless(), FLOW), "clips")
    with pytest.raises(PluginError, match=r"Careless made 5 crops of 6.*keeps_length"):
        video_source(store, drift, "drift", drift.video()).clip_feature(chain, 1, 3, 6)


@pytest.mark.parametrize("clip", [(3, 2, 5), (3, 5, 4)])
def test_clip_feature_refuses_backward_clips_of_volume_steps(store, drift, clip):
    with pytest.raises(DataError, match="they must not fall"):
        video_source(store, drift, "drift", drift.video()).clip_feature(
            Chain("x", (CROP, MeanOverTime()), "clips"), *clip
        )


def test_frame_features_name_video_in_errors_of_steps(store, drift):
    class Picky(Brightness):
        def apply(self, crop):
            raise DataError("this crop is too dark")

    with pytest.raises(DataError, match="drift/s1/v1: this crop is too dark"):
        video_source(store, drift, "drift", drift.video()).frame_features(Chain("x", (CROP, Picky())))


def progress(store, drift, chains, clips=()):
    reported = []
    video_source(store, drift, "drift", drift.video(), again=True).compute(
        chains, clips, lambda frames, share, _stage: reported.append((frames, share))
    )
    shares = [share for _, share in reported]
    assert shares == sorted(shares)
    return reported


def test_compute_reports_progress_by_crop_and_frame(store, drift):
    flow, brightness = Chain("a", (CROP, Flow("farneback", k=2))), Chain("b", (CROP, Brightness()))
    reported = progress(store, drift, [flow, brightness])
    assert len(reported) == 8 + 6 + 8  # one way of cropping serves both
    assert reported[-1] == (8, 1)
    assert reported[7][1] == pytest.approx(0.2 * 8 / (0.2 * 8 + 2 * 8))
    later = progress(store, drift, [Chain("c", (CROP, Brightness(), Resize(2)))])
    assert len(later) == 8
    assert later[-1] == (8, 1)


def test_compute_reports_progress_by_clip(store, drift):
    reported = progress(store, drift, [Chain("a", (CROP, FLOW), "clips")], [(0, 2, 3), (1, 4, 5)])
    assert len(reported) == 8 + 2
    assert reported[-1] == (8, 1)


def test_frame_features_refuse_values_beyond_half_precision(store, drift):
    @dataclass(frozen=True)
    class Bright(Brightness):
        def apply(self, crop):
            return np.full((1, 1, 1), 70_000, np.float32)

    chain = Chain("sums", (CROP, Bright()))
    with pytest.raises(DataError, match=r"drift/s1/v1: the chain 'sums' gives values up to 7e\+04 .* up to 65504"):
        video_source(store, drift, "drift", drift.video()).frame_features(chain)
    assert not list((store.root / "feature").rglob("*.npy"))
