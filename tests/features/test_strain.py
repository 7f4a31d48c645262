import numpy as np
import pandas as pd
import pytest

from mebench.errors import ConfigError
from mebench.features import Strain

DIFFERENCES = ["backward", "forward", "central"]


def strain_of(flow, difference="backward"):
    return Strain(difference).apply(flow, None)[..., 2]


def affine(ux, uy, vx, vy, size=16):
    """u and v that grow linearly with x and y, so that their derivatives are the same everywhere."""
    y, x = np.mgrid[:size, :size].astype(float)
    return np.stack([ux * x + uy * y, vx * x + vy * y], axis=-1)


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_Strain_of_translation_is_zero(difference):
    flow = np.broadcast_to([3.5, -2.0], (12, 9, 2))
    assert not strain_of(flow, difference).any()


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize(
    ("ux", "uy", "vx", "vy", "expected"),
    [
        (0.2, 0, 0, 0, 0.2),  # stretch along x
        (0, 0, 0, -0.3, 0.3),  # squeeze along y
        (0, 0.4, 0, 0, 0.4 / np.sqrt(2)),  # shear
        (0, 0.1, -0.1, 0, 0),  # a small rotation
        (0.1, 0.2, 0.3, 0.4, np.sqrt(0.1**2 + 0.4**2 + 0.5**2 / 2)),
    ],
)
def test_Strain_of_affine_field_equals_equation_3(difference, ux, uy, vx, vy, expected):
    strain = strain_of(affine(ux, uy, vx, vy), difference)
    assert strain[1:, 1:] == pytest.approx(np.full((15, 15), expected))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_Strain_backward_equals_shifted_data_frames(dtype):
    flow = np.random.default_rng(0).normal(size=(40, 31, 2)).astype(dtype)
    u, v = pd.DataFrame(flow[..., 0]), pd.DataFrame(flow[..., 1])
    ux, vx = u - u.shift(1, axis=1), v - v.shift(1, axis=1)
    uy, vy = u - u.shift(1, axis=0), v - v.shift(1, axis=0)
    naive = np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2).fillna(0).to_numpy()
    strain = strain_of(flow)
    assert strain.dtype == dtype
    np.testing.assert_array_equal(strain, naive)


def test_Strain_backward_equals_mean_program_inside():
    """Lines 13 to 17 of its `feature_extraction.py`."""
    flow = np.random.default_rng(2).normal(size=(20, 25, 2))
    u, v = pd.DataFrame(flow[..., 0]), pd.DataFrame(flow[..., 1])
    ux, vx = ((f - f.shift(1, axis=1)).fillna(0) for f in (u, v))
    uy, vy = ((f - f.shift(1, axis=0)).fillna(0) for f in (u, v))
    program = np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2).to_numpy()
    strain = strain_of(flow)

    np.testing.assert_array_equal(strain[1:, 1:], program[1:, 1:])
    assert not strain[0].any()
    assert not strain[:, 0].any()
    np.testing.assert_allclose(program[0], np.sqrt(ux.iloc[0] ** 2 + vx.iloc[0] ** 2 / 2))


def test_Strain_forward_equals_shifted_data_frames():
    flow = np.random.default_rng(1).normal(size=(20, 25, 2))
    u, v = pd.DataFrame(flow[..., 0]), pd.DataFrame(flow[..., 1])
    ux, vx = u - u.shift(-1, axis=1), v - v.shift(-1, axis=1)
    uy, vy = u - u.shift(-1, axis=0), v - v.shift(-1, axis=0)
    naive = np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2).ffill(axis=1).ffill(axis=0).to_numpy()
    np.testing.assert_array_equal(strain_of(flow, "forward"), naive)


def test_Strain_keeps_the_flow():
    flow = np.random.default_rng(2).normal(size=(6, 6, 2)).astype(np.float32)
    np.testing.assert_array_equal(Strain().apply(flow, None)[..., :2], flow)


def test_Strain_names_nearest_of_unknown_differences():
    with pytest.raises(ConfigError, match="Did you mean 'forward'"):
        Strain("forwards")
