"""OF-FD against loops over frames and pixels, against videos whose motion is known, and against cases reckoned by hand."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.methods.of_fd import intervals, method as of_fd
from mebench.methods.of_fd.motion import THRESHOLDS, Box, MotionFromFirst, Stacked, mean_of_longest

from mebench.config import resolve
from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError, DataError
from mebench.spotting import stretches

pytest.importorskip("PyEMD", reason="EMD-signal is an extra: pip install 'mebench[emd]'")

RULES = of_fd.OFFD.Params().rules(30.0)
signals = st.lists(st.integers(0, 20), min_size=3, max_size=90).map(lambda values: np.array(values) / 4)


# -- the rules within a stretch ---------------------------------------------------------------------------------------------


def test_low_pass_keeps_slow_motion():
    t = np.arange(198) / 30
    slow = 3 + np.cos(2 * np.pi * 0.909 * t)
    fast = np.cos(2 * np.pi * 10 * t)
    np.testing.assert_allclose(intervals.low_pass(slow + fast, 5.0, 30.0)[20:-20], slow[20:-20], atol=0.03)


@given(signals)
def test_low_pass_equals_sum_over_frequencies(signal):
    n = len(signal)
    spectrum = [sum(x * np.exp(-2j * np.pi * k * i / n) for i, x in enumerate(signal)) for k in range(n)]
    frequencies = [(k if k < (n + 1) // 2 else k - n) * 30 / n for k in range(n)]
    least = min(abs(frequency - 5.0) for frequency in frequencies)

    def below(edge):
        kept = [k for k in range(n) if k < edge or k >= n - edge]
        return [abs(sum(spectrum[k] * np.exp(2j * np.pi * k * i / n) for k in kept) / n) for i in range(n)]

    # Of 33 frames two frequencies are equally near, and rounding decides.
    nearest = [max(k, 1) for k in range(n) if abs(frequencies[k] - 5.0) < least + 1e-9]
    assert any(
        np.allclose(intervals.low_pass(signal, 5.0, 30.0), below(edge), rtol=1e-7, atol=1e-9) for edge in nearest
    )


@given(signals, st.integers(1, 30))
def test_rise_equals_loop_over_frames(signal, around):
    n = len(signal)
    expected = [signal[i] - signal[max(0, i - around) : min(n - 1, i + around)].min() for i in range(n)]
    assert intervals.rise(signal, around).tolist() == pytest.approx(expected)


def test_without_trend_leaves_nothing_of_a_line():
    line = np.linspace(0, 5, 150)
    wave = np.sin(np.arange(150) / 4)
    assert np.abs(intervals.without_trend(line)).max() == 0
    assert np.abs(intervals.without_trend(np.zeros(20))).max() == 0
    assert np.abs((intervals.without_trend(line + wave) - wave)[20:-20]).max() < 0.3


def test_stretches_join_frames_less_than_three_apart():
    assert stretches(np.isin(np.arange(40), [4, 5, 7, 10, 30]), intervals.BRIDGE) == [(4, 7), (10, 10), (30, 30)]


def bump(n=120, at=60, width=6.0, height=4.0):
    return height * np.exp(-(((np.arange(n) - at) / width) ** 2))


def ripple(n):
    """What a region at rest is seen to move, 3 Hz: a single bump without it has no modes."""
    return 0.05 * np.sin(2 * np.pi * 3 * np.arange(n) / 30)


def test_peaks_are_high_and_rise_with_and_without_trend():
    signal = bump() + ripple(120)
    (found,) = intervals.peaks(signal, 1.9, RULES)
    assert 50 < found[0] < 60 < found[1] < 70
    assert intervals.peaks(signal, 1.9, RULES._replace(base=4.2)) == []
    assert intervals.peaks(signal, 4.2, RULES) == []
    assert intervals.peaks(signal, 1.9, RULES._replace(wave=9.0)) == []
    assert intervals.peaks(bump(), 1.9, RULES) == []  # all of it is trend
    assert intervals.peaks(np.linspace(0, 9, 120) + ripple(120), 1.9, RULES) == []  # it drifts away


@given(st.integers(35, 85), st.floats(4, 12), st.floats(2.2, 9))
def test_widened_ends_at_third_of_height(at, width, height):
    signal = bump(at=at, width=width, height=height)
    first, last = intervals.widened(signal, (at - 1, at + 1), RULES)
    assert max(signal[first], signal[last]) < 0.335 * height < 1.02 * min(signal[first + 1], signal[last - 1])
    assert at - first == pytest.approx(width * math.sqrt(-math.log(0.33)), abs=1.5)
    assert last - at == at - first


def test_widened_ends_where_signal_rises_again():
    signal = np.concatenate([np.zeros(30), [5, 4, 3, 4, 6, 8, 6, 4, 3, 4, 5], np.full(30, 0.1)])
    assert intervals.widened(signal, (34, 36), RULES)[0] == 33  # the lowest frames lie before
    assert intervals.widened(signal[::-1], (34, 36), RULES)[1] == 37  # after


def test_widened_moves_end_to_low_valley():
    """The lowest frame around lies inside, so neither end looks beyond ten frames."""
    signal = np.full(70, 5.0)
    signal[20:50], signal[35] = 9.0, 0.0
    signal[14] = signal[55] = 4.6
    assert intervals.widened(signal, (16, 53), RULES) == (15, 54)
    signal[14] = signal[55] = 4.8
    assert intervals.widened(signal, (16, 53), RULES) == (16, 53)


def test_divided_splits_at_deep_valley():
    signal = bump(at=40) + bump(at=70)
    assert intervals.divided(signal, (30, 80), RULES) == [(30, 54), (56, 80)]
    assert intervals.divided(signal, (30, 49), RULES) == [(30, 49)]  # too short
    shallow = bump(at=40, width=12) + bump(at=58, width=12)
    assert intervals.divided(shallow, (28, 70), RULES) == [(28, 70)]


def plain_merged(spans, overlap):
    kept = []
    for span in spans:
        met = []
        for other in kept:
            common = len(set(range(*span)) & set(range(*other)))
            shorter = min(span[1] - span[0], other[1] - other[0])
            met.append(bool(shorter) and common / shorter > overlap)
        kept = [(min(o[0], span[0]), max(o[1], span[1])) if m else o for o, m in zip(kept, met)]
        kept += [] if any(met) else [span]
    return kept


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)).map(lambda p: (p[0], p[0] + p[1])), max_size=12),
    st.sampled_from([0.1, 0.34]),
)
def test_merged_equals_sets_of_frames(spans, overlap):
    assert intervals.merged(spans, overlap) == plain_merged(spans, overlap)


# -- the motion of regions --------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from([0.2, 0.3, 0.7, 1.0]))
def test_mean_of_longest_equals_sorted_list(seed, share):
    flow = np.random.default_rng(seed).normal(0, 1, (9, 12, 2)).astype(np.float32)
    box, region = Box(10, 20, 22, 29), Box(8, 22, 16, 40)  # reaches beyond on the left and at the bottom
    vectors = [flow[y - 20, x - 10].tolist() for y in range(22, 29) for x in range(10, 16)]
    longest = sorted(vectors, key=lambda v: math.hypot(*v))[int(len(vectors) * (1 - share)) :]
    expected = [sum(v[axis] for v in longest) / (len(vectors) * share) for axis in range(2)]
    assert mean_of_longest(flow, region, box, share) == pytest.approx(expected, abs=1e-5)
    for outside in (Box(0, 22, 9, 25), Box(30, 22, 40, 25), Box(12, 0, 15, 19), Box(12, 40, 15, 50), Box(0, 0, 5, 5)):
        assert mean_of_longest(flow, outside, box, share).tolist() == [0, 0]


def face(unit=32.0):
    """A textured picture and 68 points of a plain face whose inner corners of the eyes lie 2 `unit` apart."""
    at = np.zeros((68, 2))
    centre = np.array([4.0, 3.0])
    at[:] = centre
    at[17:22] = centre + np.column_stack([np.linspace(-2.8, -0.7, 5), [-1.0, -1.2, -1.3, -1.2, -1.1]])
    at[22:27] = centre + np.column_stack([np.linspace(0.7, 2.8, 5), [-1.1, -1.2, -1.3, -1.2, -1.0]])
    at[27:31] = centre + np.column_stack([np.zeros(4), np.linspace(0.2, 1.3, 4)])
    at[31:36] = centre + np.column_stack([np.linspace(-0.6, 0.6, 5), np.full(5, 1.6)])
    at[39], at[42] = centre - (1, 0), centre + np.array([1, 0])
    angles = np.linspace(np.pi, -np.pi, 12, endpoint=False)
    at[48:60] = centre + np.column_stack([1.3 * np.cos(angles), 2.8 - 0.5 * np.sin(angles)])
    at[60:68] = centre + np.array([0, 2.8])
    side = round(8 * unit)
    noise = np.random.default_rng(0).random((20, 20)).astype(np.float32)
    picture = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    return (picture.clip(0, 1) * 255).astype(np.uint8), at * unit


def shifted(picture, x, y, box=None):
    moved = cv2.warpAffine(
        picture, np.float32([[1, 0, x], [0, 1, y]]), picture.shape[::-1], borderMode=cv2.BORDER_REFLECT
    )
    if box is None:
        return moved
    left, top, right, bottom = (round(edge) for edge in box)
    whole = picture.copy()
    whole[top:bottom, left:right] = moved[top:bottom, left:right]
    return whole


def motion(pictures, points, unit=32.0):
    return MotionFromFirst(unit, of_fd.OFFD.Params().shares).apply(Stacked().apply(np.stack(pictures)), points)


def test_motion_ignores_head_that_moves_as_whole():
    picture, points = face()
    found = motion(
        [picture, shifted(picture, 0.6, -0.4), shifted(picture, 2.4, -1.7), shifted(picture, -3.2, 3.9)], points
    )
    assert found.shape == (4, 16, 2)
    assert not found[0].any()
    assert np.abs(found).max() < 0.25


def test_motion_of_mouth_ignores_size_of_face():
    for unit in (16.0, 32.0, 40.0):
        picture, points = face(unit)
        box = [*(points[48:60].min(0) - 0.55 * unit), *(points[48:60].max(0) + 0.55 * unit)]
        still, moving = motion([picture, shifted(picture, 0.06 * unit, -0.09 * unit, box)], points)
        np.testing.assert_allclose(moving[8:14], np.full((6, 2), [0.06 * 32, -0.09 * 32]), atol=0.5)
        assert np.abs(moving[:8]).max() < 0.1
        assert not still.any()


def test_motion_follows_moving_head():
    """Farther than the tip of the nose could be found again at once."""
    picture, points = face()
    way = [(2.6 * i, -1.9 * i) for i in range(9)]
    found = motion([shifted(picture, *by) for by in way], points)
    assert np.abs(found).max() < 0.4


def test_motion_ignores_parts_outside_crop():
    picture, points = face()
    for by in ([0, 150], [-250, 0], [0, -300]):
        away = points.copy()
        away[48:] += by  # the mouth
        seen = motion([picture, shifted(picture, 1.0, 0.0)], away)[1]
        assert np.ptp(seen[8:14], axis=0).max() == 0  # but for the head's motion, which is taken off


def test_motion_has_parts_of_public_code():
    """Which region moves with what: a step to the side of the picture, seen by those that it reaches alone."""
    picture, points = face()
    for region, box in {
        1: (points[20] - 9, points[20] + 9),
        9: (points[48] - (9, 9), points[48] + (18, 9)),
        14: (points[31] - (19, 19), points[31] + (9, 4)),
        15: (points[35] - (9, 19), points[35] + (19, 4)),
    }.items():
        moved = motion([picture, shifted(picture, 1.5, 0.0, np.concatenate(box))], points)[1, :, 0]
        assert moved[region] == pytest.approx(1.5, abs=0.6)
        assert moved[region] >= max(abs(moved)) - 0.3
    assert THRESHOLDS == ("brows",) * 8 + ("mouth",) * 6 + ("nose",) * 2


def test_Stacked_takes_every_nth_crop():
    crops = np.arange(7, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 3), np.uint8)
    assert Stacked(3).apply(crops).shape == (2, 3, 3)
    assert Stacked(3).apply(crops)[0, 0].tolist() == [0, 3, 6]
    with pytest.raises(ConfigError, match="every of Stacked"):
        Stacked(0)


def test_motion_refuses_faces_without_landmarks():
    picture, points = face()
    with pytest.raises(DataError, match="needs 68 facial landmarks"):
        motion([picture], None)
    with pytest.raises(DataError, match="are 0 pixels apart in the crop, expected at least 4: check the landmarks"):
        motion([picture], points * 0)


# -- videos -----------------------------------------------------------------------------------------------------------------


def method(kinds=("micro", "macro"), one_per_video=False, **params):
    return of_fd.OFFD(of_fd.OFFD.Params(**params), Task(frozenset({"spot"}), kinds, one_per_video=one_per_video))


def video(n, fps=30.0, bumps=(), asked=None):
    """A video whose regions move as told, (region, frame of the peak, width, pixels), seen from any first frame."""
    step = of_fd.OFFD.Params().step(fps)
    whole = np.repeat(ripple(n)[:, None], 16, axis=1)
    for region, at, width, height in bumps:
        whole[:, region] += bump(n, at, width, height)

    def clip(chain, onset, apex, offset):
        assert (chain, apex) == (of_fd.CHAIN, onset)
        assert 0 <= onset < offset < n
        if asked is not None:
            asked.append((onset, offset))
        own = whole[onset : offset + 1 : step] - whole[onset]
        return np.stack([own, np.zeros_like(own)], axis=-1).astype(np.float16)

    timing = Timing(fps, 3, {"micro": 6, "macro": 20})
    return VideoView("d/s/v", SubjectKey("d", "s"), fps, n, timing, None, clip)


def spotted(own, view):
    scores = own.score_frames(view)
    return scores, own.propose(view, scores)


def test_spotted_reads_half_overlapping_stretches_of_200():
    asked = []
    scores, found = spotted(method(), video(380, asked=asked))
    assert asked == [(0, 199), (100, 299), (200, 377)]
    assert not found
    assert np.flatnonzero(np.isnan(scores[:, 0])).tolist() == [0, 377, 378, 379]
    for n, expected in {
        6: [],
        7: [(0, 4)],
        199: [(0, 196)],
        200: [(0, 199)],  # it ends with the video
        201: [(0, 199), (100, 198)],
        300: [(0, 199), (100, 299)],
    }.items():
        asked.clear()
        spotted(method(), video(n, asked=asked))
        assert asked == expected, n
    asked.clear()
    spotted(method(), video(1407, 200.0, asked=asked))  # every seventh frame
    assert asked == [(0, 199 * 7), (100 * 7, 198 * 7)]


def test_without_gaps_fills_missing_scores():
    """Where one stretch ends and the next begins, neither looks: the last frame of the one is the first of the other."""
    asked = []
    scores, _ = spotted(method(), video(500, bumps=[(8 + i, 60 + 26 * i, 16, 4) for i in range(6)], asked=asked))
    assert asked[:2] == [(0, 199), (199, 398)]
    assert np.flatnonzero(np.isnan(scores[:, 0])).tolist() == [0, 498, 499]
    gaps = np.array([np.nan, 1, np.nan, np.nan, 4, np.nan])
    assert of_fd.without_gaps(gaps)[1:5].tolist() == [1, 2, 3, 4]
    assert np.isnan(of_fd.without_gaps(np.full(3, np.nan))).all()


def test_spotted_begins_stretch_beside_interval():
    asked = []
    _, (found,) = spotted(method(), video(500, bumps=[(9, 100, 5, 4)], asked=asked))
    assert asked[1][0] == found.offset + 20


@pytest.mark.parametrize(("fps", "width", "kind"), [(30.0, 4, "micro"), (30.0, 15, "macro"), (200.0, 27, "micro")])
def test_spotted_finds_region_that_comes_back(fps, width, kind):
    at = round(fps * 2)
    scores, (found,) = spotted(method(), video(round(fps * 6), fps, [(3, at, width, 4)]))
    assert found.kind == kind
    assert found.apex == pytest.approx(at, abs=fps / 10)
    assert found.onset < at < found.offset
    assert found.confidence == pytest.approx(4 / of_fd.OFFD.Params().brows, rel=0.1)
    assert found.confidence == scores[found.apex, 0] == np.nanmax(scores)


def test_spotted_merges_regions_and_stretches():
    _, found = spotted(method(), video(400, bumps=[(region, 150, 5, 4) for region in range(16)]))
    assert len(found) == 1


def test_spotted_has_threshold_for_each_part():
    for region, name in ((0, "brows"), (7, "brows"), (8, "mouth"), (13, "mouth"), (14, "nose"), (15, "nose")):
        view = video(380, bumps=[(region, 150, 4, 2.6)])
        assert [len(spotted(method(**{other: 3.0}), view)[1]) for other in ("brows", "mouth", "nose")] == [
            int(other != name) for other in ("brows", "mouth", "nose")
        ]


def test_spotted_refuses_short_long_and_weak_motion():
    assert spotted(method(), video(380, bumps=[(9, 150, 2, 4)]))[1] == []
    assert spotted(method(longest=0.5), video(380, bumps=[(9, 150, 15, 5)]))[1] == []
    assert spotted(method(), video(380, bumps=[(9, 150, 4, 1.7)]))[1] == []
    assert len(spotted(method(mouth=1.5), video(380, bumps=[(9, 150, 4, 1.7)]))[1]) == 1


def test_spotted_handles_kinds_apart():
    view = video(600, bumps=[(9, 150, 4, 4), (9, 300, 15, 5)])
    assert len(spotted(method(), view)[1]) == 2
    (micro,), (macro,) = (spotted(method((kind,)), view)[1] for kind in ("micro", "macro"))
    assert micro.kind == "micro"
    assert macro.kind == "macro"
    assert micro.offset < macro.onset


def test_spotted_gives_one_interval_where_one_is_expected():
    view = video(600, bumps=[(9, 150, 4, 4), (9, 300, 15, 6)])
    (found,) = spotted(method(("micro",), one_per_video=True), view)[1]
    assert found.onset < 300 < found.offset  # whatever its length
    (found,) = spotted(method(("micro",), one_per_video=True), video(90, bumps=[(9, 40, 5, 0.5)]))[1]
    assert (found.onset, found.apex, found.offset) == (found.apex - 6, pytest.approx(40, abs=1), found.apex + 5)


@pytest.mark.parametrize("n", [1, 4, 6])
def test_spotted_gives_nothing_for_few_frames(n):
    scores, found = spotted(method(), video(n))
    assert scores.shape == (n, 2)
    assert np.isnan(scores).all()
    assert not found
    assert spotted(method(one_per_video=True), video(n))[1] == []


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_spotted_takes_short_stretch_of_dry_run(rows):
    timing = Timing(30.0, 3, {"micro": 6, "macro": 20})
    view = VideoView("d/s/v", SubjectKey("d", "s"), 30.0, 60, timing, None, lambda *_: np.zeros((rows, 16, 2)))
    assert spotted(method(), view)[1] == []


# -- settings ---------------------------------------------------------------------------------------------------------------


def test_config_presets_have_numbers_of_public_programs():
    def settings(preset, dataset="synthetic"):
        return resolve(
            ["method=of_fd", f"dataset={dataset}", *([f"method.preset={preset}"] if preset else [])]
        ).method_params

    own, samm, zhao, later = (settings(name) for name in (None, "samm", "zhao2022", "zhao_later"))
    assert (own.base, own.brows, own.mouth, own.nose, own.wave, own.overlap) == (1.4, 1.925, 1.85, 2.1, 0.8, 0.1)
    assert own.lengths(30.0) == later.lengths(30.0) == zhao.lengths(30.0) == (12, 200)
    assert (samm.base, samm.brows, samm.mouth, samm.nose, samm.wave, samm.overlap) == (1.4, 1.65, 1.5, 1.5, 0.8, 0.34)
    assert samm.unit == pytest.approx(320 / 9, abs=1e-3)
    assert samm.lengths(200.0) == (10, math.inf)
    assert samm.step(200.0) == 7
    assert settings(None, "samm_lv") == dataclasses.replace(samm, size=256)
    assert (later.brows, later.mouth, later.nose, later.overlap, later.base) == (1.8, 1.85, 2.1, 0.34, 1.4)
    assert (zhao.brows, zhao.mouth, zhao.nose, zhao.overlap) == (1.8, 1.85, 2.1, 0.34)
    assert (zhao.base, zhao.wave, zhao.slope, zhao.valley) == (2.697395567, 0.939653349, 0.244599954, 0.284047166)
    assert (zhao.edge, zhao.depth) == (0.53090293, 0.75216054)


@pytest.mark.parametrize("fps", [11.0, 25.0, 29.97, 44.0, 50.0, 100.0, 200.0, 1000.0])
def test_Params_round_times_to_tenths_of_a_second(fps):
    own = of_fd.OFFD.Params()
    shortest, longest = own.lengths(fps)
    assert shortest * own.step(fps) / fps == pytest.approx(0.4, rel=0.12)
    assert longest * own.step(fps) / fps == pytest.approx(20 / 3, rel=0.1)


def test_chains_refuse_rate_too_low_for_filter():
    with pytest.raises(
        ConfigError, match=r"8 frames per second cannot show motion of method\.highest=5 Hz: choose less than 4"
    ):
        method().chains(video(90, 8.0).timing)
    assert spotted(method(highest=1.0), video(90, 3.0, bumps=[(9, 40, 4, 5)]))[0].shape == (90, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        *({name: 0} for name in ("unit", "fps", "highest", "base", "brows", "mouth", "nose", "micro_longest", "size")),
        *({name: -1} for name in ("wave", "edge", "depth", "shortest", "slope", "valley", "overlap")),
        *({name: 2} for name in ("slope", "valley", "overlap")),
        {"longest": 0.1},
        {"shares": (0.5,)},
        {"shares": (0.7, 0.2, 0.3, 0.3, 0.2, 0.0)},
    ],
)
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        of_fd.OFFD.Params(**wrong)


def test_OFFD_without_extra_fails_before_work(monkeypatch):
    monkeypatch.setattr("mebench.methods.of_fd.method.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"method=of_fd needs the package EMD-signal, .*pip install 'mebench\[emd\]'"):
        of_fd.OFFD(of_fd.OFFD.Params(), Task(frozenset({"spot"}), ("micro",)))
