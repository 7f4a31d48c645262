"""LBP-TOP as a recognizer: its features against a plain reading, frame by frame and plane by plane."""

import numpy as np
import pytest
from mebench.methods.lbp_top.method import LbpTopSvm
from skimage.feature import local_binary_pattern

from mebench.testing import check_method


@pytest.mark.parametrize("plane", [0, 1, 2])
def test_each_plane_counts_the_patterns_of_its_pictures(plane):
    """Cut along a plane, a clip is a pile of pictures; scikit-image finds the patterns of each. Borders are not counted."""
    clip = np.random.default_rng(0).integers(0, 256, (10, 24, 30)).astype(np.uint8)
    params = LbpTopSvm.Params(rows=1, cols=1, p=4, patterns="full", magnify="none")
    found = params.feature().apply(clip).reshape(3, 16)[plane]
    pile = np.moveaxis(clip, plane, 0)  # XY over frames, XT over rows, YT over columns; time runs down
    inner = [local_binary_pattern(picture, 4, 1)[1:-1, 1:-1] for picture in pile[1:-1]]
    counts = np.bincount(np.stack(inner).astype(int).ravel(), minlength=16)
    np.testing.assert_allclose(found, counts / counts.sum(), atol=1e-7)


def test_four_neighbours_are_the_setting_of_casme_ii_and_the_radius_fits_ten_frames():
    from mebench.config import resolve

    params = resolve(["method=lbp_top", "dataset=casme2"]).method_params
    assert (params.rows, params.cols, params.p, params.rx, params.ry, params.rt) == (5, 5, 4, 1, 1, 1)


def test_it_keeps_the_contract():
    assert check_method("lbp_top") == []
