import numpy as np
import pytest
from skimage.feature import local_binary_pattern

from mebench.errors import ConfigError, DataError
from mebench.features import Lbp, binary_patterns

from .conftest import texture


@pytest.mark.parametrize(("p", "r"), [(8, 1), (8, 2.5), (4, 1), (16, 2)])
def test_Lbp_uniform_equals_histogram_of_each_block(p, r):
    crop = texture(60, 75)
    rows = 4
    cols = 5
    bins = p * (p - 1) + 3
    codes = local_binary_pattern(crop, p, r, "nri_uniform")
    found = Lbp(rows, cols, p, r).apply(crop)
    assert found.shape == (rows, cols, bins)
    for i in range(rows):
        for j in range(cols):
            block = codes[15 * i : 15 * (i + 1), 15 * j : 15 * (j + 1)]
            expected = np.histogram(block, bins, (0, bins), density=True)[0]
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-6)


def test_binary_patterns_set_a_bit_for_each_neighbour_not_darker():
    gray = np.array([[9, 1, 9], [8, 5, 5], [9, 4, 9]])  # right 5, up 1, left 8, down 4
    codes = binary_patterns(gray, 4, 1, "full")
    assert codes.dtype == np.intp
    assert codes[1, 1] == 0b0101


def test_binary_patterns_see_black_beyond_the_border():
    codes = binary_patterns(np.full((3, 3), 7), 4, 1, "full")
    np.testing.assert_array_equal(codes, [[0b1001, 0b1101, 0b1100], [0b1011, 0b1111, 0b1110], [0b0011, 0b0111, 0b0110]])


@pytest.mark.parametrize("p", [2, 5, 8, 12])
@pytest.mark.parametrize("r", [0.3, 1, 1.5, 3])
def test_binary_patterns_number_uniform_patterns_one_to_one(p, r):
    """Patterns with at most two changes from the first to the last bit keep numbers of their own, all others share one."""
    gray = np.random.default_rng(round(10 * r) + p).integers(0, 256, (60, 70))
    full, uniform = binary_patterns(gray, p, r, "full"), binary_patterns(gray, p, r)
    changes = np.bitwise_count((full ^ (full >> 1)) & (2 ** (p - 1) - 1))
    np.testing.assert_array_equal(uniform == p * (p - 1) + 2, changes > 2)
    pairs = set(zip(full[changes <= 2].tolist(), uniform[changes <= 2].tolist()))
    assert len(pairs) == len({code for code, _ in pairs}) == len({number for _, number in pairs})


def test_Lbp_full_equals_histograms_of_overlapping_blocks():
    crop = texture(60, 60)
    codes = local_binary_pattern(crop, 8, 1)
    found = Lbp(1, 3, patterns="full", overlap=0.5).apply(crop)
    assert found.shape == (1, 3, 256)
    for j, left in enumerate((0, 15, 30)):
        expected = np.histogram(codes[:, left : left + 30], 256, (0, 256), density=True)[0]
        np.testing.assert_allclose(found[0, j], expected, rtol=1e-6)


def test_Lbp_ignores_brightness():
    crop = texture() // 2
    np.testing.assert_array_equal(Lbp().apply(crop)[1:-1, 1:-1], Lbp().apply(crop + 60)[1:-1, 1:-1])


def test_Lbp_of_flat_picture_has_one_pattern():
    found = Lbp(3, 3).apply(np.full((30, 30), 100, np.uint8))
    assert np.count_nonzero(found[1, 1]) == 1


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"p": 1}, {"p": 17}, {"r": 0}, {"patterns": "ror"}, {"overlap": 1.0}])
def test_Lbp_refuses_impossible_patterns(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Lbp(**wrong)


def test_Lbp_refuses_crops_without_room_for_blocks():
    with pytest.raises(DataError, match="fewer blocks"):
        Lbp(rows=9).apply(texture(8, 8))
