from math import cos, floor, pi, sin

import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from mebench.errors import ConfigError, DataError
from mebench.features import HigoTop, HogTop, LbpTop

from .conftest import texture


def clip(n=7, height=12, width=14, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width), dtype=np.uint8)


def bilinear(volume, t, y, x):
    value = 0.0
    for dt in (0, 1):
        for dy in (0, 1):
            for dx in (0, 1):
                at = (floor(t) + dt, floor(y) + dy, floor(x) + dx)
                weight = np.prod([1 - abs(c - a) for c, a in zip((t, y, x), at)])
                if weight > 0:
                    value += weight * float(volume[at])
    return value


def changes(bits):
    return sum(a != b for a, b in zip(bits, bits[1:] + bits[:1]))


def patterns_by_hand(volume, p, rx, ry, rt):
    """The bits of every inner voxel on each plane: {plane: {(t, y, x): [bits]}}."""
    n, height, width = volume.shape
    found = {plane: {} for plane in ("xy", "xt", "yt")}
    for t in range(rt, n - rt):
        for y in range(ry, height - ry):
            for x in range(rx, width - rx):
                for plane, bits_of in found.items():
                    bits = []
                    for i in range(p):
                        a, b = round(cos(2 * pi * i / p), 9), round(sin(2 * pi * i / p), 9)
                        neighbour = {
                            "xy": (t, y - ry * b, x + rx * a),
                            "xt": (t - rt * b, y, x + rx * a),
                            "yt": (t - rt * b, y + ry * a, x),
                        }[plane]
                        bits.append(bilinear(volume, *neighbour) - float(volume[t, y, x]) >= -1e-4)
                    bits_of[t, y, x] = bits
    return found


@pytest.mark.parametrize(("p", "rx", "ry", "rt"), [(8, 1, 1, 1), (4, 1, 2, 1), (8, 3, 1, 2)])
def test_LbpTop_equals_definition_voxel_by_voxel(p, rx, ry, rt):
    volume = clip()
    rows = 2
    cols = 3
    uniform = [bits for bits in range(2**p) if changes([bits >> i & 1 for i in range(p)]) <= 2]
    expected = {pat: np.zeros((rows, cols, 3, n)) for pat, n in (("full", 2**p), ("uniform", p * (p - 1) + 3))}
    for plane, bits_of in enumerate(patterns_by_hand(volume, p, rx, ry, rt).values()):
        for (_, y, x), bits in bits_of.items():
            code = sum(bit << i for i, bit in enumerate(bits))
            block = y // 6, int(x >= 4) + int(x >= 9)  # 14 columns: 4, 5, 5
            expected["full"][(*block, plane, code)] += 1
            expected["uniform"][(*block, plane, uniform.index(code) if code in uniform else -1)] += 1
    for patterns, counts in expected.items():
        found = LbpTop(rows, cols, p=p, rx=rx, ry=ry, rt=rt, patterns=patterns).apply(volume)
        shares = counts / counts.sum(-1, keepdims=True)
        np.testing.assert_allclose(found, shares.reshape(rows, cols, -1), rtol=1e-6)


def test_LbpTop_equals_scikit_image_on_xy():
    volume = np.array([texture(30, 40, dx=i / 2) for i in range(5)])
    codes = np.array([local_binary_pattern(frame, 8, 1)[1:-1, 1:-1] for frame in volume[1:-1]])
    found = LbpTop(1, 1, patterns="full").apply(volume)[0, 0, :256]
    np.testing.assert_allclose(found, np.bincount(codes.astype(int).ravel(), minlength=256) / codes.size, rtol=1e-6)


def gradients_by_hand(volume):
    for t in range(1, len(volume) - 1):
        for y in range(1, volume.shape[1] - 1):
            for x in range(1, volume.shape[2] - 1):
                v = volume.astype(int)
                gx, gy = v[t, y, x + 1] - v[t, y, x - 1], v[t, y + 1, x] - v[t, y - 1, x]
                gt = v[t + 1, y, x] - v[t - 1, y, x]
                yield (t, y, x), ((gx, gy), (gx, gt), (gy, gt))


@pytest.mark.parametrize(("step", "power"), [(HogTop, 1), (HigoTop, 0)])
def test_HogTop_and_HigoTop_equal_gradients_by_hand(step, power):
    volume = clip(n=6)
    bins = 8
    expected = np.zeros((2, 2, 2, 3, bins))
    for (t, y, x), planes in gradients_by_hand(volume):
        for plane, (a, b) in enumerate(planes):
            if (a, b) != (0, 0):
                number = floor((np.degrees(np.arctan2(b, a)) + 180) / 45 + 1e-9) % bins
                expected[y // 6, x // 7, t // 3, plane, number] += np.hypot(a, b) ** power
    expected /= expected.sum(-1, keepdims=True)
    found = step(2, 2, slices=2).apply(volume)

    np.testing.assert_allclose(found, expected.reshape(2, 2, -1), rtol=1e-5)


@pytest.mark.parametrize("step", [HogTop, HigoTop])
def test_HogTop_and_HigoTop_have_at_least_one_direction(step):
    assert step(bins=1).apply(clip()).shape[-1] == 3  # one for each plane
    with pytest.raises(ConfigError, match="bins"):
        step(bins=0)


def test_HigoTop_ignores_contrast_and_HogTop_does_not():
    volume = clip() // 4
    bright = np.where(np.arange(14) < 7, volume, 3 * volume).astype(np.uint8)  # steeper on the right side
    inner = (slice(None), slice(None), slice(0, 16))  # leave the column in the middle, where the sides meet, out of it
    low, high = (HigoTop(1, 7).apply(v)[inner] for v in (volume, bright))
    np.testing.assert_allclose(low[:, [0, 1, 5, 6]], high[:, [0, 1, 5, 6]], atol=1e-6)
    low, high = (HogTop(1, 1).apply(v) for v in (volume, bright))
    assert np.abs(low - high).max() > 0.01


def test_HigoTop_of_still_clip_has_no_orientation_in_time():
    """Nothing changes over time: on XT and YT all gradients point along x or y."""
    found = HigoTop(1, 1).apply(np.repeat(clip(1), 5, axis=0))[0, 0].reshape(3, 8)
    assert np.flatnonzero(found[1]).tolist() == np.flatnonzero(found[2]).tolist() == [0, 4]


@pytest.mark.parametrize("step", [LbpTop(), HogTop(), HigoTop()])
def test_HogTop_and_LbpTop_histograms_sum_to_1(step):
    found = step.apply(clip(n=10, height=40, width=40)).reshape(5, 5, 3, -1)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)


def test_HigoTop_of_flat_clip_is_zero():
    assert not HigoTop().apply(np.full((5, 20, 20), 9, np.uint8)).any()


def test_LbpTop_and_HogTop_refuse_clips_that_are_too_short():
    with pytest.raises(DataError, match="needs at least 9 frames and the clip has 8: put Interpolate before it"):
        LbpTop(rt=4).apply(clip(8))
    with pytest.raises(DataError, match="at least 15 columns and the clip has 14"):
        LbpTop(rx=7).apply(clip())
    with pytest.raises(DataError, match="fewer blocks"):
        HogTop(rows=13).apply(clip())


@pytest.mark.parametrize(
    "wrong", [{"rx": 0}, {"rt": 1.5}, {"p": 20}, {"patterns": "some"}, {"slices": 0}, {"overlap": -1}]
)
def test_LbpTop_refuses_impossible_parameters(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LbpTop(**wrong)
