"""The apex in the frequency domain against a plain reading of the public program, loop by loop."""

import math

import numpy as np
import pytest
from mebench.methods.apex_frequency.method import CHAIN, ApexFrequency
from mebench.methods.apex_frequency.steps import FastChanges, square_patterns

from mebench.core import SubjectKey, Task, Timing, VideoView
from mebench.errors import ConfigError, DataError

TIMING = Timing(30.0, 3, {"micro": 4})
NUMBER_BY_PLACE = {(-1, -1): 1, (-1, 0): 2, (-1, 1): 4, (0, -1): 8, (0, 1): 16, (1, -1): 32, (1, 0): 64, (1, 1): 128}


def method(one_per_video=False, **params):
    return ApexFrequency(ApexFrequency.Params(**params), Task(frozenset({"spot"}), one_per_video=one_per_video))


def view(amounts):
    clip = {(CHAIN, 0, 0, len(amounts) - 1): np.float16(amounts)[:, None, None]}
    return VideoView("d/s/v", SubjectKey("d", "s"), 30.0, len(amounts), TIMING, None, lambda *of: clip[of])


def noise(n, height=27, width=33, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width)).astype(np.uint8)


def plain_patterns(frame):
    """The code of each inner pixel, from the eight pixels around it."""
    height, width = frame.shape
    codes = np.zeros((height - 2, width - 2))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            for (dy, dx), number in NUMBER_BY_PLACE.items():
                codes[y - 1, x - 1] += number * (frame[y + dy, x + dx] >= frame[y, x])
    return codes


def program_amounts(frames, window, blocks):
    """The amount of each block in the window of each frame but the last, as the program counts from 1."""
    features = np.stack([plain_patterns(frame) for frame in frames], axis=2)
    rows, cols, n = features.shape
    ends = [np.repeat(features[:, :, [end]], (window - 1) // 2, axis=2) for end in (0, -1)]
    features = np.concatenate([ends[0], features, ends[1]], axis=2)
    high, wide = (rows - 1) // blocks, (cols - 1) // blocks
    middle = high // 2, wide // 2, (window + 1) // 2
    kept = np.zeros((high, wide, window))
    for i in range(1, high + 1):
        for j in range(1, wide + 1):
            for k in range(1, window + 1):
                kept[i - 1, j - 1, k - 1] = math.dist((i, j, k), middle) >= (window + 1) / 2
    found = np.zeros((n - 1, blocks, blocks))
    for at in range(n - 1):
        for row in range(blocks):
            for col in range(blocks):
                block = features[row * high : (row + 1) * high, col * wide : (col + 1) * wide, at : at + window]
                found[at, row, col] = np.abs(kept * np.fft.fftshift(np.fft.fftn(block))).sum()
    return found


def program_sum(of_blocks):
    """The program's choice: `[B, I] = sort(f, 'descend'); sum(f(find(I <= 9)))`, f being taken column after column."""
    f = [float(value) for value in of_blocks.ravel(order="F")]
    ranked = sorted(range(len(f)), key=lambda index: -f[index])
    return sum(f[rank] for rank, index in enumerate(ranked) if index + 1 <= 9)


def relative(values, of):
    return values / of.mean() - 1


def test_square_patterns_equal_loop_over_pixels():
    frames = noise(2, 7, 9) // 64  # neighbours are often equal
    np.testing.assert_array_equal(square_patterns(frames), [plain_patterns(frame) for frame in frames])


def test_fast_changes_of_released_code_equal_program():
    frames = noise(12)
    expected = np.array([program_sum(blocks) for blocks in program_amounts(frames, 7, 4)])
    found = FastChanges(3, 4, 4, "released_code").apply(frames)[:-1, 0, 0]
    np.testing.assert_allclose((1 + found) / (1 + found[0]), expected / expected[0], rtol=1e-5)


def test_fast_changes_of_paper_sum_all_blocks():
    """The centre of the filter is the frequency 0, so that a shift of the blocks' amounts comes from the program's alone."""
    frames = noise(9)
    patterns = square_patterns(frames).astype(float)
    padded = np.pad(patterns, ((2, 2), (0, 0), (0, 0)), mode="edge")
    steps = [np.fft.fftfreq(n, 1 / n) for n in (5, 6, 7)]
    kept = sum(along**2 for along in np.meshgrid(*steps, indexing="ij")) >= 3**2
    expected = np.zeros(9)
    for at in range(9):
        for row in range(4):
            for col in range(4):
                block = padded[at : at + 5, 6 * row : 6 * row + 6, 7 * col : 7 * col + 7]
                expected[at] += np.abs(np.fft.fftn(block))[kept].sum()
    np.testing.assert_allclose(FastChanges(2, 4, 4).apply(frames)[:, 0, 0], relative(expected, expected), atol=1e-6)


def test_fast_changes_are_largest_where_face_moves():
    still = noise(1, 64, 64)[0]
    frames = np.stack([still] * 40)
    for at in range(18, 23):  # a quick movement of one part, to the right and back
        frames[at, 20:40, 20:40] = np.roll(still, 2 - abs(at - 20) + 1, axis=1)[20:40, 20:40]
    for variant in ("paper", "released_code"):
        found = FastChanges(4, variant=variant).apply(frames)[:, 0, 0]
        assert 17 <= found.argmax() <= 23
        assert found[:5] == pytest.approx(found[0])


def test_fast_changes_of_blank_frames_are_zero():
    assert not FastChanges(2).apply(np.full((5, 30, 30), 7, np.uint8)).any()


def test_fast_changes_refuse_small_crops():
    with pytest.raises(DataError, match="no 6x6 blocks of texture"):
        FastChanges(2).apply(noise(3, 8, 40))


def test_score_frames_leave_last_frame_out_of_program():
    amounts = np.linspace(-0.5, 0.5, 8)
    np.testing.assert_allclose(method().score_frames(view(amounts))[:, 0], amounts, atol=1e-3)
    assert np.isnan(method(variant="released_code").score_frames(view(amounts))[:, 0]).tolist() == [False] * 7 + [True]


def test_propose_takes_highest_frame_of_short_videos():
    amounts = np.array([0.0, 0.1, 0.3, 0.2, 0.9, 0.1, 0.4, 0.2])
    found = method(one_per_video=True)
    (only,) = found.propose(view(amounts), found.score_frames(view(amounts)))
    assert only.apex == 4


def test_propose_takes_peaks_of_long_videos():
    amounts = np.zeros(60)
    amounts[[15, 40]] = 0.8, 0.6
    found = method()
    spotted = found.propose(view(amounts), found.score_frames(view(amounts)))
    assert [(one.onset, one.apex, one.offset) for one in spotted] == [(11, 15, 18), (36, 40, 43)]


@pytest.mark.parametrize(("fps", "frames"), [(25, 9), (30, 9), (100, 31), (200, 61)])
def test_chains_have_window_of_seconds(fps, frames):
    (chain,) = method().chains(Timing(float(fps), 3, {"micro": 4})).values()
    assert 2 * chain.at("volume")[0].k + 1 == frames


def test_params_refuse_what_does_nothing():
    with pytest.raises(ConfigError, match=r"method\.scales=\[0\.5, 1\.0\] does nothing here"):
        ApexFrequency.Params(scales=(0.5, 1.0))
    with pytest.raises(ConfigError, match=r"method\.window must be positive"):
        ApexFrequency.Params(window=0.0)


def test_looks_at_test_video_with_any_threshold():
    params = ApexFrequency.Params(threshold="absolute")
    assert ApexFrequency.looks_at_test_video(frozenset({"spot"}), params) == "video"
