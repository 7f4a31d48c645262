"""Matrices of MATLAB files against those that scipy writes."""

import numpy as np
import pytest
from scipy.io import savemat

from mebench.matlab import read_matlab


def test_read_matlab_returns_written_numbers(tmp_path):
    savemat(tmp_path / "a.mat", {"x": np.arange(6, dtype=np.uint8).reshape(2, 3), "y": np.ones(2)}, do_compression=True)
    found = read_matlab(tmp_path / "a.mat", {"x": (2, 3)})
    assert found["x"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert list(found) == ["x"]


@pytest.mark.parametrize("content", [b"", b"not a matrix" * 100, b"\x89HDF\r\n\x1a\n" + bytes(600)])
def test_read_matlab_refuses_other_kinds_of_files(tmp_path, content):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"not a MATLAB file of level 5|it holds no x"):
        read_matlab(tmp_path / "a.mat", {"x": (2, 3)})


def test_read_matlab_compares_shape_before_reading_numbers(tmp_path):
    savemat(tmp_path / "bomb.mat", {"x": np.zeros((1000, 1000))}, do_compression=True)
    with pytest.raises(ValueError, match="it holds x of 1000 x 1000 numbers, expected x of 2 x 3"):
        read_matlab(tmp_path / "bomb.mat", {"x": (2, 3)})
