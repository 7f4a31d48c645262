"""HOG-TOP as a recognizer: its features against a plain reading of the definition."""

import numpy as np
from mebench.methods.hog_top.method import HogTopSvm


def test_HogTop_sums_gradient_lengths_by_direction():
    """Voxel by voxel: differences of the two neighbours, direction on each plane, weight its length, then shares."""
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
                    direction = int((np.degrees(np.arctan2(b, a)) + 180) / 45 + 1e-9) % 8
                    expected[plane, direction] += np.hypot(a, b)
    expected /= expected.sum(axis=1, keepdims=True)
    found = HogTopSvm.Params(rows=1, cols=1, length=6).feature().apply(clip).reshape(3, 8)

    np.testing.assert_allclose(found, expected, atol=1e-6)
