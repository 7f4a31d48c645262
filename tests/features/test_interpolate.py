import numpy as np
import pytest
from scipy.linalg import eigh, svd

from mebench.errors import ConfigError, DataError
from mebench.features import Interpolate, sequence


def clip(n, seed=0, height=9, width=8):
    return np.random.default_rng(seed).integers(0, 256, (n, height, width), dtype=np.uint8)


def as_published(frames, length):
    """The derivation step by step: SVD of the centred frames, eigenvectors of the path graph, the map between them."""
    n = len(frames)
    x = frames.reshape(n, -1).T.astype(float)
    mean = x.mean(axis=1, keepdims=True)
    u, s, vt = svd(x - mean, full_matrices=False)
    u, q = u[:, : n - 1], (s[:, None] * vt)[: n - 1]
    path = np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    laplacian = np.diag(path.sum(0)) - path
    _, w = eigh(q @ laplacian @ q.T, q @ q.T)  # linear extension of the graph embedding, smallest eigenvalue first
    embedded = w.T @ q  # row k - 1 is f_k at 1/n ... 1, up to a factor
    k = np.arange(1, n)[:, None]

    def curve(t):
        return np.sin(np.pi * k * t + np.pi * (n - k) / (2 * n))

    factor = np.diag((embedded * curve(np.arange(1, n + 1) / n)).sum(1) / (n / 2))
    np.testing.assert_allclose(factor @ curve(np.arange(1, n + 1) / n), embedded, atol=1e-8)
    new = u @ np.linalg.solve(w.T, factor @ curve(np.linspace(1 / n, 1, length))) + mean
    return new.T.reshape(length, *frames.shape[1:])


@pytest.mark.parametrize(("n", "length"), [(2, 5), (3, 10), (7, 10), (12, 10), (30, 10), (10, 1)])
def test_Interpolate_equals_the_published_model(n, length):
    frames = clip(n)
    expected = as_published(frames, length).clip(0, 255)
    np.testing.assert_allclose(Interpolate(length).apply(frames, None), expected, atol=0.5 + 1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 67, 300])
def test_Interpolate_keeps_a_clip_of_the_length(n):
    frames = clip(n, height=4, width=4)
    np.testing.assert_array_equal(Interpolate(n).apply(frames, 25.0), frames)
    np.testing.assert_allclose(sequence.curve_weights(n, n), np.eye(n), atol=1e-10)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_Interpolate_keeps_first_and_last_frame(n):
    frames = clip(n)
    new = Interpolate(10).apply(frames, None)
    np.testing.assert_array_equal(new[[0, -1]], frames[[0, -1]])


@pytest.mark.parametrize("n", [1, 2, 6])
def test_Interpolate_keeps_equal_frames(n):
    frames = np.repeat(clip(1), n, axis=0)
    np.testing.assert_array_equal(Interpolate(7).apply(frames, None), np.repeat(clip(1), 7, axis=0))


def test_Interpolate_clips_values_beyond_the_range():
    frames = np.zeros((4, 2, 2), np.uint8)
    frames[1:3] = 255  # the curve overshoots between them
    assert Interpolate(40).apply(frames, None).max() == 255
    assert sequence.curve_weights(4, 40)[:, 1:3].sum(1).max() > 1


def test_Interpolate_refuses_no_frame():
    with pytest.raises(DataError, match="at least one frame"):
        Interpolate().apply(clip(0), None)
    with pytest.raises(ConfigError, match="length"):
        Interpolate(0)
