"""MDMD against naive loops over pixels, blocks and frames, as its published program has them."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from mebench.methods.mdmd.method import MDMD, contrast, high_stretches

from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError, DataError
from mebench.features import Flow, MainDirectionDifference

TIMING = Timing(30.0, 3, {"micro": 6, "macro": 20})


def direction(u, v, released):
    """Number of the quadrant, or of the released code's angle; None where there is none."""
    if not released:
        return int(math.degrees(math.atan2(v, u)) % 360 // 90)
    if v == 0:
        return {1: 1, -1: 3}.get(int(np.sign(u)))
    return 0 if u / v >= 0 else 3


def plain_difference(flow, rows, cols, released):
    height, width = flow.shape[0] // rows, flow.shape[1] // cols
    blocks = []
    for row in range(rows):
        for col in range(cols):
            by_direction = [[], [], [], []]
            for y in range(row * height, (row + 1) * height):
                for x in range(col * width, (col + 1) * width):
                    u, v, u2, v2 = flow[y, x].tolist()
                    where = direction(u, v, released)
                    if where is not None:
                        by_direction[where].append(math.hypot(u, v) - math.hypot(u2, v2))
            main = sorted(max(by_direction, key=len), reverse=True)
            blocks.append(np.mean(main[: max(round(len(main) / 3), 1)]) if main else 0.0)
    return np.mean(sorted(blocks, reverse=True)[: max(round(len(blocks) / 3), 1)])


@pytest.mark.parametrize("directions", ["quadrants", "released_code"])
@pytest.mark.parametrize("seed", range(3))
def test_MainDirectionDifference_equals_loop_over_pixels(directions, seed):
    rng = np.random.default_rng(seed)
    flow = rng.normal(0, 1, (23, 20, 4)).round(seed).astype(np.float32) + 0  # whole numbers: many lie on an axis; no -0
    found = MainDirectionDifference(4, 3, directions).apply(flow, None)
    assert found.shape == (1, 1, 1)
    expected = plain_difference(flow, 4, 3, directions == "released_code")
    assert found[0, 0, 0] == pytest.approx(expected, abs=1e-6)


def test_MainDirectionDifference_refuses_maps_of_other_shape():
    with pytest.raises(ConfigError, match="over two gaps, not 3 channels"):
        MainDirectionDifference().apply(np.zeros((12, 12, 3), np.float32), None)
    with pytest.raises(DataError, match="no 6x6 blocks"):
        MainDirectionDifference().apply(np.zeros((5, 12, 4), np.float32), None)


def test_Flow_of_two_gaps_is_stored_apart():
    both = Flow("dis", k=3, second=6)
    assert both.gaps == (Flow("dis", k=3), Flow("dis", k=6))
    assert "second" not in Flow("dis", k=3).identity()
    assert both.identity()["second"] == 6
    with pytest.raises(ConfigError, match="second of Flow must be a longer gap"):
        Flow("dis", k=3, second=3)


def method(one_per_video=False, **params):
    return MDMD(MDMD.Params(**params), Task(frozenset({"spot"}), ("micro", "macro"), one_per_video=one_per_video))


def view(n, **features):
    return VideoView("d/s/v", SubjectKey("d", "s"), 30.0, n, TIMING, features.__getitem__, None)


def test_score_frames_are_contrasts_of_frames():
    """As in the published program: C_i = F_i - (F_{i-k+1} + F_{i+k-1}) / 2, F_i being the difference at frame i."""
    n = 200
    rng = np.random.default_rng(0)
    features = {kind: rng.random((n - 2 * k, 1, 1, 1)).astype(np.float16) for kind, k in (("micro", 12), ("macro", 39))}
    scores = method().score_frames(view(n, mdmd_micro=features["micro"], mdmd_macro=features["macro"]))
    for column, (kind, k) in enumerate((("micro", 12), ("macro", 39))):
        f = {frame: float(features[kind][frame - k, 0, 0, 0]) for frame in range(k, n - k)}
        expected = {i: f[i] - (f[i - k + 1] + f[i + k - 1]) / 2 for i in range(2 * k - 1, n - 2 * k + 1)}
        assert np.flatnonzero(~np.isnan(scores[:, column])).tolist() == list(expected)
        np.testing.assert_allclose(scores[list(expected), column], list(expected.values()))


def plain_stretches(scores, p, lengths):
    defined = [s for s in scores if not math.isnan(s)]
    level = sum(defined) / len(defined) + p * (max(defined) - sum(defined) / len(defined))
    found = []
    onset = None
    for frame, score in enumerate([*scores, -math.inf]):
        if score > level and onset is None:
            onset = frame
        if not score > level and onset is not None:
            found += [(onset, frame - 1)] if frame - onset in lengths else []
            onset = None
    return found


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=60), st.floats(0, 1), st.integers(1, 4), st.integers(0, 8))
def test_high_stretches_equal_loop_over_frames(values, p, shortest, more):
    scores = np.array([np.nan, *values, np.nan])
    lengths = range(shortest, shortest + more + 1)
    found = high_stretches(scores, p, lengths)
    assert [(s.onset, s.offset) for s in found] == plain_stretches(scores.tolist(), p, lengths)
    assert all(s.onset <= s.apex <= s.offset and s.confidence == scores[s.apex] for s in found)


def test_spotted_takes_highest_frame_of_short_videos():
    assert len(contrast(np.ones(6), 3)) == 0
    assert high_stretches(np.full(9, np.nan), 0.1, None) == []
    scores = np.array([0, 0, 1, 0, 3, 3.5, 0, 0, 0])
    (found,) = method(one_per_video=True).spotted(TIMING, "micro", scores)
    assert (found.onset, found.apex, found.offset) == (4, 5, 5)


def test_Params_have_lengths_and_gaps_of_both_datasets():
    p = MDMD.Params()
    assert [p.k("micro", 30.0), p.k("macro", 30.0), p.k("micro", 200.0), p.k("macro", 200.0)] == [12, 39, 80, 260]
    assert (p.lengths("micro", 30.0, 900), p.lengths("micro", 200.0, 900)) == (range(7, 17), range(47, 106))
    assert (p.lengths("macro", 30.0, 900)[0], p.lengths("macro", 200.0, 900)[0]) == (17, 106)


@pytest.mark.parametrize("wrong", [{"p": 2}, {"rows": 0}, {"micro_gap": 0}, {"longest": 0.1}, {"directions": "eight"}])
def test_Params_refuse_impossible_values(wrong):
    with pytest.raises(ConfigError, match=f"method.{next(iter(wrong))}"):
        MDMD.Params(**wrong)
