"""Optical strain as a spotter: scores, intervals and apex of each variant, and nothing is trained."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.methods.optical_strain import curves, method as optical_strain

from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError
from mebench.features import BlockMeans, EyesAndMouth, MaskEyes

TIMING = Timing(30.0, 3, {"micro": 5, "macro": 20})
REGIONS = {"shreve": (4, 2), "liong2016": (2, 1), "peaks": (2, 1)}


def method(variant="shreve", kinds=("micro",), one_per_video=False, **params):
    task = Task(frozenset({"spot"}), kinds, one_per_video=one_per_video)
    return optical_strain.OpticalStrain(optical_strain.OpticalStrain.Params(variant=variant, **params), task)


def view(features):
    """A video of three frames more than features: k is 3."""
    n_frames = len(features) + 3
    return VideoView(
        "d/s/v", SubjectKey("d", "s"), 30.0, n_frames, TIMING, {optical_strain.CHAIN: features}.__getitem__, None
    )


def quiet(variant, n=197, seed=0):
    """Strain of a face at rest."""
    features = np.random.default_rng(seed).uniform(0.1, 0.11, (n, *REGIONS[variant], 3))
    return features.astype(np.float16)


def spotted(m, features):
    video = view(features)
    return m.propose(video, m.score_frames(video))


@pytest.mark.parametrize(("variant", "first"), [("peaks", 0), ("liong2016", 3)])
def test_score_frames_is_mean_strain_of_both_regions(variant, first):
    features = np.random.default_rng(0).random((97, 2, 1, 3)).astype(np.float16)
    scores = method(variant).score_frames(view(features))
    assert scores.shape == (100, 1)
    expected = [(f[0, 0, 2] + f[1, 0, 2]) / 2 for f in features.astype(float)]
    np.testing.assert_allclose(scores[first : first + 97, 0], expected)
    assert np.isnan(scores).sum() == 3


def test_score_frames_of_shreve_takes_strongest_region():
    features = quiet("shreve", 97)
    features[40:50, 1, 0, 2] = 0.5  # one region alone
    micro, macro = method("shreve", kinds=("micro", "macro")).score_frames(view(features)).T
    strain = features[..., 2].astype(float).reshape(97, 8)

    def smoothed(curve):
        return np.array([curve[i - 3 : i + 4].mean() for i in range(3, 94)])

    def relative(curve):
        curve = smoothed(curve)
        return (curve - curve.mean()) / (curve.max() - curve.mean())

    np.testing.assert_allclose(micro[4:95], np.max([relative(c) for c in strain.T], axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(macro[4:95], relative(strain.mean(axis=1)), rtol=1e-9, atol=1e-9)
    assert np.isnan(micro).sum() == 3 + 2 * 3  # no partner, no full window


@pytest.mark.parametrize(("variant", "places"), [("peaks", (0, 0)), ("liong2016", (3, 6))])
def test_score_frames_of_scales_keeps_frames_apart(variant, places):
    rng = np.random.default_rng(0)
    features = {optical_strain.CHAIN: rng.random((57, 2, 1, 3)), f"{optical_strain.CHAIN}@2": rng.random((54, 2, 1, 3))}
    view = VideoView("d/s/v", SubjectKey("d", "s"), 30.0, 60, TIMING, features.__getitem__, None)
    scores = method(variant, scales=(1.0, 2.0)).score_frames(view)[:, 0]
    for i in range(60):
        own = [f[i - place, :, 0, 2].mean() for f, place in zip(features.values(), places) if 0 <= i - place < len(f)]
        assert scores[i] == pytest.approx(np.mean(own) if own else np.nan, nan_ok=True)


def test_score_frames_of_shreve_places_strain_in_middle():
    features = quiet("shreve", 97)[:88]  # of 100 frames over 12
    features[24:31, ..., 2] = 0.5  # between the frames 24 to 30 and 36 to 42
    view = VideoView(
        "d/s/v", SubjectKey("d", "s"), 30.0, 100, TIMING, {f"{optical_strain.CHAIN}@4": features}.__getitem__, None
    )
    assert abs(np.nanargmax(method("shreve", scales=(4.0,)).score_frames(view)[:, 0]) - 33) <= 1


@pytest.mark.parametrize("variant", ["shreve", "liong2016"])
@pytest.mark.parametrize("idle", [{"rule": "released_code"}, {"nms": 0.3}, {"interval": "score_curve"}])
def test_Params_refuse_options_of_other_variants(variant, idle):
    with pytest.raises(ConfigError, match=rf"does nothing with method\.variant={variant}: leave one of them out"):
        optical_strain.OpticalStrain.Params(variant=variant, **idle)
    optical_strain.OpticalStrain.Params(variant="peaks", **idle)


def test_spotted_of_shreve_tells_kinds_by_duration():
    features = quiet("shreve")
    features[40:46, 0, 0, 2] = 0.5  # 0.2 s, one region of eight
    features[120:160, ..., 2] = 0.5  # 1.3 s, the whole face
    found = spotted(method("shreve", kinds=("micro", "macro"), p=0.3), features)
    micro, macro = ([f for f in found if f.kind == kind] for kind in ("micro", "macro"))
    (short,) = micro
    assert abs(short.apex - 44) <= 2
    assert short.onset >= 38
    assert short.offset <= 50
    (long,) = macro
    assert abs(long.onset - 121) <= 3
    assert abs(long.offset - 160) <= 3


def test_spotted_of_shreve_bridges_standstill():
    features = quiet("shreve")
    features[100:124, ..., 2] = 0.5
    features[110:115, ..., 2] = 0.1
    (macro,) = spotted(method("shreve", kinds=("macro",), p=0.6), features)
    assert macro.onset < 108
    assert macro.offset > 118


@pytest.mark.parametrize("variant", ["shreve", "liong2016", "peaks"])
def test_spotted_gives_one_interval_a_kind_in_short_videos(variant):
    features = quiet(variant)
    features[60:130, ..., 2] = 0.5
    features[20:23, ..., 2] = 0.3
    found = spotted(method(variant, kinds=("micro", "macro"), one_per_video=True), features)
    assert [f.kind for f in found] == ["micro", "macro"]


@pytest.mark.parametrize("variant", ["shreve", "liong2016", "peaks"])
@pytest.mark.parametrize("n", [0, 1, 4])
def test_spotted_takes_videos_too_short_for_rule(variant, n):
    features = quiet(variant, n)
    for found in spotted(method(variant), features):
        assert 0 <= found.apex < n + 3


@pytest.mark.parametrize("variant", ["shreve", "peaks"])
def test_spotted_gives_nothing_in_still_video(variant):
    """All strains equal: mean and maximum agree, and nothing rises above them."""
    assert spotted(method(variant), np.full((100, *REGIONS[variant], 3), 0.1, np.float16)) == []


def test_spotted_of_liong2016_names_one_apex():
    features = quiet("liong2016")
    features[90:100:2, ..., 2] = 1
    (micro, macro) = spotted(method("liong2016", kinds=("micro", "macro")), features)
    assert 93 <= micro.apex <= 101  # the strain between i and i + k is that of frame i + k
    assert (micro.onset, micro.offset) == (micro.apex - 5, micro.apex + 4)
    assert (macro.onset, macro.offset) == (macro.apex - 20, macro.apex + 19)


def test_spotted_uses_length_of_each_kind():
    features = np.full((197, 2, 1, 3), 0.1, np.float16)
    features[90:100, ..., 2] = 1
    micro, macro = spotted(method("peaks", kinds=("micro", "macro")), features)
    assert abs(micro.apex - 95) <= 1
    assert (micro.onset, micro.offset) == (micro.apex - 5, micro.apex + 4)
    assert (macro.onset, macro.offset) == (macro.apex - 20, macro.apex + 19)


def brute_force_apex(curve):
    """Halves of the whole curve, down to one local maximum, written as the paper tells it; flat tops left aside."""
    n = len(curve)
    maxima = {i: curve[i] for i in range(1, n - 1) if curve[i - 1] < curve[i] > curve[i + 1]}
    if not maxima:
        return curve.index(max(curve))

    def search(frames):
        inside = [i for i in frames if i in maxima]
        if len(inside) == 1:
            return inside[0]
        first, second = frames[: len(frames) // 2], frames[len(frames) // 2 :]
        sums = [sum(maxima.get(i, 0) for i in half) for half in (first, second)]
        return search(first if sums[0] >= sums[1] else second)

    return search(list(range(n)))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40, unique=True))
def test_divide_and_conquer_equals_brute_force(curve):
    assert curves.divide_and_conquer(np.array(curve, float)) == brute_force_apex(curve)


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 5), st.integers(0, 5))
def test_divide_and_conquer_counts_from_first_defined_frame(curve, before, after):
    padded = np.r_[np.full(before, np.nan), np.array(curve, float), np.full(after, np.nan)]
    alone = curves.divide_and_conquer(np.array(curve, float))
    assert curves.divide_and_conquer(padded) == (None if alone is None else alone + before)


def test_relative_strain_runs_from_mean_to_maximum():
    strain = np.random.default_rng(0).random((50, 3)) * [1, 10, 100]
    relative = curves.relative_strain(strain, 2)
    assert relative.shape == (46, 3)
    np.testing.assert_allclose(relative.max(axis=0), 1)
    np.testing.assert_allclose(relative.mean(axis=0), 0, atol=1e-12)
    assert curves.relative_strain(strain[:4], 2).shape == (0, 3)
    assert (curves.relative_strain(np.full((9, 1), 0.1), 1) == 0).all()


def test_OpticalStrain_trains_nothing():
    assert method().stages() == ()
    assert not method().state_dict()


@pytest.mark.parametrize("variant", ["shreve", "liong2016", "peaks"])
def test_chains_mask_eyes_with_landmarks(variant):
    def masks(**params):
        return [
            s for s in method(variant, **params).chains(TIMING)[optical_strain.CHAIN].steps if isinstance(s, MaskEyes)
        ]

    assert masks(eye_margin=7) == [MaskEyes(7)]
    assert masks(regions="box") == []


def test_chains_of_shreve_cover_whole_face():
    assert BlockMeans(4, 2) in method("shreve").chains(TIMING)[optical_strain.CHAIN].steps
    for variant in ("liong2016", "peaks"):
        assert EyesAndMouth("paper") in method(variant).chains(TIMING)[optical_strain.CHAIN].steps


@pytest.mark.parametrize(("name", "value"), [("p", 1.2), ("stride", 0), ("eye_margin", -1), ("micro_seconds", 0.0)])
def test_Params_refuse_values_out_of_range(name, value):
    with pytest.raises(ConfigError, match=rf"method\.{name} must .*not {value}"):
        optical_strain.OpticalStrain.Params(**{name: value})
