import numpy as np
import pytest
from hypothesis import given, strategies as st

from mebench.errors import DataError
from mebench.features import texture


def counted(codes, n_bins, spans, weights=None):
    """One histogram after another."""
    weights = np.ones(codes.shape) if weights is None else weights
    return np.array(
        [[np.histogram(codes[a:b, c:d], n_bins, (0, n_bins), weights=weights[a:b, c:d])[0] for c, d in spans[1]] for a, b in spans[0]]
    )  # fmt: skip


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 6), st.integers(1, 6), st.floats(0, 0.9))
def test_Grid_histograms_equal_those_of_each_block(height, width, rows, cols, overlap):
    if rows > height or cols > width:
        with pytest.raises(DataError, match="take fewer blocks"):
            texture.grid((height, width), (rows, cols), overlap)
        return
    rng = np.random.default_rng(0)
    codes, weights = rng.integers(0, 4, (height, width)), rng.random((height, width))
    blocks = texture.grid((height, width), (rows, cols), overlap)
    for start, stop in (span for spans in blocks.spans for span in spans):
        assert 0 <= start < stop
    assert blocks.spans[0][-1][1] == height
    np.testing.assert_array_equal(blocks.histograms(codes, 4), counted(codes, 4, blocks.spans))
    np.testing.assert_allclose(blocks.histograms(codes, 4, weights), counted(codes, 4, blocks.spans, weights))


def test_Grid_without_overlap_covers_each_pixel_once():
    for length in range(1, 130):
        for n in range(1, min(length, 12) + 1):
            spans = texture.grid((length,), (n,)).spans[0]
            assert spans == tuple((i * length // n, (i + 1) * length // n) for i in range(n))


def test_Grid_of_half_overlap_steps_by_half_a_block():
    assert texture.grid((120,), (3,), 0.5).spans[0] == ((0, 60), (30, 90), (60, 120))


def test_Grid_counts_pixels_in_no_block_nowhere():
    blocks = texture.Grid((6,), (((1, 2), (4, 5)),))
    assert blocks.histograms(np.array([0, 1, 2, 0, 1, 2]), 3).tolist() == [[0, 1, 0], [0, 1, 0]]


def test_Grid_places_a_smaller_array_in_the_middle():
    codes = np.ones((2, 4), int)
    assert texture.grid((4, 4), (2, 1)).histograms(codes, 2)[..., 1].tolist() == [[4], [4]]
    assert texture.grid((4, 4), (4, 1)).histograms(codes, 2)[..., 1].tolist() == [[0], [4], [4], [0]]


def test_unit_sum_of_empty_histogram_is_zero():
    assert texture.unit_sum(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist() == [[0.25, 0.75], [0, 0]]
