"""HIGO-TOP as a recognizer: its features against a plain reading of the definition."""

import numpy as np
from mebench.methods.higo_top.method import HigoTopSvm


def test_HigoTop_counts_directions_alone():
    """Voxel by voxel: the direction of the differences of the two neighbours on each plane, once for each; then shares."""
    clip = np.random.default_rng(0).integers(0, 256, (6, 8, 9)).astype(np.uint8)
    expected = np.zeros((3, 8))
    v = clip.astype(float)
    for t in range(1, 5):
        for y in range(1, 7):
            for x in range(1, 8):
                dx = v[t, y, x + 1] - v[t, y, x - 1]
                dy = v[t, y + 1, x] - v[t, y - 1, x]
                dt = v[t + 1, y, x] - v[t - 1, y, x]
                for plane, (a, b) in enumerate(((dx, dy), (dx, dt), (dy, dt))):
                    if a or b:
                        expected[plane, int((np.degrees(np.arctan2(b, a)) + 180) / 45 + 1e-9) % 8] += 1
    expected /= expected.sum(axis=1, keepdims=True)
    found = HigoTopSvm.Params(rows=1, cols=1, length=6).feature().apply(clip).reshape(3, 8)

    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_HigoTop_ignores_light():
    clip = np.random.default_rng(1).integers(0, 128, (6, 20, 20)).astype(np.uint8)
    feature = HigoTopSvm.Params(rows=2, cols=2, length=6).feature()
    np.testing.assert_array_equal(feature.apply(clip), feature.apply(clip * 2))
